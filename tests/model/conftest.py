"""Pictures that behave like spectrograms of music: genres differ in rhythm and harmony, artists in their sound."""

from __future__ import annotations

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


@pytest.fixture(scope="session")
def make_clips() -> Callable[..., dict[int, ClipSet]]:
    """Return a function that makes a small data set; the last artists of each genre are held out."""

    def make(
        genres: int = 4,
        artists: int = 5,
        tracks: int = 2,
        clips: int = 3,
        seconds: tuple[int, ...] = (1,),
        rows: int = 48,
        held_out: tuple[int, int] = (1, 1),  # artists for val, for test
        seed: int = 0,
        columns_per_second: int = FRAMES_PER_SECOND,
    ) -> dict[int, ClipSet]:
        found = {}
        for length in seconds:
            images, labels, names, groups, splits = [], [], [], [], []
            for genre in range(genres):
                for artist in range(artists):
                    behind = artists - 1 - artist
                    split = "test" if behind < held_out[1] else "val" if behind < sum(held_out) else "train"
                    for track in range(tracks):
                        for clip in range(clips):
                            sound = np.random.default_rng((seed, genre, artist))
                            take = np.random.default_rng((seed, genre, artist, track, clip, length))
                            images.append(_clip(genre, sound, take, rows, columns_per_second * length + 1))
                            labels.append(genre)
                            names.append(f"{genre}-{artist}-{track}")
                            groups.append(f"artist {genre}-{artist}")
                            splits.append(split)
            found[length] = ClipSet(
                np.stack(images), np.array(labels), np.array(names), np.array(groups), np.array(splits)
            )
        return found

    return make
