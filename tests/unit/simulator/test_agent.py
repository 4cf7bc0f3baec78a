from __future__ import annotations

import dataclasses

import pytest
from channelwatch_simulator import ber, usm
from channelwatch_simulator.agent import MAX_NAMES, MAX_REPLY_BYTES, View
from channelwatch_simulator.ber import Oid
from channelwatch_simulator.pdu import ErrorStatus, PduKind
from channelwatch_simulator.usm import Engine, Flag, Stat
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.simulator.manager import (
    AUTH_PRIV,
    COMMUNITY,
    ENGINE,
    USER,
    Reply,
    agent,
    body,
    read_v2c,
    read_v3,
    v2c,
    v3,
)

BASE: Oid = (1, 3, 6, 1, 4, 1, 99999)
NAMES: list[Oid] = [
    (*BASE, 1, 0),
    (*BASE, 2, 1, 1),
    (*BASE, 2, 1, 2),
    (*BASE, 2, 2, 1),
    (*BASE, 2, 2, 2),
    (*BASE, 3, 0),
]
VIEW = View((name, ber.time_ticks) for name in reversed(NAMES))
NO_OBJECT, NO_INSTANCE, END = ber.NO_SUCH_OBJECT[0], ber.NO_SUCH_INSTANCE[0], ber.END_OF_MIB_VIEW[0]


def ask(kind: PduKind, *names: Oid, first: int = 0, second: int = 0, now: int = 7) -> Reply:
    """By version 2c."""
    request = v2c(body(kind, names, first=first, second=second))
    return read_v2c(agent(VIEW, COMMUNITY).answer(request, now))


def refusal(request: bytes, engine: Engine = ENGINE) -> tuple[Reply, Flag]:
    """The report that answers `request`, and its flags."""
    answer = agent(VIEW, engine=engine).answer(request, 0)
    assert answer is not None
    return read_v3(answer, engine=engine), usm.parse(answer).flags


def test_get_answers_every_name_in_its_place() -> None:
    reply = ask(PduKind.GET, NAMES[5], (*BASE, 2, 1, 9), (*BASE, 9, 0), NAMES[0], now=42)
    assert (reply.kind, reply.request_id, reply.status) == (PduKind.RESPONSE, 77, 0)
    assert reply.tags == [ber.TIME_TICKS, NO_INSTANCE, NO_OBJECT, ber.TIME_TICKS]
    assert reply.binds[0] == (NAMES[5], ber.TIME_TICKS, b"*")


def test_getnext_gives_what_follows_and_tells_the_end() -> None:
    reply = ask(PduKind.GET_NEXT, BASE, NAMES[0], NAMES[5])
    assert reply.names == [NAMES[0], NAMES[1], NAMES[5]]
    assert reply.tags == [ber.TIME_TICKS, ber.TIME_TICKS, END]


def test_getbulk_repeats_row_by_row_and_stops_at_the_end() -> None:
    reply = ask(PduKind.GET_BULK, BASE, (*BASE, 2, 1), (*BASE, 2, 2), first=1, second=2)
    assert reply.names == [NAMES[0], NAMES[1], NAMES[3], NAMES[2], NAMES[4]]
    whole = ask(PduKind.GET_BULK, BASE, second=50)
    assert whole.names == [*NAMES, NAMES[5]]
    assert whole.tags[-1] == END


@given(st.integers(-5, 5), st.integers(-5, 400))
def test_getbulk_takes_any_numbers(first: int, second: int) -> None:
    reply = ask(PduKind.GET_BULK, BASE, (*BASE, 2), first=first, second=second)
    assert len(reply.binds) <= 2 + 2 * len(NAMES)


def test_a_walk_sees_every_object_once() -> None:
    seen: list[Oid] = []
    at: Oid = (0, 0)
    while True:
        reply = ask(PduKind.GET_NEXT, at)
        if reply.tags == [END]:
            break
        at = reply.names[0]
        seen.append(at)
    assert seen == NAMES


def test_nothing_is_writable() -> None:
    reply = ask(PduKind.SET, NAMES[0])
    assert (reply.status, reply.index, reply.names) == (ErrorStatus.NO_ACCESS, 1, [NAMES[0]])


