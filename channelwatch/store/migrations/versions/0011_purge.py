"""What pruning has deleted, run by run."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

BIG = sa.BigInteger()


def upgrade() -> None:
    """Create the table, which refuses changes as in migration 1."""
    op.create_table(
        "purge",
        sa.Column("id", BIG.with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("before", BIG, nullable=False),
        sa.Column("removed", BIG, nullable=False),
        sa.Column("happened_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER purge_no_{verb.lower()} BEFORE {verb} ON purge "
                "BEGIN SELECT RAISE(ABORT, 'purge is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER purge_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON purge "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
