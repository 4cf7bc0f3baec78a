"""The incidents that are not over, as series: how many, how long, and each of the gravest by its number. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import Incident, IncidentState, Severity
from channelwatch.inventory.model import Bloc
from channelwatch.metrics.text import Family, labels, sample

INCIDENTS_TOLD = 200
"""Incidents with a series of their own, the gravest and oldest first; the rest is counted."""

BLOC = {"bloc": "`party`, `gov`, `na`, `front`; left out for the collector's own"}
LIVE = (
    IncidentState.OPEN,
    IncidentState.REOPENED,
    IncidentState.ACKED,
    IncidentState.WORKING,
    IncidentState.RESTORED,
    IncidentState.RESOLVED,
)

COUNT = Family(
    "channelwatch_incidents",
    "Incidents that are not over.",
    labels={
        **BLOC,
        "severity": "`p1` to `p4`",
        "state": "`open`, `reopened`, `acked`, `working`, `restored`, `resolved`",
    },
)
OLDEST = Family(
    "channelwatch_incident_oldest_unacknowledged_seconds",
    "For how long the incident has waited that awaits a person longest; 0 = none does.",
    labels=BLOC,
)
OPENED = Family(
    "channelwatch_incident_opened_timestamp_seconds",
    "When an incident was noticed (T0), Unix time; one series for each, up to 200.",
    labels={
        "number": "as people call it: `SC-000123`",
        **BLOC,
        "severity": "`p1` to `p4`",
        "state": "as of channelwatch_incidents",
        "rule": "id of the rule",
        "subject": "code of the device or group, or the collector's id",
        "cause": "as of channelwatch_device_cause",
    },
    optional=True,
)
IMPACTED = Family(
    "channelwatch_incident_impacted",
    "Devices that an incident takes with it and that have none of their own.",
    labels={"number": "as of channelwatch_incident_opened_timestamp_seconds", **BLOC},
    optional=True,
)
OMITTED = Family(
    "channelwatch_incidents_omitted",
    "Incidents without a series of their own: beyond the limit.",
)
FAMILIES = (COUNT, OLDEST, OPENED, IMPACTED, OMITTED)
_GRAVITY = {severity: number for number, severity in enumerate(Severity)}


def incident_lines(
    incidents: Iterable[Incident], *, blocs: Collection[Bloc], now: EpochMs
) -> dict[str, bytes]:
    """The samples by family name; incidents of the collector itself concern everybody."""
    live = [
        item for item in incidents if not item.state.is_over and (item.bloc is None or item.bloc in blocs)
    ]
    live.sort(key=lambda item: (_GRAVITY[item.severity], item.t0, item.id))
    scopes: list[Bloc | None] = [None, *(bloc for bloc in Bloc if bloc in blocs)]
    counts = Counter((item.bloc, item.severity, item.state) for item in live)
    waits = {
        bloc: max(
            [now - item.t0 for item in live if item.bloc is bloc and item.state.awaits_person], default=0
        )
        for bloc in scopes
    }
    found = {
        COUNT.name: "".join(
            sample(COUNT.name, labels({"bloc": bloc or "", "severity": severity, "state": state}), number)
            for bloc in scopes
            for severity in Severity
            for state in LIVE
            if (number := counts[bloc, severity, state]) or bloc is not None
        ),
        OLDEST.name: "".join(
            sample(OLDEST.name, labels({"bloc": bloc or ""}), max(0, wait) / 1000)
            for bloc, wait in waits.items()
        ),
        OPENED.name: "".join(_opened(item) for item in live[:INCIDENTS_TOLD]),
        IMPACTED.name: "".join(
            sample(
                IMPACTED.name, labels({"number": item.number, "bloc": item.bloc or ""}), len(item.impacted)
            )
            for item in live[:INCIDENTS_TOLD]
            if item.impacted
        ),
        OMITTED.name: f"{OMITTED.name} {max(0, len(live) - INCIDENTS_TOLD)}\n",
    }
    return {name: text.encode() for name, text in found.items()}


def _opened(item: Incident) -> str:
    told = labels(
        {
            "number": item.number,
            "bloc": item.bloc or "",
            "severity": item.severity,
            "state": item.state,
            "rule": item.rule,
            "subject": item.subject,
            "cause": item.cause,
        }
    )
    return sample(OPENED.name, told, item.t0 / 1000)
