"""What stays of a file however it is tagged: its encoded audio, and a cheap fingerprint of that.

The fingerprint recognises a file that was moved, renamed or tagged by anything. It reads a few kilobytes of headers
and at most 64 KiB at either end of the audio (of an Ogg file some more, for its pages), whatever the size of the file,
so a scan of a million files on a network mount stays cheap. Two files whose audio differs only in its middle, at equal
length, look the same to it; before tags are written, the hash of all audio packets is compared as well.
"""

from __future__ import annotations

import hashlib

from tagger.base.errors import UnreadableTags
from tagger.base.ogg import MOST_PAGE_BYTES, PAGE_MARK
from tagger.library.ogg_pages import bodies, find_audio
from tagger.library.outer_tags import audio_span
from tagger.library.regions import Region, find_regions
from tagger.library.view import View, open_view

END_BYTES = 64 * 1024  # of the audio, hashed at either end
OGG_REACH = END_BYTES + 3 * MOST_PAGE_BYTES  # holds END_BYTES of content, wherever the pages happen to begin
OGG_REACHES = (END_BYTES + 32 * 1024, OGG_REACH)  # tried in turn: most pages take 4 to 24 KiB, a few 64
DIGEST_BYTES = 16
PURPOSE = b"tagger-payload"  # keeps these digests apart from other uses of BLAKE2b


def fingerprint(path: bytes | str) -> str:
    """Return a digest of the length and both ends of a file's audio.

    It stays the same through every kind of tag write of every container, and through moves and renames.

    Parameters
    ----------
    path : bytes or str
        The file. What it is shows in its content; the name does not matter.

    Returns
    -------
    str
        32 hex digits.

    Raises
    ------
    UnreadableTags
        If the file cannot be read, is empty, or holds nothing but tags.
    """
    with open_view(path) as view:
        regions, is_ogg = _audio(path, view)
        return _ogg_digest(view, regions[0]) if is_ogg else _digest(view, regions)


def payload_extent(path: bytes | str) -> tuple[int, int]:
    """Return where the audio lies: the largest stretch of the file that holds audio and no tags.

    In an Ogg file the page headers in it (page number, checksum) change when the comments grow by a page; elsewhere
    the stretch is the same, byte for byte, after every tag write, though it may lie elsewhere.

    Parameters
    ----------
    path : bytes or str
        The file.

    Returns
    -------
    offset, length : int
        In bytes.

    Raises
    ------
    UnreadableTags
        As `fingerprint`.
    """
    with open_view(path) as view:
        regions, _ = _audio(path, view)
        return max(regions, key=lambda region: region[1])


def _audio(path: bytes | str, view: View) -> tuple[list[Region], bool]:
    """Return the regions of the audio, and whether they are made of Ogg pages.

    What does not hold together, as in a damaged file, counts as audio from the tags before it to those after it.
    """
    start, end = audio_span(view)
    if view.at(start, len(PAGE_MARK)) == PAGE_MARK and (first := find_audio(view, start)) is not None:
        return [(first, view.size - first)], True
    regions = find_regions(view, start, end) or [(start, end - start)]
    if not regions[0][1]:
        raise UnreadableTags(path, "holds tags and no audio")
    return regions, False


def _digest(view: View, regions: list[Region]) -> str:
    length = sum(size for _, size in regions)
    head = _read_joined(view, regions, 0, END_BYTES)
    tail = _read_joined(view, regions, max(0, length - END_BYTES), END_BYTES)
    return _blake(length, head, tail)


def _read_joined(view: View, regions: list[Region], skip: int, length: int) -> bytes:
    """Read `length` bytes after the first `skip` of the regions joined."""
    parts = []
    for offset, size in regions:
        if skip < size and length > 0:
            part = view.at(offset + skip, min(size - skip, length))
            parts.append(part)
            length -= len(part)
        skip = max(0, skip - size)
    return b"".join(parts)


def _ogg_digest(view: View, region: Region) -> str:
    """Digest the page bodies; the last position stands for the length, as page headers are no part of the audio."""
    start, length = region
    for reach in OGG_REACHES:
        head, _ = bodies(view, start, reach)
        if len(head) >= END_BYTES:
            break
    for reach in OGG_REACHES:
        tail, position = bodies(view, start + max(0, length - reach), reach)
        if len(tail) >= END_BYTES and position is not None:
            break
    return _blake(position or 0, head[:END_BYTES], tail[-END_BYTES:])


def _blake(length: int, head: bytes, tail: bytes) -> str:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES, person=PURPOSE)
    digest.update(length.to_bytes(8, "big"))
    digest.update(head)
    digest.update(tail)
    return digest.hexdigest()