def test_an_answer_that_does_not_fit_is_too_big() -> None:
    large = View([((*BASE, n), lambda _now: ber.octets(bytes(200))) for n in range(20)])
    names = [(*BASE, n) for n in range(20)]
    reply = read_v2c(agent(large, COMMUNITY).answer(v2c(body(PduKind.GET, names)), 0))
    assert (reply.status, reply.binds) == (ErrorStatus.TOO_BIG, [])
    bulk = agent(large, COMMUNITY).answer(v2c(body(PduKind.GET_BULK, [BASE], second=100)), 0)
    assert len(read_v2c(bulk).binds) == 6
    assert bulk is not None
    assert len(bulk) <= MAX_REPLY_BYTES


def test_a_manager_that_takes_little_is_given_little() -> None:
    large = View([((*BASE, n), lambda _now: ber.octets(bytes(100))) for n in range(20)])
    request = bytearray(v3(body(PduKind.GET_BULK, [BASE], second=20), flags=AUTH_PRIV))
    at = request.index(ber.integer(usm.MAX_MESSAGE_BYTES))
    request[at : at + 5] = ber.tlv(ber.INTEGER, (600).to_bytes(3, "big"))
    mac_at = usm.parse(bytes(request)).mac_at
    request[mac_at : mac_at + usm.MAC_BYTES] = bytes(usm.MAC_BYTES)
    signed = usm._mac(USER, bytes(request))
    request[mac_at : mac_at + usm.MAC_BYTES] = signed
    answer = agent(large).answer(bytes(request), 0)
    assert answer is not None
    assert 1 <= len(read_v3(answer).binds) <= 4
    assert len(answer) <= 600


def test_more_names_than_the_limit_are_too_big() -> None:
    reply = ask(PduKind.GET, *[(1, 3)] * (MAX_NAMES + 1))
    assert reply.status == ErrorStatus.TOO_BIG


@pytest.mark.parametrize(
    "datagram",
    [
        b"", b"\x30\x82", b"junk", v2c(body(PduKind.GET, NAMES), b"wrong"), v3(body(PduKind.GET, NAMES)),
        v2c(body(PduKind.RESPONSE, NAMES)), v2c(body(PduKind.GET, NAMES))[:-1], v2c(b"\xaf\x00"),
        v2c(body(PduKind.TRAP, NAMES)),
    ],
)  # fmt: skip
def test_a_v2c_agent_is_silent_to_strangers(datagram: bytes) -> None:
    assert agent(VIEW, COMMUNITY).answer(datagram, 0) is None


@given(st.binary(max_size=200))
def test_junk_never_raises(datagram: bytes) -> None:
    assert agent(VIEW, COMMUNITY).answer(datagram, 0) is None
    assert agent(VIEW).answer(datagram, 0) is None


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_octet_never_gets_a_response(at: int, value: int) -> None:
    request = bytearray(v3(body(PduKind.GET, NAMES)))
    changed = at % len(request)
    if request[changed] == value:
        return
    request[changed] = value
    answer = agent(VIEW).answer(bytes(request), 0)
    if answer is not None and usm.parse(answer).flags & Flag.PRIV:
        raise AssertionError(f"octet {changed} was not protected")


def test_v3_get_is_answered_under_the_same_protection() -> None:
    answer = agent(VIEW).answer(v3(body(PduKind.GET, [NAMES[0]])), 42)
    assert answer is not None
    assert usm.parse(answer).flags == Flag.AUTH | Flag.PRIV
    assert usm.parse(answer).message_id == 5
    assert b"*" not in answer
    assert read_v3(answer).binds == [(NAMES[0], ber.TIME_TICKS, b"*")]


def test_no_two_answers_share_a_salt() -> None:
    one = agent(VIEW)
    salts = {usm.parse(one.answer(v3(body(PduKind.GET, NAMES)), 0) or b"").salt for _ in range(5)}
    assert len(salts) == 5


def test_discovery_tells_the_engine() -> None:
    unknown = Engine(b"", 0, 0)
    stranger = usm.User(b"", b"", b"")
    reply, flags = refusal(v3(body(PduKind.GET, []), engine=unknown, user=stranger, flags=Flag.REPORTABLE))
    assert reply.kind is PduKind.REPORT
    assert reply.names == [(1, 3, 6, 1, 6, 3, 15, 1, 1, 4, 0)]
    assert reply.request_id == 77
    assert flags == Flag.NONE


