"""Labels that are likely wrong: folds of whole artists, the ranking, who cannot be judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tagger.model.clips import ClipSet
from tagger.model.suspects import (
    cross_predict,
    doubts,
    folds_of,
    judged,
    out_of_fold,
    rank,
)
from tagger.model.suspects_table import TrackTable, clip_values, track_table


@pytest.fixture(scope="module")
def clips(make_clips: Callable[..., dict[int, ClipSet]]) -> ClipSet:
    return make_clips(genres=4, artists=6, tracks=3, clips=4, seed=5)[1]


@pytest.fixture(scope="module")
def table(clips: ClipSet) -> TrackTable:
    return track_table(clips)


def test_each_track_is_a_row_with_what_belongs_to_it(clips: ClipSet, table: TrackTable) -> None:
    assert len(table) == np.unique(clips.tracks).size == 72
    for row, track in enumerate(table.tracks):
        mine = clips.tracks == track
        assert {table.labels[row]} == set(clips.labels[mine])
        assert {table.groups[row]} == set(clips.groups[mine])
        own = clip_values(clips.inputs[mine])
        assert table.values[row] == pytest.approx(np.concatenate([own.mean(0), own.std(0)]), abs=1e-3)
        assert np.array_equal(np.flatnonzero(table.owners == row), np.flatnonzero(mine))


@pytest.mark.parametrize("shape", [(2, 96, 87), (3, 129, 98), (1, 16, 16)], ids=str)
def test_pictures_of_any_size_give_numbers(shape: tuple[int, ...]) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for images in (pictures, np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8)):
        values = clip_values(images)
        assert values.dtype == np.float32
        assert len(values) == shape[0]
        assert np.isfinite(values).all()


@pytest.mark.slow
def test_folds_part_no_artist_and_judge_each_track_once(table: TrackTable) -> None:
    folds = list(folds_of(table.labels, table.groups))
    assert len(folds) == 5
    for learn, judge in folds:
        assert not set(table.groups[learn]) & set(table.groups[judge])
        assert set(table.labels[learn]) == {0, 1, 2, 3}
    assert sorted(np.concatenate([judge for _, judge in folds])) == list(range(len(table)))


@pytest.mark.parametrize(
    ("labels", "groups"),
    [
        pytest.param([0, 0, 1, 1], ["a", "a", "a", "a"], id="one artist"),
        pytest.param([1, 1, 1, 1], ["a", "b", "c", "d"], id="one genre"),
        pytest.param([0, 1], ["a", "b"], id="a genre an artist"),
    ],
)
def test_where_nobody_can_judge_nobody_is_doubted(labels: list[int], groups: list[str]) -> None:
    count = len(labels)
    values = np.random.default_rng(0).random((count, 4)).astype(np.float32)
    table = TrackTable(
        np.arange(count).astype(str), np.array(groups), np.array(labels), values, values[:, :2], np.arange(count)
    )
    opinions = out_of_fold(table, 2)
    found = doubts(table, opinions.probabilities)
    assert not found.scores.any()
    assert not found.suspect.any()
    assert not opinions.votes.any()


@pytest.mark.slow
def test_a_genre_of_one_artist_is_never_doubted(table: TrackTable) -> None:
    lonely = table.groups == table.groups[0]
    alone = replace(table, labels=np.where(lonely, 4, table.labels))
    assert judged(alone.labels, alone.groups).tolist() == (~lonely).tolist()
    found = doubts(alone, out_of_fold(alone, 5).probabilities)
    assert not found.scores[lonely].any()
    assert found.scores[~lonely].all()


def test_what_does_not_fit_its_genre_ranks_first() -> None:
    said = np.array([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.3, 0.7], [0.1, 0.9]])
    scores = rank(said, np.array([0, 0, 0, 1, 1]))
    assert scores.argmax() == 2
    assert scores[1] > scores[0]
    assert ((scores >= 0) & (scores <= 1)).all()


def test_any_model_can_give_a_second_opinion(table: TrackTable) -> None:
    asked = []

    def fit_predict(learn: np.ndarray, judge: np.ndarray) -> np.ndarray:
        asked.append((learn, judge))
        return np.eye(4)[table.labels[judge]]

    said = cross_predict(table.labels, table.groups, 4, fit_predict, folds=3)
    assert np.array_equal(said.argmax(axis=1), table.labels)
    assert len(asked) == 3
