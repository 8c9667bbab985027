"""The parts that a sound file is made of, nested ones too: chunks, atoms, blocks, pages, objects, frames, tag items.

Made for aiming damage, so it takes any bytes, believes their sizes, and stops where they lead out of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

MOST_PARTS = 2000
MOST_DEPTH = 12

Order = Literal["big", "little"]

_MP4_INNER = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst", b"----", b"covr", b"\xa9gen")
_MP4_FIRST = (b"ftyp", b"moov", b"mdat", b"free")
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_EXTENSION = bytes.fromhex("b503bf5f2ea9cf118ee300c00c205365")


class Part(NamedTuple):
    """A stretch of a file. Its size stands in `width` bytes at `size_at`; a width of 0 means that it says none."""

    start: int
    end: int
    size_at: int
    width: int
    order: Order = "big"


def parts_of(data: bytes) -> list[Part]:
    """Return the parts that can be found, outer ones before those within them."""
    return list(islice(_all_parts(data), MOST_PARTS))


def _all_parts(data: bytes) -> Iterator[Part]:
    start = 0
    if data.startswith(b"ID3"):
        yield from _id3(data, 0)
        start = 10 + _synchsafe(data[6:10])
    yield from _ape(data)
    head = data[start : start + 16]
    if head.startswith(b"fLaC"):
        yield from _flac(data, start + 4)
    elif head.startswith((b"RIFF", b"RF64")):
        yield from _chunks(data, start + 12, len(data), "little")
    elif head.startswith(b"FORM"):
        yield from _chunks(data, start + 12, len(data), "big")
    elif head.startswith(b"OggS"):
        yield from _pages(data, start)
    elif head.startswith(_ASF_HEADER):
        yield from _objects(data, start, len(data), 0)
    elif head.startswith(b"wvpk"):
        yield from _blocks(data, start)
    elif head[4:8] in _MP4_FIRST:
        yield from _atoms(data, start, len(data), 0)
    else:
        yield from _frames(data, start)


def _number(data: bytes, at: int, width: int, order: Order) -> int:
    return int.from_bytes(data[at : at + width], order)


def _synchsafe(four: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(four, (21, 14, 7, 0), strict=False))


def _id3(data: bytes, start: int) -> Iterator[Part]:
    end = min(len(data), start + 10 + _synchsafe(data[start + 6 : start + 10]))
    yield Part(start, end, start + 6, 4)
    at, spread = start + 10, data[start + 3 : start + 4] == b"\4"
    while at + 10 < end and data[at]:
        size = _synchsafe(data[at + 4 : at + 8]) if spread else _number(data, at + 4, 4, "big")
        yield Part(at, min(end, at + 10 + size), at + 4, 4)
        at += 10 + size


def _ape(data: bytes) -> Iterator[Part]:
    """Yield the blocks by their marks, header or footer, and the items behind a header."""
    at = data.find(b"APETAGEX")
    while at >= 0:
        yield Part(at, min(len(data), at + 32), at + 12, 4, "little")
        yield Part(at, min(len(data), at + 32), at + 16, 4, "little")  # the number of items
        if data[at + 23 : at + 24] and data[at + 23] & 0x20:
            position, end = at + 32, at + 32 + _number(data, at + 12, 4, "little")
            while position + 8 < min(end, len(data)):
                key_end = data.find(b"\0", position + 8)
                stop = key_end + 1 + _number(data, position, 4, "little")
                if key_end < 0 or stop > len(data):
                    break
                yield Part(position, stop, position, 4, "little")
                position = stop
        at = data.find(b"APETAGEX", at + 8)


def _flac(data: bytes, at: int) -> Iterator[Part]:
    while at + 4 <= len(data):
        size = _number(data, at + 1, 3, "big")
        yield Part(at, min(len(data), at + 4 + size), at + 1, 3)
        if data[at] & 0x7F == 4:
            yield from _comments(data, at + 4, at + 4 + size)
        if data[at] & 0x80:
            return
        at += 4 + size


def _comments(data: bytes, at: int, end: int) -> Iterator[Part]:
    """Yield vendor and comments of a Vorbis comment, and its number of comments."""
    vendor = _number(data, at, 4, "little")
    yield Part(at, min(end, at + 4 + vendor), at, 4, "little")
    at += 4 + vendor
    yield Part(at, min(end, at + 4), at, 4, "little")
    at += 4
    while at + 4 <= min(end, len(data)):
        size = _number(data, at, 4, "little")
        yield Part(at, min(end, at + 4 + size), at, 4, "little")
        at += 4 + size


def _chunks(data: bytes, at: int, end: int, order: Order) -> Iterator[Part]:
    yield Part(at - 12, end, at - 8, 4, order)
    while at + 8 <= end:
        size = _number(data, at + 4, 4, order)
        yield Part(at, min(end, at + 8 + size), at + 4, 4, order)
        if data[at : at + 4].lower() == b"id3 ":
            yield from _id3(data, at + 8)
        elif data[at : at + 4] == b"LIST" and data[at + 8 : at + 12] == b"INFO":
            yield from _chunks(data, at + 12, min(end, at + 8 + size), order)
        at += 8 + size + size % 2


def _pages(data: bytes, at: int) -> Iterator[Part]:
    first = data.find(b"\x03vorbis", 0, 8192) + 7 or data.find(b"OpusTags", 0, 8192) + 8
    if first > 7:
        yield from islice(_comments(data, first, min(len(data), first + 4096)), 20)
    while data[at : at + 4] == b"OggS" and at + 27 <= len(data):
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        yield Part(at, min(len(data), end), at + 26, 1)
        at = end


def _objects(data: bytes, at: int, end: int, depth: int) -> Iterator[Part]:
    while at + 24 <= end and depth < MOST_DEPTH:
        size = _number(data, at + 16, 8, "little")
        stop = min(end, at + size)
        yield Part(at, max(at, stop), at + 16, 8, "little")
        if data[at : at + 16] in (_ASF_HEADER, _ASF_EXTENSION):
            yield from _objects(data, at + (30 if data[at : at + 16] == _ASF_HEADER else 46), stop, depth + 1)
        if size < 24:
            return
        at += size


def _blocks(data: bytes, at: int) -> Iterator[Part]:
    while data[at : at + 4] == b"wvpk":
        end = at + 8 + _number(data, at + 4, 4, "little")
        yield Part(at, min(len(data), end), at + 4, 4, "little")
        at = end


def _atoms(data: bytes, at: int, end: int, depth: int) -> Iterator[Part]:
    while at + 8 <= end and depth < MOST_DEPTH:
        size, name = _number(data, at, 4, "big"), data[at + 4 : at + 8]
        yield Part(at, max(at, min(end, at + size)), at, 4)
        if name in (b"stsz", b"stco", b"stsc", b"stts", b"stsd"):
            yield Part(at, min(end, at + size), at + 12, 4)  # the number of entries, or the one size
            yield Part(at, min(end, at + size), at + 16, 4)
        if name in _MP4_INNER:
            inner = at + (12 if name == b"meta" else 8)
            yield from _atoms(data, inner, min(end, at + size), depth + 1)
        if size < 8:
            return
        at += size


def _frames(data: bytes, at: int) -> Iterator[Part]:
    """Yield MPEG or ADTS frames, by their first bytes."""
    marks = (b"\xff\xfb", b"\xff\xf1")
    at = min((found for mark in marks if (found := data.find(mark, at)) >= 0), default=-1)
    while at >= 0:
        following = data.find(data[at : at + 2], at + 4)
        yield Part(at, following if following >= 0 else len(data), at + 2, 1)
        at = following
