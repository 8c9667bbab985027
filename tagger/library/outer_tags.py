"""Find the tag blocks that are put before or after the audio of a file, whatever the audio is.

Before it: ID3v2, and APEv2 in some old files. After it, in any order: ID3v1, ID3v1 "enhanced", APEv1 and APEv2,
Lyrics3, and ID3v2 with a footer. The sizes are those of https://id3.org and of the Hydrogenaudio wiki's APEv2 page.
"""

from __future__ import annotations

from tagger.library.view import View

MOST_TAGS = 16  # tag blocks looked for at either end of a file; broken taggers pile up two or three

ID3V1_BYTES = 128
ID3V1_ENHANCED_BYTES = 227  # "TAG+", before ID3v1
ID3V2_HEADER_BYTES = 10  # and as many in a footer
APE_HEADER_BYTES = 32  # and as many in a footer
APE_MARK = b"APETAGEX"
APE_HAS_HEADER = 1 << 31
LYRICS3V1_BYTES = 5100 + len(b"LYRICSBEGIN") + len(b"LYRICSEND")  # at the most
LYRICS3V2_END_BYTES = 6 + len(b"LYRICS200")  # six digits of size, and the mark


def audio_span(view: View) -> tuple[int, int]:
    """Return where the file is neither a tag before nor a tag after the audio.

    Returns
    -------
    start, end : int
        Byte positions, ``0 <= start <= end <= view.size``.
    """
    start = _after_leading(view)
    return start, _before_trailing(view, start)


def _synchsafe(four: bytes) -> int | None:
    """Return the number in four bytes of seven bits each, as ID3v2 writes sizes; None if they are not such."""
    if len(four) != 4 or any(byte & 0x80 for byte in four):
        return None
    return four[0] << 21 | four[1] << 14 | four[2] << 7 | four[3]


def _after_leading(view: View) -> int:
    start = 0
    for _ in range(MOST_TAGS):
        length = _leading_length(view, start)
        if not length or start + length > view.size:  # a size that cannot be true: no tag, take it for audio
            break
        start += length
    return start


def _leading_length(view: View, start: int) -> int:
    head = view.at(start, APE_HEADER_BYTES)
    if head.startswith(b"ID3") and len(head) >= ID3V2_HEADER_BYTES and 0xFF not in head[3:5]:
        size = _synchsafe(head[6:10])
        if size is None:
            return 0
        has_footer = head[3] >= 4 and head[5] & 0x10
        return ID3V2_HEADER_BYTES * (2 if has_footer else 1) + size
    if head.startswith(APE_MARK) and len(head) == APE_HEADER_BYTES:
        return APE_HEADER_BYTES + int.from_bytes(head[12:16], "little")
    return 0


def _before_trailing(view: View, start: int) -> int:
    end = view.size
    for _ in range(MOST_TAGS):
        length = _trailing_length(view, end)
        if not length or end - length < start:
            break
        end -= length
    return end


def _trailing_length(view: View, end: int) -> int:
    # APE first: the last three letters before an ID3v1 tag's place may be those of "APETAGEX"
    return _ape_length(view, end) or _id3v1_length(view, end) or _lyrics3_length(view, end) or _id3v2_length(view, end)


def _ape_length(view: View, end: int) -> int:
    footer = view.at(end - APE_HEADER_BYTES, APE_HEADER_BYTES)
    if not footer.startswith(APE_MARK):
        return 0
    size = int.from_bytes(footer[12:16], "little")  # of the items and the footer
    if size < APE_HEADER_BYTES:
        return 0
    header = view.at(end - size - APE_HEADER_BYTES, len(APE_MARK))
    has_header = int.from_bytes(footer[20:24], "little") & APE_HAS_HEADER or header == APE_MARK
    return size + (APE_HEADER_BYTES if has_header else 0)


def _id3v1_length(view: View, end: int) -> int:
    if view.at(end - ID3V1_BYTES, 3) == b"TAG" and view.at(end - ID3V1_BYTES - 3, len(APE_MARK)) != APE_MARK:
        return ID3V1_BYTES
    if view.at(end - ID3V1_ENHANCED_BYTES, 4) == b"TAG+":
        return ID3V1_ENHANCED_BYTES
    return 0


def _lyrics3_length(view: View, end: int) -> int:
    tail = view.at(end - LYRICS3V2_END_BYTES, LYRICS3V2_END_BYTES)
    if tail.endswith(b"LYRICS200") and tail[:6].isdigit():
        length = int(tail[:6]) + LYRICS3V2_END_BYTES
        return length if view.at(end - length, 11) == b"LYRICSBEGIN" else 0
    if tail.endswith(b"LYRICSEND"):
        reach = min(LYRICS3V1_BYTES, end)
        begins = view.at(end - reach, reach).rfind(b"LYRICSBEGIN")
        return reach - begins if begins >= 0 else 0
    return 0


def _id3v2_length(view: View, end: int) -> int:
    footer = view.at(end - ID3V2_HEADER_BYTES, ID3V2_HEADER_BYTES)
    if not footer.startswith(b"3DI"):
        return 0
    size = _synchsafe(footer[6:10])
    length = ID3V2_HEADER_BYTES * 2 + (size or 0)
    return length if size is not None and view.at(end - length, 3) == b"ID3" else 0
