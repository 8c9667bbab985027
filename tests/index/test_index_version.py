"""The index's version: another after every change to what it knows of tracks, and the same after all else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagger.base.errors import UnreadableAudio
from tagger.base.records import Decision, FoundFile, Prediction, TrackLabel, TrackState
from tagger.index.journal import Journal
from tagger.index.rows import DecisionKind, NewChange, NewDecision, TrackRow, UnreadableFile
from tagger.index.store import Index

Scan = Callable[..., TrackRow]


@pytest.fixture
def row(index: Index, scan: Scan) -> TrackRow:
    """A track that a model spoke of."""
    row = scan(b"a.mp3", None)
    index.models.add("m1", "cnn2d", "", {})
    index.models.promote("m1")
    index.predictions.save([Prediction(row.track_id, "m1", {}, "pop", 0.5, Decision.ABSTAIN, "")], "run-1")
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, False))
    return row


def change(row: TrackRow) -> NewChange:
    return NewChange("c1", "run-1", "write", "machine", row.root, row.path, row.track_id, "pop", "Pop", "m1", 0.5)


def closed(index: Index) -> None:
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, True), everything=True)


UNREADABLE = UnreadableFile(FoundFile(b"a.mp3", 1, 1), "empty")
CHANGES: dict[str, Callable[[Index, Journal, TrackRow], object]] = {
    "unreadable": lambda index, _, row: index.tracks.save_unreadable(row.library_id, [UNREADABLE], None),
    "undecodable": lambda index, _, row: index.tracks.save_audio_problems({row.track_id: UnreadableAudio(b"a", "cut")}),
    "moved": lambda index, _, row: index.tracks.move(row.library_id, {row.track_id: b"b.mp3"}),
    "missing": lambda index, _, row: index.tracks.mark_missing([row.track_id]),
    "forgotten": lambda index, _, row: index.tracks.forget([row.track_id]),
    "closed": lambda index, _, row: closed(index),
    "prediction": lambda index, _, row: index.predictions.save(
        [Prediction(row.track_id, "m1", {}, "jazz", 0.5, Decision.ACCEPT, "")], None
    ),
    "predictions dropped": lambda index, _, row: index.predictions.keep_only([]),
    "model": lambda index, _, row: index.models.add("m2", "cnn2d", "", {}),
    "model forgotten": lambda index, _, row: index.models.forget("m1"),
    "decision": lambda index, journal, row: index.decisions.record(
        journal, [NewDecision(row, DecisionKind.DISMISS)], None
    ),
    "tag change": lambda index, journal, row: index.changes.record(journal, change(row), "planned", {}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_makes_another_version(index: Index, journal: Journal, row: TrackRow, name: str) -> None:
    before = index.meta.version
    CHANGES[name](index, journal, row)
    assert index.meta.version not in (None, before)


def test_a_run_that_finds_nothing_new_leaves_the_version(index: Index, journal: Journal, row: TrackRow) -> None:
    before = index.meta.version
    index.sync_journal(journal)
    index.runs.start("run-2", "scan")
    index.libraries.scanned(row.library_id)
    index.tracks.relabel(lambda case: TrackLabel(TrackState.UNTAGGED, None, False))
    index.tracks.mark_missing([])
    index.meta.set("told", ["x"])
    index.runs.finish("run-2", "done", {})
    index.runs.forget_idle(400)
    assert index.meta.version == before


def test_a_change_that_is_undone_on_the_way_leaves_the_version(index: Index, row: TrackRow) -> None:
    before = index.meta.version
    with pytest.raises(KeyError), index._database.write() as connection:
        connection.exec_driver_sql("DELETE FROM predictions")
        raise KeyError("fault")
    assert index.meta.version == before
