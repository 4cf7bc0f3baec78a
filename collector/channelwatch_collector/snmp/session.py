"""How one agent is spoken to under one credential: wrapping questions, checking answers, finding engines.

Pure but for what it remembers. Times are seconds of one monotonic clock.
"""

from __future__ import annotations

import hmac
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from channelwatch_collector.snmp import bindings, v3
from channelwatch_collector.snmp.layout import AnswerReader, Place
from channelwatch_collector.snmp.pdu import (
    ID_OCTETS,
    PduHead,
    PduTemplate,
    PduType,
    Response,
    community_question,
    question,
    read_pdu_head,
)
from channelwatch_collector.snmp.port import (
    V3,
    AgentClock,
    Credential,
    Oid,
    PollFailure,
    SecurityLevel,
    V2c,
)
from channelwatch_collector.snmp.udp import Address
from channelwatch_collector.snmp.usm import EngineTime, Keys, keys_for, speaks

_NO_KEYS = Keys(SecurityLevel.NO_AUTH_NO_PRIV)
_DISCOVERY = question(PduType.GET, ())
_SALT_SPACE = 2**64


class Drop(StrEnum):
    """Why a datagram was thrown away."""

    STRAY = "stray"
    """No question in flight has this id: late, duplicate or guessed."""
    WRONG_SENDER = "wrong_sender"
    MALFORMED = "malformed"
    WRONG_VERSION = "wrong_version"
    NOT_A_RESPONSE = "not_a_response"
    WRONG_COMMUNITY = "wrong_community"
    WRONG_OIDS = "wrong_oids"
    WRONG_ENGINE = "wrong_engine"
    WRONG_CONTEXT = "wrong_context"
    WRONG_DIGEST = "wrong_digest"
    BELOW_LEVEL = "below_level"
    """Less secured than the question was."""
    STALE = "stale"
    """Authentic, but outside the time window."""


class Refused(Exception):
    """An answer that must not be used; `failure` is what its question fails with if no better one comes."""

    def __init__(self, drop: Drop, failure: PollFailure) -> None:
        super().__init__(drop)
        self.drop = drop
        self.failure = failure


class Report(NamedTuple):
    """A Report-PDU (RFC 3412): what the agent's security subsystem complains of."""

    complaint: Oid
    engine_id: bytes
    boots: int
    time_s: int
    authentic: bool


Answer = Response | Report


@dataclass(slots=True)
class Peer:
    """What is remembered of one address. `engine_id` and `time` come from authenticated messages only."""

    address: Address
    engine_id: bytes = b""
    time: EngineTime = field(default_factory=EngineTime)
    engine_changed_from: bytes | None = None


class SaltSource:
    """Salts that differ for every message of this process, whatever its key (RFC 3826 section 3.1.1.1)."""

    def __init__(self, start: int) -> None:
        self._next = start % _SALT_SPACE

    def take(self) -> bytes:
        """Eight octets."""
        self._next = (self._next + 1) % _SALT_SPACE
        return self._next.to_bytes(8, "big")


class CommunitySession:
    """v2c: the community is compared, and nothing more can be known."""

    __slots__ = ("_community", "credential", "peer")

    def __init__(self, peer: Peer, credential: V2c) -> None:
        self.peer = peer
        self.credential: Credential = credential
        self._community = credential.community.reveal().encode()

    def begin(self) -> None:
        """Nothing to adopt before an operation."""

    def datagram(self, template: PduTemplate, message_id: int, now_s: float) -> bytes:
        """The question with `message_id`."""
        return community_question(self._community, template).fill(message_id)

    def read(
        self, datagram: bytes, community: tuple[int, int], head: PduHead, reader: AnswerReader
    ) -> Response:
        """The response that `head` begins in `datagram`, which has its `community` there.

        Raises:
            Refused: another community, or a PDU that is no answer.
            BerError: broken inside.
        """
        if not hmac.compare_digest(datagram[slice(*community)], self._community):
            raise Refused(Drop.WRONG_COMMUNITY, PollFailure.WRONG_COMMUNITY)
        if head.type is not PduType.RESPONSE:
            raise Refused(Drop.NOT_A_RESPONSE, PollFailure.MALFORMED)
        return _read(datagram, head, reader, community)

    def read_again(
        self, datagram: bytes, community: bytes, message_id: bytes, reader: AnswerReader
    ) -> Response | None:
        """The response, if it differs only in its values from one that was read before."""
        if not hmac.compare_digest(community, self._community):
            return None
        found = reader.again(datagram, message_id)
        return None if found is None else _make_response((0, 0, found))

    def clock(self) -> AgentClock | None:
        """v2c tells nothing of it."""
        return None


