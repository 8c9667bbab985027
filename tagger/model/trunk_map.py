"""What the trunk's tags say of genres before any label is there.

A tag of the trunk stands for the first of its genre tags here that the station's genre map knows; so the same table
serves every map, and a map that keeps heavy metal apart from rock gets its own evidence for it. Tags of mood, voice
and decade stand for none. `docs/genres.md` has the table in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tagger.model.trunk_tags import MSD_TAGS, MTT_TAGS

ROCK = ("Rock",)
POP = ("Pop",)
ELECTRONIC = ("Electronic", "Dance")
DANCE = ("Dance", "Electronic", "Disco")
CLASSICAL = ("Classical",)

# Genre tags in the order in which the map is asked for them.
MSD_GENRES: Mapping[str, tuple[str, ...]] = {
    "rock": ROCK,
    "alternative rock": ("Alternative Rock", *ROCK),
    "classic rock": ("Classic Rock", *ROCK),
    "hard rock": ("Hard Rock", *ROCK),
    "Progressive rock": ("Progressive Rock", *ROCK),
    "metal": ("Metal", *ROCK),
    "heavy metal": ("Heavy Metal", "Metal", *ROCK),
    "punk": ("Punk", *ROCK),
    "alternative": ("Alternative", *ROCK),
    "indie": ("Indie", "Alternative", *ROCK),
    "indie rock": ("Indie Rock", "Indie", "Alternative", *ROCK),
    "indie pop": ("Indie Pop", *POP),
    "pop": POP,
    "catchy": POP,
    "electronic": ELECTRONIC,
    "electronica": ELECTRONIC,
    "electro": ("Electro", *ELECTRONIC),
    "House": ("House", *DANCE),
    "dance": DANCE,
    "ambient": ("Ambient", *ELECTRONIC),
    "jazz": ("Jazz",),
    "blues": ("Blues",),
    "soul": ("Soul", "R&B", "Funk"),
    "funk": ("Funk", "Soul", "Disco"),
    "rnb": ("R&B", "Soul"),
    "Hip-Hop": ("Hip-Hop",),
    "country": ("Country",),
    "folk": ("Folk",),
}
MTT_GENRES: Mapping[str, tuple[str, ...]] = {
    "classical": CLASSICAL,
    "classic": CLASSICAL,
    "opera": ("Opera", *CLASSICAL),
    "choral": ("Choral", *CLASSICAL),
    "choir": ("Choral", *CLASSICAL),
    "violin": CLASSICAL,
    "cello": CLASSICAL,
    "strings": CLASSICAL,
    "harpsichord": CLASSICAL,
    "techno": ("Techno", *ELECTRONIC),
    "electronic": ELECTRONIC,
    "rock": ROCK,
    "metal": ("Metal", *ROCK),
    "pop": POP,
    "country": ("Country",),
}

# How probable each tag is found on average: over 607 excerpts of real music of twelve genres, each genre counted alike
# (GTZAN's first ten of each of its ten, Emotify's 400, 90 of classical music, 17 free songs). Measured with
# `MSD_musicnn` and `MTT_musicnn`. What counts is how far a tag lies above this, not how frequent listeners use it.
# fmt: off
MSD_MEANS: tuple[float, ...] = (
    0.119, 0.102, 0.049, 0.069, 0.099, 0.082, 0.043, 0.012, 0.017, 0.115, 0.017, 0.024, 0.031, 0.012, 0.028, 0.052,
    0.021, 0.017, 0.028, 0.039, 0.058, 0.017, 0.011, 0.051, 0.021, 0.025, 0.063, 0.018, 0.038, 0.027, 0.027, 0.010,
    0.015, 0.043, 0.022, 0.005, 0.034, 0.013, 0.005, 0.004, 0.028, 0.020, 0.015, 0.021, 0.017, 0.013, 0.013, 0.006,
    0.017, 0.003,
)
MTT_MEANS: tuple[float, ...] = (
    0.230, 0.085, 0.085, 0.121, 0.065, 0.115, 0.086, 0.113, 0.113, 0.062, 0.027, 0.076, 0.050, 0.112, 0.049, 0.094,
    0.039, 0.012, 0.071, 0.081, 0.078, 0.037, 0.014, 0.040, 0.020, 0.021, 0.073, 0.073, 0.032, 0.103, 0.024, 0.013,
    0.017, 0.056, 0.017, 0.003, 0.045, 0.011, 0.027, 0.045, 0.052, 0.024, 0.005, 0.011, 0.017, 0.016, 0.051, 0.012,
    0.034, 0.002,
)
# fmt: on
LEAST = 0.001  # added to probabilities before their ratio is taken: below this a tag is simply not heard
# Scores are so many times the logarithms: with that, the map's probabilities are as sure as it is right (expected
# calibration error 0.09 on 596 of those excerpts, 0.20 without).
SHARPNESS = 1.6
NOTHING = -1.5 * SHARPNESS  # score of a genre that no tag speaks for: as of a tag at a fifth of its average


def speaking(genres: Sequence[str], genre_of: Callable[[str], str | None]) -> list[list[int]]:
    """Return which tags speak for each genre, as positions in `MSD_TAGS` followed by `MTT_TAGS`.

    Parameters
    ----------
    genres : sequence of str
        Genre ids.
    genre_of : callable
        What the station's genre map makes of a genre tag: a genre id, or None.
    """
    place = {genre: position for position, genre in enumerate(genres)}
    found: list[list[int]] = [[] for _ in genres]
    for tags, table, first in ((MSD_TAGS, MSD_GENRES, 0), (MTT_TAGS, MTT_GENRES, len(MSD_TAGS))):
        for position, tag in enumerate(tags):
            known = (genre_of(text) for text in table.get(tag, ()))
            genre = next((genre for genre in known if genre in place), None)
            if genre is not None:
                found[place[genre]].append(first + position)
    return found


def means() -> NDArray[np.float32]:
    """Return the average probability of each tag, float32 (100,), in the order of `speaking`."""
    return np.array([*MSD_MEANS, *MTT_MEANS], np.float32)


def map_scores(logits: NDArray[np.float32], tags: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Return the map's score of each genre, of each clip; float64 (n, genres).

    Parameters
    ----------
    logits : float32 array of shape (n, 100)
        Of the tags.
    tags : sequence of sequences of int
        Which tags speak for each genre; the one furthest above its average counts.
    """
    chances = 1 / (1 + np.exp(-logits.astype(np.float64)))
    above = np.log(chances + LEAST) - np.log(means().astype(np.float64) + LEAST)
    columns = [SHARPNESS * above[:, list(own)].max(axis=1) if own else np.full(len(above), NOTHING) for own in tags]
    return np.stack(columns, axis=1)
