"""Reading tags: genre strings raw, block by block; what is no audio is told from what is damaged."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus

from tagger.base.errors import UnreadableTags
from tagger.base.records import GenreBlock
from tagger.library.tags import read_tags

MakeAudio = Callable[..., Path]


def v1_tag(genre: int, title: bytes = b"Song", comment: bytes = b"") -> bytes:
    return struct.pack("3s30s30s30s4s30sB", b"TAG", title, b"Band", b"Record", b"1987", comment, genre)


def genres(path: Path) -> tuple[GenreBlock, ...]:
    return read_tags(os.fsencode(path)).genre_blocks


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("text", ["17", "(17)", "(4)(17)Rock", "Rock/Pop", " ", "255"])
def test_id3_genre_is_not_decoded(version: int, text: str, make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=1)
    tags = ID3()
    tags.add(TCON(encoding=1, text=[text]))
    tags.save(path, v2_version=version)
    assert genres(path) == (GenreBlock(f"id3v2.{version}", (text,)),)


def test_all_fields(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=2)
    tags = ID3()
    for frame in (TPE1, TPE2, TALB, TIT2):
        tags.add(frame(encoding=3, text=[f"é {frame.__name__}"]))
    tags.add(TRCK(encoding=3, text=["4/9"]))
    tags.add(TDRC(encoding=3, text=["2001-05-06"]))
    tags.save(path)
    said = read_tags(os.fsencode(path))
    assert (said.artist, said.album_artist, said.album, said.title) == ("é TPE1", "é TPE2", "é TALB", "é TIT2")
    assert (said.track_number, said.year, said.compilation, said.provenance) == ("4/9", "2001", False, None)
    assert said.container == "mp3"
    assert said.duration == pytest.approx(2, abs=0.1)
    assert len(said.fingerprint) == 32


def test_every_block_speaks_for_itself(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=1)
    ape = APEv2()
    ape["Genre"] = ["Jazz", "Swing"]
    ape.save(path)
    tags = ID3()
    tags.add(TCON(encoding=3, text=["Rock", "Pop"]))
    tags.save(path)
    with path.open("ab") as file:
        file.write(v1_tag(8))
    blocks = (("id3v2.4", ("Rock", "Pop")), ("apev2", ("Jazz", "Swing")), ("id3v1", ("8",)))
    assert genres(path) == tuple(GenreBlock(*block) for block in blocks)


@pytest.mark.parametrize(("number", "values"), [(0, ("0",)), (17, ("17",)), (255, ())])
def test_id3v1_genre_is_a_number(number: int, values: tuple[str, ...], make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=1)
    with path.open("ab") as file:
        file.write(v1_tag(number))
    said = read_tags(os.fsencode(path))
    assert said.genre_blocks == (GenreBlock("id3v1", values),)
    assert (said.title, said.artist, said.album, said.year) == ("Song", "Band", "Record", "1987")


def test_the_end_of_an_apev2_tag_is_no_id3v1(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=1)
    tags = APEv2()
    tags["Genre"] = "x" * (131 - 32 - 32 - 8 - len("Genre") - 1)  # its header's TAG stands 128 bytes before the end
    tags.save(path)
    assert path.read_bytes()[-128:].startswith(b"TAGEX")
    assert [block.block for block in genres(path)] == ["apev2"]


@pytest.mark.parametrize("kind", [FLAC, OggOpus], ids=["flac", "opus"])
def test_vorbis_values_repeat(kind: type, make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "song.mp3", "flac" if kind is FLAC else "opus", seconds=1)  # the name is wrong
    file = kind(path)
    file["GENRE"] = ["Rock", "Pop/Dance"]
    file["compilation"] = ["1"]
    file.save()
    said = read_tags(os.fsencode(path))
    assert said.genre_blocks == (GenreBlock("vorbis", ("Rock", "Pop/Dance")),)
    assert said.compilation


def test_mp4_genre_number_has_its_name(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.m4a", "m4a", seconds=1)
    file = MP4(path)
    file["\xa9gen"] = ["X" * 2]
    file.save()
    data = path.read_bytes()
    at = data.index(b"\xa9gen")
    # "data" with two bytes of text becomes a genre number: 18 is Rock there, one more than in ID3v1
    path.write_bytes(data[:at] + b"gnre" + data[at + 4 : at + 12] + bytes(8) + b"\x00\x12" + data[at + 22 :])
    assert genres(path) == (GenreBlock("mp4", ("Rock",)),)


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"These are the notes of the session.\n" * 200, "no audio file", id="text"),
        pytest.param(b"\xff" * 5000, "no audio file", id="ones"),
        pytest.param(b"ID3\x04\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0", "no audio", id="tag alone"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, "no audio file", id="picture"),
        pytest.param(b"fLaC\x00\x00", "reading", id="cut FLAC"),
        pytest.param(b"RIFF\x24\0\0\0WAVE", "audio|chunk", id="WAV without chunks"),
    ],
)
def test_what_is_no_audio_is_unreadable(content: bytes, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(content)
    with pytest.raises(UnreadableTags, match=cause) as caught:
        read_tags(os.fsencode(path))
    assert caught.value.path == str(path)


def test_missing_file_and_folder_are_unreadable(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.mp3"):
        with pytest.raises(UnreadableTags):
            read_tags(os.fsencode(path))


@pytest.mark.parametrize("container", ["mp3", "aac", "flac", "ogg", "opus", "wav", "aiff", "wma", "wavpack"])
def test_a_cut_file_with_audio_left_is_readable(container: str, make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.bin", container, seconds=2)
    whole = read_tags(os.fsencode(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    said = read_tags(os.fsencode(path))
    assert said.container == whole.container
    assert said.fingerprint != whole.fingerprint


@pytest.mark.parametrize("container", ["mp3", "aac", "flac", "ogg", "opus", "m4a", "wav", "aiff", "wma", "wavpack"])
def test_damage_anywhere_near_the_head_ends_in_an_answer(container: str, make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.bin", container, seconds=0.5)
    data = path.read_bytes()
    answered = 0
    for position in range(0, 400, 7):
        path.write_bytes(data[:position] + b"\xff\x7f" + data[position + 2 :])
        try:
            read_tags(os.fsencode(path))
        except UnreadableTags as error:
            assert error.cause
        answered += 1
    assert answered == 58


def test_a_name_that_is_not_utf8(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = os.fsencode(make_audio(tmp_path / "a.mp3", "mp3", seconds=1))
    odd = os.path.join(os.path.dirname(path), b"caf\xe9.mp3")
    os.rename(path, odd)
    assert read_tags(odd).container == "mp3"
