"""The figures of a model on held-out tracks, with intervals that know how few artists stand behind them.

Every figure is a function of sums over artists, so the same code computes it for the tracks as they are and for each
resample of the bootstrap, and predictions and labels cannot come apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from tagger.base.records import NONE, Split
from tagger.model.calibrate import measured
from tagger.model.heldout import Heldout

METRICS = (
    "track_accuracy", "clip_accuracy", "balanced_accuracy", "macro_f1", "top3_accuracy",
    "ece", "majority_baseline", "precision", "coverage",
)  # fmt: skip
BINS = 10  # of the calibration error: equally wide, over 0 to 1
RESAMPLES = 1000
INTERVAL = 0.95
RESAMPLES_AT_ONCE = 100  # keeps the counts of 100,000 artists within 80 MB

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measures:
    """What is known about a model.

    `split` is where it was measured: test, or val where there is no test, or none; `metrics` and `intervals` have the
    keys of `METRICS`; `confusion` is int (genres, genres), rows are what people say; `genres` has a row per genre. All
    figures are of tracks of canonical genres; `outside` says how many held-out tracks that are none of them would be
    written (`tracks written share`, and `low high` of its 95% interval, Clopper and Pearson's).
    """

    split: str
    tracks: int
    clips: int
    groups: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]
    confusion: NDArray[np.int64]
    genres: list[dict[str, object]]
    outside: dict[str, float]


def measure(heldout: Heldout, limits: Mapping[str, float | None], taken: NDArray[np.bool_], seed: int = 0) -> Measures:
    """Measure a model on its test tracks, or on the validation tracks where there are none.

    Parameters
    ----------
    heldout : Heldout
        Validation and test tracks, calibrated.
    limits : mapping
        The thresholds that will be used, for the rows of the genres.
    taken : bool array of shape (n,)
        Which of the tracks would be written, by thresholds that their artists had no part in (`accepted_unseen`), for
        precision and coverage: the thresholds in use have seen them all.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Measures
        Where there are no tracks to measure on, every figure is 0 and `split` is "none".
    """
    split = next((split for split in (Split.TEST, Split.VAL) if len(heldout.of(split).labelled())), None)
    if split is None:
        size = len(heldout.genres)
        nothing = dict.fromkeys(METRICS, 0.0)
        return Measures("none", 0, 0, 0, nothing, dict.fromkeys(METRICS, (0.0, 1.0)),
                        np.zeros((size, size), np.int64), _genre_rows(heldout, heldout, limits),
                        _outside(heldout.only(np.zeros(0, np.int64)), taken[:0]))  # fmt: skip
    here = heldout.splits == str(split)
    outside = _outside(heldout.only(here & ~heldout.inside), taken[here & ~heldout.inside])
    confusion = _confusion(heldout.only(here))
    here &= heldout.inside
    tracks = heldout.only(here)
    groups, owner = np.unique(tracks.groups, return_inverse=True)
    sums = np.zeros((groups.size, _columns(len(heldout.genres))))
    np.add.at(sums, owner.reshape(-1), _evidence(tracks, taken[here]))
    majority = int(np.bincount(tracks.labels).argmax())
    figures = _figures(sums.sum(axis=0), len(heldout.genres), majority)
    return Measures(
        str(split), len(tracks), int(tracks.clips.sum()), int(groups.size),
        {name: float(value) for name, value in figures.items()},
        _intervals(sums, len(heldout.genres), majority, seed),
        confusion, _genre_rows(heldout, tracks, limits), outside,
    )  # fmt: skip


def _outside(tracks: Heldout, taken: NDArray[np.bool_]) -> dict[str, float]:
    """Return how many tracks that are none of the genres would be written, with the 95% interval of the share."""
    count, written = len(tracks), int(taken.sum())
    low, high = (float(beta.ppf(tail, *ends)) if min(ends) > 0 else edge for tail, ends, edge in (
        ((1 - INTERVAL) / 2, (written, count - written + 1), 0.0),
        ((1 + INTERVAL) / 2, (written + 1, count - written), 1.0),
    ))  # fmt: skip
    return {"tracks": count, "written": written, "share": written / count if count else 0.0, "low": low, "high": high}


def _columns(genres: int) -> int:
    return genres * genres + 3 * BINS + 5


def _evidence(tracks: Heldout, taken: NDArray[np.bool_]) -> Floats:
    """Return what each track adds to the sums: its cell of the confusion matrix, its bin (count, confidence, right),
    whether the right genre is among the first three, whether it is taken, taken and right, clips, clips right.
    """
    size, count = len(tracks.genres), len(tracks)
    rows = np.arange(count)
    calls = tracks.probabilities.argmax(axis=1)
    sure = tracks.probabilities.max(axis=1)
    right = calls == tracks.labels
    found = np.zeros((count, _columns(size)))
    found[rows, tracks.labels * size + calls] = 1
    place = size * size + np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    found[rows, place] = 1
    found[rows, place + BINS] = sure
    found[rows, place + 2 * BINS] = right
    first = np.argsort(-tracks.probabilities, axis=1, kind="stable")[:, :3]
    last = ((first == tracks.labels[:, None]).any(axis=1), taken, taken & right, tracks.clips, tracks.clips_right)
    found[:, size * size + 3 * BINS :] = np.stack(last, axis=1)
    return found


def _figures(sums: Floats, genres: int, majority: int) -> dict[str, Floats]:
    """Return the figures that sums of evidence, (..., columns), stand for; each of shape (...)."""
    lead = sums.shape[:-1]
    confusion = sums[..., : genres * genres].reshape(*lead, genres, genres)
    bins = sums[..., genres * genres : genres * genres + 3 * BINS].reshape(*lead, 3, BINS)
    top3, taken, taken_right, clips, clips_right = np.moveaxis(sums[..., genres * genres + 3 * BINS :], -1, 0)
    said = confusion.sum(axis=-1)  # (..., genres): tracks that people call this
    called = confusion.sum(axis=-2)  # tracks that the model calls this
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    total = said.sum(axis=-1)
    present = said > 0
    kinds = present.sum(axis=-1)
    return {
        "track_accuracy": _ratio(hits.sum(axis=-1), total),
        "clip_accuracy": _ratio(clips_right, clips),
        "balanced_accuracy": _ratio(_ratio(hits, said).sum(axis=-1), kinds),
        "macro_f1": _ratio((_ratio(2 * hits, said + called) * present).sum(axis=-1), kinds),
        "top3_accuracy": _ratio(top3, total),
        "ece": _ratio(np.abs(bins[..., 2, :] - bins[..., 1, :]).sum(axis=-1), total),
        "majority_baseline": _ratio(said[..., majority], total),
        "precision": _ratio(taken_right, taken),
        "coverage": _ratio(taken, total),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Divide; nothing of nothing is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=np.asarray(whole) > 0)


def _intervals(sums: Floats, genres: int, majority: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return the 95% interval of each figure under resampling of whole artists, the unit that the model meets anew.

    Where every artist agrees (all right, say), resampling shows no spread at all; then the interval is the exact one
    of Clopper and Pearson for that many artists.
    """
    count = len(sums)
    if count < 2:
        return dict.fromkeys(METRICS, (0.0, 1.0))  # one artist tells nothing about the next
    random = np.random.default_rng(seed)
    parts = [
        _figures(random.multinomial(count, np.full(count, 1 / count), RESAMPLES_AT_ONCE) @ sums, genres, majority)
        for _ in range(RESAMPLES // RESAMPLES_AT_ONCE)
    ]
    tails = [50 * (1 - INTERVAL), 50 * (1 + INTERVAL)]
    ends = {name: np.percentile(np.concatenate([part[name] for part in parts]), tails) for name in METRICS}
    reach = (0.5 * (1 - INTERVAL)) ** (1 / count)  # lower end for `count` hits of `count`
    edges = {0.0: (0.0, 1 - reach), 1.0: (reach, 1.0)}
    found = {name: edges.get(low, (low, high)) if low == high else (low, high) for name, (low, high) in ends.items()}
    if not sums[:, -4].any():
        found["precision"] = (0.0, 1.0)  # nothing would be written, so nothing is known
    return {name: (float(low), float(high)) for name, (low, high) in found.items()}


def _confusion(tracks: Heldout) -> NDArray[np.int64]:
    size = len(tracks.genres)
    found = np.zeros((size, size), np.int64)
    np.add.at(found, (tracks.labels, tracks.probabilities.argmax(axis=1)), 1)
    return found


def _genre_rows(heldout: Heldout, tracks: Heldout, limits: Mapping[str, float | None]) -> list[dict[str, object]]:
    """Return a row per genre; a share of nothing is 0. Whether it is measured depends on all held-out artists."""
    confusion = _confusion(tracks)
    known = measured(heldout)
    rows: list[dict[str, object]] = []
    for i, genre in enumerate(heldout.genres):
        if genre == NONE:
            continue
        said, called, hits = int(confusion[i].sum()), int(confusion[:, i].sum()), int(confusion[i, i])
        rows.append(
            {
                "genre": genre,
                "tracks": said,
                "groups": int(np.unique(tracks.groups[tracks.labels == i]).size),
                "precision": hits / called if called else 0.0,
                "recall": hits / said if said else 0.0,
                "f1": 2 * hits / (said + called) if said + called else 0.0,
                "threshold": limits.get(genre),
                "measured": known[genre],
            }
        )
    return rows
