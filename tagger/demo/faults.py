"""What goes wrong with genre tags in a library: they are missing, wrong, unclear, or not where one would look."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace

import numpy as np

from tagger.demo.entry import MISLABELLED, TAGGED, UNCLEAR_TAG, UNTAGGED, DemoTrack
from tagger.demo.names import BLANKS, SPELLINGS, UNCLEAR
from tagger.demo.styles import GENRES, STYLES

UNTAGGED_SHARE = 0.25
MISLABELLED_SHARE = 0.03
UNCLEAR_SHARE = 0.02
SAMPLER = "Night Shift Sampler"
NOT_UTF8 = "Caf\u00e9 \u00c9toile".encode("latin-1")  # as an old Windows machine would have named it


def blank(rng: np.random.Generator) -> tuple[str, ...]:
    """Return what stands in the genre tag of a track that has none."""
    return BLANKS[int(rng.integers(len(BLANKS)))]


def _retagged(track: DemoTrack, state: str, genre_tag: tuple[str, ...]) -> DemoTrack:
    tags = {field: value for field, value in track.tags.items() if field != "genre"}
    return replace(track, state=state, tags={**tags, "genre": genre_tag} if genre_tag else tags)


def with_blanks(tracks: list[DemoTrack], rng: np.random.Generator) -> list[DemoTrack]:
    """Take genre tags away until each genre has its untagged share, and make some unclear; each artist keeps one."""
    tracks = list(tracks)
    unclear = round(UNCLEAR_SHARE * len(tracks))
    missing = {
        genre: round(UNTAGGED_SHARE * sum(track.genre == genre for track in tracks))
        - sum(track.genre == genre and track.state == UNTAGGED for track in tracks)
        for genre in GENRES
    }
    usable = _tagged_by_artist(tracks)
    for index in rng.permutation(len(tracks)):
        track = tracks[index]
        genre, artist = str(track.genre), str(track.tags["artist"])
        if track.state != TAGGED or usable[artist] < 2:
            continue
        if missing[genre] > 0:
            tracks[index] = _retagged(track, UNTAGGED, blank(rng))
            missing[genre] -= 1
            usable[artist] -= 1
        elif unclear > 0 and missing[genre] == 0:
            tracks[index] = _retagged(track, UNCLEAR_TAG, UNCLEAR[unclear % len(UNCLEAR)])
            unclear -= 1
            missing[genre] = -1  # one is enough for a genre
            usable[artist] -= 1
    return tracks


def _tagged_by_artist(tracks: list[DemoTrack]) -> Counter[str]:
    """Return how many tracks of each artist have a genre tag that can be used."""
    return Counter(str(track.tags["artist"]) for track in tracks if track.state == TAGGED)


def with_wrong_genres(tracks: list[DemoTrack], rng: np.random.Generator) -> list[DemoTrack]:
    """Give some tagged tracks the usual spelling of a genre that nobody would take them for."""
    tracks = list(tracks)
    wrong = max(1, round(MISLABELLED_SHARE * len(tracks)))
    usable = _tagged_by_artist(tracks)
    # One to an artist, and large albums first: there, a stray genre shows even without listening.
    order = sorted(rng.permutation(len(tracks)), key=lambda index: -usable[str(tracks[index].tags["artist"])])
    done: set[str] = set()
    for index in order:
        track = tracks[index]
        artist = str(track.tags["artist"])
        if track.state != TAGGED or artist in done or len(done) == wrong:
            continue
        near = STYLES[str(track.genre)].neighbours
        far = [genre for genre in GENRES if genre != track.genre and genre not in near]
        tracks[index] = _retagged(track, MISLABELLED, SPELLINGS[far[int(rng.integers(len(far)))]][0])
        done.add(artist)
    return tracks


def with_sampler(tracks: list[DemoTrack]) -> list[DemoTrack]:
    """Move the first track of every tenth artist to a compilation, where the album says nothing about the genre."""
    artists = list(dict.fromkeys(str(track.tags["artist"]) for track in tracks))[4::10]
    moved: list[DemoTrack] = []
    for track in tracks:
        if track.tags["artist"] in artists:
            artists.remove(str(track.tags["artist"]))
            number = 1 + sum(other.tags["album"] == SAMPLER for other in moved)
            suffix = os.fsdecode(track.path).rpartition(".")[2]
            name = f"{number:02d} {track.tags['artist']} - {track.tags['title']}.{suffix}"
            tags = {
                **track.tags,
                **{"album": SAMPLER, "album_artist": "Various Artists", "track_number": str(number)},
                "compilation": "1",
            }
            track = replace(track, path=f"Various Artists/{SAMPLER}/{name}".encode(), tags=tags)
        moved.append(track)
    return moved


def with_odd_name(tracks: list[DemoTrack]) -> list[DemoTrack]:
    """Give one untagged track a file name that is not UTF-8."""
    index = next(i for i, track in enumerate(tracks) if track.state == UNTAGGED)
    track = tracks[index]
    folder, _, name = track.path.rpartition(b"/")
    path = folder + b"/" + NOT_UTF8 + b"." + name.rpartition(b".")[2]
    tags = {**track.tags, "title": NOT_UTF8.decode("latin-1")}
    return [*tracks[:index], replace(track, path=path, tags=tags), *tracks[index + 1 :]]
