"""What a person said in review: in the journal first, then in the index."""

from __future__ import annotations

from collections.abc import Iterable

from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.rows import DecisionRow, NewDecision


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
        """
        raise NotImplementedError

    def all(self) -> list[DecisionRow]:
        """Return every decision ever made, the oldest first."""
        raise NotImplementedError

    def of_tracks(self, track_ids: Iterable[int]) -> dict[int, DecisionRow]:
        """Return what was last decided on each track, dismissals aside; tracks without a decision are left out."""
        raise NotImplementedError

    def dismissed(self, track_ids: Iterable[int]) -> set[int]:
        """Return those tracks whose present genre tag a person dismissed the audit's finding on."""
        raise NotImplementedError

    def adopt(self) -> int:
        """Give decisions that have no track theirs, like `changes.adopt`; return how many found one."""
        raise NotImplementedError
