"""Seeks in FLAC files by their frames, each of which says which one it is. Layout: RFC 9639, sections 8 and 9."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tagger.audio.extent import AudioPart
from tagger.audio.seek import Mark, SeekMap

MARK = b"fLaC"
STREAMINFO_BYTES = 34
LAST_BLOCK = 0x80  # in a metadata block's first byte
MOST_BLOCKS = 1000
MOST_FRAME_HEAD = 16  # [bytes]
VARIABLE = 0x01  # in a frame's second byte: blocks differ in size, and frames count samples in place of blocks


@dataclass(frozen=True, slots=True)
class FlacMap(SeekMap):
    """Of a file.

    Parameters
    ----------
    rate : int
        Of its samples [Hz].
    block : int
        Samples of a frame, where all but the last are of one size.
    like : bytes
        The first four bytes of the first frame.
    """

    rate: int
    block: int
    like: bytes

    spacing: ClassVar[float] = 0.25  # usual frames last 0.1 s

    def marks(self, data: bytes, offset: int) -> Iterator[Mark]:
        """Yield the beginnings of frames: of the same kind as the first, with a checksum that is right."""
        sync = self.like[:2]
        at = data.find(sync)
        while at >= 0:
            number = self._number(data[at : at + MOST_FRAME_HEAD])
            if number is not None:
                time = number * (1 if self.like[1] & VARIABLE else self.block) / self.rate
                if time <= self.ends:
                    yield Mark(offset + at, offset + at, time)
            at = data.find(sync, at + 1)

    def _number(self, head: bytes) -> int | None:
        """Return the number that a frame's header has; None if this is none."""
        if (
            len(head) < MOST_FRAME_HEAD
            or head[2] & 0x0F != self.like[2] & 0x0F
            or head[3] & 0x0F != self.like[3] & 0x0F
        ):
            return None  # of another sample rate or size
        size, rate = head[2] >> 4, head[2] & 0x0F
        if not size or head[3] >> 4 > 10:  # reserved
            return None
        coded = _coded_number(head[4:11])
        if coded is None:
            return None
        number, length = coded
        end = 4 + length + {6: 1, 7: 2}.get(size, 0) + {12: 1, 13: 2, 14: 2}.get(rate, 0)
        return number if _crc8(head[:end]) == head[end] else None


def map_of_flac(part: AudioPart, begins: float, duration: float) -> FlacMap | None:
    """Return the map of a file that begins at a time [s] and plays so long [s]; None if it is not as usual.

    Raises
    ------
    OSError
    """
    head = part.at(0, 8 + STREAMINFO_BYTES)
    if not head.startswith(MARK) or head[4] & ~LAST_BLOCK or len(head) < 8 + STREAMINFO_BYTES:
        return None
    info = head[8:]
    smallest, largest = (int.from_bytes(info[at : at + 2], "big") for at in (0, 2))
    rate = int.from_bytes(info[10:13], "big") >> 4
    start = _end_of_blocks(part)
    first = b"" if start is None else part.at(start, MOST_FRAME_HEAD)
    if start is None or not rate or len(first) < MOST_FRAME_HEAD or first[0] != 0xFF or first[1] & 0xFE != 0xF8:
        return None
    if not first[1] & VARIABLE and smallest != largest:
        return None
    alone = MARK + bytes([LAST_BLOCK]) + head[5:]
    return FlacMap(part, start, alone, begins, begins + duration, rate, largest, first[:4])


def _end_of_blocks(part: AudioPart) -> int | None:
    """Return where the first frame begins."""
    at = len(MARK)
    for _ in range(MOST_BLOCKS):
        head = part.at(at, 4)
        if len(head) < 4:
            return None
        at += 4 + int.from_bytes(head[1:], "big")
        if head[0] & LAST_BLOCK:
            return at
    return None


def _coded_number(data: bytes) -> tuple[int, int] | None:
    """Return a number that is coded as UTF-8 codes characters, of up to 36 bits, and how many bytes it takes."""
    first = data[0]
    length = 8 - (first ^ 0xFF).bit_length()  # ones before the first zero
    if length == 0:
        return first, 1
    if length == 1 or length > 7:
        return None
    number = first & (0x7F >> length)
    for byte in data[1:length]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    return number, length


def _crc_table() -> bytes:
    """Return the CRC-8 of each byte, for the polynomial x^8 + x^2 + x + 1."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte << 1 ^ (0x107 if byte & 0x80 else 0)
        table.append(byte)
    return bytes(table)


_CRC = _crc_table()


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC[crc ^ byte]
    return crc
