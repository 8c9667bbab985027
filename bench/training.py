"""Clips learned from per second: the default network beside the radio station's, on made-up pictures, in turn."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from tagger.model.batches import training_batches
from tagger.model.blueprint import Blueprint
from tagger.model.clips import ClipSet
from tagger.model.families import FAMILIES, Network
from tagger.model.fit import Learner

GENRES, CLIPS, ROUNDS = 10, 192, 3
SHAPES = {"cnn2d": {1: (96, 44), 2: (96, 87)}, "cnn2d-wtsc": {1: (129, 98), 2: (129, 196)}}


def main(options: Sequence[str] = ()) -> None:
    """Print a table, with the changes that each recipe makes to its clips."""
    print("| clips of | cnn2d [clips/s] | cnn2d-wtsc [clips/s] | ratio |\n| --- | --- | --- | --- |")
    for seconds in (1, 2):
        runs = {family: learner_of(family, SHAPES[family][seconds], seconds) for family in SHAPES}
        rates: dict[str, list[float]] = {family: [] for family in SHAPES}
        for _ in range(ROUNDS):  # in turn, so that a slow moment of the machine meets both
            for family, (learner, clips) in runs.items():
                rates[family].append(rate(learner, clips))
        mine, theirs = (float(np.median(found)) for found in rates.values())
        print(f"| {seconds} s | {mine:.0f} | {theirs:.0f} | {mine / theirs:.1f} |")


def learner_of(family: str, shape: tuple[int, int], seconds: int) -> tuple[Learner, dict[int, ClipSet]]:
    """Return an untrained network, warmed up, and clips for it."""
    kind = FAMILIES[family]
    if not isinstance(kind, Network):
        raise TypeError(f"{family} is no network")
    random = np.random.default_rng(0)
    names = np.array([str(number) for number in range(CLIPS)])
    images = random.integers(0, 256, (CLIPS, *shape), dtype=np.uint8)
    clips = {seconds: ClipSet(images, np.arange(CLIPS) % GENRES, names, names, np.full(CLIPS, "train"))}
    learner = Learner(lambda: kind.build(Blueprint(shape, GENRES, kind.recipe)), kind.recipe)
    rate(learner, clips, most=2)
    return learner, clips


def rate(learner: Learner, clips: dict[int, ClipSet], most: int = 6) -> float:
    """Return the clips per second of some batches."""
    batches = training_batches(clips, GENRES, learner.recipe, np.ones(GENRES, np.float32), 1, 0)
    some = [batch for batch, _ in zip(batches, range(most), strict=False)]
    started = time.perf_counter()
    learner.epoch(some, learner.recipe.learning_rate, lambda: True)
    return sum(len(batch.targets) for batch in some) / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
