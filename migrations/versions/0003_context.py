"""Keep with a prediction what people's labels of kindred tracks said beside the sound.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("predictions", sa.Column("context", sa.JSON()))
