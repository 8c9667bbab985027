"""Tracks as rows of numbers, taken from the pictures that lie in the data set anyway: no file is decoded for it.

What they say is cruder than what a network hears, but it costs milliseconds a track, so that a model of every label
can be made without that label (`suspects`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tagger.model.clips import ClipSet

Floats = NDArray[np.float32]

PIECE = 512  # clips worked on at a time: 17 MB of floats of 96 x 87
BANDS = 32  # groups of bands whose level, spread and movement are kept
RHYTHM_BANDS = 4  # groups of bands whose pulse is kept: bass, low, middle, high
PULSES = 20  # lowest modulation frequencies; of a 2-s clip up to 10 Hz, above which a beat is a tone
COMBS = 16  # of the cepstrum along the bands: harmonics make combs


@dataclass(frozen=True, slots=True)
class TrackTable:
    """Tracks with what their clips are like; row i of every column is about the same track.

    `tracks` and `groups` are text (n,), `labels` int64 (n,), `values` float32 (n, features): means over the clips,
    then their spread. `clip_values` is float32 (clips, features / 2), and `owners` int64 (clips,) the row that each
    clip belongs to.
    """

    tracks: NDArray[np.str_]
    groups: NDArray[np.str_]
    labels: NDArray[np.int64]
    values: Floats
    clip_values: Floats
    owners: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)


def track_table(clips: ClipSet) -> TrackTable:
    """Return the tracks of a clip set.

    Parameters
    ----------
    clips : ClipSet
        Of one length; all splits.

    Returns
    -------
    TrackTable
        Sorted by track. A name that stands for tracks of two labels gives two rows.
    """
    keys = np.stack([clips.tracks, clips.labels.astype(str)], axis=1)
    _, first, owners = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    owners = owners.reshape(-1).astype(np.int64)
    pieces = [clip_values(clips.take(slice(start, start + PIECE))) for start in range(0, len(clips), PIECE)]
    heard = np.concatenate(pieces)
    count = np.bincount(owners, minlength=first.size).astype(np.float32)[:, None]
    mean = _sums(heard, owners, first.size) / count
    spread = np.sqrt(np.maximum(_sums(heard**2, owners, first.size) / count - mean**2, 0))
    values = np.concatenate([mean, spread], axis=1)
    return TrackTable(
        clips.tracks[first], clips.groups[first].astype(np.str_), clips.labels[first], values, heard, owners
    )


def _sums(values: Floats, owners: NDArray[np.int64], rows: int) -> Floats:
    """Return the sum of the clips of each track; float32 (rows, features)."""
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], np.arange(rows))
    return np.add.reduceat(values[order], starts, axis=0).astype(np.float32)


def clip_values(images: NDArray[np.uint8]) -> Floats:
    """Describe clips: colour, movement, pulse and harmony.

    Parameters
    ----------
    images : uint8 array of shape (n, rows, columns)
        Grey levels, in decibels; low frequencies in the bottom row.

    Returns
    -------
    float32 array of shape (n, features)
        Levels are in grey levels / 255.
    """
    x: Floats = images[:, ::-1].astype(np.float32) / np.float32(255)  # (n, rows, columns), low frequencies first
    step: Floats = x[:, :, 1:] - x[:, :, :-1]
    level = x.mean(axis=2)  # (n, rows)
    spread = x.std(axis=2)
    colour = [_grouped(level, BANDS), _grouped(spread, BANDS), _grouped(np.abs(step).mean(axis=2), BANDS)]
    return np.concatenate([*colour, _pulse(step), _combs(level), _combs(spread)], axis=1).astype(np.float32)


def _grouped(values: Floats, groups: int) -> Floats:
    """Return means over neighbouring bands, axis 1; (n, groups or fewer, ...)."""
    edges = np.unique(np.linspace(0, values.shape[1], groups + 1).astype(int))
    sizes = np.diff(edges).reshape(1, -1, *[1] * (values.ndim - 2))
    return (np.add.reduceat(values, edges[:-1], axis=1) / sizes).astype(np.float32)


def _pulse(step: Floats) -> Floats:
    """Return how strongly each group of bands beats at each modulation frequency, in shares of all of its beating.

    What counts is onsets, the rises of the level; (n, groups * pulses).
    """
    onsets = _grouped(np.maximum(step, 0), RHYTHM_BANDS)  # (n, groups, columns - 1)
    onsets = onsets - onsets.mean(axis=2, keepdims=True)
    power = np.abs(np.fft.rfft(onsets * np.hanning(onsets.shape[2]), axis=2))[:, :, 1 : PULSES + 1]
    share = power / (power.sum(axis=2, keepdims=True) + 1e-6)
    return share.reshape(len(step), -1).astype(np.float32)


def _combs(level: Floats) -> Floats:
    """Return the cepstrum along the bands, without its constant; (n, combs)."""
    rows = level.shape[1]
    waves = np.cos(np.pi / rows * np.outer(np.arange(rows) + 0.5, np.arange(1, COMBS + 1)))
    return (level @ waves * (2 / rows)).astype(np.float32)
