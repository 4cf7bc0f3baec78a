"""What can arrive about a device: answers, misses, and events from traps and syslog."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.signals import Reading, Signal


class EventKind(StrEnum):
    """Kinds of event, the same from a trap as from a syslog line."""

    TUNNEL_UP = "tunnel_up"
    TUNNEL_DOWN = "tunnel_down"
    IKE_FAIL = "ike_fail"
    HA_SWITCH = "ha_switch"
    LINK_UP = "link_up"
    LINK_DOWN = "link_down"
    LOGIN_OK = "login_ok"
    LOGIN_FAIL = "login_fail"
    CONFIG_CHANGE = "config_change"
    POWER = "power"
    TEMP = "temp"
    TAMPER = "tamper"
    CERT_EXPIRY = "cert_expiry"
    KEY_CHANGE = "key_change"
    REKEY = "rekey"
    BYPASS_ON = "bypass_on"
    BYPASS_OFF = "bypass_off"
    SELFTEST = "selftest"
    AUTH_FAILURE = "auth_failure"
    COLD_START = "cold_start"
    WARM_START = "warm_start"
    ENGINE_CHANGED = "engine_changed"
    CLOCK_SKEW = "clock_skew"
    FLOOD = "flood"
    ROGUE_SOURCE = "rogue_source"
    OTHER = "other"


class MissCause(StrEnum):
    """Why a poll gave nothing. Each is another sentence for the operator."""

    NO_ANSWER = "no_answer"
    PORT_CLOSED = "port_closed"
    WRONG_KEY = "wrong_key"
    UNKNOWN_USER = "unknown_user"
    NOT_IN_TIME_WINDOW = "not_in_time_window"
    WRONG_COMMUNITY = "wrong_community"
    UNSUPPORTED_SECURITY_LEVEL = "unsupported_security_level"
    MALFORMED = "malformed"
    TOO_BIG = "too_big"
    WALK_NOT_INCREASING = "walk_not_increasing"
    AGENT_ERROR = "agent_error"

    @property
    def is_silence(self) -> bool:
        """Nothing at all came back from an agent: the device may be gone."""
        return self in (MissCause.NO_ANSWER, MissCause.PORT_CLOSED)

    @property
    def is_credential(self) -> bool:
        """The agent lives and refuses us."""
        return self in _CREDENTIAL


_CREDENTIAL = frozenset(
    {
        MissCause.WRONG_KEY,
        MissCause.UNKNOWN_USER,
        MissCause.WRONG_COMMUNITY,
        MissCause.UNSUPPORTED_SECURITY_LEVEL,
        MissCause.NOT_IN_TIME_WINDOW,
    }
)


class Transport(StrEnum):
    """How an event came in."""

    TRAP = "trap"
    SYSLOG_UDP = "syslog_udp"
    SYSLOG_TCP = "syslog_tcp"
    SYSLOG_TLS = "syslog_tls"
    SYSLOG_RELP = "syslog_relp"
    COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class PollAnswered:
    """A device answered: every reading that its profile can give, `UNSUPPORTED` ones left out.

    `sent_at` and `received_at` are wall-clock instants around the exchange. `profile` is the profile in use.
    """

    device: DeviceCode
    sent_at: EpochMs
    received_at: EpochMs
    readings: tuple[Reading, ...]
    profile: str


@dataclass(frozen=True, slots=True)
class PollMissed:
    """A poll was sent (with its retries) and gave nothing usable.

    `collector_healthy` is false while the collector itself may be at fault (loop lag, full queue): such a miss
    proves nothing about the device.
    """

    device: DeviceCode
    sent_at: EpochMs
    received_at: EpochMs
    cause: MissCause
    collector_healthy: bool = True


class EventReceived(NamedTuple):
    """A trap or syslog line of a known device, normalised and redacted. A named tuple, since a flood makes tens of
    thousands a second, and a frozen dataclass takes four times as long to make.

    `trusted` is true only for an authenticated source (SNMPv3 authPriv, mutual TLS): only then may `readings`
    change a state; otherwise they are a hint, and the collector polls at once.
    `device_time` is the device's own clock, None where it gave none. `severity` is the syslog scale 0..7.
    """

    device: DeviceCode
    kind: EventKind
    transport: Transport
    received_at: EpochMs
    trusted: bool
    severity: int = 5
    device_time: EpochMs | None = None
    component: str = ""
    text: str = ""
    source: str = ""
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class RogueSource:
    """Something spoke to a listener from an address that no device has: kept apart from every history."""

    address: str
    transport: Transport
    received_at: EpochMs
    count: int
    sample: str = ""


@dataclass(frozen=True, slots=True)
class LatchCleared:
    """A person cleared a latched signal (tamper) after looking at the device."""

    device: DeviceCode
    signal: Signal
    by: str
    at: EpochMs


@dataclass(frozen=True, slots=True)
class CollectorAlive:
    """The collector's own heartbeat: it polled on time since `since`; `lag_ms` is its worst loop lag there."""

    collector: str
    since: EpochMs
    until: EpochMs
    lag_ms: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class DrillInjected:
    """What a drill plays at the collector's edge. It changes the state of nothing: it is rehearsed apart."""

    observation: PollMissed | EventReceived
    received_at: EpochMs


Observation = (
    PollAnswered | PollMissed | EventReceived | RogueSource | LatchCleared | CollectorAlive | DrillInjected
)
