"""Corrections carry the signatures of whoever asked for them and of whoever decided."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; what there is already has no signature."""
    for table in ("correction", "correction_step"):
        op.add_column(table, sa.Column("signature", sa.Text, nullable=False, server_default=""))
