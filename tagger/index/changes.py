"""Tag changes: in the journal first, then in the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tagger.base.records import PastWrite
from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.rows import ChangeRow, NewChange, Stage, TrackRow


class Changes:
    """`index.changes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, journal: Journal, change: NewChange, stage: Stage | str, facts: Mapping[str, Any]) -> None:
        """Record that a change has reached a stage: a line in the journal, on the disk, and then the row.

        `facts` can be turned into JSON; `fingerprint` and `audio_hash` among them are the track's. When an undo is
        ``applied``, the change that it undoes becomes ``undone``. ``applied`` and ``undone`` make the labels of the
        track and of copies of its audio due.
        """
        raise NotImplementedError

    def unfinished(self) -> list[ChangeRow]:
        """Return the changes that a run left ``planned`` or ``ready``, to be settled; the oldest first."""
        raise NotImplementedError

    def get(self, change_id: str) -> ChangeRow | None:
        """Return a change, if it is known."""
        raise NotImplementedError

    def of_run(self, run_id: str) -> list[ChangeRow]:
        """Return the changes of a run, in the order in which they were planned."""
        raise NotImplementedError

    def last_applied(self, track_id: int) -> ChangeRow | None:
        """Return the change, write or undo, that last altered a track's file."""
        raise NotImplementedError

    def past_writes(self, tracks: Iterable[TrackRow]) -> dict[int, tuple[PastWrite, ...]]:
        """Return, by track id, the genres written into each track or into copies of its audio, the oldest first.

        A write into the same track while it held other audio counts like one into a copy.
        """
        raise NotImplementedError

    def adopt(self) -> int:
        """Give changes that have no track theirs: the same audio at the same path, else the same audio elsewhere,
        else the same path. Their labels are then due. Return how many found one."""
        raise NotImplementedError
