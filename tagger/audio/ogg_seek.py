"""Seeks in Ogg files by their pages, each of which says which sample its sound ends at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tagger.audio.extent import AudioPart
from tagger.audio.seek import LEAST_LOOK, MOST_HEADERS, Mark, SeekMap
from tagger.base.ogg import NO_POSITION, PAGE_MARK, Page, pages_from, parse_page

OPUS_RATE = 48000  # [Hz] that positions count at, whatever the sound was recorded with (RFC 7845, section 4)


@dataclass(frozen=True, slots=True)
class OggMap(SeekMap):
    """Of a file with one stream of Vorbis or Opus.

    Parameters
    ----------
    serial : int
        The stream's number.
    rate : int
        That positions count at [Hz].
    """

    serial: int
    rate: int

    spacing: ClassVar[float] = 1.25  # pages of FFmpeg and opusenc last a second, those of oggenc a tenth

    def marks(self, data: bytes, offset: int) -> Iterator[Mark]:
        """Yield the ends of pages. Mark, version and number of the stream: such nine bytes no sound has by chance."""
        at = data.find(PAGE_MARK)
        while at >= 0:
            page = parse_page(data, at, offset)
            if page is None or page.serial != self.serial:
                at = data.find(PAGE_MARK, at + 1)
                continue
            if page.position != NO_POSITION:
                yield Mark(page.start, page.end, page.position / self.rate)
            at = data.find(PAGE_MARK, page.end - offset)


def map_of_ogg(part: AudioPart, begins: float, duration: float) -> OggMap | None:
    """Return the map of a file that begins at a time [s] and plays so long [s]; None if it is of another kind.

    Raises
    ------
    OSError
    """
    data = part.at(0, LEAST_LOOK)
    first = parse_page(data)
    if first is None:
        return None
    ident = data[first.body : first.end]
    vorbis = ident.startswith(b"\x01vorbis")
    if not vorbis and not ident.startswith(b"OpusHead"):
        return None
    rate = int.from_bytes(ident[12:16], "little") if vorbis else OPUS_RATE
    start = _end_of_headers(part, data, first)
    if not rate or start is None:
        return None
    return OggMap(part, start, part.at(0, start), begins, begins + duration, first.serial, rate)


def _end_of_headers(part: AudioPart, data: bytes, first: Page) -> int | None:
    """Return where the first page with sound begins; None if it is far, or the file has several streams."""
    for page in pages_from(part.at, 0, LEAST_LOOK, data):
        if page.serial != first.serial or page.start >= MOST_HEADERS:
            return None
        if page.position not in (0, NO_POSITION):
            return page.start
    return None
