"""The alert as a syslog message (RFC 5424), framed by its length (RFC 5425 section 4.3)."""

from __future__ import annotations

from channelwatch.base.clock import iso_utc
from channelwatch.incidents.model import OVER, Severity
from channelwatch.notify.words import Voice, headline
from channelwatch.pipeline.ports import Alert

FACILITY = 16
"""local0."""
ENTERPRISE = "channelwatch@32473"
"""The structured data's name. 32473 is the enterprise number for documentation (RFC 5612)."""
_SEVERITY = {Severity.P1: 1, Severity.P2: 2, Severity.P3: 4, Severity.P4: 5}
_BOM = "\N{BYTE ORDER MARK}"


def frame(alert: Alert, voice: Voice, host: str) -> bytes:
    """The message in a frame."""
    message = line(alert, voice, host).encode()
    return str(len(message)).encode() + b" " + message


def line(alert: Alert, voice: Voice, host: str) -> str:
    """Severity alert, critical, warning or notice for P1 to P4; what is over is told as notice."""
    level = 5 if alert.kind in OVER else _SEVERITY[alert.severity]
    facts = {"key": alert.key, "incident": alert.number, "kind": alert.kind, "severity": alert.severity}
    if voice.inside:
        facts |= {"rule": alert.rule, "subject": alert.subject}
    if alert.drill:
        facts["drill"] = "true"
    data = "".join(f' {name}="{_escaped(value)}"' for name, value in facts.items())
    head = f"<{FACILITY * 8 + level}>1 {iso_utc(alert.created_at)} {host} channelwatch - {alert.kind}"
    return f"{head} [{ENTERPRISE}{data}] {_BOM}{headline(alert, voice)}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
