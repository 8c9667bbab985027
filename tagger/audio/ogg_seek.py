"""Seeks in Ogg files, by a guess from the bit rate and a look or two.

An Ogg file has no index, and FFmpeg halves its way to each place: five clips took half the bytes of a file, and four
times as long as those of an MP3. Here the pages around a clip are found, and become a small file of their own, with the
headers of the whole before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tagger.audio.extent import AudioPart
from tagger.base.ogg import MOST_HEAD_BYTES, MOST_PAGE_BYTES, NO_POSITION, PAGE_MARK, Page, parse_page

MOST_HEADERS = 1 << 20  # [bytes] of headers, with comments and pictures, that are put before each clip
LOOK_SECONDS = 1.25  # of sound are read at a time: pages of FFmpeg and opusenc last a second
LEAST_LOOK, MOST_LOOK = 8 << 10, 64 << 10  # [bytes]
MOST_LOOKS = 8
NEAR = 0.5  # [s] before the place that decoding may begin
CLOSE = 2.0  # [s] behind it, from where the way back is by pages: two of the usual length
OPUS_RATE = 48000  # [Hz] that positions count at, whatever the sound was recorded with (RFC 7845, section 4)


@dataclass(frozen=True, slots=True)
class OggMap:
    """An Ogg file with one stream of Vorbis or Opus.

    Parameters
    ----------
    part : AudioPart
        The file.
    headers : bytes
        All pages before the first one with sound.
    serial : int
        The stream's number.
    rate : int
        That positions count at [Hz].
    begins, ends : float
        The times at the file's begin and end [s], as positions have them.
    """

    part: AudioPart
    headers: bytes
    serial: int
    rate: int
    begins: float
    ends: float

    def around(self, begin: float, end: float) -> bytes | None:
        """Return a file of what sounds from `begin` to `end` [s], with some of what comes before; None if it is not
        where such a file would have it.

        Raises
        ------
        OSError
        """
        found = self._page_before(begin)
        if found is None:
            return None
        start, content = found
        while True:
            for page in self._pages(content, start):
                if self._time(page) >= end:
                    content += self.part.at(start + len(content), page.end - start - len(content))
                    return self.headers + content[: page.end - start]
            more = self.part.at(start + len(content), self._bytes(max(LOOK_SECONDS, end - begin)))
            if not more:
                return self.headers + content
            content += more

    def _page_before(self, time: float) -> tuple[int, bytes] | None:
        """Return where a page begins with which sound from this time on [s] begins, or some before it, and what was
        read from there on."""
        low, low_time = len(self.headers), self.begins  # behind the last page known to end before it
        high, high_time = self.part.size, self.ends  # behind the first page known to end after it,
        beyond, back = -1, 0  # and where that begins, and a good page's length
        for _ in range(MOST_LOOKS):
            if time - low_time <= NEAR or low == beyond:
                return low, b""
            if beyond >= 0 and high_time - time < CLOSE:
                guess = max(low, beyond - back)
            else:
                guess = low + int(min(1.0, (time - NEAR - low_time) / max(NEAR, high_time - low_time)) * (high - low))
            data, pages = self._look(guess)
            before = [page for page in pages if self._time(page) <= time]
            if before:
                low, low_time = before[-1].end, self._time(before[-1])
                if len(before) < len(pages):
                    return low, data[low - guess :]
            elif not pages:
                return None
            elif guess == low:
                return low, data
            else:
                first = pages[0]
                high, high_time = first.end, self._time(first)
                beyond, back = first.start, (first.end - first.start) * 5 // 4
        return None

    def _look(self, start: int) -> tuple[bytes, list[Page]]:
        """Read from somewhere on until there is a page that says where it is."""
        data = b""
        pages: list[Page] = []
        while not pages and len(data) < MOST_PAGE_BYTES and start + len(data) < self.part.size:
            data += self.part.at(start + len(data), min(MOST_LOOK, self._bytes(LOOK_SECONDS)))
            pages = list(self._pages(data, start))
        return data, pages

    def _bytes(self, seconds: float) -> int:
        """Return about how many bytes so much sound takes."""
        rate = (self.part.size - len(self.headers)) / max(LOOK_SECONDS, self.ends - self.begins)
        return max(LEAST_LOOK, int(seconds * rate))

    def _time(self, page: Page) -> float:
        """Return the time at which a page's last packet ends [s]."""
        return page.position / self.rate

    def _pages(self, data: bytes, offset: int) -> Iterator[Page]:
        """Yield the pages of the stream whose headers lie in a part of the file, but for those in which no packet ends.

        Mark, version and serial number are nine bytes that sound does not have by chance.
        """
        at = data.find(PAGE_MARK)
        while at >= 0:
            page = parse_page(data, at, offset)
            if page is None or page.serial != self.serial:
                at = data.find(PAGE_MARK, at + 1)
                continue
            if page.position != NO_POSITION:
                yield page
            at = data.find(PAGE_MARK, page.end - offset)


def map_of(part: AudioPart, begins: float, duration: float) -> OggMap | None:
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
    end = _end_of_headers(part, data, first)
    if not rate or end is None:
        return None
    return OggMap(part, part.at(0, end), first.serial, rate, begins, begins + duration)


def _end_of_headers(part: AudioPart, data: bytes, first: Page) -> int | None:
    """Return where the first page with sound begins; None if it is far, or the file has several streams."""
    offset, start = 0, first.end
    while start < MOST_HEADERS:
        if start - offset + MOST_HEAD_BYTES > len(data):
            data, offset = part.at(start, LEAST_LOOK), start
        page = parse_page(data, start - offset, offset)
        if page is None or page.serial != first.serial:
            return None
        if page.position not in (0, NO_POSITION):
            return page.start
        start = page.end
    return None
