"""Labels tracks anew where that is due, with what was written into them before and what a person decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update

from tagger.base.batches import in_batches
from tagger.base.records import PastWrite, TrackLabel
from tagger.index import tables as t
from tagger.index.adopt import adopt
from tagger.index.database import Database
from tagger.index.meta import new_generation
from tagger.index.reading import decision_row, track_row, tracks_with_root, walk
from tagger.index.rows import DecisionKind, DecisionRow, LabelCase, Stage, TrackRow

DECISION = "decision"  # among the facts of a change: the id of the decision that it carries out


def relabel(database: Database, label: Callable[[LabelCase], TrackLabel], everything: bool) -> int:
    """See `Tracks.relabel`."""
    adopt(database, t.tag_changes)
    adopt(database, t.decisions)
    c = t.tracks.c
    query = tracks_with_root().where(c.error.is_(None))
    if not everything:
        query = query.where(c.label_due)
    looked_at = 0
    for rows in walk(database, query, c.id):
        with database.read() as connection:
            tracks = [track_row(row._mapping) for row in rows]
            past = past_writes(connection, tracks)
            decided = last_decisions(connection, [track.track_id for track in tracks])
        found = []
        for track in tracks:
            decision = decided.get(track.track_id)
            rejected = decision is not None and decision.kind is DecisionKind.REJECT
            said = label(LabelCase(track, past.get(track.track_id, ()), rejected))
            found.append({"id_": track.track_id, "state": said.state, "label": said.label, "closed": said.closed})
        names: dict[str, Any] = {name: bindparam(name) for name in ("state", "label", "closed")}
        with database.write() as connection:
            connection.execute(update(t.tracks).where(c.id == bindparam("id_")).values(label_due=False, **names), found)
            if any(track.label != said["label"] for track, said in zip(tracks, found, strict=True)):
                new_generation(database, connection)
        looked_at += len(found)
    return looked_at


def make_labels_due(
    connection: Connection, fingerprints: Iterable[str | None], track_ids: Iterable[int | None]
) -> None:
    """Note that tracks, and all copies of their audio, must be labelled anew."""
    for column, values in ((t.tracks.c.fingerprint, fingerprints), (t.tracks.c.id, track_ids)):
        for batch in in_batches({value for value in values if value}):
            connection.execute(update(t.tracks).where(column.in_(batch)).values(label_due=True))


def past_writes(connection: Connection, tracks: Sequence[TrackRow]) -> dict[int, tuple[PastWrite, ...]]:
    """See `Changes.past_writes`; for one batch of tracks."""
    c = t.tag_changes.c
    by_audio: dict[str, list[int]] = {}
    for track in tracks:
        if track.fingerprint:
            by_audio.setdefault(track.fingerprint, []).append(track.track_id)
    ids = {track.track_id for track in tracks}
    query = (
        select(c.track_id, c.fingerprint, c.written, c.by, c.status, t.tracks.c.missing_since, t.runs.c.started_at)
        .join(t.runs, t.runs.c.id == c.run_id)
        .outerjoin(t.tracks, t.tracks.c.id == c.track_id)
        .where(c.kind == "write", c.status.in_([Stage.READY, Stage.APPLIED, Stage.UNDONE]))
        .where(or_(c.fingerprint.in_(by_audio), c.track_id.in_(ids)))
        .order_by(c.seq)
    )
    read_at = _read_at(connection, tracks)
    found: dict[int, list[PastWrite]] = {}
    for owner, fingerprint, written, by, status, missing, began in connection.execute(query):
        same_audio = by_audio.get(fingerprint or "", [])
        for track_id in {*same_audio, *({owner} & ids)}:
            # What lay in a file that is missing now may be in this one: files are moved from library to library.
            own = (track_id == owner or missing is not None) and track_id in same_audio
            if track_id != owner and missing is None and track_id in read_at and read_at[track_id] <= began:
                continue  # what this file says was there before: it cannot be a copy of what was written
            # A write that was cut off may have taken place: then its genre is no label. It says nothing of a person.
            own = own and status != Stage.READY
            found.setdefault(track_id, []).append(PastWrite(written or "", by, status == Stage.UNDONE, own))
    return {track_id: tuple(writes) for track_id, writes in found.items()}


def _read_at(connection: Connection, tracks: Sequence[TrackRow]) -> dict[int, datetime]:
    """Return when the runs began that last read the tags of these tracks. A run reads before it writes."""
    runs = {track.seen_run for track in tracks if track.seen_run is not None}
    query = select(t.runs.c.id, t.runs.c.started_at).where(t.runs.c.id.in_(runs))
    began = {row.id: row.started_at for row in connection.execute(query)}
    return {track.track_id: began[track.seen_run] for track in tracks if track.seen_run in began}


def last_decisions(connection: Connection, track_ids: Sequence[int]) -> dict[int, DecisionRow]:
    """Return what was last decided on each track of one batch, dismissals aside."""
    c = t.decisions.c
    query = select(t.decisions).where(c.track_id.in_(track_ids), c.kind != DecisionKind.DISMISS).order_by(c.seq)
    return {row.track_id: decision_row(row._mapping) for row in connection.execute(query)}


def decisions_carried_out(connection: Connection, decided: Mapping[int, DecisionRow]) -> set[str]:
    """Return the ids of those decisions that were written into their files, be it that they were taken back since.

    Parameters
    ----------
    connection : Connection
        To the index.
    decided : mapping
        Decisions by track id, of one batch.
    """
    c = t.tag_changes.c
    carried_out = c.facts[DECISION].as_string()
    query = select(carried_out).where(
        c.track_id.in_(list(decided)), c.kind == "write", c.by == "person", c.status.in_([Stage.APPLIED, Stage.UNDONE])
    )
    return set(connection.execute(query).scalars()) if decided else set()


def dismissals(connection: Connection, track_ids: Sequence[int]) -> set[int]:
    """Return those tracks of one batch whose present genre tag a person dismissed the audit's finding on."""
    c, tracks = t.decisions.c, t.tracks.c
    query: Any = (
        select(c.track_id)
        .join(t.tracks, tracks.id == c.track_id)
        .where(c.track_id.in_(track_ids), c.kind == DecisionKind.DISMISS)
        .where(c.genre_tag.is_not_distinct_from(tracks.genre_tag))
    )
    return set(connection.execute(query).scalars())
