"""Inventory versions never change, and heartbeats only grow: availability rests on both."""

from alembic import op

revision = "0015"
down_revision = "0014"

SHRINKS = "NEW.collector <> OLD.collector OR NEW.t_from <> OLD.t_from OR NEW.t_to < OLD.t_to"


def upgrade() -> None:
    """Refuse changes as in migration 1, whose function PostgreSQL has by now."""
    if op.get_bind().dialect.name == "sqlite":
        for name, verb, table, when in (
            ("no_update", "UPDATE", "inventory_version", ""),
            ("no_delete", "DELETE", "inventory_version", ""),
            ("no_shrinking", "UPDATE", "collector_alive", f"WHEN {SHRINKS} "),
            ("no_delete", "DELETE", "collector_alive", ""),
        ):
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {verb} ON {table} {when}"
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    refuse = "EXECUTE FUNCTION refuse_change()"
    op.execute(
        "CREATE TRIGGER inventory_version_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON inventory_version "
        f"FOR EACH STATEMENT {refuse}"
    )
    op.execute(
        "CREATE TRIGGER collector_alive_append_only BEFORE DELETE OR TRUNCATE ON collector_alive "
        f"FOR EACH STATEMENT {refuse}"
    )
    op.execute(
        "CREATE TRIGGER collector_alive_no_shrinking BEFORE UPDATE ON collector_alive "
        f"FOR EACH ROW WHEN ({SHRINKS}) {refuse}"
    )
