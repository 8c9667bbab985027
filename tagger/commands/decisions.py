"""From probabilities to decisions, under the promise in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.records import Decision, Prediction, TrackState
from tagger.commands.model import heldout_of

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import ModelRow, TrackRow
    from tagger.model.heldout import Heldout

PROMISE_IN_FORCE = "promise"  # key in the index's meta table: what the stored decisions were made under
TYPED = (TrackState.UNMAPPED, TrackState.AMBIGUOUS)

Limits = tuple[Mapping[str, float | None], Collection[str]]


def limits_of(session: Session, heldout: Heldout) -> Limits:
    """Return the confidence from which each genre may be written, and the genres that cannot be measured.

    Parameters
    ----------
    heldout : Heldout
        What the model says of artists that it never heard.
    """
    from tagger.model.calibrate import measured, thresholds

    settings = session.settings
    limits = thresholds(heldout, settings.promise, settings.promise_confidence)
    if settings.promise <= 0:
        return limits, ()
    return limits, {genre for genre, enough in measured(heldout).items() if not enough}


def limits_now(session: Session, current: ModelRow) -> Limits:
    """Return the limits of a model under the promise in force, without loading it."""
    heldout = heldout_of(current)
    # If that is lost, better nothing is written than something under another promise.
    return ({}, ()) if heldout is None else limits_of(session, heldout)


def decided(track: TrackRow, model: str, probabilities: Mapping[str, float], limits: Limits) -> Prediction:
    """Return the prediction of a track with the decision that follows from it."""
    from tagger.outcome.decide import decide

    genre, confidence, decision, reason = decide(probabilities, *limits)
    if track.state in TYPED:
        decision, reason = Decision.ABSTAIN, f"only a person can say what {track.genre_tag!r} means"
    return Prediction(track.track_id, model, probabilities, genre, confidence, decision, reason)


def promise_kept(session: Session, model: str) -> None:
    """Note under which promise the stored decisions of a model were made."""
    settings = session.settings
    session.index.meta.set(PROMISE_IN_FORCE, [model, settings.promise, settings.promise_confidence])


def decide_anew_if_promise_changed(session: Session, current: ModelRow | None) -> None:
    """Decide on all stored predictions of the current model anew if the promise is another than when they were made."""
    settings = session.settings
    if current is None:
        return
    if session.index.meta.get(PROMISE_IN_FORCE) == [current.model_id, settings.promise, settings.promise_confidence]:
        return
    limits = limits_now(session, current)
    for batch in in_batches(session.index.predictions.of_model(current.model_id)):
        tracks = session.index.select.by_ids(prediction.track_id for prediction in batch)
        anew = [decided(tracks[old.track_id], old.model, old.probabilities, limits) for old in batch]
        session.index.predictions.save(anew, session.run_id)
    promise_kept(session, current.model_id)
