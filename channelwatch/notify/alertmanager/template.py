"""The alert as the Alertmanager API v2 takes it (`POST /api/v2/alerts`)."""

from __future__ import annotations

import json

from channelwatch.base.clock import iso_utc
from channelwatch.incidents.model import OVER, PageKind, Severity
from channelwatch.notify.words import Voice, alert_text
from channelwatch.pipeline.ports import Alert

FIRING_MS = 7 * 24 * 3600_000
"""How long Alertmanager goes on without hearing of it again. Without an end it would call it resolved in minutes."""


def body(alert: Alert, voice: Voice, instance: str) -> bytes:
    """The alert, known there by its labels. Where its severity may have changed, what it was before ends."""
    text = alert_text(alert, voice)
    notes = {"summary": text.subject, "description": "\n".join(text.lines), "key": alert.key}
    ends = alert.restored_at if alert.restored_at is not None else alert.created_at + FIRING_MS
    told = {alert.severity: ends, **dict.fromkeys(_former(alert), alert.created_at)}
    documents = [
        {
            "labels": _labels(alert, severity, instance, inside=voice.inside),
            "annotations": notes,
            "startsAt": iso_utc(alert.t0),
            "endsAt": iso_utc(max(until, alert.t0)),
        }
        for severity, until in told.items()
    ]
    return json.dumps(documents, ensure_ascii=False, sort_keys=True).encode()


def _former(alert: Alert) -> list[Severity]:
    """What its severity may have been in an earlier message: there, that is another alert."""
    if alert.kind not in OVER | {PageKind.RAISED}:
        return []
    return [other for other in Severity if other is not alert.severity]


def _labels(alert: Alert, severity: Severity, instance: str, *, inside: bool) -> dict[str, str]:
    labels = {
        "alertname": f"channelwatch-{alert.rule}" if inside else "channelwatch",
        "incident": alert.number,
        "severity": severity.value,
        "instance": instance,
    }
    if inside:
        labels |= {"subject": alert.subject, "unit": alert.unit}
        labels |= {"bloc": alert.bloc} if alert.bloc is not None else {}
    if alert.drill:
        labels["drill"] = "true"
    return labels
