"""From what a model hears to decisions: people's labels of kindred tracks, and the promise in force."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tagger.base.batches import in_batches
from tagger.base.records import Decision, Prediction, TrackState
from tagger.commands.context import Contexts, kin_of, load_contexts
from tagger.commands.model import heldout_of

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.index.rows import ModelRow, TrackRow
    from tagger.model.heldout import Heldout
    from tagger.outcome.context import Level

IN_FORCE = "promise"  # key in the index's meta table: what the stored decisions were made under
TYPED = (TrackState.UNMAPPED, TrackState.AMBIGUOUS)
COLD = "nothing was learned here yet, so a person decides"

Limits = tuple[Mapping[str, float | None], Collection[str]]


def limits_of(session: Session, heldout: Heldout) -> Limits:
    """Return the confidence from which each genre may be written, and the genres that cannot be measured.

    Parameters
    ----------
    heldout : Heldout
        What the model says of artists that it never heard, by itself or beside what people say of their kin.
    """
    from tagger.model.calibrate import measured, thresholds

    settings = session.settings
    limits = thresholds(heldout, settings.promise, settings.promise_confidence)
    if settings.promise <= 0:
        return limits, ()
    return limits, {genre for genre, enough in measured(heldout).items() if not enough}


@dataclass(frozen=True, slots=True)
class Said:
    """What a model says of a track by its sound: probabilities, and for how many clips each genre was the likeliest."""

    sound: Mapping[str, float]
    clips: Mapping[str, int]


@dataclass(frozen=True)
class Rules:
    """By what decisions are made: the limits where sound speaks alone, those where labels of a few or of many kindred
    tracks speak beside it, and these labels (None: sound always speaks alone). A model that has learned from no label
    at all (`cold_start`) decides nothing without a person."""

    alone: Limits
    few: Limits
    many: Limits
    contexts: Contexts | None
    cold_start: bool = False

    def decided(self, tracks: Sequence[TrackRow], model: str, heard: Sequence[Said]) -> list[Prediction]:
        """Return the predictions of tracks, of which a model said this, with the decisions that follow."""
        steps: Sequence[Sequence[Mapping[str, float]]] = [[one.sound] for one in heard]
        levels: Sequence[Sequence[Level]] = [()] * len(tracks)
        if self.contexts is not None:
            levels = [self.contexts.levels(kin_of(track)) for track in tracks]
            steps = self.contexts.fuse([one.sound for one in heard], levels)
        return [
            self._decided(track, model, voices, said, one.clips)
            for track, voices, said, one in zip(tracks, steps, levels, heard, strict=True)
        ]

    def _decided(
        self,
        track: TrackRow,
        model: str,
        voices: Sequence[Mapping[str, float]],
        levels: Sequence[Level],
        clips: Mapping[str, int],
    ) -> Prediction:
        from tagger.outcome.context import explained, few, note
        from tagger.outcome.decide import decide

        limits = self.alone if not levels else self.few if few(levels) else self.many
        genre, confidence, decision, reason = decide(voices[-1], *limits)
        context = explained(genre, voices, levels, clips)
        reason += note(genre, context)
        if self.cold_start:
            decision, reason = Decision.ABSTAIN, f"{confidence:.2f} by the trunk's tags alone: {COLD}"
        if track.state in TYPED:
            decision, reason = Decision.ABSTAIN, f"only a person can say what {track.genre_tag!r} means"
        return Prediction(track.track_id, model, voices[-1], genre, confidence, decision, reason, context)


def rules_of(session: Session, current: ModelRow, heldout: Heldout | None) -> Rules:
    """Return the rules of a model under the promise and the labels in force.

    Each kind of track has limits from evidence of its own kind: those with context from held-out tracks with as much of
    it, without their own labels, the others from what sound alone says of held-out artists. Where much of the artist is
    labelled, either evidence with context will do: at one confidence such tracks are no less often right. Where the
    evidence is lost (None), better nothing is written than something under another promise.
    """
    cold = bool(current.card.get("cold_start"))
    alone: Limits = ({}, ()) if heldout is None else limits_of(session, heldout)
    found = load_contexts(session, current, heldout)
    if found is None:
        return Rules(alone, alone, alone, None, cold)
    contexts, evidence = found
    if evidence is None:
        return Rules(alone, alone, alone, contexts, cold)
    few, many = limits_of(session, evidence.few), limits_of(session, evidence.many)
    return Rules(alone, few, (lower(few[0], many[0]), set(few[1]) & set(many[1])), contexts, cold)


def lower(limits: Mapping[str, float | None], others: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return of each genre the lower of two limits; None where there is neither."""
    pairs = {genre: (limit, others.get(genre)) for genre, limit in limits.items()}
    return {genre: min((one for one in pair if one is not None), default=None) for genre, pair in pairs.items()}


def limits_now(session: Session, current: ModelRow) -> Limits:
    """Return the limits of a model where sound speaks alone, without loading it."""
    heldout = heldout_of(current)
    return ({}, ()) if heldout is None else limits_of(session, heldout)


def decide_anew_where_due(session: Session, current: ModelRow | None) -> Rules | None:
    """Decide on all stored predictions of the current model anew if promise or labels are others than when they were
    made.

    Returns
    -------
    Rules or None
        Those that were needed for it.
    """
    settings, index = session.settings, session.index
    if current is None:
        return None
    promise = [current.model_id, settings.promise, settings.promise_confidence]
    now = [*promise, settings.context, index.meta.generation if settings.context else None]
    then = index.meta.get(IN_FORCE, [])
    if then == now:
        return None
    heldout = heldout_of(current)
    if heldout is None and then[: len(promise)] == promise:
        return None  # the evidence is lost since: what was decided on it stands while the promise does
    rules = rules_of(session, current, heldout)
    for batch in in_batches(index.predictions.of_model(current.model_id)):
        tracks = index.select.by_ids(prediction.track_id for prediction in batch)
        heard = [Said(old.audio, old.clips) for old in batch]
        anew = rules.decided([tracks[old.track_id] for old in batch], current.model_id, heard)
        index.predictions.save([new for old, new in zip(batch, anew, strict=True) if new != old], session.run_id)
    index.meta.set(IN_FORCE, now)
    return rules
