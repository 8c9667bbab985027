"""Labels that are likely wrong: every label is judged by models that never heard its artist.

In the manner of Northcutt et al., "Confident learning: estimating uncertainty in dataset labels", 2021: predictions
from a cross-validation, compared for each genre with what is usual for it. The folds are of whole artists, else a
model would recognise the sound of a wrongly labelled album by its other tracks and agree. What people say of the
artist's other tracks is heeded beside, in the open.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.model.suspects_table import Floats, TrackTable

Ints = NDArray[np.int64]
Shares = NDArray[np.float64]

FOLDS = 5
TREES = 200
LEAST_GROUPS = 2  # artists of a genre that a model must have heard to judge tracks of that genre
TINY = 1e-4  # probabilities below this are all the same "no"

# Measured by `python -m bench mislabels` on synthetic music and on 100 excerpts of real music.
TEMPERATURES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8, 2.2, 3.0)
LENIENCE = 0.3  # with rare genres, which models seldom dare to say: 0 none; with 1, flooded by them, half is lost
STRENGTH = 2.0  # of the library's usual mix against an artist's own tracks; 0.5 to 4 rank alike, this one is careful
WRONG = 0.05  # share of wrong labels that is expected
DOUBTFUL = 0.25  # score from which a person should look: there, half of the labels or more are wrong
MOST = 0.05  # of the labels are listed at the most

FitPredict = Callable[[Ints, Ints], Shares]


@dataclass(frozen=True, slots=True)
class Opinions:
    """What models that never heard a track's artist say of it; row i is row i of the table.

    `probabilities` is float64 (tracks, genres), `votes` int64 (tracks, genres): how many clips, one by one, sound most
    like each genre. Where a genre was not among what a model learned, both are 0.
    """

    probabilities: Shares
    votes: Ints


def folds_of(labels: Ints, groups: NDArray[np.str_], folds: int = FOLDS, seed: int = 0) -> Iterator[tuple[Ints, Ints]]:
    """Yield positions to learn from and positions to judge; no group is in both, genres are spread evenly.

    Every position is judged once. Nothing is yielded where there are fewer than two groups or genres.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    # Stratification asks for a genre of as many tracks as there are folds.
    number = min(folds, np.unique(groups).size, int(np.bincount(labels).max(initial=0)))
    if number < 2 or np.unique(labels).size < 2:
        return
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # genres of fewer tracks than folds: `judged` knows what to make of them
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        dealt = list(splitter.split(np.zeros(len(labels)), labels, groups))
    for learn, judge in dealt:
        if judge.size and np.unique(labels[learn]).size > 1:
            yield learn.astype(np.int64), judge.astype(np.int64)


def cross_predict(
    labels: Ints, groups: NDArray[np.str_], genres: int, fit_predict: FitPredict, folds: int = FOLDS, seed: int = 0
) -> Shares:
    """Return what a model of any kind says of each track after learning from other artists only.

    Parameters
    ----------
    labels : int64 array of shape (tracks,)
        Positions in the list of genres.
    groups : str array of shape (tracks,)
        The artist, or what stands for one.
    genres : int
        How many there are.
    fit_predict : callable
        Learns from the tracks at the first positions and returns the probabilities of those at the second, float64
        (positions, genres).
    folds : int
        How many models are made.
    seed : int
        Of the folds.

    Returns
    -------
    float64 array of shape (tracks, genres)
        0 for a genre that was not in a fold, and for all genres of a track that no model judged.
    """
    probabilities = np.zeros((len(labels), genres))
    for learn, judge in folds_of(labels, groups, folds, seed):
        probabilities[judge] = fit_predict(learn, judge)
    return probabilities