class UsmSession:
    """v3: discovers the engine, keeps its time, and believes only what carries a valid digest.

    Unauthenticated reports steer discovery and explain failures; they never move the clock.
    """

    __slots__ = (
        "_context",
        "_counters",
        "_engine_id",
        "_keys",
        "_level",
        "_salts",
        "_time",
        "_user",
        "_user_name",
        "credential",
        "peer",
    )

    def __init__(self, peer: Peer, user: V3, *, salts: SaltSource, counters: Counter[str]) -> None:
        self.peer = peer
        self.credential: Credential = user
        self._user = user
        self._salts = salts
        self._counters = counters
        self._level = user.level
        self._user_name = user.user.encode()
        self._context = user.context.encode()
        self._engine_id = b""
        self._time = EngineTime()
        self._keys = _NO_KEYS

    def begin(self) -> None:
        """Before each operation: go back to the engine that has proved itself, if one has."""
        if self.peer.engine_id and self._engine_id != self.peer.engine_id:
            self._address_engine(self.peer.engine_id, self.peer.time)

    @property
    def expects_proof(self) -> bool:
        """Whether answers to what is asked now carry a digest; those to a discovery probe do not."""
        return bool(self._engine_id) and self._level is not SecurityLevel.NO_AUTH_NO_PRIV

    def clock(self) -> AgentClock | None:
        """The agent's clock as last stated; None unless this user authenticates."""
        peer = self.peer
        if not peer.engine_id or self._level is SecurityLevel.NO_AUTH_NO_PRIV:
            return None
        return AgentClock(peer.engine_id, peer.time.boots, peer.time.time_s)

    def datagram(self, template: PduTemplate, message_id: int, now_s: float) -> bytes:
        """The question with `message_id`, or a discovery probe while no engine is known."""
        if not self._engine_id:
            probe = v3.Envelope(message_id, True, b"", 0, 0, b"")
            scoped = v3.encode_scoped_pdu(b"", b"", _DISCOVERY.fill(message_id))
            return v3.encode_message(probe, scoped, _NO_KEYS, level=SecurityLevel.NO_AUTH_NO_PRIV)
        boots, time_s = self._time.boots, 0
        if boots or self._time.seen_at_s:
            time_s = self._time.now(now_s)
        envelope = v3.Envelope(message_id, True, self._engine_id, boots, time_s, self._user_name)
        scoped = v3.scoped_question(self._engine_id, self._context, template).fill(message_id)
        salt = self._salts.take() if self._level is SecurityLevel.AUTH_PRIV else b""
        return v3.encode_message(envelope, scoped, self._keys, level=self._level, salt=salt)

    def read(self, datagram: bytes, header: v3.Header, reader: AnswerReader, now_s: float) -> Answer:
        """The response, or the agent's complaint.

        Raises:
            Refused: forged, stale, downgraded, or for another engine or context.
            BerError: broken inside.
        """
        authentic = False
        if header.level is not SecurityLevel.NO_AUTH_NO_PRIV:
            authentic = self._check_digest(datagram, header)
        plain = v3.plain_of(datagram, header, self._keys)
        if header.level is self._level and header.engine_id == self._engine_id:
            found = reader.again(plain, header.msg_id.to_bytes(ID_OCTETS, "big", signed=True))
            if found is not None:
                return self._believe(_make_response((0, 0, found)), header, authentic, now_s)
        scope = v3.scope_of(plain)
        head = read_pdu_head(plain, scope.at, scope.end)
        if head.type is PduType.REPORT:
            names = bindings.read(plain, head.at, head.end).names.oids
            return Report(names[0] if names else (), header.engine_id, header.boots, header.time_s, authentic)
        if head.type is not PduType.RESPONSE or head.request_id != header.msg_id:
            raise Refused(Drop.NOT_A_RESPONSE, PollFailure.MALFORMED)
        if header.level is not self._level:
            raise Refused(Drop.BELOW_LEVEL, PollFailure.UNAUTHENTIC)
        if header.engine_id != self._engine_id:
            raise Refused(Drop.WRONG_ENGINE, PollFailure.UNAUTHENTIC)
        if scope.context != self._context:
            raise Refused(Drop.WRONG_CONTEXT, PollFailure.MALFORMED)
        return self._believe(_read(plain, head, reader), header, authentic, now_s)

    def _believe(self, response: Response, header: v3.Header, authentic: bool, now_s: float) -> Response:
        if authentic and not self._time.learn(header.boots, header.time_s, now_s):
            raise Refused(Drop.STALE, PollFailure.NOT_IN_TIME_WINDOW)
        if authentic:
            self._trust()
        return response

    def follow(self, report: Report, now_s: float) -> PollFailure | None:
        """Act on a complaint: None if the question is worth asking again, else what it fails with."""
        failure = _FAILURE_OF_COMPLAINT.get(report.complaint, PollFailure.MALFORMED)
        if failure is PollFailure.UNKNOWN_ENGINE:
            return self._discovered(report.engine_id)
        if failure is not PollFailure.NOT_IN_TIME_WINDOW or not report.authentic:
            return failure
        # The digest covers our fresh random message id, so this cannot be a replay even if time runs back.
        self._time.reset(report.boots, report.time_s, now_s)
        self._trust()
        return None

    def _check_digest(self, datagram: bytes, header: v3.Header) -> bool:
        if header.engine_id != self._engine_id:
            raise Refused(Drop.WRONG_ENGINE, PollFailure.UNAUTHENTIC)
        if not self._keys.verifies(datagram, header.mac_at, header.mac):
            raise Refused(Drop.WRONG_DIGEST, PollFailure.UNAUTHENTIC)
        return True

    def _discovered(self, engine_id: bytes) -> PollFailure | None:
        if engine_id == self._engine_id:
            return PollFailure.UNKNOWN_ENGINE
        if not speaks(self._user.priv_protocol):
            return PollFailure.UNSUPPORTED_PROTOCOL
        try:
            self._address_engine(engine_id, EngineTime())
        except ValueError:
            return PollFailure.UNKNOWN_ENGINE
        self._counters["engine_discovered"] += 1
        return None

    def _address_engine(self, engine_id: bytes, time: EngineTime) -> None:
        self._keys = keys_for(self._user, engine_id)
        self._engine_id, self._time = engine_id, time

    def _trust(self) -> None:
        """The engine spoken to has proved itself: from now on this address is this engine."""
        peer = self.peer
        if peer.engine_id == self._engine_id:
            return
        if peer.engine_id:
            peer.engine_changed_from = peer.engine_id
            self._counters["engine_changed"] += 1
        peer.engine_id, peer.time = self._engine_id, self._time


