"""Datagrams that no agent would send, by the million: mutilated answers, reports, traps and informs.

Some are mutilated as they travel, some before they are encrypted and signed, so that the inside is reached as well.
Whatever becomes of them, nothing may be raised and nothing may pile up. `tests/contract/test_snmp_fuzz.py` runs a few
of them, the bench as many as its time allows.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from channelwatch_collector.snmp import ber, bindings, layout, pdu, v3
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.exchange import Exchange, Question
from channelwatch_collector.snmp.pdu import (
    ID_BITS,
    MIN_ID,
    Pdu,
    PduType,
    TrapV1,
    Version,
    encode_community_message,
    encode_pdu,
    encode_trap_v1,
    question,
    read_pdu_head,
    read_version,
)
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Oid,
    PollFailure,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Target,
    V2c,
    Value,
    VarBind,
)
from channelwatch_collector.snmp.reading import Answered
from channelwatch_collector.snmp.session import (
    CommunitySession,
    Peer,
    SaltSource,
    Session,
    UsmSession,
    open_session,
)
from channelwatch_collector.snmp.trap_decoder import (
    LocalEngine,
    TrapDecoder,
    TrapSettings,
    TrapUser,
    local_engine_id,
)
from channelwatch_collector.snmp.usm import EngineTime, Keys, keys_for

from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret

COMMUNITY = "public"
USER = V3(
    "fuzz", AuthProtocol.SHA256, Secret("authentic-phrase"), PrivProtocol.AES128, Secret("private-phrase")
)
ENGINE_ID, US = bytes.fromhex("8000000005f0220f02"), local_engine_id(b"fuzz")
ROOT: Oid = (1, 3, 6, 1, 4, 1, 55_555)
NOW_S = 1_000.0
TURNS = 64
"""Mutations of one message before another one is made."""
NASTY = bytes((0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA2, 0xA8, 0xFF))
NASTY_OCTETS = [bytes((octet,)) for octet in NASTY]
ALL_OCTETS = [bytes((octet,)) for octet in range(256)]

_VALUES = (
    Value(SnmpType.INTEGER, -5),
    Value(SnmpType.OCTET_STRING, b"channelwatch"),
    Value(SnmpType.OBJECT_IDENTIFIER, ROOT),
    Value(SnmpType.IP_ADDRESS, "192.0.2.1"),
    Value(SnmpType.COUNTER32, 2**32 - 1),
    Value(SnmpType.GAUGE32, 200),
    Value(SnmpType.TIME_TICKS, 123_456_789),
    Value(SnmpType.COUNTER64, 2**64 - 1),
    Value(SnmpType.COUNTER64, 9_876_543_210),
    Value(SnmpType.OPAQUE_FLOAT, 1.5),
    Value(SnmpType.NO_SUCH_INSTANCE, None),
    Value(SnmpType.END_OF_MIB_VIEW, None),
    Value(SnmpType.OCTET_STRING, bytes(200)),  # last, for lists with it are not read the fast way
)
NAMES = tuple((*ROOT, number, 0) for number in range(len(_VALUES)))
UPTIME: VarBind = ((1, 3, 6, 1, 2, 1, 1, 3, 0), Value(SnmpType.TIME_TICKS, 5))
TRAP_OID: VarBind = ((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0), Value(SnmpType.OBJECT_IDENTIFIER, (*ROOT, 4, 0, 1)))

_FRAME_ID = b"\x10\x20\x30\x40"

P = ParamSpec("P")
T = TypeVar("T")
Sink = Callable[[bytes], object]
Round = tuple[bytes, Sink]


class _Endless(Question):
    """A question that is asked again as soon as it has ended, always under the same id besides."""

    __slots__ = ("exchange", "id")

    def __init__(self, session: Session, target: Target, exchange: Exchange, message_id: int) -> None:
        super().__init__(session, target)
        self.exchange, self.id = exchange, message_id

    def ask(self) -> None:
        """Ask, unless that is so already."""
        if self.id in self.sent:
            return
        self.session.begin()
        self.exchange.ask(self)
        self.sent[self.id] = 0.0
        self.exchange._pending[self.id] = self

    def ended(self, outcome: Answered | PollFailure) -> None:
        self.ask()


class Fuzzer:
    """Throws mutations at the answering side of an engine, at a trap decoder and at the readers beneath them.

    `counters` tell what became of them. Make it on a running event loop, and `close` it.
    """

    def __init__(self, seed: int) -> None:
        self.counters: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._started_s = time.monotonic()
        self._nowhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._nowhere.bind(("127.0.0.1", 0))
        self._peer = self._nowhere.getsockname()
        self._exchange = Exchange(counters=self.counters, receive_buffer=65_536, report_grace_s=0.05)
        self._keys, self._our_keys = keys_for(USER, ENGINE_ID), keys_for(USER, US)
        self._v2c = self._asking(V2c(Secret(COMMUNITY)))
        self._v3 = self._asking(USER)
        self._decoder = TrapDecoder(
            TrapSettings(communities=(Secret(COMMUNITY),), users=(TrapUser(USER),), max_remembered=1_000),
            local=LocalEngine.started(US, last_boots=0, now_s=0.0),
            salts=SaltSource(1),
        )
        self._decoder.bind_engine(ENGINE_ID, "127.0.0.1", boots=7, time_s=1_000, now_s=NOW_S)
        self._readers = [layout.Layouts(64).reader() for _ in range(8)]

    def close(self) -> None:
        """Release the sockets."""
        self._exchange.close()
        self._nowhere.close()

    def run(self, count: int) -> int:
        """Throw at least `count` datagrams; how many. Whatever is raised is a finding."""
        cheap = (self._answer, self._answer_v3, self._notification)
        dear = (self._sealed_answer, self._report, self._trap_v3, self._sealed_inform, self._list)
        made = (*cheap * 4, *dear)
        thrown = 0
        while thrown < count:
            message, sink = self._chance.choice(made)()
            for _ in range(TURNS):
                sink(self.mutated(message))
            sink(message)  # the good one last, since it ends the question
            thrown += TURNS + 1
        return thrown

    def mutated(self, message: bytes) -> bytes:
        """`message` with a few octets changed, lost, doubled or added."""
        chance, some = self._chance, self._chance.random
        spoilt = bytearray(message)
        for _ in range(1 + int(3 * some())):
            at = int((len(spoilt) + 1) * some())
            match int(12 * some()):
                case 0:
                    del spoilt[at:]
                case 1:
                    del spoilt[at : at + 1 + int(8 * some())]
                case 2:
                    spoilt[at:at] = spoilt[at : at + 1 + int(39 * some())]
                case 3:
                    spoilt[at:at] = chance.randbytes(1 + int(8 * some()))
                case 4 | 5 | 6:
                    spoilt[at : at + 1] = NASTY_OCTETS[int(len(NASTY) * some())]
                case _:
                    spoilt[at : at + 1] = ALL_OCTETS[int(256 * some())]
        return bytes(spoilt)

    # ------------------------------------------------------------ the engine

    def _asking(self, credential: V2c | V3) -> _Endless:
        session: Session = open_session(
            Peer(self._peer), credential, salts=SaltSource(1), counters=self.counters
        )
        target = Target(self._peer[0], credential, self._peer[1], timeout_s=60, retries=0)
        asked = _Endless(session, target, self._exchange, self._chance.randrange(MIN_ID, 2**ID_BITS))
        asked.template = question(PduType.GET, NAMES[:-1])
        asked.wanted = NAMES[:-1] if isinstance(credential, V2c) else None
        asked.reader = layout.Layouts(64).reader(asked.wanted)
        if isinstance(session, UsmSession):
            session._address_engine(ENGINE_ID, EngineTime(7, 1_000, self._started_s))
            session._trust()
        asked.ask()
        return asked

    def _arrives(self, datagram: bytes) -> None:
        self._compare_ways(datagram)
        self._compare_headers(datagram)
        self._exchange._on_datagram(datagram, self._peer)

    def _compare_headers(self, datagram: bytes) -> None:
        """The patterns for usual headers must find what the plain readers do, or leave it to those."""
        readers: tuple[Callable[[bytes, int, int], object], ...] = v3.header_at, v3._header_in_full
        try:
            version, at, end = read_version(datagram)
            if version != Version.V3:
                at = ber.expect(datagram, at, end, ber.OCTET_STRING)[1]
                readers = read_pdu_head, pdu._head_in_full
        except BerError:
            return
        found, expected = (_outcome(read, datagram, at, end) for read in readers)
        assert found == expected, datagram.hex()

    def _compare_ways(self, datagram: bytes) -> None:
        """Whatever the short way takes, the long way must take as well, and find the same in it."""
        known = self._exchange._beginnings.get(datagram[:9])
        session = self._v2c.session
        if known is None or not isinstance(session, CommunitySession):
            return
        id_at, start, stop = known
        message_id = datagram[id_at : id_at + 4]
        found = session.read_again(datagram, datagram[start:stop], message_id, self._v2c.reader)
        if found is None:
            return
        version, at, end = read_version(datagram)
        community = ber.expect(datagram, at, end, ber.OCTET_STRING)
        head = read_pdu_head(datagram, community[1], end)
        expected = session.read(datagram, community, head, layout.IN_FULL)
        assert version == Version.V2C, datagram.hex()
        assert head.request_id == int.from_bytes(message_id, "big", signed=True), datagram.hex()
        assert found[:2] == expected[:2], datagram.hex()
        assert repr(_pairs(found.bindings)) == repr(_pairs(expected.bindings)), datagram.hex()

    def _engine_time(self) -> int:
        return 1_000 + int(time.monotonic() - self._started_s)

    def _answer(self) -> Round:
        self._v2c.ask()
        pdu = Pdu(PduType.RESPONSE, self._v2c.id, 0, 0, self._varbinds())
        return encode_community_message(Version.V2C, COMMUNITY.encode(), encode_pdu(pdu)), self._arrives

    def _answer_v3(self) -> Round:
        self._v3.ask()
        pdu = Pdu(PduType.RESPONSE, self._v3.id, 0, 0, self._varbinds())
        return self._seal(_scoped(pdu), self._v3.id), self._arrives

    def _sealed_answer(self) -> Round:
        """Mutilated inside: the digest and the cipher are right."""
        self._v3.ask()
        pdu = Pdu(PduType.RESPONSE, self._v3.id, 0, 0, self._varbinds())
        return _scoped(pdu), lambda scoped: self._arrives(self._seal(scoped, self._v3.id))

    def _report(self) -> Round:
        self._v3.ask()
        complaint = self._chance.choice((v3.UNKNOWN_ENGINE_IDS, v3.NOT_IN_TIME_WINDOWS, v3.WRONG_DIGESTS))
        pdu = Pdu(PduType.REPORT, 0, 0, 0, [(complaint, Value(SnmpType.COUNTER32, 1))])
        if self._chance.random() < 0.5:
            return self._seal(_scoped(pdu), self._v3.id), self._arrives
        envelope = v3.Envelope(self._v3.id, False, ENGINE_ID, 7, self._engine_time(), b"fuzz")
        plain = v3.encode_message(envelope, _scoped(pdu), self._keys, level=SecurityLevel.NO_AUTH_NO_PRIV)
        return plain, self._arrives

    # ------------------------------------------------------------ the trap decoder

    def _noticed(self, datagram: bytes) -> None:
        self._compare_headers(datagram)
        verdict = self._decoder.decode(datagram, "127.0.0.1", received_at=EpochMs(1), now_s=NOW_S)
        self._decoder.taken(verdict, NOW_S)

    def _notification(self) -> Round:
        kind = self._chance.choice((PduType.TRAP_V1, PduType.TRAP_V2, PduType.INFORM))
        if kind is PduType.TRAP_V1:
            pdu = encode_trap_v1(TrapV1(ROOT, "192.0.2.1", 6, 1, 5, self._varbinds()))
            return encode_community_message(Version.V1, COMMUNITY.encode(), pdu), self._noticed
        pdu = encode_pdu(self._notice(kind))
        return encode_community_message(Version.V2C, COMMUNITY.encode(), pdu), self._noticed

    def _trap_v3(self) -> Round:
        scoped = _scoped(self._notice(PduType.TRAP_V2))
        if self._chance.random() < 0.5:
            return self._seal(scoped, self._chance.randrange(2**31)), self._noticed
        return scoped, lambda inside: self._noticed(self._seal(inside, self._chance.randrange(2**31)))

    def _sealed_inform(self) -> Round:
        scoped = _scoped(self._notice(PduType.INFORM))
        return scoped, lambda inside: self._noticed(
            self._seal(inside, self._chance.randrange(2**31), US, self._our_keys)
        )

    def _notice(self, kind: PduType) -> Pdu:
        return Pdu(kind, self._chance.randrange(2**31), 0, 0, [UPTIME, TRAP_OID, *self._varbinds()])

    # ------------------------------------------------------------ the readers

    def _list(self) -> Round:
        octets = ber.encode_varbinds(self._varbinds())
        start, stop = ber.expect(octets, 0, len(octets), ber.SEQUENCE)
        return octets[start:stop], self._compare

    def _compare(self, octets: bytes) -> None:
        """The fast readers must find what the plain one does."""
        expected = _outcome(lambda: ber.read_varbinds(octets, 0, len(octets)))
        reader = self._chance.choice(self._readers)
        for found in (
            _outcome(lambda: bindings.read_pairs(octets, 0, len(octets))),
            _outcome(lambda: _pairs(bindings.read(octets, 0, len(octets)))),
            _outcome(lambda: _pairs(_take(reader, octets))),
        ):
            assert found == expected or repr(found) == repr(expected), octets.hex()  # NaN differs from itself

    # ------------------------------------------------------------ what they are made of

    def _varbinds(self) -> list[VarBind]:
        """As many as were asked for, or fewer, or with a long value besides."""
        count = len(NAMES) - 1 if self._chance.random() < 0.5 else self._chance.randrange(1, len(NAMES) + 1)
        return list(zip(NAMES, _VALUES, strict=True))[:count]

    def _seal(
        self, scoped: bytes, msg_id: int, engine_id: bytes = ENGINE_ID, keys: Keys | None = None
    ) -> bytes:
        boots, time_s = (7, self._engine_time()) if engine_id == ENGINE_ID else (1, int(NOW_S))
        envelope = v3.Envelope(msg_id, True, engine_id, boots, time_s, b"fuzz")
        salt = self._chance.randbytes(8)
        return v3.encode_message(
            envelope, scoped, keys or self._keys, level=SecurityLevel.AUTH_PRIV, salt=salt
        )


def _take(reader: layout.AnswerReader, octets: bytes) -> bindings.Bindings:
    message = _FRAME_ID + octets
    place = layout.Place((0, len(_FRAME_ID)), len(_FRAME_ID), len(message))
    return reader.again(message, _FRAME_ID) or reader.read(message, place, without_error=True)


def _scoped(pdu: Pdu) -> bytes:
    return v3.encode_scoped_pdu(ENGINE_ID, b"", encode_pdu(pdu))


def _pairs(read: bindings.Bindings) -> list[VarBind]:
    assert read.absent == tuple([at for at, value in enumerate(read.values) if value.type in _EXCEPTIONS])
    return list(zip(read.names.oids, read.values, strict=True))


_EXCEPTIONS = (SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE, SnmpType.END_OF_MIB_VIEW)


def _outcome(read: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T | None:
    try:
        return read(*arguments, **named)
    except BerError:
        return None


def resident_octets() -> int:
    """Memory of this process that is in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def fill_caches() -> None:
    """Bring every cache of the readers to its limit, so that memory which still grows is growth."""
    large = 2**32 - 1
    for number in range(40_000):
        name = ber.encode_oid((*ROOT, large, large - number, large, number))
        octets = ber.tlv(ber.SEQUENCE, name + ber.tlv(SnmpType.OCTET_STRING, number.to_bytes(64, "big")))
        bindings.read(octets, 0, len(octets))
        bindings.read_pairs(octets, 0, len(octets))


async def campaign(seed: int, count: int, seconds: float) -> dict[str, float]:
    """Throw `count` datagrams, or as many as `seconds` allow; how many, and what memory grew after the first tenth."""
    fuzzer = Fuzzer(seed)
    fill_caches()
    ends, thrown, settled = time.monotonic() + seconds, 0, 0
    try:
        while thrown < count and time.monotonic() < ends:
            thrown += fuzzer.run(20_000)
            await asyncio.sleep(0)
            if not settled and (thrown > count / 10 or time.monotonic() > ends - 0.9 * seconds):
                settled = resident_octets()
    finally:
        fuzzer.close()
    return {
        "thrown": thrown,
        "grown_octets": resident_octets() - settled,
        "accepted": fuzzer.counters["answered"],
    }
