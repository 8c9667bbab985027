"""The journal brings back what a lost index, or one from an old backup, does not know."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text, update

from tagger.base.errors import Locked
from tagger.base.records import FoundFile, PastWrite, TrackLabel, TrackState, TrackTags
from tagger.index import tables
from tagger.index.changes import AT_ONCE
from tagger.index.database import open_database
from tagger.index.journal import Journal, JournalUnusable
from tagger.index.rows import DecisionKind, LabelCase, NewChange, NewDecision, ScannedFile, TrackRow
from tagger.index.schema import _alembic_config
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
    before = list(old.changes.of_run("run-1"))
    old.meta.set("journal_read", {})
    assert old.sync_journal(journal) == 3
    assert list(old.changes.of_run("run-1")) == before


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


# --- the journal is lost or old, the index is newer -------------------------------------------------------------------


def told(journal: Journal) -> list[tuple[str, str]]:
    """Return what a journal tells: the id of each entry with its stage or decision."""
    entries = [entry for _, entry in journal.read() if entry is not None]
    return [(entry["id"], entry.get("stage") or entry["decision"]) for entry in entries]


@pytest.fixture
def known(new: Index, journal: Journal) -> Index:
    """An index that knows a write, one that was taken back, one that failed, one under way, and a decision."""
    new.runs.start("run-1", "nightly")
    tracks = {name: put(new, name.encode(), name.encode().hex().zfill(32)) for name in ("a", "b", "c", "d")}
    write(new, journal, tracks["a"], "applied", "planned", "ready", "applied")
    write(new, journal, tracks["b"], "undone", "planned", "ready", "applied")
    write(new, journal, tracks["c"], "failed", "planned", "failed")
    write(new, journal, tracks["d"], "ready", "planned", "ready")
    undo = NewChange("undo", "run-1", "undo", "person", ROOT, b"b", tracks["b"].track_id, undoes="undone")
    new.changes.record(journal, undo, "applied", {})
    new.decisions.record(journal, [NewDecision(tracks["a"], DecisionKind.REJECT)], "run-1")
    new.sync_journal(journal)
    return new


@pytest.mark.parametrize("lines_left", [0, 1, 4, 7, 10])
def test_what_only_the_index_knows_is_written_into_the_journal(
    known: Index, journal: Journal, tmp_path: Path, lines_left: int
) -> None:
    before = [known.changes.get(name) for name in ("applied", "undone", "failed", "ready", "undo")]
    lines = journal.path.read_bytes().splitlines(keepends=True)
    (decision,) = [name for name, said in told(journal) if said == "reject"]
    journal.path.write_bytes(b"".join(lines[:lines_left]))
    known.sync_journal(journal)
    stages = dict(told(journal))
    assert stages.pop(decision) == "reject"
    assert stages.pop("undone") in ("applied", "undone"), "the line of its undo says the rest"
    assert stages == {"applied": "applied", "failed": "failed", "ready": "ready", "undo": "applied"}
    size = journal.size()
    known.sync_journal(journal)
    assert journal.size() == size, "nothing is written twice"
    with open_index(tmp_path / "made anew.db") as fresh:
        fresh.sync_journal(journal)
        again = [fresh.changes.get(row.change.change_id) for row in before if row]
        assert [(row.status, row.facts) for row in again if row] == [(row.status, row.facts) for row in before if row]


def test_writing_back_goes_on_after_it_was_cut_off(
    known: Index, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.path.unlink()
    monkeypatch.setattr("tagger.index.write_back.AT_ONCE", 2)
    real, calls = Journal.append, []

    def full(self: Journal, *entries: object) -> tuple[int, int]:
        calls.append(entries)
        if len(calls) == 2:
            raise JournalUnusable("the disk is full")
        return real(self, *entries)  # type: ignore[arg-type]

    monkeypatch.setattr(Journal, "append", full)
    with pytest.raises(JournalUnusable):
        known.sync_journal(journal)
    known.sync_journal(journal)
    assert {name for name, _ in told(journal)} >= {"applied", "undone", "failed", "ready", "undo"}
    assert len(told(journal)) == 6


def test_a_torn_line_of_a_write_that_was_taken_back(old: Index, new: Index, journal: Journal) -> None:
    """The undo proves that the write took place, whatever is left of its own lines."""
    track = put(old, b"a", "1" * 32)
    write(old, journal, track, "c1", "planned", "ready", "applied")
    undo = NewChange("u1", "run-2", "undo", "person", ROOT, b"a", track.track_id, undoes="c1")
    old.changes.record(journal, undo, "applied", {})
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(b"".join([*lines[:2], lines[2][:50] + b"\n", lines[3]]))
    new.sync_journal(journal)
    put(new, b"a", "1" * 32)
    assert new.changes.unfinished() == []
    assert owners(new) == {b"a": (True,)}


def test_a_write_that_was_cut_off_is_no_label_and_no_persons_no(old: Index, new: Index, journal: Journal) -> None:
    write(old, journal, put(old, b"a", "1" * 32), "c1", "planned", "ready")
    new.sync_journal(journal)
    assert new.changes.unfinished() == [], "nothing is touched in a library that only the journal speaks of"
    put(new, b"a", "1" * 32)
    assert owners(new) == {b"a": (False,)}
    (left,) = new.changes.unfinished()
    new.changes.record(journal, left.change, "failed", {})
    assert owners(new) == {b"a": ()}


# --- one writer, few rows ---------------------------------------------------------------------------------------------


def test_two_homes_cannot_change_one_index_at_once(place: str) -> None:
    with open_index(place) as one, open_index(place) as other:
        with one.hold("nightly"):
            with pytest.raises(Locked, match=r"at work .*; wait until it has finished"), other.hold("scan"):
                pytest.fail("both hold it")
            other.runs.recent()  # looking on is free
        with other.hold("scan"):
            pass


def test_a_killed_holder_lets_go(place: str) -> None:
    code = (
        "import os, sys; from tagger.index.store import open_index; index = open_index(sys.argv[1]); "
        "held = index.hold('nightly'); held.__enter__(); print('held', flush=True); sys.stdin.read()"
    )
    with open_index(place) as index:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen([sys.executable, "-c", code, place], text=True, **pipes) as process:  # type: ignore[call-overload]
            assert process.stdout.readline() == "held\n"
            with pytest.raises(Locked), index.hold("scan"):
                pytest.fail("both hold it")
            process.kill()
            process.wait()
        for _ in range(200):  # a server needs a moment to see that the other end is gone
            with contextlib.suppress(Locked), index.hold("scan"):
                return
            time.sleep(0.05)
        pytest.fail("still held")


def test_runs_that_changed_nothing_are_forgotten_after_a_time(known: Index) -> None:
    for name in ("idle", "late"):
        known.runs.start(name, "nightly")
        known.runs.finish(name, "done", {"written": 0})
    known.runs.start("running", "nightly")
    long_ago = datetime.now(UTC) - timedelta(days=500)
    with known._database.write() as connection:
        for name in ("idle", "run-1"):
            connection.execute(update(tables.runs).where(tables.runs.c.id == name).values(started_at=long_ago))
    assert known.runs.forget_idle(400) == 1
    assert known.runs.forget_idle(400) == 0
    assert {run.run_id for run in known.runs.recent(99)} == {"run-1", "late", "running"}


def test_the_changes_of_a_run_are_read_a_few_at_a_time(old: Index, journal: Journal) -> None:
    track = put(old, b"a", "1" * 32)
    names = [f"c{number:03d}" for number in range(2 * AT_ONCE + 3)]
    for name in names:
        write(old, journal, track, name, "applied")
    assert [row.change.change_id for row in old.changes.of_run("run-1")] == names
    assert [row.change.change_id for row in old.changes.of_run("run-1", newest_first=True)] == names[::-1]
    assert old.changes.writes_of_run("run-1") == {"applied": len(names)}
    big = {"delta": "x" * 1_000_000}
    for name in names:
        change = NewChange(name, "run-1", "write", "machine", ROOT, b"a", track.track_id)
        old.changes.record(journal, change, "applied", big)
    tracemalloc.start()
    assert (
        sum(len(row.facts["delta"]) for row in old.changes.of_run("run-1", newest_first=True)) == len(names) * 1_000_000
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * AT_ONCE * 1_000_000


# --- an index of an older version -------------------------------------------------------------------------------------


def test_an_index_of_the_first_version_is_upgraded_with_all_it_holds(tmp_path: Path) -> None:
    """Made by the first migration as it was then, with a row in every table."""
    file = tmp_path / "index.db"
    database = open_database(file, True, print)
    with database.write(migrating=True) as connection:
        command.upgrade(_alembic_config(connection), "0001")
        for statement in FIRST_ROWS:
            connection.execute(text(statement))
    database.close()
    warnings: list[str] = []
    with open_index(file, warn=warnings.append) as index:
        assert "is upgraded from 0001" in warnings[0]
        (library,) = index.libraries.all()
        track = index.select.at_path(library.library_id, b"a.mp3")
        assert track is not None
        assert (track.genre_blocks[0].values, track.closed, track.fingerprint) == (("Rock",), True, "f" * 32)
        (prediction,) = index.predictions.of_model("m1")
        assert (prediction.track_id, prediction.genre, prediction.context) == (7, "rock", None)
        change = index.changes.get("c1")
        assert change is not None
        assert (change.change.track_id, change.facts) == (7, {"delta": None})
        assert [row.genre_tag for row in index.decisions.all()] == ["Rock"]
        assert index.splits.load(1) == {"Low": "train"}
        assert index.runs.get("run-1") is not None
    (copy,) = (tmp_path / "backups").iterdir()
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert connection.execute("SELECT count(*) FROM tag_changes").fetchone() == (1,)


WHEN = "'2026-01-01 00:00:00.000000'"
FIRST_ROWS = (
    f"INSERT INTO libraries VALUES (1, x'2f6d75736963', '/music', {WHEN}, NULL)",
    f"INSERT INTO runs VALUES ('run-1', 'nightly', {WHEN}, NULL, 'done', '{{}}')",
    f"INSERT INTO models VALUES ('m1', 'cnn2d', '', '{{}}', {WHEN}, true)",
    "INSERT INTO tracks (id, library_id, path, path_text, size, mtime_ns, container, fingerprint, genre_blocks, "
    "genre_tag, compilation, state, closed, label_due, seen_run) VALUES (7, 1, x'612e6d7033', 'a.mp3', 1, 1, 'mp3', "
    f"'{'f' * 32}', '[[\"id3v2.3\", [\"Rock\"]]]', 'Rock', false, 'machine', true, false, 'run-1')",
    f"INSERT INTO predictions VALUES (7, 'm1', '{{}}', 'rock', 1, 'accept', '', {WHEN}, 'run-1')",
    'INSERT INTO tag_changes (id, run_id, library, path, path_text, fingerprint, track_id, guessed, kind, "by", genre, '
    "written, status, facts, at) VALUES ('c1', 'run-1', x'2f6d75736963', x'612e6d7033', 'a.mp3', "
    f"'{'f' * 32}', 7, false, 'write', 'machine', 'rock', 'Rock', 'applied', '{{\"delta\": null}}', {WHEN})",
    "INSERT INTO decisions (id, library, path, path_text, track_id, guessed, kind, genre_tag, at) VALUES ('d1', "
    f"x'2f6d75736963', x'612e6d7033', 'a.mp3', 7, false, 'dismiss', 'Rock', {WHEN})",
    "INSERT INTO split_groups VALUES (1, x'4c6f77', 'train')",
    "INSERT INTO meta VALUES ('a', '1')",
)
