"""Runs migrations in the transaction that `tagger.index.schema` hands over; all of them happen or none does."""

from __future__ import annotations

from alembic import context

from tagger.index.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters few things in place
)
context.run_migrations()
