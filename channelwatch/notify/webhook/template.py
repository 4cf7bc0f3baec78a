"""The JSON body of an alert, and its signature."""

from __future__ import annotations

import json

from channelwatch.base.secrets import Secret, sign
from channelwatch.notify.words import Words, alert_text
from channelwatch.pipeline.ports import Alert


def body(alert: Alert, words: Words, language: str) -> bytes:
    """UTF-8 JSON with sorted keys; instants are epoch milliseconds UTC. `docs/webhook.md` lists the fields."""
    text = alert_text(alert, words, language)
    document = {
        "version": 1,
        "key": alert.key,
        "incident": alert.number,
        "kind": alert.kind,
        "severity": alert.severity,
        "rule": alert.rule,
        "subject_kind": alert.subject_kind,
        "subject": alert.subject,
        "unit": alert.unit,
        "bloc": alert.bloc,
        "cause": alert.cause,
        "title": text.subject,
        "text": "\n".join(text.lines),
        "impacted": alert.impacted,
        "drill": alert.drill,
        "t0": alert.t0,
        "event_received_at": alert.caused_at,
        "created_at": alert.created_at,
        "restored_at": alert.restored_at,
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


def headers(alert: Alert, content: bytes, secret: Secret, *, sent_at: int) -> dict[str, str]:
    """Idempotency key, and HMAC-SHA-256 over `timestamp.body`, which stops both forgery and old replays."""
    stamp = str(sent_at // 1000)
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": alert.key,
        "X-Channelwatch-Timestamp": stamp,
        "X-Channelwatch-Signature": "sha256=" + sign(secret, stamp.encode() + b"." + content),
    }
