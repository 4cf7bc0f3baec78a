"""What a device tells of its own accord. One notice is sent as a trap, as a syslog message, or as both."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum, auto

from channelwatch_simulator import ber
from channelwatch_simulator.ber import Oid
from channelwatch_simulator.device import CredentialKind, Device
from channelwatch_simulator.mib import (
    CREDENTIAL_COLUMNS,
    NOTIFICATIONS,
    OBJECTS,
    SCALARS,
    TEMPERATURE_COLUMNS,
    TUNNEL_COLUMNS,
    WAN_INDEX,
    port_state,
)

_SNMP_TRAPS: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5)
_IF_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_EVENT_ACCOUNT: Oid = (10, 1, 0)
_EVENT_DETAIL: Oid = (10, 2, 0)


class Severity(IntEnum):
    """Syslog severities (RFC 5424 section 6.2.1)."""

    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFO = 6


class Subject(Enum):
    """What a notice is about, beside its device."""

    NONE = auto()
    TUNNEL = auto()
    CREDENTIAL = auto()
    TEMPERATURE = auto()
    LINK = auto()


class NoticeKind(StrEnum):
    """Every notice; the value is its MSGID in syslog."""

    TUNNEL_UP = "tunnel-up"
    TUNNEL_DOWN = "tunnel-down"
    IKE_FAIL = "ike-fail"
    HA_SWITCH = "ha-switch"
    BYPASS_ON = "bypass-on"
    BYPASS_OFF = "bypass-off"
    TAMPER = "tamper"
    TAMPER_CLEAR = "tamper-clear"
    SELF_TEST = "self-test"
    POWER = "power"
    TEMPERATURE = "temperature"
    KEY_EXPIRY = "key-expiry"
    CERT_EXPIRY = "cert-expiry"
    KEY_CHANGE = "key-change"
    CONFIG_CHANGE = "config-change"
    LOGIN_FAIL = "login-fail"
    LOGIN_OK = "login-ok"
    REKEY = "rekey"
    LINK_UP = "link-up"
    LINK_DOWN = "link-down"
    COLD_START = "cold-start"


@dataclass(frozen=True, slots=True)
class _Form:
    """How a kind is told: `trap` is the notification's name (None: syslog only), `objects` go with it."""

    trap: Oid | None
    severity: Severity
    text: str
    objects: tuple[str, ...] = ()
    subject: Subject = Subject.NONE
    account: bool = False
    detail: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice of `device`. `index` is the row in the subject's table, `fields` the syslog parameters."""

    kind: NoticeKind
    device: Device
    index: int = 0
    account: str = ""
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return _FORMS[self.kind].severity

    @property
    def text(self) -> str:
        """The sentence of the syslog message."""
        values = {"account": self.account, "detail": self.detail, **self.fields}
        return _FORMS[self.kind].text.format_map(values)

    @property
    def trap(self) -> Oid | None:
        """The notification to send, None for a notice that only syslog carries."""
        return _FORMS[self.kind].trap


def _own(number: int) -> Oid:
    return (*NOTIFICATIONS, number)


_TUNNEL = ("cweTunnelName", "cweTunnelRemoteId")
_CREDENTIAL = ("cweCredentialName", "cweCredentialKind", "cweCredentialExpiresIn")

