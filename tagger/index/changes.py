"""Tag changes: in the journal first, then in the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, select, update

from tagger.base.batches import in_batches
from tagger.base.records import PastWrite
from tagger.index import tables as t
from tagger.index.adopt import adopt
from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.labels import make_labels_due, past_writes
from tagger.index.reading import change_row
from tagger.index.rows import ChangeRow, NewChange, Stage, TrackRow
from tagger.index.sync import note_read, path_bytes, path_json, store_run

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
        track and of copies of its audio due.

        Raises
        ------
        JournalUnusable
            Then nothing is recorded.
        """
        c = t.tracks.c
        with self._database.read() as connection:
            track = connection.execute(select(c.fingerprint).where(c.id == change.track_id)).first()
        entry = _entry(change, Stage(stage), facts, track.fingerprint if track else None)
        offsets = journal.append(entry)
        with self._database.write() as connection:
            store_change(connection, entry, change.track_id)
            note_read(self._database, connection, journal, *offsets)

    def unfinished(self) -> list[ChangeRow]:
        """Return the changes that a run left ``planned`` or ``ready``, to be settled; the oldest first."""
        return self._rows(t.UNFINISHED)

    def get(self, change_id: str) -> ChangeRow | None:
        """Return a change, if it is known."""
        return next(iter(self._rows(t.tag_changes.c.id == change_id)), None)

    def of_run(self, run_id: str) -> list[ChangeRow]:
        """Return the changes of a run, in the order in which they were planned."""
        return self._rows(t.tag_changes.c.run_id == run_id)

    def last_applied(self, track_id: int) -> ChangeRow | None:
        """Return the change, write or undo, that last altered a track's file."""
        c = t.tag_changes.c
        done = c.status.in_([Stage.APPLIED, Stage.UNDONE])
        return next(reversed(self._rows(c.track_id == track_id, done)), None)

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


def _entry(change: NewChange, stage: Stage, facts: Mapping[str, Any], fingerprint: str | None) -> dict[str, Any]:
    """Return the journal's line."""
    return {
        "kind": "change",
        "id": change.change_id,
        "stage": str(stage),
        "at": t.now().isoformat(timespec="seconds"),
        "run": change.run_id,
        "action": change.kind,
        "by": change.by,
        "library": path_json(change.library),
        "path": path_json(change.path),
        "fingerprint": facts.get("fingerprint") or fingerprint,
        "audio_hash": facts.get("audio_hash"),
        "genre": change.genre,
        "written": change.written,
        "model": change.model,
        "confidence": change.confidence,
        "undoes": change.undoes,
        "facts": dict(facts),
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
    if stage in (Stage.APPLIED, Stage.UNDONE):
        if entry["undoes"] and stage is Stage.APPLIED:
            undone = update(t.tag_changes).where(c.id == entry["undoes"], c.status == Stage.APPLIED)
            connection.execute(undone.values(status=str(Stage.UNDONE)))
        make_labels_due(connection, [entry["fingerprint"]], [track_id])
        if audio_hash:
            same = (t.tracks.c.id == track_id, t.tracks.c.fingerprint == entry["fingerprint"])
            connection.execute(update(t.tracks).where(*same).values(audio_hash=audio_hash))


def _identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that stay as they are from stage to stage."""
    path = path_bytes(entry["path"])
    return {
        "id": entry["id"],
        "run_id": entry["run"],
        "library": path_bytes(entry["library"]),
        "path": path,
        "path_text": t.path_as_text(path),
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
