"""Find the tags before and behind a file's audio, and read the file as if they were not there.

FFmpeg counts ID3v1, APEv2 and Lyrics3 blocks at the end of some files as audio: it guesses lengths from them and hands
them out as packets. It does not know some files (APE) again behind an ID3v2 block. Lengths, clips and hashes must not
change when a tag does.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from typing import BinaryIO

from tagger.base.files import read_at

# Files that begin like this keep their tags elsewhere; in them, bytes that look like such a tag are sound.
_OTHERWISE_TAGGED = (b"RIFF", b"RF64", b"FORM", b"OggS", b"\x30\x26\xb2\x75", b"\x1a\x45\xdf\xa3", b"DSD ")

_LYRICS3_SIZE = 6  # digits of the size field of Lyrics3v2
_LYRICS3V1_MOST = 5100  # bytes of text in Lyrics3v1


def audio_extent(file: BinaryIO) -> tuple[int, int]:
    """Return where a file's audio begins and ends, as far as tags around the container go.

    Parameters
    ----------
    file : binary file
        Seekable; its position changes.

    Returns
    -------
    start, end : int
        Offsets [bytes]. `start` is behind the ID3v2 blocks at the file's head; `end` is the file's size, less the tag
        blocks at its end if it is of a kind that has them there (MP3, AAC, FLAC, APE, WavPack, Musepack and
        whatever is not known to keep its tags elsewhere).
    """
    end = file.seek(0, os.SEEK_END)
    start = 0
    while block := _id3v2(file, start, end):
        start += block
    head = _at(file, start, 12)
    if head.startswith(_OTHERWISE_TAGGED) or head[4:8] == b"ftyp":
        return start, end
    while block := next((size for find in _BLOCKS if (size := find(file, end)) and end - size >= start), 0):
        end -= block
    return start, end


def _at(file: BinaryIO, position: int, count: int) -> bytes:
    if position < 0:
        return b""
    file.seek(position)
    return file.read(count)


def _id3v1(file: BinaryIO, end: int) -> int:
    """Return the size of an ID3v1 block that ends here, with its "TAG+" extension; 0 if there is none."""
    if _at(file, end - 128, 3) != b"TAG" or _at(file, end - 128 - 3, 8) == b"APETAGEX":
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


def _synchsafe(digits: bytes) -> int | None:
    """Return the number that ID3v2 writes as four times seven bits; None if it is not one."""
    if len(digits) != 4 or any(byte > 127 for byte in digits):
        return None
    return sum(byte << shift for byte, shift in zip(digits, (21, 14, 7, 0), strict=True))


def _id3v2(file: BinaryIO, start: int, end: int) -> int:
    """Return the size of an ID3v2 block that begins here; 0 if there is none."""
    header = _at(file, start, 10)
    size = _synchsafe(header[6:])
    if not header.startswith(b"ID3") or size is None:
        return 0
    size += 20 if header[5] & 0x10 else 10  # a footer repeats the header
    return size if start + size < end else 0


def _id3v2_behind(file: BinaryIO, end: int) -> int:
    """Return the size of an ID3v2.4 block with a footer that ends here; 0 if there is none."""
    footer = _at(file, end - 10, 10)
    size = _synchsafe(footer[6:])
    if not footer.startswith(b"3DI") or size is None:
        return 0
    return 20 + size if _at(file, end - 20 - size, 3) == b"ID3" else 0


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
    """A file's audio without the tags around it, for FFmpeg to read from.

    `left` is how many bytes may still be read before the file seems to end; None: all.

    FFmpeg asks for odd things of damaged files, and PyAV prints what a reader raises; so failures are kept in `failure`
    for whoever reads, and FFmpeg sees the end of the file.

    Parameters
    ----------
    file : binary file
        Must stay open as long as this is read.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._descriptor = file.fileno()
        self._start, end = audio_extent(file)
        self._position = 0
        self.name = file.name  # FFmpeg takes a hint at the format from the suffix
        self.size = end - self._start
        self.failure: OSError | None = None
        self.left: int | None = None

    def head(self, count: int) -> bytes:
        """Return the first bytes, wherever reading stands."""
        return self.at(0, count)

    def at(self, position: int, count: int) -> bytes:
        """Return bytes from a position on, wherever reading stands; fewer where there are no more.

        Raises
        ------
        OSError
        """
        return read_at(self._descriptor, self._start + position, min(count, self.size - position))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self.size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if self.left is not None:
            wanted = min(wanted, max(0, self.left))
        try:
            found = os.pread(self._descriptor, wanted, self._start + self._position) if wanted else b""
        except OSError as error:
            self.failure = error
            return b""
        self._position += len(found)
        if self.left is not None:
            self.left -= len(found)
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        target = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        if target < 0:
            return -errno.EINVAL
        self._position = target
        return target

    def tell(self) -> int:
        return self._position
