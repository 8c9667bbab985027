"""Who plays what in the hard library, and what their genre tags say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.hard_genres import GENRES, NEIGHBOURS, STATION_COUNTS
from bench.hard_outside import KINDS
from tagger.demo.names import SPELLINGS, Names

FEWEST_ARTISTS = 3  # of a genre, so that each part of a split can have one
FEWEST, MOST = 2, 12  # tracks of an artist
CONFUSED = 0.75  # share of wrong genre tags that name a neighbour
SHARED = 0.12  # share of artists who trade a part of their tracks' genre with a neighbour's
ALBUM = 5  # tracks of an album, at most
OUTSIDE_TRACKS = 5  # of an artist outside the genres, about

# Genre tags that are one word or two, in the words of people.
WRITTEN = {
    genre: tuple(form[0] for form in forms if len(form) == 1 and any(map(str.isalpha, form[0])))
    for genre, forms in SPELLINGS.items()
}


@dataclass(frozen=True, slots=True)
class HardTrack:
    """One file: `path` relative to the library, `genre` what is played (empty outside), `kind` what is outside.

    `artist` is the name, `seed` the library's seed and the artist's number, `number` the track's in the library.
    """

    path: str
    artist: str
    seed: tuple[int, int]
    number: int
    genre: str
    kind: str
    tag: str
    flipped: bool
    album: str
    title: str


def genre_counts(tracks: int, balanced: bool) -> list[int]:
    """Return the tracks of each of `GENRES`, adding up to `tracks`, none below what its artists need."""
    weights = np.ones(len(GENRES)) if balanced else np.array(STATION_COUNTS, dtype=float)
    counts = np.maximum(np.floor(tracks * weights / weights.sum()).astype(int), FEWEST_ARTISTS * FEWEST)
    order = np.argsort(-weights, kind="stable")
    for turn in range(abs(tracks - int(counts.sum()))):
        counts[order[turn % (len(order) if balanced else 4)]] += 1 if counts.sum() < tracks else -1
    return [int(count) for count in counts]


def plan(
    tracks: int, artists: int, seed: int, noise: float, balanced: bool = False, outside: int = 0
) -> list[HardTrack]:
    """Plan a library.

    Parameters
    ----------
    tracks, artists : int
        Of the ten genres; 2 to 12 tracks to an artist, and 3 artists or more to a genre.
    seed : int
        Everything but what the genres are follows from it.
    noise : float
        Share of genre tags that are wrong, 0 to 1.
    balanced : bool
        As many tracks of each genre, not a station's shares.
    outside : int
        Further tracks that are none of the genres.

    Raises
    ------
    ValueError
        If the numbers do not fit together.
    """
    if not (0 <= noise <= 1 and outside >= 0 and seed >= 0):
        raise ValueError("noise lies between 0 and 1; seed and outside are no less than 0")
    if artists < FEWEST_ARTISTS * len(GENRES) or not 1.2 * FEWEST * artists <= tracks <= 0.7 * MOST * artists:
        raise ValueError(
            f"{artists} artists do not do for {tracks} tracks: 2.4 to 8.4 tracks each, and 30 artists or more"
        )
    rng = np.random.default_rng((31, seed))
    counts = genre_counts(tracks, balanced)
    rosters = _rosters(counts, artists, rng)
    played = [(genre, artist) for genre, roster in zip(GENRES, rosters, strict=True) for artist in roster]
    _trade(played, rng)
    played += _outsiders(outside, artists, rng)
    made = _named(played, seed, np.random.default_rng((32, seed)))
    return _flipped(made, noise, rng)


def _rosters(counts: Sequence[int], artists: int, rng: np.random.Generator) -> list[list[int]]:
    """Return, for each genre, the artist of each track."""
    total, first, rosters = sum(counts), 0, []
    for count in counts:
        low, high = max(FEWEST_ARTISTS, -(-count // MOST)), count // FEWEST
        size = int(np.clip(round(artists * count / total), low, high))
        sizes = np.full(size, FEWEST)
        appetite = rng.gamma(1.0, size=size) + 0.05  # few artists with many tracks, many with few
        for _ in range(count - FEWEST * size):
            free = appetite * (sizes < MOST)
            sizes[rng.choice(size, p=free / free.sum())] += 1
        rosters.append([first + number for number, tracks in enumerate(sizes) for _ in range(tracks)])
        first += size
    return rosters


def _trade(played: list[tuple[str, int]], rng: np.random.Generator) -> None:
    """Let some artists of neighbouring genres change places in some tracks, in place; no count changes."""
    home = {artist: genre for genre, artist in played}
    tracks: dict[int, list[int]] = {}
    for index, (_, artist) in enumerate(played):
        tracks.setdefault(artist, []).append(index)
    free = [artist for artist in home if len(tracks[artist]) > 3]
    traded: set[int] = set()
    for one in rng.permutation(free).tolist():
        partners = [a for a in free if home[a] in NEIGHBOURS[home[one]] and a not in traded]
        if one in traded or not partners:
            continue
        if len(traded) >= SHARED * len(home):
            break
        other = partners[rng.integers(len(partners))]
        traded |= {one, other}
        for a, b in list(zip(tracks[one], tracks[other], strict=False))[:2]:
            (one_genre, one_artist), (other_genre, other_artist) = played[a], played[b]
            played[a], played[b] = (one_genre, other_artist), (other_genre, one_artist)


def _outsiders(count: int, first: int, rng: np.random.Generator) -> list[tuple[str, int]]:
    """Return kind and artist of each track outside the genres."""
    size = max(len(KINDS), count // OUTSIDE_TRACKS)
    kinds = list(KINDS)
    artists = [*range(min(size, count)), *rng.integers(size, size=max(0, count - size)).tolist()]
    return [(kinds[artist % len(kinds)], 10_000 + first + artist) for artist in sorted(artists)]


def _named(played: list[tuple[str, int]], seed: int, rng: np.random.Generator) -> list[HardTrack]:
    """Give artists, albums and tracks their names and genre tags."""
    bands = Names(rng)
    artists: dict[int, tuple[str, Names]] = {}  # with words of their own for albums and titles, which need not differ
    albums: dict[tuple[int, int], str] = {}
    count: dict[int, int] = {}
    made = []
    for number, (what, artist) in enumerate(played):
        if artist not in artists:
            # With the seed in it, so that libraries of two seeds have no artist in common.
            artists[artist] = (f"{bands.artist()} {seed}", Names(rng))
        name, words = artists[artist]
        place = count[artist] = count.get(artist, 0) + 1
        record = (artist, (place - 1) // ALBUM)
        if record not in albums:
            albums[record] = words.album()
        inside = what in GENRES
        forms = WRITTEN[what] if inside else KINDS[what]
        made.append(
            HardTrack(
                path=f"{name}/{albums[record]}/{(place - 1) % ALBUM + 1:02d} {(title := words.title())}.flac",
                artist=name,
                seed=(seed, artist),
                number=number,
                genre=what if inside else "",
                kind="" if inside else what,
                tag=str(rng.choice(forms)),
                flipped=False,
                album=albums[record],
                title=title,
            )
        )
    return made


def _flipped(made: list[HardTrack], noise: float, rng: np.random.Generator) -> list[HardTrack]:
    """Give a share of the tracks of the genres the genre tag of another genre, mostly a neighbour."""
    inside = [number for number, track in enumerate(made) if track.genre]
    for number in rng.permutation(inside)[: round(noise * len(inside))]:
        track = made[number]
        others = [genre for genre in GENRES if genre != track.genre]
        near = NEIGHBOURS[track.genre]
        genre = str(rng.choice(near if rng.random() < CONFUSED else others))
        made[number] = replace(track, tag=str(rng.choice(WRITTEN[genre])), flipped=True)
    return made
