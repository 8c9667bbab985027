"""Whether a trunk gives what the published code gives: known outputs for two pictures that anybody can compute."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import TaggerError
from tagger.model.quiet import load
from tagger.model.trunk_networks import BANDS, FRAMES

# Logits of the published code with the published checkpoints, run once for both pictures: checkpoint -> (2, 50).
OUTPUTS = Path(__file__).with_name("trunk_outputs.json")  # rounded to 1e-5
# Of logits that reach 12. Measured: float32 on a CPU comes within 1e-5, weights of half precision are off by 1e-2, a
# kernel turned around by 0.4, another epsilon by 0.7.
TOLERANCE = 1e-3


def pictures() -> NDArray[np.float32]:
    """Return two pictures in the range of real ones, (2, frames, bands): ripples, and a pulse that fades upwards."""
    frame = np.arange(FRAMES)[:, None]
    band = np.arange(BANDS)[None, :]
    ripples = 1.5 + np.sin(0.13 * frame + 0.05 * band) + 0.5 * np.cos(0.7 * band - 0.02 * frame)
    pulse = 2.0 * np.exp(-band / 40.0) * (1 + np.sin(0.8 * frame))
    return np.stack([ripples, pulse]).astype(np.float32)


def known_outputs(checkpoint: str) -> NDArray[np.float64]:
    """Return the published code's logits for `pictures`, (2, tags)."""
    return np.array(json.loads(OUTPUTS.read_text(encoding="utf-8"))[checkpoint])


def largest_difference(checkpoint: str, build: Callable[[], Any]) -> float:
    """Compare a trunk with the published code.

    Parameters
    ----------
    checkpoint : str
        Which one.
    build : callable
        Returns the network; called where its weights are put on the CPU, since a GPU may compute with fewer digits.

    Returns
    -------
    float
        The largest difference of a logit.

    Raises
    ------
    TaggerError
        If it is larger than `TOLERANCE`.
    """
    _, tensorflow = load()
    with tensorflow.device("CPU"):
        _, logits = build()(pictures(), training=False)
    difference = float(np.abs(np.asarray(logits) - known_outputs(checkpoint)).max())
    if not difference <= TOLERANCE:  # also where it is no number
        raise TaggerError(
            f"{checkpoint} does not compute what the published code does: its outputs differ by up to "
            f"{difference:.2g}, more than {TOLERANCE} (TensorFlow {tensorflow.__version__}); nothing was installed"
        )
    return difference
