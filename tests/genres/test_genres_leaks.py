"""The audit of a split finds what is planted in it, and nothing in a clean one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.genres.leaks import Leak, LeakKind, SplitTrack, find_leaks, leak_counts, same_titles

HEARD = SplitTrack("a", "train", "Ann", "Ann", "Blue Door", 201.0)
HELD = SplitTrack("b", "test", "Bob", "Bob", "Red Window", 180.0)
CLEAN = [
    HEARD,
    SplitTrack("c", "train", "Cleo", None, "Green Roof", 95.0),
    HELD,
    SplitTrack("d", "val", "Dora", "Various Artists", "Yellow Stairs", 240.0),
    SplitTrack("e", "test"),  # nobody wrote anything down
]


def test_a_clean_split_has_none() -> None:
    assert find_leaks(CLEAN) == []
    assert leak_counts([]) == {"copy": 0, "artist": 0, "song": 0, "machine": 0}
    assert find_leaks([]) == []


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize(
    ("planted", "kind", "other"),
    [
        pytest.param(replace(HELD, track="a"), LeakKind.COPY, 0, id="the same audio"),
        pytest.param(replace(HELD, artist="Ann"), LeakKind.ARTIST, 0, id="a guest who is learned from"),
        pytest.param(replace(HELD, album_artist="ANN feat. Zoe"), LeakKind.ARTIST, 0, id="the same artist spelled so"),
        pytest.param(replace(HELD, title="blue DOOR", duration=201.9), LeakKind.SONG, 0, id="the same song"),
        pytest.param(replace(HELD, title="Blue Door!", duration=200.0), LeakKind.SONG, 0, id="the same song, shorter"),
        pytest.param(replace(HELD, written=True), LeakKind.MACHINE, None, id="a machine's genre"),
    ],
)
def test_a_leak_among_clean_tracks_is_found(planted: SplitTrack, kind: LeakKind, other: int | None, split: str) -> None:
    rows = [*CLEAN, replace(planted, split=split)]
    assert find_leaks(rows) == [Leak(len(CLEAN), kind, other)]
    assert leak_counts(find_leaks(rows)) == {**dict.fromkeys(LeakKind, 0), kind: 1}


def test_a_guest_on_an_album_that_is_learned_from_shuts_out_his_own_album() -> None:
    guest = SplitTrack("g", "train", "Xaver", "Yvonne", "Duet", 100.0)
    own = [SplitTrack(f"x{i}", "test", "Xaver", "Xaver", f"Solo {name}", 120.0 + i) for i, name in enumerate("abc")]
    assert find_leaks([*own, guest]) == [Leak(place, LeakKind.ARTIST, 3) for place in range(3)]


def test_a_guest_on_a_held_out_album_shuts_out_that_track_alone() -> None:
    rows = [
        SplitTrack("x", "train", "Xaver", "Xaver", "Solo", 120.0),
        SplitTrack("y1", "val", "Xaver", "Yvonne", "Duet", 100.0),
        SplitTrack("y2", "val", "Yvonne", "Yvonne", "Alone", 140.0),
    ]
    assert find_leaks(rows) == [Leak(1, LeakKind.ARTIST, 0)]


@pytest.mark.parametrize(
    "title",
    [
        "Intro",
        "intro 2",
        "Track 01",
        "Track01",
        "Outro",
        "Untitled",
        "Titel 7",
        "Piste 3",
        "07",
        "1",
        "!?",
        "a",
        "",
        None,
    ],
)
def test_a_title_that_is_everybodys_is_no_song(title: str | None) -> None:
    rows = [replace(HEARD, title=title), replace(HELD, title=title, duration=HEARD.duration)]
    assert find_leaks(rows) == []


@pytest.mark.parametrize("name", ["Various Artists", "VA", "Unknown Artist", "Various", "", None])
def test_nobody_is_not_the_same_artist(name: str | None) -> None:
    rows = [replace(HEARD, artist=name, album_artist=name), replace(HELD, artist=name, album_artist=name)]
    assert find_leaks(rows) == []


@pytest.mark.parametrize("duration", [None, 203.0], ids=["of unknown length", "of another length"])
def test_the_same_title_alone_is_no_song(duration: float | None) -> None:
    assert find_leaks([HEARD, replace(HELD, title=HEARD.title, duration=duration)]) == []


def test_songs_are_those_that_also_sound_alike() -> None:
    cover = replace(HELD, title=HEARD.title, duration=HEARD.duration)
    rows = [HEARD, replace(HEARD, track="c", artist="Cleo", album_artist=None), cover]
    assert same_titles(rows) == [(2, 0), (2, 1)]
    assert find_leaks(rows, {(2, 1)}) == [Leak(2, LeakKind.SONG, 1)]
    assert find_leaks(rows, set()) == []


@pytest.mark.parametrize(("others", "pairs"), [(1, 1), (3, 3), (4, 0), (20, 0), (300, 0)])
def test_a_title_of_many_tracks_of_one_length_is_everybodys(others: int, pairs: int) -> None:
    heard = [replace(HEARD, track=str(place), artist=f"Artist {place}", album_artist=None) for place in range(others)]
    cover = replace(HELD, title=HEARD.title, duration=HEARD.duration)
    assert same_titles([*heard, cover]) == [(others, place) for place in range(pairs)]


def test_between_held_out_tracks_and_between_learned_ones_there_are_no_leaks() -> None:
    twins = [replace(HEARD, split=split) for split in ("val", "test")]
    assert find_leaks(twins) == []
    assert find_leaks([HEARD, HEARD]) == []


def test_a_machine_genre_that_is_learned_from_is_a_leak_too() -> None:
    assert find_leaks([replace(HEARD, written=True)]) == [Leak(0, LeakKind.MACHINE)]


def test_everything_at_once_names_the_first_that_it_is_known_by() -> None:
    rows = [CLEAN[1], HEARD, HEARD, replace(HEARD, split="test", written=True)]
    assert find_leaks(rows) == [
        Leak(3, LeakKind.ARTIST, 1),
        Leak(3, LeakKind.COPY, 1),
        Leak(3, LeakKind.MACHINE),
        Leak(3, LeakKind.SONG, 1),
    ]
    assert leak_counts(find_leaks(rows)) == {"copy": 1, "artist": 1, "song": 1, "machine": 1}


NAMES = st.sampled_from(["Ann", "ann", "The Bobs", "Bobs, The", "Various Artists", "Cleo", None])
ROWS = st.lists(
    st.builds(
        SplitTrack,
        track=st.sampled_from("abcdefgh"),
        split=st.sampled_from(["train", "val", "test"]),
        artist=NAMES,
        album_artist=NAMES,
        title=st.sampled_from(["Blue Door", "Red Window", "Intro", None]),
        duration=st.sampled_from([100.0, 100.7, 200.0, None]),
        written=st.booleans(),
    ),
    max_size=12,
)


@given(ROWS)
def test_what_is_left_without_the_leaks_is_clean(rows: list[SplitTrack]) -> None:
    """But for songs: whether a title is everybody's depends on how many are left."""
    known = {leak.place for leak in find_leaks(rows)}
    left = find_leaks([row for place, row in enumerate(rows) if place not in known])
    assert {leak.kind for leak in left} <= {LeakKind.SONG}
