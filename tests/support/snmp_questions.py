"""What tests ask scripted agents, and how the failure reads."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from channelwatch_collector.snmp.pdu import (
    Pdu,
    Version,
    encode_community_message,
    encode_pdu,
    read_community_message,
    read_pdu,
)
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Oid,
    PollFailure,
    PrivProtocol,
    SnmpError,
    SnmpPermanent,
    SnmpTransient,
    SnmpType,
    Target,
    V2c,
    Value,
)

from channelwatch.base.secrets import Secret
from tests.support.snmp_agent import COMMUNITY, ScriptedAgent

NAME: Oid = (1, 3, 6, 1, 2, 1, 1, 5, 0)
OTHER: Oid = (1, 3, 6, 1, 2, 1, 1, 6, 0)
COLUMN: Oid = (1, 3, 6, 1, 4, 1, 99_999, 1, 1)
UP = Value(SnmpType.OCTET_STRING, b"up")
TREE = {
    NAME: UP,
    OTHER: Value(SnmpType.INTEGER, 7),
    **{(*COLUMN, row): Value(SnmpType.GAUGE32, row) for row in range(1, 9)},
}
USER = V3(
    "watcher", AuthProtocol.SHA256, Secret("authentic-phrase"), PrivProtocol.AES128, Secret("private-phrase")
)


def target(agent: ScriptedAgent, *, timeout_s: float = 0.25, retries: int = 0) -> Target:
    credential = agent.user or V2c(Secret(COMMUNITY))
    return Target(agent.address[0], credential, agent.address[1], timeout_s=timeout_s, retries=retries)


async def failure_of(asking: object) -> PollFailure:
    with pytest.raises(SnmpError) as caught:
        await asking  # type: ignore[misc]
    permanent = caught.value.failure.is_permanent
    assert isinstance(caught.value, SnmpPermanent if permanent else SnmpTransient)
    return caught.value.failure


def v2c_answer(
    change: Callable[[Pdu], Pdu] = lambda pdu: pdu, community: bytes = b""
) -> Callable[[bytes], bytes]:
    """Turns a good v2c answer into another one."""

    def alter(datagram: bytes) -> bytes:
        message = read_community_message(datagram)
        pdu = read_pdu(datagram, message.pdu_at, message.end)
        return encode_community_message(Version.V2C, community or message.community, encode_pdu(change(pdu)))

    return alter
