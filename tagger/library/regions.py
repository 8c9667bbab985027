"""Where in a file its encoded audio lies, by the structure of its container and nothing else.

Whatever taggers rewrite, move or add lies outside these regions. Positions come from the headers of the chunks alone,
each read where it lies, so the cost does not grow with the file. A structure that does not hold together gives None.

Layouts: RFC 9639 (FLAC), ISO/IEC 14496-12 (MP4), Microsoft's RIFF and EBU Tech 3306 (RF64), Apple's AIFF-C,
Microsoft's ASF specification 1.20.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from tagger.library.view import View

Region = tuple[int, int]  # offset, length; in bytes

MOST_PARTS = 20_000  # chunks, boxes or blocks looked at in one file; a fragmented MP4 has some thousands

ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
ASF_OBJECT_BYTES = 24  # GUID and size
ASF_DATA_BYTES = ASF_OBJECT_BYTES + 26  # and file id, number of packets, two spare bytes
ASF_SEARCH_BYTES = 1 << 20  # looked through for the data of a file whose header object does not lead to it
MP4_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
UNKNOWN_SIZE = 0xFFFFFFFF  # in a RIFF chunk: the size is in ds64, or was never filled in
SSND_BYTES = 8  # offset and block size, before the samples of an AIFF


def find_regions(view: View, start: int, end: int) -> list[Region] | None:
    """Return the regions that hold audio, in order.

    Parameters
    ----------
    view : View
        The file.
    start, end : int
        Where tags around the whole file leave off and begin (see `outer_tags.audio_span`).

    Returns
    -------
    list of (int, int) or None
        Offset and length of each, clipped to the file. None: no container with an inner structure (MP3, AAC, APE,
        WavPack, Musepack, whose audio is all that lies between the tags), or a damaged one.
    """
    head = view.at(start, 16)
    for fits, find in _CONTAINERS:
        if fits(head):
            found = find(view, start, end)
            return [region for region in found if region[1] > 0] or None
    return None


def _clipped(view: View, offset: int, length: int) -> Region:
    return offset, max(0, min(length, view.size - offset))


# --- FLAC -----------------------------------------------------------------------------------------------------------


def _flac(view: View, start: int, end: int) -> list[Region]:
    at = start + 4
    for _ in range(MOST_PARTS):
        block = view.at(at, 4)
        if len(block) < 4:
            return []
        at += 4 + int.from_bytes(block[1:], "big")
        if block[0] & 0x80:  # the last of the metadata
            return [(at, end - at)]
    return []


# --- RIFF (WAV, RF64, BW64) and AIFF ----------------------------------------------------------------------------------


def _chunks(view: View, at: int, order: Literal["big", "little"]) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, position of the content, and stated size of each chunk."""
    for _ in range(MOST_PARTS):
        head = view.at(at, 8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], order)
        yield head[:4], at + 8, size
        at += 8 + size + size % 2


def _riff(view: View, start: int, end: int) -> list[Region]:
    long_size = 0
    for name, offset, size in _chunks(view, start + 12, "little"):
        if name == b"ds64":
            long_size = int.from_bytes(view.at(offset + 8, 8), "little")
        elif name == b"data":
            if size == UNKNOWN_SIZE and long_size:
                size = long_size
            if size == 0 or offset + size > view.size:  # a recorder that never came back to fill it in
                return [(offset, end - offset)]
            return [(offset, size)]
    return []


def _aiff(view: View, start: int, end: int) -> list[Region]:
    for name, offset, size in _chunks(view, start + 12, "big"):
        if name == b"SSND":
            return [_clipped(view, offset + SSND_BYTES, size - SSND_BYTES)]
    return []


# --- MP4 ------------------------------------------------------------------------------------------------------------


def _mp4(view: View, start: int, end: int) -> list[Region]:
    found = []
    at = start
    for _ in range(MOST_PARTS):
        head = view.at(at, 16)
        if len(head) < 8:
            break
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:  # up to the end of the file
            size = view.size - at
        if size < header:
            break
        if head[4:8] == b"mdat":
            found.append(_clipped(view, at + header, size - header))
        at += size
    return found


# --- ASF ------------------------------------------------------------------------------------------------------------


def _asf(view: View, start: int, end: int) -> list[Region]:
    at = start
    for _ in range(MOST_PARTS):
        head = view.at(at, ASF_OBJECT_BYTES)
        size = int.from_bytes(head[16:], "little")
        if head.startswith(ASF_DATA):
            until = at + size if size > ASF_DATA_BYTES else view.size  # 0: a live broadcast
            return [_clipped(view, at + ASF_DATA_BYTES, until - at - ASF_DATA_BYTES)]
        if size < ASF_OBJECT_BYTES or at + size > view.size:
            break
        at += size
    # some taggers left rests of a longer header behind the new one
    found = view.at(at, ASF_SEARCH_BYTES).find(ASF_DATA)
    return [_clipped(view, at + found + ASF_DATA_BYTES, view.size)] if found >= 0 else []


_CONTAINERS: tuple[tuple[Callable[[bytes], bool], Callable[[View, int, int], list[Region]]], ...] = (
    (lambda head: head.startswith(b"fLaC"), _flac),
    (lambda head: head[:4] in (b"RIFF", b"RF64", b"BW64"), _riff),
    (lambda head: head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"), _aiff),
    (lambda head: head.startswith(ASF_HEADER), _asf),
    (lambda head: head[4:8] in MP4_FIRST_BOXES, _mp4),
)
