"""Taking a write back: the same bytes where the file is as it was left, else the same genre values."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mutagen.easyid3 import EasyID3
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TCON, TIT2

from tagger.audio.hash import audio_hash
from tagger.base.errors import WriteFailed, WriteSkipped
from tagger.base.records import GenreBlock, Provenance
from tagger.library.swap import WriteContext
from tagger.library.tags import read_tags
from tagger.library.write import undo_write, write_genre

MakeAudio = Callable[..., Path]
RUN, LATER = "20260101T000000-cafe", "20260102T000000-beef"


@pytest.fixture
def song(make_audio: MakeAudio, tmp_path: Path) -> Path:
    path = make_audio(tmp_path / "song.mp3", "mp3", seconds=1)
    tags = ID3()
    tags.add(TIT2(encoding=0, text=["Song"]))
    tags.add(TCON(encoding=0, text=["Unknown", "None"]))
    tags.save(path, v2_version=4)
    with path.open("ab") as file:
        file.write(struct.pack("3s124sB", b"TAG", b"Song", 12))
    return path


def context(path: Path, record: dict[str, Any], run: str = RUN) -> WriteContext:
    def journal(stage: str, facts: dict[str, Any]) -> None:
        record.update(json.loads(json.dumps(facts)))

    return WriteContext(os.fsencode(path.parent), run, audio_hash, journal, settle_seconds=0)


def write(path: Path, genre: str = "Jazz", run: str = RUN) -> dict[str, Any]:
    record: dict[str, Any] = {}
    write_genre(os.fsencode(path), genre, Provenance(genre, "model", 0.9, run), context(path, record, run))
    return record


def undo(path: Path, record: dict[str, Any], told: dict[str, Any] | None = None) -> Any:
    return undo_write(os.fsencode(path), record, context(path, {} if told is None else told, LATER))


BEFORE = (GenreBlock("id3v2.4", ("Unknown", "None")), GenreBlock("id3v1", ("12",)))


def test_the_same_bytes_come_back(song: Path) -> None:
    content = song.read_bytes()
    record, told = write(song), {}
    assert read_tags(os.fsencode(song)).genre_blocks == (GenreBlock("id3v2.4", ("Jazz",)), GenreBlock("id3v1", ("8",)))
    outcome = undo(song, record, told)
    assert song.read_bytes() == content
    assert outcome.exact
    assert outcome.after == BEFORE
    assert (told["kind"], told["undone_run"], told["sha256_after"]) == ("undo", RUN, record["sha256_before"])


def test_the_same_bytes_come_back_where_the_file_has_moved(song: Path) -> None:
    content = song.read_bytes()
    record = write(song)
    moved = song.rename(song.with_name("moved.mp3"))
    assert undo(moved, record).exact
    assert moved.read_bytes() == content


def test_other_changes_since_are_kept(song: Path) -> None:
    record = write(song)
    tags = EasyID3(song)
    tags["title"] = "A better title"
    tags.save()
    outcome = undo(song, record)
    said = read_tags(os.fsencode(song))
    assert not outcome.exact
    assert said.genre_blocks == BEFORE
    assert said.title == "A better title"
    assert said.provenance is None


def test_values_come_back_without_a_way_back_in_the_journal(song: Path) -> None:
    record = write(song)
    outcome = undo(song, record | {"delta": None})
    assert not outcome.exact
    assert read_tags(os.fsencode(song)).genre_blocks == BEFORE


def test_an_earlier_note_comes_back(song: Path) -> None:
    write(song, "Rock")
    record = write(song, "Jazz", LATER)
    undo(song, record | {"delta": None})
    said = read_tags(os.fsencode(song))
    assert said.genre_blocks[0].values == ("Rock",)
    assert said.provenance is not None
    assert said.provenance.written == "Rock"


@pytest.mark.parametrize("genre", [["Blues"], ["Jazz", "Blues"], None], ids=["another", "one more", "blanked"])
def test_a_person_s_change_is_not_undone(genre: list[str] | None, song: Path) -> None:
    record = write(song)
    tags = EasyID3(song)
    if genre:
        tags["genre"] = genre
    else:
        del tags["genre"]
    tags.save()
    content = song.read_bytes()
    with pytest.raises(WriteSkipped, match="a person changed the genre since"):
        undo(song, record)
    assert song.read_bytes() == content


def test_the_tag_s_version_may_have_changed_since(song: Path) -> None:
    record = write(song)
    tags = ID3(song)
    tags.update_to_v23()
    tags.save(v2_version=3)
    undo(song, record)
    assert read_tags(os.fsencode(song)).genre_blocks[0] == GenreBlock("id3v2.3", ("Unknown", "None"))


def test_undo_of_an_untagged_file_takes_the_block_away_again(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.mp3", "mp3", seconds=1)
    content = path.read_bytes()
    record = write(path)
    undo(path, record | {"delta": None})
    assert path.read_bytes() == content


def test_other_audio_is_not_touched(song: Path, make_audio: MakeAudio) -> None:
    record = write(song)
    make_audio(song, "mp3", seconds=1, seed=2)
    content = song.read_bytes()
    with pytest.raises(WriteSkipped, match="not the audio"):
        undo(song, record)
    assert song.read_bytes() == content


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        pytest.param({"sha256_before": "0" * 64}, "could not be built", id="other bytes"),
        pytest.param({"delta": {"version": 9}}, "way back", id="other version"),
        pytest.param({"genre_blocks": [["id3v2.4", ["Rap"]]]}, "did not come back", id="other genre"),
    ],
)
def test_a_way_back_that_does_not_lead_there_is_not_taken(damage: dict[str, Any], match: str, song: Path) -> None:
    record = write(song) | damage
    content = song.read_bytes()
    with pytest.raises(WriteFailed, match=match):
        undo(song, record)
    assert song.read_bytes() == content
    assert os.listdir(song.parent) == ["song.mp3"]


def test_a_record_without_genres_is_refused(song: Path) -> None:
    record = write(song)
    del record["genre_blocks"]
    with pytest.raises(WriteSkipped, match="journal"):
        undo(song, record)


def test_a_second_undo_changes_nothing(song: Path) -> None:
    record = write(song)
    undo(song, record)
    content = song.read_bytes()
    with pytest.raises(WriteSkipped, match="already"):
        undo(song, record)
    assert song.read_bytes() == content


def test_writing_nothing_takes_the_genre_out(make_audio: MakeAudio, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.flac", "flac", seconds=1)
    flac = FLAC(path)
    flac["genre"], flac["title"] = "Rap", "Song"
    flac.save()
    content = path.read_bytes()
    record: dict[str, Any] = {}
    write_genre(os.fsencode(path), None, None, context(path, record))
    said = read_tags(os.fsencode(path))
    assert (said.genre_blocks, said.title) == ((GenreBlock("vorbis", ()),), "Song")
    undo_write(os.fsencode(path), record, replace(context(path, {}), run=LATER))
    assert path.read_bytes() == content
