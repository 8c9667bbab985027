"""The frames of an ID3v2 block, by an own parser: what mutagen saves is compared with what stood there before."""

from __future__ import annotations

from dataclasses import dataclass

from mutagen.id3 import Encoding

from tagger.base.errors import UnreadableTags
from tagger.library import id3v22
from tagger.library.family import NOTE_KEY, Entry, digest

HEADER = 10  # [bytes], of the block and of each frame
# mutagen's time grows with the square of the number of frames, with its cube where they are alike: seconds for these,
# hours for a block full of empty ones. Chapters and the like make hundreds.
MOST_FRAMES = 2000
GENRE_IDS = (b"TCON", b"TCO\0")  # the second: ID3v2.3 frames with ID3v2.2 names, which some taggers wrote


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as it stands in the block; `body` without unsynchronisation."""

    name: bytes
    flags: int
    body: bytes


def block_name(raw: bytes) -> str:
    """Return the name of the block by its version, such as ``id3v2.3``."""
    return f"id3v2.{raw[3]}"


def block_size(head: bytes) -> int:
    """Return the size in bytes, header included, of the block that starts with these ten bytes; 0: there is none."""
    if len(head) < HEADER or not head.startswith(b"ID3") or 0xFF in head[3:5] or max(head[6:10]) > 0x7F:
        return 0
    footer = HEADER if head[3] >= 4 and head[5] & 0x10 else 0
    return HEADER + footer + _synchsafe(head[6:10])


def entries(raw: bytes, path: bytes) -> list[Entry]:
    """List all frames but genre and note, by an own parser, not mutagen's.

    Raises
    ------
    UnreadableTags
        If the frames do not add up.
    """
    if raw[3] == id3v22.VERSION:
        return [entry for entry in id3v22.entries(raw[: block_size(raw)], path) if entry.key != "TCON"]
    name = block_name(raw)
    return [
        Entry(name, frame.name.decode("latin-1"), digest(frame.flags.to_bytes(2, "big") + frame.body))
        for frame in raw_frames(raw, path)
        if frame.name not in GENRE_IDS and not _is_note_frame(frame)
    ]


def raw_frames(raw: bytes, path: bytes) -> list[RawFrame]:
    """Return the frames of an ID3v2.3 or v2.4 block.

    Raises
    ------
    UnreadableTags
    """
    version, unsynchronised = raw[3], bool(raw[5] & 0x80)
    data = _frame_data(raw)
    for plain in (version == 3, True):
        frames = _walk(data, plain)
        if frames is not None:
            return [_opened(frame, version == 4, unsynchronised) for frame in frames]
    raise UnreadableTags(path, "the frames of its ID3v2 tag do not add up")


def refuse_swarm(raw: bytes) -> None:
    """Raise ValueError if a block holds more frames than any music has, before mutagen spends hours on it."""
    header, width = (6, 3) if raw[3] == 2 else (HEADER, 4)
    data = raw[HEADER:]
    for plain_sizes in (True, False):
        position = 0
        for _ in range(MOST_FRAMES):
            head = data[position : position + header]
            if len(head) < header or not head[:width].strip(b"\0"):
                break
            size = head[width : 2 * width]
            position += header + (int.from_bytes(size, "big") if plain_sizes else _synchsafe(size.rjust(4, b"\0")))
        else:
            raise ValueError(f"its ID3v2 tag has more than {MOST_FRAMES} frames")


def has_plain_sizes(raw: bytes) -> bool:
    """Whether an ID3v2.4 block has its frames' sizes as plain numbers, as old iTunes wrote them."""
    return raw[3] == 4 and _walk(_frame_data(raw), False) is None


def _frame_data(raw: bytes) -> bytes:
    """Return what stands between the headers of a block and its end."""
    data = raw[HEADER : HEADER + _synchsafe(raw[6:10])]
    if raw[3] == 3 and raw[5] & 0x80:
        data = _synchronised(data)
    return data[_extended_size(data, raw[3]) :] if has_extended_header(raw) else data


def has_extended_header(raw: bytes) -> bool:
    """Whether there is one. Some taggers say so, and begin with the first frame all the same."""
    return bool(raw[5] & 0x40) and not raw[HEADER : HEADER + 4].isalnum()


def _walk(data: bytes, plain_sizes: bool) -> list[RawFrame] | None:
    """Return the frames, or None if sizes of this kind lead astray."""
    frames, position = [], 0
    while position + HEADER < len(data) and data[position] != 0:
        head = data[position : position + HEADER]
        size = int.from_bytes(head[4:8], "big") if plain_sizes else _synchsafe(head[4:8])
        name = head[:4]
        if not name.rstrip(b"\0").isalnum() or position + HEADER + size > len(data):
            return None
        if size:  # an empty frame says nothing; mutagen drops it
            body = data[position + HEADER : position + HEADER + size]
            frames.append(RawFrame(name, int.from_bytes(head[8:10], "big"), body))
        position += HEADER + size
    return frames


def _opened(frame: RawFrame, version_4: bool, unsynchronised: bool) -> RawFrame:
    if not version_4 or not (unsynchronised or frame.flags & 0x02):
        return frame
    return RawFrame(frame.name, frame.flags & ~0x02, _synchronised(frame.body))


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\x00", b"\xff")


def _extended_size(data: bytes, version: int) -> int:
    return _synchsafe(data[:4]) if version == 4 else 4 + int.from_bytes(data[:4], "big")


def _synchsafe(four: bytes) -> int:
    return (four[0] & 0x7F) << 21 | (four[1] & 0x7F) << 14 | (four[2] & 0x7F) << 7 | (four[3] & 0x7F)


def is_note(frame: bytes) -> bool:
    """Whether a frame, header included, is the note that this system leaves."""
    return _is_note_frame(RawFrame(frame[:4], int.from_bytes(frame[8:10], "big"), frame[HEADER:]))


def _is_note_frame(frame: RawFrame) -> bool:
    return frame.name == b"TXXX" and not frame.flags and _is_note_body(frame.body)


def _is_note_body(body: bytes) -> bool:
    if not body:
        return False
    if body[0] in (Encoding.LATIN1, Encoding.UTF8):
        return body[1:].split(b"\0")[0] == NOTE_KEY.encode()
    wide = [NOTE_KEY.encode(form) + b"\0\0" for form in ("utf-16-le", "utf-16-be")]
    text = body[1:].removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return text.startswith(tuple(wide))
