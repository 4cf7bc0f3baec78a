"""Months that were measured once."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BIG = sa.BigInteger()
SUMS = (
    "up_ms", "degraded_ms", "split_ms", "edge_ms", "down_self_ms", "down_link_ms", "down_upstream_ms",
    "blind_ms", "silent_ms", "path_ms", "maintenance_ms", "attested_ms", "blackout_lo_ms", "blackout_hi_ms",
)  # fmt: skip


def upgrade() -> None:
    """Create the tables; months are measured by the nightly job."""
    op.create_table(
        "month_snapshot",
        sa.Column("t_from", BIG, nullable=False, autoincrement=False),
        sa.Column("t_to", BIG, nullable=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("late", BIG, nullable=False),
        sa.PrimaryKeyConstraint("t_from"),
    )
    op.create_table(
        "month_share",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("axis", sa.Text, nullable=False),
        sa.Column("t_from", BIG, nullable=False, autoincrement=False),
        sa.Column("bloc", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("firm", sa.Integer, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in SUMS),
        sa.Column("unexcluded", sa.JSON),
        sa.PrimaryKeyConstraint("kind", "code", "axis", "t_from"),
        sa.ForeignKeyConstraint(["t_from"], ["month_snapshot.t_from"]),
    )
