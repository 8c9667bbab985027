"""ID3v2.2 blocks, which no library saves: turned into ID3v2.3, frame by frame, where a station allows it.

The two versions differ in names, in sizes, and in the content of two frames (pictures and links); every other frame's
content is carried over byte for byte. Formats: https://id3.org/id3v2-00 and https://id3.org/id3v2.3.0.
"""

from __future__ import annotations

from io import BytesIO

from mutagen.id3 import ID3, Frames_2_2

from tagger.base.errors import UnreadableTags
from tagger.library.door import through_mutagen
from tagger.library.family import Entry, digest

VERSION = 2
HEADER = 10  # [bytes] of the block
FRAME_HEADER = 6  # [bytes]: three of the name, three of the size
_COMPRESSED = 0x40  # in the block's flags: a scheme that was never defined
_UNSYNCHRONISED = 0x80
# Apple's own names, and one of the standard that mutagen lacks.
_MORE_NAMES = {b"PCS": b"PCST", b"TID": b"TGID", b"TDS": b"TDES", b"TKW": b"TKWD", b"TCT": b"TCAT", b"WFD": b"WFED"}
_NAMES = {name.encode(): kind.__mro__[1].__name__.encode() for name, kind in Frames_2_2.items() if name != "CRM"}
_NAMES |= _MORE_NAMES | {b"EQU": b"EQUA"}
_PICTURES = {b"PNG": b"image/png", b"JPG": b"image/jpeg", b"-->": b"-->"}

Frame = tuple[bytes, bytes]  # name, content


def frames_of(raw: bytes, path: bytes) -> list[Frame]:
    """Return the frames of an ID3v2.2 block, empty ones left out.

    Raises
    ------
    UnreadableTags
        If they do not add up.
    """
    if raw[5] & _COMPRESSED:
        raise UnreadableTags(path, "its ID3v2.2 tag is compressed, in a way that nobody can read")
    data = raw[HEADER:]
    if raw[5] & _UNSYNCHRONISED:
        data = data.replace(b"\xff\x00", b"\xff")
    frames, position = [], 0
    while position + FRAME_HEADER < len(data) and data[position] != 0:
        name = data[position : position + 3]
        start = position + FRAME_HEADER
        size = int.from_bytes(data[position + 3 : start], "big")
        if not name.isalnum() or start + size > len(data):
            raise UnreadableTags(path, "the frames of its ID3v2.2 tag do not add up")
        if size:
            frames.append((name, data[start : start + size]))
        position = start + size
    return frames


def counterpart(frame: Frame) -> Frame | None:
    """Return what an ID3v2.2 frame becomes in ID3v2.3; None where that has nothing like it."""
    name, body = frame
    if name == b"PIC":  # encoding, three letters, and the rest
        kind = _PICTURES.get(body[1:4].upper())
        return (b"APIC", body[:1] + kind + b"\0" + body[4:]) if kind else None
    if name == b"LNK":  # the name of the linked frame, and the rest
        return (b"LINK", _NAMES[body[:3]] + body[3:]) if body[:3] in _NAMES else None
    return (_NAMES[name], body) if name in _NAMES else None


def entries(raw: bytes, path: bytes) -> list[Entry]:
    """List the frames as what they become in ID3v2.3, and those that become nothing under their own names.

    A block that does not add up, and so is never rewritten, is one entry.
    """
    try:
        frames = frames_of(raw, path)
    except UnreadableTags:
        return [Entry("id3v2.2", "tag", digest(raw))]
    found = []
    for frame in frames:
        new = counterpart(frame)
        block, (name, body) = ("id3v2.3", new) if new else ("id3v2.2", frame)
        found.append(Entry(block, name.decode("latin-1"), digest(bytes(2) + body)))
    return found


def translated(raw: bytes, path: bytes) -> bytes:
    """Return the block as ID3v2.3, as long as it was where its padding suffices.

    mutagen must read the same from both, frame by frame.

    Raises
    ------
    UnreadableTags
        If the block cannot be read, or would not read the same.
    """
    kept = [new for frame in frames_of(raw, path) if (new := counterpart(frame))]
    body = b"".join(name + len(content).to_bytes(4, "big") + bytes(2) + content for name, content in kept)
    body = body.ljust(len(raw) - HEADER, b"\0")
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    block = b"ID3\x03\0\0" + size + body
    if not _readings(raw, path).items() <= _readings(block, path).items():
        raise UnreadableTags(path, "its ID3v2.2 tag would not read the same as ID3v2.3")
    return block


def _readings(raw: bytes, path: bytes) -> dict[str, str]:
    """Return what mutagen reads, but for links, whose names differ in the two versions."""
    tags = ID3()
    with through_mutagen("reading the ID3v2 tag", path):
        tags.load(BytesIO(raw), translate=False, load_v1=False)
    for picture in tags.getall("APIC"):
        picture.mime = _PICTURES.get(picture.mime.upper().encode("latin-1", "replace"), b"").decode() or picture.mime
    known = {key: frame for key, frame in tags.items() if not key.startswith(("LINK", "CRM"))}
    return {key: repr(frame) for key, frame in known.items()}
