"""Wrong genres that are planted come out of the audit, and what a person says of them stands."""

from __future__ import annotations

import argparse
import csv
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tagger.commands.session import Session
from tagger.commands.suspects import current, due, suspects_file

from .conftest import Station, fill, put_track

pytestmark = pytest.mark.slow


@pytest.fixture
def planted(station: Station) -> tuple[Station, Path]:
    """Return a scanned station with clips, and its one track of the first kind (rock) that says jazz."""
    fill(station.library, containers=("mp3", "flac"))
    wrong = next(iter(sorted((station.library / "Artist 02" / "Album").iterdir())))
    tags = {"artist": "Artist 02", "album": "Album 02", "title": "Song 0", "genre": "Jazz"}
    put_track(wrong, 0, 5, wrong.suffix[1:], **tags)
    assert station.run("scan", station.library).code == 0
    assert station.run("dataset").code == 0
    return station, wrong


def suspicious(station: Station, *options: str) -> list[dict[str, Any]]:
    result = station.run("audit", *options)
    assert result.code == 0, result.err
    return [finding for finding in result.facts["findings"] if finding["kind"] == "suspicious"]


def decide(station: Station, path: Path, word: str) -> None:
    sheet = station.home.parent / "review.csv"
    sheet.write_text(f"path,decision\n{path},{word}\n")
    assert station.run("review", "import", sheet).counts == {"decisions": 1, "problems": 0}


def test_a_wrong_genre_is_found_without_any_model(planted: tuple[Station, Path]) -> None:
    station, wrong = planted
    assert suspicious(station) == []
    (finding,) = suspicious(station, "--refresh")
    assert finding.keys() == {"path", "kind", "genre_tag", "suggested", "score"}
    assert (finding["path"], finding["genre_tag"], finding["suggested"]) == (str(wrong), "Jazz", "rock")
    assert suspicious(station) == [finding], "what was found is kept"
    sheet = station.home.parent / "findings.csv"
    station.run("audit", "--csv", sheet)
    with sheet.open(newline="") as file:
        (row,) = (row for row in csv.DictReader(file) if row["kind"] == "suspicious")
    assert row["detail"].startswith("labelled jazz; models that never heard the artist say rock (0.")
    assert " of 5 clips, jazz 0.0" in row["detail"]


def test_dismissed_suspicions_stay_dismissed(planted: tuple[Station, Path]) -> None:
    station, wrong = planted
    assert [finding["path"] for finding in suspicious(station, "--refresh")] == [str(wrong)]
    decide(station, wrong, "dismiss")
    assert suspicious(station) == []
    assert suspicious(station, "--refresh") == []
    assert station.run("scan", station.library).code == 0
    assert suspicious(station, "--refresh") == []


def test_what_was_said_of_another_label_is_void(planted: tuple[Station, Path]) -> None:
    station, wrong = planted
    assert suspicious(station, "--refresh")
    tags = {"artist": "Artist 02", "album": "Album 02", "title": "Song 0", "genre": "Rock"}
    put_track(wrong, 0, 5, wrong.suffix[1:], **tags)
    assert station.run("scan", station.library).code == 0
    assert suspicious(station) == []


@pytest.mark.parametrize("content", ["", "track,label\n", "track,label\nx,y\n", "\0"], ids=repr)
def test_a_damaged_file_is_none(planted: tuple[Station, Path], content: str) -> None:
    station, _ = planted
    (station.home / "cache" / "suspects.csv").write_text(content)
    assert suspicious(station) == []
    assert len(suspicious(station, "--refresh")) == 1


def test_it_is_due_once_there_are_clips_and_then_weekly(planted: tuple[Station, Path], tmp_path: Path) -> None:
    station, _ = planted
    with Session.from_arguments(argparse.Namespace(command="audit", home=str(tmp_path / "new"))) as session:
        assert not due(session)
    with Session.from_arguments(argparse.Namespace(command="audit", home=str(station.home))) as session:
        assert due(session)
        suspicious(station, "--refresh")
        assert not due(session)
        assert len(current(session)) == station.run("dataset").counts["tracks"]
        past = time.time() - (session.settings.suspects_days + 0.1) * 86_400
        os.utime(suspects_file(session), (past, past))
        assert due(session)


def test_without_clips_a_refresh_says_what_is_missing(station: Station) -> None:
    result = station.run("audit", "--refresh")
    assert result.code == 2
    assert "`tagger dataset` makes one" in result.err
