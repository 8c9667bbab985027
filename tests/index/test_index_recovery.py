"""The journal brings back what a lost index, or one from an old backup, does not know."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tagger.base.records import FoundFile, PastWrite, TrackLabel, TrackState, TrackTags
from tagger.index.journal import Journal
from tagger.index.rows import DecisionKind, LabelCase, NewChange, NewDecision, ScannedFile, TrackRow
from tagger.index.store import Index, open_index

ROOT = b"/music"


def put(index: Index, path: bytes, fingerprint: str, root: bytes = ROOT) -> TrackRow:
    """Scan one file."""
    facts = dict.fromkeys(
        ("artist", "album_artist", "album", "title", "track_number", "year", "duration", "provenance")
    )
    tags = TrackTags(**facts, container="mp3", genre_blocks=(), compilation=False, fingerprint=fingerprint)
    library = index.libraries.get(root, create=True)
    assert library is not None
    index.tracks.save(library.library_id, [ScannedFile(FoundFile(path, 1, 1), tags, None)], None)
    row = index.select.at_path(library.library_id, path)
    assert row is not None
    return row


def write(index: Index, journal: Journal, track: TrackRow, change_id: str, *stages: str) -> None:
    change = NewChange(
        change_id, "run-1", "write", "machine", track.root, track.path, track.track_id, "rock", "Rock", "m1", 0.5
    )
    for stage in stages:
        index.changes.record(journal, change, stage, {stage: 1})


def owners(index: Index) -> dict[bytes, tuple[bool, ...]]:
    """Label everything; return for each path whether the past writes that it knows of are its own."""
    found = {}

    def label(case: LabelCase) -> TrackLabel:
        found[case.track.path] = tuple(write.own for write in case.past)
        return TrackLabel(TrackState.UNTAGGED, None, False)

    index.tracks.relabel(label, everything=True)
    return found


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Index]:
    index = open_index(tmp_path / "old.db")
    index.runs.start("run-1", "nightly")
    yield index
    index.close()


@pytest.fixture
def new(place: str) -> Iterator[Index]:
    index = open_index(place)
    yield index
    index.close()


def test_a_lost_index_learns_every_change_and_decision(old: Index, new: Index, journal: Journal) -> None:
    odd = put(old, b"caf\xe9.mp3", "1" * 32)
    put(old, b"rejected", "2" * 32)
    write(old, journal, odd, "c1", "planned", "ready", "applied")
    rejected = old.select.at_path(odd.library_id, b"rejected")
    old.decisions.record(journal, [NewDecision(rejected, DecisionKind.REJECT)], "run-1")
    undo = NewChange("u1", "run-2", "undo", "person", ROOT, odd.path, odd.track_id, undoes="c1")
    old.changes.record(journal, undo, "applied", {})

    assert new.sync_journal(journal) == 5
    assert new.sync_journal(journal) == 0
    assert new.runs.get("run-1").status == "journal"
    restored = new.changes.get("c1")
    assert (restored.status, restored.facts) == ("undone", {"planned": 1, "ready": 1, "applied": 1})
    assert (restored.change.path, restored.change.track_id) == (b"caf\xe9.mp3", None)

    cases = {}

    def label(case: LabelCase) -> TrackLabel:
        cases[case.track.path] = case
        return TrackLabel(TrackState.UNTAGGED, None, False)

    put(new, b"caf\xe9.mp3", "1" * 32)
    put(new, b"rejected", "2" * 32)
    new.tracks.relabel(label)
    assert cases[b"caf\xe9.mp3"].past == (PastWrite("Rock", "machine", undone=True, own=True),)
    assert {path: case.rejected for path, case in cases.items()} == {b"caf\xe9.mp3": False, b"rejected": True}


def test_an_index_from_an_old_backup_catches_up(old: Index, journal: Journal, tmp_path: Path) -> None:
    track = put(old, b"a", "1" * 32)
    write(old, journal, track, "c1", "planned")
    old.close()
    shutil.copy(tmp_path / "old.db", tmp_path / "backup.db")
    with open_index(tmp_path / "old.db") as index:
        write(index, journal, track, "c1", "ready", "applied")
        write(index, journal, track, "c2", "planned")
    with open_index(tmp_path / "backup.db") as index:
        assert index.sync_journal(journal) == 3
        assert [(row.change.change_id, row.status) for row in index.changes.of_run("run-1")] == [
            ("c1", "applied"),
            ("c2", "planned"),
        ]
        assert owners(index) == {b"a": (True,)}


def test_reading_the_whole_journal_again_changes_nothing(old: Index, journal: Journal) -> None:
    track = put(old, b"a", "1" * 32)
    write(old, journal, track, "c1", "planned", "ready", "applied")
    before = old.changes.of_run("run-1")
    old.meta.set("journal_read", {})
    assert old.sync_journal(journal) == 3
    assert old.changes.of_run("run-1") == before


def test_another_journal_is_read_from_its_beginning(old: Index, new: Index, journal: Journal, tmp_path: Path) -> None:
    track = put(old, b"a", "1" * 32)
    write(old, journal, track, "c1", "planned", "applied")
    new.sync_journal(journal)
    other = Journal(tmp_path / "other.jsonl")
    write(old, other, track, "c2", "planned", "ready", "applied")
    assert new.sync_journal(other) == 3


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        pytest.param(b'{"kind": "change", "id": "c2", "sta', "it is damaged", id="cut off"),
        pytest.param(b'{"kind": "change", "id": "c2"}', "it has no 'stage'", id="lacks something"),
        pytest.param(b'{"kind": "change", "id": "c2", "stage": "dreamt"}', "'dreamt' is not a valid", id="odd stage"),
        pytest.param(b'{"kind": "poem"}', "of a kind that this version does not know", id="other kind"),
        pytest.param(b"[1, 2]", "it is damaged", id="no object"),
    ],
)
def test_a_damaged_line_is_told_of_once_and_the_others_are_read(
    journal: Journal, tmp_path: Path, tail: bytes, said: str
) -> None:
    warnings: list[str] = []
    with open_index(tmp_path / "index.db") as index:
        index.runs.start("run-1", "nightly")
        track = put(index, b"a", "1" * 32)
        write(index, journal, track, "c1", "planned", "applied")
        with journal.path.open("ab") as file:
            file.write(tail)  # as a crash leaves it
        write(index, journal, track, "c3", "planned", "applied")
    with open_index(tmp_path / "new.db", warn=warnings.append) as index:
        assert index.sync_journal(journal) == 4
        assert index.sync_journal(journal) == 0
        assert [row.change.change_id for row in index.changes.of_run("run-1")] == ["c1", "c3"]
    (warning,) = warnings
    assert said in warning


def test_a_file_that_moved_while_the_index_was_lost_is_known_by_its_audio(
    old: Index, new: Index, journal: Journal
) -> None:
    write(old, journal, put(old, b"a", "1" * 32), "c1", "applied")
    new.sync_journal(journal)
    put(new, b"moved", "1" * 32)
    assert owners(new) == {b"moved": (True,)}


def test_a_copy_found_first_gives_way_to_the_file_at_its_own_path(old: Index, new: Index, journal: Journal) -> None:
    write(old, journal, put(old, b"a", "1" * 32), "c1", "applied")
    new.sync_journal(journal)
    put(new, b"copy", "1" * 32, root=b"/other")
    assert owners(new) == {b"copy": (True,)}
    put(new, b"a", "1" * 32)
    assert owners(new) == {b"copy": (False,), b"a": (True,)}
    put(new, b"another copy", "1" * 32)
    assert owners(new) == {b"copy": (False,), b"a": (True,), b"another copy": (False,)}


def test_a_change_comes_back_to_a_file_that_comes_back(old: Index, journal: Journal) -> None:
    track = put(old, b"a", "1" * 32)
    write(old, journal, track, "c1", "applied")
    old.tracks.forget([track.track_id])
    assert old.changes.get("c1").change.track_id is None
    again = put(old, b"a", "1" * 32)
    assert old.changes.adopt() == 1
    assert old.changes.adopt() == 0
    assert old.changes.get("c1").change.track_id == again.track_id
    assert owners(old) == {b"a": (True,)}


WRITER = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from test_index_recovery import open_index, put, write, Journal
with open_index(Path({home!r}) / "index.db") as index:
    index.runs.start("run-1", "write")
    track = put(index, b"a", "1" * 32)
    for number in range(100000):
        print(number, flush=True)
        write(index, Journal(Path({home!r}) / "journal.jsonl"), track, f"c{{number:06d}}", "planned", "applied")
"""


@pytest.mark.parametrize("changes", [2, 9, 30])
def test_a_killed_run_leaves_journal_and_index_whole(tmp_path: Path, changes: int) -> None:
    code = WRITER.format(tests=os.path.dirname(__file__), home=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number in range(changes):
            assert process.stdout.readline() == f"{number}\n"
        process.kill()  # somewhere in the middle of what comes next
    journal = Journal(tmp_path / "journal.jsonl")
    entries = [entry for _, entry in journal.read()]
    assert None not in entries
    with open_index(tmp_path / "index.db") as index:
        index.sync_journal(journal)
        stages = {entry["id"]: entry["stage"] for entry in entries if entry}
        assert len(stages) >= changes - 1
        assert {row.change.change_id: row.status for row in index.changes.of_run("run-1")} == stages
        assert len(index.changes.unfinished()) == sum(stage == "planned" for stage in stages.values()) <= 1
