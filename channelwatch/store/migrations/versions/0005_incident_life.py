"""Incidents keep the ladder that they opened with, what people said of their cause, and whether they are a drill."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; incidents from before follow the ladder that is configured."""
    for column in (
        sa.Column("policy", sa.Text, nullable=False, server_default=""),
        sa.Column("graded_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("resolution", sa.Text, nullable=False, server_default=""),
        sa.Column("approved_by", sa.Text),
        sa.Column("merged_into", sa.BigInteger),
        sa.Column("drill", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("impact_told", sa.Integer, nullable=False, server_default="0"),
        sa.Column("impact_told_at", sa.BigInteger, nullable=False, server_default="0"),
    ):
        op.add_column("incident", column)