_FORMS: dict[NoticeKind, _Form] = {
    NoticeKind.TUNNEL_UP: _Form(
        _own(1),
        Severity.NOTICE,
        "Tunnel {tunnel} to {peer} is up",
        (*_TUNNEL, "cweTunnelState"),
        Subject.TUNNEL,
    ),
    NoticeKind.TUNNEL_DOWN: _Form(
        _own(2),
        Severity.ERROR,
        "Tunnel {tunnel} to {peer} is down: {detail}",
        (*_TUNNEL, "cweTunnelState"),
        Subject.TUNNEL,
        detail=True,
    ),
    NoticeKind.IKE_FAIL: _Form(
        _own(3),
        Severity.ERROR,
        "Key exchange with {peer} failed: {detail}",
        (*_TUNNEL, "cweKeyExchangeFailures"),
        Subject.TUNNEL,
        detail=True,
    ),
    NoticeKind.HA_SWITCH: _Form(
        _own(4),
        Severity.WARNING,
        "HA role is now {role}",
        ("cweHaGroup", "cweHaRole", "cweHaPeerSeen", "cweHaSwitchovers"),
    ),
    NoticeKind.BYPASS_ON: _Form(
        _own(5),
        Severity.ALERT,
        "Plaintext bypass switched on by {account}",
        ("cweCryptoMode",),
        account=True,
    ),
    NoticeKind.BYPASS_OFF: _Form(
        _own(6),
        Severity.NOTICE,
        "Plaintext bypass switched off by {account}",
        ("cweCryptoMode",),
        account=True,
    ),
    NoticeKind.TAMPER: _Form(
        _own(7), Severity.ALERT, "Tamper sensor is {state}", ("cweTamper", "cweCryptoMode")
    ),
    NoticeKind.TAMPER_CLEAR: _Form(None, Severity.NOTICE, "Tamper sensor is {state}"),
    NoticeKind.SELF_TEST: _Form(
        _own(8), Severity.NOTICE, "Self-test {result}", ("cweSelfTest", "cweCryptoMode")
    ),
    NoticeKind.POWER: _Form(
        _own(9),
        Severity.WARNING,
        "Power source is {source}",
        ("cwePowerSource", "cweBatteryStatus", "cweBatteryCharge"),
    ),
    NoticeKind.TEMPERATURE: _Form(
        _own(10),
        Severity.WARNING,
        "Temperature of {sensor} is {status}: {value} C",
        ("cweTemperatureName", "cweTemperatureValue", "cweTemperatureStatus"),
        Subject.TEMPERATURE,
    ),
    NoticeKind.KEY_EXPIRY: _Form(
        _own(11), Severity.WARNING, "Key {name} expires in {days} days", _CREDENTIAL, Subject.CREDENTIAL
    ),
    NoticeKind.CERT_EXPIRY: _Form(
        _own(11),
        Severity.WARNING,
        "Certificate {name} expires in {days} days",
        _CREDENTIAL,
        Subject.CREDENTIAL,
    ),
    NoticeKind.KEY_CHANGE: _Form(
        _own(12), Severity.NOTICE, "Key or certificate {name} was replaced", _CREDENTIAL, Subject.CREDENTIAL
    ),
    NoticeKind.CONFIG_CHANGE: _Form(
        _own(13),
        Severity.NOTICE,
        "Configuration saved by {account}",
        ("cweConfigChanges",),
        account=True,
    ),
    NoticeKind.LOGIN_FAIL: _Form(
        _own(14), Severity.WARNING, "Login of {account} failed", ("cweLoginFailures",), account=True
    ),
    NoticeKind.LOGIN_OK: _Form(None, Severity.INFO, "Login of {account} succeeded", account=True),
    NoticeKind.REKEY: _Form(
        None, Severity.INFO, "Security association with {peer} replaced", subject=Subject.TUNNEL
    ),
    NoticeKind.LINK_UP: _Form((*_SNMP_TRAPS, 4), Severity.NOTICE, "Port {port} is up", subject=Subject.LINK),
    NoticeKind.LINK_DOWN: _Form(
        (*_SNMP_TRAPS, 3), Severity.ERROR, "Port {port} is down", subject=Subject.LINK
    ),
    NoticeKind.COLD_START: _Form((*_SNMP_TRAPS, 1), Severity.NOTICE, "Started, boot number {boots}"),
}


def trap_binds(notice: Notice, now: int) -> list[tuple[Oid, bytes]]:
    """The objects that go with the trap of `notice`, after sysUpTime and snmpTrapOID."""
    form = _FORMS[notice.kind]
    if form.subject is Subject.LINK:
        state = port_state(notice.device, WAN_INDEX)
        values = ((1, WAN_INDEX), (7, 1), (8, state))
        return [((*_IF_ENTRY, arc, WAN_INDEX), ber.integer(value)) for arc, value in values]
    binds = [_bind(name, notice, now) for name in form.objects]
    if form.account:
        binds.append(((*OBJECTS, *_EVENT_ACCOUNT), ber.text(notice.account)))
    if form.detail:
        binds.append(((*OBJECTS, *_EVENT_DETAIL), ber.text(notice.detail)))
    return binds


def syslog_fields(notice: Notice) -> dict[str, str]:
    """Parameters of the structured data, in order."""
    form = _FORMS[notice.kind]
    fields = dict(notice.fields)
    if form.account:
        fields["account"] = notice.account
    if form.detail:
        fields["reason"] = notice.detail
    return fields


def _bind(name: str, notice: Notice, now: int) -> tuple[Oid, bytes]:
    device, index = notice.device, notice.index
    if name in SCALARS:
        arcs, scalar = SCALARS[name]
        return (*OBJECTS, *arcs, 0), scalar(device, now)
    if name in TUNNEL_COLUMNS:
        arcs, tunnel_column = TUNNEL_COLUMNS[name]
        return (*OBJECTS, *arcs, index), tunnel_column(device, device.tunnels[index - 1], now)
    if name in CREDENTIAL_COLUMNS:
        arcs, credential_column = CREDENTIAL_COLUMNS[name]
        return (*OBJECTS, *arcs, index), credential_column(device, device.credentials[index - 1], now)
    arcs, temperature_column = TEMPERATURE_COLUMNS[name]
    return (*OBJECTS, *arcs, index), temperature_column(device, index, now)


def tunnel_notice(kind: NoticeKind, device: Device, index: int, now: int, detail: str = "") -> Notice:
    """A notice about the tunnel in row `index`."""
    tunnel = device.tunnels[index - 1]
    fields = {"tunnel": tunnel.name, "peer": tunnel.remote, "state": label(tunnel.state(now))}
    return Notice(kind, device, index, detail=detail, fields=fields)


def expiry_notice(device: Device, index: int, now: int) -> Notice:
    """The key or certificate in row `index` is near its end."""
    certificate = device.credentials[index - 1].kind is CredentialKind.CERTIFICATE
    kind = NoticeKind.CERT_EXPIRY if certificate else NoticeKind.KEY_EXPIRY
    return credential_notice(kind, device, index, now)


def credential_notice(kind: NoticeKind, device: Device, index: int, now: int) -> Notice:
    """A notice about the key or certificate in row `index`."""
    credential = device.credentials[index - 1]
    fields = {"name": credential.name, "days": str(device.days_left(credential, now))}
    return Notice(kind, device, index, fields=fields)


def label(value: Enum) -> str:
    """The name of an enumerated value as the MIB writes it: `bypassPlaintext`."""
    first, *rest = value.name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
