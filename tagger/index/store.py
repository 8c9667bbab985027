"""The index as the commands see it: one door per topic.

    index.libraries    the mounted folders
    index.tracks       what a scan finds: new, changed, moved, missing, unreadable files; labels
    index.select       tracks to learn from, to classify, to write, to export, and counts
    index.predictions  what the models say
    index.models       the models, and which one is current
    index.runs         the invocations
    index.changes      tag changes, with the journal
    index.decisions    what a person said in review, with the journal
    index.splits       which artists are held out
    index.meta         small facts, by name

Every method is one short transaction, or one per batch where it takes many rows. There is one writer at a time (the
run lock of the home); readers may look on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tagger.index.changes import Changes, store_change
from tagger.index.database import Database, open_database
from tagger.index.decisions import Decisions, store_decision
from tagger.index.hold import hold
from tagger.index.journal import Journal
from tagger.index.libraries import Libraries
from tagger.index.meta import Meta
from tagger.index.models import Models
from tagger.index.predictions import Predictions
from tagger.index.runs import Runs
from tagger.index.schema import bring_up_to_date
from tagger.index.select import Selections
from tagger.index.splits import Splits
from tagger.index.sync import sync_journal
from tagger.index.tracks import Tracks
from tagger.index.write_back import write_back


class Index:
    """An open index; `open_index` makes one. Close it, or use it as a context manager."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.libraries = Libraries(database)
        self.tracks = Tracks(database)
        self.select = Selections(database)
        self.predictions = Predictions(database)
        self.models = Models(database)
        self.runs = Runs(database)
        self.changes = Changes(database)
        self.decisions = Decisions(database)
        self.splits = Splits(database)
        self.meta = Meta(database)

    @property
    def name(self) -> str:
        """Where the index lies, for messages; a password in its URL is hidden."""
        return self._database.name

    def sync_journal(self, journal: Journal) -> int:
        """Take in what the journal tells and the index does not know yet, and the other way round.

        After a lost index, or one restored from an old backup, this brings back every tag change and decision. Call it
        when a run begins; `tracks.relabel` gives them their tracks once a scan has found the files. After a lost
        journal, or one restored from an old backup, what the index knows is written into it.

        Returns
        -------
        int
            How many entries were read.

        Raises
        ------
        IndexUnusable
            The index is damaged; it is looked through first.
        JournalUnusable
            The journal is there and cannot be read or written.
        """
        self._database.check()
        read = sync_journal(self._database, journal, {"change": store_change, "decision": store_decision})
        write_back(self._database, journal)
        return read

    def hold(self, command: str) -> AbstractContextManager[None]:
        """Return a block in which no other run, of whatever home, changes this index; see `tagger.index.hold`."""
        return hold(self._database, command)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_index(url_or_path: str | Path, *, create: bool = True, warn: Callable[[str], None] | None = None) -> Index:
    """Open an index, and bring its tables up to this version's after a backup copy.

    Parameters
    ----------
    url_or_path : str or Path
        A file (SQLite), or a URL such as ``postgresql+psycopg://user@host/name``.
    create : bool
        Make the index if there is none.
    warn : callable, optional
        Takes one line that the user should read: the index lies on a network drive, or its tables were upgraded.

    Raises
    ------
    IndexUnusable
        It is not there (and `create` is false), is damaged, is no index, cannot be reached, or was made by a newer
        version. The message is one line: what, where, what to do.
    """
    database = open_database(url_or_path, create=create, warn=warn or _silent)
    try:
        bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return Index(database)


def _silent(line: str) -> None:
    """Nobody wants to know."""
