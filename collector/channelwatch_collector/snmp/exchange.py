"""Questions in flight on the sockets of one shard: sending, matching, waiting, retrying."""

from __future__ import annotations

import asyncio
import errno
import random
from collections import Counter
from dataclasses import dataclass, field

from channelwatch_collector.snmp import ber, v3
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import (
    ID_BITS,
    MIN_ID,
    Pdu,
    PduTemplate,
    Version,
    read_pdu,
    read_version,
)
from channelwatch_collector.snmp.port import Oid, PollFailure
from channelwatch_collector.snmp.reading import Answered, Failed
from channelwatch_collector.snmp.session import (
    Answer,
    CommunitySession,
    Drop,
    Refused,
    Report,
    Session,
    UsmSession,
)
from channelwatch_collector.snmp.udp import Address, UdpSocket

MAX_REPORTS_PER_QUESTION = 5
"""Discovery and re-synchronising take two; more means that the agent, or a forger, leads us in circles."""
_RECHECK_S = 0.005
_MAX_GARBLED = 4_096

_UNREACHABLE = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENETDOWN,
        errno.EACCES,
        errno.EPERM,
        errno.EAFNOSUPPORT,
        errno.EADDRNOTAVAIL,
    }
)


@dataclass(slots=True, eq=False)
class _Pending:
    """One question. All its attempts stay open till it ends, so a late answer to the first still counts."""

    session: Session
    wanted: tuple[Oid, ...] | None
    done: asyncio.Future[None]
    sent: dict[int, float] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    answer: Answer | None = None
    complaint: Report | None = None
    octets: int = 0
    rtt_ms: float = 0.0
    failure: PollFailure | None = None
    noted: PollFailure | None = None

    def wake(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class Exchange:
    """Owns the sockets. `ask` is the only way out; `_on_datagram` the only way in."""

    def __init__(self, *, counters: Counter[str], receive_buffer: int, report_grace_s: float) -> None:
        self._counters = counters
        self._receive_buffer = receive_buffer
        self._report_grace_s = report_grace_s
        self._loop = asyncio.get_running_loop()
        self._sockets: dict[bool, UdpSocket] = {}
        self._pending: dict[int, _Pending] = {}
        self._random = random.Random(random.SystemRandom().getrandbits(256))
        self._garbled: set[Address] = set()
        self._closed = False

    async def ask(
        self,
        session: Session,
        template: PduTemplate,
        *,
        wanted: tuple[Oid, ...] | None,
        timeout_s: float,
        retries: int,
    ) -> Answered:
        """One question to its response, through discovery and re-synchronising where v3 needs them.

        `wanted` are the names that the response must carry; None where the agent chooses them.

        Raises:
            Failed: no usable response; error-status is for the caller to see.
        """
        failure = PollFailure.UNKNOWN_ENGINE
        for _ in range(MAX_REPORTS_PER_QUESTION):
            pending = _Pending(session, wanted, self._loop.create_future())
            try:
                answer = await self._repeat(pending, template, timeout_s, retries)
            finally:
                self._forget(pending)
            if isinstance(answer, Pdu):
                return Answered(answer, pending.octets, pending.rtt_ms)
            assert isinstance(session, UsmSession), "there are no reports in v2c"
            verdict = session.follow(answer, self._loop.time())
            if verdict is not None:
                raise Failed(verdict)
            if answer.complaint == v3.NOT_IN_TIME_WINDOWS:
                self._counters["time_synchronised"] += 1
                failure = PollFailure.NOT_IN_TIME_WINDOW
        raise Failed(failure)

    def close(self) -> None:
        """Fail what is in flight and release the sockets."""
        self._closed = True
        for pending in list(self._pending.values()):
            pending.failure = PollFailure.ENGINE_CLOSED
            pending.wake()
        for owned in self._sockets.values():
            owned.close()

    async def _repeat(
        self, pending: _Pending, template: PduTemplate, timeout_s: float, retries: int
    ) -> Answer:
        address = pending.session.peer.address
        self._garbled.discard(address)
        for attempt in range(retries + 1):
            if attempt:
                self._counters["retried"] += 1
                pending.done = self._loop.create_future()
            self._send(pending, template)
            if pending.failure is None:
                pending.timer = self._loop.call_later(timeout_s, self._expire, pending)
                await pending.done
            if pending.answer is not None:
                return pending.answer
            if pending.failure is not None:
                raise Failed(pending.failure)
        self._counters["unanswered"] += 1
        silence = PollFailure.MALFORMED if address in self._garbled else PollFailure.NO_ANSWER
        raise Failed(pending.noted or silence)

    def _send(self, pending: _Pending, template: PduTemplate) -> None:
        if self._closed:
            pending.failure = PollFailure.ENGINE_CLOSED
            return
        message_id = self._random.getrandbits(ID_BITS) | MIN_ID
        while message_id in self._pending:
            message_id = self._random.getrandbits(ID_BITS) | MIN_ID
        now_s = self._loop.time()
        datagram = pending.session.datagram(template, message_id, now_s)
        self._pending[message_id] = pending
        pending.sent[message_id] = now_s
        address = pending.session.peer.address
        try:
            refusal = self._socket_for(address).send(datagram, address)
        except OSError as problem:  # no socket to be had, such as without IPv6
            refusal = problem.errno or errno.EAFNOSUPPORT
        self._counters["sent"] += 1
        if refusal:
            pending.failure = _failure_of_errno(refusal)

    def _socket_for(self, address: Address) -> UdpSocket:
        ipv6 = ":" in address[0]
        owned = self._sockets.get(ipv6)
        if owned is None:
            owned = self._sockets[ipv6] = UdpSocket(
                self._on_datagram,
                self._on_refused,
                local=("::" if ipv6 else "0.0.0.0", 0),
                counters=self._counters,
                receive_buffer=self._receive_buffer,
            )
        return owned

    def _forget(self, pending: _Pending) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
        for message_id in pending.sent:
            self._pending.pop(message_id, None)

    def _expire(self, pending: _Pending) -> None:
        """The patience is over, unless the answer lies unread in the kernel because this loop was late."""
        drained = self._socket_for(pending.session.peer.address).drain()
        if pending.done.done():
            return
        if drained:
            pending.wake()
        else:
            pending.timer = self._loop.call_later(_RECHECK_S, self._expire, pending)

    # ------------------------------------------------------------ what comes in

    def _on_refused(self, address: Address, error: int) -> None:
        """An ICMP error for something sent to `address` (rare, so a search is cheap enough)."""
        self._counters["icmp_error"] += 1
        failure = _failure_of_errno(error)
        if failure is PollFailure.NO_ANSWER:
            return  # such as a smaller path MTU, which the kernel will heed when the question is repeated
        for pending in list(self._pending.values()):
            if pending.session.peer.address == address and pending.answer is None:
                pending.failure = failure
                pending.wake()

    def _on_datagram(self, datagram: bytes, sender: Address) -> None:
        pending = None
        try:
            version, at, end = read_version(datagram)
            if version == Version.V2C:
                community, at = ber.read_octets(datagram, at, end)
                pdu = read_pdu(datagram, at, end)
                pending = self._find(pdu.request_id, sender)
                self._accept(pending, pdu.request_id, self._read_v2c(pending, community, pdu), len(datagram))
            else:
                header = v3.read_header(datagram)
                pending = self._find(header.msg_id, sender)
                self._accept(pending, header.msg_id, self._read_v3(pending, datagram, header), len(datagram))
        except BerError:
            self._counters[Drop.MALFORMED] += 1
            self._note_garbled(sender)
        except Refused as refused:
            self._counters[refused.drop] += 1
            if pending is not None:
                pending.noted = pending.noted or refused.failure

    def _note_garbled(self, sender: Address) -> None:
        if len(self._garbled) >= _MAX_GARBLED:
            self._garbled.clear()
        self._garbled.add(sender)

    def _find(self, message_id: int, sender: Address) -> _Pending:
        pending = self._pending.get(message_id)
        if pending is None or pending.answer is not None:
            raise Refused(Drop.STRAY, PollFailure.NO_ANSWER)
        if pending.session.peer.address != sender:
            raise Refused(Drop.WRONG_SENDER, PollFailure.NO_ANSWER)
        return pending

    def _read_v2c(self, pending: _Pending, community: bytes, pdu: Pdu) -> Answer:
        if not isinstance(pending.session, CommunitySession):
            raise Refused(Drop.WRONG_VERSION, PollFailure.UNAUTHENTIC)
        return pending.session.read(community, pdu)

    def _read_v3(self, pending: _Pending, datagram: bytes, header: v3.Header) -> Answer:
        if not isinstance(pending.session, UsmSession):
            raise Refused(Drop.WRONG_VERSION, PollFailure.MALFORMED)
        return pending.session.read(datagram, header, self._loop.time())

    def _accept(self, pending: _Pending, message_id: int, answer: Answer, octets: int) -> None:
        if isinstance(answer, Report):
            self._counters["report"] += 1
            self._accept_report(pending, answer)
            return
        if (
            pending.wanted is not None
            and not answer.error_status
            and tuple([name for name, _ in answer.varbinds]) != pending.wanted
        ):
            raise Refused(Drop.WRONG_OIDS, PollFailure.WRONG_OIDS)
        self._counters["answered"] += 1
        pending.answer = answer
        pending.octets = octets
        pending.rtt_ms = (self._loop.time() - pending.sent[message_id]) * 1000.0
        pending.wake()

    def _accept_report(self, pending: _Pending, report: Report) -> None:
        session = pending.session
        assert isinstance(session, UsmSession)
        if report.authentic or not session.expects_proof:
            pending.answer = report
            pending.wake()
            return
        # Anybody can forge this one. Leave a genuine answer a moment to overtake it before believing it.
        if pending.complaint is None:
            pending.complaint = report
            if pending.timer is not None:
                pending.timer.cancel()
            pending.timer = self._loop.call_later(self._report_grace_s, self._settle, pending)

    def _settle(self, pending: _Pending) -> None:
        if pending.answer is None:
            pending.answer = pending.complaint
        pending.wake()


def _failure_of_errno(error: int) -> PollFailure:
    if error == errno.ECONNREFUSED:
        return PollFailure.PORT_CLOSED
    return PollFailure.UNREACHABLE if error in _UNREACHABLE else PollFailure.NO_ANSWER
