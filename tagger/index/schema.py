"""Keeps the tables at this version's revision: new ones are made, old ones upgraded after a backup copy.

Alembic is loaded only when there is something to do, since every command opens the index.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text
from sqlalchemy.schema import CreateSchema, DropSchema

from tagger.base.errors import IndexUnusable
from tagger.base.files import fsync_folder
from tagger.index import tables
from tagger.index.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

BACKUPS_KEPT = 5  # copies made before upgrades; older ones are deleted
BACKUP_SCHEMA = "tagger_backup_"
UPGRADE_LOCK = 7_461_676_765_723  # any number, the same for all of us; PostgreSQL's advisory locks go by number


def migrations_folder() -> Path:
    """Return the folder of the migrations: inside an installed package, else at the top of the checkout."""
    package = Path(__file__).parent
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent.parent / "migrations"


def bring_up_to_date(database: Database) -> None:
    """Make or upgrade the tables, if need be.

    Raises
    ------
    IndexUnusable
        The database was made by a newer version, or holds something else.
    """
    with database.read() as connection:
        if _revision(connection, database) == tables.HEAD:
            return
    with database.write(migrating=True) as connection:
        if database.file is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": UPGRADE_LOCK})
        before = _revision(connection, database)  # once more: another process may have been quicker
        if before != tables.HEAD:
            _upgrade(connection, database, before)
    database.close()  # the connection that migrated does not look after foreign keys; get fresh ones


def _revision(connection: Connection, database: Database) -> str | None:
    """Return the revision of the tables; None if there are none."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if not {tables.VERSION_TABLE, tables.tracks.name, tables.tag_changes.name} <= names:
        shown = ", ".join(sorted(names)[:3])
        raise IndexUnusable(
            f"{database.name} is not one of tagger's: it holds other tables ({shown}); choose a place of its own for it"
        )
    return connection.execute(text(f"SELECT version_num FROM {tables.VERSION_TABLE}")).scalar()


def _upgrade(connection: Connection, database: Database, before: str | None) -> None:
    from alembic import command
    from alembic.script import ScriptDirectory

    config = _alembic_config(connection)
    if before is not None:
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if before not in known:
            raise IndexUnusable(
                f"{database.name} was made by a newer version of tagger (its tables are at {before}, this version's at "
                f"{tables.HEAD}); update tagger, or choose another home"
            )
        copy = _back_up(connection, database, before)
        database.warn(f"{database.name} is upgraded from {before} to {tables.HEAD}; a copy of the old one is {copy}")
    command.upgrade(config, tables.HEAD)
    if database.file is not None and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
        raise IndexUnusable(
            f"{database.name} could not be upgraded: {len(broken)} of its rows point nowhere; it is as it was. Move it "
            "away: the next scan makes a new one from the library and the journal"
        )


def _alembic_config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection  # migrations/env.py runs in this transaction
    return config


# --- backup copies --------------------------------------------------------------------------------------------------


def _back_up(connection: Connection, database: Database, revision: str) -> str:
    """Copy the index as it is now; return where to."""
    stamp = f"{revision}-{time.strftime('%Y%m%dT%H%M%S')}"
    if database.file is None:
        return _copy_schema(connection, stamp.replace("-", "_").lower())
    return str(_copy_file(database.file, stamp))


def _copy_file(file: Path, stamp: str) -> Path:
    folder = file.parent / "backups"
    target = folder / f"{file.stem}-{stamp}.db"
    temporary = folder / f".{target.name}.part"
    try:
        folder.mkdir(exist_ok=True)
        temporary.unlink(missing_ok=True)
        source, copy = sqlite3.connect(file), sqlite3.connect(temporary)
        try:
            source.backup(copy)  # takes what the write-ahead log holds with it, which a plain copy would not
        finally:
            copy.close()
            source.close()
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, target)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise IndexUnusable(
            f"the index {file} must be upgraded, but cannot be copied to {folder} first: {error}"
        ) from error
    fsync_folder(folder)
    for old in _all_but_newest([path.name for path in folder.glob(f"{file.stem}-*.db")]):
        (folder / old).unlink(missing_ok=True)
    return target


def _copy_schema(connection: Connection, stamp: str) -> str:
    """Copy the tables into a schema of their own; part of the transaction that upgrades, so it is there or not."""
    found = inspect(connection)
    prefix = f"{BACKUP_SCHEMA}{found.default_schema_name}_"
    quote = connection.dialect.identifier_preparer.quote
    connection.execute(CreateSchema(prefix + stamp))
    for name in found.get_table_names():
        connection.execute(text(f"CREATE TABLE {quote(prefix + stamp)}.{quote(name)} AS TABLE {quote(name)}"))
    ours = re.compile(re.escape(prefix) + r"\d+_\d{8}t\d{6}")
    schemas = [name for name in inspect(connection).get_schema_names() if ours.fullmatch(name)]
    for old in _all_but_newest(schemas):
        connection.execute(DropSchema(old, cascade=True))
    return f"in its schema {prefix}{stamp}"


def _all_but_newest(names: Sequence[str]) -> list[str]:
    """Names that end in revision and time sort by age."""
    return sorted(names)[:-BACKUPS_KEPT]
