"""What makes a model's probabilities honest: a temperature, and what each genre's frequency still has to add."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.model.fit import log_softmax

TINY = 1e-12  # a probability is never less: its logarithm must stay a number


@dataclass(frozen=True, slots=True)
class Calibration:
    """How probabilities are corrected; without arguments, not at all.

    Parameters
    ----------
    temperature : float
        Over 1 makes them less sure, under 1 surer.
    lean : tuple of float
        Added to the logarithm of each genre's probability before that: towards genres that are frequent. Genres behind
        its end get nothing.
    """

    temperature: float = 1.0
    lean: tuple[float, ...] = ()

    def of(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities (..., genres) corrected; they add up to 1."""
        logs = np.log(np.maximum(probabilities, TINY))
        logs[..., : len(self.lean)] += np.asarray(self.lean)
        return np.exp(log_softmax(logs / self.temperature))

    def card(self) -> dict[str, Any]:
        """Return it as a model's card has it."""
        return {"temperature": self.temperature, "lean": list(self.lean)}


def calibration_from(card: Mapping[str, Any]) -> Calibration:
    """Return the calibration on a model's card; cards of earlier versions have a temperature only."""
    return Calibration(float(card["temperature"]), tuple(float(one) for one in card.get("lean", ())))
