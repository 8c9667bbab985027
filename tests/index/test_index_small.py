"""Libraries, runs, models, predictions, splits and small facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from tagger.base.errors import NoModel
from tagger.base.records import Decision, Prediction, Split
from tagger.index.rows import TrackRow
from tagger.index.store import Index


def is_recent(moment: datetime | None) -> bool:
    return moment is not None and timedelta(0) <= datetime.now(UTC) - moment < timedelta(minutes=1)


def test_a_library_is_made_once_and_only_on_request(index: Index) -> None:
    assert index.libraries.get(b"/mnt/\xff") is None
    made = index.libraries.get(b"/mnt/\xff", create=True)
    assert made is not None
    assert index.libraries.get(b"/mnt/\xff", create=True) == made
    assert made.scanned_at is None
    assert is_recent(made.added_at)
    index.libraries.scanned(made.library_id)
    index.libraries.get(b"/a", create=True)
    first, second = index.libraries.all()
    assert (first.root, second.root) == (b"/a", b"/mnt/\xff")
    assert is_recent(second.scanned_at)


def test_runs_begin_and_end(index: Index) -> None:
    index.runs.finish("run-1", "done", {"files": 3})
    index.runs.start("run-2", "write")
    done, running = index.runs.get("run-1"), index.runs.last()
    assert done is not None
    assert running is not None
    assert (done.command, done.status, done.counts) == ("scan", "done", {"files": 3})
    assert is_recent(done.finished_at)
    assert (running.run_id, running.status, running.finished_at) == ("run-2", "running", None)
    last_scan = index.runs.last("scan")
    assert last_scan is not None
    assert last_scan.run_id == "run-1"
    assert [row.run_id for row in index.runs.recent(1)] == ["run-2"]
    assert index.runs.get("run-9") is None


def test_a_run_that_never_ended_was_killed_when_the_next_begins(index: Index) -> None:
    index.runs.start("run-2", "write")
    assert [(row.run_id, row.status) for row in index.runs.recent()] == [("run-2", "running"), ("run-1", "killed")]


def test_one_model_is_current(index: Index) -> None:
    assert index.models.current() is None
    for name in ("m1", "m2"):
        index.models.add(name, "cnn2d", f"models/{name}", {"genres": ["rock"]})
        index.models.promote(name)
    current = index.models.current()
    assert current is not None
    assert (current.model_id, current.folder, current.card) == ("m2", "models/m2", {"genres": ["rock"]})
    assert {row.model_id: row.current for row in index.models.all()} == {"m1": False, "m2": True}
    index.models.add("m2", "cnn2d", "elsewhere", {})
    assert index.models.get("m2") == dataclasses.replace(current, folder="elsewhere", card={})
    with pytest.raises(NoModel, match="knows no model m9"):
        index.models.promote("m9")
    assert index.models.current() == index.models.get("m2")


@pytest.fixture
def predicted(index: Index, scan: Callable[..., TrackRow]) -> Prediction:
    index.models.add("m1", "cnn2d", "models/m1", {})
    index.models.add("m2", "cnn2d", "models/m2", {})
    track = scan(b"a")
    said = Prediction(track.track_id, "m1", {"r&b": 0.1, "rock": 0.9}, "rock", 0.9, Decision.ABSTAIN, "0.9 < 0.95")
    index.predictions.save([said, dataclasses.replace(said, model="m2")], "run-1")
    return said


def test_a_prediction_replaces_the_one_by_the_same_model(index: Index, predicted: Prediction) -> None:
    again = dataclasses.replace(predicted, decision=Decision.ACCEPT, confidence=0.97)
    index.predictions.save([again], None)
    assert list(index.predictions.of_model("m1")) == [again]
    assert [said.decision for said in index.predictions.of_model("m2")] == [Decision.ABSTAIN]


def test_predictions_go_with_their_model_or_on_request(index: Index, predicted: Prediction) -> None:
    assert index.predictions.keep_only(["m1"]) == 1
    assert list(index.predictions.of_model("m2")) == []
    index.models.forget("m1")
    assert list(index.predictions.of_model("m1")) == []
    assert index.models.get("m1") is None


def test_a_prediction_of_an_unknown_model_is_refused(index: Index, predicted: Prediction) -> None:
    with pytest.raises(IntegrityError):
        index.predictions.save([dataclasses.replace(predicted, model="m9")], None)


def test_splits_are_kept_by_seed_and_group(index: Index) -> None:
    odd = {"artist:Sigur Rós": Split.TEST, "folder:caf\udce9": Split.VAL, "a\0b": Split.TRAIN}
    index.splits.save(1, odd)
    index.splits.save(2, {"artist:Low": Split.TRAIN})
    index.splits.save(1, {"artist:Low": Split.VAL, "a\0b": Split.TEST})
    index.splits.save(1, {})
    assert index.splits.load(1) == {**odd, "artist:Low": Split.VAL, "a\0b": Split.TEST}
    assert index.splits.load(2) == {"artist:Low": Split.TRAIN}
    assert index.splits.load(3) == {}


@pytest.mark.parametrize("value", ["x", 7, True, None, {"a": [1, 2.5, None]}, "caf\udce9"], ids=repr)
def test_small_facts_come_back(index: Index, value: object) -> None:
    assert index.meta.get("key", "default") == "default"
    index.meta.set("key", 0)
    index.meta.set("key", value)
    assert index.meta.get("key", "default") == value
