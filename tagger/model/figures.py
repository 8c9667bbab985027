"""Figures that set one model beside another on the same held-out tracks: ROC, risk at a coverage, reliability.

As in `measure`, everything is about the test tracks, or the validation tracks where there are none, and every interval
comes from resampling whole artists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tagger.base.records import Split
from tagger.model.heldout import Heldout
from tagger.model.metrics import INTERVAL, RESAMPLES, RESAMPLES_AT_ONCE

FIGURES = ("macro_precision", "macro_recall", "roc_auc")
AUC_RESAMPLES = (
    200  # an AUC is dear; with 1,000 the ends of its interval moved by less than 0.005 (2,000 made-up tracks)
)
WEIGHTS_AT_ONCE = 2_000_000  # tracks times resamples: an AUC needs five such arrays of 8 bytes, 80 MB
GUESSING = 0.5  # the AUC of a model that tells nothing apart, and what is said where there is nothing to tell apart

Floats = NDArray[np.float64]


class Bin(NamedTuple):
    """Tracks whose confidence lies from `low` to `high`: how many, their mean confidence, the share that is right.

    An empty bin has 0 for both.
    """

    low: float
    high: float
    tracks: int
    confidence: float
    accuracy: float


def judged(heldout: Heldout) -> Heldout:
    """Return the tracks of canonical genres that a model is judged by: test, or validation where there is no test."""
    tests = heldout.of(Split.TEST).labelled()
    return tests if len(tests) else heldout.of(Split.VAL).labelled()


# --- figures with intervals -------------------------------------------------------------------------------------------


def figures(heldout: Heldout, seed: int = 0) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return macro precision, macro recall and ROC AUC, each with its 95% interval.

    Precision and recall are means over the genres that people say of these tracks; a genre that the model never says
    has a precision of 0. Macro recall is `balanced_accuracy` by another name, from the same resamples. The AUC is the
    mean, over genres that some tracks have and others have not, of one genre against the rest.

    Parameters
    ----------
    heldout : Heldout
        Calibrated.
    seed : int
        Of the bootstrap.

    Returns
    -------
    metrics, intervals : dict
        With the keys of `FIGURES`. Where there are no tracks, 0 (the AUC 0.5) and from 0 to 1.
    """
    tracks = judged(heldout)
    if not len(tracks):
        return dict(zip(FIGURES, (0.0, 0.0, GUESSING), strict=True)), dict.fromkeys(FIGURES, (0.0, 1.0))
    groups, owner = np.unique(tracks.groups, return_inverse=True)
    owner = owner.reshape(-1)
    size = len(tracks.genres)
    sums = np.zeros((groups.size, size * size))  # what each artist adds to the confusion matrix
    np.add.at(sums, (owner, tracks.labels * size + tracks.probabilities.argmax(axis=1)), 1.0)
    precision, recall = _macro(sums.sum(axis=0)[None], size)
    area = _areas(tracks, np.ones((1, len(tracks))))
    found = {name: float(value[0]) for name, value in zip(FIGURES, (precision, recall, area), strict=True)}
    if groups.size < 2:
        return found, dict.fromkeys(FIGURES, (0.0, 1.0))  # one artist tells nothing about the next
    resampled: list[list[Floats]] = [[], [], []]
    for number, draws in enumerate(_resamples(groups.size, seed)):
        for values, value in zip(resampled, _macro(draws @ sums, size), strict=False):
            values.append(value)
        if number * RESAMPLES_AT_ONCE < AUC_RESAMPLES:
            resampled[2].append(_areas(tracks, draws, owner))
    ends = [_ends(np.concatenate(values), groups.size, 0.0) for values in resampled]
    return found, dict(zip(FIGURES, ends, strict=True))


