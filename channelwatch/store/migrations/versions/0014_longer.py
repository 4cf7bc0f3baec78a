"""Quarters and years beside the months that they are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

BIG = sa.BigInteger()
SUMS = (
    "up_ms", "degraded_ms", "split_ms", "edge_ms", "down_self_ms", "down_link_ms", "down_upstream_ms",
    "blind_ms", "silent_ms", "path_ms", "maintenance_ms", "attested_ms", "blackout_lo_ms", "blackout_hi_ms",
)  # fmt: skip


def upgrade() -> None:
    """Key both tables by the beginning and the end of a stretch, and keep the months that are there."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL statement_timeout = 0")
    op.execute("CREATE TABLE old_snapshot AS SELECT * FROM month_snapshot")
    op.execute(
        "CREATE TABLE old_share AS SELECT month_share.t_from, t_to, kind, code, axis, bloc, basis, firm, up_ms,"
        " degraded_ms, split_ms, edge_ms, down_self_ms, down_link_ms, down_upstream_ms, blind_ms, silent_ms,"
        " path_ms, maintenance_ms, attested_ms, blackout_lo_ms, blackout_hi_ms, unexcluded"
        " FROM month_share JOIN month_snapshot ON month_snapshot.t_from = month_share.t_from"
    )
    op.drop_table("month_share")
    op.drop_table("month_snapshot")
    op.create_table(
        "month_snapshot",
        sa.Column("t_from", BIG, nullable=False, autoincrement=False),
        sa.Column("t_to", BIG, nullable=False, autoincrement=False),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("late", BIG, nullable=False),
        sa.PrimaryKeyConstraint("t_from", "t_to"),
    )
    op.create_table(
        "month_share",
        sa.Column("t_from", BIG, nullable=False, autoincrement=False),
        sa.Column("t_to", BIG, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("axis", sa.Text, nullable=False),
        sa.Column("bloc", sa.Text, nullable=False),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("firm", sa.Integer, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in SUMS),
        sa.Column("unexcluded", sa.JSON),
        sa.PrimaryKeyConstraint("t_from", "t_to", "kind", "code", "axis"),
        sa.ForeignKeyConstraint(["t_from", "t_to"], ["month_snapshot.t_from", "month_snapshot.t_to"]),
    )
    op.execute("INSERT INTO month_snapshot SELECT t_from, t_to, ground, late FROM old_snapshot")
    op.execute("INSERT INTO month_share SELECT * FROM old_share")
    op.drop_table("old_share")
    op.drop_table("old_snapshot")
