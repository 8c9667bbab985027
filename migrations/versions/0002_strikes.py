"""Count how often a file made the process that read it crash or hang.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("tracks", sa.Column("strikes", sa.Integer(), nullable=False, server_default="0"))
