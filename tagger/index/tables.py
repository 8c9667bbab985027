"""The tables of the index. `migrations/` makes them; a test holds that both say the same.

A track and its tag changes hang together loosely on purpose: a change outlives its track, and finds it again by path
and fingerprint, since the journal outlives the index.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TextClause,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy import text as sql
from sqlalchemy.engine import Dialect

HEAD = "0003"  # the revision in migrations/versions that these tables are
VERSION_TABLE = "alembic_version"


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite has no time zones, so they are taken off there and put back on."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class TagText(TypeDecorator[str]):
    """Text from a file's metadata, made storable.

    Neither database takes lone surrogates, and PostgreSQL takes no NUL, which separates values in some tags. The exact
    genre tags are kept as JSON, which can hold both.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        joined = "; ".join(part for part in value.split("\0") if part)
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in joined)


Json = JSON(none_as_null=True)  # in ASCII, so that surrogate escapes survive; None is NULL

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

libraries = Table(
    "libraries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("root", LargeBinary, nullable=False, unique=True),
    Column("root_text", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("scanned_at", Moment),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("command", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("status", String(16), nullable=False),
    Column("counts", Json, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("family", Text, nullable=False),
    Column("folder", Text, nullable=False),
    Column("card", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("is_current", Boolean, nullable=False),
)
Index(
    "ix_models_is_current",
    models.c.is_current,
    unique=True,
    sqlite_where=models.c.is_current,
    postgresql_where=models.c.is_current,
)

tracks = Table(
    "tracks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("library_id", ForeignKey("libraries.id", ondelete="CASCADE"), nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("path_text", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("container", Text, nullable=False),
    Column("fingerprint", String(64)),  # NULL: never read
    Column("audio_hash", String(64)),
    Column("genre_blocks", Json, nullable=False),
    Column("genre_tag", TagText),
    Column("artist", TagText),
    Column("album_artist", TagText),
    Column("album", TagText),
    Column("title", TagText),
    Column("track_number", TagText),
    Column("year", TagText),
    Column("duration", Double),
    Column("compilation", Boolean, nullable=False),
    Column("provenance", Json),
    Column("state", String(16)),
    Column("label", Text),
    Column("closed", Boolean, nullable=False),
    Column("label_due", Boolean, nullable=False),
    Column("error", TagText),
    Column("audio_error", TagText),
    Column("strikes", Integer, nullable=False, server_default="0"),
    Column("missing_since", Moment),
    Column("seen_run", ForeignKey("runs.id", ondelete="SET NULL")),
    UniqueConstraint("library_id", "path"),
    Index(None, "library_id", "id"),  # to walk through a library in the order of ids
    Index(None, "fingerprint"),
)
Index("ix_tracks_label_due", tracks.c.id, sqlite_where=sql("label_due = 1"), postgresql_where=tracks.c.label_due)

predictions = Table(
    "predictions",
    metadata,
    Column("track_id", ForeignKey("tracks.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("models.id", ondelete="CASCADE"), primary_key=True),
    Column("probabilities", Json, nullable=False),
    Column("genre", Text, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("run_id", ForeignKey("runs.id", ondelete="SET NULL")),
    Column("context", Json),
    Index(None, "model_id", "track_id"),
)


# Conditions of partial indexes. Queries must use these very words, or SQLite does not see that an index will do.
UNFINISHED = sql("status IN ('planned', 'ready')")
UNOWNED = sql("(track_id IS NULL OR guessed)")


def _index_some(name: str, table: Table, condition: TextClause) -> None:
    """Index the few rows that meet a condition, in their order."""
    Index(name, table.c.seq, sqlite_where=condition, postgresql_where=condition)


def _place_columns() -> list[Column[Any]]:
    """How a change or a decision finds its track again. `guessed`: by its audio alone, at another path."""
    return [
        Column("library", LargeBinary, nullable=False),
        Column("path", LargeBinary, nullable=False),
        Column("path_text", Text, nullable=False),
        Column("fingerprint", String(64)),
        Column("track_id", ForeignKey("tracks.id", ondelete="SET NULL")),
        Column("guessed", Boolean, nullable=False),
    ]


tag_changes = Table(
    "tag_changes",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    *_place_columns(),
    Column("audio_hash", String(64)),
    Column("kind", String(8), nullable=False),
    Column("by", String(8), nullable=False),
    Column("genre", Text),
    Column("written", Text),
    Column("model", Text),
    Column("confidence", Double),
    Column("undoes", String(64)),
    Column("status", String(8), nullable=False),
    Column("facts", Json, nullable=False),
    Column("at", Moment, nullable=False),
    CheckConstraint("kind IN ('write', 'undo')", name="kind"),
    CheckConstraint("status IN ('planned', 'ready', 'applied', 'failed', 'undone')", name="status"),
    Index(None, "run_id"),
    Index(None, "track_id"),
    Index(None, "fingerprint"),
)
_index_some("ix_tag_changes_unfinished", tag_changes, UNFINISHED)
_index_some("ix_tag_changes_unowned", tag_changes, UNOWNED)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id", ondelete="SET NULL")),
    *_place_columns(),
    Column("kind", String(8), nullable=False),
    Column("genre", Text),
    Column("genre_tag", TagText),
    Column("at", Moment, nullable=False),
    CheckConstraint("kind IN ('accept', 'genre', 'reject', 'dismiss')", name="kind"),
    Index(None, "track_id"),
    Index(None, "fingerprint"),
)
_index_some("ix_decisions_unowned", decisions, UNOWNED)

# A group's name may come from a folder's name, which need not be UTF-8: hence bytes, with surrogates passed through.
split_groups = Table(
    "split_groups",
    metadata,
    Column("seed", BigInteger, primary_key=True, autoincrement=False),
    Column("group", LargeBinary, primary_key=True),
    Column("split", String(8), nullable=False),
    CheckConstraint("split IN ('train', 'val', 'test')", name="split"),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(128), primary_key=True),
    Column("value", Json),
)


def now() -> datetime:
    """Return the present time."""
    return datetime.now(UTC)


def path_as_text(path: bytes) -> str:
    """Return a path for searching; bytes that are not UTF-8 become the replacement character."""
    return path.decode("utf-8", "replace")
