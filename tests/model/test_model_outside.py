"""What is none of the genres is a class that is learned but never written; rare genres and crops in the batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from tagger.base.records import NONE, Decision, Split
from tagger.model.batches import augment, genre_weights, training_batches
from tagger.model.calibrate import accepted, accepted_unseen, thresholds
from tagger.model.clips import ClipSet, TooFewLabels, check
from tagger.model.heldout import Heldout
from tagger.model.metrics import METRICS, measure
from tagger.model.recipe import Balance, Recipe
from tagger.outcome.decide import decide

GENRES = ("jazz", "rock", NONE)
Make = Callable[..., dict[int, ClipSet]]


def table(labels: list[int], calls: list[int], sure: float = 0.96, split: str = "test") -> Heldout:
    """Held-out tracks, each by an artist of its own, with these answers at this confidence."""
    count, size = len(labels), len(GENRES)
    shares = np.full((count, size), (1 - sure) / (size - 1))
    shares[np.arange(count), calls] = sure
    names = np.array([f"{split}{i}" for i in range(count)])
    right = np.array(labels) == np.array(calls)
    return Heldout(
        GENRES, names, names, np.full(count, split), np.array(labels, np.int64), shares,
        np.full(count, 4), np.where(right, 4, 1),
    )  # fmt: skip


def measured(heldout: Heldout, promise: float = 0.9) -> dict[str, float]:
    return measure(heldout, thresholds(heldout, promise, 0.8), accepted_unseen(heldout, promise, 0.8)).metrics


# --- measured -------------------------------------------------------------------------------------------------------


def test_metrics_are_of_labelled_tracks_only() -> None:
    inside = table([0] * 6 + [1] * 4, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2])
    both = table([0] * 6 + [1] * 4 + [2] * 5, [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1])
    found = measured(both)
    assert set(found) == set(METRICS)
    assert found == measured(inside)
    assert found["track_accuracy"] == pytest.approx(0.8)  # a labelled track that is called none is wrong
    assert found["majority_baseline"] == pytest.approx(0.6)
    assert found["clip_accuracy"] == pytest.approx((8 * 4 + 2) / 40)


def test_measures_count_labelled_tracks_and_draw_all() -> None:
    heldout = table([0, 0, 1, 1, 2, 2, 2], [0, 0, 1, 2, 2, 2, 0])
    found = measure(heldout, {}, np.zeros(7, np.bool_))
    assert (found.tracks, found.clips, found.groups) == (4, 16, 4)
    assert found.confusion.tolist() == [[2, 0, 0], [0, 1, 1], [1, 0, 2]]
    assert [row["genre"] for row in found.genres] == ["jazz", "rock"]


@pytest.mark.parametrize("promise", [0.0, 0.5, 0.9])
def test_there_is_never_a_threshold_for_none(promise: float) -> None:
    heldout = table([0] * 30 + [1] * 30 + [2] * 30, [0] * 30 + [1] * 30 + [2] * 30)
    limits = thresholds(heldout, promise, 0.8)
    assert limits["jazz"] is not None and limits["rock"] is not None
    assert limits[NONE] is None
    assert thresholds(heldout, promise, 0.8, [NONE]) == {NONE: None}
    assert accepted(heldout.probabilities, GENRES, limits).tolist() == [True] * 60 + [False] * 30
    assert not accepted_unseen(heldout, promise, 0.8)[60:].any()


def test_what_is_outside_speaks_against_the_genre_that_it_is_taken_for() -> None:
    music = table([0] * 30 + [1] * 30, [0] * 30 + [1] * 30)
    assert thresholds(music, 0.9, 0.8)["rock"] is not None
    with_speech = table([0] * 30 + [1] * 30 + [2] * 15, [0] * 30 + [1] * 30 + [1] * 15)
    limits = thresholds(with_speech, 0.9, 0.8)
    assert limits["jazz"] is not None
    assert limits["rock"] is None, "a third of what is called rock is speech"


@pytest.mark.parametrize("tracks,written", [(0, 0), (12, 0), (12, 3), (12, 12), (200, 7)])
def test_outside_says_how_many_would_be_written(tracks: int, written: int) -> None:
    heldout = table([0, 1] + [2] * tracks, [0, 1] + [1] * tracks)
    taken = np.array([True, True] + [True] * written + [False] * (tracks - written))
    found = measure(heldout, {}, taken).outside
    assert (found["tracks"], found["written"]) == (tracks, written)
    assert found["share"] == (written / tracks if tracks else 0.0)
    exact = binomtest(written, tracks).proportion_ci(0.95) if tracks else (0.0, 1.0)
    assert (found["low"], found["high"]) == pytest.approx(tuple(exact))


def test_outside_is_of_the_split_that_is_measured() -> None:
    val, test = table([0, 1, 2, 2], [0, 1, 0, 0], split="val"), table([0, 1, 2], [0, 1, 0])
    names = ("tracks", "groups", "splits", "labels", "probabilities", "clips", "clips_right")
    heldout = Heldout(GENRES, *(np.concatenate([getattr(val, name), getattr(test, name)]) for name in names))
    assert measure(heldout, {}, np.ones(7, np.bool_)).outside["tracks"] == 1


def test_without_labelled_tracks_nothing_is_measured() -> None:
    found = measure(table([2, 2], [2, 0]), {}, np.zeros(2, np.bool_))
    assert (found.split, found.tracks, set(found.metrics.values())) == ("none", 0, {0.0})
    assert found.outside["tracks"] == 0


def test_a_genre_and_none_are_too_little_to_learn(make_clips: Make) -> None:
    clips = make_clips(genres=2, artists=3, tracks=1, clips=1, rows=8)
    check(clips, ["jazz", "rock"])
    with pytest.raises(TooFewLabels, match="there are: jazz"):
        check(clips, ["jazz", NONE])


# --- decided --------------------------------------------------------------------------------------------------------

LIMITS = {"jazz": 0.5, "rock": 0.2, NONE: None}


def test_a_track_that_is_likelier_none_is_left_to_a_person() -> None:
    genre, confidence, decision, reason = decide({"jazz": 0.1, "rock": 0.3, NONE: 0.6}, LIMITS)
    assert (genre, confidence, decision) == ("rock", 0.3, Decision.ABSTAIN)
    assert reason == "sounds like none of the genres (0.60)"


def test_a_tie_with_none_is_left_to_a_person() -> None:
    assert decide({"rock": 0.5, NONE: 0.5}, LIMITS)[2] is Decision.ABSTAIN


def test_a_track_that_is_less_likely_none_is_written() -> None:
    genre, _, decision, _ = decide({"jazz": 0.55, "rock": 0.0, NONE: 0.45}, LIMITS)
    assert (genre, decision) == ("jazz", Decision.ACCEPT)


def test_none_is_not_written_even_at_promise_0() -> None:
    assert decide({"jazz": 0.2, NONE: 0.8}, {"jazz": 0.0, NONE: None})[2] is Decision.ABSTAIN


def test_none_alone_is_nothing_to_decide_from() -> None:
    with pytest.raises(ValueError, match="no probabilities"):
        decide({NONE: 1.0}, LIMITS)


# --- learned: rare genres -------------------------------------------------------------------------------------------


def uneven() -> dict[int, ClipSet]:
    """90 clips of the first genre, 9 of the second, 1 of the third."""
    labels = np.repeat([0, 1, 2], [90, 9, 1])
    names = np.array([f"t{i}" for i in range(100)])
    pictures = np.random.default_rng(0).integers(0, 256, (100, 8, 10), dtype=np.uint8)
    return {1: ClipSet(pictures, labels, names, names, np.full(100, str(Split.TRAIN)))}


def seen(balance: Balance, strength: float = 1.0, epochs: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return how often each genre comes in the batches, and the mean weight that it has there."""
    clips, recipe = uneven(), Recipe(1e-3, balance=balance, strength=strength, batch=25)
    weights = genre_weights(clips[1].labels, 3, strength)
    batches = [b for epoch in range(epochs) for b in training_batches(clips, 3, recipe, weights, 1, epoch)]
    counts = sum(batch.targets.sum(axis=0) for batch in batches)
    total = sum((batch.targets * batch.weights[:, None]).sum(axis=0) for batch in batches)
    return counts / counts.sum(), total / counts


