"""Plans the demo library: who plays what, in which file, with which tags, and where the tags fail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from tagger.base.errors import UsageError
from tagger.demo.entry import SHORT, TAGGED, UNTAGGED, DemoTrack
from tagger.demo.faults import blank, with_blanks, with_odd_name, with_sampler, with_wrong_genres
from tagger.demo.names import SPELLINGS, Names
from tagger.demo.styles import GENRES

FEWEST, MOST = 3 * len(GENRES), 5000  # tracks; more would be a load test, not a demo
ARTIST_SIZES = (5, 3, 2, 4, 3, 2, 3, 2)  # tracks by one artist: eight artists have 24
LENGTHS = (62.0, 70.0)  # [s]; over the minute below which a track counts as a jingle
JINGLES = (9.0, 6.0)  # [s]

ID3 = (("mp3", (2, 3)), ("mp3", (2, 4)), ("aac", (2, 4)), ("wav", (2, 3)), ("aiff", (2, 3)))
# Albums take these in turn. The first twelve are all that there are; the rest are what libraries hold most of.
CONTAINERS: tuple[tuple[str, tuple[int, int]], ...] = (
    *(("mp3", (2, 3)), ("flac", (2, 4)), ("mp3", (2, 4)), ("m4a", (2, 4)), ("ogg", (2, 4)), ("wma", (2, 4))),
    *(("wav", (2, 3)), ("opus", (2, 4)), ("wavpack", (2, 4)), ("aiff", (2, 3)), ("alac", (2, 4)), ("aac", (2, 4))),
    *(("flac", (2, 4)), ("mp3", (2, 3)), ("wma", (2, 4)), ("flac", (2, 4)), ("mp3", (2, 3)), ("alac", (2, 4))),
    *(("wma", (2, 4)), ("flac", (2, 4))),
)
SUFFIXES = {"alac": "m4a", "wavpack": "wv", "aiff": "aiff"}
FORMS = ((22050, 1), (22050, 1), (24000, 1), (22050, 1))  # sample rate [Hz], channels
CD_FORM = (44100, 2)  # of some lossless albums; elsewhere it would make the demo wait for its encoders
LOSSLESS = ("flac", "alac", "wav", "aiff", "wavpack")


@dataclass(frozen=True, slots=True)
class _Album:
    """What the tracks of one album share."""

    genre: str
    artist: str
    title: str
    artist_seed: int
    number: int
    folder: str
    year: int


def plan_library(tracks: int, seed: int) -> list[DemoTrack]:
    """Plan a library.

    About a quarter of the tracks have no genre tag, among them every track of one artist of each genre; about 3% have a
    wrong one. On top of the tracks come two jingles.

    Parameters
    ----------
    tracks : int
        How many pieces of music, from `FEWEST` to `MOST`.
    seed : int
        Another seed gives other artists, names and faults.

    Returns
    -------
    list of DemoTrack
        In the order of their paths. The same arguments give the same plan.

    Raises
    ------
    UsageError
        If the number of tracks is out of range.
    """
    if not FEWEST <= tracks <= MOST:
        raise UsageError(f"the demo cannot be made of {tracks} tracks; ask for {FEWEST} to {MOST}")
    rng = np.random.default_rng((5, seed))
    names = Names(rng)
    planned: list[DemoTrack] = []
    albums = 0
    for number, genre in enumerate(GENRES):
        share = tracks * (number + 1) // len(GENRES) - tracks * number // len(GENRES)
        artists = _artist_sizes(share)
        for artist_number, size in enumerate(artists):
            artist_seed = seed * 1000 + artist_number
            who = names.artist()
            # The last artist of a genre has no genre tag at all, so that nothing can be learned from other tracks.
            unknown = artist_number == len(artists) - 1 and len(artists) > 3
            for part in (size,) if size < 4 or artist_number % 2 else (size - 2, 2):
                album = _album(genre, who, artist_seed, albums, names, rng)
                planned += _album_tracks(album, part, unknown, names, rng)
                albums += 1
    planned = with_blanks(planned, rng)
    planned = with_wrong_genres(planned, rng)
    planned = with_sampler(planned)
    planned = with_odd_name(planned)
    return sorted([*planned, *_jingles(seed)], key=lambda track: track.path)


def _artist_sizes(share: int) -> list[int]:
    """Return the numbers of tracks of a genre's artists; in a small library an artist has one or two."""
    pattern = ARTIST_SIZES if share >= 15 else (2, 1, 1)
    sizes: list[int] = []
    while sum(sizes) < share:
        sizes.append(min(pattern[len(sizes) % len(pattern)], share - sum(sizes)))
    return sizes


