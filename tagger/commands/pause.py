"""When a run that writes files has to hold back, so that the rest is left for another run."""

from __future__ import annotations

from datetime import datetime

from tagger.base.air_time import on_air_until
from tagger.base.errors import DiskTrouble, NoRoom, ReadOnlyDisk, WriteSkipped
from tagger.commands.session import Session

TROUBLES_IN_A_ROW = 3  # files on which the disk failed, each tried several times, before the rest is left alone
NO_ROOM = "its disk has no room for a copy of it"


class Pause:
    """Asked before each file, told after each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._album = ""
        self._too_large: int | None = None  # size in bytes of the smallest file for which there was no room
        self._trouble: WriteSkipped | None = None
        self._troubles = 0
        self._stopped_by_disk = False

    def before(self, size: int = 0, album: str = "") -> str | None:
        """Say why a file has to wait; None if it may be written.

        An album that was begun is finished in any case but a signal's, the station's going on air, or a disk's failing.

        Parameters
        ----------
        size : int
            Of the file, in bytes.
        album : str
            Its album's key; empty: none.
        """
        if self._session.stopping():
            return "the run was stopped"
        until = on_air_until(self._session.settings.air_time, datetime.now())
        if until is not None:
            return f"the station is on air until {until} (air_time)"
        if self._stopped_by_disk and self._trouble is not None:
            return self._trouble.cause
        if self._too_large is not None and size >= self._too_large:
            return NO_ROOM
        if self._session.out_of_time() and not (album and album == self._album):
            return "the time is up"
        self._album = album
        return None

    def after(self, problem: WriteSkipped | None, size: int = 0) -> None:
        """Note how a file went; None is well."""
        if isinstance(problem, NoRoom):
            self._too_large = size
        self._troubles = self._troubles + 1 if isinstance(problem, DiskTrouble) else 0
        if isinstance(problem, NoRoom | DiskTrouble | ReadOnlyDisk):
            self._trouble = problem
        self._stopped_by_disk |= isinstance(problem, ReadOnlyDisk) or self._troubles == TROUBLES_IN_A_ROW

    def tell(self) -> None:
        """Report a disk that kept files from being written: a person has to see to it."""
        if self._trouble is not None:
            self._session.report(self._trouble)
