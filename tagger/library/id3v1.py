"""The ID3v1 tag: the last 128 bytes of a file, the genre a number in the last of them."""

from __future__ import annotations

import re
from typing import BinaryIO

from mutagen.id3 import TCON

from tagger.base.records import GenreBlock
from tagger.library.family import Entry, TagView, digest, first_fields

BLOCK = "id3v1"
SIZE = 128  # [bytes]
GENRE_BYTE = 127
NO_GENRE = 255
NAMES: tuple[str, ...] = tuple(TCON.GENRES)  # 192 of them: the standard's 80 and Winamp's

_PLACES = {"title": (3, 33), "artist": (33, 63), "album": (63, 93), "year": (93, 97)}
_COMMENT = (97, 127)


def find(file: BinaryIO) -> bytes | None:
    """Return the tag at the end of the file, or None.

    The letters TAG also stand inside the mark of an APEv2 footer, which is no ID3v1 tag.
    """
    size = file.seek(0, 2)
    if size < SIZE:
        return None
    file.seek(max(0, size - SIZE - 3))
    tail = file.read()
    tag = tail[-SIZE:]
    if not tag.startswith(b"TAG") or tail[-SIZE - 3 : -SIZE + 5] == b"APETAGEX":
        return None
    return tag


def view(tag: bytes) -> TagView:
    """Return what an ID3v1 tag says; the genre is its number as text, and 255 is no genre."""
    number = tag[GENRE_BYTE]
    fields: dict[str, object] = {name: _text(tag[start:end]) for name, (start, end) in _PLACES.items()}
    if track := _track(tag):
        fields["track_number"] = track
    return TagView((GenreBlock(BLOCK, () if number == NO_GENRE else (str(number),)),), first_fields(fields))


def comment(tag: bytes) -> str:
    """Return the comment."""
    start, end = _COMMENT
    return _text(tag[start : end - 2] if _track(tag) else tag[start:end])


def entries(tag: bytes) -> list[Entry]:
    """Return all of the tag but its genre."""
    return [Entry(BLOCK, "fields", digest(tag[:GENRE_BYTE]))]


def number_of(values: tuple[str, ...]) -> int:
    """Return the genre number for a genre name, or for a number as text; 255 where no name fits exactly."""
    if not values:
        return NO_GENRE
    if values[0].isascii() and values[0].isdigit() and int(values[0]) <= NO_GENRE:
        return int(values[0])
    return _NUMBERS.get(_key(values[0]), NO_GENRE)


def patch(file: BinaryIO, values: tuple[str, ...]) -> None:
    """Set the genre number of an ID3v1 tag that is there; without a tag, do nothing. No other byte changes."""
    if find(file) is not None:
        file.seek(-1, 2)
        file.write(bytes([number_of(values)]))


def _track(tag: bytes) -> int:
    """Return the track number of ID3v1.1, which stands behind a zero byte at the end of the comment."""
    return tag[126] if tag[125] == 0 else 0


def _text(part: bytes) -> str:
    return part.split(b"\0")[0].decode("latin-1").strip()


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9&]+", "", re.sub(r"\band\b|\bn\b", "&", name.lower()))


_NUMBERS = {_key(name): number for number, name in reversed(list(enumerate(NAMES)))}
