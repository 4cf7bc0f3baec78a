"""The asking side, for tests: requests built with the simulator's own codec, replies taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channelwatch_simulator import ber, pdu, usm
from channelwatch_simulator.agent import Access, Agent, Community, View
from channelwatch_simulator.ber import Oid, Reader
from channelwatch_simulator.pdu import PduKind
from channelwatch_simulator.usm import Engine, Flag, Stat, User

ENGINE = Engine(b"\x80\x01\x86\x9f\x04unit", boots=3, time=1000)
USER = usm.user_of("cw", usm.master_key("authentication"), usm.master_key("privatisation"), ENGINE.engine_id)
COMMUNITY = Community(b"let-me-read")
AUTH_PRIV = Flag.AUTH | Flag.PRIV | Flag.REPORTABLE


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply taken apart: `binds` are (name, tag, contents)."""

    kind: PduKind
    request_id: int
    status: int
    index: int
    binds: list[tuple[Oid, int, bytes]]

    @property
    def names(self) -> list[Oid]:
        return [name for name, _, _ in self.binds]

    @property
    def tags(self) -> list[int]:
        return [tag for _, tag, _ in self.binds]


def agent(view: View, access: Access = USER, engine: Engine = ENGINE) -> Agent:
    return Agent(access, view, lambda _now: engine)


def body(kind: PduKind, names: Sequence[Oid], *, first: int = 0, second: int = 0) -> bytes:
    """A request PDU; `first` and `second` are what GetBulk has in place of the error fields."""
    binds = ber.sequence(*(pdu.bind(name, ber.NULL_VALUE) for name in names))
    return ber.tlv(kind, ber.integer(77) + ber.integer(first) + ber.integer(second) + binds)


def v2c(content: bytes, community: bytes = COMMUNITY.name) -> bytes:
    return ber.sequence(ber.integer(1), ber.octets(community), content)


def v3(content: bytes, *, engine: Engine = ENGINE, user: User = USER, flags: Flag = AUTH_PRIV) -> bytes:
    scoped = ber.sequence(ber.octets(engine.engine_id), ber.octets(b""), content)
    return usm.seal(engine, scoped, user, message_id=5, flags=flags, salt=99)


def read(pdu_reader: Reader) -> Reply:
    kind = PduKind(pdu_reader.peek())
    inner = pdu_reader.enter(kind)
    request_id, status, index = inner.integer(), inner.integer(), inner.integer()
    found = inner.enter(ber.SEQUENCE)
    binds = []
    while found:
        one = found.enter(ber.SEQUENCE)
        name, tag = one.oid(), one.peek()
        binds.append((name, tag, one.take(tag)))
    return Reply(kind, request_id, status, index, binds)


def read_v2c(datagram: bytes | None) -> Reply:
    assert datagram is not None
    outer = Reader(datagram).enter(ber.SEQUENCE)
    assert outer.integer() == 1
    outer.take(ber.OCTETS)
    return read(outer)


def read_v3(datagram: bytes | None, user: User = USER, engine: Engine = ENGINE) -> Reply:
    """Also checks what is signed."""
    assert datagram is not None
    message = usm.parse(datagram)
    if message.flags & Flag.AUTH:
        assert usm.verify(message, user, engine) is not Stat.WRONG_DIGESTS
    scoped = usm.open_data(message, user)
    scoped.take(ber.OCTETS)
    scoped.take(ber.OCTETS)
    return read(scoped)
