"""Pictures that behave like spectrograms of music: genres differ in rhythm and harmony, artists in their sound."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from tagger.model.clips import ClipSet

FRAMES_PER_SECOND = 43


def _clip(genre: int, artist: np.random.Generator, take: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """One picture: a beat and a comb of harmonics that are the genre's, an equalisation that is the artist's."""
    y = np.linspace(0, 1, rows)[:, None]
    x = np.arange(columns)[None, :]
    beat = 5 + 2 * (genre % 5) + artist.normal(0, 0.2)
    comb = 5 + 4 * (genre // 5) + 1.5 * (genre % 2) + artist.normal(0, 0.3)
    slope, hump, place = artist.normal(0, 50), artist.normal(0, 30), artist.uniform(0, 1)
    pulses = np.exp(-(((x + take.uniform(0, beat)) % beat) ** 2) / 2.0)
    notes = np.clip(np.cos(2 * np.pi * comb * (y + take.uniform(0, 0.05))), 0, 1) ** 3
    level = 90 + 70 * pulses * (0.4 + 0.6 * y) + 70 * notes * (1.2 - y) + 25 * take.standard_normal((rows, columns))
    level += slope * (y - 0.5) + hump * np.sin(6 * y + 6 * place) + artist.normal(0, 15)
    return np.clip(level[::-1], 0, 255).astype(np.uint8)


def make_clips_of(
    genres: int = 4,
    artists: int = 5,
    tracks: int = 2,
    clips: int = 3,
    seconds: tuple[int, ...] = (1,),
    rows: int = 48,
    held_out: tuple[int, int] = (1, 1),
    seed: int = 0,
) -> dict[int, ClipSet]:
    """Make a small data set; the last artists of each genre are held out, `held_out` of them for val and test."""
    found = {}
    for length in seconds:
        images, rows_of = [], []
        for genre, artist in itertools.product(range(genres), range(artists)):
            behind = artists - 1 - artist
            split = "test" if behind < held_out[1] else "val" if behind < sum(held_out) else "train"
            for track, clip in itertools.product(range(tracks), range(clips)):
                sound = np.random.default_rng((seed, genre, artist))
                take = np.random.default_rng((seed, genre, artist, track, clip, length))
                images.append(_clip(genre, sound, take, rows, FRAMES_PER_SECOND * length + 1))
                rows_of.append((genre, f"{genre}-{artist}-{track}", f"artist {genre}-{artist}", split))
        labels, names, groups, splits = zip(*rows_of, strict=True)
        found[length] = ClipSet(np.stack(images), np.array(labels), np.array(names), np.array(groups), np.array(splits))
    return found


@pytest.fixture(scope="session")
def make_clips() -> Callable[..., dict[int, ClipSet]]:
    """Return `make_clips_of`."""
    return make_clips_of
