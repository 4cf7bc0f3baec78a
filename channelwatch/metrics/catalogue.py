"""Every metric of the product: docs/metrics.md is made from this, and tests hold a running process to it."""

from __future__ import annotations

from channelwatch.metrics import fleet
from channelwatch.metrics.text import Family, Kind

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
COMMIT_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LAG_BUCKETS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LATENCY_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
PEOPLE_BUCKETS_S = (30.0, 60.0, 180.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0)

_BLOC = {"bloc": "`party`, `gov`, `na`, `front`"}
_QUEUE = {"queue": "`observations`"}
_RESULT = "accepted, or the reason of the refusal"

BUILD_INFO = Family(
    "channelwatch_build_info",
    "The running version; always 1.",
    Kind.GAUGE,
    {"version": "of the program", "installation": "`instance.id` of the configuration"},
)
START_TIME = Family("channelwatch_start_time_seconds", "Start of the process, Unix time.")
HEARTBEAT = Family(
    "channelwatch_heartbeat_timestamp_seconds",
    "When the rules were last evaluated and the result committed, Unix time; 0 = not yet.",
)
HEARTBEAT_REFUSED = Family(
    "channelwatch_heartbeat_receivers_silent",
    "Receivers of the heartbeat that did not take the last beat.",
    optional=True,
)
QUEUE_LENGTH = Family("channelwatch_queue_length", "Items waiting in a queue.", labels=_QUEUE)
QUEUE_LIMIT = Family("channelwatch_queue_limit", "The most items a queue holds.", labels=_QUEUE)
QUEUE_ACCEPTED = Family("channelwatch_queue_accepted_total", "Items taken.", Kind.COUNTER, _QUEUE)
QUEUE_DROPPED = Family("channelwatch_queue_dropped_total", "Items refused: full.", Kind.COUNTER, _QUEUE)
SET_ASIDE = Family(
    "channelwatch_observations_set_aside_total",
    "Observations that were not taken into account, by reason.",
    Kind.COUNTER,
    {"reason": "`stale` and the like; `fault`: a fault of the program"},
)
COMMIT_SECONDS = Family(
    "channelwatch_commit_duration_seconds", "Time to commit one batch.", Kind.HISTOGRAM, {}, COMMIT_BUCKETS_S
)
COMMIT_LAG = Family(
    "channelwatch_commit_lag_seconds",
    "From receiving the oldest observation of a batch to its commit.",
    Kind.HISTOGRAM,
    {},
    SECONDS,
)
LOOP_LAG = Family(
    "channelwatch_event_loop_lag_seconds",
    "How late the event loop woke a timer.",
    Kind.HISTOGRAM,
    {},
    LAG_BUCKETS_S,
)
LEASE_HELD = Family("channelwatch_lease_held", "1 while this process holds the lease to write and to alert.")
LEASE_EPOCH = Family(
    "channelwatch_lease_epoch", "Number of the lease; it grows when another process takes over."
)
LEASE_AGE = Family("channelwatch_lease_renewed_age_seconds", "Time since the lease was last renewed.")
BLIND_SECONDS = Family(
    "channelwatch_device_blind_seconds_total",
    "Time for which nothing was known of devices in service, added up over the devices.",
    Kind.COUNTER,
    _BLOC,
)
DEVICES_BLIND = Family(
    "channelwatch_devices_blind", "Devices in service of which nothing is known now.", labels=_BLOC
)
POLLS = Family(
    "channelwatch_polls_total",
    "Polls by result.",
    Kind.COUNTER,
    {"result": "`answered`, or why not: `no_answer`, `port_closed`, `wrong_key` and so on"},
)
POLL_SECONDS = Family(
    "channelwatch_poll_duration_seconds",
    "From the first question of a poll to its outcome.",
    Kind.HISTOGRAM,
    {},
    SECONDS,
)
POLL_LATENESS = Family(
    "channelwatch_poll_lateness_seconds", "How late a poll began.", Kind.HISTOGRAM, {}, SECONDS
)
TRAPS = Family(
    "channelwatch_traps_total",
    "Traps and informs by result.",
    Kind.COUNTER,
    {"result": _RESULT},
    optional=True,
)
SYSLOG = Family(
    "channelwatch_syslog_messages_total",
    "Syslog messages by transport and result.",
    Kind.COUNTER,
    {"transport": "`syslog_udp`, `syslog_tcp`, `syslog_tls`, `syslog_relp`, `all`", "result": _RESULT},
    optional=True,
)
SYSLOG_BYTES = Family(
    "channelwatch_syslog_received_bytes_total",
    "Size of the syslog messages received.",
    Kind.COUNTER,
    {"transport": "as of channelwatch_syslog_messages_total"},
    optional=True,
)
COLLECTOR = Family(
    "channelwatch_collector_total",
    "What the collector has met.",
    Kind.COUNTER,
    {"event": "of the SNMP engine (`snmp_...`), of the listeners, `poll_overrun`, `rogue`"},
)
INCIDENTS_OPEN = Family(
    "channelwatch_incidents_open", "Incidents not over.", labels={"severity": "`p1` to `p4`"}
)
UNHEARD = Family(
    "channelwatch_incidents_unheard", "Incidents that await a person and that nobody can be told of."
)
ONCALL_FILLED = Family(
    "channelwatch_oncall_filled_ratio",
    "Share of the roster's teams that have somebody on call now, where they must.",
    optional=True,
)
ONCALL_GAPS = Family(
    "channelwatch_oncall_gaps",
    "Times ahead, as far as the roster is looked through, at which a team has nobody on call.",
)
ACK_SECONDS = Family(
    "channelwatch_incident_acknowledge_seconds",
    "From noticing an incident to its first acknowledgement by a person.",
    Kind.HISTOGRAM,
    {"severity": "`p1` to `p4`"},
    PEOPLE_BUCKETS_S,
)
RESTORE_SECONDS = Family(
    "channelwatch_incident_restore_seconds",
    "From noticing an incident to the end of its fault.",
    Kind.HISTOGRAM,
    {"severity": "`p1` to `p4`"},
    PEOPLE_BUCKETS_S,
)
INCIDENTS_OPENED = Family(
    "channelwatch_incidents_opened_total",
    "Incidents opened or opened again.",
    Kind.COUNTER,
    {"severity": "`p1` to `p4`"},
)
OUTBOX_ROWS = Family(
    "channelwatch_outbox_rows",
    "Alerts in the outbox.",
    labels={"state": "`pending`, `claimed`, `sent`, `dead`"},
)
OUTBOX_AGE = Family("channelwatch_outbox_oldest_unsent_age_seconds", "Age of the oldest unsent alert.")
DELIVERIES = Family(
    "channelwatch_deliveries_total",
    "Attempts to deliver an alert, by channel and result.",
    Kind.COUNTER,
    {"channel": "`webhook`, `smtp` and so on", "result": "`sent`, `retry`, `unsure`, `dead`"},
    optional=True,
)
ALERT_LATENCY = Family(
    "channelwatch_alert_latency_seconds",
    "From receiving what caused an alert to its first delivery, by channel.",
    Kind.HISTOGRAM,
    {"channel": "`webhook`, `smtp` and so on"},
    LATENCY_BUCKETS_S,
    optional=True,
)
AVAILABILITY = Family(
    "channelwatch_availability_ratio",
    "Availability of a bloc's channels by the store: the point estimate and its bounds.",
    labels={**_BLOC, "period": "`1d`, `30d`, `month`, `last_month`", "bound": "`low`, `known`, `high`"},
    optional=True,
)
AVAILABILITY_COVERAGE = Family(
    "channelwatch_availability_coverage_ratio",
    "Share of the period for which the availability of a bloc's channels is known.",
    labels={**_BLOC, "period": "as of channelwatch_availability_ratio"},
    optional=True,
)
BELOW_TARGET = Family(
    "channelwatch_channels_below_target",
    "Channels of a bloc proven to be below 99.9 % in a period.",
    labels={**_BLOC, "period": "as of channelwatch_availability_ratio"},
    optional=True,
)
AVAILABILITY_AT = Family(
    "channelwatch_availability_computed_timestamp_seconds",
    "When the availability was last computed, Unix time; 0 = not yet.",
)
PROJECTION_DIFFERENCES = Family(
    "channelwatch_projection_differences", "Status intervals that are not what the transitions say."
)
PROJECTION_COMPARED = Family(
    "channelwatch_projection_compared_seconds",
    "When the status intervals were last compared, Unix time; 0 = not since the start.",
)
SIGN_INS = Family(
    "channelwatch_sign_ins_total",
    "Attempts to sign in, by result.",
    Kind.COUNTER,
    {"result": "`opened`, `wrong`, `slowed_down`, `busy`"},
)
STREAMS = Family("channelwatch_board_streams", "Open event streams.")
STREAMS_REFUSED = Family(
    "channelwatch_board_streams_refused_total", "Event streams refused: too many.", Kind.COUNTER
)
SCRAPE_SECONDS = Family(
    "channelwatch_metrics_render_seconds",
    "Time to render the fleet for one scrape.",
    Kind.HISTOGRAM,
    {},
    SECONDS,
)
SCRAPE_BYTES = Family("channelwatch_metrics_fleet_bytes", "Size of the last rendered fleet.")
SCRAPES_REFUSED = Family(
    "channelwatch_metrics_scrapes_refused_total", "Scrapes refused: too many waited.", Kind.COUNTER
)

