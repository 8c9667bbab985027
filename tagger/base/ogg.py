"""The pages of an Ogg file. Page layout: RFC 3533, section 6."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

PAGE_MARK = b"OggS"
HEADER_BYTES = 27  # before the segment table
MOST_HEAD_BYTES = HEADER_BYTES + 255  # with the segment table
MOST_PAGE_BYTES = MOST_HEAD_BYTES + 255 * 255
NO_POSITION = (1 << 64) - 1  # on a page in which no packet ends


@dataclass(frozen=True, slots=True)
class Page:
    """A page header. `start` is where it lies, `body` and `end` where its content starts and ends."""

    start: int
    body: int
    end: int
    serial: int
    position: int
    packets: int  # that end in this page


def parse_page(data: bytes, at: int = 0, offset: int = 0) -> Page | None:
    """Read the page header at `data[at:]`, where `data` lies at `offset` of the file; None if there is none."""
    if data[at : at + 5] != PAGE_MARK + b"\0" or len(data) < at + HEADER_BYTES:
        return None
    segments = data[at + 26]
    table = data[at + HEADER_BYTES : at + HEADER_BYTES + segments]
    if len(table) < segments:
        return None
    start = offset + at
    body = start + HEADER_BYTES + segments
    return Page(
        start=start,
        body=body,
        end=body + sum(table),
        serial=int.from_bytes(data[at + 14 : at + 18], "little"),
        position=int.from_bytes(data[at + 6 : at + 14], "little"),
        packets=sum(1 for lace in table if lace < 255),
    )


def pages_from(read: Callable[[int, int], bytes], start: int, at_once: int, data: bytes = b"") -> Iterator[Page]:
    """Yield one page after the other, from where one begins; their contents are skipped.

    Parameters
    ----------
    read : callable
        Returns bytes of the file, from an offset, so many.
    start : int
        Where the first page begins.
    at_once : int
        Bytes read at a time.
    data : bytes
        What was read from `start` on already.
    """
    offset = start
    while True:
        if start - offset + MOST_HEAD_BYTES > len(data):
            data, offset = read(start, at_once), start
        page = parse_page(data, start - offset, offset)
        if page is None:
            return
        yield page
        start = page.end
