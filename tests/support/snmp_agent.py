"""A scripted SNMP agent for hostile cases: right by default, wrong exactly where a test says.

It shares the product's codec, so what must agree with the outside world is tested against snmpd instead.
"""

from __future__ import annotations

import asyncio
import bisect
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from channelwatch_collector.snmp import ber, v3
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
    Version,
    encode_community_message,
    encode_pdu,
    read_community_message,
    read_pdu,
    read_version,
)
from channelwatch_collector.snmp.port import MAX_DATAGRAM, V3, Oid, SecurityLevel, SnmpType, Value
from channelwatch_collector.snmp.usm import Keys, in_local_window, keys_for

COMMUNITY = "scripted-community"
ENGINE_ID = bytes.fromhex("80000000050102030405")
NO_KEYS = Keys(SecurityLevel.NO_AUTH_NO_PRIV)
MAX_VARBINDS = 20_000


@dataclass
class ScriptedAgent:
    """Answers from `values`. Every attribute may be changed at any time.

    `rewrite` alters the answer before it is wrapped; `wrap` decides which datagrams leave for an answer
    that is already wrapped. `silent` swallows that many questions. `requests` are the PDUs understood.
    """

    values: Mapping[Oid, Value] = field(default_factory=dict)
    community: bytes = COMMUNITY.encode()
    user: V3 | None = None
    engine_id: bytes = ENGINE_ID
    boots: int = 5
    time_s: int = 1000
    rewrite: Callable[[Pdu, Pdu], Pdu] = lambda request, answer: answer
    wrap: Callable[[bytes], list[bytes]] = lambda datagram: [datagram]
    silent: int = 0
    requests: list[Pdu] = field(default_factory=list)
    datagrams: int = 0
    address: tuple[str, int] = ("", 0)
    asker: tuple[str, int] = ("", 0)
    send: Callable[[bytes, tuple[str, int]], object] = lambda datagram, to: None

    def receive(self, datagram: bytes) -> list[bytes]:
        """What goes back for `datagram`."""
        self.datagrams += 1
        if self.silent:
            self.silent -= 1
            return []
        is_v3 = read_version(datagram)[0] == Version.V3
        answer = self._answer_v3(datagram) if is_v3 else self._answer_v2c(datagram)
        return [] if answer is None else self.wrap(answer)

    def respond(self, request: Pdu) -> Pdu:
        """RFC 3416 on `values`, then `rewrite`."""
        self.requests.append(request)
        return self.rewrite(request, self._respond(request))

    def _respond(self, request: Pdu) -> Pdu:
        names = [name for name, _ in request.varbinds]
        if request.type is PduType.GET:
            missing = Value(SnmpType.NO_SUCH_INSTANCE, None)
            found = [(name, self.values.get(name, missing)) for name in names]
        else:
            order = sorted(self.values)
            found = []
            for _ in range(request.error_index if request.type is PduType.GET_BULK else 1):
                following = []
                for name in names:
                    at = bisect.bisect_right(order, name)
                    if at < len(order):
                        found.append((order[at], self.values[order[at]]))
                    else:
                        found.append((name, Value(SnmpType.END_OF_MIB_VIEW, None)))
                    following.append(found[-1][0])
                names = following
        return Pdu(PduType.RESPONSE, request.request_id, 0, 0, found[:MAX_VARBINDS])

    def _answer_v2c(self, datagram: bytes) -> bytes | None:
        message = read_community_message(datagram)
        if message.community != self.community:
            return None
        answer = self.respond(read_pdu(datagram, message.pdu_at, message.end))
        return encode_community_message(Version.V2C, self.community, encode_pdu(answer))

    def _answer_v3(self, datagram: bytes) -> bytes | None:
        header = v3.read_header(datagram)
        if header.engine_id != self.engine_id:
            return self.report(header, v3.UNKNOWN_ENGINE_IDS)
        if self.user is None or header.user != self.user.user.encode():
            return self.report(header, v3.UNKNOWN_USER_NAMES)
        if header.level > self.user.level:
            return self.report(header, v3.UNSUPPORTED_SEC_LEVELS)
        keys = keys_for(self.user, self.engine_id)
        if header.level > SecurityLevel.NO_AUTH_NO_PRIV:
            if not keys.verifies(datagram, header.mac_at, header.mac):
                return self.report(header, v3.WRONG_DIGESTS)
            if not in_local_window(
                boots=header.boots, time_s=header.time_s, our_boots=self.boots, our_time_s=self.time_s
            ):
                return self.report(header, v3.NOT_IN_TIME_WINDOWS, keys)
        try:
            scoped = v3.read_scoped_pdu(datagram, header, keys)
        except ber.BerError:
            return self.report(header, v3.DECRYPTION_ERRORS, keys)
        answer = v3.encode_scoped_pdu(self.engine_id, scoped.context, encode_pdu(self.respond(scoped.pdu)))
        return self.seal(header, answer, keys, header.level)

    def report(self, header: v3.Header, complaint: Oid, keys: Keys | None = None) -> bytes:
        """A Report; signed if `keys` are given."""
        pdu = Pdu(PduType.REPORT, 0, 0, 0, [(complaint, Value(SnmpType.COUNTER32, 1))])
        scoped = v3.encode_scoped_pdu(self.engine_id, b"", encode_pdu(pdu))
        level = SecurityLevel.AUTH_NO_PRIV if keys else SecurityLevel.NO_AUTH_NO_PRIV
        return self.seal(header, scoped, keys or NO_KEYS, level)

    def seal(self, header: v3.Header, scoped: bytes, keys: Keys, level: SecurityLevel) -> bytes:
        """A message of this engine in answer to `header`."""
        envelope = v3.Envelope(header.msg_id, False, self.engine_id, self.boots, self.time_s, header.user)
        return v3.encode_message(envelope, scoped, keys, level=level, salt=header.msg_id.to_bytes(8, "big"))


@asynccontextmanager
async def serving(
    agent: ScriptedAgent, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[ScriptedAgent]:
    """`agent` on a UDP port of `host`, at `agent.address`."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as served:
        served.setblocking(False)
        served.bind((host, port))
        agent.address = served.getsockname()[:2]
        agent.send = served.sendto

        def answer() -> None:
            datagram, agent.asker = served.recvfrom(MAX_DATAGRAM)
            for back in agent.receive(datagram):
                served.sendto(back, agent.asker)

        loop.add_reader(served, answer)
        try:
            yield agent
        finally:
            loop.remove_reader(served)