def out_of_fold(table: TrackTable, genres: int, folds: int = FOLDS, seed: int = 0) -> Opinions:
    """Return what quick models on the table say of each track, and of each of its clips.

    Parameters
    ----------
    table : TrackTable
        The tracks.
    genres : int
        In which the labels count.
    folds, seed : int
        As in `cross_predict`; the seed also of the models.
    """
    votes = np.zeros((len(table), genres), np.int64)
    half = table.clip_values.shape[1]

    def fit_predict(learn: Ints, judge: Ints) -> Shares:
        models = _models(seed)
        for model in models:
            model.fit(table.values[learn], table.labels[learn])
        clips = np.flatnonzero(np.isin(table.owners, judge))
        # A clip is heard as if the whole track were like it; how much its track varies stays.
        heard = np.concatenate([table.clip_values[clips], table.values[table.owners[clips], half:]], axis=1)
        np.add.at(votes, (table.owners[clips], _say(models, heard, genres).argmax(axis=1)), 1)
        return _say(models, table.values[judge], genres)

    return Opinions(cross_predict(table.labels, table.groups, genres, fit_predict, folds, seed), votes)


def of_the_heard(table: TrackTable, genres: int, seed: int = 0) -> Shares:
    """Return what the same models say of tracks whose labels they have seen: a yardstick, no judge of labels."""
    models = _models(seed)
    for model in models:
        model.fit(table.values, table.labels)
    return _say(models, table.values, genres)


def _models(seed: int) -> list[Any]:
    """Return untrained models whose mean is the judge; chosen by `python -m bench mislabels`."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    straight = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3))
    return [straight, ExtraTreesClassifier(TREES, min_samples_leaf=3, max_features=0.1, random_state=seed)]


def _say(models: list[Any], values: Floats, genres: int) -> Shares:
    said = np.zeros((len(values), genres))
    for model in models:
        said[:, model.classes_] += model.predict_proba(values) / len(models)
    return said


# --- what people say of the artist ----------------------------------------------------------------------------------


def of_the_artist(table: TrackTable) -> Ints:
    """Return how many other tracks of each track's artist have each label; int64 (tracks, genres that occur)."""
    _, owner = np.unique(table.groups, return_inverse=True)
    counts = np.zeros((int(owner.max(initial=-1)) + 1, int(table.labels.max(initial=-1)) + 1), np.int64)
    np.add.at(counts, (owner.reshape(-1), table.labels), 1)
    others = counts[owner.reshape(-1)]
    others[np.arange(len(table)), table.labels] -= 1
    return others


def with_artists(table: TrackTable, probabilities: Shares) -> Shares:
    """Return probabilities that also heed what people say of the artist's other tracks.

    A jazz track among an artist's rock is worth a look, however it sounds. The labels of the others count as
    `STRENGTH` tracks of the library's usual mix and one of each label seen; who has no other track is judged by sound
    alone. Rows of 0 stay so.
    """
    genres = probabilities.shape[1]
    others = np.zeros((len(table), genres))
    found = of_the_artist(table)
    others[:, : found.shape[1]] = found
    usual_mix = np.bincount(table.labels, minlength=genres) / max(1, len(table))
    share = (others + STRENGTH * usual_mix) / (others.sum(axis=1, keepdims=True) + STRENGTH)
    lift = share / np.maximum(usual_mix, TINY)  # 1 where nothing is known of the artist
    heeding = calibrated(probabilities, table.labels) * lift
    return heeding / np.maximum(heeding.sum(axis=1, keepdims=True), TINY**2)


# --- from opinions to doubts ----------------------------------------------------------------------------------------


def judged(labels: Ints, groups: NDArray[np.str_], folds: int = FOLDS, seed: int = 0) -> NDArray[np.bool_]:
    """Say which tracks can be judged: the model had heard their genre from at least `LEAST_GROUPS` artists."""
    able = np.zeros(len(labels), np.bool_)
    for learn, judge in folds_of(labels, groups, folds, seed):
        pairs = np.unique(np.stack([labels[learn].astype(str), groups[learn]], axis=1), axis=0)
        heard = np.bincount(pairs[:, 0].astype(np.int64), minlength=int(labels.max()) + 1)
        able[judge] = heard[labels[judge]] >= LEAST_GROUPS
    return able


