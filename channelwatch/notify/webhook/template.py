"""The JSON body of an alert, and its signature."""

from __future__ import annotations

import json

from channelwatch.base.secrets import Secret, sign
from channelwatch.notify.words import Voice, alert_text
from channelwatch.pipeline.ports import Alert


def body(alert: Alert, voice: Voice) -> bytes:
    """UTF-8 JSON with sorted keys; instants are epoch milliseconds UTC. `docs/webhook.md` lists the fields.

    For a receiver outside of the network the fields that say what and where are null.
    """
    text, inside, acks = alert_text(alert, voice), voice.inside, voice.acks
    document = {
        "version": 1,
        "key": alert.key,
        "incident": alert.number,
        "kind": alert.kind,
        "severity": alert.severity,
        "rule": alert.rule if inside else None,
        "subject_kind": alert.subject_kind if inside else None,
        "subject": alert.subject if inside else None,
        "unit": alert.unit if inside else None,
        "bloc": alert.bloc if inside else None,
        "cause": alert.cause if inside else None,
        "title": text.subject,
        "text": "\n".join(text.lines),
        "impacted": alert.impacted if inside else None,
        "others": alert.others,
        "drill": alert.drill,
        "t0": alert.t0,
        "event_received_at": alert.caused_at,
        "created_at": alert.created_at,
        "restored_at": alert.restored_at,
        "ack_url": acks and acks.link(alert),
        "ack_code": acks and acks.code(alert),
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
