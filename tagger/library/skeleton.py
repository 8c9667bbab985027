"""A local copy of a file in which tags are as they are and most of the audio is missing.

A save does to it what it would do to the file, and so tells what would become of the file's tags. Where the audio
can be cut out, it is: there is little to move when a tag has to grow. Where other places point into the audio (MP4,
ASF), it is left out as a hole of the same size. What is read of the file are the tags and a few kilobytes of audio.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Literal

from tagger.base.errors import UnreadableTags
from tagger.base.ogg import MOST_HEAD_BYTES, MOST_PAGE_BYTES, PAGE_MARK, Page, pages_from, parse_page
from tagger.library.detect import SEARCH, container_of
from tagger.library.ogg_pages import find_audio
from tagger.library.outer_tags import audio_span
from tagger.library.regions import ASF_HEADER, MP4_FIRST_BOXES, Region, find_regions
from tagger.library.view import View, open_view

EDGE = 8 * 1024  # [bytes] of audio kept at either end: enough to tell a container by three frames
OGG_EDGE = MOST_PAGE_BYTES + 4096  # holds one whole page at least, wherever it begins
MOST_KEPT = 256 << 20  # [bytes]; no tags are as large
_STRUCTURED = (b"fLaC", b"RIFF", b"RF64", b"BW64", b"FORM", ASF_HEADER)
_LARGEST_SIZE = 0xFFFFFFF0  # of a RIFF file that is cut; the limits of larger ones are left to be met


@contextlib.contextmanager
def skeleton_of(path: bytes) -> Iterator[bytes]:
    """Make a skeleton of a file, and remove it afterwards.

    Parameters
    ----------
    path : bytes
        The file; it is only read.

    Yields
    ------
    bytes
        Path of the skeleton, in the system's folder for temporary files. The caller may change it.

    Raises
    ------
    UnreadableTags
        If the file cannot be read, holds no audio, or claims tags of more than 256 MiB.
    OSError
        If the skeleton cannot be written.
    """
    with open_view(path) as view, tempfile.TemporaryDirectory(prefix="tagger-") as folder:
        name = os.path.join(os.fsencode(folder), b"skeleton")
        for edge in (EDGE, SEARCH):
            _build(view, path, name, edge)
            with contextlib.suppress(UnreadableTags):
                container_of(name)
                break
        yield name


def _build(view: View, path: bytes, name: bytes, edge: int) -> None:
    """Write the skeleton; `edge` bytes of audio are kept at either end of each of its regions."""
    start, end = audio_span(view)
    head = view.at(start, 12)
    if head.startswith(PAGE_MARK):
        gaps, cut = _ogg_gaps(view, start, end), True
    else:
        regions = find_regions(view, start, end)
        if regions is None:
            loose = not head.startswith(_STRUCTURED) and head[4:8] not in MP4_FIRST_BOXES
            regions, cut = ([(start, end - start)] if loose else []), True
        else:
            cut = head.startswith((b"fLaC", b"RIFF", b"FORM"))
        gaps = [_inner(region, edge) for region in regions if region[1] > 3 * edge]
    sizes = _sizes_to_correct(view, start, gaps, edge) if cut else []
    if sizes is None:
        cut, sizes = False, []
    if view.size - sum(length for _, length in gaps) > MOST_KEPT:
        raise UnreadableTags(path, "claims more tags than any file has")
    _write(view, name, gaps, cut)
    _correct(name, sizes, gaps, "big" if head.startswith(b"FORM") else "little")


def _inner(region: Region, edge: int) -> Region:
    """Return what may be missing of a region; an even number of bytes, as chunks are padded to."""
    offset, length = region
    return offset + edge, (length - 2 * edge) // 2 * 2


def _sizes_to_correct(view: View, start: int, gaps: list[Region], edge: int) -> list[int] | None:
    """Return where the sizes stand that a cut makes smaller; None where the file is better not cut."""
    head = view.at(start, 4)
    if not head.startswith((b"RIFF", b"FORM")) or not gaps:
        return []
    order: Literal["big", "little"] = "big" if head.startswith(b"FORM") else "little"
    offset, length = gaps[0]
    at = offset - edge - (12 if order == "big" else 4)
    told, chunk = (int.from_bytes(view.at(place, 4), order) for place in (start + 4, at))
    if len(gaps) > 1 or told > view.size or chunk > told or min(told, chunk) < length or told > _LARGEST_SIZE:
        return None
    return [start + 4, at]


def _write(view: View, name: bytes, gaps: list[Region], cut: bool) -> None:
    """Copy all but the gaps."""
    with open(name, "wb") as file:
        position = 0
        for offset, length in [*gaps, (view.size, 0)]:
            while position < offset:
                part = view.at(position, min(1 << 20, offset - position))
                if not part:
                    break
                file.write(part)
                position += len(part)
            if not cut:
                file.seek(length, os.SEEK_CUR)
            position = offset + length
        file.truncate()


def _correct(name: bytes, places: list[int], gaps: list[Region], order: Literal["big", "little"]) -> None:
    with open(name, "r+b") as file:
        for place in places:
            file.seek(place)
            size = int.from_bytes(file.read(4), order) - gaps[0][1]
            file.seek(place)
            file.write(size.to_bytes(4, order))


# --- Ogg: cut between pages, each of which has a checksum ------------------------------------------------------------


def _ogg_gaps(view: View, start: int, end: int) -> list[Region]:
    """Return the pages of audio that may be missing: all but some at either end."""
    first = find_audio(view, start)
    if first is None or view.size - first <= 3 * OGG_EDGE:
        return []
    kept = first
    for page in pages_from(view.at, first, MOST_HEAD_BYTES):
        kept = page.end
        if kept >= first + EDGE:
            break
    for reach in (2 * EDGE, OGG_EDGE):
        tail = end - reach
        found = _first_page(view.at(tail, view.size - tail), tail, end)
        if found is not None and kept > first:
            return [(kept, found.start - kept)]
    return []


def _first_page(data: bytes, offset: int, end: int) -> Page | None:
    """Return the first page in these bytes that another page or the end of the audio follows."""
    at = data.find(PAGE_MARK)
    while at >= 0:
        page = parse_page(data, at, offset)
        if page is not None and (page.end == end or data[page.end - offset :].startswith(PAGE_MARK)):
            return page
        at = data.find(PAGE_MARK, at + 1)
    return None
