"""The trap receiver against net-snmp's snmptrap and snmpinform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.notification import Notification, TrapRejection
from channelwatch_collector.snmp.pdu import Version
from channelwatch_collector.snmp.port import (
    V3,
    AgentClock,
    AuthProtocol,
    Oid,
    PollPlan,
    PrivProtocol,
    SnmpType,
    Target,
    Value,
)
from channelwatch_collector.snmp.trap_decoder import LocalEngine, TrapSettings, TrapUser, local_engine_id
from channelwatch_collector.snmp.traps import TrapReceiver

from channelwatch.base.clock import ManualClock, SystemClock
from channelwatch.base.queue import BoundedQueue
from channelwatch.base.secrets import Secret
from tests.support import eventually, require_binary
from tests.support.net import has_ipv6_loopback
from tests.support.snmpd import (
    AUTH_NAMES,
    AUTH_PHRASE,
    COMMUNITY,
    PRIV_NAMES,
    PRIV_PHRASE,
    place_of,
    running_snmpd,
    user_name,
)

LINK_DOWN: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
IF_INDEX = ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), Value(SnmpType.INTEGER, 7))
CONTENT = ["123", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.7", "i", "7"]
SENDER = bytes.fromhex("80001f88047472617073")
AES = [priv for priv in PrivProtocol if priv in PRIV_NAMES and priv != "des"]
PAIRS: list[tuple[AuthProtocol, PrivProtocol | None]] = [
    (auth, priv) for auth in AuthProtocol for priv in (None, *AES)
]


def user(auth: AuthProtocol, priv: PrivProtocol | None) -> V3:
    return V3(user_name(auth, priv), auth, Secret(AUTH_PHRASE), priv, Secret(PRIV_PHRASE) if priv else None)


USERS = tuple(TrapUser(user(*pair)) for pair in PAIRS)


@dataclass
class Listener:
    """A receiver with its queue, and net-snmp's senders beside it."""

    receiver: TrapReceiver
    queue: BoundedQueue[Notification]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    async def send(
        self, program: str, *arguments: str, content: list[str] = CONTENT, to: str | None = None
    ) -> int:
        path = require_binary(program, package="snmp")
        host, port = self.receiver.address
        place = place_of(to or host, port)
        running = await asyncio.create_subprocess_exec(
            path, *arguments, place, *content, env=self.environment, stderr=asyncio.subprocess.PIPE
        )
        await asyncio.wait_for(running.communicate(), 60)
        assert running.returncode is not None
        return running.returncode

    async def next(self) -> Notification:
        (found,) = await asyncio.wait_for(self.queue.take_batch(1), 30)
        return found

    async def rejected(self, reason: TrapRejection) -> None:
        await eventually(
            lambda: self.receiver.counters.get(reason, 0) == 1, 30, what=str(self.receiver.counters)
        )
        assert len(self.queue) == 0


@pytest.fixture
def local() -> str:
    """Where the listener is."""
    return "127.0.0.1"


@pytest.fixture
async def listener(tmp_path: Path, local: str) -> AsyncIterator[Listener]:
    if ":" in local and not has_ipv6_loopback():
        pytest.skip("this machine has no ::1")
    clock = SystemClock()
    queue: BoundedQueue[Notification] = BoundedQueue(100)
    receiver = TrapReceiver(
        local=(local, 0),
        settings=TrapSettings(communities=(Secret(COMMUNITY),), users=USERS),
        engine=LocalEngine.started(local_engine_id(b"test"), last_boots=6, now_s=clock.monotonic_ms() / 1000),
        deliver=queue.offer,
        clock=clock,
    )
    receiver.bind_engine(SENDER, "127.0.0.1")
    environment = {
        "MIBS": "",
        "SNMPCONFPATH": str(tmp_path),
        "SNMP_PERSISTENT_DIR": str(tmp_path / "persistent"),
    }
    yield Listener(receiver, queue, tmp_path, environment)
    receiver.close()


def as_user(
    auth: AuthProtocol, priv: PrivProtocol | None, *, level: str = "", phrase: str = AUTH_PHRASE
) -> list[str]:
    words = ["-v3", "-u", user_name(auth, priv), "-a", AUTH_NAMES[auth], "-A", phrase]
    if priv:
        words += ["-x", PRIV_NAMES[priv], "-X", PRIV_PHRASE]
    return [*words, "-l", level or ("authPriv" if priv else "authNoPriv")]