def paired_difference(a: Heldout, b: Heldout, seed: int = 0) -> tuple[float, float, float]:
    """Return by how much more of the same tracks `a` has right than `b`, and the 95% interval of that.

    Two models err on much the same tracks, so their difference is known better than either of them.

    Raises
    ------
    ValueError
        If the two were not measured on the same tracks, artists and labels.
    """
    first, second = _in_order(judged(a)), _in_order(judged(b))
    if _rows(first) != _rows(second):
        raise ValueError("the two models were measured on different tracks, so they cannot be compared track by track")
    if not len(first):
        return 0.0, -1.0, 1.0
    better = _right(first).astype(np.float64) - _right(second)
    groups, owner = np.unique(first.groups, return_inverse=True)
    sums = np.stack([np.bincount(owner.reshape(-1), better), np.bincount(owner.reshape(-1))], axis=1)
    if groups.size < 2:
        return float(better.mean()), -1.0, 1.0
    drawn = np.concatenate([draws @ sums for draws in _resamples(groups.size, seed)])
    return float(better.mean()), *_ends(drawn[:, 0] / drawn[:, 1], groups.size, -1.0)


def _resamples(groups: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield how often each artist is drawn, int64 (`RESAMPLES_AT_ONCE`, groups): the same draws as in `measure`."""
    random = np.random.default_rng(seed)
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        yield random.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES_AT_ONCE)


def _ends(values: Floats, groups: int, least: float) -> tuple[float, float]:
    """Return the 95% interval of resampled values that lie between `least` and 1.

    Where every artist agrees, resampling shows no spread; then it is as wide as the exact interval of Clopper and
    Pearson for none of that many artists.
    """
    low, high = np.percentile(values, [50 * (1 - INTERVAL), 50 * (1 + INTERVAL)])
    if low == high:
        unseen = 1 - (0.5 * (1 - INTERVAL)) ** (1 / groups)
        low, high = max(least, low - unseen), min(1.0, high + unseen)
    return float(low), float(high)


def _macro(sums: Floats, genres: int) -> tuple[Floats, Floats]:
    """Return macro precision and macro recall, (r,), of confusion matrices laid flat, (r, genres * genres)."""
    confusion = sums.reshape(-1, genres, genres)
    said, called = confusion.sum(axis=2), confusion.sum(axis=1)  # (r, genres)
    hits = np.diagonal(confusion, axis1=1, axis2=2)
    present = said > 0
    kinds = present.sum(axis=1)
    precision = (hits / np.maximum(called, 1) * present).sum(axis=1) / kinds
    return precision, (hits / np.maximum(said, 1)).sum(axis=1) / kinds


def _areas(
    tracks: Heldout, draws: NDArray[np.float64] | NDArray[np.int64], owner: NDArray[np.int64] | None = None
) -> Floats:
    """Return the mean AUC over genres, (r,), when tracks count as often as `draws` says, (r, n).

    With `owner`, (n,), the artist of each track, `draws` is by artist, (r, groups). The AUC is the chance that a
    random track of the genre gets a higher probability of it than one of another genre, ties counting half (Mann and
    Whitney); a resample without both kinds says nothing about a genre.
    """
    step = max(1, WEIGHTS_AT_ONCE // len(tracks))
    if len(draws) > step:
        return np.concatenate([_areas(tracks, draws[i : i + step], owner) for i in range(0, len(draws), step)])
    weights = (draws if owner is None else draws[:, owner]).astype(np.float64)
    total, known = np.zeros(len(draws)), np.zeros(len(draws))
    for genre in np.unique(tracks.labels):
        order = np.argsort(tracks.probabilities[:, genre], kind="stable")
        levels = _levels(tracks.probabilities[order, genre])
        here = weights[:, order]
        of = np.add.reduceat(here * (tracks.labels[order] == genre), levels, axis=1)  # (r, levels): of this genre
        rest = np.add.reduceat(here, levels, axis=1) - of
        beaten = (of * (np.cumsum(rest, axis=1) - rest / 2)).sum(axis=1)
        pairs = of.sum(axis=1) * rest.sum(axis=1)
        total += np.divide(beaten, pairs, out=np.zeros(len(draws)), where=pairs > 0)
        known += pairs > 0
    return np.divide(total, known, out=np.full(len(draws), GUESSING), where=known > 0)


def _levels(ordered: Floats) -> NDArray[np.int64]:
    """Return where each run of equal values begins."""
    return np.flatnonzero(np.append(True, np.diff(ordered) != 0))


def _right(tracks: Heldout) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = tracks.probabilities.argmax(axis=1) == tracks.labels
    return found


def _in_order(tracks: Heldout) -> Heldout:
    """Return the tracks in an order that does not depend on the model; a name can stand for one track per label."""
    return tracks.only(np.lexsort((_said(tracks), tracks.tracks)))


def _rows(tracks: Heldout) -> list[tuple[str, str, str]]:
    return list(zip(tracks.tracks.tolist(), tracks.groups.tolist(), _said(tracks).tolist(), strict=True))


def _said(tracks: Heldout) -> NDArray[np.str_]:
    return np.array(tracks.genres, dtype=np.str_)[tracks.labels]


# --- curves -----------------------------------------------------------------------------------------------------------


def roc_curve(heldout: Heldout, genre: str | None = None) -> tuple[Floats, Floats]:
    """Return the ROC curve: false positive rate and true positive rate, each (points,), rising from 0 to 1.

    Parameters
    ----------
    heldout : Heldout
        Calibrated.
    genre : str, optional
        An id: this genre against the rest. By default every pair of a track and a genre is one case, all together
        (the micro-average).

    Returns
    -------
    tuple
        Two empty arrays where there are no positives or no negatives.
    """
    tracks = judged(heldout)
    columns = range(len(tracks.genres)) if genre is None else [tracks.genres.index(genre)]
    right = (tracks.labels[:, None] == np.array(columns)).ravel()
    scores = tracks.probabilities[:, columns].ravel()
    if right.all() or not right.any():
        return np.zeros(0), np.zeros(0)
    order = np.argsort(-scores, kind="stable")
    last = np.append(_levels(scores[order])[1:], scores.size) - 1  # of each run of equal scores
    hits = np.cumsum(right[order])[last]
    false, true = (last + 1 - hits) / (~right).sum(), hits / right.sum()
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])


def risk_coverage(heldout: Heldout) -> tuple[Floats, Floats]:
    """Return which share of the surest tracks is wrong, for each number of them.

    Returns
    -------
    coverage : float64 array of shape (n,)
        1 / n, 2 / n to 1: the share of the tracks that is answered, the surest first.
    risk : float64 array of shape (n,)
        The share of those that is wrong. Equally sure tracks come in random order, so this is what to expect.
    """
    tracks = judged(heldout)
    if not len(tracks):
        return np.zeros(0), np.zeros(0)
    sure = tracks.probabilities.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    levels = _levels(sure[order])
    sizes = np.diff(np.append(levels, len(tracks)))
    wrong = np.add.reduceat((~_right(tracks))[order].astype(np.float64), levels)
    count = np.arange(1, len(tracks) + 1)
    return count / len(tracks), np.cumsum(np.repeat(wrong / sizes, sizes)) / count


def area_under_risk(heldout: Heldout) -> float:
    """Return the mean of the risk over all coverages: 0 if nothing is wrong, less if the wrong ones are unsure.

    The AURC of Geifman and El-Yaniv, "Bias-reduced uncertainty estimation", 2019.
    """
    _, risk = risk_coverage(heldout)
    return float(risk.mean()) if risk.size else 0.0


def reliability(heldout: Heldout, bins: int = 10) -> list[Bin]:
    """Return how often tracks are right beside how sure the model is of them, in equally wide bins from 0 to 1."""
    tracks = judged(heldout)
    sure, right = tracks.probabilities.max(axis=1), _right(tracks)
    place = np.minimum((sure * bins).astype(np.int64), bins - 1)
    found = []
    for number in range(bins):
        here = place == number
        count = int(here.sum())
        means = (float(sure[here].mean()), float(right[here].mean())) if count else (0.0, 0.0)
        found.append(Bin(number / bins, (number + 1) / bins, count, *means))
    return found
