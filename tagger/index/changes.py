"""Tag changes: in the journal first, then in the index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, func, select, update

from tagger.base.batches import in_batches
from tagger.base.records import PastWrite
from tagger.index import tables as t
from tagger.index.adopt import adopt
from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.labels import DECISION, last_decisions, make_labels_due, past_writes
from tagger.index.reading import change_row
from tagger.index.rows import ChangeRow, NewChange, Stage, TrackRow
from tagger.index.sync import note_read, path_json, place_of, store_run

AT_ONCE = 20  # changes held in memory; the way back to a file's bytes may take a megabyte of each
ORDER = {
    stage: place for place, stage in enumerate((Stage.PLANNED, Stage.READY, Stage.FAILED, Stage.APPLIED, Stage.UNDONE))
}


class Changes:
    """`index.changes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, journal: Journal, change: NewChange, stage: Stage | str, facts: Mapping[str, Any]) -> None:
        """Record that a change has reached a stage: a line in the journal, on the disk, and then the row.

        `facts` can be turned into JSON; `fingerprint` and `audio_hash` among them are the track's. When an undo is
        ``applied``, the change that it undoes becomes ``undone``. ``applied`` and ``undone`` make the labels of the
        track and of copies of its audio due. Where a person's decision is written, the facts get its id, so that it is
        not carried out twice.

        Raises
        ------
        JournalUnusable
            Then nothing is recorded.
        """
        c = t.tracks.c
        with self._database.read() as connection:
            track = connection.execute(select(c.fingerprint).where(c.id == change.track_id)).first()
            if stage == Stage.PLANNED and (decision := _decision_behind(connection, change)):
                facts = {**facts, DECISION: decision}
        fingerprint = facts.get("fingerprint") or (track.fingerprint if track else None)
        entry = change_entry(ChangeRow(change, Stage(stage), fingerprint, facts.get("audio_hash"), facts, t.now()))
        offsets = journal.append(entry)
        with self._database.write() as connection:
            store_change(connection, entry, change.track_id)
            note_read(self._database, connection, journal, *offsets)

    def unfinished(self) -> list[ChangeRow]:
        """Return the changes that a run left ``planned`` or ``ready``, to be settled; the oldest first.

        Those of a library that the index does not know wait until it was scanned: where only the journal speaks of a
        folder, nothing is touched in it.
        """
        known = t.tag_changes.c.library.in_(select(t.libraries.c.root))
        return self._rows(t.UNFINISHED, known)

    def get(self, change_id: str) -> ChangeRow | None:
        """Return a change, if it is known."""
        return next(iter(self._rows(t.tag_changes.c.id == change_id)), None)

    def of_run(self, run_id: str, newest_first: bool = False) -> Iterator[ChangeRow]:
        """Yield the changes of a run, in the order in which they were planned, or the other way round.

        A few at a time are read, so that the index may be written to meanwhile and the memory stays small.
        """
        c = t.tag_changes.c
        query = select(t.tag_changes).where(c.run_id == run_id).limit(AT_ONCE)
        query = query.order_by(c.seq.desc() if newest_first else c.seq)
        rest = query
        while True:
            with self._database.read() as connection:
                rows = [(row.seq, change_row(row._mapping)) for row in connection.execute(rest)]
            if not rows:
                return
            yield from (row for _, row in rows)
            last = rows[-1][0]
            rest = query.where(c.seq < last if newest_first else c.seq > last)

    def writes_of_run(self, run_id: str) -> Counter[Stage]:
        """Return how many writes of a run are at which stage."""
        c = t.tag_changes.c
        query = select(c.status, func.count()).where(c.run_id == run_id, c.kind == "write").group_by(c.status)
        with self._database.read() as connection:
            return Counter({Stage(status): count for status, count in connection.execute(query)})

    def last_applied(self, track_id: int) -> ChangeRow | None:
        """Return the change, write or undo, that last altered a track's file."""
        c = t.tag_changes.c
        done = c.status.in_([Stage.APPLIED, Stage.UNDONE])
        query = select(t.tag_changes).where(c.track_id == track_id, done).order_by(c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).first()
            return change_row(row._mapping) if row is not None else None

    def past_writes(self, tracks: Iterable[TrackRow]) -> dict[int, tuple[PastWrite, ...]]:
        """Return, by track id, the genres written into each track or into copies of its audio, the oldest first.

        A write into the same track while it held other audio counts like one into a copy.
        """
        found: dict[int, tuple[PastWrite, ...]] = {}
        for batch in in_batches(tracks):
            with self._database.read() as connection:
                found |= past_writes(connection, batch)
        return found

    def adopt(self) -> int:
        """Give changes that have no track theirs: the same audio at the same path, else the same audio elsewhere,
        else the same path. Their labels are then due. `tracks.relabel` does this too. Return how many found one."""
        return adopt(self._database, t.tag_changes)

    def _rows(self, *conditions: ColumnElement[bool] | TextClause) -> list[ChangeRow]:
        query = select(t.tag_changes).where(*conditions).order_by(t.tag_changes.c.seq)
        with self._database.read() as connection:
            return [change_row(row._mapping) for row in connection.execute(query)]


def _decision_behind(connection: Connection, change: NewChange) -> str | None:
    """Return the id of the decision that a write carries out; None where it is the machine's."""
    if change.kind != "write" or change.by != "person" or change.track_id is None:
        return None
    decision = last_decisions(connection, [change.track_id]).get(change.track_id)
    return decision.decision_id if decision is not None and decision.genre == change.genre else None


def change_entry(row: ChangeRow) -> dict[str, Any]:
    """Return the journal's line for the stage that a change has reached."""
    change = row.change
    return {
        "kind": "change",
        "id": change.change_id,
        "stage": str(row.status),
        "at": row.at.isoformat(timespec="seconds"),
        "run": change.run_id,
        "action": change.kind,
        "by": change.by,
        "library": path_json(change.library),
        "path": path_json(change.path),
        "fingerprint": row.fingerprint,
        "audio_hash": row.audio_hash,
        "genre": change.genre,
        "written": change.written,
        "model": change.model,
        "confidence": change.confidence,
        "undoes": change.undoes,
        "facts": dict(row.facts),
    }


def store_change(connection: Connection, entry: Mapping[str, Any], track_id: int | None = None) -> None:
    """Bring the row of a change up to what an entry of the journal says; the same entry may come again.

    Raises
    ------
    KeyError, TypeError, ValueError
        The entry lacks something or holds something else than it should.
    """
    c = t.tag_changes.c
    stage, at = Stage(entry["stage"]), datetime.fromisoformat(entry["at"])
    known = connection.execute(select(t.tag_changes).where(c.id == entry["id"])).first()
    if known is None:
        values = _identity(entry) | {
            "track_id": track_id,
            "status": str(stage),
            "facts": dict(entry["facts"]),
            "at": at,
        }
        store_run(connection, entry["run"], entry["action"], at)
        connection.execute(t.tag_changes.insert().values(values))
        audio_hash = entry["audio_hash"]
    else:
        goes_on = ORDER[stage] >= ORDER[Stage(known.status)]
        facts = {**known.facts, **entry["facts"]} if goes_on else {**entry["facts"], **known.facts}
        audio_hash = known.audio_hash or entry["audio_hash"]
        values = {"facts": facts, "audio_hash": audio_hash}
        if goes_on:
            values |= {"status": str(stage), "at": at}
        connection.execute(update(t.tag_changes).where(c.id == entry["id"]).values(values))
        track_id = track_id or known.track_id
    if stage in (Stage.FAILED, Stage.APPLIED, Stage.UNDONE):
        make_labels_due(connection, [entry["fingerprint"]], [track_id])
        if entry["undoes"] and stage is Stage.APPLIED:
            # Whatever is known of the write: lines of the journal may be lost, and what was taken back did take place.
            undone = update(t.tag_changes).where(c.id == entry["undoes"], c.kind == "write")
            connection.execute(undone.values(status=str(Stage.UNDONE)))
        if audio_hash and stage is not Stage.FAILED:
            same = (t.tracks.c.id == track_id, t.tracks.c.fingerprint == entry["fingerprint"])
            connection.execute(update(t.tracks).where(*same).values(audio_hash=audio_hash))


def _identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that stay as they are from stage to stage."""
    return {
        "id": entry["id"],
        "run_id": entry["run"],
        **place_of(entry),
        "fingerprint": entry["fingerprint"],
        "guessed": False,
        "audio_hash": entry["audio_hash"],
        "kind": entry["action"],
        "by": entry["by"],
        "genre": entry["genre"],
        "written": entry["written"],
        "model": entry["model"],
        "confidence": entry["confidence"],
        "undoes": entry["undoes"],
    }
