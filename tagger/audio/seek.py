"""Seeks in files that have no index, by a guess from the bit rate and a look or two.

FFmpeg halves its way to each place in such a file, from the whole of it down. But Ogg pages and FLAC frames say where
they are, and bit rates vary little. What is between two of them becomes a small file of its own, with the headers of
the whole before it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from tagger.audio.extent import AudioPart

MOST_HEADERS = 1 << 20  # [bytes] of headers, with comments and pictures, that are put before each clip
LEAST_LOOK, MOST_LOOK = 8 << 10, 64 << 10  # [bytes] read at a time, on the way to a place
FARTHEST = 256 << 10  # [bytes] without a mark, after which there is none where it should be
MOST_LOOKS = 10
MOST_TIMES = 10  # what a piece may take of what it would at the file's mean bit rate
NEAR = 0.5  # [s] before the place that decoding may begin
CLOSE = 2.0  # [s] behind it, from where one step back leads to it


class Mark(NamedTuple):
    """From the byte at `position` on, sound from this time on [s] is found, as the byte at `header` and those behind it
    say."""

    header: int
    position: int
    time: float


@dataclass(frozen=True, slots=True)
class SeekMap(ABC):
    """How to find one's way in a file.

    Parameters
    ----------
    part : AudioPart
        The file.
    start : int
        Where sound begins.
    headers : bytes
        What is put before a piece, so that it is a file.
    begins, ends : float
        The times at the file's begin and end [s], as its marks have them.
    """

    part: AudioPart
    start: int
    headers: bytes
    begins: float
    ends: float

    spacing: ClassVar[float]  # [s] between two marks; seldom more

    @abstractmethod
    def marks(self, data: bytes, offset: int) -> Iterator[Mark]:
        """Yield the marks that a part of the file shows; they may lie behind it."""

    def around(self, begin: float, end: float) -> bytes | None:
        """Return a file of what sounds from `begin` to `end` [s], with some of what comes before; None if it is not
        where such a file would have it.

        Raises
        ------
        OSError
        """
        found = self._place(begin)
        if found is None:
            return None
        start, content = found
        usual = max(LEAST_LOOK, self._bytes(end - begin + self.spacing))
        while len(content) < MOST_TIMES * usual:  # a file whose marks stand still would be read to its end
            for mark in self.marks(content, start):
                if mark.time >= end:
                    content += self.part.at(start + len(content), mark.position - start - len(content))
                    return self.headers + content[: mark.position - start]
            more = self.part.at(start + len(content), usual)
            if not more:
                return self.headers + content
            content += more
        return None

    def _place(self, time: float) -> tuple[int, bytes] | None:
        """Return where sound from this time on [s], or some before it, begins; and what was read from there on."""
        low = Mark(self.start, self.start, self.begins)  # the last one that is known to lie before it
        high, known = Mark(self.part.size, self.part.size, self.ends), False  # and the first one behind it
        for _ in range(MOST_LOOKS):
            if time - low.time <= NEAR:
                return low.position, b""
            if known and high.time - time <= CLOSE:
                guess = high.header - self._bytes(high.time - time + self.spacing)
                wanted = high.header - guess + LEAST_LOOK
            else:
                aim = (time - self.spacing - low.time) / max(NEAR, high.time - low.time)
                guess = low.position + int(min(1.0, aim) * (high.position - low.position))
                wanted = min(MOST_LOOK, max(LEAST_LOOK, self._bytes(self.spacing)))
            guess = max(low.position, guess)
            data, marks = self._look(guess, wanted)
            before = [mark for mark in marks if mark.time <= time]
            if not marks:
                return None
            if before and len(before) < len(marks):
                at = before[-1].position
                return at, data[at - guess :]
            if before:
                low = before[-1]
            elif guess == low.position:
                return guess, data
            else:
                high, known = marks[0], True
        return None

    def _look(self, start: int, wanted: int) -> tuple[bytes, list[Mark]]:
        """Read from somewhere on until there is a mark."""
        data = b""
        marks: list[Mark] = []
        while not marks and len(data) < FARTHEST and (more := self.part.at(start + len(data), wanted)):
            data += more
            marks = list(self.marks(data, start))
        return data, marks

    def _bytes(self, seconds: float) -> int:
        """Return about how many bytes so much sound takes."""
        return int(seconds * (self.part.size - self.start) / max(1.0, self.ends - self.begins))
