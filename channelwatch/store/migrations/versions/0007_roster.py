"""The on-call roster, a version for each act."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table; its rows never change."""
    op.create_table(
        "roster_version",
        sa.Column("version", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER roster_version_no_{verb.lower()} BEFORE {verb} ON roster_version "
                "BEGIN SELECT RAISE(ABORT, 'roster_version is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER roster_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON roster_version "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
