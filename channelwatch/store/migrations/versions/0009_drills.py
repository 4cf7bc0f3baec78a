"""Drills: what was asked for, and that it began, was to stop and ended, in rows that never change."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BIG = sa.BigInteger()
PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = ("drill", "drill_step")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "drill",
        sa.Column("id", PK, nullable=False),
        sa.Column("scenario", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("ends_at", BIG, nullable=False),
        sa.Column("approved_by", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", BIG, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "drill_step",
        sa.Column("id", PK, nullable=False),
        sa.Column("drill", PK, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("happened_at", BIG, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("drill", "kind", name="drill_step_once"),
        sa.ForeignKeyConstraint(["drill"], ["drill.id"]),
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
