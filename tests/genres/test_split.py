"""Artists are held out whole, the same ones every night, and every genre that can be measured is."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import Split
from tagger.genres.map import GenreMap, default_map_path, load_map
from tagger.genres.split import GroupRow, assign_splits, group_tracks


@pytest.fixture(scope="module")
def genre_map() -> GenreMap:
    return load_map(default_map_path())


def row(track: str, folder: str = "x", artist: str = "", album_artist: str = "", album: str = "") -> GroupRow:
    return GroupRow(track, 1, folder.encode(), artist or None, album_artist or None, album or None)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (row("1", "a", artist="Ann"), row("2", "b", artist=" ANN "), True),
        (row("1", "a", artist="Ann"), row("2", "a", artist="Bob"), False),
        (row("1", "a", artist="Ann feat. Bob", album_artist="Ann"), row("2", "b", artist="Ann"), True),
        (row("1", "a", "Ann", "Various Artists"), row("2", "a", "Bob", "Various Artists"), False),
        (row("1", "a", "Ann", "Various Artists"), row("2", "b", "Ann"), True),
        (row("1", "a", album="X"), row("2", "a", album="X"), True),
        (row("1", "a"), row("2", "a"), True),
        (row("1", "a", album="X"), row("2", "a", album="Y"), False),
        (row("1", "Rock"), row("2", "Rock"), False),
        (row("1", "old/Hip-Hop"), row("2", "old/Hip-Hop"), False),
        (row("1", ""), row("2", ""), False),
    ],
    ids=[
        *[
            "same artist",
            "other artist",
            "album artist first",
            "sampler",
            "sampler and album",
            "album folder",
            "folder",
        ],
        *["several albums", "genre folder", "genre folder below", "top of the library"],
    ],
)
def test_groups(genre_map: GenreMap, first: GroupRow, second: GroupRow, together: bool) -> None:
    groups = group_tracks([first, second], genre_map)
    assert (groups["1"] == groups["2"]) is together


def labels(genre: str, count: int) -> dict[str, dict[str, int]]:
    return {f"{genre}{i}": {genre: 2} for i in range(count)}


@pytest.mark.parametrize("seed", range(20))
def test_genre_with_three_groups_is_in_all_splits(seed: int) -> None:
    splits = assign_splits(labels("rock", 3) | labels("jazz", 2), {}, seed)
    assert {splits[f"rock{i}"] for i in range(3)} == set(Split)


def test_shares_are_as_asked() -> None:
    counts = Counter(assign_splits(labels("rock", 4000), {}, 1).values())
    assert counts[Split.TEST] == pytest.approx(600, abs=80)
    assert counts[Split.VAL] == pytest.approx(600, abs=80)


@given(st.sets(st.integers(0, 200), min_size=1), st.sets(st.integers(0, 200)), st.integers(0, 5))
def test_stored_assignments_stay_as_the_library_grows(first: set[int], later: set[int], seed: int) -> None:
    before = assign_splits({f"g{i}": {"rock": 1} for i in first}, {}, seed)
    after = assign_splits({f"g{i}": {"rock": 1} for i in first | later}, before, seed)
    held_out = [group for group, split in before.items() if split is not Split.TRAIN]
    assert all(after[group] is before[group] for group in held_out)


def test_split_does_not_depend_on_order() -> None:
    groups = labels("rock", 50)
    assert assign_splits(groups, {}, 3) == assign_splits(dict(reversed(groups.items())), {}, 3)