@pytest.mark.parametrize("balance", ["none", "logit"])
def test_batches_are_as_the_clips_where_the_balance_is_elsewhere(balance: Balance) -> None:
    frequencies, weights = seen(balance)
    assert frequencies == pytest.approx([0.90, 0.09, 0.01])
    assert weights == pytest.approx([1, 1, 1])


def test_weights_count_rare_genres_more_up_to_a_cap() -> None:
    frequencies, weights = seen("weights", 0.5)
    assert frequencies == pytest.approx([0.90, 0.09, 0.01])
    assert weights[1] / weights[0] == pytest.approx(np.sqrt(10), rel=1e-4)
    assert weights[0] < weights[1] < weights[2] <= weights[1] * 5
    assert (frequencies * weights).sum() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(("strength", "expected"), [(0.0, [0.90, 0.09, 0.01]), (0.5, [0.708, 0.224, 0.068])])
def test_sampling_draws_rare_genres_more_often(strength: float, expected: list[float]) -> None:
    frequencies, weights = seen("sampling", strength)
    assert frequencies == pytest.approx(expected, abs=0.03)
    assert weights == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("balance", ["none", "weights", "sampling", "logit"])
def test_batches_are_whole_and_repeat_themselves(balance: Balance) -> None:
    clips, recipe = uneven(), Recipe(1e-3, balance=balance, batch=32, mixup=0.3, smoothing=0.1, shift=True, mask=0.2)
    weights = genre_weights(clips[1].labels, 3)
    first, again = (list(training_batches(clips, 3, recipe, weights, 7, 2)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        size = len(one.inputs)
        assert 25 <= size <= 40
        assert (one.inputs.shape, one.targets.shape, one.weights.shape) == ((size, 8, 10), (size, 3), (size,))
        assert {one.inputs.dtype, one.targets.dtype, one.weights.dtype} == {np.dtype(np.float32)}
        assert one.targets.sum(axis=1) == pytest.approx(np.ones(size), abs=1e-5)
        assert one.targets.min() >= 0.1 / 3 - 1e-6
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.targets, other.targets)


# --- learned: crops, and inputs that are no pictures ----------------------------------------------------------------


def test_crops_are_stretches_of_their_pictures_of_one_length() -> None:
    columns = np.arange(20, dtype=np.float32)
    images = np.broadcast_to(columns, (6, 5, 20)) + 100 * np.arange(6, dtype=np.float32)[:, None, None]
    lengths, starts = set(), set()
    for seed in range(30):
        found = augment(images, Recipe(1e-3, crop=0.5), np.random.default_rng(seed))
        assert found.shape[:2] == (6, 5)
        assert (np.diff(found, axis=2) == 1).all()
        assert (found[:, :, 0] // 100 == np.arange(6)[:, None]).all()
        lengths.add(found.shape[2])
        starts |= set((found[:, 0, 0] % 100).tolist())
    assert min(lengths) >= 10 and max(lengths) <= 20 and len(lengths) > 5
    assert len(starts) > 8
    assert augment(images, Recipe(1e-3), np.random.default_rng(0)) is images


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(np.arange(1200, dtype=np.int16).reshape(100, 12), id="samples"),
        pytest.param(np.arange(1200, dtype=np.float32).reshape(100, 4, 3), id="mfcc"),
        pytest.param(np.arange(300, dtype=np.float32).reshape(100, 3), id="features"),
    ],
)
def test_only_pictures_are_changed(inputs: np.ndarray) -> None:
    clips = {3: replace(uneven()[1], inputs=inputs)}
    recipe = Recipe(1e-3, shift=True, mask=0.5, equalise=1.0, crop=0.5, batch=100)
    known = {row.tobytes() for row in inputs.reshape(100, -1).astype(np.float32)}
    for batch in training_batches(clips, 3, recipe, np.ones(3, np.float32), 1, 0):
        assert batch.inputs.shape[1:] == inputs.shape[1:]
        assert {row.tobytes() for row in batch.inputs.reshape(len(batch.inputs), -1)} <= known
