"""The first tables.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UNFINISHED = "status IN ('planned', 'ready')"
UNOWNED = "(track_id IS NULL OR guessed)"


def upgrade() -> None:
    """Make all tables."""
    make_libraries()
    make_meta()
    make_models()
    make_runs()
    make_split_groups()
    make_tracks()
    make_decisions()
    make_predictions()
    make_tag_changes()


def index_some(name: str, table: str, condition: str) -> None:
    """Index the few rows that meet a condition, in their order."""
    op.create_index(name, table, ["seq"], sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def make_libraries() -> None:
    op.create_table(
        "libraries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("root_text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_libraries"),
        sa.UniqueConstraint("root", name="uq_libraries_root"),
    )


def make_meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.JSON()),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def make_models() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("family", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("card", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_models"),
    )
    op.create_index(
        "ix_models_is_current",
        "models",
        ["is_current"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )


def make_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )


def make_split_groups() -> None:
    op.create_table(
        "split_groups",
        sa.Column("seed", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("group", sa.LargeBinary(), nullable=False),
        sa.Column("split", sa.String(length=8), nullable=False),
        sa.CheckConstraint("split IN ('train', 'val', 'test')", name="ck_split_groups_split"),
        sa.PrimaryKeyConstraint("seed", "group", name="pk_split_groups"),
    )


def make_tracks() -> None:
    op.create_table(
        "tracks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("path_text", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("container", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64)),
        sa.Column("audio_hash", sa.String(length=64)),
        sa.Column("genre_blocks", sa.JSON(), nullable=False),
        sa.Column("genre_tag", sa.Text()),
        sa.Column("artist", sa.Text()),
        sa.Column("album_artist", sa.Text()),
        sa.Column("album", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("track_number", sa.Text()),
        sa.Column("year", sa.Text()),
        sa.Column("duration", sa.Double()),
        sa.Column("compilation", sa.Boolean(), nullable=False),
        sa.Column("provenance", sa.JSON()),
        sa.Column("state", sa.String(length=16)),
        sa.Column("label", sa.Text()),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("label_due", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("audio_error", sa.Text()),
        sa.Column("missing_since", sa.DateTime(timezone=True)),
        sa.Column("seen_run", sa.String(length=64)),
        sa.ForeignKeyConstraint(["library_id"], ["libraries.id"], name="fk_tracks_library_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["seen_run"], ["runs.id"], name="fk_tracks_seen_run", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_tracks"),
        sa.UniqueConstraint("library_id", "path", name="uq_tracks_library_id_path"),
    )
    op.create_index("ix_tracks_fingerprint", "tracks", ["fingerprint"])
    op.create_index(
        "ix_tracks_label_due",
        "tracks",
        ["id"],
        sqlite_where=sa.text("label_due = 1"),
        postgresql_where=sa.text("label_due"),
    )
    op.create_index("ix_tracks_library_id_id", "tracks", ["library_id", "id"])


def make_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=64)),
        sa.Column("library", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("path_text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64)),
        sa.Column("track_id", sa.Integer()),
        sa.Column("guessed", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("genre", sa.Text()),
        sa.Column("genre_tag", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('accept', 'genre', 'reject', 'dismiss')", name="ck_decisions_kind"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_decisions_run_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_decisions_track_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("seq", name="pk_decisions"),
        sa.UniqueConstraint("id", name="uq_decisions_id"),
    )
    op.create_index("ix_decisions_fingerprint", "decisions", ["fingerprint"])
    op.create_index("ix_decisions_track_id", "decisions", ["track_id"])
    index_some("ix_decisions_unowned", "decisions", UNOWNED)


def make_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("track_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.String(length=128), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("genre", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_id", sa.String(length=64)),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_predictions_model_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_predictions_run_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_predictions_track_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("track_id", "model_id", name="pk_predictions"),
    )
    op.create_index("ix_predictions_model_id_track_id", "predictions", ["model_id", "track_id"])


def make_tag_changes() -> None:
    op.create_table(
        "tag_changes",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("library", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.LargeBinary(), nullable=False),
        sa.Column("path_text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64)),
        sa.Column("track_id", sa.Integer()),
        sa.Column("guessed", sa.Boolean(), nullable=False),
        sa.Column("audio_hash", sa.String(length=64)),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("genre", sa.Text()),
        sa.Column("written", sa.Text()),
        sa.Column("model", sa.Text()),
        sa.Column("confidence", sa.Double()),
        sa.Column("undoes", sa.String(length=64)),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('write', 'undo')", name="ck_tag_changes_kind"),
        sa.CheckConstraint(
            "status IN ('planned', 'ready', 'applied', 'failed', 'undone')", name="ck_tag_changes_status"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_tag_changes_run_id"),
        sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_tag_changes_track_id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("seq", name="pk_tag_changes"),
        sa.UniqueConstraint("id", name="uq_tag_changes_id"),
    )
    op.create_index("ix_tag_changes_fingerprint", "tag_changes", ["fingerprint"])
    op.create_index("ix_tag_changes_run_id", "tag_changes", ["run_id"])
    op.create_index("ix_tag_changes_track_id", "tag_changes", ["track_id"])
    index_some("ix_tag_changes_unfinished", "tag_changes", UNFINISHED)
    index_some("ix_tag_changes_unowned", "tag_changes", UNOWNED)
