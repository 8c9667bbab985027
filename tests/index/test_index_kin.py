"""Who belongs together, what is stored of their say, and how the index tells that it may be out of date."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tagger.base.records import Decision, Kin, Prediction, TrackLabel, TrackState
from tagger.index.rows import LabelCase, TrackRow
from tagger.index.store import Index

Scan = Callable[..., TrackRow]


def label_of(genre: str | None, state: TrackState) -> Callable[[LabelCase], TrackLabel]:
    return lambda case: TrackLabel(state, genre, False)


def test_kin_has_the_labels_of_people_only(index: Index, library: int, scan: Scan) -> None:
    scan(b"Low/Things/a", fingerprint="a" * 32, album_artist="LOW", compilation=True)
    index.tracks.relabel(label_of("rock", TrackState.LABELLED))
    scan(b"b", fingerprint="b" * 32)
    index.tracks.relabel(label_of(None, TrackState.MACHINE))
    gone = scan(b"c")
    index.tracks.mark_missing([gone.track_id])
    album = "Things We Lost in the Fire"
    assert list(index.select.kin()) == [
        Kin("a" * 32, library, b"Low/Things", "Low", "LOW", album, True, "rock"),
        Kin("b" * 32, library, b"", "Low", None, album, False, None),
    ]


def test_context_is_kept_with_a_prediction(index: Index, scan: Scan) -> None:
    index.models.add("m1", "cnn2d", "", {})
    track = scan(b"a")
    context = {"audio": {"rock": 0.4, "r&b": 0.6}, "artist": {"counts": {"rock": 3}, "probability": 0.9}}
    said = Prediction(track.track_id, "m1", {"rock": 0.9, "r&b": 0.1}, "rock", 0.9, Decision.ACCEPT, "", context)
    index.predictions.save([said], None)
    assert list(index.predictions.of_model("m1")) == [said]
    (view,) = index.select.views("m1")
    assert view.prediction == said
    assert said.audio == context["audio"]
    index.predictions.save([alone := dataclasses.replace(said, context=None)], None)
    assert list(index.predictions.of_model("m1")) == [alone]
    assert alone.audio == alone.probabilities


def test_the_generation_grows_with_what_context_hangs_on_and_with_nothing_else(index: Index, scan: Scan) -> None:
    seen = [index.meta.generation]

    def grew() -> bool:
        seen.append(index.meta.generation)
        return seen[-1] > seen[-2]

    track = scan(b"a")
    assert grew()
    index.tracks.relabel(label_of("rock", TrackState.LABELLED))
    assert grew(), "a person's label is new"
    index.tracks.relabel(label_of("rock", TrackState.LABELLED), everything=True)
    assert not grew(), "it is the same"
    index.tracks.relabel(label_of("pop", TrackState.LABELLED), everything=True)
    assert grew()
    index.tracks.mark_missing([track.track_id])
    assert grew()
    index.tracks.mark_missing([track.track_id])
    assert not grew(), "it was missing before"
    index.tracks.mark_found([track.track_id])
    assert grew()
    index.tracks.move(track.library_id, {track.track_id: b"b/a"})
    assert grew()
    index.tracks.save_audio_problems({})
    index.predictions.keep_only(())
    assert not grew()
    index.tracks.forget([track.track_id])
    assert grew()
