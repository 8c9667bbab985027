"""The invocations that changed the index or a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, insert, select, update

from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.rows import RunRow


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

    def _latest(self, limit: int, command: str | None) -> list[RunRow]:
        c = t.runs.c
        query = select(t.runs).order_by(c.started_at.desc(), c.id.desc()).limit(limit)
        if command is not None:
            query = query.where(c.command == command)
        with self._database.read() as connection:
            return [_run_row(row) for row in connection.execute(query)]


def _run_row(row: Row[Any]) -> RunRow:
    return RunRow(row.id, row.command, row.started_at, row.finished_at, row.status, row.counts)
