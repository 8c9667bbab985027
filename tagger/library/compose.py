"""Give a file that has no tags its first ones, in any container; for libraries that are made, not for ones that exist.

Tags of a station's files are changed by `write`, with its copies, checks and journal; nothing here is that careful.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.flac import FLAC
from mutagen.id3 import COMM, ID3, TALB, TCMP, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, TYER, Frame, TextFrame
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from tagger.base.errors import UnreadableTags, UsageError

Tags = Mapping[str, str | Sequence[str]]

ID3_FRAMES: dict[str, type[TextFrame]] = {
    **{"title": TIT2, "artist": TPE1, "album_artist": TPE2, "album": TALB, "genre": TCON},
    **{"track_number": TRCK, "year": TDRC, "compilation": TCMP},
}
VORBIS_KEYS = {"album_artist": "albumartist", "track_number": "tracknumber", "year": "date"}
MP4_KEYS = {
    **{"title": "\xa9nam", "artist": "\xa9ART", "album_artist": "aART", "album": "\xa9alb", "genre": "\xa9gen"},
    **{"year": "\xa9day", "comment": "\xa9cmt"},
}
ASF_KEYS = {
    **{"title": "Title", "artist": "Author", "album_artist": "WM/AlbumArtist", "album": "WM/AlbumTitle"},
    **{"genre": "WM/Genre", "track_number": "WM/TrackNumber", "year": "WM/Year", "comment": "Description"},
    **{"compilation": "WM/IsCompilation"},
}
APEV2_KEYS = {
    **{"title": "Title", "artist": "Artist", "album_artist": "Album Artist", "album": "Album", "genre": "Genre"},
    **{"track_number": "Track", "year": "Year", "comment": "Comment", "compilation": "Compilation"},
}
INFO_KEYS = {
    **{"title": b"INAM", "artist": b"IART", "album": b"IPRD", "genre": b"IGNR", "year": b"ICRD"},
    **{"comment": b"ICMT", "track_number": b"ITRK"},
}
FIELDS = (*ID3_FRAMES, "comment")


def compose_tags(
    path: str | bytes | os.PathLike[str],
    container: str,
    tags: Tags,
    id3_version: tuple[int, int] = (2, 3),
    id3v1: bool = False,
    riff_info: bool = False,
) -> None:
    """Put tags into a file that was just encoded.

    Parameters
    ----------
    path : str, bytes or path
        The file; it is changed in place.
    container : str
        One of mp3 aac wav aiff flac ogg opus m4a alac wma wavpack ape musepack.
    tags : mapping
        Values by field: title artist album_artist album track_number ("3" or "3/12") year genre compilation ("1")
        comment. Several values become what the container has for that (v2.3: joined with "/"). An empty text leaves
        no frame in ID3, and an empty value elsewhere.
    id3_version : (2, 3) or (2, 4)
        For mp3, aac, wav and aiff.
    id3v1 : bool
        Whether an MP3 or AAC file gets an ID3v1 tag too; mutagen derives it from the other, genre number included.
    riff_info : bool
        Whether a WAV file gets an INFO list too.

    Raises
    ------
    UsageError
        If there is no such container, field or ID3 version.
    UnreadableTags
        If the file is not what `container` says.
    """
    unknown = set(tags) - set(FIELDS)
    if unknown:
        raise UsageError(f"no such field for a tag: {', '.join(sorted(unknown))}; known are {', '.join(FIELDS)}")
    if id3_version not in ((2, 3), (2, 4)):
        raise UsageError(f"ID3 {id3_version} cannot be written; (2, 3) and (2, 4) can")
    values = {field: [value] if isinstance(value, str) else list(value) for field, value in tags.items()}
    name = os.fsencode(path)
    try:
        _compose(name, container, values, id3_version[1], id3v1)
        if container == "wav" and riff_info:
            _append_info(name, values)
    except mutagen.MutagenError as error:
        raise UnreadableTags(name, f"is no {container} file: {error}") from error


def _compose(name: bytes, container: str, values: Mapping[str, list[str]], version: int, id3v1: bool) -> None:
    match container:
        case "mp3" | "aac":
            tag = ID3()
            _fill_id3(tag, values, version)
            tag.save(name, v1=2 if id3v1 else 0, v2_version=version, v23_sep="/")
        case "wav" | "aiff":
            file = WAVE(name) if container == "wav" else AIFF(name)
            file.add_tags()
            _fill_id3(file.tags, values, version)
            file.save(v2_version=version, v23_sep="/")
        case "flac" | "ogg" | "opus":
            file = {"flac": FLAC, "ogg": OggVorbis, "opus": OggOpus}[container](name)
            if file.tags is None:
                file.add_tags()
            file.tags.clear()
            for field, texts in values.items():
                file[VORBIS_KEYS.get(field, field)] = texts
            file.save()
        case "m4a" | "alac":
            file = MP4(name)
            _fill_mp4(file, values)
            file.save()
        case "wma":
            file = ASF(name)
            for field, texts in values.items():
                file[ASF_KEYS[field]] = list(texts)
            file.save()
        case "wavpack" | "ape" | "musepack":
            tag = APEv2()
            for field, texts in values.items():
                tag[APEV2_KEYS[field]] = list(texts)
            tag.save(name)
        case _:
            raise UsageError(f"no such container: {container}")


def _fill_id3(tag: ID3, values: Mapping[str, list[str]], version: int) -> None:
    for field, texts in values.items():
        encoding = 3 if version == 4 else _encoding_of_v23(texts)
        if field == "comment":
            tag.add(COMM(encoding=encoding, lang="eng", desc="", text=texts))
            continue
        frame: type[Frame] = TYER if field == "year" and version == 3 else ID3_FRAMES[field]
        tag.add(frame(encoding=encoding, text=texts))


def _encoding_of_v23(texts: Sequence[str]) -> int:
    """Return ID3's number for Latin-1 (0) where that is enough, as most taggers do, else for UTF-16 (1)."""
    try:
        "".join(texts).encode("latin-1")
    except UnicodeEncodeError:
        return 1
    return 0


def _fill_mp4(file: MP4, values: Mapping[str, list[str]]) -> None:
    if file.tags is None:
        file.add_tags()
    file.tags.clear()
    for field, texts in values.items():
        if field == "track_number":
            number, _, total = texts[0].partition("/")
            file["trkn"] = [(int(number), int(total or 0))]
        elif field == "compilation":
            file["cpil"] = texts[0] == "1"
        else:
            file[MP4_KEYS[field]] = list(texts)


def _append_info(name: bytes, values: Mapping[str, list[str]]) -> None:
    """Append a LIST chunk of type INFO to a WAV file; several values are joined with "; "."""
    body = b"INFO"
    for field, key in INFO_KEYS.items():
        if field in values:
            text = "; ".join(values[field]).encode("utf-8") + b"\0"
            body += struct.pack("<4sI", key, len(text)) + text + b"\0" * (len(text) % 2)
    with open(name, "r+b") as file:
        end = file.seek(0, os.SEEK_END)
        file.write(b"\0" * (end % 2) + struct.pack("<4sI", b"LIST", len(body)) + body)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))
