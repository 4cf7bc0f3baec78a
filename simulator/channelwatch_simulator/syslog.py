"""Notices as RFC 5424 messages.

APP-NAME is `encryptor`, MSGID the kind of the notice, and the facts stand in the element `enc@99999`:

| MSGID                               | parameters                                   |
|-------------------------------------|----------------------------------------------|
| tunnel-up, rekey                    | tunnel, peer, state                          |
| tunnel-down, ike-fail               | tunnel, peer, state, reason                  |
| ha-switch                           | group, role                                  |
| bypass-on, bypass-off               | mode, account                                |
| tamper, tamper-clear                | state (`detected`, `clear`)                  |
| self-test                           | result (`passed`, `failed`)                  |
| power                               | source (`mains`, `battery`), battery, charge |
| temperature                         | sensor, value, status                        |
| key-expiry, cert-expiry, key-change | name, days                                   |
| login-ok, login-fail                | source, account                              |
| config-change                       | account                                      |
| link-up, link-down                  | port                                         |
| cold-start                          | boots                                        |
"""

from __future__ import annotations

from datetime import UTC, datetime

from channelwatch_simulator.mib import WALL_ZONE
from channelwatch_simulator.notices import Notice, syslog_fields

APP_NAME = "encryptor"
SD_ID = "enc@99999"
_FACILITY_LOCAL4 = 20
_BOM = "\ufeff"


def render(notice: Notice, *, wall_ms: int, sequence: int) -> bytes:
    """One message without framing. `sequence` counts this device's messages from 1 (meta sequenceId)."""
    priority = _FACILITY_LOCAL4 * 8 + notice.severity
    at = datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone(WALL_ZONE).isoformat(timespec="milliseconds")
    facts = "".join(f' {name}="{_escaped(value)}"' for name, value in syslog_fields(notice).items())
    head = f"<{priority}>1 {at} {notice.device.code} {APP_NAME} - {notice.kind}"
    return f'{head} [{SD_ID}{facts}][meta sequenceId="{sequence}"] {_BOM}{notice.text}'.encode()


def _escaped(value: str) -> str:
    """PARAM-VALUE (RFC 5424 section 6.3.3)."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")
