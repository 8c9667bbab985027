"""Runs migrations in the transaction that `tagger.index.schema` hands over: all of them happen, or none does.

To add one: write `versions/NNNN_what_it_does.py`, change `tagger/index/tables.py` to match, and set its `HEAD`.
Forward only: the way back is the copy that is made before an upgrade.
"""

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
