"""The engine against agents that are broken, confused or forged."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.limits import EngineLimits
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
)
from channelwatch_collector.snmp.port import (
    V3,
    PollFailure,
    PollPlan,
    SnmpError,
    SnmpType,
    Target,
    V2c,
    Value,
)
from channelwatch_collector.snmp.session import Drop

from channelwatch.base.secrets import Secret
from tests.support.snmp_agent import COMMUNITY, ScriptedAgent, serving
from tests.support.snmp_questions import COLUMN, NAME, OTHER, TREE, UP, USER, failure_of, target, v2c_answer


@pytest.fixture
async def engine() -> AsyncIterator[UdpSnmpEngine]:
    made = UdpSnmpEngine(EngineLimits(report_grace_s=0.03))
    yield made
    await made.close()


# ---------------------------------------------------------------- values


async def test_every_value_keeps_its_type(engine: UdpSnmpEngine) -> None:
    odd = [
        Value(SnmpType.COUNTER64, 2**64 - 1),
        Value(SnmpType.INTEGER, -5),
        Value(SnmpType.INTEGER, -(2**31)),
        Value(SnmpType.IP_ADDRESS, "192.0.2.1"),
        Value(SnmpType.OCTET_STRING, b""),
        Value(SnmpType.OCTET_STRING, bytes(range(256))),
        Value(SnmpType.OPAQUE_FLOAT, 10.0),
        Value(SnmpType.NO_SUCH_OBJECT, None),
        Value(SnmpType.NO_SUCH_INSTANCE, None),
        Value(SnmpType.NULL, None),
        Value(SnmpType.END_OF_MIB_VIEW, None),
    ]
    tree = {(*NAME, at): value for at, value in enumerate(odd)}
    async with serving(ScriptedAgent(tree)) as agent:
        assert await engine.get(target(agent), list(tree)) == tree


async def test_strange_values_leave_their_neighbours_alone(engine: UdpSnmpEngine) -> None:
    strange = [
        Value(SnmpType.UNKNOWN, bytes.fromhex(octets)) for octets in ("45020a0b", "30030201ff", "0200")
    ]
    bare = Value(SnmpType.UNKNOWN, bytes.fromhex("4608ffffffffffffffff"))
    tree = {NAME: UP, OTHER: bare, **{(*COLUMN, at): value for at, value in enumerate(strange)}}
    async with serving(ScriptedAgent(tree)) as agent:
        values = await engine.get(target(agent), list(tree))
    assert values == {**tree, OTHER: Value(SnmpType.COUNTER64, 2**64 - 1)}


@pytest.mark.parametrize("octets", [5_000, 60_000, 65_400])
async def test_large_answers_arrive_whole(engine: UdpSnmpEngine, octets: int) -> None:
    tree = {NAME: Value(SnmpType.OCTET_STRING, bytes(octets))}
    async with serving(ScriptedAgent(tree)) as agent:
        assert await engine.get(target(agent, timeout_s=2), [NAME]) == tree


# ---------------------------------------------------------------- what else may arrive


@pytest.mark.parametrize(
    ("noise", "counted"),
    [
        (lambda good: good[: len(good) // 2], Drop.MALFORMED),
        (lambda good: b"\x30\x82", Drop.MALFORMED),
        (lambda good: b"", Drop.MALFORMED),
        (lambda good: b"not SNMP at all", Drop.MALFORMED),
        (v2c_answer(lambda pdu: pdu._replace(request_id=pdu.request_id ^ 1)), Drop.STRAY),
        (v2c_answer(community=b"another"), Drop.WRONG_COMMUNITY),
        (v2c_answer(lambda pdu: pdu._replace(type=PduType.GET)), Drop.NOT_A_RESPONSE),
        (v2c_answer(lambda pdu: pdu._replace(varbinds=[(OTHER, UP)])), Drop.WRONG_OIDS),
        (v2c_answer(lambda pdu: pdu._replace(varbinds=[])), Drop.WRONG_OIDS),
        (v2c_answer(lambda pdu: pdu._replace(varbinds=pdu.varbinds * 2)), Drop.WRONG_OIDS),
    ],
)
async def test_a_bad_datagram_before_the_good_one_is_dropped_and_counted(
    engine: UdpSnmpEngine, noise: Callable[[bytes], bytes], counted: Drop
) -> None:
    async with serving(ScriptedAgent(TREE, wrap=lambda good: [noise(good), good])) as agent:
        assert await engine.get(target(agent), [NAME]) == {NAME: UP}
    assert engine.counters[counted] == 1


@pytest.mark.parametrize(
    ("noise", "failure"),
    [
        (lambda good: good[:-3], PollFailure.MALFORMED),
        (v2c_answer(community=b"another"), PollFailure.WRONG_COMMUNITY),
        (v2c_answer(lambda pdu: pdu._replace(type=PduType.GET)), PollFailure.MALFORMED),
        (v2c_answer(lambda pdu: pdu._replace(varbinds=[(OTHER, UP)])), PollFailure.WRONG_OIDS),
        (v2c_answer(lambda pdu: pdu._replace(request_id=1)), PollFailure.NO_ANSWER),
    ],
)
async def test_bad_datagrams_alone_name_the_failure(
    engine: UdpSnmpEngine, noise: Callable[[bytes], bytes], failure: PollFailure
) -> None:
    async with serving(ScriptedAgent(TREE, wrap=lambda good: [noise(good)])) as agent:
        assert await failure_of(engine.get(target(agent), [NAME])) is failure


async def test_an_answer_from_another_port_is_dropped(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent()) as elsewhere, serving(ScriptedAgent(TREE)) as agent:
        forged = v2c_answer(
            lambda pdu: pdu._replace(varbinds=[(NAME, Value(SnmpType.OCTET_STRING, b"forged"))])
        )

        def answer_twice(good: bytes) -> list[bytes]:
            elsewhere.send(forged(good), agent.asker)
            return [good]

        agent.wrap = answer_twice
        assert await engine.get(target(agent), [NAME]) == {NAME: UP}
        await asyncio.sleep(0.02)
    assert engine.counters[Drop.WRONG_SENDER] + engine.counters[Drop.STRAY] == 1


async def test_an_answer_from_another_address_is_taken_only_where_told(engine: UdpSnmpEngine) -> None:
    """An agent with several addresses: the same port, the right id and community, another address."""
    async with serving(ScriptedAgent(TREE)) as agent:
        port = agent.address[1]
        async with serving(ScriptedAgent(), "127.0.0.2", port) as elsewhere:

            def answer_from_elsewhere(good: bytes) -> list[bytes]:
                elsewhere.send(good, agent.asker)
                return []

            agent.wrap = answer_from_elsewhere
            strict = target(agent)
            assert await failure_of(engine.get(strict, [NAME])) is PollFailure.NO_ANSWER
            assert engine.counters[Drop.WRONG_SENDER] == 1
            lenient = replace(strict, answers_from_elsewhere=True)
            assert await engine.get(lenient, [NAME]) == {NAME: UP}

            agent.wrap = lambda good: answer_from_elsewhere(v2c_answer(community=b"another")(good))
            assert await failure_of(engine.get(lenient, [NAME])) is PollFailure.WRONG_COMMUNITY


async def test_an_answer_from_another_port_is_dropped_even_where_other_addresses_are_taken(
    engine: UdpSnmpEngine,
) -> None:
    async with serving(ScriptedAgent(), "127.0.0.2") as elsewhere, serving(ScriptedAgent(TREE)) as agent:

        def answer_from_elsewhere(good: bytes) -> list[bytes]:
            elsewhere.send(good, agent.asker)
            return []

        agent.wrap = answer_from_elsewhere
        lenient = replace(target(agent), answers_from_elsewhere=True)
        assert await failure_of(engine.get(lenient, [NAME])) is PollFailure.NO_ANSWER
    assert engine.counters[Drop.WRONG_SENDER] == 1


@pytest.mark.parametrize("user", [None, USER], ids=["v2c", "v3"])
async def test_the_same_question_again_brings_the_new_values(engine: UdpSnmpEngine, user: V3 | None) -> None:
    """Answers that keep their layout are read by it, and one that does not is read in full."""
    tree = {(*NAME, at): Value(SnmpType.COUNTER64, 2**40 + at) for at in range(8)}
    async with serving(ScriptedAgent(tree, user=user)) as agent:
        for step in (0, 1, 2, 2**44, 3, -(2**40)):
            agent.values = {name: Value(value.type, value.value + step) for name, value in tree.items()}  # type: ignore[operator]
            assert await engine.get(target(agent), list(tree)) == agent.values
            agent.values = {**agent.values, next(iter(tree)): Value(SnmpType.NO_SUCH_INSTANCE, None)}
            assert await engine.get(target(agent), list(tree)) == agent.values


async def test_a_duplicate_answer_is_dropped(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, wrap=lambda good: [good, good])) as agent:
        for _ in range(3):
            assert await engine.get(target(agent), [NAME]) == {NAME: UP}
        await asyncio.sleep(0.02)
    assert engine.counters[Drop.STRAY] == 3


async def test_a_late_answer_to_the_first_attempt_still_counts(engine: UdpSnmpEngine) -> None:
    held: list[bytes] = []

    def second_attempt_releases_the_first(good: bytes) -> list[bytes]:
        held.append(good)
        return held[:1] if len(held) == 2 else []

    async with serving(ScriptedAgent(TREE, wrap=second_attempt_releases_the_first)) as agent:
        answer = await engine.poll(target(agent, timeout_s=0.1, retries=1), PollPlan((NAME,)))
    assert answer.scalars == {NAME: UP}
    assert answer.rtt_ms >= 90


async def test_a_late_answer_does_not_answer_the_next_question(engine: UdpSnmpEngine) -> None:
    held: list[bytes] = []

    def one_behind(good: bytes) -> list[bytes]:
        held.append(good)
        return held[-2:-1]

    async with serving(ScriptedAgent(TREE, wrap=one_behind)) as agent:
        for _ in range(3):
            assert (
                await failure_of(engine.get(target(agent, timeout_s=0.05), [NAME])) is PollFailure.NO_ANSWER
            )
    assert engine.counters[Drop.STRAY] == 2


async def test_a_lost_question_is_repeated_as_often_as_told(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, silent=2)) as agent:
        assert await engine.get(target(agent, timeout_s=0.05, retries=2), [NAME]) == {NAME: UP}
        agent.silent = 3
        assert (
            await failure_of(engine.get(target(agent, timeout_s=0.05, retries=2), [NAME]))
            is PollFailure.NO_ANSWER
        )
    assert agent.datagrams == 6


async def test_a_closed_port_is_told_from_silence(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE)) as agent, serving(ScriptedAgent(TREE, silent=99)) as mute:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as reserved:
            reserved.bind(("127.0.0.2", 0))
            closed = Target("127.0.0.2", V2c(Secret(COMMUNITY)), reserved.getsockname()[1], timeout_s=60)
        started = time.monotonic()
        found = await asyncio.gather(
            failure_of(engine.get(closed, [NAME])),
            failure_of(engine.get(target(mute), [NAME])),
            engine.get(target(agent), [NAME]),
        )
    assert found == [PollFailure.PORT_CLOSED, PollFailure.NO_ANSWER, {NAME: UP}]
    assert time.monotonic() - started < 30, "a closed port is not waited for"


# ---------------------------------------------------------------- error-status and walks


def refuses(status: int, above: int) -> Callable[[Pdu, Pdu], Pdu]:
    """An agent that answers `status` to anything with more than `above` varbinds to answer."""

    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        if len(answer.varbinds) <= above:
            return answer
        return answer._replace(error_status=status, varbinds=request.varbinds)

    return rewrite


async def test_too_big_is_met_with_smaller_questions(engine: UdpSnmpEngine) -> None:
    names = [(*NAME, at) for at in range(10)]
    tree = {**dict.fromkeys(names, UP), **TREE}
    async with serving(ScriptedAgent(tree, rewrite=refuses(1, 3))) as agent:
        answer = await engine.poll(target(agent), PollPlan(tuple(names), (COLUMN,)))
    assert answer.scalars == dict.fromkeys(names, UP)
    assert len(answer.columns[COLUMN]) == 8
    assert answer.failed == {}


async def test_too_big_for_even_one_object_is_a_failure(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, rewrite=refuses(1, 0))) as agent:
        assert await failure_of(engine.get(target(agent), [NAME, OTHER])) is PollFailure.TOO_BIG
        assert await failure_of(engine.walk(target(agent), COLUMN)) is PollFailure.TOO_BIG


@pytest.mark.parametrize("index", [0, 2])
async def test_one_object_that_breaks_the_agent_spoils_only_itself(engine: UdpSnmpEngine, index: int) -> None:
    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        if OTHER not in dict(answer.varbinds):
            return answer
        return answer._replace(
            error_status=5, error_index=index and 1 + [n for n, _ in request.varbinds].index(OTHER)
        )

    async with serving(ScriptedAgent(TREE, rewrite=rewrite)) as agent:
        answer = await engine.poll(target(agent), PollPlan((NAME, OTHER), ()))
        assert await failure_of(engine.get(target(agent), [NAME, OTHER])) is PollFailure.GEN_ERR
    assert answer.scalars == {NAME: UP}
    assert answer.failed == {OTHER: PollFailure.GEN_ERR}


async def test_a_walk_that_meets_an_error_is_never_silently_short(engine: UdpSnmpEngine) -> None:
    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        further = request.type is PduType.GET_BULK and request.varbinds[0][0] != COLUMN
        return answer._replace(error_status=5) if further else answer

    async with serving(ScriptedAgent(TREE, rewrite=rewrite)) as agent:
        asked = Target(
            agent.address[0], V2c(Secret(COMMUNITY)), agent.address[1], timeout_s=0.2, max_repetitions=3
        )
        assert await failure_of(engine.walk(asked, COLUMN)) is PollFailure.GEN_ERR
        answer = await engine.poll(asked, PollPlan((NAME,), (COLUMN,)))
    assert (answer.columns, answer.failed) == ({}, {COLUMN: PollFailure.GEN_ERR})


async def test_a_walk_in_circles_stops_with_an_error(engine: UdpSnmpEngine) -> None:
    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        return answer._replace(varbinds=[((*COLUMN, 3), UP), ((*COLUMN, 3), UP)])

    async with serving(ScriptedAgent(TREE, rewrite=rewrite)) as agent:
        assert await failure_of(engine.walk(target(agent), COLUMN)) is PollFailure.WALK_NOT_INCREASING
    assert agent.datagrams == 1


async def test_an_endless_walk_stops_at_either_limit(engine: UdpSnmpEngine) -> None:
    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        last = request.varbinds[0][0]
        at = last[len(COLUMN)] if len(last) > len(COLUMN) else 0
        return answer._replace(varbinds=[((*COLUMN, at + step), UP) for step in range(1, 6)])

    async with serving(ScriptedAgent(TREE, rewrite=rewrite)) as agent:
        assert await failure_of(engine.walk(target(agent), COLUMN, max_rows=23)) is PollFailure.WALK_TOO_LONG
        assert agent.datagrams == 5
        assert await failure_of(engine.walk(target(agent), COLUMN, max_pages=3)) is PollFailure.WALK_TOO_LONG
        assert agent.datagrams == 8


async def test_a_path_that_loses_large_answers_is_read_in_small_pages(engine: UdpSnmpEngine) -> None:
    tree = {**TREE, **{(*COLUMN, row): Value(SnmpType.OCTET_STRING, bytes(80)) for row in range(60)}}
    async with serving(ScriptedAgent(tree, wrap=lambda good: [good] if len(good) < 600 else [])) as agent:
        answer = await engine.poll(target(agent, timeout_s=0.1), PollPlan((NAME,), (COLUMN,)))
    assert len(answer.columns[COLUMN]) == 60


async def test_an_agent_that_falls_silent_midway_spoils_only_the_rest(engine: UdpSnmpEngine) -> None:
    def rewrite(request: Pdu, answer: Pdu) -> Pdu:
        agent.silent = 99
        return answer

    async with serving(ScriptedAgent(TREE)) as agent:
        agent.rewrite = rewrite
        answer = await engine.poll(target(agent, timeout_s=0.05), PollPlan((NAME,), (COLUMN,)))
    assert answer.scalars == {NAME: UP}
    assert answer.failed == {COLUMN: PollFailure.NO_ANSWER}


# ---------------------------------------------------------------- limits and lag


async def test_polls_beyond_the_limit_in_flight_wait_their_turn() -> None:
    engine = UdpSnmpEngine(EngineLimits(max_in_flight=3, max_waiting=50))
    in_flight = most = 0

    async def one(asked: Target) -> None:
        nonlocal in_flight, most
        await engine.get(asked, [NAME])

    def watch(good: bytes) -> list[bytes]:
        nonlocal most
        most = max(most, len(engine._exchange._pending))
        return [good]

    async with serving(ScriptedAgent(TREE, wrap=watch)) as agent:
        await asyncio.gather(*(one(target(agent, timeout_s=5)) for _ in range(40)))
    await engine.close()
    assert 1 <= most <= 3


async def test_polls_beyond_the_waiting_limit_are_refused() -> None:
    engine = UdpSnmpEngine(EngineLimits(max_in_flight=1, max_waiting=2))
    async with serving(ScriptedAgent(TREE, silent=99)) as agent:
        found = await asyncio.gather(
            *(failure_of(engine.get(target(agent, timeout_s=0.05), [NAME])) for _ in range(5))
        )
    await engine.close()
    assert sorted(found) == [PollFailure.BUSY] * 2 + [PollFailure.NO_ANSWER] * 3


async def test_a_loop_that_was_blocked_does_not_take_its_own_lag_for_silence(engine: UdpSnmpEngine) -> None:
    """The agent answers from another thread while this loop is held up for longer than the time-out."""
    agent = ScriptedAgent(TREE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as served:
        served.bind(("127.0.0.1", 0))
        agent.address = served.getsockname()

        def serve() -> None:
            data, asker = served.recvfrom(65_535)
            for answer in agent.receive(data):
                served.sendto(answer, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        asking = asyncio.create_task(engine.get(target(agent, timeout_s=0.1), [NAME]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        thread.join()
        time.sleep(0.3)  # noqa: ASYNC251
        assert await asking == {NAME: UP}


async def test_closing_ends_what_is_in_flight() -> None:
    engine = UdpSnmpEngine()
    async with serving(ScriptedAgent(TREE, silent=99)) as agent:
        asking = asyncio.create_task(failure_of(engine.get(target(agent, timeout_s=60), [NAME])))
        await asyncio.sleep(0.02)
        await engine.close()
        assert await asyncio.wait_for(asking, 30) is PollFailure.ENGINE_CLOSED
        assert await failure_of(engine.get(target(agent), [NAME])) is PollFailure.ENGINE_CLOSED


async def test_a_cancelled_poll_leaves_nothing_behind(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE, silent=1)) as agent:
        asking = asyncio.create_task(engine.get(target(agent, timeout_s=30), [NAME]))
        await asyncio.sleep(0.02)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        assert engine._exchange._pending == {}
        assert await engine.get(target(agent), [NAME]) == {NAME: UP}


async def test_an_ipv6_agent_is_read(engine: UdpSnmpEngine) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        async with serving(ScriptedAgent(TREE), "::1") as agent:
            spelled = Target("0:0:0:0:0:0:0:1", V2c(Secret(COMMUNITY)), agent.address[1], timeout_s=0.5)
            assert await engine.get(spelled, [NAME]) == {NAME: UP}
    except OSError:
        pytest.skip("no IPv6 loopback here")


@pytest.mark.parametrize("user", [None, USER], ids=["v2c", "v3"])
async def test_mutilated_answers_never_raise_inside_the_engine(
    engine: UdpSnmpEngine, user: V3 | None
) -> None:
    """Each answer is preceded by twenty mutilated copies; the genuine one must still be found."""
    chance = random.Random(20_261_122)

    def mutilated(good: bytes) -> bytes:
        spoilt = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        return bytes(spoilt[: chance.randint(1, len(spoilt))] if chance.random() < 0.3 else spoilt)

    loop_errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: loop_errors.append(context))
    async with serving(ScriptedAgent(TREE, user=user)) as agent:
        agent.wrap = lambda good: [*(mutilated(good) for _ in range(20)), good]
        for _ in range(100):
            with contextlib.suppress(SnmpError):  # v2c has no way to tell some mutilations from an answer
                await engine.get(target(agent), [NAME, OTHER])
    assert loop_errors == []
    assert engine.counters["answered"] >= 90


async def test_ids_are_not_in_sequence(engine: UdpSnmpEngine) -> None:
    async with serving(ScriptedAgent(TREE)) as agent:
        for _ in range(5):
            await engine.get(target(agent), [NAME])
    ids = [pdu.request_id for pdu in agent.requests]
    assert len(set(ids)) == 5
    assert all(abs(later - earlier) > 1 for earlier, later in itertools.pairwise(ids))
    assert all(ber.encode_int(request_id)[1] == 4 for request_id in ids)
