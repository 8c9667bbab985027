"""When a run that writes files has to hold back, so that the rest is left for another run."""

from __future__ import annotations

from datetime import datetime

from tagger.base.air_time import on_air_until
from tagger.base.errors import DiskTrouble, NoRoom, WriteSkipped
from tagger.base.records import PlanItem
from tagger.commands.session import Session

TROUBLES_IN_A_ROW = 3  # files on which the disk failed, each tried several times, before the rest is left alone


class Pause:
    """Asked before each file, told after each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._album = ""
        self._disk: str | None = None
        self._troubles = 0

    def before(self, item: PlanItem | None = None) -> str | None:
        """Say why a file has to wait; None if it may be written. An album that was begun is finished in any case but
        a signal's, the station's going on air, or a disk's failing."""
        if self._session.stopping():
            return "the run was stopped"
        until = on_air_until(self._session.settings.air_time, datetime.now())
        if until is not None:
            return f"the station is on air until {until} (air_time)"
        if self._disk is not None:
            return self._disk
        album = item.album if item else ""
        if self._session.out_of_time() and not (album and album == self._album):
            return "the time is up"
        self._album = album
        return None

    def after(self, problem: WriteSkipped | None) -> None:
        """Note how a file went; None is well."""
        if isinstance(problem, NoRoom):
            self._disk = problem.cause
        self._troubles = self._troubles + 1 if isinstance(problem, DiskTrouble) else 0
        if problem is not None and self._troubles == TROUBLES_IN_A_ROW:
            self._disk = f"the disk failed on {TROUBLES_IN_A_ROW} files in a row, last: {problem.cause}"
