"""The connection to the database behind the index: how it is opened, how transactions begin, what its errors mean."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, Result, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.sql.dml import UpdateBase

from tagger.base.errors import IndexUnusable
from tagger.index import tables
from tagger.index.place import is_on_network

ROOM = 1_000_000  # [bytes] free, under which a disk counts as full
BUSY_SECONDS = 30  # how long to wait for another process that is writing
SQLITE_MAGIC = b"SQLite format 3\0"  # sqlite.org/fileformat2.html, section 1.3
DAMAGED = ("malformed", "could not decode", "not a database", "disk i/o error", "file is encrypted")
VERSION = "version"  # name in `meta`: a text that is another after every change to what the index knows of tracks
BOOKKEEPING = frozenset(("runs", "meta", "libraries"))  # tables whose changes are none of these
INSUFFICIENT_PRIVILEGE = "42501"  # postgresql.org/docs/current/errcodes-appendix.html


class Database:
    """An engine, its name for messages, and for SQLite its file."""

    def __init__(self, engine: Engine, name: str, file: Path | None, warn: Callable[[str], None]) -> None:
        self.engine = engine
        self.name = name
        self.file = file
        self.warn = warn

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the index for as long as the block runs."""
        with self.sound(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def sound(self) -> Iterator[None]:
        """Rows are turned into values in this block: one that holds what it cannot hold means a damaged index.

        Raises
        ------
        IndexUnusable
        """
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            said = f"a row cannot be read: {type(error).__name__}: {error}"
            raise IndexUnusable(_damaged(self.name, said, self.file is not None)) from error

    def check(self) -> None:
        """Look through the whole file for damage; a server looks after its own. Takes seconds for a million tracks.

        Raises
        ------
        IndexUnusable
        """
        if self.file is None:
            return
        with self.read() as connection:
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if said != "ok":
            raise IndexUnusable(_damaged(self.name, str(said), True))

    @contextmanager
    def write(self, migrating: bool = False) -> Iterator[Connection]:
        """A transaction that is committed when the block ends without an error, and undone otherwise.

        Where it changes what the index knows of tracks, the index gets another `VERSION` with it.
        """
        with self.engine.execution_options(writing=True, migrating=migrating).begin() as connection:
            changed: list[str] = []
            event.listen(connection, "after_execute", lambda *facts: changed.extend(_changed(facts[1], facts[-1])))
            yield connection
            if changed and not migrating:
                connection.execute(self.upsert(tables.meta), {"key": VERSION, "value": secrets.token_hex(8)})

    def upsert(self, table: Table) -> Executable:
        """Return an insert into `table` that replaces the row with the same primary key."""
        keys = [column.name for column in table.primary_key]
        dialect = sqlite if self.file else postgresql
        insert = dialect.insert(table)
        changed = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
        return insert.on_conflict_do_update(index_elements=keys, set_=changed)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _changed(statement: Executable, result: Result[Any]) -> list[str]:
    """Return which of the tables that tell of tracks a statement has changed, if any."""
    if not isinstance(statement, UpdateBase) or not isinstance(result, CursorResult) or not result.rowcount:
        return []
    return [name for name in (getattr(statement.table, "name", ""),) if name not in BOOKKEEPING]


def open_database(url_or_path: str | Path, create: bool, warn: Callable[[str], None]) -> Database:
    """Get ready to use a database; the first transaction connects.

    Raises
    ------
    IndexUnusable
        It cannot be one of ours.
    """
    text = str(url_or_path)
    if "://" not in text:
        return _open_sqlite(Path(text), create, warn)
    try:
        url = make_url(text)
    except ArgumentError:
        raise IndexUnusable("the index URL cannot be understood; write postgresql+psycopg://USER@HOST/NAME") from None
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise IndexUnusable("the index must be kept in a file: give its path")
        return _open_sqlite(Path(url.database), create, warn)
    if url.get_backend_name() in ("postgresql", "postgres"):
        return _open_postgres(url.set(drivername="postgresql+psycopg"), warn)
    raise IndexUnusable(f"an index in {url.get_backend_name()} is not supported; give a file or a postgresql:// URL")


# --- SQLite ---------------------------------------------------------------------------------------------------------


def _open_sqlite(file: Path, create: bool, warn: Callable[[str], None]) -> Database:
    file = file.expanduser().absolute()
    name = f"the index {file}"
    _check_file(file, name, create)
    on_network = is_on_network(file.parent)
    if on_network:
        warn(f"{name} lies on a network drive, where SQLite is slow and less safe; keep the home on a local disk")
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_SECONDS, "isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            # WAL needs memory that all processes share, which a network file system does not give them.
            connection.execute(f"PRAGMA journal_mode = {'DELETE' if on_network else 'WAL'}")
            connection.execute(f"PRAGMA synchronous = {'FULL' if on_network else 'NORMAL'}")
        except sqlite3.Error as error:
            raise IndexUnusable(_sqlite_message(name, str(error), file)) from error

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("migrating"):  # tables are rebuilt, which would set off ON DELETE; cannot be changed later on
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        # A transaction that reads first and writes later may find that another process wrote in between, and then
        # fails at once instead of waiting; so those that will write say so when they begin.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writing") else "BEGIN")

    _translate_errors(engine, lambda error: _sqlite_message(name, str(error), file))
    return Database(engine, name, file, warn)


def _check_file(file: Path, name: str, create: bool) -> None:
    """Refuse early, with a clear line, what SQLite would refuse late with an odd one."""
    try:
        with file.open("rb") as opened:
            start = opened.read(len(SQLITE_MAGIC))
    except FileNotFoundError:
        if not create:
            raise IndexUnusable(f"{name} is not there; `tagger scan LIBRARY` makes it") from None
        if not file.parent.is_dir():
            raise IndexUnusable(f"{name} cannot be made: there is no folder {file.parent}") from None
        return
    except OSError as error:
        raise IndexUnusable(f"{name} cannot be opened: {error.strerror}") from error
    if start and start != SQLITE_MAGIC:
        raise IndexUnusable(_sqlite_message(name, "file is not a database", file))


def _sqlite_message(name: str, said: str, file: Path) -> str:
    lowered = said.lower()
    if "full" in lowered or (("i/o error" in lowered or "unable to open" in lowered) and _is_full(file.parent)):
        return f"{name} cannot grow: the disk is full; make room and run again"
    if any(sign in lowered for sign in DAMAGED):
        return _damaged(name, said, True)
    if "locked" in lowered or "busy" in lowered:
        return f"{name} is in use by another program (waited {BUSY_SECONDS} s); try again when that has finished"
    if "readonly" in lowered or "unable to open" in lowered:
        return f"{name} cannot be written to ({said}); check who owns it and its folder"
    return f"{name} cannot be used ({said})"


def _is_full(folder: Path) -> bool:
    """Say whether a disk has no room for what SQLite needs beside its file: it calls that an I/O error."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return False
    return disk.f_blocks > 0 and disk.f_bavail * disk.f_frsize < ROOM


def _damaged(name: str, said: str, is_file: bool) -> str:
    said = " ".join(said.split())[:200]
    if not is_file:
        return f"{name} is damaged ({said}); restore it from a backup, or give another database with --index"
    return (
        f"{name} is damaged ({said}); put back a copy from the folder backups beside it, or move it away; its -wal and "
        "-shm files must go too. The next scan makes a new one from the library and the journal"
    )


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def _open_postgres(url: URL, warn: Callable[[str], None]) -> Database:
    name = f"the index {url.render_as_string(hide_password=True)}"
    try:
        # An index may lie idle for hours while a model is trained, so a connection is tried before it is used.
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_SECONDS})
    except (ModuleNotFoundError, NoSuchModuleError):
        raise IndexUnusable(f"{name} needs psycopg: pip install 'tagger[postgres]'") from None
    _translate_errors(engine, lambda error: f"{name} cannot be used: {' '.join(str(error).split())}")
    return Database(engine, name, None, warn)


def _translate_errors(engine: Engine, message: Callable[[BaseException], str]) -> None:
    """Turn what the database or the way to it does wrong into `IndexUnusable`; our own mistakes stay what they are."""

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        kind = type(context.original_exception).__name__
        state = getattr(context.original_exception, "sqlstate", None)
        if not isinstance(error, DBAPIError) or isinstance(error, IntegrityError):
            return
        if (
            state == INSUFFICIENT_PRIVILEGE
            or kind in ("OperationalError", "DatabaseError")
            or error.connection_invalidated
        ):
            raise IndexUnusable(message(context.original_exception)) from context.original_exception
