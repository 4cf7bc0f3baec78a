"""The second engine: pysnmp behind the same port, for DES and 3DES and as a second opinion.

It costs some 15 ms of processor time per poll, so few polls may be in flight: more, and its own queue
outlasts the time-outs of living agents. It says nothing of the agent's clock, and a closed port looks to it
like silence.
"""

from __future__ import annotations

import asyncio
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from channelwatch_collector.snmp import ber, bindings
from channelwatch_collector.snmp.ask import Ask
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import PduType, Response
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Credential,
    Oid,
    PollAnswer,
    PollFailure,
    PollPlan,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Target,
    V2c,
    Value,
    VarBind,
    snmp_error,
)
from channelwatch_collector.snmp.reading import Answered, Failed, Hints, Reading, carry_out

with warnings.catch_warnings():
    # pysnmp imports names that its own MIB compiler has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pysnmp.entity.engine import SnmpEngine as PysnmpCore  # type: ignore[import-untyped]
    from pysnmp.entity.rfc3413 import cmdgen  # type: ignore[import-untyped]
    from pysnmp.error import PySnmpError  # type: ignore[import-untyped]
    from pysnmp.hlapi.v3arch import asyncio as hlapi  # type: ignore[import-untyped]
    from pysnmp.hlapi.v3arch.asyncio.lcd import (  # type: ignore[import-untyped]
        CommandGeneratorLcdConfigurator,
    )
    from pysnmp.proto import errind  # type: ignore[import-untyped]
    from pysnmp.proto.rfc1902 import Null  # type: ignore[import-untyped]

CPU_PER_POLL_S = 0.015
MAX_CORES = 64
"""Distinct credentials at once; the one unused for longest makes room."""
LANES = 16
"""Sockets per credential and address family; what is learnt on one is forgotten before it is used again."""
_V3_MODEL = 3
_OCTETS_OF_A_VARBIND = 30

PYSNMP_LIMITS = EngineLimits(max_in_flight=60, max_slow=0, max_waiting=5_000, max_peers=2_000)
"""60 in flight is what a 2 s time-out allows: 2 s / CPU_PER_POLL_S / 2."""

_AUTH = {
    AuthProtocol.MD5: hlapi.USM_AUTH_HMAC96_MD5,
    AuthProtocol.SHA1: hlapi.USM_AUTH_HMAC96_SHA,
    AuthProtocol.SHA224: hlapi.USM_AUTH_HMAC128_SHA224,
    AuthProtocol.SHA256: hlapi.USM_AUTH_HMAC192_SHA256,
    AuthProtocol.SHA384: hlapi.USM_AUTH_HMAC256_SHA384,
    AuthProtocol.SHA512: hlapi.USM_AUTH_HMAC384_SHA512,
}
_PRIV = {
    PrivProtocol.DES: hlapi.USM_PRIV_CBC56_DES,
    PrivProtocol.TRIPLE_DES: hlapi.USM_PRIV_CBC168_3DES,
    PrivProtocol.AES128: hlapi.USM_PRIV_CFB128_AES,
    PrivProtocol.AES192_BLUMENTHAL: hlapi.USM_PRIV_CFB192_AES_BLUMENTHAL,
    PrivProtocol.AES256_BLUMENTHAL: hlapi.USM_PRIV_CFB256_AES_BLUMENTHAL,
    PrivProtocol.AES192_REEDER: hlapi.USM_PRIV_CFB192_AES,
    PrivProtocol.AES256_REEDER: hlapi.USM_PRIV_CFB256_AES,
}
_FAILURES: tuple[tuple[type[Exception], PollFailure], ...] = (
    (errind.RequestTimedOut, PollFailure.NO_ANSWER),
    (errind.WrongDigest, PollFailure.WRONG_KEY),
    (errind.AuthenticationFailure, PollFailure.WRONG_KEY),
    (errind.AuthenticationError, PollFailure.WRONG_KEY),
    (errind.DecryptionError, PollFailure.WRONG_KEY),
    (errind.UnknownUserName, PollFailure.UNKNOWN_USER),
    (errind.UnknownSecurityName, PollFailure.UNKNOWN_USER),
    (errind.UnsupportedSecurityLevel, PollFailure.UNSUPPORTED_SEC_LEVEL),
    (errind.NotInTimeWindow, PollFailure.NOT_IN_TIME_WINDOW),
    (errind.UnknownEngineID, PollFailure.UNKNOWN_ENGINE),
    (errind.EngineIDMismatch, PollFailure.UNKNOWN_ENGINE),
    (errind.NoSuchContext, PollFailure.NO_SUCH_CONTEXT),
    (errind.UnsupportedAuthProtocol, PollFailure.UNSUPPORTED_PROTOCOL),
    (errind.UnsupportedPrivProtocol, PollFailure.UNSUPPORTED_PROTOCOL),
    (errind.EncryptionError, PollFailure.UNSUPPORTED_PROTOCOL),
    (errind.TooBig, PollFailure.TOO_BIG),
)


