"""The Vorbis comment, as FLAC, Ogg Vorbis, Opus and Speex carry it."""

from __future__ import annotations

import struct
from typing import Any

from tagger.base.records import GenreBlock
from tagger.library.family import NOTE_KEY, Entry, TagView, digest, first_fields, kept_values

BLOCK = "vorbis"
GROWTH = 1024  # [bytes] of padding in a comment that has to grow, so that the next change moves nothing
_FIELDS = {"artist": "artist", "album_artist": "albumartist", "album": "album", "title": "title"}
_FIELDS |= {"track_number": "tracknumber", "year": "date"}
_OWN = (b"GENRE", NOTE_KEY.encode())


def view(comment: Any) -> TagView:
    """Return what mutagen's comment dictionary says."""
    fields: dict[str, object] = {name: comment.get(key) for name, key in _FIELDS.items()}
    fields["album_artist"] = fields["album_artist"] or comment.get("album artist")
    date = (fields["year"] or comment.get("year") or [""])[0]  # type: ignore[index]
    fields["year"] = date[:4]
    note = comment.get(NOTE_KEY)
    return TagView(
        blocks=(GenreBlock(BLOCK, kept_values(comment.get("genre") or ())),),
        fields=first_fields({name: value for name, value in fields.items() if value}),
        compilation=comment.get("compilation", [""])[0].strip() == "1",
        note=note[0] if note else None,
    )


def change(comment: Any, values: tuple[str, ...], note: str | None) -> None:
    """Set genre and note where they stood in the comment, else at its end; nothing else moves."""
    _set(comment, "GENRE", list(values))
    _set(comment, NOTE_KEY, [note] if note is not None else [])


def _set(comment: Any, key: str, values: list[str]) -> None:
    pairs = list(comment)
    at = next((index for index, (name, _) in enumerate(pairs) if name.upper() == key), len(pairs))
    before = [pair for pair in pairs[:at] if pair[0].upper() != key]
    after = [pair for pair in pairs[at:] if pair[0].upper() != key]
    comment[:] = [*before, *((key, value) for value in values), *after]


def padding(info: Any) -> int:
    """Keep the padding there is; mutagen would shrink a large one and so move the audio."""
    return info.padding if info.padding >= 0 else GROWTH


def entries(data: bytes) -> list[Entry]:
    """List vendor and comments of a raw Vorbis comment, but not genre and note, by an own parser.

    Raises
    ------
    ValueError
        If the comment does not add up.
    """
    vendor, *comments = strings(data)
    keyed = [(comment.split(b"=")[0].upper(), comment) for comment in comments]
    return [
        Entry(BLOCK, "vendor", digest(vendor)),
        *(Entry(BLOCK, key.decode("latin-1"), digest(comment)) for key, comment in keyed if key not in _OWN),
    ]


def strings(data: bytes) -> list[bytes]:
    """Return the vendor and the comments of a raw Vorbis comment. Raises ValueError if it does not add up."""
    try:
        vendor, position = _string(data, 0)
        (count,) = struct.unpack_from("<I", data, position)
        found, position = [vendor], position + 4
        while len(found) <= count:
            comment, position = _string(data, position)
            found.append(comment)
    except struct.error as error:
        raise ValueError("a Vorbis comment does not add up") from error
    return found


def length(data: bytes) -> int:
    """Return how many of the bytes the raw Vorbis comment takes up. Raises ValueError if it does not add up."""
    return 4 + sum(4 + len(text) for text in strings(data))


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("<I", data, position)
    end = position + 4 + size
    if end > len(data):
        raise ValueError("a Vorbis comment does not add up")
    return data[position + 4 : end], end
