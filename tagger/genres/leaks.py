"""Ways in which held-out tracks could be known already: the audit of a split before anything is learned from it.

The split keeps artists apart by the name that a track is filed under. What slips through is found here: the guest of
one album who has another of his own, the same song on two samplers, a copy under another artist's name, a genre that
this system wrote itself.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tagger.base.records import Split
from tagger.genres import spelling
from tagger.genres.split import artist_key

SAME_LENGTH = 1.0  # [s] by which two files of one recording differ at the most: encoders add up to some 50 ms each
LEAST_TITLE = 2  # letters and digits: a title of fewer says nothing
MOST_COPIES = 4  # of one recording in a library, the first one included
MOST_OF_A_TITLE = 200  # tracks; a title of more is everybody's, whatever their lengths
# The same title at the same length is mostly the same recording, unless the title is everybody's.
_ANYBODYS = re.compile(
    r"(intro|outro|interlude|untitled|prelude|skit|song|title|track|titel|piste|traccia|pista|audiotrack)?\d*"
)


class LeakKind(StrEnum):
    """How a held-out track is known already."""

    COPY = "copy"  # the same audio is learned from
    ARTIST = "artist"  # somebody named as its artist can be heard among the tracks that are learned from
    SONG = "song"  # the same recording in other bytes is learned from, under another artist's name
    MACHINE = "machine"  # its genre was written by this system, and is no label


@dataclass(frozen=True, slots=True)
class SplitTrack:
    """A track of a split.

    `track` is its id (the same for copies of one audio), `split` where it was put, `written` says that its genre is one
    that this system wrote and nobody changed, `duration` is in seconds.
    """

    track: str
    split: str
    artist: str | None = None
    album_artist: str | None = None
    title: str | None = None
    duration: float | None = None
    written: bool = False


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which the track at `place` is known already; `other` is the place of the track that it is known by."""

    place: int
    kind: LeakKind
    other: int | None = None


def find_leaks(rows: Sequence[SplitTrack], alike: Collection[tuple[int, int]] | None = None) -> list[Leak]:
    """Return every leak, by place and kind: of held-out tracks, and of labels that are no person's in any split.

    Of several tracks that one is known by, the first is named.

    Parameters
    ----------
    rows : sequence of SplitTrack
        The tracks of all splits.
    alike : collection of pairs of int, optional
        Those of `same_titles` that are the same recording indeed; by default all are taken to be.
    """
    learned = [place for place, row in enumerate(rows) if row.split == Split.TRAIN]
    by_track = _first(learned, lambda place: [rows[place].track])
    by_artist = _first(learned, lambda place: _artists(rows[place]))
    songs: dict[int, int] = {}
    for place, other in same_titles(rows):
        if alike is None or (place, other) in alike:
            songs.setdefault(place, other)
    found = [Leak(place, LeakKind.MACHINE) for place, row in enumerate(rows) if row.written]
    for place, row in enumerate(rows):
        if row.split == Split.TRAIN:
            continue
        if row.track in by_track:
            found.append(Leak(place, LeakKind.COPY, by_track[row.track]))
        known = [by_artist[name] for name in _artists(row) if name in by_artist]
        if known:
            found.append(Leak(place, LeakKind.ARTIST, min(known)))
        if place in songs:
            found.append(Leak(place, LeakKind.SONG, songs[place]))
    return sorted(found, key=lambda leak: (leak.place, leak.kind))


def same_titles(rows: Sequence[SplitTrack]) -> list[tuple[int, int]]:
    """Return pairs of places of a held-out track and one that is learned from, alike in title and length.

    A title that more tracks of one length have than a recording has copies (`MOST_COPIES`) is everybody's, and makes no
    pairs.
    """
    by_title: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        if title := _title(row):
            by_title[title].append(place)
    found = []
    for places in by_title.values():
        for place in places if len(places) <= MOST_OF_A_TITLE else ():
            if rows[place].split == Split.TRAIN:
                continue
            same = [other for other in places if other != place and _as_long(rows[place], rows[other])]
            if len(same) < MOST_COPIES:
                found += [(place, other) for other in same if rows[other].split == Split.TRAIN]
    return sorted(found)


def leak_counts(leaks: Iterable[Leak]) -> dict[str, int]:
    """Return the number of leaks of each kind, zeros too."""
    return {kind.value: 0 for kind in LeakKind} | Counter(leak.kind.value for leak in leaks)


def _first(places: Iterable[int], names: Callable[[int], Sequence[str]]) -> dict[str, int]:
    """Return the first place that has each name."""
    found: dict[str, int] = {}
    for place in places:
        for name in names(place):
            found.setdefault(name, place)
    return found


def _artists(row: SplitTrack) -> list[str]:
    """Return everybody whom the track names as its artist, spelled alike for all spellings; "Various" is nobody."""
    return [key for key in map(artist_key, (row.artist, row.album_artist)) if key]


def _title(row: SplitTrack) -> str:
    """Return the title in letters and digits alone; empty if it says nothing."""
    text = "".join(re.findall(r"[^\W_]+", spelling.plain(row.title or "")))
    return "" if len(text) < LEAST_TITLE or _ANYBODYS.fullmatch(text) else text


def _as_long(one: SplitTrack, other: SplitTrack) -> bool:
    if one.duration is None or other.duration is None:
        return False
    return abs(one.duration - other.duration) <= SAME_LENGTH
