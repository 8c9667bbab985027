"""FLAC: a Vorbis comment among the metadata blocks; an ID3v2 block before them where another program left one.

An ID3v1 tag behind the stream is neither read nor written: FLAC has none, and decoders take its bytes for audio.
"""

from __future__ import annotations

from typing import BinaryIO

from mutagen.flac import FLAC

from tagger.base.errors import UnreadableTags
from tagger.library import id3, mp3, vorbis
from tagger.library.door import through_mutagen
from tagger.library.family import Entry, TagView, Wanted, best_of, digest

_COMMENT, _PADDING = 4, 1  # types of metadata blocks


def read(path: bytes) -> TagView:
    """Read the tags; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        flac = FLAC(file)
        own = [vorbis.view(flac.tags)] if flac.tags is not None else []
        duration = flac.info.length if flac.info.length > 0 else None
        return best_of(*own, *mp3.outer_views(file, path), TagView((), duration=duration))


def save(path: bytes, wanted: Wanted, note: str | None) -> None:
    """Set genre and note in place; see `family.Family`."""
    with through_mutagen("writing", path), open(path, "r+b") as file:
        flac = FLAC(file)
        if flac.tags is None:
            flac.add_tags()
        vorbis.change(flac.tags, wanted(vorbis.BLOCK), note)
        file.seek(0)
        flac.save(file, deleteid3=False, padding=vorbis.padding)
        mp3.save_outer(file, wanted, path)


def entries(path: bytes) -> list[Entry]:
    """List all other tags, by an own parser; see `family.Family`."""
    with through_mutagen("reading", path), open(path, "rb") as file:
        found = mp3.tag_entries(file, path)
        file.seek(id3.block_size(_head(file)))
        if file.read(4) != b"fLaC":
            raise UnreadableTags(path, "its FLAC stream is not where it should be")
        last = False
        while not last:
            kind, content, last = _metadata_block(file, path)
            if kind == _COMMENT:
                found += vorbis.entries(content)
            elif kind != _PADDING:
                found.append(Entry("flac", f"block {kind}", digest(content)))
        return found


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(id3.HEADER)


def _metadata_block(file: BinaryIO, path: bytes) -> tuple[int, bytes, bool]:
    head = file.read(4)
    size = int.from_bytes(head[1:], "big")
    content = file.read(size)
    if len(head) < 4 or len(content) < size:
        raise UnreadableTags(path, "its FLAC metadata is cut off")
    return head[0] & 0x7F, content, bool(head[0] & 0x80)
