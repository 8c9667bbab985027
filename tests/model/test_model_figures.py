"""Figures and pictures that set models side by side, on made-up predictions: no network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sk

from tagger.base.records import NONE
from tagger.model.figures import (
    FIGURES,
    area_under_risk,
    figures,
    judged,
    paired_difference,
    reliability,
    risk_coverage,
    roc_curve,
)
from tagger.model.heldout import Heldout
from tagger.model.metrics import measure
from tagger.model.pictures_compare import (
    bars_picture,
    confusions_picture,
    learning_curves_picture,
    reliability_picture,
    risk_coverage_picture,
    roc_picture,
)

GENRES = ("alt", "classical", "r&b")


def of(
    probabilities: list[list[float]] | np.ndarray,
    labels: list[int],
    groups: list[str] | None = None,
    split: str = "test",
) -> Heldout:
    """Held-out tracks with these probabilities; by default each of an artist of its own."""
    names = np.array([f"track {i:03}" for i in range(len(labels))], dtype=np.str_)
    shares = np.array(probabilities, float).reshape(len(labels), len(GENRES))
    return Heldout(
        GENRES,
        names,
        names if groups is None else np.array(groups, dtype=np.str_),
        np.full(len(labels), split),
        np.array(labels, np.int64),
        shares,
        np.full(len(labels), 5),
        np.full(len(labels), 3),
    )


def random_tracks(seed: int, skill: float = 1.0, count: int = 120, artists: int = 30, digits: int = 2) -> Heldout:
    """Tracks of the same artists and labels whatever the seed; rounded, so that some probabilities are equal."""
    world, random = np.random.default_rng(0), np.random.default_rng((1, seed))
    owner = world.integers(0, artists, count)
    labels = world.integers(0, 3, artists)[owner]
    logits = random.normal(0, 1, (count, 3))
    logits[np.arange(count), labels] += skill
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return of(np.round(shares, digits), labels.tolist(), [f"artist {i}" for i in owner])


SURE_AND_RIGHT = of([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.3, 0.3, 0.4], [0.5, 0.3, 0.2]], [0, 1, 2, 1])


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    tracks = random_tracks(seed)
    calls = tracks.probabilities.argmax(axis=1)
    found, intervals = figures(tracks)
    areas = [sk.roc_auc_score(tracks.labels == i, tracks.probabilities[:, i]) for i in range(3)]
    assert found["roc_auc"] == pytest.approx(np.mean(areas))
    assert found["macro_precision"] == pytest.approx(sk.precision_score(tracks.labels, calls, average="macro"))
    assert found["macro_recall"] == pytest.approx(sk.recall_score(tracks.labels, calls, average="macro"))
    assert tuple(found) == tuple(intervals) == FIGURES
    for name, (low, high) in intervals.items():
        assert 0 <= low < found[name] < high <= 1


def test_interval_of_the_area_counts_pairs_of_tracks_of_resampled_artists() -> None:
    tracks = random_tracks(0)
    names, owner = np.unique(tracks.groups, return_inverse=True)
    random = np.random.default_rng(4)
    draws = [random.multinomial(names.size, np.full(names.size, 1 / names.size), 100) for _ in range(2)]
    areas = np.zeros(200)
    for genre in range(3):
        score, mine = tracks.probabilities[:, genre], tracks.labels == genre
        wins = (score[:, None] > score) + 0.5 * (score[:, None] == score)
        for i, times in enumerate(np.concatenate(draws)[:, owner]):
            areas[i] += (times * mine) @ wins @ (times * ~mine) / (times @ mine * (times @ ~mine)) / 3
    assert figures(tracks, seed=4)[1]["roc_auc"] == pytest.approx(np.percentile(areas, [2.5, 97.5]))


def test_macro_recall_and_its_interval_are_those_of_balanced_accuracy() -> None:
    tracks = random_tracks(1)
    found, intervals = figures(tracks, seed=3)
    measures = measure(tracks, {}, np.zeros(len(tracks), np.bool_), seed=3)
    assert found["macro_recall"] == pytest.approx(measures.metrics["balanced_accuracy"])
    assert intervals["macro_recall"] == pytest.approx(measures.intervals["balanced_accuracy"])


def test_a_genre_that_nobody_says_has_no_area_and_one_that_all_say_is_guessing() -> None:
    absent = of([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0], [0.6, 0.4, 0.0], [0.5, 0.5, 0.0]], [0, 1, 1, 0])
    assert figures(absent)[0]["roc_auc"] == pytest.approx(0.75)
    alone = of([[0.8, 0.2, 0.0], [0.3, 0.7, 0.0]], [0, 0])
    assert figures(alone)[0] == {"macro_precision": 1.0, "macro_recall": 0.5, "roc_auc": 0.5}


def test_one_artist_or_no_track_tells_nothing() -> None:
    one = figures(replace(SURE_AND_RIGHT, groups=np.full(4, "one")))[1]
    assert set(one.values()) == {(0.0, 1.0)}
    found, intervals = figures(of([], []))
    assert found == {"macro_precision": 0.0, "macro_recall": 0.0, "roc_auc": 0.5}
    assert set(intervals.values()) == {(0.0, 1.0)}


def test_artists_who_all_agree_leave_room_for_those_who_do_not() -> None:
    right = of([[1, 0, 0], [0, 1, 0]] * 5, [0, 1] * 5)
    found, intervals = figures(right)
    assert set(found.values()) == {1.0}
    assert intervals["macro_precision"] == (pytest.approx(0.025**0.1), 1.0)


def test_test_tracks_are_judged_and_validation_tracks_only_where_there_are_none() -> None:
    values = of([[0, 1, 0]] * 4, [0] * 4, split="val")
    columns = ("tracks", "groups", "splits", "labels", "probabilities", "clips", "clips_right")
    both = Heldout(GENRES, *(np.concatenate([getattr(SURE_AND_RIGHT, c), getattr(values, c)]) for c in columns))
    assert len(judged(both)) == 4
    assert figures(both) == figures(SURE_AND_RIGHT)
    assert risk_coverage(both)[1][-1] == 0.25
    assert risk_coverage(values)[1][-1] == 1.0


def test_tracks_that_are_none_of_the_genres_are_not_judged() -> None:
    strange = replace(SURE_AND_RIGHT, genres=("alt", "classical", NONE))
    assert judged(strange).labels.tolist() == [0, 1, 1]
    assert risk_coverage(strange)[0].size == 3
    assert sum(row.tracks for row in reliability(strange)) == 3


# --- differences ------------------------------------------------------------------------------------------------------


def test_a_better_model_is_better_by_what_it_has_right_and_the_other_way_round() -> None:
    good, poor = random_tracks(0, skill=2.5), random_tracks(1, skill=0.3)
    accuracy = [sk.accuracy_score(tracks.labels, tracks.probabilities.argmax(axis=1)) for tracks in (good, poor)]
    difference, low, high = paired_difference(good, poor)
    assert difference == pytest.approx(accuracy[0] - accuracy[1])
    assert 0 < low < difference < high
    assert paired_difference(poor, good) == pytest.approx((-difference, -high, -low))


def test_the_order_of_tracks_and_genres_makes_no_difference() -> None:
    good, poor = random_tracks(0, skill=2.5), random_tracks(1, skill=0.3, digits=9)  # of two equal ones, the first wins
    turned = poor.only(np.random.default_rng(2).permutation(len(poor)))
    turned = replace(turned, genres=GENRES[::-1], labels=2 - turned.labels, probabilities=turned.probabilities[:, ::-1])
    assert paired_difference(good, turned)[0] == pytest.approx(paired_difference(good, poor)[0])


def test_models_that_agree_on_few_artists_may_still_differ() -> None:
    unseen = 1 - 0.025**0.25
    assert paired_difference(SURE_AND_RIGHT, SURE_AND_RIGHT) == (0.0, pytest.approx(-unseen), pytest.approx(unseen))
    one = replace(SURE_AND_RIGHT, groups=np.full(4, "one"))
    assert paired_difference(one, one) == (0.0, -1.0, 1.0)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(SURE_AND_RIGHT.only(np.arange(3)), id="fewer"),
        pytest.param(replace(SURE_AND_RIGHT, labels=np.array([0, 1, 2, 2])), id="other labels"),
        pytest.param(replace(SURE_AND_RIGHT, groups=np.array(list("abcd"))), id="other artists"),
    ],
)
def test_different_tracks_are_not_compared(other: Heldout) -> None:
    with pytest.raises(ValueError, match="different tracks"):
        paired_difference(SURE_AND_RIGHT, other)


# --- curves -----------------------------------------------------------------------------------------------------------


def test_risk_and_coverage_by_hand() -> None:
    coverage, risk = risk_coverage(SURE_AND_RIGHT)  # by confidence: right, right, wrong, right
    np.testing.assert_allclose(coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(risk, [0, 0, 1 / 3, 1 / 4])
    assert area_under_risk(SURE_AND_RIGHT) == pytest.approx((1 / 3 + 1 / 4) / 4)


def test_equally_sure_tracks_share_their_errors() -> None:
    tied = of([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.6, 0.4, 0.0]], [0, 0, 1])
    for order in ([0, 1, 2], [2, 1, 0]):
        np.testing.assert_allclose(risk_coverage(tied.only(np.array(order)))[1], [0, 0.25, 1 / 3])


def test_knowing_when_one_is_wrong_lowers_the_area() -> None:
    labels = [0] * 10
    sure = [0.5 + 0.04 * i for i in range(10)]
    right = [[share, 1 - share, 0.0] for share in sure]
    unsure_errors = [[0.0, s, 1 - s] if i < 3 else right[i] for i, s in enumerate(sure)]
    sure_errors = [[0.0, s, 1 - s] if i > 6 else right[i] for i, s in enumerate(sure)]
    assert area_under_risk(of(right, labels)) == 0
    assert area_under_risk(of(unsure_errors, labels)) < 0.3 < area_under_risk(of(sure_errors, labels))


@pytest.mark.parametrize("genre", [None, *GENRES])
def test_roc_curves_are_those_of_scikit_learn(genre: str | None) -> None:
    tracks = random_tracks(2)
    columns = [0, 1, 2] if genre is None else [GENRES.index(genre)]
    right = (tracks.labels[:, None] == columns).ravel()
    false, true, _ = sk.roc_curve(right, tracks.probabilities[:, columns].ravel(), drop_intermediate=False)
    found = roc_curve(tracks, genre)
    np.testing.assert_allclose(found[0], false)
    np.testing.assert_allclose(found[1], true)


def test_there_is_no_roc_curve_without_both_kinds() -> None:
    assert [part.size for part in roc_curve(of([[1, 0, 0]], [0]), "alt")] == [0, 0]
    assert [part.size for part in roc_curve(of([[1, 0, 0]], [0]), "r&b")] == [0, 0]


def test_reliability_has_every_track_once_and_adds_up_to_the_calibration_error() -> None:
    tracks = random_tracks(3)
    rows = reliability(tracks)
    assert [(row.low, row.high) for row in rows] == [(i / 10, (i + 1) / 10) for i in range(10)]
    assert sum(row.tracks for row in rows) == len(tracks)
    error = sum(row.tracks * abs(row.confidence - row.accuracy) for row in rows) / len(tracks)
    assert error == pytest.approx(measure(tracks, {}, np.zeros(len(tracks), np.bool_)).metrics["ece"])
    assert reliability(SURE_AND_RIGHT, bins=2) == [
        (0.0, 0.5, 1, 0.4, 1.0),
        (0.5, 1.0, 3, pytest.approx(2.2 / 3), 2 / 3),
    ]


# --- pictures ---------------------------------------------------------------------------------------------------------

EPOCHS = [
    {"epoch": i, "loss": 2 / i, "val_loss": 2 / i, "val_accuracy": 0.1 * i, "learning_rate": 0.1} for i in range(1, 6)
]
UNCHECKED = [{"epoch": 1, "loss": 2.0, "learning_rate": 0.1}]


def bar(family: str, leaky: dict[str, float] | None) -> dict[str, object]:
    metrics = {"track_accuracy": 0.6, "majority_baseline": 0.2}
    return {"family": family, "metrics": metrics, "intervals": {"track_accuracy": [0.5, 0.7]}, "leaky": leaky}


def families(count: int) -> dict[str, Heldout]:
    return {f"family {i} $x$": random_tracks(i, skill=2 - 0.1 * i, count=60) for i in range(count)}


def draw_bars(path: Path, count: int) -> None:
    bars_picture(path, [bar(name, {"track_accuracy": 0.9} if i else None) for i, name in enumerate(families(count))])


def draw_learning(path: Path, count: int) -> None:
    learning_curves_picture(path, {name: EPOCHS if i != 1 else UNCHECKED for i, name in enumerate(families(count))})


def draw_confusions(path: Path, count: int) -> None:
    confusions_picture(path, {name: np.array([[3, 1, 0], [0, 2, 0], [0, 0, 0]]) for name in families(count)}, GENRES)


DRAWERS = {
    "bars": draw_bars,
    "roc": lambda path, count: roc_picture(path, families(count)),
    "risk": lambda path, count: risk_coverage_picture(path, families(count), 0.9),
    "learning": draw_learning,
    "confusions": draw_confusions,
}


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWERS.values(), ids=DRAWERS)
def test_a_picture_has_a_place_for_every_family(draw: Callable[[Path, int], None], tmp_path: Path) -> None:
    sizes = []
    for count in (0, 1, 5):
        draw(tmp_path / "picture.png", count)
        with Image.open(tmp_path / "picture.png") as image:
            assert image.format == "PNG"
            sizes.append(image.width * image.height)
            assert len(np.unique(np.asarray(image.convert("L")))) > 2
    assert sizes[0] <= sizes[1] < sizes[2]


@pytest.mark.slow
def test_reliability_is_drawn_of_many_tracks_and_of_one(tmp_path: Path) -> None:
    pictures = []
    for tracks in (random_tracks(0), SURE_AND_RIGHT.only(np.arange(1)), of([], [])):
        reliability_picture(tmp_path / "picture.png", tracks, "family $x$")
        pictures.append((tmp_path / "picture.png").read_bytes())
    assert len(set(pictures)) == 3
