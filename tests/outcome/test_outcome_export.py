"""Exports: the keys, the bytes of odd paths, spreadsheets that must not run anything, playlists that play."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from pathlib import Path

import pytest

from tagger.base.cells import FORMULA_STARTS, path_cell, text_cell
from tagger.base.records import Decision, TrackState
from tagger.outcome.export import COLUMNS, ExportRow, csv_lines, jsonl_lines, write_playlists

ROW = ExportRow(
    path=b"/music/a\xff.mp3",
    artist="=Björk",
    album_artist=None,
    album="Post\r\nlude",
    title='\udcffHyper, "ballad"',
    genre_tags=("Electronic", "Pop"),
    label=None,
    state=TrackState.UNTAGGED,
    predicted="edm",
    confidence=0.87654321,
    decision=Decision.ABSTAIN,
    reason="0.88 is under the 0.90 that edm needs",
    source="none",
)


def test_json_lines() -> None:
    (line,) = jsonl_lines([ROW])
    assert line.isascii()
    assert line.endswith("}\n")
    facts = json.loads(line)
    assert tuple(facts) == COLUMNS
    assert os.fsencode(facts["path"]) == ROW.path
    assert facts["genre_tags"] == ["Electronic", "Pop"]
    assert (facts["state"], facts["decision"], facts["source"]) == ("untagged", "abstain", "none")
    assert facts["confidence"] == 0.87654321


def test_json_lines_of_a_track_that_was_not_asked() -> None:
    row = dataclasses.replace(ROW, predicted=None, confidence=None, decision=None, reason=None)
    facts = json.loads(next(jsonl_lines([row])))
    assert [facts[key] for key in ("predicted", "confidence", "decision", "reason")] == [None] * 4


def test_csv() -> None:
    text = "".join(csv_lines([ROW, ROW]))
    text.encode("utf-8")  # nothing in it that a file could not hold
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == COLUMNS
    assert rows[0] == rows[1]
    cells = dict(zip(header, rows[0], strict=True))
    assert cells["path"] == "/music/a\\xff.mp3"
    assert cells["artist"] == "'=Björk"
    assert cells["album"] == "Post lude"
    assert cells["title"] == '\\udcffHyper, "ballad"'
    assert cells["genre_tags"] == "Electronic; Pop"
    assert cells["confidence"] == "0.8765"


def test_csv_of_nothing_is_its_header() -> None:
    assert "".join(csv_lines([])) == ",".join(COLUMNS) + "\r\n"


@pytest.mark.parametrize("start", FORMULA_STARTS, ids=ascii)
def test_no_cell_starts_a_formula(start: str) -> None:
    for cell in (text_cell(f"{start}1+1"), path_cell(os.fsencode(f"{start}1+1")), text_cell(f" \n{start}1")):
        assert not cell.startswith(FORMULA_STARTS)


def test_playlists(tmp_path: Path) -> None:
    rows = [
        dataclasses.replace(ROW, genre="pop", duration=61.6),
        dataclasses.replace(ROW, path=b"/music/b.mp3", genre="pop", artist=None, title=None),
        dataclasses.replace(ROW, path=b"/music/c\nd.mp3", genre="pop"),
        dataclasses.replace(ROW, genre=None),
        dataclasses.replace(ROW, genre="polka"),
    ]
    folder = tmp_path / "lists"
    counts, problems = write_playlists(rows, folder, ["funk&soul", "pop"])
    assert counts == {"funk&soul": 0, "pop": 2}
    assert [problem.path for problem in problems] == ["/music/c\nd.mp3"]
    assert sorted(path.name for path in folder.iterdir()) == ["funk&soul.m3u", "pop.m3u"]
    assert (folder / "funk&soul.m3u").read_bytes() == b"#EXTM3U\n"
    assert (folder / "pop.m3u").read_bytes().split(b"\n") == [
        b"#EXTM3U",
        '#EXTINF:62,=Björk - ?Hyper, "ballad"'.encode(),
        b"/music/a\xff.mp3",
        b"#EXTINF:-1,b.mp3",
        b"/music/b.mp3",
        b"",
    ]


def test_playlists_replace_older_ones_whole(tmp_path: Path) -> None:
    row = dataclasses.replace(ROW, genre="pop")
    write_playlists([row], tmp_path, ["pop"])

    def failing() -> object:
        yield row
        yield row
        raise OSError("the library went away")

    before = (tmp_path / "pop.m3u").read_bytes()
    with pytest.raises(OSError, match="went away"):
        write_playlists(failing(), tmp_path, ["pop"])  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["pop.m3u"]
    assert (tmp_path / "pop.m3u").read_bytes() == before
    write_playlists([], tmp_path, ["pop"])
    assert (tmp_path / "pop.m3u").read_bytes() == b"#EXTM3U\n"
