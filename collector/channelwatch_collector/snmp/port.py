"""The port that every SNMP engine implements, and the words it speaks in.

Nothing here does I/O. An engine answers with values that keep the type seen on the wire
(`mib-facts`, rule 1: the wire's type is the truth, the MIB's is a hint) and fails with one
small tree of errors, each naming a `PollFailure`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

from channelwatch.base.errors import ChannelwatchError, Permanent, Transient
from channelwatch.base.secrets import Secret

Oid = tuple[int, ...]
"""An object identifier by its numbers; also a suffix of one, where the text says so."""

MAX_DATAGRAM = 65_507
"""Octets of the largest UDP payload over IPv4; also the msgMaxSize that we announce."""

MIN_PASS_PHRASE = 8
"""Shortest pass phrase accepted, as in RFC 3414 section 11.2."""


class SnmpType(IntEnum):
    """The tag seen on the wire (RFC 2578 section 2, RFC 3416 section 3), or the tag inside an Opaque."""

    INTEGER = 0x02
    OCTET_STRING = 0x04
    NULL = 0x05
    OBJECT_IDENTIFIER = 0x06
    IP_ADDRESS = 0x40
    COUNTER32 = 0x41
    GAUGE32 = 0x42
    TIME_TICKS = 0x43
    OPAQUE = 0x44
    COUNTER64 = 0x46
    NO_SUCH_OBJECT = 0x80
    NO_SUCH_INSTANCE = 0x81
    END_OF_MIB_VIEW = 0x82
    OPAQUE_COUNTER64 = 0x9F76
    OPAQUE_FLOAT = 0x9F78
    OPAQUE_DOUBLE = 0x9F79
    OPAQUE_INTEGER64 = 0x9F7A
    OPAQUE_UNSIGNED64 = 0x9F7B
    UNKNOWN = 0x1_0000
    """A tag that we do not know, or a constructed value: kept whole, never an error."""


class Value(NamedTuple):
    """One value as it came.

    `value` by `type`: int for INTEGER (signed) and the counters, gauges and ticks (unsigned);
    bytes for OCTET_STRING and OPAQUE; the dotted text for IP_ADDRESS; `Oid` for OBJECT_IDENTIFIER; float
    for OPAQUE_FLOAT and OPAQUE_DOUBLE; None for NULL and the three exceptions; the whole tag-length-value as
    bytes for UNKNOWN.

    A tuple rather than a dataclass: many thousand are made each second.
    """

    type: SnmpType
    value: int | bytes | float | str | Oid | None

    @property
    def exists(self) -> bool:
        """False for the three exceptions of RFC 3416 and for NULL: the agent has no such value."""
        return self.type not in _ABSENT


_ABSENT = frozenset(
    {SnmpType.NULL, SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE, SnmpType.END_OF_MIB_VIEW}
)

VarBind = tuple[Oid, Value]


class AuthProtocol(StrEnum):
    """HMAC of RFC 3414 (MD5, SHA-1) and RFC 7860 (SHA-2)."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


class PrivProtocol(StrEnum):
    """Cipher of RFC 3414 (DES), RFC 3826 (AES-128) and two rival drafts for longer AES keys.

    The two forms differ in how a short digest is stretched; a device profile must name its form.
    Reeder's is what Cisco ships and what net-snmp calls `AES256C`.
    """

    DES = "des"
    TRIPLE_DES = "3des"
    AES128 = "aes128"
    AES192_BLUMENTHAL = "aes192-blumenthal"
    AES256_BLUMENTHAL = "aes256-blumenthal"
    AES192_REEDER = "aes192-reeder"
    AES256_REEDER = "aes256-reeder"


class SecurityLevel(IntEnum):
    """RFC 3411 section 3.4.3, ordered: a higher level is at least as safe."""

    NO_AUTH_NO_PRIV = 1
    AUTH_NO_PRIV = 2
    AUTH_PRIV = 3


@dataclass(frozen=True, slots=True)
class V2c:
    """A community. It proves nothing: what is read under it is unauthenticated."""

    community: Secret


