"""How sure is sure enough: one temperature for the probabilities, and a threshold per genre that keeps the promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from tagger.base.records import NONE
from tagger.model.heldout import TINY, Heldout, temper

# A few validation tracks that all happen to be right would ask for endless certainty: the logarithm of the
# temperature is expected within about half of 0, more so the fewer tracks speak against it (a normal prior).
TEMPERATURE_SPREAD = 0.5
TEMPERATURES = (0.1, 10.0)

# Thresholds are looked for on a coarse ladder: each look is a chance to be lucky. In a simulation of calibrated models
# with 30 to 1,000 held-out tracks, thresholds from this ladder broke a promise of 0.90 in 1 to 6 of 100 cases, the
# smallest one of all confidences in up to 18.
LADDER = (*np.round(np.arange(0.0, 0.96, 0.05), 2).tolist(), 0.98)

# Songs of one artist are right or wrong together. This is the correlation assumed between two of them (rho in the
# design effect 1 + (m - 1) rho of Kish, "Survey Sampling", 1965); no collection was at hand to measure it on, and a
# genre label is mostly one of its artist, so it is not a small one.
ARTIST_CORRELATION = 0.3
FOLDS = 10
MIN_GROUPS = 2  # one artist says nothing about another


def fit_temperature(heldout: Heldout) -> float:
    """Return the temperature at which the probabilities of these tracks are the likeliest.

    Guo et al., "On calibration of modern neural networks", 2017; with a prior around 1 (no change).

    Parameters
    ----------
    heldout : Heldout
        Validation tracks, at temperature 1.
    """
    if not len(heldout):
        return 1.0
    from scipy.optimize import minimize_scalar  # nights that train nothing do without it

    rows = np.arange(len(heldout))

    def cost(log_temperature: float) -> float:
        chances = temper(heldout.probabilities, float(np.exp(log_temperature)))[rows, heldout.labels]
        prior = log_temperature**2 / (2 * TEMPERATURE_SPREAD**2)
        return float(-np.log(np.maximum(chances, TINY)).sum() + prior)

    low, high = np.log(TEMPERATURES)
    return float(np.exp(minimize_scalar(cost, bounds=(low, high), method="bounded").x))


def precision_bound(right: NDArray[np.bool_], groups: NDArray[np.str_], confidence: float) -> float:
    """Return the one-sided lower bound of the precision that these tracks show.

    Clopper and Pearson's, exact for independent tracks, with the numbers shrunk by the design effect of several
    tracks per artist (as Korn and Graubard, 1998, do for surveys).

    Parameters
    ----------
    right : bool array of shape (n,)
        Which of the tracks were right.
    groups : text array of shape (n,)
        Their artists.
    confidence : float
        Chance that the true precision lies above the bound.
    """
    count = right.size
    hits = int(right.sum())
    if not hits:
        return 0.0
    sizes = np.unique(groups, return_counts=True)[1].astype(np.float64)
    effect = 1 + ((sizes**2).sum() / count - 1) * ARTIST_CORRELATION
    return float(betaincinv(hits / effect, (count - hits) / effect + 1, 1 - confidence))


def measured(heldout: Heldout) -> dict[str, bool]:
    """Say of each genre whether enough artists are held out to measure it."""
    groups = {genre: np.unique(heldout.groups[heldout.labels == i]).size for i, genre in enumerate(heldout.genres)}
    return {genre: count >= MIN_GROUPS for genre, count in groups.items()}


def thresholds(
    heldout: Heldout, promise: float, confidence: float, genres: Sequence[str] | None = None
) -> dict[str, float | None]:
    """Return the least confidence at which each genre may be written without a person.

    Parameters
    ----------
    heldout : Heldout
        Tracks of artists that the model never heard.
    promise : float
        The precision that the tracks above the threshold must show; 0 or less: everything may be written.
    confidence : float
        Of the one-sided lower bound with which they must show it.
    genres : sequence of str, optional
        Those wanted; all of the model's by default.

    Returns
    -------
    dict
        None for a genre that must not be written: too few artists to measure it, or never good enough.
    """
    wanted = heldout.genres if genres is None else tuple(genres)
    if promise <= 0:
        return {genre: None if genre == NONE else 0.0 for genre in wanted}
    known = measured(heldout)
    calls = heldout.probabilities.argmax(axis=1)
    sure = heldout.probabilities.max(axis=1)
    found: dict[str, float | None] = {}
    for genre in wanted:
        found[genre] = None
        if not known.get(genre) or genre == NONE:
            continue
        called = calls == heldout.genres.index(genre)
        for step in LADDER:
            above = called & (sure >= step)
            groups = heldout.groups[above]
            if np.unique(groups).size < MIN_GROUPS:
                break  # higher up there are fewer still
            if precision_bound(heldout.labels[above] == calls[above], groups, confidence) >= promise:
                found[genre] = _supported(float(sure[above].min()))
                break
    return found


def accepted_unseen(heldout: Heldout, promise: float, confidence: float) -> NDArray[np.bool_]:
    """Say of each held-out track whether it would be written by thresholds that its artist had no part in; bool (n,).

    The artists are dealt into ten parts, and the thresholds for one part are found on the other nine: nearly those in
    use, which come from all of them, and yet fit to measure on. Thresholds from validation artists alone would be
    other, higher ones, and none at all for most genres of a small library.
    """
    names = np.unique(heldout.groups)
    part = dict(zip(np.random.default_rng(0).permutation(names).tolist(), np.arange(names.size) % FOLDS, strict=True))
    parts = np.array([part[group] for group in heldout.groups.tolist()], dtype=np.int64)
    taken = np.zeros(len(heldout), np.bool_)
    for number in np.unique(parts):
        here = parts == number
        limits = thresholds(heldout.only(~here), promise, confidence)
        taken[here] = accepted(heldout.probabilities[here], heldout.genres, limits)
    return taken


def _supported(lowest: float) -> float:
    """Return the highest step that leaves in the tracks that kept the promise, of which this is the least confidence.

    Below it there was no held-out track, so nothing is known of how right the genre is there.
    """
    return float(max(step for step in LADDER if step <= lowest))


def accepted(
    probabilities: NDArray[np.float64], genres: Sequence[str], limits: Mapping[str, float | None]
) -> NDArray[np.bool_]:
    """Say of each track (n, genres) whether its likeliest genre reaches that genre's threshold; bool (n,)."""
    never = 2.0  # no probability reaches it
    needed = np.array([never if limits.get(genre) is None else limits[genre] for genre in genres], dtype=np.float64)
    return probabilities.max(axis=1) >= needed[probabilities.argmax(axis=1)]
