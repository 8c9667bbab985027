"""Files that a save would cost something are left alone, cost no place in the budget, and can be allowed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from tagger.library import preflight as room

from .conftest import Station, put_track

V22 = b"ID3\x02\0\0\0\0\0\x15TT2\0\0\x05\0SongCRM\0\0\x04code"


@pytest.fixture
def decided(station: Station, tmp_path: Path) -> Station:
    """A station of three untagged tracks, the first with an ID3v2.2 tag; a person decided on all of them."""
    for number, name in enumerate(("a old.mp3", "b new.mp3", "c new.flac")):
        put_track(station.library / name, seed=number + 1, container=name.rpartition(".")[2])
    old = station.library / "a old.mp3"
    old.write_bytes(V22 + old.read_bytes())
    assert station.run("scan", station.library).counts["untagged"] == 3
    with (tmp_path / "review.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "decision"))
        rows.writerows((path, "Jazz") for path in sorted(station.library.iterdir()))
    assert station.run("review", "import", tmp_path / "review.csv").counts["decisions"] == 3
    return station


def test_such_a_file_is_left_alone_and_takes_no_place_in_the_budget(decided: Station) -> None:
    old = decided.library / "a old.mp3"
    content = old.read_bytes()
    dry = decided.run("write")
    assert dry.counts == {"planned": 3, "written": 0, "postponed": 0, "skipped": 1, "failed": 0}
    rows = {os.path.basename(row["path"]): row for row in dry.facts["plan"]}
    assert rows["a old.mp3"]["reason"].startswith("left alone: saving would lose something: its tag is ID3v2.2")
    assert "CRM" in rows["a old.mp3"]["reason"]
    assert "adds an ID3v2.3 tag" in rows["b new.mp3"]["changes"]
    assert rows["c new.flac"]["reason"] == "a person decided in review"
    first = decided.run("write", "--apply", "--max-writes", "1")
    assert first.counts == {"planned": 2, "written": 1, "postponed": 1, "skipped": 1, "failed": 0}
    second = decided.run("write", "--apply", "--max-writes", "1")
    assert second.counts == {"planned": 2, "written": 1, "postponed": 0, "skipped": 1, "failed": 0}
    assert old.read_bytes() == content


def test_people_are_told(decided: Station) -> None:
    shown = decided.run("write", "-v", json=False).out
    assert "a old.mp3  (left alone: saving would lose something: its tag is ID3v2.2" in shown
    assert f"{decided.library / 'b new.mp3'}: adds an ID3v2.3 tag" in shown
    inside = decided.run("inspect", decided.library / "a old.mp3").facts["a_write_would"]
    assert [text.partition(":")[0] for text in inside["lose"]] == ["id3v2.2", "id3v2.2"]


def test_a_file_is_not_looked_at_every_night(decided: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = room.preflight

    def counted(path: bytes, *rest: object) -> room.Preflight:
        looked.append(os.path.basename(os.fsdecode(path)))
        return real(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "preflight", counted)
    decided.run("write")
    assert sorted(looked) == ["a old.mp3", "b new.mp3", "c new.flac"]
    decided.run("write")
    assert looked.count("a old.mp3") == 1
    assert decided.run("write", "--apply").counts["skipped"] == 1
    assert looked.count("a old.mp3") == 1
    old = decided.library / "a old.mp3"
    old.write_bytes(old.read_bytes().replace(b"Song", b"Sang"))
    os.utime(old, ns=(1, 1))
    decided.run("scan", decided.library)
    decided.run("write")
    assert looked.count("a old.mp3") == 2


def test_a_station_can_allow_it(decided: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    old = decided.library / "a old.mp3"
    content = old.read_bytes()
    decided.run("write")
    monkeypatch.setenv("TAGGER_ALLOW_LOSS", "id3v2.2")
    dry = decided.run("write")
    assert dry.counts["skipped"] == 0
    changes = next(row["changes"] for row in dry.facts["plan"] if row["path"] == str(old))
    assert changes[0] == "loses, as allowed: its tag is ID3v2.2, which can only be rewritten as ID3v2.3"
    done = decided.run("write", "--apply")
    assert (done.counts["written"], done.counts["skipped"]) == (3, 0)
    assert old.read_bytes().startswith(b"ID3\x03")
    assert b"TIT2" in old.read_bytes()
    assert decided.run("undo", done.facts["run_id"]).counts["written"] == 3
    assert old.read_bytes() == content


@pytest.mark.parametrize("value", ["frames", '["id3v2.2", "fragmented"]'])
def test_what_cannot_be_allowed_is_refused_in_one_line(
    value: str, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGGER_ALLOW_LOSS", value)
    result = station.run("write", json=False)
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "TAGGER_ALLOW_LOSS" in result.err
    assert "'duplicate-block'" in result.err
