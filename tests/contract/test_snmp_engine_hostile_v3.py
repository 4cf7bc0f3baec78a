"""The SNMPv3 engine against agents that are forged, restarted, replaced or misled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
    Version,
    encode_community_message,
    encode_pdu,
)
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Oid,
    PollFailure,
    PollPlan,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Target,
    Value,
)
from channelwatch_collector.snmp.session import Drop
from channelwatch_collector.snmp.usm import keys_for

from channelwatch.base.secrets import Secret
from tests.support.snmp_agent import ENGINE_ID, NO_KEYS, ScriptedAgent, serving
from tests.support.snmp_questions import NAME, TREE, UP, USER, failure_of, target


@pytest.fixture
async def engine() -> AsyncIterator[UdpSnmpEngine]:
    made = UdpSnmpEngine(EngineLimits(report_grace_s=0.03))
    yield made
    await made.close()


def resealed(agent: ScriptedAgent, make: Callable[[v3.Header, bytes], bytes]) -> Callable[[bytes], bytes]:
    """Turns a good v3 answer into a forged one made from its header and its opened scopedPDU."""

    def alter(good: bytes) -> bytes:
        header = v3.read_header(good)
        assert agent.user is not None
        opened = v3.read_scoped_pdu(good, header, keys_for(agent.user, agent.engine_id))
        if opened.pdu.type is PduType.REPORT:
            return good
        forged = opened.pdu._replace(varbinds=[(NAME, Value(SnmpType.OCTET_STRING, b"forged"))])
        return make(header, v3.encode_scoped_pdu(agent.engine_id, b"", encode_pdu(forged)))

    return alter


def mac_replaced(mac: bytes) -> Callable[[bytes], bytes]:
    def alter(good: bytes) -> bytes:
        header = v3.read_header(good)
        if not header.mac:
            return good
        return good[: header.mac_at] + mac + good[header.mac_at + len(header.mac) :]

    return alter


FORGERIES: dict[str, Callable[[ScriptedAgent], Callable[[bytes], bytes]]] = {
    "wrong digest": lambda agent: mac_replaced(b"x" * 24),
    "digest of zeros": lambda agent: mac_replaced(bytes(24)),
    "plaintext": lambda agent: resealed(
        agent, lambda head, scoped: agent.seal(head, scoped, NO_KEYS, SecurityLevel.NO_AUTH_NO_PRIV)
    ),
    "empty digest": lambda agent: resealed(
        agent,
        lambda head, scoped: _flags_raised(agent.seal(head, scoped, NO_KEYS, SecurityLevel.NO_AUTH_NO_PRIV)),
    ),
    "signed but not encrypted": lambda agent: resealed(
        agent,
        lambda head, scoped: agent.seal(head, scoped, keys_for(USER, ENGINE_ID), SecurityLevel.AUTH_NO_PRIV),
    ),
    "keys of another engine": lambda agent: resealed(
        agent, lambda head, scoped: agent.seal(head, scoped, keys_for(USER, b"another-engine"), USER.level)
    ),
}


def _flags_raised(plain: bytes) -> bytes:
    """The same message claiming to be authenticated."""
    return plain.replace(b"\x04\x01\x00\x02\x01\x03", b"\x04\x01\x01\x02\x01\x03", 1)


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_answer_is_dropped_and_the_genuine_one_used(
    engine: UdpSnmpEngine, forgery: str
) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        forge = FORGERIES[forgery](agent)
        agent.wrap = lambda good: [forge(good), good]
        assert await engine.get(target(agent), [NAME]) == {NAME: UP}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_forged_answers_alone_are_no_answer(engine: UdpSnmpEngine, forgery: str) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await engine.get(target(agent), [NAME])
        forge = FORGERIES[forgery](agent)
        agent.wrap = lambda good: [forge(good)]
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.UNAUTHENTIC


async def test_a_recorded_answer_is_dropped(engine: UdpSnmpEngine) -> None:
    recorded: list[bytes] = []

    def record(good: bytes) -> list[bytes]:
        recorded.append(good)
        return [good]

    async with serving(ScriptedAgent(TREE, user=USER, wrap=record)) as agent:
        await engine.get(target(agent), [NAME])
        agent.wrap = lambda good: [recorded[-1]]
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.NO_ANSWER
    assert engine.counters[Drop.STRAY] == 1


async def test_first_contact_takes_the_clock_from_a_signed_report(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        answer = await engine.poll(target(agent), PollPlan((NAME,)))
        assert agent.datagrams == 3
        await engine.get(target(agent), [NAME])
        assert agent.datagrams == 4
    assert answer.agent is not None
    assert (answer.agent.engine_id, answer.agent.boots, answer.agent.time_s) == (ENGINE_ID, 5, 1000)


@pytest.mark.parametrize(
    ("boots", "time_s"),
    [(6, 3), (0, 3), (5, 1400), (5, 400)],
    ids=["reboot", "boots lost", "clock +400 s", "clock -600 s"],
)
async def test_a_restarted_agent_is_followed_within_the_same_poll(
    engine: UdpSnmpEngine, boots: int, time_s: int
) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await engine.poll(target(agent), PollPlan((NAME,)))
        agent.boots, agent.time_s = boots, time_s
        answer = await engine.poll(target(agent), PollPlan((NAME,)))
    assert answer.scalars == {NAME: UP}
    assert answer.agent is not None
    assert (answer.agent.boots, answer.agent.time_s) == (boots, time_s)


async def test_another_engine_at_the_same_address_is_found_and_told_once(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        first = await engine.poll(target(agent), PollPlan((NAME,)))
        agent.engine_id, agent.boots, agent.time_s = b"standby-unit", 2, 9
        await engine.get(target(agent), [NAME])
        second = await engine.poll(target(agent), PollPlan((NAME,)))
        third = await engine.poll(target(agent), PollPlan((NAME,)))
    assert first.engine_changed_from is None
    assert second.engine_changed_from == ENGINE_ID
    assert second.agent is not None
    assert second.agent.engine_id == b"standby-unit"
    assert third.engine_changed_from is None


def forged_report(
    agent: ScriptedAgent, complaint: Oid, engine_id: bytes = ENGINE_ID
) -> Callable[[bytes], bytes]:
    def forge(good: bytes) -> bytes:
        liar = ScriptedAgent(engine_id=engine_id, boots=900, time_s=9_000)
        return liar.report(v3.read_header(good), complaint)

    return forge


@pytest.mark.parametrize(
    "complaint", [v3.NOT_IN_TIME_WINDOWS, v3.UNKNOWN_ENGINE_IDS, v3.WRONG_DIGESTS, v3.UNKNOWN_USER_NAMES]
)
async def test_an_unsigned_report_neither_fails_a_poll_nor_moves_the_clock(
    engine: UdpSnmpEngine, complaint: Oid
) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await engine.get(target(agent), [NAME])
        forge = forged_report(agent, complaint, b"forged-engine")
        agent.wrap = lambda good: [forge(good), good]
        answer = await engine.poll(target(agent), PollPlan((NAME,)))
    assert answer.scalars == {NAME: UP}
    assert answer.agent is not None
    assert (answer.agent.engine_id, answer.agent.boots) == (ENGINE_ID, 5)


async def test_a_stream_of_unsigned_reports_does_not_keep_a_poll_waiting(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await engine.get(target(agent), [NAME])
        forge = forged_report(agent, v3.WRONG_DIGESTS)
        streams: list[asyncio.Task[None]] = []

        async def stream(good: bytes) -> None:
            while True:
                agent.send(forge(good), agent.asker)
                await asyncio.sleep(0.01)

        def start(good: bytes) -> list[bytes]:
            streams.append(asyncio.create_task(stream(good)))
            return []

        agent.wrap = start
        async with asyncio.timeout(30):
            assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.WRONG_KEY
        streams[0].cancel()


async def test_a_forged_change_of_engine_is_forgotten_by_the_next_poll(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await engine.get(target(agent), [NAME])
        forge = forged_report(agent, v3.UNKNOWN_ENGINE_IDS, b"forged-engine")
        agent.wrap = lambda good: [forge(good)]
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.UNKNOWN_ENGINE
        agent.wrap = lambda good: [good]
        answer = await engine.poll(target(agent), PollPlan((NAME,)))
    assert answer.engine_changed_from is None
    assert answer.agent is not None
    assert answer.agent.engine_id == ENGINE_ID


@pytest.mark.parametrize(
    ("theirs", "failure"),
    [
        (V3("somebody else", AuthProtocol.SHA256, Secret("authentic-phrase")), PollFailure.UNKNOWN_USER),
        (V3("watcher", AuthProtocol.SHA256, Secret("another phrase")), PollFailure.UNSUPPORTED_SEC_LEVEL),
        (V3("watcher"), PollFailure.UNSUPPORTED_SEC_LEVEL),
        (
            V3(
                "watcher",
                AuthProtocol.SHA256,
                Secret("another phrase"),
                PrivProtocol.AES128,
                Secret("private-phrase"),
            ),
            PollFailure.WRONG_KEY,
        ),
        (
            V3(
                "watcher",
                AuthProtocol.SHA512,
                Secret("authentic-phrase"),
                PrivProtocol.AES128,
                Secret("private-phrase"),
            ),
            PollFailure.WRONG_KEY,
        ),
        (
            V3(
                "watcher",
                AuthProtocol.SHA256,
                Secret("authentic-phrase"),
                PrivProtocol.AES128,
                Secret("another phrase"),
            ),
            PollFailure.WRONG_KEY,
        ),
    ],
)
async def test_each_credential_problem_has_its_own_name(
    engine: UdpSnmpEngine, theirs: V3, failure: PollFailure
) -> None:
    async with serving(ScriptedAgent(TREE, user=theirs)) as agent:
        asked = Target(agent.address[0], USER, agent.address[1], timeout_s=0.5, retries=1)
        assert await failure_of(engine.get(asked, [NAME])) is failure


async def test_an_agent_that_keeps_resetting_its_clock_is_given_up(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:

        def leap(good: bytes) -> list[bytes]:
            agent.boots += 1
            return [good]

        agent.wrap = leap
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.NOT_IN_TIME_WINDOW
    assert agent.datagrams <= 6


async def test_a_user_without_authentication_reads_but_vouches_for_nothing(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=V3("reader"))) as agent:
        answer = await engine.poll(target(agent), PollPlan((NAME,)))
    assert answer.scalars == {NAME: UP}
    assert answer.agent is None


async def test_a_cipher_that_this_engine_lacks_is_named(engine: UdpSnmpEngine) -> None:
    des = V3(
        "watcher", AuthProtocol.SHA1, Secret("authentic-phrase"), PrivProtocol.DES, Secret("private-phrase")
    )
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        asked = Target(agent.address[0], des, agent.address[1], timeout_s=0.5)
        assert await failure_of(engine.get(asked, [NAME])) is PollFailure.UNSUPPORTED_PROTOCOL


async def test_a_v2c_answer_to_a_v3_question_is_dropped(engine: UdpSnmpEngine) -> None:
    def downgrade(good: bytes) -> list[bytes]:
        header = v3.read_header(good)
        forged = encode_pdu(Pdu(PduType.RESPONSE, header.msg_id, 0, 0, [(NAME, UP)]))
        return [encode_community_message(Version.V2C, b"public", forged)]

    async with serving(ScriptedAgent(TREE, user=USER, wrap=downgrade)) as agent:
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.UNAUTHENTIC
