"""From a datagram on the trap port to a notification or a named rejection. No socket, no clock.

For traps the sender's engine is authoritative: it must be bound to a device and its clock is kept here.
For informs ours is (RFC 3412 section 7.1.9, RFC 3414 section 3.2).
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret
from channelwatch_collector.snmp import ber, bindings, v3
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.notification import (
    Content,
    Notification,
    TrapRejection,
    content_of_v1,
    content_of_v2,
)
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
    Version,
    encode_community_message,
    encode_pdu,
    read_pdu,
    read_pdu_head,
    read_trap_v1,
    read_version,
)
from channelwatch_collector.snmp.port import MAX_DATAGRAM, Oid, SecurityLevel, SnmpType, Value
from channelwatch_collector.snmp.session import SaltSource
from channelwatch_collector.snmp.trap_users import Keyring, KnownKeys, Rejected, TrapUser
from channelwatch_collector.snmp.usm import (
    MAX_BOOTS,
    TIME_WINDOW_S,
    EngineTime,
    Keys,
    in_local_window,
)

_NO_KEYS = Keys(SecurityLevel.NO_AUTH_NO_PRIV)
_MAX_ADDRESSES = 8
_STATISTICS = {
    TrapRejection.UNKNOWN_USER: v3.UNKNOWN_USER_NAMES,
    TrapRejection.BELOW_LEVEL: v3.UNSUPPORTED_SEC_LEVELS,
    TrapRejection.ABOVE_LEVEL: v3.UNSUPPORTED_SEC_LEVELS,
    TrapRejection.WRONG_DIGEST: v3.WRONG_DIGESTS,
}

__all__ = ["LocalEngine", "TrapDecoder", "TrapSettings", "TrapUser", "Verdict", "local_engine_id"]


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Ourselves as an authoritative engine. `boots` is stored by the caller before it is used."""

    engine_id: bytes
    boots: int
    started_s: float

    @classmethod
    def started(cls, engine_id: bytes, *, last_boots: int, now_s: float) -> LocalEngine:
        """The engine of this run, one boot after the stored `last_boots`; `now_s` is monotonic."""
        return cls(engine_id, min(last_boots + 1, MAX_BOOTS), now_s)

    def time_s(self, now_s: float) -> int:
        """Seconds since this run began."""
        return int(now_s - self.started_s)


def local_engine_id(seed: bytes) -> bytes:
    """An engine ID of RFC 3411's own-octets format that is always the same for the same installation."""
    return b"\x80\x00\x00\x00\x05" + hashlib.sha256(seed).digest()[:12]


@dataclass(frozen=True, slots=True)
class TrapSettings:
    """Whom to believe. `allows(source)` is asked first, for every datagram.

    `max_engines` bounds the bound engines, `max_remembered` the cache of duplicates, `max_octets` a datagram.
    """

    communities: tuple[Secret, ...] = ()
    users: tuple[TrapUser, ...] = ()
    allows: Callable[[str], bool] = lambda source: True
    max_octets: int = MAX_DATAGRAM
    max_engines: int = 50_000
    max_remembered: int = 100_000


class Verdict(NamedTuple):
    """What to do with a datagram.

    A rejection's `reply` is sent at once. A notification's is sent once the notification has been taken in,
    and then `TrapDecoder.taken` is told, so that an inform which found no room is not a duplicate when its
    sender repeats it.
    """

    outcome: Notification | TrapRejection
    reply: bytes | None = None
    key: Hashable = None


class _Arrival(NamedTuple):
    datagram: bytes
    source: str
    received_at: EpochMs
    now_s: float


@dataclass(slots=True)
class _BoundEngine:
    addresses: list[str]
    time: EngineTime
    keys: KnownKeys = field(default_factory=dict)


