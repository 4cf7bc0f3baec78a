"""The projection of the transitions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger()


def upgrade() -> None:
    """Create the table; it is filled from the transitions when the store is opened."""
    op.create_table(
        "status_interval",
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("src_seq", BIG, nullable=False, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("axis", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("t_from", BIG, nullable=False),
        sa.Column("t_to", BIG),
        sa.Column("err_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "src_seq"),
        sa.CheckConstraint("t_to >= t_from AND err_ms >= 0", name="status_interval_forward"),
    )
    op.create_index("status_interval_by_subject", "status_interval", ["subject", "axis", "t_from"])
    lasts = sa.text("t_to IS NULL")
    op.create_index(
        "status_interval_open",
        "status_interval",
        ["subject", "axis"],
        unique=True,
        sqlite_where=lasts,
        postgresql_where=lasts,
    )
    if op.get_bind().dialect.name == "sqlite":
        _refuse_overlaps_in_sqlite()
    elif _may_exclude():
        _exclude_overlaps()
    else:
        _refuse_overlaps_in_postgresql()


def _may_exclude() -> bool:
    """Is btree_gist (part of PostgreSQL's contrib) there, or may we create it?"""
    return bool(
        op.get_bind().scalar(
            sa.text(
                "SELECT installed_version IS NOT NULL"
                " OR has_database_privilege(current_database(), 'CREATE')"
                " FROM pg_available_extensions WHERE name = 'btree_gist'"
            )
        )
    )


def _exclude_overlaps() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        "ALTER TABLE status_interval ADD CONSTRAINT status_interval_no_overlap EXCLUDE USING gist"
        " (subject WITH =, axis WITH =, int8range(t_from, t_to) WITH &&)"
    )


# Spans do not overlap, so of those that begin before the new one ends only the last can reach into it.
_LAST_BEFORE = (
    "SELECT coalesce(t_to, 9223372036854775807) FROM status_interval AS held"
    " WHERE held.subject = NEW.subject AND held.axis = NEW.axis"
    " AND held.t_from < coalesce(NEW.t_to, 9223372036854775807)"
    " AND (held.t_to IS NULL OR held.t_to > held.t_from)"
    " ORDER BY held.t_from DESC LIMIT 1"
)


def _refuse_overlaps_in_sqlite() -> None:
    op.execute(
        "CREATE TRIGGER status_interval_no_overlap BEFORE INSERT ON status_interval"
        f" WHEN NEW.t_to IS NOT NEW.t_from AND ({_LAST_BEFORE}) > NEW.t_from"
        " BEGIN SELECT RAISE(ABORT, 'status_interval: spans overlap'); END"
    )
    op.execute(
        "CREATE TRIGGER status_interval_only_close BEFORE UPDATE ON status_interval"
        " WHEN OLD.t_to IS NOT NULL OR NEW.t_to IS NULL OR NEW.t_from <> OLD.t_from"
        " OR NEW.subject <> OLD.subject OR NEW.axis <> OLD.axis"
        " BEGIN SELECT RAISE(ABORT, 'status_interval: a span is closed once'); END"
    )


def _refuse_overlaps_in_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_overlap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'UPDATE' THEN"
        "  IF OLD.t_to IS NOT NULL OR NEW.t_to IS NULL OR NEW.t_from <> OLD.t_from"
        "   OR NEW.subject <> OLD.subject OR NEW.axis <> OLD.axis THEN"
        "   RAISE EXCEPTION 'status_interval: a span is closed once'; END IF;"
        f" ELSIF NEW.t_to IS DISTINCT FROM NEW.t_from AND ({_LAST_BEFORE}) > NEW.t_from THEN"
        "  RAISE EXCEPTION 'status_interval: spans overlap'; END IF;"
        " RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER status_interval_no_overlap BEFORE INSERT OR UPDATE ON status_interval"
        " FOR EACH ROW EXECUTE FUNCTION refuse_overlap()"
    )
