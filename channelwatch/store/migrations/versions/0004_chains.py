"""Alerts know the chain of ways that they belong to: a later way goes out only when those before it fail."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; alerts from before are the only way of theirs."""
    op.add_column("outbox", sa.Column("chain", sa.Text, nullable=False, server_default=""))
