"""What a save changes without losing anything, in words; and whether there will be a short way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from tagger.base.ogg import HEADER_BYTES as _PAGE_HEADER
from tagger.base.ogg import PAGE_MARK
from tagger.library import delta, id3, id3v22, riff
from tagger.library.family import TagView
from tagger.library.id3_frames import has_extended_header, has_plain_sizes
from tagger.library.payload import payload_extent

NAMES = {
    **{"id3v2.2": "ID3v2.2 tag", "id3v2.3": "ID3v2.3 tag", "id3v2.4": "ID3v2.4 tag", "id3v1": "ID3v1 tag"},
    **{"apev2": "APEv2 tag", "vorbis": "Vorbis comment", "mp4": "iTunes tag", "asf": "ASF attributes"},
    **{"riff-info": "INFO list"},
}


@dataclass(frozen=True, slots=True)
class Raw:
    """The bytes of a file around its audio. `block` is its ID3v2 block; `size` and `audio` are lengths in bytes.

    `head` and `tail` are None where they are longer than a way back can describe.
    """

    head: bytes | None
    tail: bytes | None
    first_audio: bytes
    size: int
    audio: int
    block: bytes

    @classmethod
    def of(cls, path: bytes, container: str) -> Raw:
        """Read them.

        Raises
        ------
        UnreadableTags
        """
        offset, length = payload_extent(path)
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            end = offset + length
            head, tail = _edge(file, 0, offset), _edge(file, end, size - end)
            file.seek(offset)
            first = file.read(_PAGE_HEADER)
            in_chunk = container in ("wav", "aiff")
            block = riff.id3_block(file, path) if in_chunk else id3.head_block(file)
        return cls(head, tail, first, size, length, block)


def _edge(file: BinaryIO, start: int, count: int) -> bytes | None:
    if count > delta.MOST_EDGE:
        return None
    file.seek(start)
    return file.read(count)


def way_back_is_short(before: Raw, after: Raw) -> bool:
    """Whether `delta.reverse_delta` will surely find a way back from the changed file to the original's bytes.

    Where the pages of an Ogg file are numbered anew, that depends on audio that was not read: then the answer is no.
    """
    edges = (before.head, before.tail, after.head, after.tail)
    if None in edges or before.audio != after.audio or _renumbered(before, after):
        return False
    literal = sum(
        delta.literal_size(old, new)
        for old, new in ((before.head, after.head), (before.tail, after.tail))
        if old is not None and new is not None
    )
    return literal <= delta.MOST_LITERAL


def _renumbered(before: Raw, after: Raw) -> bool:
    """Whether the pages of an Ogg file got other numbers: then each differs from before."""
    return before.first_audio.startswith(PAGE_MARK) and before.first_audio != after.first_audio


def changes_between(before: TagView, after: TagView, raw_before: Raw, raw_after: Raw, exact: bool) -> tuple[str, ...]:
    """Return what a save changes beside the genre that people look at first, and loses nothing."""
    there = [block.block for block in before.blocks]
    new = [block.block for block in after.blocks if block.block not in there and not _is_v22_again(block.block, there)]
    changed = [block.block for block in after.blocks[1:] if block.block in there and block not in before.blocks]
    found = [f"adds an {NAMES[name]}" if NAMES[name][0] in "AIE" else f"adds a {NAMES[name]}" for name in new]
    found += [f"also sets the genre in its {NAMES[name]}" for name in changed]
    if "id3v1" in there and "id3v2.3" in new and "apev2" not in there:
        found.append("copies the texts of its ID3v1 tag into the new ID3v2 tag")
    found += _block_changes(raw_before.block)
    grown = raw_after.size - raw_before.size
    if grown:
        found.append(f"the file {'grows' if grown > 0 else 'shrinks'} by {abs(grown):,} bytes")
    if _renumbered(raw_before, raw_after):
        found.append("its Ogg pages are numbered anew")
    if not exact:
        found.append("undo will give back the genre, perhaps not the same bytes")
    return tuple(found)


def _is_v22_again(name: str, there: list[str]) -> bool:
    return name == "id3v2.3" and "id3v2.2" in there


def _block_changes(block: bytes) -> list[str]:
    """Return what becomes of the form of an ID3v2 block."""
    if not block or block[3] == id3v22.VERSION:
        return []
    found = []
    if block[5] & 0x80:
        goes = "moves from the ID3v2 tag to its frames" if block[3] == 4 else "is taken out of the ID3v2 tag"
        found.append(f"unsynchronisation {goes}")
    if block[5] & 0x40 and not has_extended_header(block):
        found.append("the ID3v2 tag no longer announces an extended header that it does not have")
    if has_plain_sizes(block):
        found.append("the sizes of its ID3v2.4 frames are written as the standard asks")
    return found
