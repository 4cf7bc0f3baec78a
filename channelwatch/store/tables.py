"""The tables. Times are epoch ms UTC. `migrations/` makes them; a test holds the two equal."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

PK = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column that is exactly INTEGER."""


class Words(TypeDecorator[str]):
    """Text that every database takes: NUL and lone surrogates, which a device may send, are replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """`text` as every database takes it."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


metadata = MetaData()

inventory_version = Table(
    "inventory_version",
    metadata,
    Column("version", PK, primary_key=True, autoincrement=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("applied_by", Words, nullable=False),
    Column("document", Text, nullable=False),
)

inventory_change = Table(
    "inventory_change",
    metadata,
    Column("id", PK, primary_key=True),
    Column("version", PK, ForeignKey("inventory_version.version"), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
    Column("applied_by", Words, nullable=False),
    Column("section", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("old", JSON, nullable=False),
    Column("new", JSON, nullable=False),
)

log_head = Table(
    "log_head",
    metadata,
    Column("log_id", Words, primary_key=True),
    Column("next_seq", BigInteger, nullable=False),
    Column("batch", Words, nullable=False),
)

transition = Table(
    "transition",
    metadata,
    Column("log_id", Words, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Words, nullable=False),
    Column("axis", Words, nullable=False),
    Column("state_before", Words, nullable=False),
    Column("state_after", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("t_lo", BigInteger, nullable=False),
    Column("t_hi", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("evidence", Words, nullable=False),
    Index("transition_by_subject", "subject", "t_hi"),
    Index("transition_by_time", "t_hi"),
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subject", Words, nullable=False),
    Column("axis", Words, nullable=False),
    UniqueConstraint("subject", "axis", name="series_once"),
)
"""What has a status: a number for each subject and axis that was ever told of."""

status_kind = Table(
    "status_kind",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("log_id", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("cause", Words, nullable=False),
    UniqueConstraint("log_id", "state", "cause", name="status_kind_once"),
)
"""What a status may be: a number for each state and cause that a log ever told of."""

END_OF_TIME = 2**42 - 1
"""In the year 2109: instants up to it and a series make one number of 64 bits, by which overlaps are refused."""

status_interval = Table(
    "status_interval",
    metadata,
    Column("t_from", BigInteger, nullable=False),
    Column("t_to", BigInteger),
    Column("err_ms", BigInteger, nullable=False),
    Column("src_seq", BigInteger, nullable=False),
    Column("series", Integer, nullable=False),
    Column("kind", Integer, nullable=False),
    CheckConstraint(
        f"t_from >= 0 AND t_to >= t_from AND t_to <= {END_OF_TIME} AND err_ms >= 0",
        name="status_interval_forward",
    ),
    CheckConstraint("series BETWEEN 0 AND 4194303", name="status_interval_series"),
    Index("status_interval_by_series", "series", "t_from"),
    Index(
        "status_interval_open",
        "series",
        unique=True,
        sqlite_where=text("t_to IS NULL"),
        postgresql_where=text("t_to IS NULL"),
    ),
    postgresql.ExcludeConstraint(
        (
            text(
                "int8range((series::bigint << 42) + t_from,"
                f" (series::bigint << 42) + coalesce(t_to, {END_OF_TIME}))"
            ),
            "&&",
        ),
        name="status_interval_no_overlap",
    ).ddl_if(dialect="postgresql"),
)
"""Five million rows in a nation's year: numbers alone, and no index that nothing asks for. The source of a row is the
transition `src_seq` of the log of its kind. SQLite refuses overlaps by a trigger: migration 12."""

month_snapshot = Table(
    "month_snapshot",
    metadata,
    Column("t_from", BigInteger, primary_key=True, autoincrement=False),
    Column("t_to", BigInteger, primary_key=True, autoincrement=False),
    Column("ground", Words, nullable=False),
    Column("late", BigInteger, nullable=False),
)
"""Months that were measured, and quarters and years that were added up. `late` counts what was recorded of them, or
before them, since that was begun."""

month_share = Table(
    "month_share",
    metadata,
    Column("t_from", BigInteger, primary_key=True, autoincrement=False),
    Column("t_to", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Words, primary_key=True),
    Column("code", Words, primary_key=True),
    Column("axis", Words, primary_key=True),
    Column("bloc", Words, nullable=False),
    Column("basis", Words, nullable=False),
    Column("firm", Integer, nullable=False),
    *(
        Column(name, BigInteger, nullable=False)
        for name in (
            "up_ms", "degraded_ms", "split_ms", "edge_ms", "down_self_ms", "down_link_ms", "down_upstream_ms",
            "blind_ms", "silent_ms", "path_ms", "maintenance_ms", "attested_ms", "blackout_lo_ms", "blackout_hi_ms",
        )
    ),
    Column("unexcluded", JSON(none_as_null=True)),
    ForeignKeyConstraint(["t_from", "t_to"], ["month_snapshot.t_from", "month_snapshot.t_to"]),
)  # fmt: skip
"""The sums of a figure over a stretch. `unexcluded`: the first twelve with maintenance counted, where they differ."""

status_current = Table(
    "status_current",
    metadata,
    Column("device", Words, primary_key=True),
    Column("health", Words, nullable=False),
    Column("protection", Words, nullable=False),
    Column("cause", Words, nullable=False),
    Column("security_alarm", Boolean, nullable=False),
    Column("health_since", BigInteger, nullable=False),
    Column("protection_since", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("latched", JSON, nullable=False),
)

pair_current = Table(
    "pair_current",
    metadata,
    Column("group_code", Words, primary_key=True),
    Column("state", Words, nullable=False),
    Column("since", BigInteger, nullable=False),
)

collector_alive = Table(
    "collector_alive",
    metadata,
    Column("collector", Words, primary_key=True),
    Column("t_from", BigInteger, primary_key=True, autoincrement=False),
    Column("t_to", BigInteger, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", PK, primary_key=True),
    Column("device", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("transport", Words, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("device_time", BigInteger),
    Column("component", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("source", Words, nullable=False),
    Index("event_by_device", "device", "received_at"),
    Index("event_by_time", "received_at"),
)

rogue_source = Table(
    "rogue_source",
    metadata,
    Column("address", Words, primary_key=True),
    Column("transport", Words, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("heard", BigInteger, nullable=False),
    Column("sample", Words, nullable=False),
    Index("rogue_source_by_time", "last_at"),
)


def _steps(of: str, *more: Column[str]) -> Table:
    """What people did about the entries of a table: each at most once."""
    return Table(
        f"{of}_step",
        metadata,
        Column("id", PK, primary_key=True),
        Column(of, PK, ForeignKey(f"{of}.id"), nullable=False),
        Column("kind", Words, nullable=False),
        Column("happened_at", BigInteger, nullable=False),
        Column("actor", Words, nullable=False),
        Column("reason", Words, nullable=False),
        Column("origin", Words, nullable=False),
        *more,
        UniqueConstraint(of, "kind", name=f"{of}_step_once"),
    )


def _signature() -> Column[str]:
    return Column("signature", Words, nullable=False, server_default="")


maintenance = Table(
    "maintenance",
    metadata,
    Column("id", PK, primary_key=True),
    Column("scope", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("t_from", BigInteger, nullable=False),
    Column("t_to", BigInteger, nullable=False),
    Column("weekly_until", BigInteger),
    Column("owner", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("origin", Words, nullable=False),
    Column("every", Words, nullable=False, server_default="week"),
    Column("except_days", Words, nullable=False, server_default=""),
    CheckConstraint("t_to > t_from", name="maintenance_forward"),
)
maintenance_step = _steps("maintenance")

drill = Table(
    "drill",
    metadata,
    Column("id", PK, primary_key=True),
    Column("scenario", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("approved_by", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("origin", Words, nullable=False),
)
drill_step = _steps("drill")

correction = Table(
    "correction",
    metadata,
    Column("id", PK, primary_key=True),
    Column("scope", Words, nullable=False),
    Column("code", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("t_from", BigInteger, nullable=False),
    Column("t_to", BigInteger, nullable=False),
    Column("reason", Words, nullable=False),
    Column("requested_by", Words, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("origin", Words, nullable=False),
    _signature(),
    CheckConstraint("t_to > t_from", name="correction_forward"),
)
correction_step = _steps("correction", _signature())

roster_version = Table(
    "roster_version",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("actor", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("what", Words, nullable=False),
    Column("document", Text, nullable=False),
)

_LIVE = text("restored_at IS NULL AND closed_at IS NULL")

incident = Table(
    "incident",
    metadata,
    Column("id", PK, primary_key=True, autoincrement=False),
    Column("rule", Words, nullable=False),
    Column("subject_kind", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("bloc", Words),
    Column("severity", Words, nullable=False),
    Column("state", Words, nullable=False),
    Column("t0", BigInteger, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("caused_at", BigInteger, nullable=False),
    Column("cause", Words, nullable=False),
    Column("impacted", JSON, nullable=False),
    Column("acked_at", BigInteger),
    Column("acked_by", Words),
    Column("restored_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("round", Integer, nullable=False),
    Column("round_at", BigInteger, nullable=False),
    Column("ladder", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("policy", Text, nullable=False, server_default=""),
    Column("graded_at", BigInteger, nullable=False, server_default="0"),
    Column("resolution", Words, nullable=False, server_default=""),
    Column("approved_by", Words),
    Column("merged_into", BigInteger),
    Column("drill", Boolean, nullable=False, server_default=text("false")),
    Column("impact_told", Integer, nullable=False, server_default="0"),
    Column("impact_told_at", BigInteger, nullable=False, server_default="0"),
    Index("incident_by_time", "opened_at"),
    Index("incident_live", "rule", "subject", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

purge = Table(
    "purge",
    metadata,
    Column("id", PK, primary_key=True),
    Column("what", Words, nullable=False),
    Column("before", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
)
"""What each run of the nightly pruning has deleted of one kind. Append-only."""

rebuild = Table(
    "rebuild",
    metadata,
    Column("id", PK, primary_key=True),
    Column("differences", BigInteger, nullable=False),
    Column("examples", Text, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("actor", Words, nullable=False),
    Column("origin", Words, nullable=False),
)
"""What each `channelwatch rebuild` found wrong with the status intervals, and made right. Append-only."""

incident_step = Table(
    "incident_step",
    metadata,
    Column("id", PK, primary_key=True),
    Column("incident", PK, ForeignKey("incident.id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("actor", Words, nullable=False),
    Column("origin", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Index("incident_step_by_incident", "incident"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", PK, primary_key=True),
    Column("page_key", Words, nullable=False),
    Column("incident", PK, ForeignKey("incident.id"), nullable=False),
    Column("kind", Words, nullable=False),
    Column("contact", Words, nullable=False),
    Column("channel", Words, nullable=False),
    Column("destination", Words, nullable=False),
    Column("step", Integer, nullable=False),
    Column("not_before", BigInteger, nullable=False),
    Column("alert", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("state", Words, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("epoch", BigInteger),
    Column("sent_at", BigInteger),
    Column("last_error", Words),
    Column("chain", Words, nullable=False, server_default=""),
    UniqueConstraint("page_key", name="outbox_page_key"),
    Index("outbox_by_incident", "incident", "channel", "destination"),
    Index("outbox_by_state", "state", "due_at"),
)

lease = Table(
    "lease",
    metadata,
    Column("name", Words, primary_key=True),
    Column("holder", Words),
    Column("epoch", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    UniqueConstraint("epoch", name="lease_epoch"),
)
