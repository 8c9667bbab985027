"""Which tracks are learned from, classified, written and exported; and the counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tagger.base.records import Decision, FoundFile, Prediction, TrackLabel, TrackState
from tagger.index.journal import Journal
from tagger.index.rows import DecisionKind, GenreTagCount, LabelCase, NewDecision, TrackRow, UnreadableFile
from tagger.index.store import Index

Put = Callable[..., TrackRow]

STATES = {
    "Rock": TrackLabel(TrackState.LABELLED, "rock", False),
    "Zydeco": TrackLabel(TrackState.UNMAPPED, None, False),
    "Rock; Pop": TrackLabel(TrackState.AMBIGUOUS, None, False),
    "Speech": TrackLabel(TrackState.SKIPPED, None, False),
    None: TrackLabel(TrackState.UNTAGGED, None, False),
    "Jazz": TrackLabel(TrackState.MACHINE, None, True),
}


def by_tag(case: LabelCase) -> TrackLabel:
    return STATES[case.track.genre_tag]


@pytest.fixture
def tracks(index: Index, scan: Put) -> dict[str | None, TrackRow]:
    """A track in each state."""
    put = {genre: scan(f"{genre}.mp3".encode(), genre) for genre in STATES}
    assert index.tracks.relabel(by_tag) == len(STATES)
    index.models.add("m1", "cnn2d", "models/m1", {})
    index.models.add("m2", "cnn2d", "models/m2", {})
    return put


def said(track: TrackRow, model: str = "m1", genre: str = "pop", decision: Decision = Decision.ACCEPT) -> Prediction:
    return Prediction(track.track_id, model, {"rock": 0.25, "pop": 0.75}, genre, 0.75, decision, "sure")


def test_labelled_and_counts(index: Index, library: int, tracks: dict[str | None, TrackRow]) -> None:
    index.tracks.save_unreadable(library, [UnreadableFile(FoundFile(b"broken", 1, 1), "cut off")], None)
    index.tracks.mark_missing([tracks["Zydeco"].track_id])
    assert [(row.path, row.label) for row in index.select.labelled()] == [(b"Rock.mp3", "rock")]
    counts = index.select.counts([library])
    assert counts.states == {state: 0 if state is TrackState.UNMAPPED else 1 for state in TrackState}
    assert (counts.unreadable, counts.missing) == (1, 1)
    assert sum(index.select.counts([library + 1]).states.values()) == 0


def test_tracks_can_be_narrowed_to_libraries_and_states(
    index: Index, library: int, tracks: dict[str | None, TrackRow]
) -> None:
    assert {row.genre_tag for row in index.select.tracks([library])} == set(STATES)
    assert list(index.select.tracks([library + 1])) == []
    assert list(index.select.tracks([])) == []
    machine = index.select.tracks(states=[TrackState.MACHINE, TrackState.SKIPPED])
    assert [(row.genre_tag, row.closed) for row in machine] == [("Speech", False), ("Jazz", True)]


def test_to_classify_leaves_out_labels_and_what_this_model_has_said(
    index: Index, tracks: dict[str | None, TrackRow]
) -> None:
    index.predictions.save([said(tracks[None]), said(tracks["Zydeco"], "m2")], None)
    unlabelled = set(STATES) - {"Rock"}
    assert {row.genre_tag for row in index.select.to_classify("m1")} == unlabelled - {None}
    assert {row.genre_tag for row in index.select.to_classify("m1", refresh=True)} == unlabelled
    assert {row.genre_tag for row in index.select.to_classify("m2", states=[TrackState.UNTAGGED])} == {None}
    assert list(index.select.to_classify("m2", library_ids=[])) == []


def test_predictions_may_be_saved_while_the_tracks_to_classify_are_walked(index: Index, scan: Put) -> None:
    for number in range(3):
        scan(b"%d" % number, None)
    index.tracks.relabel(by_tag)
    index.models.add("m1", "cnn2d", "models/m1", {})
    for row in index.select.to_classify("m1"):
        index.predictions.save([said(row)], "run-1")
    assert len(list(index.predictions.of_model("m1"))) == 3
    assert list(index.select.to_classify("m1")) == []


def test_views_join_what_the_model_and_a_person_say(
    index: Index, journal: Journal, tracks: dict[str | None, TrackRow]
) -> None:
    prediction = said(tracks[None], decision=Decision.ABSTAIN)
    index.predictions.save([prediction, said(tracks["Zydeco"], "m2")], None)
    spoken = [
        NewDecision(tracks["Rock; Pop"], DecisionKind.GENRE, "pop"),
        NewDecision(tracks["Speech"], DecisionKind.DISMISS),
    ]
    index.decisions.record(journal, spoken, "run-1")
    views = {view.track.genre_tag: view for view in index.select.views("m1")}
    assert set(views) == set(STATES)
    assert views[None].prediction == prediction
    assert views["Zydeco"].prediction is None
    decision = views["Rock; Pop"].decision
    assert decision is not None
    assert (decision.kind, decision.genre, decision.run_id) == (DecisionKind.GENRE, "pop", "run-1")
    assert views["Speech"].decision is None
    assert {tag for tag, view in views.items() if view.dismissed} == {"Speech"}
    candidates = {view.track.genre_tag for view in index.select.views("m1", spoken_of=True)}
    assert candidates == {None, "Rock; Pop"}
    assert [view.prediction for view in index.select.views(None, states=[TrackState.UNTAGGED])] == [None]


def test_genre_tags_are_counted_the_most_frequent_first(index: Index, library: int, scan: Put) -> None:
    for number, genre in enumerate(["Rock", "Pop", "Rock", None, "Blues"]):
        scan(b"%d" % number, genre)
    expected = [("Rock", 2), (None, 1), ("Blues", 1), ("Pop", 1)]
    assert index.select.genre_tag_counts([library]) == [GenreTagCount(*pair) for pair in expected]
    assert index.select.genre_tag_counts(states=[TrackState.MACHINE]) == []


def test_by_ids_leaves_unknown_ids_out(index: Index, scan: Put) -> None:
    row = scan(b"a")
    assert index.select.by_ids([row.track_id, 999_999]) == {row.track_id: row}
