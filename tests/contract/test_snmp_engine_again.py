"""Answers that the engine has come to expect: whatever differs from them is judged as if it were the first.

Each test first polls until the engine reads the agent's answers by their layout.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import ErrorStatus, Pdu, PduType, encode_pdu
from channelwatch_collector.snmp.port import PollFailure, PollPlan, SecurityLevel, SnmpType, Target, Value
from channelwatch_collector.snmp.session import Drop
from channelwatch_collector.snmp.usm import keys_for

from tests.support.snmp_agent import NO_KEYS, ScriptedAgent, serving
from tests.support.snmp_questions import COLUMN, NAME, OTHER, TREE, USER, failure_of, target, v2c_answer

PLAN = PollPlan((NAME, OTHER), (COLUMN,))
ROWS = {(row,): TREE[(*COLUMN, row)] for row in range(1, 9)}
WARM_POLLS = 5


@pytest.fixture
async def engine() -> AsyncIterator[UdpSnmpEngine]:
    made = UdpSnmpEngine(EngineLimits(report_grace_s=0.03))
    yield made
    await made.close()


async def warmed(engine: UdpSnmpEngine, agent: ScriptedAgent) -> Target:
    asked = target(agent, timeout_s=0.25)
    for _ in range(WARM_POLLS):
        answer = await engine.poll(target(agent, timeout_s=10), PLAN)
        assert (answer.scalars[OTHER], answer.columns[COLUMN]) == (TREE[OTHER], ROWS)
    (known,) = engine._known.values()
    assert sum(reader._hits > 0 for reader in known.readers.values()) == 2
    return asked


def changed(change: Callable[[Pdu], Pdu]) -> Callable[[bytes], list[bytes]]:
    return lambda good: [v2c_answer(change)(good)]


@pytest.mark.parametrize(
    ("spoilt", "failure"),
    [
        (changed(lambda pdu: pdu._replace(request_id=pdu.request_id ^ 1)), PollFailure.NO_ANSWER),
        (changed(lambda pdu: pdu._replace(type=PduType.GET)), PollFailure.MALFORMED),
        (changed(lambda pdu: pdu._replace(varbinds=pdu.varbinds[::-1])), PollFailure.WRONG_OIDS),
        (
            changed(lambda pdu: pdu._replace(varbinds=[((*NAME, 1), value) for _, value in pdu.varbinds])),
            PollFailure.WRONG_OIDS,
        ),
        (changed(lambda pdu: pdu._replace(error_status=ErrorStatus.GEN_ERR)), PollFailure.GEN_ERR),
        (lambda good: [v2c_answer(community=b"scripted-communitx")(good)], PollFailure.WRONG_COMMUNITY),
        (lambda good: [good[:-1]], PollFailure.MALFORMED),
        (lambda good: [good[:1] + b"\x82\xff\xff" + good[4:]], PollFailure.MALFORMED),
        (lambda good: [], PollFailure.NO_ANSWER),
    ],
)
async def test_a_spoilt_answer_is_called_what_it_is(
    engine: UdpSnmpEngine, spoilt: Callable[[bytes], list[bytes]], failure: PollFailure
) -> None:
    async with serving(ScriptedAgent(TREE)) as agent:
        asked = await warmed(engine, agent)
        agent.wrap = spoilt
        assert await failure_of(engine.get(asked, [NAME, OTHER])) is failure


async def test_an_answer_from_elsewhere_is_dropped_although_all_else_is_as_before(
    engine: UdpSnmpEngine,
) -> None:
    async with serving(ScriptedAgent(TREE)) as agent, serving(ScriptedAgent()) as stranger:
        asked = await warmed(engine, agent)

        def from_elsewhere(good: bytes) -> list[bytes]:
            stranger.send(good, agent.asker)
            return []

        agent.wrap = from_elsewhere
        assert await failure_of(engine.get(asked, [NAME, OTHER])) is PollFailure.NO_ANSWER
        assert engine.counters[Drop.WRONG_SENDER] >= 1


async def test_values_are_those_of_the_answer_whatever_was_there_before(engine: UdpSnmpEngine) -> None:
    tree = dict(TREE)
    async with serving(ScriptedAgent(tree)) as agent:
        await warmed(engine, agent)
        for turn in (0, 1, 99, 100, 2**31, 2**32 - 1, 5):
            tree[*COLUMN, 3] = Value(SnmpType.GAUGE32, turn)
            tree[OTHER] = Value(SnmpType.INTEGER, turn - 2**31)
            tree[NAME] = Value(SnmpType.OCTET_STRING, b"%d" % turn)
            answer = await engine.poll(target(agent, timeout_s=10), PLAN)
            assert answer.scalars == {NAME: tree[NAME], OTHER: tree[OTHER]}
            assert answer.columns[COLUMN] == {**ROWS, (3,): tree[*COLUMN, 3]}


async def test_a_table_that_grows_shrinks_or_goes_is_read_as_it_is(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE)) as agent:
        await warmed(engine, agent)
        for rows in (9, 40, 3, 8, 0, 1, 8, 8):
            held = {(row,): Value(SnmpType.GAUGE32, 10 * row) for row in range(1, rows + 1)}
            agent.values = {
                NAME: TREE[NAME],
                OTHER: TREE[OTHER],
                **{(*COLUMN, *suffix): value for suffix, value in held.items()},
            }
            answer = await engine.poll(target(agent, timeout_s=10), PLAN)
            assert (answer.columns, answer.failed) == ({COLUMN: held}, {})


async def test_a_table_whose_usual_page_is_lost_is_read_in_smaller_ones(engine: UdpSnmpEngine) -> None:
    tree = {NAME: TREE[NAME], **{(*COLUMN, row): Value(SnmpType.GAUGE32, row) for row in range(1, 21)}}
    async with serving(ScriptedAgent(tree)) as agent:
        for _ in range(WARM_POLLS):
            await engine.poll(target(agent, timeout_s=10), PLAN)
        agent.wrap = lambda good: [good] if len(good) < 300 else []
        answer = await engine.poll(target(agent, timeout_s=0.25), PLAN)
        assert (len(answer.columns[COLUMN]), answer.failed) == (20, {})


def resealed(agent: ScriptedAgent, keys_of: bytes, level: SecurityLevel) -> Callable[[bytes], list[bytes]]:
    """The same answer from somebody with the keys for another engine, or at another level."""

    def alter(good: bytes) -> list[bytes]:
        header = v3.read_header(good)
        pdu = v3.read_scoped_pdu(good, header, keys_for(USER, agent.engine_id)).pdu
        scoped = v3.encode_scoped_pdu(agent.engine_id, b"", encode_pdu(pdu))
        keys = NO_KEYS if level is SecurityLevel.NO_AUTH_NO_PRIV else keys_for(USER, keys_of)
        return [agent.seal(header, scoped, keys, level)]

    return alter


@pytest.mark.parametrize(
    ("keys_of", "level"),
    [
        (b"another-engine", SecurityLevel.AUTH_PRIV),
        (b"", SecurityLevel.NO_AUTH_NO_PRIV),
        (ScriptedAgent.engine_id, SecurityLevel.AUTH_NO_PRIV),
    ],
)
async def test_a_v3_answer_must_be_proved_each_time(
    engine: UdpSnmpEngine, keys_of: bytes, level: SecurityLevel
) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        asked = await warmed(engine, agent)
        agent.wrap = resealed(agent, keys_of, level)
        assert await failure_of(engine.get(asked, [NAME, OTHER])) is PollFailure.UNAUTHENTIC


async def test_a_v3_answer_from_long_ago_is_stale_although_it_is_proved(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        asked = await warmed(engine, agent)

        def aged(good: bytes) -> list[bytes]:
            agent.time_s -= 500
            old = resealed(agent, agent.engine_id, SecurityLevel.AUTH_PRIV)(good)
            agent.time_s += 500
            return old

        agent.wrap = aged
        assert await failure_of(engine.get(asked, [NAME, OTHER])) is PollFailure.NOT_IN_TIME_WINDOW


async def test_a_v3_agent_that_restarts_is_followed_in_the_same_poll(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, user=USER)) as agent:
        await warmed(engine, agent)
        agent.boots, agent.time_s = agent.boots + 1, 1
        answer = await asyncio.wait_for(engine.poll(target(agent, timeout_s=10), PLAN), 60)
        assert answer.agent is not None
        assert (answer.agent.boots, answer.columns) == (agent.boots, {COLUMN: ROWS})
