"""The APEv2 tag block near the end of a file: found, parsed and written item by item.

mutagen's own save drops what stands behind the block (ID3v1, Lyrics3), forgets the read-only flag, sorts the items and
turns APEv1 into APEv2; here every item but genre and note keeps its bytes and its place. The layout is that of
https://wiki.hydrogenaudio.org/index.php?title=APEv2_specification.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import BinaryIO

from tagger.base.records import GenreBlock
from tagger.library import id3v1
from tagger.library.family import NOTE_KEY, Entry, TagView, digest, first_fields, kept_values
from tagger.library.loss import Permit, refuse
from tagger.library.splice import splice

BLOCK = "apev2"
MARK = b"APETAGEX"
HEADER = 32  # [bytes], and as many in the footer
VERSION_2 = 2000
HAS_HEADER, NO_FOOTER, IS_HEADER, NOT_TEXT = 1 << 31, 1 << 30, 1 << 29, 0b110
MOST_BYTES = 64 << 20  # a block that claims more is damaged
MOST_ITEMS = 10_000  # and one with more of them
_LYRICS_END = b"LYRICS200"
_FIELDS = {"artist": "artist", "album_artist": "album artist", "album": "album", "title": "title"}
_FIELDS |= {"track_number": "track", "year": "year"}
_DESCRIPTIVE = ("artist", "album", "title", "genre")


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it stands in the block."""

    key: bytes
    flags: int
    value: bytes

    @property
    def name(self) -> str:
        return self.key.decode("latin-1").lower()

    def texts(self) -> tuple[str, ...]:
        """Return the item's strings; nothing for binary items."""
        if self.flags & NOT_TEXT:
            return ()
        try:
            return tuple(self.value.decode("utf-8").split("\0"))
        except UnicodeDecodeError:  # APEv1 was written in any encoding
            return tuple(self.value.decode("latin-1").split("\0"))


@dataclass(frozen=True, slots=True)
class Block:
    """A block from byte `start` to `end`. `items` is None if they do not add up."""

    start: int
    end: int
    version: int
    flags: int
    items: tuple[Item, ...] | None

    def item(self, name: str) -> Item | None:
        return next((item for item in self.items or () if item.name == name), None)

    @property
    def descriptive(self) -> bool:
        """Whether it says what the track is, and not only how loud, as the blocks of gain tools do."""
        return any(self.item(name) for name in _DESCRIPTIVE)


def tail_start(file: BinaryIO) -> int:
    """Return where an APEv2 block ends or would end: before ID3v1, and before Lyrics3v2 ahead of that."""
    end = file.seek(0, 2)
    if id3v1.find(file) is None:
        return end
    end -= id3v1.SIZE
    if end >= 15:
        file.seek(end - 15)
        size, mark = file.read(6), file.read(9)
        if mark == _LYRICS_END and size.isdigit() and int(size) + 15 <= end:
            return end - 15 - int(size)
    return end


def find(file: BinaryIO) -> Block | None:
    """Return the block at the end of the file; None where there is none."""
    end = tail_start(file)
    if end < HEADER:
        return None
    file.seek(end - HEADER)
    footer = file.read(HEADER)
    if not footer.startswith(MARK):
        return None
    version, size, count, flags = struct.unpack("<4I", footer[8:24])
    header = HEADER if flags & HAS_HEADER else 0
    start = end - size - header
    if size < HEADER or size > MOST_BYTES or start < 0 or flags & IS_HEADER:
        return Block(end - HEADER, end, version, flags, None)
    file.seek(start)
    if header and not file.read(HEADER).startswith(MARK):
        return Block(end - HEADER, end, version, flags, None)
    return Block(start, end, version, flags, _items(file.read(size - HEADER), count))


def _items(data: bytes, count: int) -> tuple[Item, ...] | None:
    items: list[Item] = []
    position = 0
    while position < len(data):
        close = data.find(b"\0", position + 8)
        if close <= position + 8 or len(items) >= min(count, MOST_ITEMS):
            return None
        size, flags = struct.unpack("<2I", data[position : position + 8])
        value = data[close + 1 : close + 1 + size]
        if len(value) != size:
            return None
        items.append(Item(data[position + 8 : close], flags, value))
        position = close + 1 + size
    return tuple(items) if len(items) == count else None


def view(block: Block) -> TagView:
    """Return what the block says."""
    genre, note, compilation = block.item("genre"), block.item(NOTE_KEY.lower()), block.item("compilation")
    fields: dict[str, object] = {name: item.texts() for name, key in _FIELDS.items() if (item := block.item(key))}
    if "album_artist" not in fields and (item := block.item("albumartist")):
        fields["album_artist"] = item.texts()
    if "year" in fields:
        fields["year"] = str(fields["year"][0])[:4]  # type: ignore[index]
    return TagView(
        blocks=(GenreBlock(BLOCK, kept_values(genre.texts()) if genre else ()),),
        fields=first_fields(fields),
        compilation=compilation is not None and compilation.texts()[:1] == ("1",),
        note=note.texts()[0] if note and note.texts() else None,
    )


def entries(block: Block) -> list[Entry]:
    """List all items but genre and note."""
    return [
        Entry(BLOCK, item.name, digest(item.flags.to_bytes(4, "little") + item.key + b"\0" + item.value))
        for item in block.items or ()
        if item.name not in ("genre", NOTE_KEY.lower())
    ]


def save(
    file: BinaryIO, block: Block | None, values: tuple[str, ...], note: str | None, path: bytes, permit: Permit
) -> None:
    """Set genre and note in the block, or put a new block where one belongs; an empty block is taken out.

    Raises
    ------
    WriteSkipped
        If the block is damaged.
    """
    if block is not None and block.items is None:
        refuse(path, permit, "damaged", "its APEv2 tag is damaged")
    if block is None:
        end = tail_start(file)
        block = Block(end, end, VERSION_2, HAS_HEADER, ())
    items = _with(list(block.items or ()), "Genre", "\0".join(values))
    items = _with(items, NOTE_KEY, note or "")
    new = _rendered(items, block.version, block.flags) if items else b""
    splice(file, block.start, block.end - block.start, new)


def _with(items: list[Item], key: str, text: str) -> list[Item]:
    """Return the items with one set where it stood, else at the end; an empty text takes it out."""
    name = key.lower()
    old = next((index for index, item in enumerate(items) if item.name == name), len(items))
    kept = [item for item in items if item.name != name]
    if not text:
        return kept
    value = text.encode("utf-8")
    new = Item(key.encode(), 0, value)
    if old < len(items):
        new = replace(items[old], flags=items[old].flags & ~NOT_TEXT, value=value)
    return [*kept[:old], new, *kept[old:]]


def _rendered(items: list[Item], version: int, flags: int) -> bytes:
    body = b"".join(struct.pack("<2I", len(i.value), i.flags) + i.key + b"\0" + i.value for i in items)
    counts = (version, len(body) + HEADER, len(items))
    footer = MARK + struct.pack("<4I", *counts, flags & ~IS_HEADER) + bytes(8)
    header = MARK + struct.pack("<4I", *counts, flags | IS_HEADER) + bytes(8) if flags & HAS_HEADER else b""
    return header + body + footer