def _album(genre: str, artist: str, artist_seed: int, number: int, names: Names, rng: np.random.Generator) -> _Album:
    title = names.album()
    # Two tidy ways of keeping files, and a folder into which everything new is thrown.
    folder = (f"{artist}/{title}", f"{artist}/{title}", f"{artist} - {title}", "Incoming")[number % 7 % 4]
    return _Album(genre, artist, title, artist_seed, number, folder, int(rng.integers(1965, 2024)))


def _album_tracks(album: _Album, size: int, unknown: bool, names: Names, rng: np.random.Generator) -> list[DemoTrack]:
    container, id3_version = CONTAINERS[album.number % len(CONTAINERS)]
    rate, channels = FORMS[album.number % len(FORMS)]
    if container in LOSSLESS and album.number % 9 == 1:
        rate, channels = CD_FORM
    suffix = SUFFIXES.get(container, container)
    tracks: list[DemoTrack] = []
    for number in range(1, size + 1):
        title = names.title()
        name = f"{album.artist} - {title}" if album.folder == "Incoming" else f"{number:02d} {title}"
        genre_tag = blank(rng) if unknown else _spelling(album.genre, container, rng)
        tags: dict[str, str | tuple[str, ...]] = {
            **{"title": title, "artist": album.artist, "album": album.title, "year": str(album.year)},
            **({"album_artist": album.artist} if album.number % 3 else {}),
            **{"track_number": f"{number}/{size}" if album.number % 2 else str(number)},
            **({"genre": genre_tag} if genre_tag else {}),
        }
        tracks.append(
            DemoTrack(
                path=f"{album.folder}/{name}.{suffix}".encode(),
                genre=album.genre,
                state=UNTAGGED if unknown else TAGGED,
                container=container,
                tags=tags,
                artist_seed=album.artist_seed,
                track_seed=album.number * 100 + number,
                seconds=round(float(rng.uniform(*LENGTHS)), 2),
                rate=rate,
                channels=channels,
                id3_version=id3_version,
                id3v1=container in ("mp3", "aac") and album.number % 4 == 0,
                mtime=_some_day(album.year, rng),
            )
        )
    return tracks


def _some_day(year: int, rng: np.random.Generator) -> int:
    """Return a time after the album came out (and after MP3 did), long enough ago for a file to have settled."""
    first = datetime(max(year, 2001), 1, 1, tzinfo=UTC).timestamp()
    last = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
    return int(rng.uniform(first, last))


def _spelling(genre: str, container: str, rng: np.random.Generator) -> tuple[str, ...]:
    """Return a genre tag: often the usual spelling, else any. Numbers stand in ID3 tags only."""
    forms = SPELLINGS[genre]
    if rng.random() < 0.35:
        return forms[0]
    if container not in {name for name, _ in ID3}:
        forms = tuple(form for form in forms if not form[0].strip("()").isdigit())
    return forms[int(rng.integers(len(forms)))]


def _jingles(seed: int) -> list[DemoTrack]:
    """Return the station's jingles: too short to be music, and not to be touched."""
    return [
        DemoTrack(
            path=f"Jingles/Station ID {number}.mp3".encode(),
            genre=None,
            state=SHORT,
            container="mp3",
            tags={"title": f"Station ID {number}", "artist": "The Station"},
            artist_seed=seed * 1000 + 900 + number,
            track_seed=number,
            seconds=seconds,
            mtime=int(datetime(2020, 2, number, tzinfo=UTC).timestamp()),
        )
        for number, seconds in enumerate(JINGLES, 1)
    ]