def from_engine(boots: int, time_s: int) -> list[str]:
    return ["-e", f"0x{SENDER.hex()}", "-Z", f"{boots},{time_s}"]


ONCE = ["-r", "0", "-t", "20"]
SEALED = (AuthProtocol.SHA256, PrivProtocol.AES128)


async def test_a_v1_trap_arrives_mapped(listener: Listener) -> None:
    content = ["1.3.6.1.4.1.99999", "127.0.0.9", "6", "17", "55", *CONTENT[2:]]
    await listener.send("snmptrap", "-v1", "-c", COMMUNITY, content=content)
    found = await listener.next()
    assert (found.version, found.authenticated, found.uptime) == (Version.V1, False, 55)
    assert found.trap_oid == (1, 3, 6, 1, 4, 1, 99_999, 0, 17)
    assert found.varbinds[0] == IF_INDEX


async def test_a_v2c_trap_arrives(listener: Listener) -> None:
    await listener.send("snmptrap", "-v2c", "-c", COMMUNITY)
    found = await listener.next()
    assert (found.version, found.trap_oid, found.varbinds) == (Version.V2C, LINK_DOWN, (IF_INDEX,))
    assert not found.authenticated


@pytest.mark.parametrize("local", ["::1"])
async def test_a_v3_trap_over_ipv6_is_authenticated(listener: Listener) -> None:
    # As an inventory may write the address.
    listener.receiver.bind_engine(SENDER, "0:0:0:0:0:0:0:1")
    await listener.send("snmptrap", *as_user(*SEALED), *from_engine(3, 100))
    found = await listener.next()
    assert (found.authenticated, found.source, found.engine_id) == (True, "::1", SENDER)
    assert await listener.send("snmpinform", *as_user(*SEALED), *ONCE) == 0


@pytest.mark.parametrize("local", ["::"])
@pytest.mark.parametrize("to", ["127.0.0.1", "::1"])
async def test_a_listener_at_every_address_takes_both_families(listener: Listener, to: str) -> None:
    listener.receiver.bind_engine(SENDER, "::1")
    await listener.send("snmptrap", *as_user(*SEALED), *from_engine(3, 100), to=to)
    assert (await listener.next()).source == to
    assert await listener.send("snmpinform", "-v2c", "-c", COMMUNITY, *ONCE, to=to) == 0


async def test_a_v2c_inform_is_acknowledged(listener: Listener) -> None:
    assert await listener.send("snmpinform", "-v2c", "-c", COMMUNITY, *ONCE) == 0
    assert (await listener.next()).is_inform


async def test_another_community_is_not_acknowledged(listener: Listener) -> None:
    assert await listener.send("snmpinform", "-v2c", "-c", "another", "-r", "0", "-t", "0.3") != 0
    await listener.rejected(TrapRejection.WRONG_COMMUNITY)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: user_name(*pair))
async def test_a_v3_trap_of_every_pair_of_protocols_is_authenticated(
    listener: Listener, pair: tuple[AuthProtocol, PrivProtocol | None]
) -> None:
    await listener.send("snmptrap", *as_user(*pair), *from_engine(3, 100))
    found = await listener.next()
    assert found.authenticated
    assert (found.engine_id, found.boots, found.time_s) == (SENDER, 3, 100)
    assert (found.trap_oid, found.varbinds, found.user) == (LINK_DOWN, (IF_INDEX,), user_name(*pair))


