"""Tracks of the index as the plan, the audit, the export and the review see them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tagger.base.batches import Once
from tagger.base.records import Decision, TrackState

if TYPE_CHECKING:
    from tagger.commands.session import Session
    from tagger.genres.map import GenreMap
    from tagger.index.rows import TrackRow, TrackView
    from tagger.outcome.audit import AuditTrack, Doubt
    from tagger.outcome.export import ExportRow
    from tagger.outcome.plan import Candidate


def album_key(track: TrackRow) -> str:
    """Return a key that the tracks of one album share; empty for a track of no album."""
    if not track.album:
        return ""
    return f"{track.library_id}/{os.fsdecode(track.folder)}/{track.album.casefold()}"


def length_ok(session: Session, track: TrackRow) -> bool:
    """Say whether a track is neither a jingle nor a show, by its length."""
    settings = session.settings
    return track.duration is not None and settings.min_seconds <= track.duration <= settings.max_seconds


def current_genre(genre_map: GenreMap, track: TrackRow) -> str | None:
    """Return the canonical genre that the file holds now, whoever wrote it."""
    from tagger.genres.labels import match_blocks

    if track.state is TrackState.MACHINE:
        return match_blocks(genre_map, track.genre_blocks).genre
    return track.label


def person_genre(view: TrackView) -> str | None:
    """Return what a person decided in review and is not yet carried out.

    It is out of date once the genre tag is no longer what the person saw, and it is never carried out twice: who
    blanks the genre afterwards, or takes it back with `undo`, has the last word.
    """
    decision = view.decision
    if decision is None or decision.genre is None or view.carried_out:
        return None
    return decision.genre if view.track.genre_tag == decision.genre_tag else None


def candidate(session: Session, view: TrackView) -> Candidate:
    """Return the track for the plan."""
    from tagger.outcome.plan import Candidate

    track, prediction = view.track, view.prediction
    return Candidate(
        track_id=track.track_id,
        path=track.absolute,
        album=album_key(track),
        state=track.state or TrackState.SKIPPED,
        closed=track.closed,
        genre_tag=track.genre_tag,
        current=current_genre(session.genre_map, track),
        genre=prediction.genre if prediction else None,
        confidence=prediction.confidence if prediction else None,
        decision=prediction.decision if prediction else None,
        reason=prediction.reason if prediction else "",
        person_genre=person_genre(view),
        duration_ok=length_ok(session, track),
    )


def audit_track(view: TrackView, unheard: tuple[str, float] | None, doubt: Doubt | None, once: Once) -> AuditTrack:
    """Return the track for the audit; what it has in common with others is kept `once`.

    `unheard` is what the current model says (genre, confidence) if it has never heard the track's artist, `doubt` what
    models say that were made to judge labels: only such can be held against a label.
    """
    from tagger.outcome.audit import AuditTrack

    track = view.track
    said = unheard if track.label is not None else None
    if track.label is None and view.prediction is not None:
        said = view.prediction.genre, view.prediction.confidence
    return AuditTrack(
        path=track.absolute,
        album=once(album_key(track)),
        fingerprint=track.fingerprint,
        state=track.state or TrackState.SKIPPED,
        blocks=once(track.genre_blocks),
        genre_tag=once(track.genre_tag),
        label=once(track.label),
        predicted=once(said[0]) if said else None,
        confidence=said[1] if said else None,
        doubt=doubt if track.label is not None else None,
    )


def export_row(session: Session, view: TrackView) -> ExportRow:
    """Return the track for the export."""
    from tagger.outcome.export import ExportRow

    track, prediction = view.track, view.prediction
    genre = current_genre(session.genre_map, track)
    source = {TrackState.LABELLED: "person", TrackState.MACHINE: "machine"}.get(
        track.state or TrackState.SKIPPED, "none"
    )
    return ExportRow(
        path=track.absolute,
        artist=track.artist,
        album_artist=track.album_artist,
        album=track.album,
        title=track.title,
        genre_tags=tuple(value for block in track.genre_blocks for value in block.values),
        label=track.label,
        state=track.state or TrackState.SKIPPED,
        predicted=prediction.genre if prediction else None,
        confidence=prediction.confidence if prediction else None,
        decision=decision_of(view),
        reason=prediction.reason if prediction else None,
        source=source,
        genre=genre,
        duration=track.duration,
    )


def decision_of(view: TrackView) -> Decision | None:
    """Return what is to happen with a track; None where nothing is."""
    if person_genre(view) is not None:
        return Decision.PERSON
    if view.track.closed:
        return Decision.CLOSED
    return view.prediction.decision if view.prediction else None
