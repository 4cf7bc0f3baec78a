"""Planned work, and corrections of the record: both are asked for, then decided, in rows that never change."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger()
PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = ("maintenance", "maintenance_step", "correction", "correction_step")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "maintenance",
        sa.Column("id", PK, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("t_from", BIG, nullable=False),
        sa.Column("t_to", BIG, nullable=False),
        sa.Column("weekly_until", BIG),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", BIG, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("t_to > t_from", name="maintenance_forward"),
    )
    op.create_table(
        "correction",
        sa.Column("id", PK, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("t_from", BIG, nullable=False),
        sa.Column("t_to", BIG, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", BIG, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("t_to > t_from", name="correction_forward"),
    )
    for table in ("maintenance", "correction"):
        op.create_table(
            f"{table}_step",
            sa.Column("id", PK, nullable=False),
            sa.Column(table, PK, nullable=False),
            sa.Column("kind", sa.Text, nullable=False),
            sa.Column("happened_at", BIG, nullable=False),
            sa.Column("actor", sa.Text, nullable=False),
            sa.Column("reason", sa.Text, nullable=False),
            sa.Column("origin", sa.Text, nullable=False),
            sa.PrimaryKeyConstraint("id"),
            sa.UniqueConstraint(table, "kind", name=f"{table}_step_once"),
            sa.ForeignKeyConstraint([table], [f"{table}.id"]),
        )
    for table in APPEND_ONLY:
        _refuse_changes(table)


def _refuse_changes(table: str) -> None:
    """As in migration 1, whose function PostgreSQL has by now."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
