"""Informs: taken once, acknowledged as secured as they came, and never to a stranger."""

from __future__ import annotations

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import (
    Notification,
    TrapRejection,
)
from channelwatch_collector.snmp.pdu import (
    PduType,
    read_community_message,
    read_pdu,
)
from channelwatch_collector.snmp.port import (
    V3,
    SecurityLevel,
    SnmpType,
    Value,
)
from channelwatch_collector.snmp.trap_decoder import (
    LocalEngine,
    Verdict,
    local_engine_id,
)
from channelwatch_collector.snmp.usm import keys_for

from tests.support.traps import (
    AT,
    ELSEWHERE,
    NO_KEYS,
    SENDER,
    US,
    USER,
    community_message,
    decode,
    decoder,
    inform,
    trap_pdu,
    v3_message,
)


def read_reply(verdict: Verdict, user: V3 = USER) -> tuple[v3.Header, v3.ScopedPdu]:
    assert verdict.reply is not None
    header = v3.read_header(verdict.reply)
    keys = keys_for(user, US)
    if header.level > SecurityLevel.NO_AUTH_NO_PRIV:
        assert keys.verifies(verdict.reply, header.mac_at, header.mac)
    return header, v3.read_scoped_pdu(verdict.reply, header, keys)


def test_a_v3_inform_is_taken_and_acknowledged_as_secured_as_it_came() -> None:
    judge = decoder()
    verdict = decode(judge, inform(judge))
    assert isinstance(verdict.outcome, Notification)
    assert verdict.outcome.authenticated
    assert verdict.outcome.is_inform
    assert verdict.outcome.engine_id == SENDER
    assert (verdict.outcome.boots, verdict.outcome.time_s) == (None, None)
    header, scoped = read_reply(verdict)
    assert (header.level, header.msg_id, header.engine_id) == (SecurityLevel.AUTH_PRIV, 88, US)
    assert (header.boots, header.time_s, header.reportable) == (4, 1000, False)
    assert scoped.pdu == trap_pdu(PduType.RESPONSE, 9)


def test_an_inform_repeated_under_a_new_message_id_is_acknowledged_again_but_taken_once() -> None:
    judge = decoder()
    judge.taken(decode(judge, inform(judge)), AT)
    again = decode(judge, inform(judge, msg_id=89), now_s=AT + 5)
    assert again.outcome is TrapRejection.DUPLICATE
    assert read_reply(again)[1].pdu.type is PduType.RESPONSE
    another = decode(judge, inform(judge, msg_id=90, request_id=10))
    assert isinstance(another.outcome, Notification)


def test_an_inform_that_found_no_room_is_taken_when_it_comes_again() -> None:
    judge = decoder()
    decode(judge, inform(judge))
    assert isinstance(decode(judge, inform(judge, msg_id=89)).outcome, Notification)


def test_a_sender_learns_our_engine_and_clock_from_our_reports() -> None:
    judge = decoder()
    probe = v3_message(
        V3("x"),
        engine_id=b"",
        level=SecurityLevel.NO_AUTH_NO_PRIV,
        keys=NO_KEYS,
        boots=0,
        time_s=0,
        reportable=True,
    )
    found = decode(judge, probe)
    assert found.outcome is TrapRejection.DISCOVERY
    header, scoped = read_reply(found)
    assert (header.engine_id, scoped.pdu.type) == (US, PduType.REPORT)
    assert scoped.pdu.varbinds == [(v3.UNKNOWN_ENGINE_IDS, Value(SnmpType.COUNTER32, 1))]
    synchronising = decode(judge, inform(judge, boots=0, time_s=0))
    assert synchronising.outcome is TrapRejection.DISCOVERY
    header, scoped = read_reply(synchronising)
    assert (header.level, header.boots, header.time_s) == (SecurityLevel.AUTH_NO_PRIV, 4, 1000)
    assert scoped.pdu.varbinds[0][0] == v3.NOT_IN_TIME_WINDOWS


@pytest.mark.parametrize(("boots", "time_s"), [(3, 1000), (5, 1000), (4, 800), (4, 1200)])
def test_an_inform_outside_our_window_is_stale_and_told_our_clock(boots: int, time_s: int) -> None:
    judge = decoder()
    verdict = decode(judge, inform(judge, boots=boots, time_s=time_s))
    assert verdict.outcome is TrapRejection.STALE
    assert read_reply(verdict)[1].pdu.varbinds[0][0] == v3.NOT_IN_TIME_WINDOWS


def test_a_downgraded_inform_is_rejected() -> None:
    datagram = v3_message(
        engine_id=US,
        boots=4,
        time_s=1000,
        level=SecurityLevel.AUTH_NO_PRIV,
        pdu=trap_pdu(PduType.INFORM),
        reportable=True,
    )
    verdict = decode(decoder(), datagram)
    assert verdict.outcome is TrapRejection.BELOW_LEVEL
    assert read_reply(verdict)[1].pdu.varbinds[0][0] == v3.UNSUPPORTED_SEC_LEVELS


def test_an_inform_that_claims_a_device_at_another_address_is_rejected() -> None:
    judge = decoder()
    assert decode(judge, inform(judge), source=ELSEWHERE).outcome is TrapRejection.WRONG_ADDRESS


def test_no_report_is_sent_to_whoever_did_not_ask_for_one() -> None:
    datagram = v3_message(engine_id=b"stranger", reportable=False)
    assert decode(decoder(), datagram) == Verdict(TrapRejection.UNKNOWN_ENGINE)


def test_a_v2c_inform_is_acknowledged_with_what_it_said() -> None:
    judge = decoder()
    verdict = decode(judge, community_message(trap_pdu(PduType.INFORM, 31)))
    assert isinstance(verdict.outcome, Notification)
    assert verdict.outcome.is_inform
    assert verdict.reply is not None
    message = read_community_message(verdict.reply)
    assert message.community == b"second"
    assert read_pdu(verdict.reply, message.pdu_at, message.end) == trap_pdu(PduType.RESPONSE, 31)
    judge.taken(verdict, AT)
    assert decode(judge, community_message(trap_pdu(PduType.INFORM, 31))).outcome is TrapRejection.DUPLICATE
    assert isinstance(decode(judge, community_message(trap_pdu(PduType.INFORM, 32))).outcome, Notification)


def test_each_run_is_one_boot_later_until_the_counter_ends() -> None:
    assert LocalEngine.started(US, last_boots=3, now_s=0).boots == 4
    assert LocalEngine.started(US, last_boots=2**31 - 1, now_s=0).boots == 2**31 - 1


def test_an_engine_id_is_well_formed_and_stable() -> None:
    assert local_engine_id(b"collector-1") == US != local_engine_id(b"collector-2")
    assert 5 <= len(US) <= 32
    assert US[0] & 0x80
