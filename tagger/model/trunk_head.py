"""What labels teach the head of a trunk: multinomial logistic regression that starts from the map of tags.

The map is where the head starts, and a normal prior holds it there: with one artist per genre a free head learns the
artist. How strongly it is held is chosen by cross-validation over whole artists, and of what is about as good the
strongest is taken, so that more labels never make it worse than the map by more than chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tagger.model.fit import log_softmax
from tagger.model.trunk_model import Head

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Precision of the prior on each weight, on embeddings scaled so that all of them together vary by 1. Tracks of real
# music from 147 artists did best from 0.3 to 3; at 1000 only the scale of the map's scores is learned.
HOLDS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1000.0)
# A genre's bias is held ten times as strongly: learned from ten tracks by artists alike, biases alone made the map
# lose a fifth of classical music from elsewhere (docs/accuracy.md).
BIAS_HOLD = 10.0
SCALE_HOLD = 4.0  # of the logarithm of the map's scale, around 1
FOLDS = 5
STEPS = 500
UNSTEADY = 0.05  # added to each embedding's spread: a unit that hardly ever speaks must not shout


@dataclass(frozen=True, slots=True)
class TrackFeatures:
    """Tracks as the head is taught them: means over the clips; row i of every column is about the same track.

    `embeddings` float64 (n, 400), `scores` float64 (n, genres) what the map says, `labels` int64 (n,), `groups` (n,)
    text: artists, and one name for all tracks of a genre whose artist nobody knows.
    """

    embeddings: Floats
    scores: Floats
    labels: Ints
    groups: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, chosen: NDArray[np.bool_]) -> TrackFeatures:
        """Return the tracks where `chosen` is true."""
        return TrackFeatures(self.embeddings[chosen], self.scores[chosen], self.labels[chosen], self.groups[chosen])


def teach(tracks: TrackFeatures, usual: Floats, spread: Floats, seed: int = 0) -> tuple[Head, dict[str, float]]:
    """Learn a head.

    Parameters
    ----------
    tracks : TrackFeatures
        Of the training split.
    usual, spread : float64 arrays of shape (400,)
        Mean and standard deviation of the embeddings over all kinds of music.
    seed : int
        Of the folds.

    Returns
    -------
    head : Head
    chosen : dict
        `hold`, the precision that was chosen, and the scale of the map's scores, for the card.
    """
    width = (spread + UNSTEADY) * np.sqrt(len(spread))
    scaled = TrackFeatures((tracks.embeddings - usual) / width, tracks.scores, tracks.labels, tracks.groups)
    hold = _choose(scaled, seed)
    kernel, bias, scale = _fit(scaled, hold)
    unscaled = kernel / width[:, None]
    head = Head(unscaled.astype(np.float32), (bias - usual @ unscaled).astype(np.float32), scale)
    return head, {"hold": hold, "map_scale": round(scale, 4)}


def _choose(tracks: TrackFeatures, seed: int) -> float:
    """Return the strongest hold that cross-validation over artists does not speak against by one standard error."""
    folds = _folds(tracks.groups, seed)
    if folds.max(initial=0) < 1:
        return HOLDS[-1]
    losses = np.stack([_losses(tracks, folds, hold) for hold in HOLDS])  # (holds, tracks)
    best = int(losses.mean(axis=1).argmin())
    # Tracks of one artist are right or wrong together, so the error is one of sums over artists.
    _, owner = np.unique(tracks.groups, return_inverse=True)
    worse = np.stack([np.bincount(owner.reshape(-1), row - losses[best]) for row in losses])
    error = worse.std(axis=1) * np.sqrt(worse.shape[1])
    good = [number for number in range(len(HOLDS)) if number == best or worse[number].sum() <= error[number]]
    return HOLDS[max(good)]


def _folds(groups: NDArray[np.str_], seed: int) -> Ints:
    """Deal artists into parts; int64 (n,)."""
    names, owner = np.unique(groups, return_inverse=True)
    parts = np.arange(names.size) % FOLDS
    return np.random.default_rng(seed).permutation(parts)[owner.reshape(-1)]


def _losses(tracks: TrackFeatures, folds: Ints, hold: float) -> Floats:
    """Return the loss of each track under a head that did not learn from its artist; float64 (n,)."""
    losses = np.zeros(len(tracks))
    for fold in np.unique(folds):
        here = folds == fold
        kernel, bias, scale = _fit(tracks.only(~here), hold)
        logs = log_softmax(tracks.embeddings[here] @ kernel + bias + scale * tracks.scores[here])
        losses[here] = -logs[np.arange(int(here.sum())), tracks.labels[here]]
    return losses


def _fit(tracks: TrackFeatures, hold: float) -> tuple[Floats, Floats, float]:
    """Return kernel (400, genres), bias (genres,) and scale at the maximum of likelihood and prior."""
    count, genres = tracks.scores.shape
    size = tracks.embeddings.shape[1]
    wanted = np.eye(genres)[tracks.labels]

    def parts(point: Floats) -> tuple[Floats, Floats, float]:
        return point[: size * genres].reshape(size, genres), point[size * genres : -1], float(point[-1])

    def cost(point: Floats) -> tuple[float, Floats]:
        kernel, bias, log_scale = parts(point)
        scale = np.exp(log_scale)
        logs = log_softmax(tracks.embeddings @ kernel + bias + scale * tracks.scores)
        off = np.exp(logs) - wanted
        prior = hold * (kernel**2).sum() + BIAS_HOLD * hold * (bias**2).sum() + SCALE_HOLD * log_scale**2
        slope = np.concatenate([
            (tracks.embeddings.T @ off + hold * kernel).ravel(),
            off.sum(axis=0) + BIAS_HOLD * hold * bias,
            [(off * tracks.scores).sum() * scale + SCALE_HOLD * log_scale],
        ])  # fmt: skip
        return float(-(logs * wanted).sum() + prior / 2), slope

    start = np.zeros(size * genres + genres + 1)
    if not count:
        return (*parts(start)[:2], 1.0)
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    kernel, bias, log_scale = parts(found.x)
    return kernel, bias, float(np.exp(log_scale))


def known_groups(groups: Sequence[str], labels: Sequence[str], unknown: Sequence[bool]) -> NDArray[np.str_]:
    """Return the artists, where those of whom nobody knows the artist count as one for each genre."""
    return np.array(
        [f"?/{label}" if nobody else group for group, label, nobody in zip(groups, labels, unknown, strict=True)]
    )
