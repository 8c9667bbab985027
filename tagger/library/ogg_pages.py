"""The pages of an Ogg file, as far as they tell header packets from audio.

A longer comment header may take more pages; then every later page gets another number and another checksum. So the
audio's identity is in the bodies of its pages, not in their headers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tagger.base.ogg import NO_POSITION, PAGE_MARK, Page, pages_from, parse_page
from tagger.library.view import View

MOST_HEADER_PAGES = 1 << 14  # of 4 KiB, as mutagen writes them: 64 MiB of comments and pictures
READ_BYTES = 1 << 14  # of headers at once: some pages of 4 KiB, a part of one of 64 KiB


def find_audio(view: View, start: int) -> int | None:
    """Return where the first page after the header packets of the first audio stream begins; None if nowhere.

    Headers are skipped from page to page; where pages are large, the cover picture in them is hardly read.
    """
    serial, headers, seen = None, 0, 0
    for page in itertools.islice(pages_from(view.at, start, READ_BYTES), MOST_HEADER_PAGES):
        if serial is None and (found := _header_packets(view.at(page.body, 16))) is not None:
            serial, headers = page.serial, found
        if page.serial == serial:
            if seen >= headers if headers else page.position not in (0, NO_POSITION):
                return page.start
            seen += page.packets
    return None


def _header_packets(first: bytes) -> int | None:
    """Return how many header packets an audio stream has, by the first bytes of its first packet.

    0 stands for a stream that does not say; its audio begins where positions do. None: the stream is no audio.
    """
    if first.startswith(b"\x01vorbis"):
        return 3
    if first.startswith(b"OpusHead"):
        return 2
    if first.startswith(b"\x7fFLAC"):
        return 1 + int.from_bytes(first[7:9], "big") if any(first[7:9]) else 0
    if first.startswith(b"Speex   "):
        return 0
    return None


def bodies(view: View, start: int, reach: int) -> tuple[bytes, int | None]:
    """Return the content of the pages within `reach` bytes from `start`, and the last position that they state.

    A page is looked for from `start` on and after whatever is damaged; one that is cut off counts as far as it goes.

    Returns
    -------
    content : bytes
        Page bodies, joined.
    position : int or None
        Granule position of the last page that has one: for audio, samples (or packets' worth of them) so far.
    """
    data = view.at(start, reach)
    content, position = [], None
    for page in _pages(data):
        content.append(data[page.body : page.end])
        if page.position != NO_POSITION:
            position = page.position
    return b"".join(content), position


def _pages(data: bytes) -> Iterator[Page]:
    at = data.find(PAGE_MARK)
    while at >= 0:
        page = parse_page(data, at)
        if page is not None:
            yield page
        at = data.find(PAGE_MARK, page.end if page is not None else at + 1)
