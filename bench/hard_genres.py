"""What the ten genres of the hard library are: overlapping distributions of musical properties.

Each genre has a mean per trait and a weight per habit (one column each). Both are drawn towards what all genres have in
common by `SEPARATION`, so that one number says how hard the library is. An artist draws from the genre, a track
from the artist. Nothing here depends on a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

GENRES = ("alt", "classical", "country", "edm", "funk&soul", "hip hop", "jazz", "pop", "r&b", "rock")

# Tracks of each genre in a college radio station's library.
STATION_COUNTS = (2482, 13, 72, 1408, 125, 343, 69, 1562, 189, 2406)

# For whom a genre is taken by mistake, likelier ones first.
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "alt": ("rock", "pop"),
    "classical": ("jazz",),
    "country": ("rock", "alt"),
    "edm": ("pop", "hip hop"),
    "funk&soul": ("r&b", "jazz", "hip hop"),
    "hip hop": ("r&b", "funk&soul", "edm"),
    "jazz": ("funk&soul", "classical"),
    "pop": ("alt", "edm", "r&b"),
    "r&b": ("hip hop", "funk&soul", "pop"),
    "rock": ("alt", "country"),
}

# Chosen so that a network gets about 60% of the tracks of artists that it never heard.
SEPARATION = 0.95
TRACK_SPREAD = 0.35  # of a track around its artist, as a share of the artists' spread
SECOND_CHOICE = 0.2  # how often an artist does not follow the first of two habits

# fmt: off
# Means by genre, then the spread of artists around them.
#                    alt  class country edm  funk  hiphop jazz  pop   r&b  rock   spread
TRAITS: Mapping[str, tuple[float, ...]] = {
    "tempo":       ( 6.93, 6.45, 6.90, 7.00, 6.75, 6.45, 7.10, 6.86, 6.35, 7.05,  0.16),  # log2 of quarters a minute
    "density":     ( 0.50, 0.30, 0.50, 0.75, 0.85, 0.45, 0.50, 0.55, 0.40, 0.60,  0.15),  # share of notes played
    "swing":       ( 0.03, 0.00, 0.20, 0.00, 0.15, 0.30, 0.65, 0.03, 0.30, 0.05,  0.10),  # 1: triplets
    "drums":       ( 0.00,-12.0, -3.0,  3.0,  1.0,  3.0, -4.0,  0.0,  1.0,  2.0,  2.50),  # level [dB]
    "minor":       ( 0.55, 0.45, 0.10, 0.85, 0.60, 0.85, 0.50, 0.25, 0.60, 0.40,  0.10),  # share of tracks
    "extension":   ( 0.90, 1.10, 0.90, 0.90, 2.30, 1.70, 2.80, 1.10, 2.50, 0.30,  0.45),  # 0 fifths to 3 ninths
    "brightness":  ( 0.00, -1.5,  0.3,  1.0,  0.0, -0.8, -1.2,  0.6, -0.8,  0.4,  1.00),  # tilt [dB an octave]
    "drive":       ( 0.40, 0.00, 0.15, 0.30, 0.10, 0.20, 0.05, 0.12, 0.08, 0.75,  0.18),
    "lead":        ( 0.00, -1.0,  1.0, -3.0,  1.0,  3.0,  0.0,  2.0,  2.0, -1.0,  2.00),  # level [dB]
    "phrase":      ( 0.40, 0.35, 0.45, 0.50, 0.45, 0.75, 0.60, 0.45, 0.40, 0.40,  0.12),  # how much the lead plays
    "room":        ( 0.50, 0.90, 0.25, 0.45, 0.20, 0.20, 0.40, 0.40, 0.50, 0.40,  0.20),
    "loudness":    ( 0.50, 0.05, 0.35, 0.85, 0.45, 0.70, 0.15, 0.65, 0.55, 0.70,  0.15),
    "pump":        ( 0.02, 0.00, 0.00, 0.55, 0.03, 0.15, 0.00, 0.15, 0.10, 0.02,  0.10),
    "looseness":   ( 8.00, 14.0, 7.00, 0.00, 5.00, 6.00, 11.0, 3.00, 8.00, 6.00,  3.00),  # of timing [ms]
}

# Weights by genre of what is done: the names of `bench.hard_score` and `tagger.demo.voices`.
HABITS: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    "beat": {  #   alt cla cou edm fun hip jaz pop r&b roc
        "backbeat": (5, 0, 3, 1, 1, 1, 0, 5, 1, 4),
        "driving":  (3, 0, 1, 1, 0, 0, 0, 1, 0, 6),
        "four":     (2, 0, 0, 9, 2, 0, 0, 3, 0, 1),
        "broken":   (0, 0, 0, 4, 1, 2, 0, 0, 1, 0),
        "half":     (1, 0, 1, 0, 0, 2, 0, 1, 5, 1),
        "trap":     (0, 0, 0, 1, 0, 6, 0, 1, 3, 0),
        "boombap":  (0, 0, 0, 0, 2, 6, 0, 0, 2, 0),
        "train":    (1, 0, 7, 0, 0, 0, 0, 0, 0, 1),
        "funk":     (1, 0, 0, 0, 8, 1, 1, 1, 1, 0),
        "ride":     (0, 1, 1, 0, 0, 0, 9, 0, 0, 0),
        "none":     (1, 9, 1, 0, 0, 0, 1, 0, 0, 0),
    },
    "bass": {
        "eighths":   (5, 0, 1, 2, 0, 0, 0, 3, 0, 6),
        "halves":    (2, 3, 2, 0, 0, 2, 1, 3, 4, 1),
        "fifths":    (1, 2, 8, 0, 0, 0, 1, 1, 0, 1),
        "offbeat":   (0, 0, 0, 8, 1, 0, 0, 2, 0, 0),
        "sixteenths": (1, 0, 0, 4, 1, 0, 0, 1, 0, 1),
        "syncopated": (2, 0, 0, 1, 8, 2, 1, 2, 3, 1),
        "walking":   (0, 1, 1, 0, 1, 0, 9, 0, 0, 0),
        "drop":      (0, 0, 0, 1, 0, 7, 0, 1, 4, 0),
        "none":      (0, 4, 0, 0, 0, 0, 0, 0, 0, 0),
    },
    "comping": {
        "held":       (2, 6, 1, 3, 1, 3, 2, 3, 6, 2),
        "eighths":    (4, 1, 1, 1, 0, 0, 0, 3, 0, 7),
        "strummed":   (5, 0, 4, 0, 1, 0, 0, 3, 1, 2),
        "boomchick":  (0, 0, 7, 0, 0, 0, 0, 0, 0, 0),
        "arpeggio":   (3, 5, 1, 4, 0, 2, 0, 2, 2, 1),
        "stabs":      (0, 0, 0, 7, 2, 1, 2, 3, 1, 0),
        "scratch":    (0, 0, 0, 0, 8, 1, 0, 0, 1, 0),
        "charleston": (0, 0, 0, 0, 2, 1, 8, 0, 1, 0),
        "once":       (1, 1, 0, 0, 1, 6, 1, 1, 2, 1),
    },
    "changes": {
        "axis":    (3, 1, 2, 4, 0, 1, 0, 8, 2, 2),
        "three":   (2, 1, 8, 1, 1, 0, 1, 2, 0, 5),
        "modal":   (5, 0, 0, 3, 2, 3, 0, 1, 2, 5),
        "static":  (1, 0, 0, 3, 6, 6, 1, 0, 1, 1),
        "twofive": (0, 2, 0, 0, 1, 1, 9, 0, 4, 0),
        "cadence": (0, 8, 1, 0, 0, 0, 1, 1, 0, 0),
        "descent": (3, 2, 1, 1, 2, 1, 1, 2, 4, 1),
    },
    "harmony": {  # the chords' instrument
        "acoustic": (4, 0, 7, 0, 0, 0, 1, 3, 1, 1), "clean":    (3, 0, 2, 0, 3, 1, 2, 1, 2, 1),
        "jangle":   (4, 0, 1, 0, 0, 0, 0, 1, 0, 2), "muted":    (1, 0, 1, 0, 4, 1, 0, 1, 1, 1),
        "crunch":   (3, 0, 1, 0, 0, 0, 0, 1, 0, 6), "fuzz":     (2, 0, 0, 1, 0, 0, 0, 0, 0, 5),
        "piano":    (2, 5, 2, 1, 1, 2, 5, 3, 2, 1), "rhodes":   (0, 0, 0, 0, 3, 3, 4, 1, 5, 0),
        "organ":    (1, 1, 1, 0, 3, 0, 2, 0, 1, 1), "strings":  (1, 7, 0, 1, 1, 2, 0, 1, 1, 0),
        "synth":    (2, 0, 0, 5, 0, 2, 0, 4, 2, 0), "supersaw": (0, 0, 0, 6, 0, 1, 0, 2, 0, 0),
        "pad":      (1, 1, 0, 3, 0, 2, 0, 1, 3, 0), "pluck":    (1, 0, 0, 4, 0, 1, 0, 2, 1, 0),
        "sample":   (0, 0, 0, 1, 1, 4, 0, 0, 1, 0), "harp":     (0, 3, 0, 0, 0, 0, 0, 0, 0, 0),
    },
    "voice": {  # the lead's
        "singer":  (7, 1, 6, 1, 3, 1, 1, 7, 4, 4), "crooner": (2, 1, 3, 0, 2, 1, 2, 2, 6, 1),
        "shouter": (2, 0, 1, 0, 4, 1, 0, 1, 1, 6), "rapper":  (0, 0, 0, 0, 1, 9, 0, 1, 2, 0),
        "solo":    (1, 0, 0, 0, 0, 0, 0, 0, 0, 3), "steel":   (1, 0, 3, 0, 0, 0, 0, 0, 0, 0),
        "fiddle":  (0, 1, 3, 0, 0, 0, 0, 0, 0, 0), "violin":  (0, 5, 0, 0, 0, 0, 0, 0, 0, 0),
        "flute":   (0, 4, 0, 0, 1, 0, 2, 0, 0, 0), "sax":     (0, 0, 0, 0, 2, 0, 5, 0, 1, 0),
        "trumpet": (0, 1, 0, 0, 2, 0, 5, 0, 0, 0), "lead":    (1, 0, 0, 6, 0, 1, 0, 1, 0, 0),
        "bell":    (0, 1, 0, 2, 0, 1, 0, 1, 1, 0), "piano":   (0, 4, 0, 1, 0, 0, 4, 0, 0, 0),
    },
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Manner:
    """How a track, or an artist on average, plays: a value per trait, a choice per habit."""

    traits: Mapping[str, float]
    habits: Mapping[str, str]


def trait(name: str, genre: str) -> tuple[float, float]:
    """Return mean and spread of a trait among the artists of a genre."""
    *means, spread = TRAITS[name]
    common = float(np.mean(means))
    return common + SEPARATION * (means[GENRES.index(genre)] - common), spread


def habit(name: str, genre: str) -> np.ndarray:
    """Return how likely each choice is for an artist of a genre, float64 (choices,), in the order of `HABITS`."""
    weights = np.array(list(HABITS[name].values()), dtype=float)  # (choices, genres)
    weights /= weights.sum(axis=0)
    column: np.ndarray = weights[:, GENRES.index(genre)]
    return SEPARATION * column + (1 - SEPARATION) * weights.mean(axis=1)


def manner(genre: str, artist: tuple[int, int], number: int) -> Manner:
    """Return how an artist plays a track of a genre.

    Parameters
    ----------
    genre : str
        One of `GENRES`.
    artist : tuple of int
        Seed of the library and number of the artist in it.
    number : int
        Of the track among all of the library.
    """
    column = GENRES.index(genre)
    artists = np.random.default_rng((11, *artist, column))
    tracks = np.random.default_rng((12, *artist, column, number))
    traits: dict[str, float] = {}
    habits: dict[str, str] = {}
    for name in TRAITS:
        mean, spread = trait(name, genre)
        traits[name] = mean + spread * float(artists.normal() + TRACK_SPREAD * tracks.normal())
    for name, choices in HABITS.items():
        first, second = artists.choice(list(choices), 2, p=habit(name, genre))
        habits[name] = str(second if tracks.random() < SECOND_CHOICE else first)
    return Manner(traits, habits)
