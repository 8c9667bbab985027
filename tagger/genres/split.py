"""Who is held out: tracks are grouped by artist, and groups are given to train, val or test.

A model that has heard an artist's other songs knows the artist, not the genre; so no artist is in two splits.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tagger.base.errors import printable
from tagger.base.records import ALONE, GenreTagState, Split
from tagger.genres import spelling
from tagger.genres.matching import GenreMap

LEAST_GROUPS = 3  # a genre with fewer cannot be trained on, validated and tested on different artists

# What stands in artist tags without being an artist.
_NOBODY_NAMES = """
Various Artists; Various; V.A.; VA; V/A; Various Artist; Various Performers; Varios; Varios Artistas; Artistas Varios;
Varios Interpretes; Artistes Divers; Divers; Divers Artistes; Artisti Vari; AA.VV.; Vari; Diverse; Diverse Artister;
Diverse Interpreten; Diverse Artiesten; Verschiedene; Verschiedene Interpreten; Verschiedene Künstler; Vários Artistas;
Multi-interprètes; Multi-artistes; Разные исполнители; Разные; Сборник; 群星; 合辑; ヴァリアス・アーティスト;
オムニバス; Compilation; Compilations; Sampler; Soundtrack; Original Soundtrack; OST; Original Cast;
Unknown; Unknown Artist; Unknown Artists; No Artist; Inconnu; Artiste inconnu; Unbekannt; Unbekannter Interpret;
Unbekannter Künstler; Desconocido; Artista desconocido; Desconhecido; Artista desconhecido; Sconosciuto;
Artista sconosciuto; Onbekend; Onbekende artiest; Okänd artist; Ukjent artist; Ukendt kunstner; Неизвестен;
Неизвестный исполнитель; 未知艺术家; Artist; Artists; Interpret; None; Null; N/A; NA; Anonymous; Traditional; Trad.;
Audio Track
"""
_NOBODY = frozenset(spelling.key(spelling.plain(name)) for name in _NOBODY_NAMES.split(";"))
_GUEST = re.compile(r"(?<=\S)\s+[(\[]?(?:feat|ft|featuring)\b\.?\s.*", re.DOTALL)
_SEVERAL = re.compile(r"[;\0]|\s/\s")
_ARTICLE_LAST = re.compile(r"(.+),\s*(the|a|an|die|der|das|les|los|las|el|la|le)")
_DISC = re.compile(r"(?:cd|dis[ck]|dvd|lp|side|seite|disque|disco)\s*[-_.#]?\s*(?:\d{1,2}|[a-d]|one|two|three)\b.*")


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A track to group. `library` is the library's id, `folder` the folder in it (empty: the top)."""

    track: str
    library: int
    folder: bytes
    artist: str | None
    album_artist: str | None
    album: str | None
    compilation: bool = False


def group_tracks(rows: Iterable[GroupRow], genre_map: GenreMap) -> dict[str, str]:
    """Return the group of every track, by its id.

    A group is the album artist, else the artist, else the album folder. "Various Artists" and the like are nobody. A
    folder that holds several albums, that is named after a genre, or that is the top of a library is no album: there
    each track is a group of its own. Several rows of one track (copies of the same audio) are one track: the first
    copy that names an artist decides, in the order of folders.

    Parameters
    ----------
    rows : iterable of GroupRow
        All tracks that are to be split, so that the albums in a folder can be counted.
    genre_map : GenreMap
        The station's map, to tell folders named after genres.

    Returns
    -------
    dict of str to str
        Track id to group. Groups are printable text.
    """
    ordered = sorted(rows, key=lambda row: (row.track, row.library, row.folder))
    albums: dict[tuple[int, bytes], set[str]] = defaultdict(set)
    for row in ordered:
        albums[row.library, album_folder(row.folder)].add(album_name(row.album))
    groups: dict[str, str] = {}
    artists: set[str] = set()
    for row in ordered:
        artist = _artist(row)
        if artist and row.track not in artists:
            artists.add(row.track)
            groups[row.track] = f"artist {artist}"
        elif row.track not in groups:
            groups[row.track] = _folder_group(row, albums, genre_map)
    return groups


def _artist(row: GroupRow) -> str:
    """Return whose track it is, spelled alike for all spellings of the name; empty if nobody is named."""
    # On compilations the album artist may be a label, a series or a DJ; the artist is who can be heard.
    names = (row.artist, row.album_artist) if row.compilation else (row.album_artist, row.artist)
    return next((name for name in map(artist_key, names) if name), "")