_Put = Callable[[Ask], Awaitable[Answered]]

_LCD = CommandGeneratorLcdConfigurator()
_NULL = Null("")


@dataclass(slots=True, eq=False)
class _Core:
    """One pysnmp engine: it can hold a user name under one pass phrase only."""

    engine: Any
    security: Any
    get: Any = field(default_factory=cmdgen.GetCommandGenerator)
    bulk: Any = field(default_factory=cmdgen.BulkCommandGeneratorSingleRun)
    in_use: int = 0
    retired: bool = False


@dataclass(slots=True)
class _Peer:
    """`lane` numbers the transports: pysnmp ties an address to the first engine ID found there, and only on
    another transport does it ask again. So silence after an answer moves an address to the next lane.
    """

    hints: Hints = field(default_factory=dict)
    engine_id: bytes = b""
    answered: bool = False
    lane: int = 0

    def change_lane(self) -> None:
        if self.answered:
            self.answered = False
            self.lane = (self.lane + 1) % LANES


class PysnmpEngine:
    """`SnmpEngine` on pysnmp. Create it on the running event loop that will use it."""

    def __init__(self, limits: EngineLimits = PYSNMP_LIMITS) -> None:
        self.limits = limits
        self._counters: Counter[str] = Counter()
        self._gate = limits.gate()
        self._cores: dict[Credential, _Core] = {}
        self._peers: dict[tuple[str, int], _Peer] = {}
        self._closed = False

    @property
    def counters(self) -> Mapping[str, int]:
        """Counts since the start: `sent`, `answered`, `busy`, `engine_changed`, `failed_...`."""
        return self._counters

    async def poll(self, target: Target, plan: PollPlan) -> PollAnswer:
        """Read all of `plan`. `agent` of the answer is always None.

        Raises:
            SnmpError: the first question failed, or nothing at all could be read.
        """
        async with self._operation("poll", target) as (core, reading, ask):
            scalars, columns = await carry_out(reading.poll(plan), ask)
            self._peer(target).answered = True
            changed_from = self._note_engine(core, target)
            return PollAnswer(scalars, columns, None, reading.rtt_ms or 0.0, changed_from, reading.failed)

    async def get(self, target: Target, oids: Sequence[Oid]) -> dict[Oid, Value]:
        """Read exact instances.

        Raises:
            SnmpError: any of them could not be read.
        """
        async with self._operation("get", target) as (_, reading, ask):
            return await carry_out(reading.get(oids), ask)

    async def walk(
        self, target: Target, root: Oid, *, max_rows: int = 10_000, max_pages: int = 1_000
    ) -> list[VarBind]:
        """Everything below `root` in the agent's order.

        Raises:
            SnmpError: it could not be read to its end within the limits.
        """
        async with self._operation("walk", target) as (_, reading, ask):
            return await carry_out(reading.walk(root, max_rows=max_rows, max_pages=max_pages), ask)

    async def close(self) -> None:
        """Release the sockets; what is in flight ends as silence."""
        self._closed = True
        for core in self._cores.values():
            core.engine.close_dispatcher()
        self._cores.clear()

    @asynccontextmanager
    async def _operation(self, name: str, target: Target) -> AsyncIterator[tuple[_Core, Reading, _Put]]:
        reading = Reading(self.limits, target.max_repetitions)
        if not await self._gate.enter(reading):
            self._counters["busy"] += 1
            raise snmp_error(PollFailure.BUSY, operation=name, target=target)
        core = None
        try:
            if self._closed:
                raise Failed(PollFailure.ENGINE_CLOSED)
            core = self._core_for(target.credential)
            core.in_use += 1
            peer = self._peer(target)
            reading.hints = peer.hints
            yield core, reading, await self._put_of(core, target, peer)
        except Failed as failed:
            self._counters[f"failed_{failed.failure}"] += 1
            if failed.failure in (PollFailure.NO_ANSWER, PollFailure.UNKNOWN_ENGINE):
                self._peer(target).change_lane()
            raise snmp_error(failed.failure, operation=name, target=target) from None
        finally:
            self._gate.leave(reading)
            if core is not None:
                self._release(core)

    def _core_for(self, credential: Credential) -> _Core:
        core = self._cores.pop(credential, None)
        if core is None:
            if len(self._cores) >= MAX_CORES:
                self._retire(self._cores.pop(next(iter(self._cores))))
            core = _Core(PysnmpCore(), _security(credential))
        self._cores[credential] = core
        return core

    def _retire(self, core: _Core) -> None:
        """Let `core` end with its last user."""
        core.retired = True
        if not core.in_use:
            core.engine.close_dispatcher()

    def _release(self, core: _Core) -> None:
        core.in_use -= 1
        if core.retired and not core.in_use:
            core.engine.close_dispatcher()

    def _peer(self, target: Target) -> _Peer:
        key = (target.address, target.port)
        peer = self._peers.get(key)
        if peer is None:
            if len(self._peers) >= self.limits.max_peers:
                del self._peers[next(iter(self._peers))]
            peer = self._peers[key] = _Peer()
        return peer

    async def _put_of(self, core: _Core, target: Target, peer: _Peer) -> _Put:
        kind = hlapi.Udp6TransportTarget if ":" in target.address else hlapi.UdpTransportTarget
        transport = await kind.create(
            (target.address, target.port), timeout=target.timeout_s, retries=target.retries
        )
        transport.TRANSPORT_DOMAIN = _domain(target, peer)
        context = target.credential.context.encode() if isinstance(target.credential, V3) else b""

        async def put(question: Ask) -> Answered:
            loop = asyncio.get_running_loop()
            done: asyncio.Future[tuple[Any, ...]] = loop.create_future()
            started_s = loop.time()
            is_get = question.kind is PduType.GET
            self._counters["sent"] += 1
            try:
                agent, _ = _LCD.configure(core.engine, core.security, transport, context)
                parties = (core.engine, agent, None, context)
                varbinds = [(name, _NULL) for name in question.names]
                if is_get:
                    core.get.send_varbinds(*parties, varbinds, _settle, done)
                else:
                    core.bulk.send_varbinds(*parties, 0, question.repetitions, varbinds, _settle, done)
                answer = await done
            except PySnmpError:
                raise Failed(PollFailure.MALFORMED) from None
            return self._read(answer, question.names if is_get else None, (loop.time() - started_s) * 1e3)

        return put

    def _read(self, answer: Any, wanted: tuple[Oid, ...] | None, rtt_ms: float) -> Answered:
        problem, status, index, varbinds = answer
        if problem is not None:
            raise Failed(_failure_of(problem))
        self._counters["answered"] += 1
        found = [(tuple(name), _value(value)) for name, value in varbinds]
        if wanted is not None and not status and tuple([name for name, _ in found]) != wanted:
            raise Failed(PollFailure.WRONG_OIDS)
        response = Response(int(status), int(index), bindings.of(found))
        return Answered(response, _OCTETS_OF_A_VARBIND * len(found), rtt_ms)

    def _note_engine(self, core: _Core, target: Target) -> bytes | None:
        """The engine ID that this address had before, if an authenticating user now finds another."""
        credential = target.credential
        if not isinstance(credential, V3) or credential.level is SecurityLevel.NO_AUTH_NO_PRIV:
            return None
        model = core.engine.message_processing_subsystems[_V3_MODEL]
        peer = self._peer(target)
        found = model.get_peer_engine_info(_domain(target, peer), (target.address, target.port))[0]
        before, now = peer.engine_id, bytes(found) if found else peer.engine_id
        peer.engine_id = now
        if not before or before == now:
            return None
        self._counters["engine_changed"] += 1
        return before