@dataclass(frozen=True, slots=True)
class V3:
    """A USM user (RFC 3414). The level used is the highest that the given protocols allow, never a lower."""

    user: str
    auth_protocol: AuthProtocol | None = None
    auth_pass: Secret | None = None
    priv_protocol: PrivProtocol | None = None
    priv_pass: Secret | None = None
    context: str = ""

    def __post_init__(self) -> None:
        if not 1 <= len(self.user.encode()) <= 32:
            raise ValueError("an SNMPv3 user name has 1 to 32 octets")
        for protocol, phrase in (
            (self.auth_protocol, self.auth_pass),
            (self.priv_protocol, self.priv_pass),
        ):
            if (protocol is None) != (phrase is None):
                raise ValueError("protocol and pass phrase come together")
            if phrase is not None and len(phrase.reveal().encode()) < MIN_PASS_PHRASE:
                raise ValueError(f"a pass phrase has at least {MIN_PASS_PHRASE} octets")
        if self.priv_protocol is not None and self.auth_protocol is None:
            raise ValueError("privacy needs authentication")

    @property
    def level(self) -> SecurityLevel:
        if self.priv_protocol is not None:
            return SecurityLevel.AUTH_PRIV
        return SecurityLevel.AUTH_NO_PRIV if self.auth_protocol is not None else SecurityLevel.NO_AUTH_NO_PRIV


Credential = V2c | V3


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask and how patiently.

    `address` is a numeric IPv4 or IPv6 address. `timeout_s` is the wait for one answer, `retries` how
    often a question is repeated after the first. `max_repetitions` is the most rows asked of one page.
    `answers_from_elsewhere` is for agents with several addresses that answer from another one than was asked: their
    answers are then taken from any address, though only from the same port and with the right id, and with the right
    community or digest as ever.
    """

    address: str
    credential: Credential
    port: int = 161
    timeout_s: float = 2.0
    retries: int = 1
    max_repetitions: int = 25
    answers_from_elsewhere: bool = False

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)
        if not 1 <= self.port <= 65_535:
            raise ValueError("port must be 1 to 65535")
        if not 0 < self.timeout_s <= 60:
            raise ValueError("timeout_s must be above 0 and at most 60")
        if not 0 <= self.retries <= 10 or not 1 <= self.max_repetitions <= 100:
            raise ValueError("retries must be 0 to 10, max_repetitions 1 to 100")

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class PollPlan:
    """What to read at once: exact instances, and columns (or any subtrees) to be read to their end."""

    scalars: tuple[Oid, ...] = ()
    columns: tuple[Oid, ...] = ()


class PollFailure(StrEnum):
    """Why there is no usable answer. A time-out is only one of these and does not mean "down"."""

    NO_ANSWER = "no_answer"
    """Nothing came within the patience of the target."""
    PORT_CLOSED = "port_closed"
    """ICMP port unreachable: the host lives, nobody listens."""
    UNREACHABLE = "unreachable"
    """ICMP host or network unreachable, or no route from here."""
    MALFORMED = "malformed"
    """Only answers that could not be decoded came."""
    WRONG_OIDS = "wrong_oids"
    """Only answers about other objects than those asked came."""
    WRONG_COMMUNITY = "wrong_community"
    """Only answers under another community came."""
    WRONG_KEY = "wrong_key"
    """usmStatsWrongDigests or usmStatsDecryptionErrors: pass phrase or protocol differ."""
    UNAUTHENTIC = "unauthentic"
    """Only answers without a valid digest or below the asked security level came: forged, or a wrong key."""
    UNKNOWN_USER = "unknown_user"
    """usmStatsUnknownUserNames."""
    UNSUPPORTED_SEC_LEVEL = "unsupported_sec_level"
    """usmStatsUnsupportedSecLevels."""
    NOT_IN_TIME_WINDOW = "not_in_time_window"
    """usmStatsNotInTimeWindows again after re-synchronising."""
    UNKNOWN_ENGINE = "unknown_engine"
    """Discovery does not settle: the engine denies the ID that it has just announced."""
    NO_SUCH_CONTEXT = "no_such_context"
    """snmpUnknownContexts or snmpUnavailableContexts."""
    TOO_BIG = "too_big"
    """Even the smallest question was answered tooBig."""
    GEN_ERR = "gen_err"
    """The agent answered genErr, or another error that has no word of its own here."""
    NO_ACCESS = "no_access"
    """authorizationError or noAccess: the view does not cover what was asked."""
    WALK_NOT_INCREASING = "walk_not_increasing"
    """The agent's next object did not come after the last: it would never end."""
    WALK_TOO_LONG = "walk_too_long"
    """More rows or pages than the limit."""
    UNSUPPORTED_PROTOCOL = "unsupported_protocol"
    """This engine does not speak the credential's cipher; another one may."""
    BUSY = "busy"
    """Our own limit on waiting polls is reached: says nothing about the device."""
    ENGINE_CLOSED = "engine_closed"
    """We are stopping: says nothing about the device."""

    @property
    def is_permanent(self) -> bool:
        """True if asking again with the same words cannot help."""
        return self in _PERMANENT


