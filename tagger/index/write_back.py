"""Writes into the journal what only the index knows: after the journal was lost, or put back from an old backup.

Without it, what the index alone remembers would be gone for good on the day on which the index is lost, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import select

from tagger.base.batches import in_batches
from tagger.index import tables as t
from tagger.index.changes import AT_ONCE, ORDER, change_entry
from tagger.index.database import Database
from tagger.index.decisions import decision_entry
from tagger.index.journal import Journal
from tagger.index.meta import meta_value, set_meta_value
from tagger.index.reading import change_row, decision_row
from tagger.index.rows import Stage
from tagger.index.sync import BEHIND, note_journal

Entry = Mapping[str, Any]
DONE = len(ORDER)  # beyond every stage


def write_back(database: Database, journal: Journal) -> int:
    """Append to the journal every change and decision that it tells less of than the index does, if it lags behind.

    Returns
    -------
    int
        How many entries were appended.

    Raises
    ------
    JournalUnusable
        The next run tries again.
    """
    with database.read() as connection:
        if not meta_value(connection, BEHIND):
            return 0
    told = _told(journal)
    appended = 0
    for entries in in_batches(_missing(database, told), AT_ONCE):
        journal.append(*entries)
        appended += len(entries)
    with database.write() as connection:
        note_journal(database, connection, journal)
        set_meta_value(database, connection, BEHIND, False)
    if appended:
        database.warn(
            f"{journal.path} was lost or comes from a backup: {appended:,} entries that only the index had were "
            "written into it"
        )
    return appended


def _told(journal: Journal) -> dict[str, int]:
    """Return how far the journal tells each change, by id and place in `ORDER`, and which decisions it has."""
    told: dict[str, int] = {}
    for _, entry in journal.read():
        match entry:
            case {"kind": "change", "id": str(name), "stage": str(stage), **rest} if stage in ORDER:
                told[name] = max(ORDER[Stage(stage)], told.get(name, -1))
                if stage == Stage.APPLIED and isinstance(undone := rest.get("undoes"), str):
                    told[undone] = ORDER[Stage.UNDONE]
            case {"kind": "decision", "id": str(name)}:
                told[name] = DONE
    return told


def _missing(database: Database, told: Mapping[str, int]) -> Iterator[Entry]:
    """Yield entries for what the journal does not tell, in the order in which it came to pass."""
    c, d = t.tag_changes.c, t.decisions.c
    for table, stage, order in ((t.tag_changes, c.status, ORDER), (t.decisions, d.kind, {})):
        with database.read() as connection:
            rows = connection.execute(select(table.c.seq, table.c.id, stage).order_by(table.c.seq)).all()
        lacking = [seq for seq, name, reached in rows if told.get(name, -1) < order.get(reached, DONE)]
        for some in in_batches(lacking, AT_ONCE):
            query = select(table).where(table.c.seq.in_(some)).order_by(table.c.seq)
            with database.read() as connection:
                found = connection.execute(query).all()
                if table is t.tag_changes:
                    entries = [change_entry(change_row(row._mapping)) for row in found]
                else:
                    entries = [decision_entry(decision_row(row._mapping)) for row in found]
            yield from entries
