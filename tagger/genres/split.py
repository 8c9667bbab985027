"""Who is held out: tracks are split by artist, so that no model is asked about an artist that it has heard."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tagger.base.records import GenreTagState, Split
from tagger.genres.map import GenreMap

VAL = 0.15  # share of the groups that decide when training ends and how sure is sure
TEST = 0.15  # share of the groups that the figures come from
ENOUGH_GROUPS = 3  # a genre with fewer cannot be in all three splits
NOBODY = frozenset({"various artists", "various", "va", "v a", "v.a.", "v/a", "divers", "diverse", "verschiedene",
                    "varios artistas", "varios", "artisti vari", "unknown artist", "unknown", "[unknown]", "soundtrack",
                    "original soundtrack", "compilation"})  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupRow:
    """What decides the group of a track. `folder` is relative to the library, empty at its top."""

    track: str
    library: int
    folder: bytes
    artist: str | None
    album_artist: str | None
    album: str | None
    compilation: bool = False


def group_tracks(rows: Iterable[GroupRow], genre_map: GenreMap) -> dict[str, str]:
    """Return the group of each track, by its id.

    The album artist, else the artist; "Various Artists" is nobody. Without either, the album's folder; but a folder
    that holds several albums, is named after a genre, or is the top of the library is no album, and each of its tracks
    is a group of its own.
    """
    rows = list(rows)
    albums: dict[tuple[int, bytes], set[str]] = defaultdict(set)
    for row in rows:
        albums[row.library, row.folder].add(_plain(row.album or ""))
    groups: dict[str, str] = {}
    for row in rows:
        folder = row.folder.rpartition(b"/")[2].decode("utf-8", "surrogateescape")
        if name := _artist(row):
            groups[row.track] = f"artist:{name}"
        elif folder and len(albums[row.library, row.folder]) == 1 and not _is_genre(folder, genre_map):
            groups[row.track] = f"folder:{row.library}:{row.folder.decode('utf-8', 'surrogateescape')}"
        else:
            groups[row.track] = f"track:{row.track}"
    return groups


def _artist(row: GroupRow) -> str:
    """Return the artist to group by; empty if there is none."""
    for name in (row.album_artist, row.artist):
        plain = _plain(name or "")
        if plain and plain not in NOBODY:
            return plain
    return ""


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", name).strip().casefold()


def _is_genre(folder: str, genre_map: GenreMap) -> bool:
    return genre_map.match(folder).state is not GenreTagState.UNMAPPED


def assign_splits(
    group_labels: Mapping[str, Mapping[str, int]],
    stored: Mapping[str, Split],
    seed: int,
    val: float = VAL,
    test: float = TEST,
) -> dict[str, Split]:
    """Give each group its split. The same groups are held out every night: what is stored stays.

    A new group goes where its hash says. A genre with three or more groups but none in test or val gives the group of
    the lowest hash to test, the next to val; groups that were not stored yet are given first.

    Parameters
    ----------
    group_labels : mapping
        Group to label to number of tracks.
    stored : mapping
        Group to split, from earlier nights.
    seed : int
        Another seed is another split.
    val, test : float
        Shares of the groups.

    Returns
    -------
    dict
        Of the groups in `group_labels`.
    """
    rank = {group: _hash(group, seed) for group in group_labels}
    splits = {group: stored.get(group) or _by_hash(rank[group], val, test) for group in sorted(group_labels)}
    labels = sorted({label for counts in group_labels.values() for label in counts})
    for label in labels:
        groups = sorted((g for g in group_labels if group_labels[g].get(label)), key=lambda g: (rank[g], g))
        if len(groups) < ENOUGH_GROUPS:
            continue
        for split in (Split.TEST, Split.VAL, Split.TRAIN):
            if not any(splits[group] is split for group in groups):
                splits[_spare(groups, splits, stored)] = split
    return splits


def _spare(groups: Sequence[str], splits: Mapping[str, Split], stored: Mapping[str, Split]) -> str:
    """Return which of a genre's groups, by hash, can change its split: of three or more, one split has two."""
    crowded = {split for split, count in Counter(splits[group] for group in groups).items() if count > 1}
    source = Split.TRAIN if Split.TRAIN in crowded else next(split for split in Split if split in crowded)
    return min((group for group in groups if splits[group] is source), key=lambda group: group in stored)


def _hash(group: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on nothing but the group and the seed."""
    text = f"{seed}\0{group}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2**64


def _by_hash(rank: float, val: float, test: float) -> Split:
    if rank < test:
        return Split.TEST
    return Split.VAL if rank < test + val else Split.TRAIN
