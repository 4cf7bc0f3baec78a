"""One SNMP agent: octets in, octets out. No socket, no clock; read-only (GET, GETNEXT, GETBULK)."""

from __future__ import annotations

import bisect
import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from channelwatch_simulator import ber, pdu, usm
from channelwatch_simulator.ber import BerError, Oid, Reader
from channelwatch_simulator.pdu import ErrorStatus, PduKind, Request
from channelwatch_simulator.usm import Engine, Flag, Stat

Getter: TypeAlias = Callable[[int], bytes]
"""The encoded value of an object at an instant (milliseconds of the agent's own clock)."""

MAX_REPLY_BYTES = 1400
"""What fits a datagram that an encryptor's tunnel does not fragment."""
MAX_NAMES = 128
MAX_REPETITIONS = 100
VERSION_2C = 1

_USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_SYS_UPTIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_TRAP_OID: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)
_AUTH_PRIV = Flag.AUTH | Flag.PRIV
_NOT_DECRYPTED = 0
"""request-id of a Report when that of the request could not be read."""


class View:
    """Every object of one agent in lexicographic order; values are computed when they are asked for."""

    def __init__(self, rows: Iterable[tuple[Oid, Getter]]) -> None:
        ordered = sorted(rows, key=lambda row: row[0])
        self._names = [name for name, _ in ordered]
        self._encoded = [ber.oid(name) for name in self._names]
        self._getters = [getter for _, getter in ordered]
        self._at = {name: index for index, name in enumerate(self._names)}
        if len(self._at) != len(self._names):
            raise ValueError("an object is in the view twice")

    def __len__(self) -> int:
        return len(self._names)

    @property
    def names(self) -> Sequence[Oid]:
        """All names in order."""
        return self._names

    def get(self, name: Oid, now: int) -> bytes:
        """The binding of `name`, or of the exception that says which part of the name is missing."""
        at = self._at.get(name)
        if at is not None:
            return self._bind(at, now)
        near = bisect.bisect_left(self._names, name[:-1])
        known = near < len(self._names) and self._names[near][: len(name) - 1] == name[:-1]
        return pdu.bind(name, ber.NO_SUCH_INSTANCE if known else ber.NO_SUCH_OBJECT)

    def after(self, name: Oid, now: int) -> tuple[Oid, bytes] | None:
        """The first object after `name` and its binding; None at the end."""
        at = bisect.bisect_right(self._names, name)
        return (self._names[at], self._bind(at, now)) if at < len(self._names) else None

    def _bind(self, at: int, now: int) -> bytes:
        return ber.sequence(self._encoded[at], self._getters[at](now))


@dataclass(frozen=True, slots=True)
class Community:
    """Version 2c access."""

    name: bytes

    def __repr__(self) -> str:
        return "Community(***)"


Access: TypeAlias = usm.User | Community