_PERMANENT = frozenset(
    {
        PollFailure.WRONG_COMMUNITY,
        PollFailure.WRONG_KEY,
        PollFailure.UNKNOWN_USER,
        PollFailure.UNSUPPORTED_SEC_LEVEL,
        PollFailure.NO_SUCH_CONTEXT,
        PollFailure.TOO_BIG,
        PollFailure.NO_ACCESS,
        PollFailure.WALK_NOT_INCREASING,
        PollFailure.WALK_TOO_LONG,
        PollFailure.UNSUPPORTED_PROTOCOL,
    }
)


class SnmpError(ChannelwatchError):
    """A question without a usable answer. Always a `SnmpTransient` or a `SnmpPermanent`."""

    def __init__(self, failure: PollFailure, *, operation: str = "", subject: str = "") -> None:
        super().__init__(failure.value, operation=operation, subject=subject)
        self.failure = failure


class SnmpTransient(SnmpError, Transient):
    """Asking again may succeed."""


class SnmpPermanent(SnmpError, Permanent):
    """Asking again fails until somebody changes a setting, here or on the device."""


def snmp_error(failure: PollFailure, *, operation: str, target: Target) -> SnmpError:
    """The error for `failure`, of the branch that `failure.is_permanent` names."""
    kind = SnmpPermanent if failure.is_permanent else SnmpTransient
    return kind(failure, operation=operation, subject=str(target))


@dataclass(frozen=True, slots=True)
class AgentClock:
    """The agent's engine as an authenticated message stated it (RFC 3414 section 2.2).

    `boots` 0..2^31-1 counts restarts; `time_s` is seconds since the last one.
    """

    engine_id: bytes
    boots: int
    time_s: int


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """What a poll brought.

    `scalars` holds each asked instance, also those answered by an exception such as NO_SUCH_OBJECT.
    `columns` maps each asked column to its rows by suffix; the suffix is whole (rule 6: index shapes
    change with firmware) and in the agent's order. A column absent from the device is an empty mapping.
    `failed` names objects that spoilt only themselves (GEN_ERR on one instance, a column whose walk does
    not increase); they are missing from the two mappings, so a part of a table never looks like all of it.
    `agent` is None for v2c and for unauthenticated v3. `engine_changed_from` is the engine ID that this
    address had before, when it differs: a cluster take-over or a replaced unit.
    `rtt_ms` is the wait for the first answer, retries excluded.
    """

    scalars: Mapping[Oid, Value]
    columns: Mapping[Oid, Mapping[Oid, Value]]
    agent: AgentClock | None
    rtt_ms: float
    engine_changed_from: bytes | None = None
    failed: Mapping[Oid, PollFailure] = field(default_factory=dict)


class SnmpEngine(Protocol):
    """Reads agents. Every method raises `SnmpError`; none ever waits longer than target and limits allow."""

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """Read all of `plan`; fails as a whole only if the agent gives no usable answer at all."""
        ...

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Read exact instances, each of `oids` in the result; an error-status fails the whole."""
        ...

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Everything below `root` in the agent's order, WALK_TOO_LONG beyond either limit."""
        ...

    async def close(self) -> None:
        """Give up whatever is in flight and release the sockets."""
        ...

    @property
    def counters(self) -> Mapping[str, int]:
        """How often each thing worth counting has happened since the start; keys are stable words."""
        ...
