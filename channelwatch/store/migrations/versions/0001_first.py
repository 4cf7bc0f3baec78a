"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger()
PK = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = ("transition", "incident_step", "inventory_change")


def upgrade() -> None:
    """Create every table."""
    _inventory()
    _status()
    _events()
    _incidents()
    _outbox()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def _inventory() -> None:
    op.create_table(
        "inventory_version",
        sa.Column("version", PK, nullable=False, autoincrement=False),
        sa.Column("applied_at", BIG, nullable=False),
        sa.Column("applied_by", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "inventory_change",
        sa.Column("id", PK, nullable=False),
        sa.Column("version", PK, nullable=False),
        sa.Column("applied_at", BIG, nullable=False),
        sa.Column("applied_by", sa.Text, nullable=False),
        sa.Column("section", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("old", sa.JSON, nullable=False),
        sa.Column("new", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["version"], ["inventory_version.version"]),
    )


def _status() -> None:
    op.create_table(
        "log_head",
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("next_seq", BIG, nullable=False),
        sa.Column("batch", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log_id"),
    )
    op.create_table(
        "transition",
        sa.Column("log_id", sa.Text, nullable=False),
        sa.Column("seq", BIG, nullable=False, autoincrement=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("axis", sa.Text, nullable=False),
        sa.Column("state_before", sa.Text, nullable=False),
        sa.Column("state_after", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("t_lo", BIG, nullable=False),
        sa.Column("t_hi", BIG, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log_id", "seq"),
    )
    op.create_index("transition_by_subject", "transition", ["subject", "t_hi"])
    op.create_index("transition_by_time", "transition", ["t_hi"])
    op.create_table(
        "status_current",
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("health", sa.Text, nullable=False),
        sa.Column("protection", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("security_alarm", sa.Boolean, nullable=False),
        sa.Column("health_since", BIG, nullable=False),
        sa.Column("protection_since", BIG, nullable=False),
        sa.Column("seen_at", BIG, nullable=False),
        sa.Column("flags", sa.JSON, nullable=False),
        sa.Column("latched", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    op.create_table(
        "pair_current",
        sa.Column("group_code", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.PrimaryKeyConstraint("group_code"),
    )
    op.create_table(
        "collector_alive",
        sa.Column("collector", sa.Text, nullable=False),
        sa.Column("t_from", BIG, nullable=False, autoincrement=False),
        sa.Column("t_to", BIG, nullable=False),
        sa.PrimaryKeyConstraint("collector", "t_from"),
    )


def _events() -> None:
    op.create_table(
        "event",
        sa.Column("id", PK, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("received_at", BIG, nullable=False),
        sa.Column("trusted", sa.Boolean, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("device_time", BIG),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("event_by_device", "event", ["device", "received_at"])
    op.create_index("event_by_time", "event", ["received_at"])
    op.create_table(
        "rogue_source",
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("transport", sa.Text, nullable=False),
        sa.Column("first_at", BIG, nullable=False),
        sa.Column("last_at", BIG, nullable=False),
        sa.Column("heard", BIG, nullable=False),
        sa.Column("sample", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("address", "transport"),
    )
    op.create_index("rogue_source_by_time", "rogue_source", ["last_at"])


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", PK, nullable=False, autoincrement=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("bloc", sa.Text),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("t0", BIG, nullable=False),
        sa.Column("opened_at", BIG, nullable=False),
        sa.Column("caused_at", BIG, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("impacted", sa.JSON, nullable=False),
        sa.Column("acked_at", BIG),
        sa.Column("acked_by", sa.Text),
        sa.Column("restored_at", BIG),
        sa.Column("closed_at", BIG),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("round_at", BIG, nullable=False),
        sa.Column("ladder", sa.Integer, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    live = sa.text("restored_at IS NULL AND closed_at IS NULL")
    op.create_index("incident_by_time", "incident", ["opened_at"])
    op.create_index(
        "incident_live",
        "incident",
        ["rule", "subject"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_table(
        "incident_step",
        sa.Column("id", PK, nullable=False),
        sa.Column("incident", PK, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("happened_at", BIG, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"]),
    )
    op.create_index("incident_step_by_incident", "incident_step", ["incident"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", PK, nullable=False),
        sa.Column("page_key", sa.Text, nullable=False),
        sa.Column("incident", PK, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("contact", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("not_before", BIG, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_at", BIG, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("epoch", BIG),
        sa.Column("sent_at", BIG),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("page_key", name="outbox_page_key"),
        sa.ForeignKeyConstraint(["incident"], ["incident.id"]),
    )
    op.create_index("outbox_by_incident", "outbox", ["incident", "channel", "destination"])
    op.create_index("outbox_by_state", "outbox", ["state", "due_at"])
    op.create_table(
        "lease",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        sa.UniqueConstraint("epoch", name="lease_epoch"),
    )


def _refuse_changes(table: str) -> None:
    """Let `table` only grow. A mistake of ours ends here; whoever owns the database can still drop the trigger."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