PROCESS: tuple[Family, ...] = (
    BUILD_INFO, START_TIME, HEARTBEAT, HEARTBEAT_REFUSED, LEASE_HELD, LEASE_EPOCH, LEASE_AGE, LOOP_LAG,
    POLLS, POLL_SECONDS, POLL_LATENESS, TRAPS, SYSLOG, SYSLOG_BYTES, COLLECTOR,
    QUEUE_LENGTH, QUEUE_LIMIT, QUEUE_ACCEPTED, QUEUE_DROPPED, SET_ASIDE, COMMIT_SECONDS, COMMIT_LAG,
    PROJECTION_DIFFERENCES, PROJECTION_COMPARED, BLIND_SECONDS, DEVICES_BLIND,
    INCIDENTS_OPEN, INCIDENTS_OPENED, UNHEARD, ONCALL_FILLED, ONCALL_GAPS, ACK_SECONDS, RESTORE_SECONDS,
    OUTBOX_ROWS, OUTBOX_AGE, DELIVERIES, ALERT_LATENCY,
    AVAILABILITY, AVAILABILITY_COVERAGE, BELOW_TARGET, AVAILABILITY_AT,
    SIGN_INS, STREAMS, STREAMS_REFUSED, SCRAPE_SECONDS, SCRAPE_BYTES, SCRAPES_REFUSED,
)  # fmt: skip
FLEET: tuple[Family, ...] = fleet.FAMILIES
EVERY: tuple[Family, ...] = (*PROCESS, *FLEET)