@dataclass(slots=True)
class Agent:
    """Answers for one device. `engine(now)` tells its boots and time; version follows from `access`."""

    access: Access
    view: View
    engine: Callable[[int], Engine]
    salt: int = 1
    request_id: int = 1
    max_reply_bytes: int = MAX_REPLY_BYTES
    stats: dict[Stat, int] = field(default_factory=lambda: dict.fromkeys(Stat, 0))

    def answer(self, datagram: bytes, now: int) -> bytes | None:
        """The reply to `datagram`, or None where a real agent stays silent."""
        try:
            if isinstance(self.access, Community):
                return self._answer_v2c(datagram, self.access, now)
            return self._answer_v3(datagram, self.access, now)
        except BerError:
            return None

    def notification(self, trap: Oid, binds: Sequence[tuple[Oid, bytes]], now: int) -> bytes:
        """An SNMPv2 trap (RFC 3416 section 4.2.6) of this engine, sealed as `access` asks."""
        self.request_id = self.request_id % 0x7FFFFFFF + 1
        first = self.view.get(_SYS_UPTIME, now)
        rest = [pdu.bind(name, value) for name, value in binds]
        body = pdu.build(PduKind.TRAP, self.request_id, [first, pdu.bind(_TRAP_OID, ber.oid(trap)), *rest])
        if isinstance(self.access, Community):
            return _v2c(self.access, body)
        return self._seal(body, self.access, message_id=self.request_id, flags=_AUTH_PRIV, now=now)

    # version 2c

    def _answer_v2c(self, datagram: bytes, community: Community, now: int) -> bytes | None:
        outer = Reader(datagram).enter(ber.SEQUENCE)
        if outer.integer() != VERSION_2C:
            return None
        if not hmac.compare_digest(outer.take(ber.OCTETS), community.name):
            return None
        reply = self._reply(pdu.parse_request(outer), self.max_reply_bytes - 32 - len(community.name), now)
        return None if reply is None else _v2c(community, reply)

    # version 3

    def _answer_v3(self, datagram: bytes, user: usm.User, now: int) -> bytes | None:
        message = usm.parse(datagram)
        refusal = self._refusal(message, user, now)
        if refusal is not None:
            return self._report(message, user, refusal, now)
        try:
            scoped = usm.open_data(message, user)
            if scoped.take(ber.OCTETS) != message.engine_id:
                return None
            scoped.take(ber.OCTETS)
            request = pdu.parse_request(scoped)
        except BerError:
            if message.flags & Flag.PRIV:
                return self._report(message, user, Stat.DECRYPTION_ERRORS, now)
            raise
        level = message.flags & _AUTH_PRIV
        if level != _AUTH_PRIV:
            reply: bytes | None = _refused(request, ErrorStatus.AUTHORIZATION_ERROR)
        else:
            limit = min(message.max_size, self.max_reply_bytes)
            room = limit - 128 - 2 * len(message.engine_id) - len(message.user)
            reply = self._reply(request, room, now)
        if reply is None:
            return None
        return self._seal(reply, user, message_id=message.message_id, flags=level, now=now)

    def _refusal(self, message: usm.Message, user: usm.User, now: int) -> Stat | None:
        """Why USM refuses `message`, in the order of RFC 3414 section 3.2."""
        engine = self.engine(now)
        if message.engine_id != engine.engine_id:
            return Stat.UNKNOWN_ENGINE_IDS
        if message.user != user.name:
            return Stat.UNKNOWN_USER_NAMES
        if message.flags & Flag.PRIV and not message.flags & Flag.AUTH:
            return Stat.UNSUPPORTED_SEC_LEVELS
        return usm.verify(message, user, engine) if message.flags & Flag.AUTH else None

    def _report(self, message: usm.Message, user: usm.User, stat: Stat, now: int) -> bytes | None:
        self.stats[stat] += 1
        if not message.flags & Flag.REPORTABLE:
            return None
        value = ber.counter32(self.stats[stat])
        body = pdu.build(PduKind.REPORT, _request_id(message), [pdu.bind((*_USM_STATS, stat, 0), value)])
        # only a report of the time window is authenticated: it is what the manager may set its clock from
        if stat is Stat.NOT_IN_TIME_WINDOWS:
            return self._seal(body, user, message_id=message.message_id, flags=Flag.AUTH, now=now)
        stranger = usm.User(message.user, b"", b"")
        return self._seal(body, stranger, message_id=message.message_id, flags=Flag.NONE, now=now)

    def _seal(self, body: bytes, user: usm.User, *, message_id: int, flags: Flag, now: int) -> bytes:
        engine = self.engine(now)
        scoped = ber.sequence(ber.octets(engine.engine_id), ber.octets(b""), body)
        self.salt = (self.salt + 1) & 0xFFFFFFFFFFFFFFFF
        return usm.seal(engine, scoped, user, message_id=message_id, flags=flags, salt=self.salt)

    # the operations

    def _reply(self, request: Request, room: int, now: int) -> bytes | None:
        """The response PDU with bindings of at most `room` octets."""
        match request.kind:
            case PduKind.GET:
                binds: Iterator[bytes] = (self.view.get(name, now) for name in request.names)
            case PduKind.GET_NEXT:
                binds = (self._after(name, now)[1] for name in request.names)
            case PduKind.GET_BULK:
                return pdu.build(PduKind.RESPONSE, request.request_id, self._bulk(request, room, now))
            case PduKind.SET:
                return _refused(request, ErrorStatus.NO_ACCESS)
            case PduKind.INFORM | PduKind.RESPONSE | PduKind.TRAP | PduKind.REPORT:
                return None
        taken = _fitting(binds, room)
        if len(request.names) > MAX_NAMES or len(taken) < len(request.names):
            return pdu.build(PduKind.RESPONSE, request.request_id, [], status=ErrorStatus.TOO_BIG)
        return pdu.build(PduKind.RESPONSE, request.request_id, taken)

    def _bulk(self, request: Request, room: int, now: int) -> list[bytes]:
        """GetBulk (RFC 3416 section 4.2.3): as many bindings as fit, in the order that is asked for."""
        return _fitting(self._bulk_binds(request, now), room)

    def _bulk_binds(self, request: Request, now: int) -> Iterator[bytes]:
        names = request.names[:MAX_NAMES]
        fixed = max(request.first, 0)
        for name in names[:fixed]:
            yield self._after(name, now)[1]
        row = list(names[fixed:])
        for _ in range(min(max(request.second, 0), MAX_REPETITIONS)):
            steps = [self._after(name, now) for name in row]
            yield from (encoded for _, encoded, _ in steps)
            if all(ended for _, _, ended in steps):
                return
            row = [name for name, _, _ in steps]

    def _after(self, name: Oid, now: int) -> tuple[Oid, bytes, bool]:
        """The object after `name`, its binding, and whether the view ended."""
        found = self.view.after(name, now)
        return (name, pdu.bind(name, ber.END_OF_MIB_VIEW), True) if found is None else (*found, False)


def _fitting(binds: Iterator[bytes], room: int) -> list[bytes]:
    taken: list[bytes] = []
    for encoded in binds:
        room -= len(encoded)
        if room < 0:
            break
        taken.append(encoded)
    return taken


def _refused(request: Request, status: ErrorStatus) -> bytes:
    binds = [pdu.bind(name, ber.NULL_VALUE) for name in request.names[:MAX_NAMES]]
    return pdu.build(PduKind.RESPONSE, request.request_id, binds, status=status, index=min(1, len(binds)))


def _v2c(community: Community, body: bytes) -> bytes:
    return ber.sequence(ber.integer(VERSION_2C), ber.octets(community.name), body)


def _request_id(message: usm.Message) -> int:
    try:
        scoped = usm.open_data(message, None)
        scoped.take(ber.OCTETS)
        scoped.take(ber.OCTETS)
        return pdu.parse_request(scoped).request_id
    except BerError:
        return _NOT_DECRYPTED
