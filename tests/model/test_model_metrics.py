"""Figures, intervals, temperature and thresholds, on made-up predictions: no network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from tagger.base.errors import NoModel
from tagger.model.calibrate import (
    ARTIST_CORRELATION,
    LADDER,
    accepted,
    accepted_unseen,
    fit_temperature,
    measured,
    precision_bound,
    thresholds,
)
from tagger.model.heldout import Heldout, read_heldout, temper, write_heldout
from tagger.model.metrics import METRICS, Measures, measure

GENRES = ("alt", "classical", "r&b")


def table(
    labels: list[int], calls: list[int], sure: list[float] | float, groups: list[str] | None = None, split: str = "test"
) -> Heldout:
    """Held-out tracks with these answers and confidences; the rest goes to the other genres in equal parts."""
    count, size = len(labels), len(GENRES)
    top = np.broadcast_to(np.asarray(sure, float), count)
    shares = np.repeat(((1 - top) / (size - 1))[:, None], size, axis=1)
    shares[np.arange(count), calls] = top
    names = np.array([f"{split}{i}" for i in range(count)])
    return Heldout(
        GENRES,
        names,
        np.array(groups if groups is not None else names, dtype=np.str_),
        np.full(count, split),
        np.array(labels, np.int64),
        shares,
        np.full(count, 5),
        np.array([5 if a == b else 1 for a, b in zip(labels, calls, strict=True)], dtype=np.int64),
    )


def joined(first: Heldout, second: Heldout) -> Heldout:
    columns = ("tracks", "groups", "splits", "labels", "probabilities", "clips", "clips_right")
    return Heldout(GENRES, *(np.concatenate([getattr(first, c), getattr(second, c)]) for c in columns))


def random_table(seed: int, count: int = 60) -> Heldout:
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    calls = np.where(random.random(count) < 0.6, labels, random.integers(0, 3, count))
    groups = [f"artist {i}" for i in random.integers(0, 15, count)]
    return table(labels.tolist(), calls.tolist(), random.uniform(0.4, 1, count).tolist(), groups)


def figures(tracks: Heldout, taken: np.ndarray | None = None) -> Measures:
    return measure(tracks, {}, np.zeros(len(tracks), bool) if taken is None else taken)


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    tracks = random_table(seed)
    calls = tracks.probabilities.argmax(axis=1)
    found = figures(tracks).metrics
    assert found["track_accuracy"] == pytest.approx(sk.accuracy_score(tracks.labels, calls))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(tracks.labels, calls))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(tracks.labels, calls, average="macro"))
    assert found["clip_accuracy"] == pytest.approx(tracks.clips_right.sum() / tracks.clips.sum())
    assert found["majority_baseline"] == pytest.approx(np.bincount(tracks.labels).max() / 60)
    np.testing.assert_array_equal(figures(tracks).confusion, sk.confusion_matrix(tracks.labels, calls))


def test_shuffling_whole_rows_changes_nothing_and_breaking_pairs_does() -> None:
    tracks = random_table(1)
    order = np.random.default_rng(0).permutation(len(tracks))
    shuffled = tracks.only(order)
    assert figures(shuffled).metrics == pytest.approx(figures(tracks).metrics)
    broken = replace(tracks, labels=tracks.labels[order])
    assert figures(broken).metrics["track_accuracy"] < figures(tracks).metrics["track_accuracy"] - 0.1


def test_every_figure_is_a_number_inside_its_interval() -> None:
    found = figures(random_table(2), np.arange(60) % 3 == 0)
    assert tuple(found.metrics) == tuple(found.intervals) == METRICS
    for name in METRICS:
        low, high = found.intervals[name]
        if name != "ece":  # a calibration error only grows by resampling: its interval lies above it
            assert low <= found.metrics[name] <= high
        assert 0 <= low <= high <= 1


def test_calibration_error_by_hand() -> None:
    tracks = table([0, 0, 0, 1], [0, 0, 1, 1], [0.75, 0.75, 0.75, 0.95])
    assert figures(tracks).metrics["ece"] == pytest.approx((abs(2 - 2.25) + abs(1 - 0.95)) / 4)


def test_intervals_know_that_artists_are_the_unit() -> None:
    """Ten tracks of one artist are not ten witnesses."""
    labels, calls = [0] * 40, [0] * 20 + [1] * 20
    alone = figures(table(labels, calls, 0.9)).intervals["track_accuracy"]
    together = figures(table(labels, calls, 0.9, [f"{i // 10}" for i in range(40)])).intervals["track_accuracy"]
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_intervals_are_wide_where_resampling_is_blind() -> None:
    everyone = figures(table([0] * 10, [0] * 10, 0.9)).intervals
    assert everyone["track_accuracy"] == (pytest.approx(0.025**0.1), 1.0)
    assert everyone["coverage"] == (0.0, pytest.approx(1 - 0.025**0.1))
    assert everyone["precision"] == (0.0, 1.0)
    one = figures(table([0] * 10, [0] * 10, 0.9, ["same"] * 10)).intervals
    assert one["track_accuracy"] == (0.0, 1.0)


def test_validation_stands_in_for_an_empty_test_split_and_nothing_for_nothing() -> None:
    tracks = table([0, 1], [0, 1], 0.9, split="val")
    assert figures(tracks).split == "val"
    nothing = figures(tracks.of())
    assert (nothing.split, nothing.tracks, set(nothing.metrics.values())) == ("none", 0, {0.0})
    assert [row["measured"] for row in nothing.genres] == [False] * 3


def test_precision_and_coverage_are_of_what_would_be_written() -> None:
    tracks = table([0, 0, 0, 1], [0, 0, 1, 1], 0.9)
    found = measure(tracks, {"alt": 0.5}, np.array([True, False, True, True]))
    assert (found.metrics["precision"], found.metrics["coverage"]) == (pytest.approx(2 / 3), 0.75)
    assert found.genres[0]["threshold"] == 0.5
    nobody = figures(tracks)
    assert (nobody.metrics["precision"], nobody.metrics["coverage"]) == (0.0, 0.0)


def test_nobody_takes_part_in_the_threshold_that_he_is_measured_by() -> None:
    """Two artists are enough for a threshold, so with two each is judged by the other alone, which is too few."""
    two, three = (table([0] * n * 8, [0] * n * 8, 0.9, [str(i % n) for i in range(n * 8)]) for n in (2, 3))
    assert thresholds(two, 0.5, 0.8)["alt"] is not None
    assert not accepted_unseen(two, 0.5, 0.8).any()
    assert accepted_unseen(three, 0.5, 0.8).all()
    assert accepted_unseen(two.of(), 0.5, 0.8).shape == (0,)


def test_temperature_cools_the_timid_and_warms_the_overbold() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 400)
    right = random.random(400) < 0.7
    calls = np.where(right, labels, (labels + 1) % 3)
    for sure in (0.45, 0.99):
        tracks = table(labels.tolist(), calls.tolist(), sure)
        assert tracks.tempered(fit_temperature(tracks)).probabilities.max(axis=1).mean() == pytest.approx(0.7, abs=0.06)
    assert fit_temperature(tracks.of()) == 1.0


def test_few_tracks_hardly_move_the_temperature() -> None:
    few, many = (table([0] * n, [0] * n, 0.6) for n in (3, 300))
    assert fit_temperature(few) > 0.6 > 0.4 > fit_temperature(many)


@given(
    st.lists(st.floats(0.001, 1), min_size=2, max_size=10),
    st.floats(0.2, 5),
)
def test_tempering_keeps_the_order_and_adds_up(shares: list[float], temperature: float) -> None:
    before = np.array(shares) / sum(shares)
    after = temper(before, temperature)
    assert after.sum() == pytest.approx(1)
    assert after[before.argmax()] == pytest.approx(after.max())


def test_the_bound_is_clopper_and_pearsons_and_falls_with_tracks_per_artist() -> None:
    right = np.ones(20, bool)
    assert precision_bound(right, np.arange(20).astype(str), 0.8) == pytest.approx(0.2 ** (1 / 20))
    pairs = np.repeat(np.arange(10), 2).astype(str)
    assert precision_bound(right, pairs, 0.8) == pytest.approx(0.2 ** ((1 + ARTIST_CORRELATION) / 20))
    assert precision_bound(~right, pairs, 0.8) == 0.0


def test_a_threshold_is_the_lowest_step_that_keeps_the_promise() -> None:
    """Under 0.6 half is wrong, above all is right."""
    labels = [0] * 40 + [0, 1] * 10
    tracks = joined(table(labels, [0] * 60, [0.75] * 40 + [0.5] * 20), table([1], [1], 0.9, split="val"))
    found = thresholds(tracks, 0.9, 0.8)
    assert found["alt"] == 0.75  # nothing was seen between 0.5 and 0.75, so nothing is promised there
    assert found["classical"] is None
    assert found["r&b"] is None


@pytest.mark.parametrize(
    ("count", "groups", "promise", "expected"),
    [
        pytest.param(20, None, 0.9, 0.9, id="enough artists"),
        pytest.param(12, None, 0.9, None, id="too few tracks"),
        pytest.param(200, 1, 0.9, None, id="one artist only"),
        pytest.param(40, 4, 0.9, None, id="ten tracks each of four artists"),
        pytest.param(6, 2, 0.5, 0.9, id="a small promise"),
        pytest.param(1, None, 0.0, 0.0, id="no promise"),
    ],
)
def test_what_a_promise_needs(count: int, groups: int | None, promise: float, expected: float | None) -> None:
    names = [str(i % groups) for i in range(count)] if groups else None
    tracks = table([0] * count, [0] * count, 0.93, names)
    assert thresholds(tracks, promise, 0.8)["alt"] == expected


def test_promises_are_kept_about_as_often_as_said() -> None:
    """Of libraries whose artists are right or wrong together, few may get a threshold that breaks the promise."""
    random = np.random.default_rng(3)
    broken = given_out = 0
    for _ in range(300):
        artists = random.integers(0, 60, 300)
        sure = np.clip(random.uniform(0.35, 1, 300), 0, 0.999)
        luck = np.where(random.random(300) < ARTIST_CORRELATION, random.random(60)[artists], random.random(300))
        labels = np.where(luck < sure, 0, 1)
        tracks = table(labels.tolist(), [0] * 300, sure.tolist(), artists.astype(str).tolist())
        limit = thresholds(tracks, 0.9, 0.8, ["alt"])["alt"]
        if limit is not None:
            given_out += 1
            broken += (1 + limit) / 2 < 0.9 - 1e-9  # true precision over a uniform confidence
    assert given_out > 30  # the promise can be kept at all
    assert broken / 300 < 0.2


def test_measured_and_accepted() -> None:
    tracks = table([0, 0, 1, 1], [0, 0, 0, 0], 0.9, ["a", "b", "c", "c"])
    assert measured(tracks) == {"alt": True, "classical": False, "r&b": False}
    assert accepted(tracks.probabilities, GENRES, {"alt": 0.9, "classical": None}).all()
    assert not accepted(tracks.probabilities, GENRES, {"alt": 0.91}).any()
    assert accepted(tracks.probabilities[:0], GENRES, {}).shape == (0,)
    assert tuple(sorted(LADDER)) == LADDER


def test_held_out_tracks_survive_the_disk(tmp_path: Path) -> None:
    tracks = table([0, 2], [0, 1], [0.9, 0.5], ['Guns, "Roses"\nand more', "folder \udcff"])
    write_heldout(tmp_path / "heldout.csv", tracks)
    back = read_heldout(tmp_path / "heldout.csv")
    for column in ("tracks", "groups", "splits", "labels", "clips", "clips_right"):
        assert getattr(back, column).tolist() == getattr(tracks, column).tolist()
    np.testing.assert_allclose(back.probabilities, tracks.probabilities, atol=1e-9)
    write_heldout(tmp_path / "heldout.csv", tracks.of())
    assert len(read_heldout(tmp_path / "heldout.csv")) == 0


@pytest.mark.parametrize(
    "text",
    ["", "track,group\n", "track,group,label,split,clips,clips_right,alt\nx,y,pop,val,1,1,1\n"],
    ids=["empty", "columns missing", "genre unknown"],
)
def test_damaged_held_out_tracks_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "heldout.csv").write_text(text)
    with pytest.raises(NoModel, match="damaged"):
        read_heldout(tmp_path / "heldout.csv")
