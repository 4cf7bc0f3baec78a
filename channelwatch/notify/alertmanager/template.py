"""The alert as the Alertmanager API v2 takes it (`POST /api/v2/alerts`)."""

from __future__ import annotations

import json

from channelwatch.base.clock import iso_utc
from channelwatch.notify.words import Voice, alert_text
from channelwatch.pipeline.ports import Alert

FIRING_MS = 7 * 24 * 3600_000
"""How long Alertmanager goes on without hearing of it again. Without an end it would call it resolved in minutes."""


def body(alert: Alert, voice: Voice, instance: str) -> bytes:
    """One alert. Its labels are the same from the first message to the last, so they make one alert there."""
    text, inside = alert_text(alert, voice), voice.inside
    labels = {
        "alertname": f"channelwatch-{alert.rule}" if inside else "channelwatch",
        "incident": alert.number,
        "severity": alert.severity,
        "instance": instance,
    }
    if inside:
        labels |= {"subject": alert.subject, "unit": alert.unit}
        labels |= {"bloc": alert.bloc} if alert.bloc is not None else {}
    if alert.drill:
        labels["drill"] = "true"
    ends = alert.restored_at if alert.restored_at is not None else alert.created_at + FIRING_MS
    document = {
        "labels": labels,
        "annotations": {"summary": text.subject, "description": "\n".join(text.lines), "key": alert.key},
        "startsAt": iso_utc(alert.t0),
        "endsAt": iso_utc(max(ends, alert.t0)),
    }
    return json.dumps([document], ensure_ascii=False, sort_keys=True).encode()