@dataclass(frozen=True, slots=True)
class Doubts:
    """How far each label is to be doubted; row i is row i of the table.

    `scores` float64 (tracks,) in [0, 1], `suggested` int64 (tracks,) the genre that the models find likeliest beside
    the label, `suspect` bool (tracks,) says that a person should look.
    """

    scores: Shares
    suggested: Ints
    suspect: NDArray[np.bool_]


def usual(probabilities: Shares, labels: Ints) -> Shares:
    """Return how probable models find a genre, on average over the tracks that are labelled so; float64 (genres,).

    These are the thresholds of confident learning. What is learned from few tracks is seldom said with confidence,
    so that a rare genre's label must not be doubted for that.
    """
    sums = np.bincount(labels, weights=_own(probabilities, labels), minlength=probabilities.shape[1])
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    return np.maximum(sums / np.maximum(counts, 1), TINY)


def _own(probabilities: Shares, labels: Ints) -> Shares:
    """Return the probability of each track's label; float64 (tracks,)."""
    return probabilities[np.arange(len(labels)), labels]


def _best_other(probabilities: Shares, labels: Ints) -> Ints:
    """Return the likeliest genre beside the label; int64 (tracks,)."""
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1
    return others.argmax(axis=1)


def calibrated(probabilities: Shares, labels: Ints) -> Shares:
    """Return the probabilities at the temperature at which they describe the labels best; rows of 0 stay so."""
    said = probabilities.sum(axis=1) > 0
    if not said.any():
        return probabilities
    logs = np.log(np.maximum(probabilities[said], TINY))
    candidates = [_shares(logs / temperature) for temperature in TEMPERATURES]
    losses = [-np.log(_own(one, labels[said])).mean() for one in candidates]
    found = np.zeros_like(probabilities)
    found[said] = candidates[int(np.argmin(losses))]
    return found


def _shares(logs: Shares) -> Shares:
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def rank(probabilities: Shares, labels: Ints) -> Shares:
    """Return how far each label is to be doubted, in [0, 1); float64 (tracks,).

    It is x / (1 + x), where x compares two ways to come by the label: by mistake, which is as probable for every
    genre, or nearly so (`LENIENCE`), and by being right, which is as probable as models find the genre.

    Parameters
    ----------
    probabilities : float64 array of shape (tracks, genres)
        Of models that never heard the track's artist.
    labels : int64 array of shape (tracks,)
        Positions in the list of genres.
    """
    if not len(labels):
        return np.zeros(0)
    said = calibrated(probabilities, labels)
    present = np.unique(labels)
    chance = usual(said, labels) ** LENIENCE
    chance *= WRONG / max(1, present.size - 1) / chance[present].mean()
    odds = chance[labels] / np.maximum(_own(said, labels), TINY)
    return odds / (1 + odds)


def doubts(table: TrackTable, probabilities: Shares, folds: int = FOLDS, seed: int = 0) -> Doubts:
    """Return how far each label is to be doubted, by its sound and the artist's other tracks, and which to look at.

    Parameters
    ----------
    table : TrackTable
        The tracks.
    probabilities : float64 array of shape (tracks, genres)
        As `out_of_fold` or `cross_predict` gives them, with these folds and this seed.
    """
    heeding = with_artists(table, probabilities)
    scores = rank(heeding, table.labels)
    scores[~judged(table.labels, table.groups, folds, seed)] = 0.0
    worst = np.argsort(-scores, kind="stable")[: math.ceil(MOST * len(table))]
    suspect = np.zeros(len(table), np.bool_)
    suspect[worst] = scores[worst] >= DOUBTFUL
    return Doubts(scores, _best_other(heeding, table.labels), suspect)