def _read(data: bytes, head: PduHead, reader: AnswerReader, unchecked: tuple[int, int] = (0, 0)) -> Response:
    place = Place(head.id_span, head.at, head.end, unchecked)
    read = reader.read(data, place, without_error=not head.error_status)
    return Response(head.error_status, head.error_index, read)


_make_response = partial(tuple.__new__, Response)

Session = CommunitySession | UsmSession

_FAILURE_OF_COMPLAINT = {
    v3.UNSUPPORTED_SEC_LEVELS: PollFailure.UNSUPPORTED_SEC_LEVEL,
    v3.NOT_IN_TIME_WINDOWS: PollFailure.NOT_IN_TIME_WINDOW,
    v3.UNKNOWN_USER_NAMES: PollFailure.UNKNOWN_USER,
    v3.UNKNOWN_ENGINE_IDS: PollFailure.UNKNOWN_ENGINE,
    v3.WRONG_DIGESTS: PollFailure.WRONG_KEY,
    v3.DECRYPTION_ERRORS: PollFailure.WRONG_KEY,
    v3.UNKNOWN_CONTEXTS: PollFailure.NO_SUCH_CONTEXT,
    v3.UNAVAILABLE_CONTEXTS: PollFailure.NO_SUCH_CONTEXT,
}


def open_session(peer: Peer, credential: Credential, *, salts: SaltSource, counters: Counter[str]) -> Session:
    """A session for `credential`, without any traffic yet."""
    if isinstance(credential, V2c):
        return CommunitySession(peer, credential)
    return UsmSession(peer, credential, salts=salts, counters=counters)
