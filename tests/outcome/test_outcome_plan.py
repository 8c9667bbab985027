"""The plan: who is in it, in which order, and why the others are not."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagger.base.records import Decision, TrackState
from tagger.outcome import plan as planning
from tagger.outcome.plan import Candidate, make_plan


def candidate(number: int, album: str = "", confidence: float | None = 0.9, **changes: object) -> Candidate:
    plain = Candidate(
        track_id=number,
        path=b"/music/%03d.mp3" % number,
        album=album,
        state=TrackState.UNTAGGED,
        closed=False,
        genre_tag=None,
        current=None,
        genre="rock",
        confidence=confidence,
        decision=Decision.ACCEPT,
        reason="0.90 reaches the 0.80 that rock needs",
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def ids(items: tuple[planning.PlanItem, ...]) -> list[int | None]:
    return [item.track_id for item in items]


@pytest.mark.parametrize(
    ("changes", "flags", "left"),
    [
        pytest.param({}, {}, None, id="untagged and sure"),
        pytest.param({"genre_tag": "Unknown"}, {}, None, id="fillable placeholder"),
        pytest.param({"state": TrackState.LABELLED}, {}, "has a person's genre", id="labelled"),
        pytest.param({"state": TrackState.LABELLED}, {"again": True}, "has a person's genre", id="labelled, again"),
        pytest.param({"state": TrackState.LABELLED}, {"refresh": True}, "has a person's genre", id="labelled, refresh"),
        pytest.param(
            {"state": TrackState.UNMAPPED}, {"again": True}, "has a genre tag that the map does not know", id="unmapped"
        ),
        pytest.param(
            {"state": TrackState.AMBIGUOUS},
            {"again": True},
            planning.LEFT_BECAUSE[TrackState.AMBIGUOUS],
            id="ambiguous",
        ),
        pytest.param(
            {"state": TrackState.SKIPPED}, {"again": True}, planning.LEFT_BECAUSE[TrackState.SKIPPED], id="skipped"
        ),
        pytest.param({"closed": True}, {}, planning.CLOSED, id="closed"),
        pytest.param({"closed": True}, {"again": True}, None, id="closed, again"),
        pytest.param(
            {"state": TrackState.MACHINE, "current": "pop"}, {}, "was filled by an earlier run", id="machine genre"
        ),
        pytest.param(
            {"state": TrackState.MACHINE, "current": "pop"},
            {"again": True},
            "was filled by an earlier run",
            id="machine genre, again",
        ),
        pytest.param({"state": TrackState.MACHINE, "current": "pop"}, {"refresh": True}, None, id="refreshed"),
        pytest.param(
            {"state": TrackState.MACHINE, "current": "rock"},
            {"refresh": True},
            "was filled by an earlier run",
            id="refreshed, but the same",
        ),
        pytest.param(
            {"state": TrackState.MACHINE},
            {"refresh": True},
            "was filled by an earlier run",
            id="refreshed, not in the map",
        ),
        pytest.param({"duration_ok": False}, {"again": True}, planning.LENGTH, id="a jingle"),
        pytest.param({"genre": None, "confidence": None, "decision": None}, {}, planning.NO_PREDICTION, id="not asked"),
        pytest.param({"decision": Decision.ABSTAIN}, {"again": True}, planning.NOT_SURE, id="not sure"),
        pytest.param({"decision": Decision.CLOSED}, {}, planning.NOT_SURE, id="no acceptance"),
        pytest.param({"person_genre": "jazz"}, {}, None, id="a person decided"),
        pytest.param(
            {"person_genre": "jazz", "state": TrackState.LABELLED, "current": "rock", "closed": True},
            {},
            None,
            id="a person decided otherwise than the tag",
        ),
        pytest.param(
            {"person_genre": "jazz", "current": "jazz"}, {}, planning.ALREADY_AS_DECIDED, id="already as decided"
        ),
        pytest.param(
            {"person_genre": "jazz", "duration_ok": False}, {}, planning.DECIDED_BUT_LENGTH, id="a decided jingle"
        ),
    ],
)
def test_who_is_in_the_plan(changes: dict[str, object], flags: dict[str, bool], left: str | None) -> None:
    plan = make_plan([candidate(1, **changes)], None, **flags)
    assert plan.left == (() if left is None else ((left, 1),))
    assert len(plan.items) == (left is None)
    assert plan.postponed == ()


def test_an_item_says_what_changes_and_why() -> None:
    machine, person = make_plan(
        [candidate(2, genre_tag="Unknown", album="a"), candidate(1, person_genre="jazz", genre_tag="Pop")], None
    ).items[::-1]
    assert (machine.before, machine.after, machine.confidence, machine.decision, machine.album) == (
        *("Unknown", "rock", 0.9, "accept", "a"),
    )
    assert machine.reason == "0.90 reaches the 0.80 that rock needs"
    assert (person.before, person.after, person.confidence, person.decision) == ("Pop", "jazz", None, "person")


def test_filling_again_says_so() -> None:
    (item,) = make_plan([candidate(1, closed=True)], None, again=True).items
    assert item.reason == "filled again, as asked; 0.90 reaches the 0.80 that rock needs"


def test_replacing_an_earlier_run_says_so() -> None:
    (item,) = make_plan([candidate(1, state=TrackState.MACHINE, current="pop")], None, refresh=True).items
    assert item.reason == "replaces pop of an earlier run; 0.90 reaches the 0.80 that rock needs"


def test_left_is_counted_most_frequent_first() -> None:
    tracks = [candidate(number, decision=Decision.ABSTAIN) for number in range(3)]
    plan = make_plan([candidate(9, duration_ok=False), *tracks], 10)
    assert plan.left == ((planning.NOT_SURE, 3), (planning.LENGTH, 1))


ALBUM = [candidate(number, "album", 0.80) for number in (1, 2, 3)]
SURER = [candidate(number, "surer", 0.95) for number in (11, 12)]
SINGLES = [candidate(21, confidence=0.99), candidate(22, confidence=0.7)]
DECIDED = [candidate(30, person_genre="jazz")]


@pytest.mark.parametrize(
    ("tracks", "budget", "written"),
    [
        pytest.param([*ALBUM, *SURER, *SINGLES], None, [11, 12, 1, 2, 3, 21, 22], id="no limit"),
        pytest.param([*ALBUM, *SURER, *SINGLES], 5, [11, 12, 1, 2, 3], id="albums before singles"),
        pytest.param([*ALBUM, *SURER, *SINGLES], 4, [11, 12, 21, 22], id="an album that does not fit waits whole"),
        pytest.param([*ALBUM, *SURER, *SINGLES], 3, [11, 12, 21], id="the surest single fills up"),
        pytest.param([*ALBUM, *SINGLES], 2, [21, 1], id="an album larger than any night goes in parts"),
        pytest.param([*ALBUM, *SURER, *SINGLES, *DECIDED], 3, [30, 11, 12], id="a person's word first"),
        pytest.param([*ALBUM, *DECIDED], 3, [30], id="room that fits nothing whole stays empty"),
        pytest.param([*ALBUM, *DECIDED], 0, [], id="nothing tonight"),
        pytest.param([candidate(5, "lone", 0.75), *SINGLES], 2, [21, 5], id="an album of one is a single"),
    ],
)
def test_the_budget(tracks: list[Candidate], budget: int | None, written: list[int]) -> None:
    plan = make_plan(tracks, budget)
    assert ids(plan.items) == written
    assert sorted(map(str, ids(plan.items + plan.postponed))) == sorted(str(track.track_id) for track in tracks)


tracks_of = st.lists(
    st.builds(
        candidate,
        number=st.integers(0, 999),
        album=st.sampled_from(["", "", "a", "b", "c"]),
        confidence=st.sampled_from([0.7, 0.8, 0.9, 0.1 + 0.2]),
        person_genre=st.sampled_from([None, None, None, "jazz"]),
    ),
    max_size=25,
    unique_by=lambda track: track.track_id,
)


@given(tracks_of, st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(tracks: list[Candidate], budget: int, random: object) -> None:
    shuffled = list(tracks)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert make_plan(tracks, budget) == make_plan(shuffled, budget)


@given(tracks_of, st.integers(1, 30))
def test_all_is_written_in_the_end_and_no_album_in_halves(tracks: list[Candidate], budget: int) -> None:
    left = {track.track_id: track for track in tracks}
    sizes = {album: sum(t.album == album and not t.person_genre for t in tracks) for album in "abc"}
    for _ in range(len(tracks)):
        plan = make_plan(left.values(), budget)
        assert len(plan.items) <= budget
        for album, size in sizes.items():
            tonight = sum(item.album == album and item.decision == "accept" for item in plan.items)
            assert tonight in (0, size) or size > budget
        for item in plan.items:
            del left[item.track_id or 0]
    assert not left
