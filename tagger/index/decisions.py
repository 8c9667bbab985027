"""What a person said in review: in the journal first, then in the index."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from tagger.base.batches import in_batches
from tagger.index import tables as t
from tagger.index.adopt import adopt
from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.labels import dismissals, last_decisions, make_labels_due
from tagger.index.reading import decision_row
from tagger.index.rows import DecisionKind, DecisionRow, NewDecision
from tagger.index.sync import note_read, path_json, place_of, store_run

WITH_GENRE = (DecisionKind.ACCEPT, DecisionKind.GENRE)


class Decisions:
    """`index.decisions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, journal: Journal, decisions: Iterable[NewDecision], run_id: str | None) -> int:
        """Record decisions: lines in the journal, on the disk, and then the rows. The labels are then due.

        Returns
        -------
        int
            How many were recorded.

        Raises
        ------
        ValueError
            An acceptance without its genre, or a rejection or dismissal with one.
        JournalUnusable
            The batch at hand is not recorded.
        """
        recorded = 0
        for batch in in_batches(decisions):
            entries = [decision_entry(_new_row(decision, run_id)) for decision in batch]
            offsets = journal.append(*entries)
            with self._database.write() as connection:
                for decision, entry in zip(batch, entries, strict=True):
                    store_decision(connection, entry, decision.track.track_id)
                note_read(self._database, connection, journal, *offsets)
            recorded += len(batch)
        return recorded

    def all(self) -> list[DecisionRow]:
        """Return every decision ever made, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.decisions).order_by(t.decisions.c.seq)).all()
            return [decision_row(row._mapping) for row in rows]

    def of_tracks(self, track_ids: Iterable[int]) -> dict[int, DecisionRow]:
        """Return what was last decided on each track, dismissals aside; tracks without a decision are left out."""
        found: dict[int, DecisionRow] = {}
        for batch in in_batches(track_ids):
            with self._database.read() as connection:
                found |= last_decisions(connection, batch)
        return found

    def dismissed(self, track_ids: Iterable[int]) -> set[int]:
        """Return those tracks whose present genre tag a person dismissed the audit's finding on."""
        found: set[int] = set()
        for batch in in_batches(track_ids):
            with self._database.read() as connection:
                found |= dismissals(connection, batch)
        return found

    def adopt(self) -> int:
        """Give decisions that have no track theirs, like `changes.adopt`; return how many found one."""
        return adopt(self._database, t.decisions)


def _new_row(decision: NewDecision, run_id: str | None) -> DecisionRow:
    """Return a decision as it is stored."""
    kind, track = DecisionKind(decision.kind), decision.track
    if (decision.genre is not None) != (kind in WITH_GENRE):
        raise ValueError(f"a decision to {kind} {'needs a genre' if kind in WITH_GENRE else 'has no genre'}")
    return DecisionRow(
        decision_id=secrets.token_hex(8),
        track_id=track.track_id,
        library=track.root,
        path=track.path,
        fingerprint=track.fingerprint,
        kind=kind,
        genre=decision.genre,
        genre_tag=track.genre_tag,
        run_id=run_id,
        at=t.now(),
    )


def decision_entry(row: DecisionRow) -> dict[str, Any]:
    """Return the journal's line."""
    return {
        "kind": "decision",
        "id": row.decision_id,
        "at": row.at.isoformat(timespec="seconds"),
        "run": row.run_id,
        "library": path_json(row.library),
        "path": path_json(row.path),
        "fingerprint": row.fingerprint,
        "decision": str(row.kind),
        "genre": row.genre,
        "genre_tag": row.genre_tag,
    }


def store_decision(connection: Connection, entry: Mapping[str, Any], track_id: int | None = None) -> None:
    """Store the decision of an entry of the journal, unless it is known.

    Raises
    ------
    KeyError, TypeError, ValueError
        The entry lacks something or holds something else than it should.
    """
    known = connection.execute(select(t.decisions.c.seq).where(t.decisions.c.id == entry["id"])).first()
    if known is not None:
        return
    at = datetime.fromisoformat(entry["at"])
    if entry["run"] is not None:
        store_run(connection, entry["run"], "review", at)
    values = {
        "id": entry["id"],
        "run_id": entry["run"],
        **place_of(entry),
        "fingerprint": entry["fingerprint"],
        "track_id": track_id,
        "guessed": False,
        "kind": str(DecisionKind(entry["decision"])),
        "genre": entry["genre"],
        "genre_tag": entry["genre_tag"],
        "at": at,
    }
    connection.execute(t.decisions.insert().values(values))
    make_labels_due(connection, (), [track_id])
