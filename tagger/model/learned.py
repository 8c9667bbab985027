"""A model that has learned, of whichever kind: what it says, how large it is, how it is put on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tagger.base.errors import Stopped
from tagger.base.records import Split
from tagger.model import classical
from tagger.model.clips import ClipSet
from tagger.model.families import Classical
from tagger.model.heldout import TINY, listen, unheard
from tagger.model.recipe import Recipe
from tagger.model.saved import ESTIMATOR_NAME, NETWORK_NAME
from tagger.model.state import Progress, data_key
from tagger.model.training import Watch

Logits = Callable[[NDArray[Any]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A model with what is known of its training.

    `logits` takes the inputs of `clips`, which it learned from and is measured on, by length in seconds; `file` is its
    name in a model's folder and `dump` writes it there; `chosen` says by what recipe it was trained, for the card.
    `hears` takes what the family's form makes of clips, of this `shape`, where the inputs of `clips` are further on;
    `sample` then has some of these.
    """

    logits: Logits
    clips: Mapping[int, ClipSet]
    progress: Progress
    parameters: int
    file: str
    dump: Callable[[Path], None]
    chosen: Mapping[str, Any]
    hears: Logits | None = None
    shape: tuple[int, ...] = ()
    sample: NDArray[Any] | None = None


def of_network(
    network: Any, logits: Logits, clips: Mapping[int, ClipSet], recipe: Recipe, progress: Progress
) -> LearnedModel:
    """Return a trained Keras network as a learned model."""
    return LearnedModel(
        logits, clips, progress, int(network.count_params()), NETWORK_NAME, network.save, asdict(recipe)
    )


def learn_classical(
    family: Classical,
    clips: Mapping[int, ClipSet],
    genres: Sequence[str],
    seed: int,
    watch: Watch,
    deterministic: bool = False,
) -> LearnedModel:
    """Fit a classical model with each row of its grid, and keep the one that validation artists speak for.

    Without validation artists the first row is taken.

    Raises
    ------
    Stopped
        When `watch.should_stop` said so; the time limit is not looked at, since a fit cannot be taken up again.
    """
    one = clips[max(clips)]
    started = time.monotonic()
    positions = classical.some(one.of(Split.TRAIN), family.most, seed)
    rows, labels = classical.table(one.take(positions)), one.labels[positions]
    held = unheard(one)
    checked = held[one.splits[held] == str(Split.VAL)]
    tried: list[tuple[tuple[float, float], Any, dict[str, Any]]] = []
    for options in classical.grid(family.grid):
        if watch.should_stop():
            raise Stopped("stopped; a classical model begins anew next time")
        model = family.build(seed, **options)
        if deterministic and "n_jobs" in model.get_params():
            model.set_params(n_jobs=1)
        classical.fit(model, rows, labels)
        tried.append((track_loss(classical.logits_of(model, len(genres)), one, checked, genres), model, options))
        if not checked.size:
            break
    _, model, options = min(tried, key=lambda one_try: one_try[0])
    progress = Progress("", data_key(clips), [], seconds=time.monotonic() - started)
    return LearnedModel(
        classical.logits_of(model, len(genres)), clips, progress, classical.parameters(model), ESTIMATOR_NAME,
        lambda path: classical.dump(model, path), options,
    )  # fmt: skip


def track_loss(
    logits: Logits, clips: ClipSet, positions: NDArray[np.int64], genres: Sequence[str]
) -> tuple[float, float]:
    """Return the share of labelled tracks that a model gets wrong, and their mean loss to decide between equals."""
    heard = listen(logits, clips, positions, genres).labelled()
    if not len(heard):
        return 0.0, 0.0
    wrong = heard.probabilities.argmax(axis=1) != heard.labels
    chances = heard.probabilities[np.arange(len(heard)), heard.labels]
    return float(wrong.mean()), float(-np.log(np.maximum(chances, TINY)).mean())