def artist_key(name: str | None) -> str:
    """Return what all spellings of an artist's name have in common; empty for nobody."""
    text = _SEVERAL.split(spelling.plain(name or "").strip(" ;/\0"), maxsplit=1)[0]
    text = _GUEST.sub("", text).strip()
    if found := _ARTICLE_LAST.fullmatch(text):
        text = f"{found[2]} {found[1]}"
    if spelling.key(text) in _NOBODY:
        return ""
    words = _words(text)
    if len(words) > 1 and words[0] == "the":
        del words[0]
    # Run together, so that AC/DC, AC-DC and ACDC are one. A name without letters or digits ("!!!") still is one.
    return "".join(words) or printable(text)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.replace("&", " and "))


def album_name(name: str | None) -> str:
    """Return what all spellings of an album's name have in common; empty for none."""
    text = spelling.plain(name or "")
    return "".join(_words(text)) or text


def album_folder(folder: bytes) -> bytes:
    """Return the folder of the album: for the discs of a set, the one above."""
    above, _, name = folder.rstrip(b"/").rpartition(b"/")
    is_disc = above and _DISC.fullmatch(spelling.plain(os.fsdecode(name)))
    return above if is_disc else folder.rstrip(b"/")


def _folder_group(row: GroupRow, albums: Mapping[tuple[int, bytes], set[str]], genre_map: GenreMap) -> str:
    folder = album_folder(row.folder)
    if not folder or len(albums[row.library, folder] - {""}) > 1 or named_after_genre(folder, genre_map):
        return f"{ALONE}{row.track}"
    return f"folder {row.library}/{printable(os.fsdecode(folder))}"


def named_after_genre(folder: bytes, genre_map: GenreMap) -> bool:
    """Say whether a folder is named after a genre, mapped or not ("Jazz", "Soundtracks"); "1984" is an album."""
    name = os.fsdecode(folder.rpartition(b"/")[2])
    return any(c.isalpha() for c in name) and genre_map.match(name).state is not GenreTagState.UNMAPPED


# --- splits ---------------------------------------------------------------------------------------------------------


def assign_splits(
    group_labels: Mapping[str, Mapping[str, int]],
    stored: Mapping[str, Split],
    seed: int,
    val: float = 0.15,
    test: float = 0.15,
) -> dict[str, Split]:
    """Return the split of every group.

    Groups go by a stable hash of seed and name, and stay where they were once put. A genre with three or more groups
    is held in all three splits: where the hash gave none to test or val, its lowest-hash group moves there. A genre
    with fewer is trained on and not measured.

    Parameters
    ----------
    group_labels : mapping of str to mapping of str to int
        For each group, the number of its tracks with each label.
    stored : mapping of str to Split
        What earlier calls returned, for this seed.
    seed : int
        Of the split.
    val, test : float
        Shares of the groups.

    Returns
    -------
    dict of str to Split
        For the groups of `group_labels`.
    """
    order = sorted(group_labels, key=lambda group: (_share(seed, group), group))
    members: dict[str, list[str]] = defaultdict(list)
    for group in order:
        for label, tracks in group_labels[group].items():
            if tracks > 0:
                members[label].append(group)
    splits: dict[str, Split] = {}
    for group in order:
        rare = any(len(members[label]) < LEAST_GROUPS for label in group_labels[group] if label in members)
        splits[group] = stored.get(group) or (Split.TRAIN if rare else _by_share(_share(seed, group), val, test))
    for label in sorted(members):
        if len(members[label]) >= LEAST_GROUPS:
            _hold_in_all(members[label], members, group_labels, splits, stored)
    return splits


def _share(seed: int, group: str) -> float:
    """Return a number in [0, 1) that depends on seed and group alone."""
    digest = hashlib.blake2b(f"{seed}:{group}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _by_share(share: float, val: float, test: float) -> Split:
    if share < test:
        return Split.TEST
    return Split.VAL if share < test + val else Split.TRAIN


def _hold_in_all(
    groups: Sequence[str],
    members: Mapping[str, Sequence[str]],
    group_labels: Mapping[str, Mapping[str, int]],
    splits: dict[str, Split],
    stored: Mapping[str, Split],
) -> None:
    """Move groups of one genre, given in the order of their hashes, until it is in test, val and train."""

    def robs(group: str) -> bool:
        """Say whether a genre of this group would be left without its split."""
        return any(
            all(splits[other] is not splits[group] for other in members[label] if other != group)
            for label in group_labels[group]
            if label in members
        )

    for wanted in (Split.TEST, Split.VAL, Split.TRAIN):
        if any(splits[group] is wanted for group in groups):
            continue
        plenty = [group for group in groups if sum(splits[other] is splits[group] for other in groups) > 1]
        # What was trained on or held out before is moved only if nothing new can be, and never from held out to
        # trained on. Of those that rob no other genre, the first is the one with the lowest hash.
        free = [group for group in plenty if group not in stored or wanted is not Split.TRAIN]
        if free:
            chosen = min(free, key=lambda group: (group in stored, robs(group), splits[group] is not Split.TRAIN))
            splits[chosen] = wanted
