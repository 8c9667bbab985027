"""With a million tracks, no everyday query may read a whole table or sort it for every batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from tagger.base.records import Decision, FoundFile, Prediction, TrackLabel, TrackState
from tagger.index.journal import Journal
from tagger.index.rows import DecisionKind, NewChange, NewDecision, TrackRow, UnreadableFile
from tagger.index.store import Index, open_index

BIG = ("tracks", "tag_changes", "predictions", "decisions")

Put = Callable[..., TrackRow]


@pytest.fixture
def place(tmp_path: Path) -> str:
    """SQLite only: it says how it will find the rows."""
    return str(tmp_path / "index.db")


@pytest.fixture
def queries(index: Index, scan: Put) -> Iterator[list[tuple[str, object]]]:
    """The statements that are run from here on, with their parameters."""
    seen: list[tuple[str, object]] = []

    def note(
        connection: Connection, cursor: object, statement: str, values: object, context: object, many: bool
    ) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
            seen.append((statement, values[0] if many else values))  # type: ignore[index]

    index.models.add("m1", "cnn2d", "", {})
    event.listen(index._database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(index._database.engine, "before_cursor_execute", note)


def label(index: Index) -> None:
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, False))


def scanning(index: Index, journal: Journal, library: int, scan: Put) -> None:
    rows = [scan(b"%d" % number, None) for number in range(3)]
    list(index.tracks.known_files(library))
    index.tracks.save_unreadable(library, [UnreadableFile(FoundFile(b"x", 1, 1), "empty")], None)
    index.tracks.move(library, {rows[0].track_id: b"elsewhere"})
    index.tracks.mark_missing([rows[1].track_id])
    index.tracks.mark_found([rows[1].track_id])
    index.tracks.forget([rows[2].track_id])
    label(index)


def classifying(index: Index, journal: Journal, library: int, scan: Put) -> None:
    row = scan(b"a", None)
    label(index)
    list(index.select.to_classify("m1"))
    list(index.select.to_classify("m1", library_ids=[library]))
    index.predictions.save([Prediction(row.track_id, "m1", {}, "pop", 0.5, Decision.ACCEPT, "")], None)
    list(index.predictions.of_model("m1"))
    list(index.select.views("m1", spoken_of=True, library_ids=[library]))
    list(index.select.labelled())


def writing(index: Index, journal: Journal, library: int, scan: Put) -> None:
    row = scan(b"a", None)
    change = NewChange("c1", "run-1", "write", "machine", row.root, row.path, row.track_id, "pop", "Pop", "m1", 0.5)
    for stage in ("planned", "ready", "applied"):
        index.changes.record(journal, change, stage, {})
    index.decisions.record(journal, [NewDecision(row, DecisionKind.REJECT)], "run-1")
    index.changes.unfinished()
    list(index.changes.of_run("run-1"))
    list(index.changes.of_run("run-1", newest_first=True))
    index.changes.writes_of_run("run-1")
    index.changes.last_applied(row.track_id)
    label(index)
    index.tracks.forget([row.track_id])
    scan(b"a", None)
    label(index)


def steps(index: Index, queries: list[tuple[str, object]]) -> list[tuple[str, str]]:
    """Return each step of how SQLite goes about each query, with the query."""
    asked = queries.copy()  # explaining adds to them
    with open_index(index._database.file or "") as other, other._database.read() as connection:
        return [
            (step[3], statement)
            for statement, values in asked
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        ]


@pytest.mark.parametrize("night", [scanning, classifying, writing])
def test_no_query_reads_or_sorts_a_whole_table(
    index: Index,
    journal: Journal,
    library: int,
    scan: Put,
    queries: list[tuple[str, object]],
    night: Callable[..., None],
) -> None:
    night(index, journal, library, scan)
    assert len(queries) > 10
    for step, statement in steps(index, queries):
        assert step not in {f"SCAN {table}" for table in BIG}, statement
        if "LIMIT" in statement:
            assert "TEMP B-TREE" not in step, statement


def test_what_is_due_unfinished_or_without_a_track_is_found_among_a_million_others(
    index: Index, journal: Journal, library: int, scan: Put, queries: list[tuple[str, object]]
) -> None:
    writing(index, journal, library, scan)
    found = " ".join(step for step, _ in steps(index, queries))
    for name in ("tracks_label_due", "tag_changes_unfinished", "tag_changes_unowned", "decisions_unowned"):
        assert f"INDEX ix_{name} " in f"{found} ", found
