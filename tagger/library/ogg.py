"""Ogg: Vorbis, Opus, FLAC in Ogg and Speex; a Vorbis comment in the second packet of the audio stream."""

from __future__ import annotations

from typing import Any, BinaryIO

from mutagen.ogg import OggPage
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis

from tagger.base.errors import UnreadableTags
from tagger.library import vorbis
from tagger.library.door import through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of, digest
from tagger.library.loss import Permit

# First bytes of a stream: its kind, and what stands before the comment in the comment packet.
KINDS: dict[bytes, tuple[Any, bytes]] = {
    b"\x01vorbis": (OggVorbis, b"\x03vorbis"),
    b"OpusHead": (OggOpus, b"OpusTags"),
    b"\x7fFLAC": (OggFLAC, b"????"),  # the header of a FLAC metadata block
    b"Speex   ": (OggSpeex, b""),
}
_FIRST_PAGES = 32  # where the beginnings of all streams stand


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        ogg = _opened(file, path)
        duration = ogg.info.length if ogg.info.length > 0 else None
        return best_of(vorbis.view(ogg.tags), TagView((), duration=duration))


def save(path: bytes, wanted: Wanted, note: str | None, permit: Permit) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        ogg = _opened(file, path)
        vorbis.change(ogg.tags, wanted(vorbis.BLOCK), note)
        file.seek(0)
        ogg.save(file, padding=vorbis.padding)


def entries(path: bytes) -> list[Entry]:
    """List all other header content; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        return _entries(file, path)


def _entries(file: BinaryIO, path: bytes) -> list[Entry]:
    first, _ = _audio_stream(file, path)
    mark = next(mark for start, (_, mark) in KINDS.items() if first.packets[0].startswith(start))
    pages, packet_count = [], 0
    while packet_count < 1:
        page = OggPage(file)
        if page.serial == first.serial:
            pages.append(page)
            packet_count += len(page.packets) - (0 if page.complete else 1)
    packet = OggPage.to_packets(pages, strict=False)[0]
    if not packet.startswith(mark) and mark != b"????":
        raise UnreadableTags(path, "its comment header is not where it should be")
    found = vorbis.entries(packet[len(mark) :])
    found.append(Entry("ogg", "identification", digest(first.packets[0])))
    found += [Entry("ogg", "opus extra", digest(extra)) for extra in _opus_extra(packet, mark)]
    return found


def _opus_extra(packet: bytes, mark: bytes) -> list[bytes]:
    """Return what Opus keeps behind the comment: data to be preserved if its first bit is set (RFC 7845, 5.2)."""
    if mark != b"OpusTags":
        return []
    end = vorbis.length(packet[len(mark) :]) + len(mark)
    return [packet[end:]] if packet[end : end + 1] and packet[end] & 1 else []


def _opened(file: BinaryIO, path: bytes) -> Any:
    _, kind = _audio_stream(file, path)
    file.seek(0)
    ogg = kind(file)
    if ogg.tags is None:
        raise UnreadableTags(path, "its Ogg stream has no comment header")
    return ogg


def _audio_stream(file: BinaryIO, path: bytes) -> tuple[OggPage, Any]:
    """Return the first page of the first audio stream, and mutagen's class for it. The file is left behind that page.

    Raises
    ------
    UnreadableTags
    """
    found: list[tuple[OggPage, Any, int]] = []
    file.seek(0)
    for _ in range(_FIRST_PAGES):
        page = OggPage(file)
        if not page.first:
            break
        found += [(page, kind, file.tell()) for start, (kind, _) in KINDS.items() if page.packets[0].startswith(start)]
    if not found:
        raise UnreadableTags(path, "its Ogg streams hold no audio of a known kind")
    page, kind, position = found[0]
    file.seek(position)
    return page, kind
