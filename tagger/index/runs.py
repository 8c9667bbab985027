"""The invocations that changed the index or a file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.rows import RunRow

AT_ONCE = 10  # idle runs that one call drops


class Runs:
    """`index.runs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, run_id: str, command: str) -> None:
        """Store that a run begins. Others that are still said to be running were killed, since only one can run."""
        facts = {"id": run_id, "command": command, "started_at": t.now(), "status": "running", "counts": {}}
        with self._database.write() as connection:
            connection.execute(update(t.runs).where(t.runs.c.status == "running").values(status="killed"))
            connection.execute(insert(t.runs).values(facts))

    def finish(self, run_id: str, status: str, counts: Mapping[str, int]) -> None:
        """Store how a run ended: ``done``, ``failed`` or ``stopped``."""
        facts = {"status": status, "counts": dict(counts), "finished_at": t.now()}
        with self._database.write() as connection:
            connection.execute(update(t.runs).where(t.runs.c.id == run_id).values(facts))

    def get(self, run_id: str) -> RunRow | None:
        """Return a run, if it is known."""
        with self._database.read() as connection:
            row = connection.execute(select(t.runs).where(t.runs.c.id == run_id)).first()
        return _run_row(row) if row is not None else None

    def last(self, command: str | None = None) -> RunRow | None:
        """Return the run that started last, of one command or of any."""
        return next(iter(self._latest(1, command)), None)

    def recent(self, limit: int = 10) -> list[RunRow]:
        """Return the latest runs, the newest first."""
        return self._latest(limit, None)

    def forget_idle(self, days: float) -> int:
        """Drop runs that began more than so many days ago and changed no file and decided nothing; return how many.

        Most nights find nothing new, and each leaves a row. Runs with tag changes or decisions stay. Call it every
        night: it drops the oldest few, since each takes a look at all tracks (0.2 s for 200,000).
        """
        old = t.runs.c.started_at < t.now() - timedelta(days=days)
        wrote = select(t.tag_changes.c.run_id)
        decided = select(t.decisions.c.run_id).where(t.decisions.c.run_id.is_not(None))
        idle = select(t.runs.c.id).where(old, t.runs.c.id.not_in(wrote), t.runs.c.id.not_in(decided))
        oldest = idle.where(t.runs.c.status != "running").order_by(t.runs.c.started_at).limit(AT_ONCE)
        with self._database.write() as connection:
            return connection.execute(delete(t.runs).where(t.runs.c.id.in_(oldest))).rowcount

    def _latest(self, limit: int, command: str | None) -> list[RunRow]:
        c = t.runs.c
        query = select(t.runs).order_by(c.started_at.desc(), c.id.desc()).limit(limit)
        if command is not None:
            query = query.where(c.command == command)
        with self._database.read() as connection:
            return [_run_row(row) for row in connection.execute(query)]


def _run_row(row: Row[Any]) -> RunRow:
    return RunRow(row.id, row.command, row.started_at, row.finished_at, row.status, row.counts)
