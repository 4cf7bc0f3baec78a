"""Days on which maintenance does not come again, and what each rebuild of the status intervals repaired."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

BIG = sa.BigInteger()


def upgrade() -> None:
    """Add the column and the table, which refuses changes as in migration 1."""
    op.add_column("maintenance", sa.Column("except_days", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "rebuild",
        sa.Column("id", BIG.with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("differences", BIG, nullable=False),
        sa.Column("examples", sa.Text, nullable=False),
        sa.Column("happened_at", BIG, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER rebuild_no_{verb.lower()} BEFORE {verb} ON rebuild "
                "BEGIN SELECT RAISE(ABORT, 'rebuild is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER rebuild_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rebuild "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