class _Seen:
    """Keys of messages within twice the time window, the oldest forgotten first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._expiry: dict[Hashable, float] = {}

    def repeats(self, key: Hashable, now_s: float) -> bool:
        """Whether `key` was met within the window."""
        return self._expiry.get(key, -1.0) > now_s

    def add(self, key: Hashable, now_s: float) -> None:
        self._expiry.pop(key, None)
        while self._expiry:
            oldest = next(iter(self._expiry))
            if self._expiry[oldest] > now_s and len(self._expiry) < self._limit:
                break
            del self._expiry[oldest]
        self._expiry[key] = now_s + 2 * TIME_WINDOW_S


class TrapDecoder:
    """Keeps users, bound engines and their clocks. Times `now_s` are of one monotonic clock."""

    def __init__(self, settings: TrapSettings, *, local: LocalEngine, salts: SaltSource) -> None:
        self._settings = settings
        self._communities = [secret.reveal().encode() for secret in settings.communities]
        self._keyring = Keyring(settings.users)
        self._local = local
        self._local_keys: KnownKeys = {}
        self._salts = salts
        self._engines: dict[bytes, _BoundEngine] = {}
        self._seen = _Seen(settings.max_remembered)
        self._stats: Counter[Oid] = Counter()

    def bind_engine(
        self, engine_id: bytes, address: str, *, boots: int = 0, time_s: int = 0, now_s: float
    ) -> None:
        """Let `engine_id` speak for the device at `address`, as an authenticated poll or the inventory says.

        With the polled clock, traps are checked against it from the first one on; without (`boots` 0) the
        first authenticated trap sets it. An engine may have several addresses; binding again adds one.
        """
        bound = self._engines.get(engine_id)
        if bound is None:
            if len(self._engines) >= self._settings.max_engines:
                del self._engines[next(iter(self._engines))]
            bound = self._engines[engine_id] = _BoundEngine([], EngineTime())
        if address not in bound.addresses:
            bound.addresses = [*bound.addresses[-_MAX_ADDRESSES + 1 :], address]
        if boots and boots != bound.time.boots:
            bound.time.reset(boots, time_s, now_s)
        elif boots:
            bound.time.learn(boots, time_s, now_s)

    def unbind_engine(self, engine_id: bytes) -> None:
        """Take nothing more from `engine_id`."""
        self._engines.pop(engine_id, None)

    def decode(self, datagram: bytes, source: str, *, received_at: EpochMs, now_s: float) -> Verdict:
        """Judge one datagram from `source`, which came at `received_at` (UTC) and `now_s` (monotonic)."""
        if len(datagram) > self._settings.max_octets:
            return Verdict(TrapRejection.TOO_LARGE)
        if not self._settings.allows(source):
            return Verdict(TrapRejection.SOURCE_NOT_ALLOWED)
        arrival = _Arrival(datagram, source, received_at, now_s)
        try:
            version, at, end = read_version(datagram)
            if version in (Version.V1, Version.V2C):
                return self._decode_community(arrival, Version(version), at, end)
            if version != Version.V3:
                raise BerError("no version that carries notifications")
            header = v3.header_at(datagram, at, end)
            if header.engine_id in self._engines:
                return self._decode_trap(arrival, header)
            return self._decode_inform(arrival, header)
        except BerError:
            return Verdict(TrapRejection.MALFORMED)
        except Rejected as rejected:
            return Verdict(rejected.reason, rejected.reply)

    def taken(self, verdict: Verdict, now_s: float) -> None:
        """Its notification has been taken in: from now on repetitions are duplicates."""
        if verdict.key is not None:
            self._seen.add(verdict.key, now_s)

    # ------------------------------------------------------------ v1 and v2c

    def _decode_community(self, arrival: _Arrival, version: Version, at: int, end: int) -> Verdict:
        datagram = arrival.datagram
        community, at = ber.read_octets(datagram, at, end)
        if not any(hmac.compare_digest(community, known) for known in self._communities):
            raise Rejected(TrapRejection.WRONG_COMMUNITY)
        if version is Version.V1:
            content = content_of_v1(read_trap_v1(datagram, at, end))
            if content is None:
                raise Rejected(TrapRejection.MALFORMED)
            return Verdict(_unproven(arrival, content, version))
        pdu = read_pdu(datagram, at, end)
        content = _content(pdu)
        if pdu.type is PduType.TRAP_V2:
            return Verdict(_unproven(arrival, content, version))
        reply = encode_community_message(version, community, encode_pdu(_acknowledgement(pdu)))
        outcome = _unproven(arrival, content, version, is_inform=True)
        return self._once(
            arrival, Verdict(outcome, reply, (arrival.source, community, *_inform_key(pdu, content)))
        )

    # ------------------------------------------------------------ v3 traps: the sender keeps the time

    def _decode_trap(self, arrival: _Arrival, header: v3.Header) -> Verdict:
        bound = self._engines[header.engine_id]
        if arrival.source not in bound.addresses:
            raise Rejected(TrapRejection.WRONG_ADDRESS)
        user, keys = self._keyring.sender(arrival.datagram, header, bound.keys)
        authenticated = header.level is not SecurityLevel.NO_AUTH_NO_PRIV
        if authenticated and not bound.time.learn(header.boots, header.time_s, arrival.now_s):
            raise Rejected(TrapRejection.STALE)
        plain = v3.plain_of(arrival.datagram, header, keys)
        scope = v3.scope_of(plain)
        head = read_pdu_head(plain, scope.at, scope.end)
        if head.type is not PduType.TRAP_V2:
            raise Rejected(TrapRejection.NOT_A_NOTIFICATION)
        content = content_of_v2(bindings.read_pairs(plain, head.at, head.end))
        if content is None:
            raise Rejected(TrapRejection.MALFORMED)
        outcome = Notification(
            source=arrival.source,
            version=Version.V3,
            authenticated=authenticated,
            is_inform=False,
            trap_oid=content.trap_oid,
            uptime=content.uptime,
            varbinds=content.varbinds,
            received_at=arrival.received_at,
            engine_id=header.engine_id,
            boots=header.boots,
            time_s=header.time_s,
            user=user.credential.user,
        )
        key = (header.engine_id, header.msg_id, header.boots, header.time_s)
        return self._once(arrival, Verdict(outcome, None, key))

    # ------------------------------------------------------------ v3 informs: we keep the time

    def _decode_inform(self, arrival: _Arrival, header: v3.Header) -> Verdict:
        """RFC 3414 section 3.2 as the authoritative engine, complaints included."""
        if header.engine_id != self._local.engine_id:
            known_nowhere = TrapRejection.UNKNOWN_ENGINE if header.engine_id else TrapRejection.DISCOVERY
            raise self._complaint(known_nowhere, v3.UNKNOWN_ENGINE_IDS, arrival, header)
        try:
            user, keys = self._keyring.sender(arrival.datagram, header, self._local_keys)
        except Rejected as rejected:
            raise self._complaint(rejected.reason, _STATISTICS[rejected.reason], arrival, header) from None
        authenticated = header.level is not SecurityLevel.NO_AUTH_NO_PRIV
        if authenticated:
            self._check_window(arrival, header, keys)
        scoped = v3.read_scoped_pdu(arrival.datagram, header, keys)
        if scoped.pdu.type is not PduType.INFORM:
            raise Rejected(TrapRejection.NOT_A_NOTIFICATION)
        claimed = scoped.context_engine_id
        bound = self._engines.get(claimed)
        if bound is not None and arrival.source not in bound.addresses:
            raise Rejected(TrapRejection.WRONG_ADDRESS)
        content = _content(scoped.pdu)
        outcome = Notification(
            source=arrival.source,
            version=Version.V3,
            authenticated=authenticated,
            is_inform=True,
            trap_oid=content.trap_oid,
            uptime=content.uptime,
            varbinds=content.varbinds,
            received_at=arrival.received_at,
            engine_id=claimed if claimed and claimed != self._local.engine_id else None,
            user=user.credential.user,
        )
        reply = self._message(
            arrival,
            header,
            v3.encode_scoped_pdu(claimed, scoped.context, encode_pdu(_acknowledgement(scoped.pdu))),
            keys,
        )
        key = (arrival.source, header.user, *_inform_key(scoped.pdu, content))
        return self._once(arrival, Verdict(outcome, reply, key))

    def _check_window(self, arrival: _Arrival, header: v3.Header, keys: Keys) -> None:
        if in_local_window(
            boots=header.boots,
            time_s=header.time_s,
            our_boots=self._local.boots,
            our_time_s=self._local.time_s(arrival.now_s),
        ):
            return
        # A sender that has just learnt our engine ID asks for our clock this way, with boots and time 0.
        asks_time = not header.boots and not header.time_s
        reason = TrapRejection.DISCOVERY if asks_time else TrapRejection.STALE
        raise self._complaint(reason, v3.NOT_IN_TIME_WINDOWS, arrival, header, keys)

    def _complaint(
        self,
        reason: TrapRejection,
        statistic: Oid,
        arrival: _Arrival,
        header: v3.Header,
        keys: Keys | None = None,
    ) -> Rejected:
        """The rejection with a Report, where the sender wants one; signed if `keys` are given."""
        if not header.reportable:
            return Rejected(reason)
        self._stats[statistic] += 1
        count = Value(SnmpType.COUNTER32, self._stats[statistic] % 2**32)
        report = encode_pdu(Pdu(PduType.REPORT, 0, 0, 0, [(statistic, count)]))
        scoped = v3.encode_scoped_pdu(self._local.engine_id, b"", report)
        level = SecurityLevel.AUTH_NO_PRIV if keys else SecurityLevel.NO_AUTH_NO_PRIV
        return Rejected(reason, self._message(arrival, header, scoped, keys or _NO_KEYS, level))

    def _message(
        self,
        arrival: _Arrival,
        header: v3.Header,
        scoped: bytes,
        keys: Keys,
        level: SecurityLevel | None = None,
    ) -> bytes:
        """An answer to `header` from our engine, at the same level unless `level` says otherwise."""
        level = level or header.level
        envelope = v3.Envelope(
            header.msg_id,
            False,
            self._local.engine_id,
            self._local.boots,
            self._local.time_s(arrival.now_s),
            header.user,
        )
        return v3.encode_message(envelope, scoped, keys, level=level, salt=self._salts.take())

    def _once(self, arrival: _Arrival, verdict: Verdict) -> Verdict:
        if self._seen.repeats(verdict.key, arrival.now_s):
            return Verdict(TrapRejection.DUPLICATE, verdict.reply)
        return verdict


def _content(pdu: Pdu) -> Content:
    if pdu.type not in (PduType.TRAP_V2, PduType.INFORM):
        raise Rejected(TrapRejection.NOT_A_NOTIFICATION)
    content = content_of_v2(pdu.varbinds)
    if content is None:
        raise Rejected(TrapRejection.MALFORMED)
    return content


def _acknowledgement(pdu: Pdu) -> Pdu:
    return pdu._replace(type=PduType.RESPONSE, error_status=0, error_index=0)


def _inform_key(pdu: Pdu, content: Content) -> tuple[Hashable, ...]:
    """What stays the same when an inform is sent again under a new message id."""
    return pdu.request_id, content.uptime, content.trap_oid


def _unproven(arrival: _Arrival, content: Content, version: Version, is_inform: bool = False) -> Notification:
    """A v1 or v2c notification."""
    return Notification(
        source=arrival.source,
        version=version,
        authenticated=False,
        is_inform=is_inform,
        trap_oid=content.trap_oid,
        uptime=content.uptime,
        varbinds=content.varbinds,
        received_at=arrival.received_at,
    )