@pytest.mark.parametrize(
    "pair", [SEALED, (AuthProtocol.MD5, None), (AuthProtocol.SHA512, PrivProtocol.AES256_REEDER)]
)
async def test_a_v3_inform_finds_our_engine_and_is_acknowledged(
    listener: Listener, pair: tuple[AuthProtocol, PrivProtocol | None]
) -> None:
    assert await listener.send("snmpinform", *as_user(*pair), *ONCE) == 0
    found = await listener.next()
    assert (found.is_inform, found.authenticated, found.trap_oid) == (True, True, LINK_DOWN)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([*as_user(*SEALED, phrase="another-phrase"), *from_engine(3, 100)], TrapRejection.WRONG_DIGEST),
        ([*as_user(*SEALED, level="authNoPriv"), *from_engine(3, 100)], TrapRejection.BELOW_LEVEL),
        ([*as_user(*SEALED, level="noAuthNoPriv"), *from_engine(3, 100)], TrapRejection.BELOW_LEVEL),
        ([*as_user(*SEALED), *from_engine(2, 100)], TrapRejection.STALE),
        ([*as_user(*SEALED), "-e", "0x80001f8804ffffffff", "-Z", "3,100"], TrapRejection.UNKNOWN_ENGINE),
        (
            [
                "-v3",
                "-u",
                "stranger",
                "-a",
                "SHA",
                "-A",
                AUTH_PHRASE,
                "-l",
                "authNoPriv",
                *from_engine(3, 100),
            ],
            TrapRejection.UNKNOWN_USER,
        ),
    ],
)
async def test_a_forged_or_stale_v3_trap_is_rejected(
    listener: Listener, arguments: list[str], reason: TrapRejection
) -> None:
    listener.receiver.bind_engine(SENDER, "127.0.0.1", AgentClock(SENDER, 3, 100))
    await listener.send("snmptrap", *arguments)
    await listener.rejected(reason)


async def test_an_inform_that_finds_a_full_queue_is_left_to_be_repeated(listener: Listener) -> None:
    while listener.queue.offer(await _filler(listener)):
        pass
    assert await listener.send("snmpinform", "-v2c", "-c", COMMUNITY, "-r", "0", "-t", "0.3") != 0
    assert listener.receiver.counters[TrapRejection.QUEUE_FULL] == 1
    await listener.queue.take_batch(1000)
    assert await listener.send("snmpinform", "-v2c", "-c", COMMUNITY, *ONCE) == 0


async def _filler(listener: Listener) -> Notification:
    if not len(listener.queue):
        await listener.send("snmptrap", "-v2c", "-c", COMMUNITY)
    (found,) = await listener.queue.take_batch(1)
    listener.queue.offer(found)
    return found


async def test_an_agent_s_own_trap_is_believed_once_a_poll_has_bound_its_engine(
    listener: Listener, tmp_path: Path
) -> None:
    """Poll a real agent, bind the engine ID and clock that it proved, then send as that engine."""
    engine = UdpSnmpEngine()
    (tmp_path / "agent").mkdir()
    try:
        with running_snmpd(tmp_path / "agent", engine_id="80001f880461676e74") as agent:
            asked = Target(agent.address, user(*SEALED), agent.port)
            answer = await engine.poll(asked, PollPlan(((1, 3, 6, 1, 2, 1, 1, 3, 0),)))
    finally:
        await engine.close()
    assert answer.agent is not None
    proved = answer.agent
    listener.receiver.bind_engine(proved.engine_id, "127.0.0.1", proved)
    words = [*as_user(*SEALED), "-e", f"0x{proved.engine_id.hex()}", "-Z"]
    await listener.send("snmptrap", *words, f"{proved.boots},{proved.time_s + 1}")
    assert (await listener.next()).engine_id == proved.engine_id
    rebooted = AgentClock(proved.engine_id, proved.boots + 1, 0)
    listener.receiver.bind_engine(proved.engine_id, "127.0.0.1", rebooted)
    await listener.send("snmptrap", *words, f"{proved.boots},{proved.time_s + 2}")
    await listener.rejected(TrapRejection.STALE)


async def test_times_come_from_the_given_clock(tmp_path: Path) -> None:
    clock = ManualClock(1_795_000_000_000)
    queue: BoundedQueue[Notification] = BoundedQueue(10)
    receiver = TrapReceiver(
        local=("127.0.0.1", 0),
        settings=TrapSettings(communities=(Secret(COMMUNITY),)),
        engine=LocalEngine(local_engine_id(b"test"), 1, 0.0),
        deliver=queue.offer,
        clock=clock,
    )
    environment = {"MIBS": "", "SNMPCONFPATH": str(tmp_path), "SNMP_PERSISTENT_DIR": str(tmp_path)}
    listener = Listener(receiver, queue, tmp_path, environment)
    await listener.send("snmptrap", "-v2c", "-c", COMMUNITY)
    assert (await listener.next()).received_at == 1_795_000_000_000
    receiver.close()
