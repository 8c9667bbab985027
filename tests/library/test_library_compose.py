"""First tags of new files: each container gets what was asked for, in its own way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest
from mutagen.id3 import ID3
from mutagen.wave import WAVE

from tagger.base.errors import UnreadableTags, UsageError
from tagger.library.compose import compose_tags

TAGS = {
    "title": "Żółw",
    "artist": "Kofi Zeller",
    "album_artist": "Various Artists",
    "album": "Night Shift",
    "track_number": "3/12",
    "year": "1999",
    "genre": ["Rock", "Hard Rock"],
    "compilation": "1",
    "comment": "from the blue box",
}
KEYS = {
    "mp3": ("TIT2", "TPE1", "TPE2", "TCON", "TRCK"),
    "wav": ("TIT2", "TPE1", "TPE2", "TCON", "TRCK"),
    "aiff": ("TIT2", "TPE1", "TPE2", "TCON", "TRCK"),
    "flac": ("title", "artist", "albumartist", "genre", "tracknumber"),
    "ogg": ("title", "artist", "albumartist", "genre", "tracknumber"),
    "opus": ("title", "artist", "albumartist", "genre", "tracknumber"),
    "m4a": ("\xa9nam", "\xa9ART", "aART", "\xa9gen", None),
    "alac": ("\xa9nam", "\xa9ART", "aART", "\xa9gen", None),
    "wma": ("Title", "Author", "WM/AlbumArtist", "WM/Genre", "WM/TrackNumber"),
    "wavpack": ("Title", "Artist", "Album Artist", "Genre", "Track"),
}


def texts(value: object) -> list[str]:
    values = getattr(value, "text", None) or (value if isinstance(value, list) else str(value).split("\0"))
    return [str(one) for one in values]


@pytest.mark.parametrize("container", KEYS)
def test_tags_can_be_read_again(container: str, tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "new", container)
    compose_tags(path, container, TAGS, id3_version=(2, 4))
    tags = mutagen.File(path).tags
    title, artist, album_artist, genre, number = KEYS[container]
    assert texts(tags[title]) == ["Żółw"]
    assert texts(tags[artist]) == ["Kofi Zeller"]
    assert texts(tags[album_artist]) == ["Various Artists"]
    assert texts(tags[genre]) == ["Rock", "Hard Rock"]
    if number:
        assert texts(tags[number]) == ["3/12"]
    else:
        assert tags["trkn"] == [(3, 12)]


@pytest.mark.parametrize("container", ["mp3", "aac"])
@pytest.mark.parametrize("id3_version", [(2, 3), (2, 4)], ids=["v2.3", "v2.4"])
def test_id3_has_the_version_asked_for(
    container: str, id3_version: tuple[int, int], tmp_path: Path, make_audio: Callable[..., Path]
) -> None:
    path = make_audio(tmp_path / "new", container)
    compose_tags(path, container, {"genre": ["A", "B"], "year": "1999"}, id3_version)
    tag = ID3(path, translate=False)
    assert tag.version[:2] == id3_version
    assert tag["TCON"].text == (["A/B"] if id3_version == (2, 3) else ["A", "B"])
    assert ("TYER" in tag, "TDRC" in tag) == ((True, False) if id3_version == (2, 3) else (False, True))


@pytest.mark.parametrize(
    ("genre", "number"), [("Rock", 17), ("Metal & Hard Rock", 255), (None, 255)], ids=["rock", "no number", "none"]
)
def test_id3v1_has_the_number(genre: str | None, number: int, tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "new", "mp3")
    compose_tags(path, "mp3", {"title": "x", **({"genre": genre} if genre else {})}, id3v1=True)
    block = path.read_bytes()[-128:]
    assert block[:3] == b"TAG"
    assert block[127] == number


@pytest.mark.parametrize("text", ["(17)", "17", "Soul &amp; Funk", "Classical ", "Blå"], ids=str.strip)
def test_odd_spellings_stay_as_they_are(text: str, tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "new", "mp3")
    compose_tags(path, "mp3", {"genre": text})
    assert ID3(path, translate=False)["TCON"].text == [text]


@pytest.mark.parametrize("container", KEYS)
@pytest.mark.parametrize("text", ["", " "], ids=["empty", "space"])
def test_a_blank_genre_is_blank(container: str, text: str, tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "new", container)
    compose_tags(path, container, {"title": "x", "genre": text})
    genre = KEYS[container][3]
    tags = mutagen.File(path).tags
    if text or container not in ("mp3", "wav", "aiff"):
        assert texts(tags[genre]) == [text]
    else:
        assert genre not in tags  # mutagen leaves empty frames out


def test_wav_gets_an_info_list(tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    path = make_audio(tmp_path / "new", "wav")
    compose_tags(path, "wav", TAGS, riff_info=True)
    content = path.read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    assert b"LIST" in content
    assert content[content.index(b"IGNR") + 8 :].startswith(b"Rock; Hard Rock\0")
    again = WAVE(path)
    assert again.tags["TCON"].text == ["Rock/Hard Rock"]
    assert again.info.length == pytest.approx(3.0, abs=0.01)


def test_bytes_are_a_path(tmp_path: Path, make_audio: Callable[..., Path]) -> None:
    name = os.fsencode(tmp_path) + b"/Caf\xe9.flac"
    os.rename(make_audio(tmp_path / "new", "flac"), name)
    compose_tags(name, "flac", {"genre": "Jazz"})
    assert mutagen.File(name)["genre"] == ["Jazz"]


@pytest.mark.parametrize(
    ("container", "tags", "options"),
    [
        ("mp3", {"mood": "sad"}, {}),
        ("tape", {"genre": "Jazz"}, {}),
        ("mp3", {"genre": "Jazz"}, {"id3_version": (2, 2)}),
    ],
    ids=["field", "container", "version"],
)
def test_what_cannot_be_written_is_refused(
    container: str, tags: dict[str, str], options: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    (tmp_path / "new").write_bytes(b"")
    with pytest.raises(UsageError):
        compose_tags(tmp_path / "new", container, tags, **options)
    assert (tmp_path / "new").read_bytes() == b""


@pytest.mark.parametrize("container", ["flac", "ogg", "m4a", "wma", "wav", "aiff"])
def test_a_file_of_another_kind_is_unreadable(container: str, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"this is a text" * 30)
    with pytest.raises(UnreadableTags, match=f"is no {container} file"):
        compose_tags(tmp_path / "new", container, {"genre": "Jazz"})
