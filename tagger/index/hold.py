"""One writer at a time, also where two homes share an index: a lock that belongs to the index and not to a home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from tagger.base.errors import Locked
from tagger.base.lock import run_lock
from tagger.index.database import Database

WRITER_LOCK = 7_461_676  # any number, the same for all of us; beside it, PostgreSQL's lock goes by the schema


@contextmanager
def hold(database: Database, command: str) -> Iterator[None]:
    """Keep other runs from changing this index while the block runs. The lock goes away with the process.

    Parameters
    ----------
    database : Database
        For SQLite the lock is a file beside the index, for PostgreSQL an advisory lock of the server.
    command : str
        What is being done, for the message that another run prints.

    Raises
    ------
    Locked
        At once, if another run holds it.
    """
    if database.file is not None:
        with run_lock(database.file.with_name(f"{database.file.name}.lock"), command):
            yield
        return
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        ask = text("SELECT pg_try_advisory_lock(:ours, hashtext(current_schema()))")
        if not connection.execute(ask, {"ours": WRITER_LOCK}).scalar():
            raise Locked(f"another run is at work on {database.name}; wait until it has finished")
        yield
    finally:
        connection.detach()  # so that closing it ends the session on the server, and the lock with it
        connection.close()
