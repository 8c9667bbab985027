"""The invocations that changed the index or a file."""

from __future__ import annotations

from collections.abc import Mapping

from tagger.index.database import Database
from tagger.index.rows import RunRow


class Runs:
    """`index.runs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, run_id: str, command: str) -> None:
        """Store that a run begins. Others that are still said to be running were killed, since only one can run."""
        raise NotImplementedError

    def finish(self, run_id: str, status: str, counts: Mapping[str, int]) -> None:
        """Store how a run ended: ``done``, ``failed`` or ``stopped``."""
        raise NotImplementedError

    def get(self, run_id: str) -> RunRow | None:
        """Return a run, if it is known."""
        raise NotImplementedError

    def last(self, command: str | None = None) -> RunRow | None:
        """Return the run that started last, of one command or of any."""
        raise NotImplementedError

    def recent(self, limit: int = 10) -> list[RunRow]:
        """Return the latest runs, the newest first."""
        raise NotImplementedError
