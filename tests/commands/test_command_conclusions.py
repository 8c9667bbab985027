"""What an unchanged night concludes again without looking, and what makes it look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tagger.commands import audit
from tagger.index.journal import Journal
from tagger.index.rows import DecisionKind, NewDecision
from tagger.index.store import open_index

from .conftest import Station, put_track


@pytest.fixture
def found(station: Station) -> Station:
    """A station with one odd genre tag, one track without, and no labels to learn from, after one night."""
    put_track(station.library / "odd.mp3", artist="A", genre="Zzyzx")
    put_track(station.library / b"none\xff.mp3".decode("utf-8", "surrogateescape"), seed=2, artist="B")
    assert station.run("nightly", station.library).code == 0
    return station


def report(result: Any) -> dict[str, Any]:
    """Return what the report says, but for what is of its own night."""
    facts = json.loads(Path(result.facts["report"]).with_suffix(".json").read_text())
    return {key: value for key, value in facts.items() if key not in ("run_id", "started", "seconds", "stages")}


def night(station: Station) -> tuple[dict[str, int], dict[str, Any]]:
    result = station.run("nightly", station.library)
    assert result.code == 0, result.err
    return {key: count for key, count in result.counts.items() if count}, report(result)


def test_an_unchanged_night_says_the_same_without_looking(found: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, said = night(found)
    looked: list[object] = []
    monkeypatch.setattr(audit, "_find", lambda *given: looked.append(given) or [])
    assert night(found) == (counts, said)
    assert said["finding_counts"]["unmapped"] == said["finding_counts"]["missing"] == 1
    assert not looked


def test_a_changed_file_is_looked_at(found: Station) -> None:
    night(found)
    put_track(found.library / "odd.mp3", artist="A", genre="Rock")
    assert night(found)[1]["finding_counts"]["unmapped"] == 0


def test_a_decision_is_looked_at(found: Station) -> None:
    night(found)
    with open_index(found.home / "index.db") as index:
        rows = [row for row in index.select.tracks() if row.genre_tag == "Zzyzx"]
        index.decisions.record(
            Journal(found.home / "journal.jsonl"), [NewDecision(row, DecisionKind.DISMISS) for row in rows], None
        )
    assert night(found)[1]["finding_counts"]["unmapped"] == 0


@pytest.mark.parametrize("content", ["", "{", "[]", '{"basis": 1}'])
def test_a_damaged_conclusion_counts_for_nothing(found: Station, content: str) -> None:
    counts = night(found)
    for file in (found.home / "cache" / "concluded").iterdir():
        file.write_text(content)
    assert night(found) == counts


def test_audit_alone_reads_what_the_night_concluded_and_keeps_nothing(found: Station) -> None:
    night(found)
    files = {file: file.stat().st_mtime_ns for file in (found.home / "cache" / "concluded").iterdir()}
    findings = found.run("audit").facts["findings"]
    assert {finding["kind"] for finding in findings} == {"unmapped", "missing"}
    put_track(found.library / "odd.mp3", artist="A", genre="Rock")
    found.run("scan", found.library)
    assert {finding["kind"] for finding in found.run("audit").facts["findings"]} == {"missing"}
    assert files == {file: file.stat().st_mtime_ns for file in files}
