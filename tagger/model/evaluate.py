"""Measure a model on the artists that it never heard: figures, tables, pictures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import NoModel
from tagger.base.records import Split
from tagger.model.calibrate import accepted_unseen, fit_temperature, thresholds
from tagger.model.clips import ClipSet
from tagger.model.heldout import Heldout, listen, unheard
from tagger.model.metrics import Measures, measure
from tagger.model.pictures import confusion_picture, genres_picture
from tagger.model.pictures_compare import reliability_picture, risk_coverage_picture
from tagger.model.saved import Classifier


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found: calibrated held-out tracks, thresholds, figures, the pictures that were written."""

    heldout: Heldout
    temperature: float
    thresholds: dict[str, float | None]
    measures: Measures
    pictures: list[Path]

    @property
    def metrics(self) -> dict[str, float]:
        return self.measures.metrics

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95% intervals of the metrics, by bootstrap over artists."""
        return self.measures.intervals

    @property
    def genres(self) -> list[dict[str, object]]:
        """A row per genre."""
        return self.measures.genres


def examine(
    logits: Callable[[NDArray[Any]], NDArray[np.float32]],
    clips: ClipSet,
    genres: Sequence[str],
    promise: float,
    confidence: float,
    temperature: float | None = None,
    heard: Collection[str] = (),
) -> tuple[Heldout, float, dict[str, float | None], Measures]:
    """Hear the held-out tracks and draw every conclusion from them.

    Parameters
    ----------
    logits : callable
        The model: inputs (n, ...) to float32 (n, genres).
    clips : ClipSet
        Of the length that the model works with; labels count in `genres`.
    genres : sequence of str
        Ids.
    promise, confidence : float
        See `thresholds`.
    temperature : float, optional
        Known already; otherwise it is fitted to the validation tracks.
    heard : collection of str
        Groups that the network has learned from, besides those in the training split.

    Returns
    -------
    tuple
        Calibrated held-out tracks, temperature, thresholds, measures.
    """
    raw = listen(logits, clips, unheard(clips, heard), genres)
    warmth = fit_temperature(raw.of(Split.VAL)) if temperature is None else temperature
    heldout = raw.tempered(warmth)
    limits = thresholds(heldout, promise, confidence)
    return heldout, warmth, limits, measure(heldout, limits, accepted_unseen(heldout, promise, confidence))


def evaluate(
    classifier: Classifier,
    clips: Mapping[int, ClipSet],
    out: Path | None = None,
    promise: float = 0.90,
    confidence: float = 0.80,
) -> Evaluation:
    """Evaluate a saved model on a data set.

    Parameters
    ----------
    classifier : Classifier
        The model.
    clips : mapping of int to ClipSet
        By length in seconds; labels count in `classifier.genres`.
    out : Path, optional
        A folder for the pictures: confusion, genres, reliability, risk against coverage.
    promise, confidence : float
        See `tagger.model.calibrate.thresholds`.

    Raises
    ------
    NoModel
        If there are no clips of the model's length.
    """
    if classifier.seconds not in clips:
        have = ", ".join(f"{seconds} s" for seconds in sorted(clips)) or "none"
        raise NoModel(f"model {classifier.id} hears clips of {classifier.seconds} s, the data set has: {have}")
    heldout, temperature, limits, measures = examine(
        classifier.logits, clips[classifier.seconds], classifier.genres, promise, confidence,
        classifier.temperature, classifier.trained_groups(),
    )  # fmt: skip
    pictures = draw(out, heldout.genres, measures) if out is not None else []
    if out is not None:
        pictures += [out / "reliability.png", out / "risk.png"]
        reliability_picture(pictures[-2], heldout, classifier.id)
        risk_coverage_picture(pictures[-1], {str(classifier.card["family"]): heldout}, promise)
    return Evaluation(heldout, temperature, limits, measures, pictures)


def draw(out: Path, genres: Sequence[str], measures: Measures) -> list[Path]:
    """Write the pictures of an evaluation into a folder and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = [out / "confusion.png", out / "genres.png"]
    confusion_picture(pictures[0], measures.confusion, genres, measures.split)
    genres_picture(pictures[1], measures.genres, measures.split)
    return pictures
