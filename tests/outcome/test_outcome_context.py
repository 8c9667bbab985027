"""Context: people's labels of kindred tracks beside the sound; what it may change, and what never."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import ALBUM, ALBUM_ARTIST, ARTIST, NONE, KinKeys
from tagger.outcome.context import Level, SparseTally, Strengths, Tally, explained, few, fuse, note, shares

GENRES = ("edm", "jazz", "pop", "rock")
SHARE = shares({"edm": 10, "jazz": 20, "pop": 30, "rock": 60}, GENRES)
USUAL = Strengths()
EVEN = dict.fromkeys(GENRES, 0.25)

SOUNDS = st.lists(st.floats(0.001, 1), min_size=5, max_size=5).map(
    lambda odds: dict(zip((*GENRES, NONE), (one / sum(odds) for one in odds), strict=True))
)
COUNTS = st.dictionaries(st.sampled_from(GENRES), st.integers(1, 50), min_size=1)
STRENGTHS = st.builds(Strengths, *[st.floats(0.05, 20)] * 2, st.floats(0, 2), st.floats(0, 0.3))


def together(
    sound: dict[str, float], *levels: Level, strengths: Strengths = USUAL, learned: tuple[str, ...] = GENRES
) -> dict[str, float]:
    return fuse([sound], [levels], SHARE, strengths, learned)[0][-1]


# --- joining --------------------------------------------------------------------------------------------------------


@given(SOUNDS, STRENGTHS)
def test_without_context_all_stays_as_it_is(sound: dict[str, float], strengths: Strengths) -> None:
    assert fuse([sound], [()], SHARE, strengths, GENRES) == [[sound]]


@given(SOUNDS, COUNTS, COUNTS, STRENGTHS)
def test_what_comes_out_are_probabilities(
    sound: dict[str, float], artist: dict[str, int], album: dict[str, int], strengths: Strengths
) -> None:
    found = together(sound, Level(ARTIST, artist), Level(ALBUM, album), strengths=strengths)
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)
    assert all(0 <= chance <= 1 for chance in found.values())
    assert found[NONE] == sound[NONE], "labels cannot say that it is none of the genres"


@given(SOUNDS, COUNTS, st.sampled_from(GENRES), st.sampled_from([ARTIST, ALBUM]), STRENGTHS)
def test_one_more_label_never_lowers_its_genre(
    sound: dict[str, float], counts: dict[str, int], genre: str, kind: str, strengths: Strengths
) -> None:
    more = {**counts, genre: counts.get(genre, 0) + 1}
    before = together(sound, Level(kind, counts), strengths=strengths)[genre]
    assert together(sound, Level(kind, more), strengths=strengths)[genre] >= before - 1e-6


def test_an_artist_of_one_genre_outweighs_a_doubtful_sound() -> None:
    sound = {"edm": 0.1, "jazz": 0.2, "pop": 0.45, "rock": 0.25}
    one, many = (together(sound, Level(ARTIST, {"jazz": count})) for count in (1, 12))
    assert sound["jazz"] < one["jazz"] < many["jazz"]
    assert many["jazz"] > 0.8


def test_a_mixed_artist_says_little() -> None:
    sound = {"edm": 0.7, "jazz": 0.1, "pop": 0.1, "rock": 0.1}
    as_the_library = {genre: round(1200 * share) for genre, share in SHARE.items()}
    found = together(sound, Level(ARTIST, as_the_library), strengths=Strengths(doubt=0))
    assert found == pytest.approx(sound, abs=0.01)


def test_the_album_has_the_last_word() -> None:
    levels = Level(ARTIST, {"jazz": 20, "pop": 5}), Level(ALBUM, {"pop": 5})
    assert together(EVEN, levels[0])["jazz"] > 0.5
    assert together(EVEN, *levels)["pop"] > 0.5


def test_a_genre_that_the_model_never_met_comes_from_the_labels_alone() -> None:
    sound = {"edm": 0.05, "jazz": 0.0, "pop": 0.05, "rock": 0.9}
    learned = ("edm", "pop", "rock")
    assert together(sound, Level(ARTIST, {"jazz": 12}), learned=learned)["jazz"] > 0.5
    assert together(sound, learned=learned) == sound


def test_many_at_once_are_as_one_by_one() -> None:
    sounds = [EVEN, {"edm": 0.7, "jazz": 0.1, "pop": 0.1, "rock": 0.1}]
    contexts = [(), (Level(ALBUM, {"pop": 1}), Level(ARTIST, {"edm": 2}))]
    assert fuse(sounds, contexts, SHARE, Strengths(), GENRES) == [
        fuse([sound], [levels], SHARE, Strengths(), GENRES)[0] for sound, levels in zip(sounds, contexts, strict=True)
    ]
    assert fuse([], [], SHARE, Strengths(), GENRES) == []


# --- counting -------------------------------------------------------------------------------------------------------

ANN, BOB, LIVE = (ARTIST, "ann"), (ARTIST, "bob"), (ALBUM, "ann\0live")
LABELLED: list[tuple[str, str, KinKeys]] = [
    ("a1", "jazz", (ANN, LIVE)),
    ("a2", "jazz", (ANN, LIVE)),
    ("a3", "pop", (ANN,)),
    ("b1", "rock", (BOB,)),
]


def test_labels_of_kin_are_counted_level_by_level() -> None:
    assert Tally(LABELLED).levels("new", (ANN, LIVE)) == (
        Level(ARTIST, {"jazz": 2, "pop": 1}),
        Level(ALBUM, {"jazz": 2}),
    )
    assert Tally(LABELLED).levels("new", ((ARTIST, "eve"),)) == ()
    assert Tally([]).levels("new", (ANN,)) == ()


def test_its_own_label_and_those_of_its_copies_do_not_count() -> None:
    tally = Tally([*LABELLED, ("a1", "jazz", (ANN, (ALBUM, "a sampler")))])
    assert tally.levels("a1", (ANN, LIVE)) == (Level(ARTIST, {"jazz": 1, "pop": 1}), Level(ALBUM, {"jazz": 1}))
    assert tally.levels("b1", (BOB,)) == ()
    assert tally.levels("a1", (BOB,)) == (Level(ARTIST, {"rock": 1}),), "under another name it was not counted"


@given(st.sampled_from(GENRES), st.sampled_from(GENRES))
def test_its_own_label_changes_nothing(one: str, other: str) -> None:
    said = [Tally([*LABELLED, ("a9", genre, (ANN, LIVE))]).levels("a9", (ANN, LIVE)) for genre in (one, other)]
    assert said[0] == said[1] == Tally(LABELLED).levels("a9", (ANN, LIVE))


def test_copies_count_once_and_not_at_all_where_people_disagree() -> None:
    copy = ("a3", "pop", (ANN,))
    assert Tally([*LABELLED, copy, copy]).levels("new", (ANN,)) == Tally(LABELLED).levels("new", (ANN,))
    disputed = Tally([*LABELLED, ("a3", "rock", (ANN,)), copy])
    assert disputed.levels("new", (ANN,)) == (Level(ARTIST, {"jazz": 2}),)
    assert disputed.total == {"jazz": 2, "rock": 1}


@given(st.randoms(use_true_random=False))
def test_the_order_of_tracks_does_not_matter(order: random.Random) -> None:
    rows = [*LABELLED, ("a3", "rock", (ANN,)), ("a1", "jazz", (BOB,))]
    turned = rows.copy()
    order.shuffle(turned)
    for track, keys in (("new", (ANN, LIVE)), ("a1", (ANN, BOB)), ("a3", (ANN,))):
        assert Tally(turned).levels(track, keys) == Tally(rows).levels(track, keys)


def test_sparse_labels_are_one_of_each_artist_never_the_own() -> None:
    tally = Tally([*LABELLED, ("b2", "pop", (BOB,)), ("x1", "edm", ((ALBUM, "hits"),)), ("x2", "edm", ())])
    sparse = SparseTally(tally)
    assert sparse.levels("new", (ANN, LIVE)) == (Level(ARTIST, {"jazz": 1}), Level(ALBUM, {"jazz": 1}))
    assert sparse.levels("b1", (BOB,)) == (Level(ARTIST, {"pop": 1}),)
    assert sparse.levels("b2", (BOB,)) == (Level(ARTIST, {"rock": 1}),)
    assert sparse.levels("x1", ((ALBUM, "hits"),)) == ()


@pytest.mark.parametrize(("counts", "said"), [({"rock": 2}, True), ({"rock": 2, "pop": 1}, False)])
def test_few(counts: dict[str, int], said: bool) -> None:
    assert few([Level(ALBUM, {"rock": 1}), Level(ARTIST, counts)]) is said


def test_no_genre_has_no_share() -> None:
    found = shares({"rock": 100}, GENRES)
    assert sum(found.values()) == pytest.approx(1)
    assert min(found.values()) > 0


# --- saying why -----------------------------------------------------------------------------------------------------


def test_it_is_told_who_said_what() -> None:
    levels = (Level(ALBUM_ARTIST, {"rock": 1}), Level(ARTIST, {"rock": 11, "pop": 1}), Level(ALBUM, {"pop": 2}))
    steps = fuse([EVEN], [levels], SHARE, Strengths(), GENRES)[0]
    why = explained("rock", steps, levels)
    assert why is not None
    assert why["audio"] == EVEN
    assert why[ARTIST] == {"counts": {"pop": 1, "rock": 11}, "probability": steps[2]["rock"]}
    assert why[ALBUM]["probability"] == steps[-1]["rock"]
    assert note("rock", why) == (
        " (sound 0.25; 1 of 1 by the album artist; 11 of 12 by the artist; 0 of 2 on the album)"
    )


def test_nothing_is_told_where_nobody_said_anything() -> None:
    assert explained("rock", [EVEN], ()) is None
    assert note("rock", None) == ""