def _domain(target: Target, peer: _Peer) -> tuple[int, ...]:
    kind = hlapi.Udp6TransportTarget if ":" in target.address else hlapi.UdpTransportTarget
    return (*kind.TRANSPORT_DOMAIN, peer.lane)


def _settle(_engine: Any, _handle: Any, *answer: Any) -> None:
    """pysnmp's callback: problem, error-status, error-index, varbinds, and our future as its context.

    Its high-level functions are passed over because they resolve names through MIB files.
    """
    *content, done = answer
    if not done.done():
        done.set_result(tuple(content))


def _security(credential: Credential) -> Any:
    if isinstance(credential, V2c):
        return hlapi.CommunityData(credential.community.reveal(), mpModel=1)  # noqa: S508 - the device decides
    user: dict[str, Any] = {"userName": credential.user}
    if credential.auth_protocol is not None and credential.auth_pass is not None:
        user |= {"authKey": credential.auth_pass.reveal(), "authProtocol": _AUTH[credential.auth_protocol]}
    if credential.priv_protocol is not None and credential.priv_pass is not None:
        user |= {"privKey": credential.priv_pass.reveal(), "privProtocol": _PRIV[credential.priv_protocol]}
    return hlapi.UsmUserData(**user)  # noqa: S509 - the device decides


def _failure_of(problem: object) -> PollFailure:
    for kind, failure in _FAILURES:
        if isinstance(problem, kind):
            return failure
    return PollFailure.MALFORMED


def _value(value: Any) -> Value:
    tag = value.tagSet[-1]
    code = tag.tagClass | tag.tagFormat | tag.tagId
    if code in (SnmpType.OCTET_STRING, SnmpType.IP_ADDRESS, SnmpType.OPAQUE):
        return ber.decode_body(code, bytes(value))
    if code == SnmpType.OBJECT_IDENTIFIER:
        return Value(SnmpType.OBJECT_IDENTIFIER, tuple(value))
    if code in (SnmpType.NULL, SnmpType.NO_SUCH_OBJECT, SnmpType.NO_SUCH_INSTANCE, SnmpType.END_OF_MIB_VIEW):
        return Value(SnmpType(code), None)
    return Value(SnmpType(code), int(value))
