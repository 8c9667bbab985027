"""How much a second voice counts beside the sound: the likeliest numbers, held near what is known to do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from tagger.model.calibrate import ARTIST_CORRELATION
from tagger.model.heldout import TINY

STEPS = 400  # at the most; the cost is smooth and has four unknowns


def likeliest(
    chances: Callable[[NDArray[np.float64]], NDArray[np.float64]], groups: NDArray[np.str_], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the numbers under which the labels of held-out tracks are the likeliest.

    With a normal prior around 0, so that few tracks do not move them far. Tracks of one artist are right or wrong
    together: those of an artist of m tracks count 1 / (1 + (m - 1) rho) each, the design effect of
    `tagger.model.calibrate`.

    Parameters
    ----------
    chances : callable
        From numbers (k,) to the probability of each track's label (n,).
    groups : text array of shape (n,)
        The artists of the tracks.
    spread : float array of shape (k,)
        Of the prior (standard deviation).
    """
    start = np.zeros(spread.size)
    if not groups.size:
        return start
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    share = 1 / (1 + (sizes[inverse.reshape(-1)] - 1) * ARTIST_CORRELATION)

    def cost(numbers: NDArray[np.float64]) -> float:
        surprise = -np.log(np.maximum(chances(numbers), TINY))
        return float((share * surprise).sum() + (numbers**2 / (2 * spread**2)).sum())

    options = {"maxfev": STEPS, "xatol": 1e-3, "fatol": 1e-4, "initial_simplex": _simplex(spread)}
    return np.asarray(minimize(cost, start, method="Nelder-Mead", options=options).x, np.float64)


def _simplex(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return corners to start from, half a spread apart."""
    return np.concatenate([np.zeros((1, spread.size)), np.diag(spread / 2)])
