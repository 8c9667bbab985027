"""What the network sees of the training clips: in which order, and changed how.

All of it follows from the seed and the number of the epoch, so a training that is taken up again after a kill sees
what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagger.base.records import Split
from tagger.model.clips import ClipSet
from tagger.model.recipe import Recipe

Floats = NDArray[np.float32]

# An epoch takes at least and at most about this many clips: patience is counted in epochs, and 25 batches are the least
# in which something can show (with seven, the averages of batch normalisation lag and training gave up too soon);
# and only between epochs can training be interrupted.
LEAST_EPOCH = 800
EPOCH_CLIPS = 20_000
WEIGHT_CAP = 5.0  # the heaviest genre counts at most this many times the mean

# Equalisation of pictures, at the strength 1.
TILT = 18.0  # [grey levels] = 5.6 dB: end-to-end slope of the random equalisation, standard deviation
BUMP = 10.0  # [grey levels] = 3.1 dB: of the random peaks and dips along the bands, standard deviation
GAIN = 10.0  # [grey levels] = 3.1 dB: all bands up or down, standard deviation


@dataclass(frozen=True, slots=True)
class Batch:
    """`inputs` float32 (B, ...), `targets` float32 (B, genres), `weights` float32 (B,)."""

    inputs: Floats
    targets: Floats
    weights: Floats


def genre_weights(labels: NDArray[np.int64], genres: int, power: float = 0.5) -> Floats:
    """Return how much a clip of each genre counts, 1 on average over the clips; float32 (genres,).

    A genre of n clips counts n ** -`power`, capped. Full balance (power 1) lets a genre of thirteen songs shout down
    one of two and a half thousand.
    """
    counts = np.bincount(labels, minlength=genres).astype(np.float64)
    weights = np.zeros(genres)
    known = counts > 0
    weights[known] = counts[known] ** -power
    weights /= np.average(weights, weights=counts)
    weights = np.minimum(weights, WEIGHT_CAP)
    return (weights / np.average(weights, weights=counts)).astype(np.float32)


def epoch_plan(
    clips: Mapping[int, ClipSet],
    batch: int,
    seed: int,
    epoch: int,
    limit: int = EPOCH_CLIPS,
    chances: Floats | None = None,
) -> list[tuple[int, NDArray[np.int64]]]:
    """Return the batches of one epoch: the length in seconds, and the positions in its `ClipSet`.

    With `chances`, (genres,), clips are drawn by them instead, each time anew.

    Each pass over the data is a new order. An epoch is a pass, or several of a small set, or a piece of `limit` clips
    of a large one, and the next epoch goes on where it ended.
    """
    plan: list[tuple[int, NDArray[np.int64]]] = []
    total = sum(len(one.of(Split.TRAIN)) for one in clips.values())
    passes = -(-LEAST_EPOCH // total) if total else 0
    for seconds, one in sorted(clips.items()):
        positions = one.of(Split.TRAIN)
        if not positions.size:
            continue
        take = max(1, min(passes * positions.size, limit * positions.size // total))
        if chances is None:
            chosen = _stretch(positions, epoch * take, take, (seed, seconds))
        else:
            each = chances[one.labels[positions]].astype(np.float64)
            chosen = np.random.default_rng((seed, seconds, epoch, 4)).choice(positions, take, p=each / each.sum())
        pieces = max(1, round(take / batch))  # of equal size: a rest of two clips would upset batch normalisation
        plan += [(seconds, piece) for piece in np.array_split(chosen, pieces)]
    order = np.random.default_rng((seed, epoch, 1)).permutation(len(plan))
    return [plan[i] for i in order]


def _stretch(positions: NDArray[np.int64], start: int, count: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """Return `count` positions from `start` on of an endless row of shuffled passes."""
    parts = []
    while count > 0:
        turn, offset = divmod(start, positions.size)
        shuffled = np.random.default_rng((*seed, turn, 2)).permutation(positions)
        parts.append(shuffled[offset : offset + count])
        start, count = start + parts[-1].size, count - parts[-1].size
    return np.concatenate(parts)


def training_batches(
    clips: Mapping[int, ClipSet], genres: int, recipe: Recipe, weights: Floats, seed: int, epoch: int
) -> Iterator[Batch]:
    """Yield the batches of one epoch, changed at random as the recipe says.

    Parameters
    ----------
    clips : mapping of int to ClipSet
        By length in seconds.
    genres : int
        Classes.
    recipe : Recipe
        Of the family.
    weights : float32 array of shape (genres,)
        From `genre_weights`.
    seed, epoch : int
        What decides everything random.
    """
    drawn = weights if recipe.balance == "sampling" else None
    counted = weights if recipe.balance == "weights" else np.ones_like(weights)
    for number, (seconds, positions) in enumerate(epoch_plan(clips, recipe.batch, seed, epoch, chances=drawn)):
        random = np.random.default_rng((seed, epoch, number, 3))
        one = clips[seconds]
        labels = one.labels[positions]
        inputs = one.take(positions).astype(np.float32)
        targets = np.eye(genres, dtype=np.float32)[labels] if one.targets is None else one.targets[positions]
        if inputs.ndim == 3 and one.inputs.dtype == np.uint8:
            inputs = augment(inputs, recipe, random)
        share = counted[labels]
        if recipe.mixup:
            inputs, targets, share = _mix(inputs, targets, share, recipe.mixup, random)
        if recipe.smoothing:
            targets = targets * np.float32(1 - recipe.smoothing) + np.float32(recipe.smoothing / genres)
        yield Batch(inputs, targets, share)


def augment(images: Floats, recipe: Recipe, random: np.random.Generator) -> Floats:
    """Return pictures as another recording of the same music might have given them.

    As the recipe says, each is moved along time (what leaves at the end comes back at the start), gets another
    equalisation and loudness, loses a band and a moment, and all are cropped alike. Range and mean of the pictures
    stay what they were, so that nothing but these changes.

    Parameters
    ----------
    images : float32 array of shape (B, rows, columns)
        Grey levels, 0 to 255.
    recipe : Recipe
        Which changes, and how strong.
    random : numpy.random.Generator
        Source of the changes.
    """
    if recipe.crop < 1:
        images = _cropped(images, recipe.crop, random)
    size, rows, columns = images.shape
    if recipe.shift:
        shift = random.integers(columns, size=(size, 1))
        frames = (np.arange(columns)[None, :] + shift) % columns
        images = np.take_along_axis(images, frames[:, None, :], axis=2)
    if recipe.equalise:
        curve = np.float32(recipe.equalise) * _curves(size, rows, random)
        heard = images > 0  # what is under the floor stays there
        images = np.clip(images + curve[:, :, None] * heard, 0, 255)
    if recipe.mask:
        floor = images.mean(axis=(1, 2), keepdims=True)
        bands = _spans(size, rows, recipe.mask, random)[:, :, None]
        images = np.where(bands | _spans(size, columns, recipe.mask, random)[:, None, :], floor, images)
    return images


def _cropped(images: Floats, least: float, random: np.random.Generator) -> Floats:
    """Return a stretch of each picture, from a random place, of one random length for the whole batch."""
    size, _, columns = images.shape
    kept = max(1, round(columns * random.uniform(least, 1)))
    start = random.integers(columns - kept + 1, size=(size, 1))
    return np.take_along_axis(images, (start + np.arange(kept)[None, :])[:, None, :], axis=2)


def _curves(size: int, rows: int, random: np.random.Generator) -> Floats:
    """Return random equalisations: gain, slope and smooth bumps along the bands; float32 (size, rows)."""
    x = np.linspace(-0.5, 0.5, rows, dtype=np.float32)
    gain = random.normal(0, GAIN, (size, 1))
    tilt = random.normal(0, TILT, (size, 1)) * x
    turns = random.uniform(0.5, 3, (size, 1))
    phase = random.uniform(0, 2 * np.pi, (size, 1))
    bump = random.normal(0, BUMP, (size, 1)) * np.sin(2 * np.pi * turns * x + phase)
    return (gain + tilt + bump).astype(np.float32)


def _spans(size: int, length: int, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """Return one random stretch per row of at most `share` of the length; bool (size, length)."""
    width = random.integers(0, max(1, int(share * length)) + 1, (size, 1))
    start = (random.random((size, 1)) * (length - width + 1)).astype(np.int64)
    place = np.arange(length)[None, :]
    return (place >= start) & (place < start + width)


def _mix(
    inputs: Floats, targets: Floats, share: Floats, alpha: float, random: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Blend each clip with another one of the batch: Zhang et al., "mixup", 2018."""
    other = random.permutation(len(inputs))
    much = random.beta(alpha, alpha, len(inputs)).astype(np.float32)
    much = np.maximum(much, 1 - much)
    wide = much.reshape(-1, *[1] * (inputs.ndim - 1))
    return (
        inputs * wide + inputs[other] * (1 - wide),
        targets * much[:, None] + targets[other] * (1 - much[:, None]),
        share * much + share[other] * (1 - much),
    )
