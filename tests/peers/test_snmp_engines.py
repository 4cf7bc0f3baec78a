"""Both SNMP engines against Debian's snmpd: the same contract, every combination of protocols."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from channelwatch_collector.snmp.engine import UdpSnmpEngine
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Credential,
    Oid,
    PollFailure,
    PollPlan,
    PrivProtocol,
    SnmpEngine,
    SnmpError,
    SnmpPermanent,
    SnmpTransient,
    SnmpType,
    Target,
    V2c,
    Value,
)
from channelwatch_collector.snmp.pysnmp_engine import PysnmpEngine

from channelwatch.base.secrets import Secret
from tests.support import free_port, require_binary
from tests.support.net import has_ipv6_loopback
from tests.support.snmpd import (
    AUTH_PHRASE,
    COMMUNITY,
    PRIV_NAMES,
    PRIV_PHRASE,
    Agent,
    running_snmpd,
    user_name,
)

SYS_UP_TIME: Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
SYS_NAME: Oid = (1, 3, 6, 1, 2, 1, 1, 5, 0)
SYS_SERVICES: Oid = (1, 3, 6, 1, 2, 1, 1, 7, 0)
NO_OBJECT: Oid = (1, 3, 6, 1, 2, 1, 99_999, 1, 0)
NO_INSTANCE: Oid = (1, 3, 6, 1, 2, 1, 1, 5, 7)
IF_DESCR: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1, 2)
IF_HC_IN: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6)
SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
PLAN = PollPlan((SYS_UP_TIME, SYS_NAME, NO_OBJECT), (IF_DESCR, IF_HC_IN, (1, 3, 6, 1, 4, 1, 99_999)))

ENGINES = {"udp": UdpSnmpEngine, "pysnmp": PysnmpEngine}
PAIRS: list[tuple[AuthProtocol | None, PrivProtocol | None]] = [
    (None, None),
    *((auth, None) for auth in AuthProtocol),
    *((auth, priv) for auth in AuthProtocol for priv in PrivProtocol if priv in PRIV_NAMES and priv != "des"),
]
V2C = V2c(Secret(COMMUNITY))


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with running_snmpd(tmp_path_factory.mktemp("snmpd")) as running:
        yield running


@pytest.fixture(params=list(ENGINES))
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[SnmpEngine]:
    made: SnmpEngine = ENGINES[request.param]()
    yield made
    await made.close()


@pytest.fixture
async def own_engine() -> AsyncIterator[UdpSnmpEngine]:
    made = UdpSnmpEngine()
    yield made
    await made.close()


def credential(auth: AuthProtocol | None, priv: PrivProtocol | None) -> V3:
    return V3(
        user_name(auth, priv),
        auth,
        Secret(AUTH_PHRASE) if auth else None,
        priv,
        Secret(PRIV_PHRASE) if priv else None,
    )


SIGNED = credential(AuthProtocol.SHA256, None)
SEALED = credential(AuthProtocol.SHA256, PrivProtocol.AES128)


def target(agent: Agent, who: Credential = V2C, *, timeout_s: float = 5.0, retries: int = 1) -> Target:
    return Target(agent.address, who, agent.port, timeout_s=timeout_s, retries=retries)


async def failure_of(engine: SnmpEngine, asked: Target) -> PollFailure:
    with pytest.raises(SnmpError) as caught:
        await engine.poll(asked, PLAN)
    branch = SnmpPermanent if caught.value.failure.is_permanent else SnmpTransient
    assert isinstance(caught.value, branch)
    assert str(asked) in str(caught.value)
    return caught.value.failure


# ---------------------------------------------------------------- the contract


@pytest.mark.parametrize("who", [V2C, SEALED], ids=["v2c", "v3"])
async def test_a_poll_reads_scalars_and_whole_columns(
    engine: SnmpEngine, agent: Agent, who: Credential
) -> None:
    answer = await engine.poll(target(agent, who), PLAN)
    assert answer.scalars[SYS_NAME] == Value(SnmpType.OCTET_STRING, b"oracle")
    assert answer.scalars[SYS_UP_TIME].type is SnmpType.TIME_TICKS
    assert answer.scalars[NO_OBJECT] == Value(SnmpType.NO_SUCH_OBJECT, None)
    assert Value(SnmpType.OCTET_STRING, b"lo") in answer.columns[IF_DESCR].values()
    assert list(answer.columns[IF_DESCR]) == list(answer.columns[IF_HC_IN])
    assert {value.type for value in answer.columns[IF_HC_IN].values()} == {SnmpType.COUNTER64}
    assert answer.columns[(1, 3, 6, 1, 4, 1, 99_999)] == {}
    assert answer.failed == {}
    assert answer.engine_changed_from is None
    assert 0 < answer.rtt_ms < 2000


async def test_get_tells_the_kinds_of_absence_apart(engine: SnmpEngine, agent: Agent) -> None:
    values = await engine.get(target(agent), [NO_OBJECT, NO_INSTANCE, SYS_SERVICES])
    assert values == {
        NO_OBJECT: Value(SnmpType.NO_SUCH_OBJECT, None),
        NO_INSTANCE: Value(SnmpType.NO_SUCH_INSTANCE, None),
        SYS_SERVICES: Value(SnmpType.INTEGER, 72),
    }


async def test_more_names_than_fit_one_question_are_all_read(engine: SnmpEngine, agent: Agent) -> None:
    names = [(1, 3, 6, 1, 2, 1, 1, 9, 1, 3, row) for row in range(1, 101)]
    values = await engine.get(target(agent), names)
    assert list(values) == names
    assert values[names[0]].type is SnmpType.OCTET_STRING


async def test_a_walk_is_the_same_as_snmpwalk_prints(engine: SnmpEngine, agent: Agent) -> None:
    walked = await engine.walk(target(agent), SYSTEM)
    assert [name for name, _ in walked] == snmpwalk(agent, ".1.3.6.1.2.1.1")
    assert [name for name, _ in walked] == sorted(name for name, _ in walked)


async def test_a_walk_beyond_its_limit_is_an_error_and_not_a_part(engine: SnmpEngine, agent: Agent) -> None:
    with pytest.raises(SnmpPermanent) as caught:
        await engine.walk(target(agent), SYSTEM, max_rows=5)
    assert caught.value.failure is PollFailure.WALK_TOO_LONG


async def test_an_unknown_user_has_its_own_name(engine: SnmpEngine, agent: Agent) -> None:
    stranger = V3("stranger", AuthProtocol.SHA1, Secret(AUTH_PHRASE))
    assert await failure_of(engine, target(agent, stranger)) is PollFailure.UNKNOWN_USER


async def test_a_wrong_key_has_its_own_name(engine: SnmpEngine, agent: Agent) -> None:
    wrong = V3(SIGNED.user, AuthProtocol.SHA256, Secret("another-phrase"))
    assert await failure_of(engine, target(agent, wrong)) is PollFailure.WRONG_KEY


async def test_a_wrong_cipher_key_fails_and_never_answers(engine: SnmpEngine, agent: Agent) -> None:
    wrong = V3(
        SEALED.user, AuthProtocol.SHA256, Secret(AUTH_PHRASE), PrivProtocol.AES128, Secret("another-phrase")
    )
    failure = await failure_of(engine, target(agent, wrong, timeout_s=0.4, retries=0))
    assert failure in (
        PollFailure.WRONG_KEY,
        PollFailure.NO_ANSWER,
    )  # net-snmp 5.9.3 does not always report it


async def test_a_level_above_the_user_s_keys_has_its_own_name(engine: SnmpEngine, agent: Agent) -> None:
    above = V3(
        SIGNED.user, AuthProtocol.SHA256, Secret(AUTH_PHRASE), PrivProtocol.AES128, Secret(PRIV_PHRASE)
    )
    assert await failure_of(engine, target(agent, above)) is PollFailure.UNSUPPORTED_SEC_LEVEL


async def test_a_wrong_community_is_silence(engine: SnmpEngine, agent: Agent) -> None:
    asked = target(agent, V2c(Secret("another-community")), timeout_s=0.3, retries=0)
    assert await failure_of(engine, asked) is PollFailure.NO_ANSWER


async def test_nobody_there_fails_within_its_patience(engine: SnmpEngine) -> None:
    asked = Target("127.0.0.1", V2C, free_port("udp"), timeout_s=0.3, retries=1)
    async with asyncio.timeout(30):
        assert await failure_of(engine, asked) in (PollFailure.NO_ANSWER, PollFailure.PORT_CLOSED)


async def test_a_closed_engine_says_so(engine: SnmpEngine, agent: Agent) -> None:
    await engine.close()
    assert await failure_of(engine, target(agent)) is PollFailure.ENGINE_CLOSED


async def test_another_unit_at_the_same_address_is_followed_and_told(
    engine: SnmpEngine, tmp_path: Path
) -> None:
    """A cluster take-over: the address stays, the engine ID does not."""
    port = free_port("udp")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with running_snmpd(tmp_path / "first", port=port, engine_id="80001f88046669727374") as first:
        before = await engine.poll(target(first, SEALED), PLAN)
    with running_snmpd(tmp_path / "second", port=port, engine_id="80001f8804736563f06e64") as second:
        answer = None
        for _ in range(2):  # pysnmp loses one poll to it
            try:
                answer = await engine.poll(target(second, SEALED, timeout_s=2), PLAN)
                break
            except SnmpTransient as lost:
                assert isinstance(engine, PysnmpEngine), lost
    assert before.engine_changed_from is None
    assert answer is not None
    assert answer.engine_changed_from == first.engine_id


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: user_name(*pair))
async def test_our_engine_speaks_every_pair_of_protocols(
    own_engine: UdpSnmpEngine, agent: Agent, pair: tuple[AuthProtocol | None, PrivProtocol | None]
) -> None:
    answer = await own_engine.poll(target(agent, credential(*pair), retries=0), PLAN)
    assert answer.scalars[SYS_NAME].value == b"oracle"
    assert (answer.agent is not None) is (pair[0] is not None)
    if answer.agent is not None:
        assert answer.agent.engine_id == agent.engine_id
        assert answer.agent.boots >= 1


@pytest.mark.parametrize(
    "pair",
    [
        (AuthProtocol.SHA1, PrivProtocol.DES),
        (AuthProtocol.MD5, PrivProtocol.DES),
        (AuthProtocol.SHA1, PrivProtocol.AES256_BLUMENTHAL),
        (AuthProtocol.SHA1, PrivProtocol.AES256_REEDER),
        (AuthProtocol.SHA512, PrivProtocol.AES192_REEDER),
    ],
    ids=lambda pair: user_name(*pair),
)
async def test_pysnmp_speaks_what_it_is_kept_for(
    agent: Agent, pair: tuple[AuthProtocol, PrivProtocol]
) -> None:
    engine = PysnmpEngine()
    try:
        values = await engine.get(target(agent, credential(*pair)), [SYS_NAME])
    finally:
        await engine.close()
    assert values == {SYS_NAME: Value(SnmpType.OCTET_STRING, b"oracle")}


async def test_the_two_engines_agree_on_a_whole_tree(own_engine: UdpSnmpEngine, agent: Agent) -> None:
    other = PysnmpEngine()
    try:
        for root in (SYSTEM, (1, 3, 6, 1, 2, 1, 2, 2, 1, 2), (1, 3, 6, 1, 6, 3, 10)):
            ours, theirs = await own_engine.walk(target(agent), root), await other.walk(target(agent), root)
            assert [name for name, _ in ours] == [name for name, _ in theirs]
            assert [value.type for _, value in ours] == [value.type for _, value in theirs]
            steady = [SnmpType.OCTET_STRING, SnmpType.OBJECT_IDENTIFIER]
            assert [item for item in ours if item[1].type in steady] == [
                item for item in theirs if item[1].type in steady
            ]
    finally:
        await other.close()


# ---------------------------------------------------------------- our engine only


async def test_a_closed_port_is_not_silence(own_engine: UdpSnmpEngine) -> None:
    asked = Target("127.0.0.1", V2C, free_port("udp"), timeout_s=60, retries=0)
    async with asyncio.timeout(30):
        assert await failure_of(own_engine, asked) is PollFailure.PORT_CLOSED


async def test_a_restarted_agent_is_followed_within_the_same_poll(
    own_engine: UdpSnmpEngine, tmp_path: Path
) -> None:
    port = free_port("udp")
    with running_snmpd(tmp_path, port=port) as agent:
        before = await own_engine.poll(target(agent, SEALED), PLAN)
    with running_snmpd(tmp_path, port=port) as agent:
        after = await own_engine.poll(target(agent, SEALED, retries=0), PLAN)
    assert before.agent is not None
    assert after.agent is not None
    assert after.agent.boots == before.agent.boots + 1
    assert after.engine_changed_from is None


async def test_the_whole_tree_is_the_same_as_snmpbulkwalk_prints(
    own_engine: UdpSnmpEngine, agent: Agent
) -> None:
    steady = (1, 3, 6, 1, 2, 1, 2)
    walked = await own_engine.walk(target(agent, SEALED), steady)
    assert [name for name, _ in walked] == snmpwalk(agent, ".1.3.6.1.2.1.2")


async def test_many_polls_at_once_share_one_socket(own_engine: UdpSnmpEngine, agent: Agent) -> None:
    asked = [target(agent, who, timeout_s=10, retries=0) for who in (V2C, SEALED)] * 50
    answers = await asyncio.gather(*(own_engine.poll(one, PLAN) for one in asked))
    assert len(answers) == 100
    assert len(own_engine._exchange._sockets) == 1


def snmpwalk(agent: Agent, root: str) -> list[Oid]:
    program = require_binary("snmpbulkwalk", package="snmp")
    printed = subprocess.run(
        [program, "-v2c", "-c", COMMUNITY, "-On", "-Oq", f"{agent.address}:{agent.port}", root],
        env={"MIBS": "", "SNMPCONFPATH": str(agent.folder), "SNMP_PERSISTENT_DIR": str(agent.folder / "cli")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    names = (line.split(" ")[0] for line in printed.splitlines() if line.startswith("."))
    return [tuple(int(part) for part in name[1:].split(".")) for name in names]


# ---------------------------------------------------------------- IPv6


@pytest.fixture(scope="module")
def agent6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    if not has_ipv6_loopback():
        pytest.skip("this machine has no ::1")
    with running_snmpd(tmp_path_factory.mktemp("snmpd6"), address="::1") as running:
        yield running


@pytest.mark.parametrize("who", [V2C, SEALED], ids=["v2c", "authPriv"])
@pytest.mark.parametrize("written", ["::1", "0:0:0:0:0:0:0:1"])
async def test_an_agent_with_an_ipv6_address_is_polled(
    engine: SnmpEngine, agent6: Agent, who: Credential, written: str
) -> None:
    answer = await engine.poll(Target(written, who, agent6.port, timeout_s=5), PLAN)
    assert answer.scalars[SYS_NAME].value == b"oracle"
    assert answer.columns[IF_DESCR]


async def test_a_closed_port_is_told_over_ipv6(own_engine: UdpSnmpEngine) -> None:
    if not has_ipv6_loopback():
        pytest.skip("this machine has no ::1")
    nobody = Target("::1", V2C, free_port("udp", "::1"), timeout_s=30)
    assert await failure_of(own_engine, nobody) is PollFailure.PORT_CLOSED
