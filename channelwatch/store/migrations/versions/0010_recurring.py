"""Maintenance that comes again each day or month; what came again before does so each week."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the column."""
    op.add_column("maintenance", sa.Column("every", sa.Text, nullable=False, server_default="week"))
