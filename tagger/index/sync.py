"""What the journal and the index share: how far the index has read, runs that only the journal tells of, paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import StatementError

from tagger.base.batches import in_batches
from tagger.index import tables as t
from tagger.index.database import Database
from tagger.index.journal import Journal
from tagger.index.meta import meta_value, set_meta_value

READ = "journal_read"  # name in `meta`; which journal was read, and up to which byte
BEHIND = "journal_behind"  # name in `meta`; the index may know more than the journal tells
BATCH = 50  # entries per transaction; one entry may hold a megabyte

Store = Callable[[Connection, Mapping[str, Any]], None]


def sync_journal(database: Database, journal: Journal, stores: Mapping[str, Store]) -> int:
    """See `Index.sync_journal`; `stores` has for each kind of entry what stores it."""
    identity = journal.identity()
    with database.read() as connection:
        read = meta_value(connection, READ, {})
    goes_on = read.get("identity", "") == identity and read.get("end", 0) <= journal.size()
    start = read.get("end", 0) if goes_on else 0
    if not goes_on and read:
        with database.write() as connection:
            set_meta_value(database, connection, BEHIND, True)
    taken_in = 0
    passed_over: list[tuple[int, str]] = []
    for batch in in_batches(journal.read(start), BATCH):
        with database.write() as connection:
            for end, entry in batch:
                if trouble := _trouble(connection, entry, stores):
                    passed_over.append((end, trouble))
                else:
                    taken_in += 1
            set_meta_value(database, connection, READ, {"identity": identity, "end": batch[-1][0]})
    if passed_over:
        end, trouble = passed_over[0]
        lines = f"the line that ends at byte {end} was" if len(passed_over) == 1 else f"{len(passed_over)} lines were"
        first = "" if len(passed_over) == 1 else f"the first, up to byte {end}: "
        database.warn(f"{journal.path}: {lines} passed over: {first}{trouble}")
    return taken_in


def _trouble(connection: Connection, entry: Mapping[str, Any] | None, stores: Mapping[str, Store]) -> str:
    """Store an entry, and say what keeps it from being stored; empty where nothing does."""
    if entry is None:
        return "it is damaged"
    store = stores.get(entry.get("kind", ""))
    if store is None:
        return "it is of a kind that this version does not know"
    try:
        with connection.begin_nested():
            store(connection, entry)
    except KeyError as error:
        return f"it has no {error}"
    except (TypeError, ValueError, AttributeError, OverflowError, StatementError) as error:
        return " ".join(str(error).split())[:200]
    return ""


def note_read(database: Database, connection: Connection, journal: Journal, before: int, after: int) -> None:
    """Note that the index knows what was just appended, provided that it knew all that went before."""
    read = meta_value(connection, READ, {})
    if read.get("end", 0) == before and (before == 0 or read.get("identity") == journal.identity()):
        set_meta_value(database, connection, READ, {"identity": journal.identity(), "end": after})


def note_journal(database: Database, connection: Connection, journal: Journal) -> None:
    """Note that the index knows the whole journal."""
    set_meta_value(database, connection, READ, {"identity": journal.identity(), "end": journal.size()})


def store_run(connection: Connection, run_id: str, command: str, at: datetime) -> None:
    """Store a run that only the journal tells of."""
    if connection.execute(select(t.runs.c.id).where(t.runs.c.id == run_id)).first() is None:
        facts = {"id": run_id, "command": command, "started_at": at, "status": "journal", "counts": {}}
        connection.execute(insert(t.runs).values(facts))


def path_json(path: bytes) -> str:
    """Return a path as JSON holds it: bytes that are not UTF-8 become surrogate escapes, whatever the locale."""
    return path.decode("utf-8", "surrogateescape")


def path_bytes(text: str) -> bytes:
    """Return the path behind `path_json`."""
    return text.encode("utf-8", "surrogateescape")


def place_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that say where the file of an entry lies.

    Raises
    ------
    ValueError
        The path leads out of the library, or is none: such a line is not this system's.
    """
    library, path = path_bytes(entry["library"]), path_bytes(entry["path"])
    if not library.startswith(b"/") or os.path.normpath(library) != library:
        raise ValueError("its library is no absolute path")
    if not path or path.startswith(b"/") or b"\0" in path + library or {b"..", b".", b""} & set(path.split(b"/")):
        raise ValueError("its path leads out of the library")
    return {"library": library, "path": path, "path_text": t.path_as_text(path)}
