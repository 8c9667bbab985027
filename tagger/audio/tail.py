"""Find where a file's audio ends and the tags behind it begin, and read a file only so far.

FFmpeg counts ID3v1, APEv2 and Lyrics3 blocks at the end of some files as audio: it guesses lengths from them and hands
them out as packets. Lengths, clips and hashes must not change when a tag does, so those files are read without them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import BinaryIO

# Files that begin like this keep their tags elsewhere; in them, bytes that look like such a tag are sound.
_OTHERWISE_TAGGED = (b"RIFF", b"RF64", b"FORM", b"OggS", b"fLaC", b"\x30\x26\xb2\x75", b"\x1a\x45\xdf\xa3", b"DSD ")

_LYRICS3_SIZE = 6  # digits of the size field of Lyrics3v2
_LYRICS3V1_MOST = 5100  # bytes of text in Lyrics3v1


def audio_end(file: BinaryIO) -> int:
    """Return the offset behind the last byte of audio.

    Parameters
    ----------
    file : binary file
        Seekable; its position changes.

    Returns
    -------
    int
        The file's size, less the tag blocks at its end if it is of a kind that has them there (MP3, AAC, APE, WavPack,
        Musepack and whatever is not known to keep its tags elsewhere).
    """
    file.seek(0)
    head = file.read(12)
    end = file.seek(0, os.SEEK_END)
    if head.startswith(_OTHERWISE_TAGGED) or head[4:8] == b"ftyp":
        return end
    while True:
        block = next((size for find in _BLOCKS if (size := find(file, end))), 0)
        if not block:
            return end
        end -= block


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    if position < 0:
        return b""
    file.seek(position)
    return file.read(count)


def _id3v1(file: BinaryIO, end: int) -> int:
    """Return the size of an ID3v1 block that ends here, with its "TAG+" extension; 0 if there is none."""
    if _at(file, end - 128, 3) != b"TAG" or _at(file, end - 128 - 5, 8) == b"APETAGEX":
        return 0
    return 128 + (227 if _at(file, end - 128 - 227, 4) == b"TAG+" else 0)


def _apev2(file: BinaryIO, end: int) -> int:
    """Return the size of an APEv1 or APEv2 block that ends here; 0 if there is none."""
    footer = _at(file, end - 32, 32)
    if not footer.startswith(b"APETAGEX"):
        return 0
    size = int.from_bytes(footer[12:16], "little")  # items and footer
    flags = int.from_bytes(footer[20:24], "little")
    has_header = flags >> 31 and _at(file, end - size - 32, 8) == b"APETAGEX"
    return _possible(size + (32 if has_header else 0), end, least=32)


def _id3v2_behind(file: BinaryIO, end: int) -> int:
    """Return the size of an ID3v2.4 block with a footer that ends here; 0 if there is none."""
    footer = _at(file, end - 10, 10)
    if not footer.startswith(b"3DI") or any(byte > 127 for byte in footer[6:]):
        return 0
    size = 20 + sum(byte << shift for byte, shift in zip(footer[6:], (21, 14, 7, 0), strict=True))
    return _possible(size, end, least=20) if _at(file, end - size, 3) == b"ID3" else 0


def _lyrics3(file: BinaryIO, end: int) -> int:
    """Return the size of a Lyrics3 block that ends here; 0 if there is none."""
    mark = _at(file, end - 9, 9)
    if mark == b"LYRICS200":
        digits = _at(file, end - 9 - _LYRICS3_SIZE, _LYRICS3_SIZE)
        size = int(digits) + _LYRICS3_SIZE + 9 if digits.isdigit() else 0
        return _possible(size, end, least=26) if _at(file, end - size, 11) == b"LYRICSBEGIN" else 0
    if mark == b"LYRICSEND":
        start = max(0, end - _LYRICS3V1_MOST - 20)
        found = _at(file, start, end - start).rfind(b"LYRICSBEGIN")
        return end - start - found if found >= 0 else 0
    return 0


def _possible(size: int, end: int, least: int) -> int:
    """Return a size read from a file, or 0 if it cannot be right."""
    return size if least <= size <= end else 0


_BLOCKS: tuple[Callable[[BinaryIO, int], int], ...] = (_id3v1, _apev2, _id3v2_behind, _lyrics3)


class AudioPart(io.RawIOBase):
    """A file as far as its audio goes, for FFmpeg to read from.

    Parameters
    ----------
    file : binary file
        Closed together with this.
    end : int
        Offset behind the last byte to be read.
    """

    def __init__(self, file: BinaryIO, end: int) -> None:
        super().__init__()
        self._file, self._end = file, end
        self.name = file.name  # FFmpeg takes a hint at the format from the suffix
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._end - self._file.tell())
        return self._file.read(left if size is None or size < 0 else min(size, left))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            return self._file.seek(self._end + offset)
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()
