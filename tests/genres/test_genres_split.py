"""Who is one artist, which folder is one album, and who is held out when genres overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import Split
from tagger.genres.map import GenreMap
from tagger.genres.split import GroupRow, assign_splits, group_tracks

GROUPS = st.dictionaries(
    st.integers(0, 60).map(lambda n: f"artist {n}"),
    st.dictionaries(st.sampled_from(["rock", "jazz", "pop"]), st.integers(1, 5), min_size=1, max_size=2),
    max_size=40,
)


def row(track: str, artist: str | None = None, folder: str = "", library: int = 1, **more: object) -> GroupRow:
    facts = {"album_artist": None, "album": None, **more}
    return GroupRow(track=track, library=library, folder=folder.encode(), artist=artist, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Beatles", "Beatles, The"),
        ("Björk", "BJORK"),
        ("AC/DC", "ACDC"),
        ("Simon & Garfunkel", "Simon and Garfunkel"),
        ("Simon &amp; Garfunkel", "Simon & Garfunkel"),
        ("Jay-Z feat. Rihanna", "Jay-Z"),
        ("Jay-Z (ft. Rihanna)", "Jay Z"),
        ("Ann; Bob", "Ann"),
        ("Ann\0Bob", "ann"),
        ("Y", "y"),
        ("!!!", " !!! "),
    ],
)
def test_spellings_of_an_artist(default_map: GenreMap, one: str, other: str) -> None:
    groups = group_tracks([row("1", one, "a"), row("2", other, "b")], default_map)
    assert groups["1"] == groups["2"]


@pytest.mark.parametrize(
    ("one", "other"),
    [("The The", "The Who"), ("Y", "Et"), ("!!!", "???"), ("Prince", "Princess"), ("Ann", "Ann & Bob")],
)
def test_different_artists(default_map: GenreMap, one: str, other: str) -> None:
    groups = group_tracks([row("1", one), row("2", other)], default_map)
    assert groups["1"] != groups["2"]


@pytest.mark.parametrize(
    "name", ["Various Artists", "VA", "V.A.", "V/A", "[unknown]", "Unknown Artist", "", " ", "AA.VV."]
)
def test_nobody_is_no_artist(default_map: GenreMap, name: str) -> None:
    groups = group_tracks([row("1", name), row("2", name), row("3", "Ann", album_artist=name)], default_map)
    assert groups == {"1": "track 1", "2": "track 2", "3": "artist ann"}


def test_on_a_compilation_the_artist_comes_first(default_map: GenreMap) -> None:
    rows = [row("1", "Ann", album_artist="Label Nights", compilation=True), row("2", "Ann")]
    assert set(group_tracks(rows, default_map).values()) == {"artist ann"}


def test_discs_of_a_set_are_one_album(default_map: GenreMap) -> None:
    folders = ["Set/CD1", "Set/Disc 2", "Set/cd 3 - live", "Other/CD1"]
    groups = group_tracks([row(str(n), folder=folder) for n, folder in enumerate(folders)], default_map)
    assert len({groups["0"], groups["1"], groups["2"]}) == 1
    assert groups["3"] != groups["0"]


def test_same_folder_of_two_libraries_is_two(default_map: GenreMap) -> None:
    groups = group_tracks([row("1", folder="x"), row("2", folder="x", library=2)], default_map)
    assert groups["1"] != groups["2"]


def test_a_year_is_an_album_and_a_folder_need_not_be_text(default_map: GenreMap) -> None:
    odd = GroupRow("3", 1, b"\xff\xfe", None, None, None)
    groups = group_tracks([row("1", folder="1984"), row("2", folder="1984"), odd], default_map)
    assert groups["1"] == groups["2"]
    assert groups["3"].isprintable()


def test_copies_are_one_track_whatever_their_order(default_map: GenreMap) -> None:
    rows = [row("1", None, "a"), row("1", "Ann", "b"), row("1", "Bob", "c"), row("2", "Ann", "d")]
    groups = group_tracks(rows, default_map)
    assert groups == group_tracks(rows[::-1], default_map) == {"1": "artist ann", "2": "artist ann"}


@given(st.dictionaries(st.integers(0, 60), st.sampled_from(["rock", "jazz", "pop"]), max_size=40), st.integers(0, 9))
def test_measurable_genres_are_held_out_and_the_others_trained_on(genres: dict[int, str], seed: int) -> None:
    splits = assign_splits({f"artist {n}": {genre: 1} for n, genre in genres.items()}, {}, seed)
    for genre in set(genres.values()):
        found = [splits[f"artist {n}"] for n, of in genres.items() if of == genre]
        assert set(found) == (set(Split) if len(found) >= 3 else {Split.TRAIN})


@given(GROUPS, st.integers(0, 9))
def test_every_genre_of_three_groups_is_held_out_though_groups_have_several(
    groups: dict[str, dict[str, int]], seed: int
) -> None:
    splits = assign_splits(groups, {}, seed)
    assert set(splits) == set(groups)
    for genre in ("rock", "jazz", "pop"):
        found = {splits[group] for group, labels in groups.items() if genre in labels}
        if sum(genre in labels for labels in groups.values()) >= 3:
            assert len(found) > 1


@given(GROUPS, GROUPS, st.integers(0, 9))
def test_nothing_once_held_out_is_trained_on(
    first: dict[str, dict[str, int]], later: dict[str, dict[str, int]], seed: int
) -> None:
    before = assign_splits(first, {}, seed)
    after = assign_splits({**first, **later}, before, seed)
    assert all(after[group] is not Split.TRAIN for group, split in before.items() if split is not Split.TRAIN)


def test_two_groups_are_trained_on_whatever_their_hash() -> None:
    for seed in range(30):
        assert set(assign_splits({"a": {"jazz": 1}, "b": {"jazz": 1}}, {}, seed).values()) == {Split.TRAIN}


def test_lowest_hash_goes_to_test_and_the_next_to_val() -> None:
    groups = {f"g{n}": {"rock": 1} for n in range(3)}
    by_hash = sorted(groups, key=lambda g: next(t / 1000 for t in range(1001) if _in_test(g, t / 1000)))
    splits = assign_splits(groups, {}, 4, val=0.0, test=0.0)
    assert [splits[group] for group in by_hash] == [Split.TEST, Split.VAL, Split.TRAIN]


def _in_test(group: str, share: float) -> bool:
    """Say whether a group's hash is below `share`: among many others of its genre, none of which needs to move."""
    crowd = {f"x{n}": {"rock": 1} for n in range(200)}
    return assign_splits({group: {"rock": 1}, **crowd}, {}, 4, val=0.0, test=share)[group] is Split.TEST


def test_a_new_group_is_held_out_before_one_that_was_trained_on() -> None:
    stored = {"a": Split.TRAIN, "b": Split.TRAIN}
    groups = {name: {"rock": 1} for name in ("a", "b", "c", "d")}
    for seed in range(10):
        splits = assign_splits(groups, stored, seed)
        assert (splits["a"], splits["b"]) == (Split.TRAIN, Split.TRAIN)
        assert {splits["c"], splits["d"]} == {Split.TEST, Split.VAL}