WRONG_AUTH = dataclasses.replace(USER, auth_key=bytes(32))
WRONG_PRIV = dataclasses.replace(USER, priv_key=bytes(16))
STRANGER = dataclasses.replace(USER, name=b"stranger")


@pytest.mark.parametrize(
    ("request_", "stat", "signed"),
    [
        (v3(body(PduKind.GET, NAMES), user=STRANGER), Stat.UNKNOWN_USER_NAMES, False),
        (v3(body(PduKind.GET, NAMES), user=WRONG_AUTH), Stat.WRONG_DIGESTS, False),
        (v3(body(PduKind.GET, NAMES), user=WRONG_PRIV), Stat.DECRYPTION_ERRORS, False),
        (v3(body(PduKind.GET, NAMES), flags=Flag.PRIV | Flag.REPORTABLE), Stat.UNSUPPORTED_SEC_LEVELS, False),
        (
            v3(body(PduKind.GET, NAMES), engine=dataclasses.replace(ENGINE, boots=2)),
            Stat.NOT_IN_TIME_WINDOWS,
            True,
        ),
        (
            v3(body(PduKind.GET, NAMES), engine=dataclasses.replace(ENGINE, time=849)),
            Stat.NOT_IN_TIME_WINDOWS,
            True,
        ),
        (
            v3(body(PduKind.GET, NAMES), engine=dataclasses.replace(ENGINE, time=1151)),
            Stat.NOT_IN_TIME_WINDOWS,
            True,
        ),
    ],
)
def test_a_refused_message_is_told_why(request_: bytes, stat: Stat, signed: bool) -> None:
    reply, flags = refusal(request_)
    assert reply.kind is PduKind.REPORT
    assert reply.binds == [((1, 3, 6, 1, 6, 3, 15, 1, 1, stat, 0), ber.COUNTER32, b"\x01")]
    assert bool(flags & Flag.AUTH) is signed


@pytest.mark.parametrize("time", [850, 1000, 1150])
def test_the_time_window_is_150_seconds_wide(time: int) -> None:
    request = v3(body(PduKind.GET, NAMES), engine=dataclasses.replace(ENGINE, time=time))
    assert read_v3(agent(VIEW).answer(request, 0)).kind is PduKind.RESPONSE


def test_a_worn_out_engine_is_never_in_the_window() -> None:
    worn = dataclasses.replace(ENGINE, boots=usm.MAX_BOOTS)
    reply, _ = refusal(v3(body(PduKind.GET, NAMES), engine=worn), worn)
    assert reply.names[0][-2] == Stat.NOT_IN_TIME_WINDOWS


def test_a_message_that_wants_no_report_gets_none() -> None:
    request = v3(body(PduKind.GET, NAMES), user=WRONG_AUTH, flags=Flag.AUTH | Flag.PRIV)
    assert agent(VIEW).answer(request, 0) is None


@pytest.mark.parametrize("flags", [Flag.REPORTABLE, Flag.REPORTABLE | Flag.AUTH])
def test_less_than_full_protection_is_not_authorised(flags: Flag) -> None:
    reply = read_v3(agent(VIEW).answer(v3(body(PduKind.GET, [NAMES[0]]), flags=flags), 0))
    assert reply.status == ErrorStatus.AUTHORIZATION_ERROR
    assert reply.tags == [ber.NULL]


def test_the_wrong_context_engine_is_not_answered() -> None:
    scoped = ber.sequence(ber.octets(b"other"), ber.octets(b""), body(PduKind.GET, NAMES))
    request = usm.seal(ENGINE, scoped, USER, message_id=5, flags=AUTH_PRIV, salt=1)
    assert agent(VIEW).answer(request, 0) is None


def test_a_pass_phrase_has_eight_characters() -> None:
    with pytest.raises(ValueError, match="8 characters"):
        usm.master_key("seven..")


def test_secrets_do_not_show_in_representations() -> None:
    assert "let-me-read" not in repr(COMMUNITY)
    assert repr(USER) == "User(b'cw')"


def test_an_object_stands_once_in_a_view() -> None:
    with pytest.raises(ValueError, match="twice"):
        View([(BASE, lambda _now: ber.NULL_VALUE)] * 2)
