"""Questions in flight on the sockets of one shard: sending, matching, waiting, retrying."""

from __future__ import annotations

import asyncio
import errno
import random
from collections import Counter

from channelwatch_collector.snmp import ber, v3
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.deadlines import Deadlines
from channelwatch_collector.snmp.layout import IN_FULL
from channelwatch_collector.snmp.pdu import (
    ID_BITS,
    ID_OCTETS,
    MIN_ID,
    PduTemplate,
    Response,
    Version,
    read_pdu_head,
    read_version,
)
from channelwatch_collector.snmp.port import Oid, PollFailure, Target
from channelwatch_collector.snmp.reading import Answered
from channelwatch_collector.snmp.session import (
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
_MAX_GARBLED = 4_096
_BEGINNING_OCTETS, _LONG_FORM, _MAX_BEGINNINGS = 9, 0x80, 1_024

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


class Question:
    """One question at a time to one agent, through discovery and re-synchronising where v3 needs them.

    `ended` hears once for each `Exchange.ask`, and never from within it, what came of the question; an error-status in
    the response is for the hearer to see. `wanted` are the names that the response must carry; None where the agent
    chooses them. The rest belongs to the exchange.

    `message_id` is that of the last attempt, which is waited for until `due_s`; 0 while none is. All attempts (`sent`
    says when, by id) stay open till the end, so a late answer to the first still counts.
    """

    __slots__ = (
        "complaint",
        "due_s",
        "message_id",
        "noted",
        "reader",
        "reports",
        "sent",
        "session",
        "stuck",
        "target",
        "template",
        "wanted",
    )

    def __init__(self, session: Session, target: Target) -> None:
        self.session = session
        self.reader = IN_FULL
        self.target = target
        self.template = PduTemplate(b"", b"")
        self.wanted: tuple[Oid, ...] | None = None
        self.message_id = 0
        self.due_s = 0.0
        self.sent: dict[int, float] = {}
        self.reports = 0
        self.complaint: Report | None = None
        self.noted: PollFailure | None = None
        self.stuck = PollFailure.UNKNOWN_ENGINE

    def ended(self, outcome: Answered | PollFailure) -> None:
        """The answer, or why there is none."""
        raise NotImplementedError


class Exchange:
    """Owns the sockets. `ask` is the only way out; `_on_datagram` the only way in."""

    def __init__(self, *, counters: Counter[str], receive_buffer: int, report_grace_s: float) -> None:
        self._counters = counters
        self._receive_buffer = receive_buffer
        self._report_grace_s = report_grace_s
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._sockets: dict[bool, UdpSocket] = {}
        self._pending: dict[int, Question] = {}
        self._beginnings: dict[bytes, tuple[int, int, int]] = {}
        self._deadlines = Deadlines(awaited=self._awaits, expire=self._expire, settle=self._drain)
        self._random = random.Random(random.SystemRandom().getrandbits(256))
        self._garbled: set[Address] = set()
        self._closed = False

    def ask(self, question: Question) -> None:
        """Send it, and go on until it ends."""
        question.reports, question.complaint, question.noted = 0, None, None
        question.stuck = PollFailure.UNKNOWN_ENGINE
        self._begin(question)

    def forget(self, question: Question) -> None:
        """Nobody waits for it any more."""
        question.message_id = 0
        for message_id in question.sent:
            self._pending.pop(message_id, None)
        question.sent.clear()

    def close(self) -> None:
        """Fail what is in flight and release the sockets."""
        self._closed = True
        self._deadlines.close()
        for question in set(self._pending.values()):
            self._end(question, PollFailure.ENGINE_CLOSED)
        for owned in self._sockets.values():
            owned.close()

    def kernel_drops(self) -> int:
        """Datagrams that the kernel threw away because a receive buffer was full."""
        return sum(owned.kernel_drops() for owned in self._sockets.values())

    # ------------------------------------------------------------ what goes out

    def _begin(self, question: Question) -> None:
        if self._garbled:
            self._garbled.discard(question.session.peer.address)
        self._send(question)

    def _send(self, question: Question) -> None:
        message_id = self._random.getrandbits(ID_BITS) | MIN_ID
        while message_id in self._pending:
            message_id = self._random.getrandbits(ID_BITS) | MIN_ID
        now_s = self._now()
        question.message_id = message_id
        question.sent[message_id] = now_s
        self._pending[message_id] = question
        if self._closed:
            self._loop.call_soon(self._end, question, PollFailure.ENGINE_CLOSED)
            return
        timeout_s = question.target.timeout_s
        question.due_s = now_s + timeout_s
        self._deadlines.add(message_id, question.due_s, timeout_s)
        self._counters["sent"] += 1
        session = question.session
        address = session.peer.address
        try:
            owned = self._sockets.get(":" in address[0]) or self._open_socket(":" in address[0])
            refusal = owned.send(session.datagram(question.template, message_id, now_s), address)
        except OSError as problem:  # no socket to be had, such as without IPv6
            refusal = problem.errno or errno.EAFNOSUPPORT
        if refusal:
            self._loop.call_soon(self._end, question, _failure_of_errno(refusal))

    def _open_socket(self, ipv6: bool) -> UdpSocket:
        owned = self._sockets[ipv6] = UdpSocket(
            self._on_datagram,
            self._on_refused,
            local=("::" if ipv6 else "0.0.0.0", 0),
            counters=self._counters,
            receive_buffer=self._receive_buffer,
        )
        return owned

    def _awaits(self, message_id: int, due_s: float) -> bool:
        question = self._pending.get(message_id)
        return question is not None and question.message_id == message_id and question.due_s == due_s

    def _expire(self, message_id: int) -> None:
        """The patience with one attempt is over."""
        question = self._pending[message_id]
        if len(question.sent) <= question.target.retries:
            self._counters["retried"] += 1
            self._send(question)
            return
        self._counters["unanswered"] += 1
        garbled = question.session.peer.address in self._garbled
        self._end(question, question.noted or (PollFailure.MALFORMED if garbled else PollFailure.NO_ANSWER))

    def _drain(self) -> bool:
        """Look at what the kernel holds: a loop that was late must not take its own lag for silence."""
        return all(owned.drain() for owned in self._sockets.values())

    def _end(self, question: Question, outcome: Answered | PollFailure) -> None:
        if question.sent:
            self.forget(question)
            question.ended(outcome)

    # ------------------------------------------------------------ what comes in

    def _on_refused(self, address: Address, error: int) -> None:
        """An ICMP error for something sent to `address` (rare, so a search is cheap enough)."""
        self._counters["icmp_error"] += 1
        failure = _failure_of_errno(error)
        if failure is PollFailure.NO_ANSWER:
            return  # such as a smaller path MTU, which the kernel will heed when the question is repeated
        for question in self._pending.values():
            if question.session.peer.address == address:
                self._loop.call_soon(self._end, question, failure)

    def _on_datagram(self, datagram: bytes, sender: Address) -> None:
        known = self._beginnings.get(datagram[:_BEGINNING_OCTETS])
        if known is None or not self._accepts_again(datagram, sender, *known):
            self._judge(datagram, sender)

    def _accepts_again(self, datagram: bytes, sender: Address, id_at: int, start: int, stop: int) -> bool:
        """Whether this is the answer to a question as an earlier one, but for its values; then it is taken."""
        message_id = datagram[id_at : id_at + ID_OCTETS]
        number = int.from_bytes(message_id, "big")
        question = self._pending.get(number)
        if question is None:
            return False
        session = question.session
        if not isinstance(session, CommunitySession) or sender != session.peer.address:
            return False
        response = session.read_again(datagram, datagram[start:stop], message_id, question.reader)
        if response is None:
            return False
        self._take(question, number, response, len(datagram))
        return True

    def _judge(self, datagram: bytes, sender: Address) -> None:
        question = None
        try:
            version, at, end = read_version(datagram)
            if version == Version.V2C:
                community = ber.expect(datagram, at, end, ber.OCTET_STRING)
                head = read_pdu_head(datagram, community[1], end)
                question = self._find(head.request_id, sender)
                session = question.session
                if not isinstance(session, CommunitySession):
                    raise Refused(Drop.WRONG_VERSION, PollFailure.UNAUTHENTIC)
                response = session.read(datagram, community, head, question.reader)
                self._accept(question, head.request_id, response, len(datagram))
                self._remember_beginning(datagram, head.id_span[0], community)
            elif version == Version.V3:
                header = v3.header_at(datagram, at, end)
                question = self._find(header.msg_id, sender)
                session = question.session
                if not isinstance(session, UsmSession):
                    raise Refused(Drop.WRONG_VERSION, PollFailure.MALFORMED)
                answer = session.read(datagram, header, question.reader, self._now())
                if isinstance(answer, Report):
                    self._accept_report(session, question, answer)
                else:
                    self._accept(question, header.msg_id, answer, len(datagram))
            else:
                raise BerError("neither version that is asked in")
        except BerError:
            self._counters[Drop.MALFORMED] += 1
            self._note_garbled(sender)
        except Refused as refused:
            self._counters[refused.drop] += 1
            if question is not None:
                question.noted = question.noted or refused.failure

    def _remember_beginning(self, datagram: bytes, id_at: int, community: tuple[int, int]) -> None:
        """Where answers that begin alike have id and community: these octets hold the community's length."""
        start, stop = community
        if start <= _BEGINNING_OCTETS and stop - start < _LONG_FORM:
            if len(self._beginnings) >= _MAX_BEGINNINGS:
                self._beginnings.clear()
            self._beginnings[datagram[:_BEGINNING_OCTETS]] = id_at, start, stop

    def _note_garbled(self, sender: Address) -> None:
        if len(self._garbled) >= _MAX_GARBLED:
            self._garbled.clear()
        self._garbled.add(sender)

    def _find(self, message_id: int, sender: Address) -> Question:
        question = self._pending.get(message_id)
        if question is None:
            raise Refused(Drop.STRAY, PollFailure.NO_ANSWER)
        asked = question.session.peer.address
        if sender != asked and not (question.target.answers_from_elsewhere and sender[1] == asked[1]):
            raise Refused(Drop.WRONG_SENDER, PollFailure.NO_ANSWER)
        return question

    def _accept(self, question: Question, message_id: int, response: Response, octets: int) -> None:
        wanted = question.wanted
        if wanted is not None and not response.error_status and response.bindings.names.oids != wanted:
            raise Refused(Drop.WRONG_OIDS, PollFailure.WRONG_OIDS)
        self._take(question, message_id, response, octets)

    def _take(self, question: Question, message_id: int, response: Response, octets: int) -> None:
        self._counters["answered"] += 1
        rtt_ms = (self._now() - question.sent[message_id]) * 1000.0
        self._end(question, Answered(response, octets, rtt_ms))

    def _accept_report(self, session: UsmSession, question: Question, report: Report) -> None:
        self._counters["report"] += 1
        if report.authentic or not session.expects_proof:
            self._follow(session, question, report)
        elif question.complaint is None:
            # Anybody can forge this one. Leave a genuine answer a moment to overtake it before believing it.
            question.complaint, question.message_id = report, 0
            self._loop.call_later(self._report_grace_s, self._believe, session, question, report)

    def _believe(self, session: UsmSession, question: Question, report: Report) -> None:
        if question.complaint is report and question.sent:
            self._follow(session, question, report)

    def _follow(self, session: UsmSession, question: Question, report: Report) -> None:
        """Act on a complaint: ask again with what it taught, or give up."""
        verdict = session.follow(report, self._now())
        if verdict is None and report.complaint == v3.NOT_IN_TIME_WINDOWS:
            self._counters["time_synchronised"] += 1
            question.stuck = PollFailure.NOT_IN_TIME_WINDOW
        question.reports += 1
        if verdict is None and question.reports == MAX_REPORTS_PER_QUESTION:
            verdict = question.stuck
        if verdict is not None:
            self._end(question, verdict)
            return
        self.forget(question)
        question.complaint = question.noted = None
        self._begin(question)


def _failure_of_errno(error: int) -> PollFailure:
    if error == errno.ECONNREFUSED:
        return PollFailure.PORT_CLOSED
    return PollFailure.UNREACHABLE if error in _UNREACHABLE else PollFailure.NO_ANSWER
