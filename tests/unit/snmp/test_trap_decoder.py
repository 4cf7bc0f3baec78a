"""Traps and informs: what is believed, what is refused and by which name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import (
    SNMP_TRAP_ADDRESS,
    SNMP_TRAP_ENTERPRISE,
    SNMP_TRAP_OID,
    SYS_UP_TIME,
    Notification,
    TrapRejection,
)
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
    TrapV1,
    Version,
    encode_community_message,
    encode_pdu,
    encode_trap_v1,
    read_community_message,
    read_pdu,
)
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Oid,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Value,
)
from channelwatch_collector.snmp.session import SaltSource
from channelwatch_collector.snmp.trap_decoder import (
    LocalEngine,
    TrapDecoder,
    TrapSettings,
    TrapUser,
    Verdict,
    local_engine_id,
)
from channelwatch_collector.snmp.usm import Keys, keys_for
from hypothesis import assume, given
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret

DEVICE = "127.0.0.7"
ELSEWHERE = "127.0.0.8"
SENDER = bytes.fromhex("80000000050a0b0c0d")
US = local_engine_id(b"collector-1")
NOW = EpochMs(1_795_000_000_000)
AT = 5_000.0
BOOTS, TIME = 12, 90_000
LINK_DOWN: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
IF_INDEX = ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), Value(SnmpType.INTEGER, 7))
USER = V3(
    "trapper",
    AuthProtocol.SHA256,
    Secret("authentic-phrase"),
    PrivProtocol.AES256_REEDER,
    Secret("private-phrase"),
)
SIGNER = V3("signer", AuthProtocol.SHA1, Secret("authentic-phrase"))
NO_KEYS = Keys(SecurityLevel.NO_AUTH_NO_PRIV)


def trap_pdu(kind: PduType = PduType.TRAP_V2, request_id: int = 77) -> Pdu:
    return Pdu(
        kind,
        request_id,
        0,
        0,
        [
            (SYS_UP_TIME, Value(SnmpType.TIME_TICKS, 123)),
            (SNMP_TRAP_OID, Value(SnmpType.OBJECT_IDENTIFIER, LINK_DOWN)),
            IF_INDEX,
        ],
    )


def decoder(**settings: object) -> TrapDecoder:
    made = TrapDecoder(
        TrapSettings(
            communities=(Secret("first"), Secret("second")),
            users=(TrapUser(USER), TrapUser(SIGNER)),
            **settings,  # type: ignore[arg-type]
        ),
        local=LocalEngine.started(US, last_boots=3, now_s=AT - 1000),
        salts=SaltSource(1),
    )
    made.bind_engine(SENDER, DEVICE, boots=BOOTS, time_s=TIME, now_s=AT)
    return made


def decode(judge: TrapDecoder, datagram: bytes, *, source: str = DEVICE, now_s: float = AT) -> Verdict:
    return judge.decode(datagram, source, received_at=NOW, now_s=now_s)


def v3_message(
    user: V3 = USER,
    *,
    level: SecurityLevel | None = None,
    keys: Keys | None = None,
    engine_id: bytes = SENDER,
    boots: int = BOOTS,
    time_s: int = TIME,
    msg_id: int = 4711,
    pdu: Pdu | None = None,
    reportable: bool = False,
) -> bytes:
    envelope = v3.Envelope(msg_id, reportable, engine_id, boots, time_s, user.user.encode())
    scoped = v3.encode_scoped_pdu(SENDER, b"", encode_pdu(pdu or trap_pdu()))
    level = level or user.level
    return v3.encode_message(
        envelope, scoped, keys or keys_for(user, engine_id), level=level, salt=msg_id.to_bytes(8, "big")
    )


def community_message(pdu: Pdu | None = None, community: bytes = b"second") -> bytes:
    return encode_community_message(Version.V2C, community, encode_pdu(pdu or trap_pdu()))


# ---------------------------------------------------------------- what is taken


def test_a_v3_trap_is_authenticated_and_carries_its_engine_and_clock() -> None:
    outcome = decode(decoder(), v3_message()).outcome
    assert outcome == Notification(
        source=DEVICE,
        version=Version.V3,
        authenticated=True,
        is_inform=False,
        trap_oid=LINK_DOWN,
        uptime=123,
        varbinds=(IF_INDEX,),
        received_at=NOW,
        engine_id=SENDER,
        boots=BOOTS,
        time_s=TIME,
        user="trapper",
    )


def test_a_v2c_trap_is_taken_but_proves_nothing() -> None:
    outcome = decode(decoder(), community_message()).outcome
    assert isinstance(outcome, Notification)
    assert (outcome.version, outcome.authenticated, outcome.trap_oid) == (Version.V2C, False, LINK_DOWN)


@pytest.mark.parametrize(
    ("generic", "specific", "trap_oid"),
    [
        (0, 0, (1, 3, 6, 1, 6, 3, 1, 1, 5, 1)),
        (2, 99, LINK_DOWN),
        (5, 0, (1, 3, 6, 1, 6, 3, 1, 1, 5, 6)),
        (6, 17, (1, 3, 6, 1, 4, 1, 99_999, 0, 17)),
    ],
)
def test_a_v1_trap_is_mapped_as_rfc_3584(generic: int, specific: int, trap_oid: Oid) -> None:
    enterprise = (1, 3, 6, 1, 4, 1, 99_999)
    trap = TrapV1(enterprise, "192.0.2.5", generic, specific, 55, [IF_INDEX])
    outcome = decode(decoder(), encode_community_message(Version.V1, b"first", encode_trap_v1(trap))).outcome
    assert isinstance(outcome, Notification)
    assert (outcome.version, outcome.trap_oid, outcome.uptime) == (Version.V1, trap_oid, 55)
    assert outcome.varbinds == (
        IF_INDEX,
        (SNMP_TRAP_ADDRESS, Value(SnmpType.IP_ADDRESS, "192.0.2.5")),
        (SNMP_TRAP_ENTERPRISE, Value(SnmpType.OBJECT_IDENTIFIER, enterprise)),
    )


@pytest.mark.parametrize("generic", [-1, 7])
def test_a_v1_trap_of_no_known_kind_is_malformed(generic: int) -> None:
    trap = TrapV1((1, 3, 6, 1, 4, 1, 9), "192.0.2.5", generic, 0, 55, [])
    datagram = encode_community_message(Version.V1, b"first", encode_trap_v1(trap))
    assert decode(decoder(), datagram).outcome is TrapRejection.MALFORMED


def test_the_trap_oid_may_stand_anywhere() -> None:
    pdu = trap_pdu()
    outcome = decode(decoder(), community_message(pdu._replace(varbinds=pdu.varbinds[::-1]))).outcome
    assert isinstance(outcome, Notification)
    assert (outcome.trap_oid, outcome.uptime, outcome.varbinds) == (LINK_DOWN, 123, (IF_INDEX,))


def test_a_trap_that_names_no_event_is_malformed() -> None:
    pdu = trap_pdu()._replace(varbinds=[IF_INDEX])
    assert decode(decoder(), community_message(pdu)).outcome is TrapRejection.MALFORMED


# ---------------------------------------------------------------- forged, stale, downgraded


def with_mac(mac: bytes) -> bytes:
    good = v3_message()
    header = v3.read_header(good)
    return good[: header.mac_at] + mac + good[header.mac_at + len(header.mac) :]


FORGED: dict[str, tuple[Callable[[], bytes], TrapRejection]] = {
    "wrong digest": (lambda: with_mac(b"x" * 24), TrapRejection.WRONG_DIGEST),
    "digest of zeros": (lambda: with_mac(bytes(24)), TrapRejection.WRONG_DIGEST),
    "empty digest": (
        lambda: v3_message(level=SecurityLevel.NO_AUTH_NO_PRIV, keys=NO_KEYS).replace(
            b"\x04\x01\x00\x02\x01\x03", b"\x04\x01\x03\x02\x01\x03", 1
        ),
        TrapRejection.WRONG_DIGEST,
    ),
    "plaintext under the user's name": (
        lambda: v3_message(level=SecurityLevel.NO_AUTH_NO_PRIV),
        TrapRejection.BELOW_LEVEL,
    ),
    "signed but not encrypted": (
        lambda: v3_message(level=SecurityLevel.AUTH_NO_PRIV),
        TrapRejection.BELOW_LEVEL,
    ),
    "another phrase": (
        lambda: v3_message(
            keys=keys_for(
                V3(
                    "trapper", AuthProtocol.SHA256, Secret("other-phrase"), USER.priv_protocol, USER.priv_pass
                ),
                SENDER,
            )
        ),
        TrapRejection.WRONG_DIGEST,
    ),
    "another cipher phrase": (
        lambda: v3_message(
            keys=keys_for(
                V3(
                    "trapper", AuthProtocol.SHA256, USER.auth_pass, USER.priv_protocol, Secret("other-phrase")
                ),
                SENDER,
            )
        ),
        TrapRejection.MALFORMED,
    ),
    "keys of another engine": (lambda: v3_message(keys=keys_for(USER, US)), TrapRejection.WRONG_DIGEST),
    "engine time 500 s old": (lambda: v3_message(time_s=TIME - 500), TrapRejection.STALE),
    "engine boots one lower": (lambda: v3_message(boots=BOOTS - 1), TrapRejection.STALE),
    "engine boots at their end": (lambda: v3_message(boots=2**31 - 1), TrapRejection.STALE),
    "unknown user": (
        lambda: v3_message(V3("nobody", AuthProtocol.SHA1, USER.auth_pass)),
        TrapRejection.UNKNOWN_USER,
    ),
    "unknown engine": (lambda: v3_message(engine_id=b"not-bound"), TrapRejection.UNKNOWN_ENGINE),
    "more than the user's keys": (
        lambda: v3_message(
            V3("signer", AuthProtocol.SHA1, SIGNER.auth_pass, PrivProtocol.AES128, Secret("private-phrase"))
        ),
        TrapRejection.ABOVE_LEVEL,
    ),
    "a response": (lambda: v3_message(pdu=trap_pdu(PduType.RESPONSE)), TrapRejection.NOT_A_NOTIFICATION),
    "an inform under the sender's engine": (
        lambda: v3_message(pdu=trap_pdu(PduType.INFORM)),
        TrapRejection.NOT_A_NOTIFICATION,
    ),
    "truncated": (lambda: v3_message()[:-9], TrapRejection.MALFORMED),
    "junk": (lambda: b"\x30\x82", TrapRejection.MALFORMED),
    "nothing": (lambda: b"", TrapRejection.MALFORMED),
    "another community": (lambda: community_message(community=b"third"), TrapRejection.WRONG_COMMUNITY),
    "empty community": (lambda: community_message(community=b""), TrapRejection.WRONG_COMMUNITY),
    "a v2c question": (lambda: community_message(trap_pdu(PduType.GET)), TrapRejection.NOT_A_NOTIFICATION),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_trap_is_rejected_by_name_and_without_an_answer(case: str) -> None:
    make, reason = FORGED[case]
    judge = decoder()
    assert decode(judge, make()) == Verdict(reason)
    assert isinstance(decode(judge, v3_message()).outcome, Notification), "the genuine one still passes"


def test_an_exact_replay_within_the_window_is_a_duplicate() -> None:
    judge = decoder()
    first = decode(judge, v3_message())
    judge.taken(first, AT)
    assert decode(judge, v3_message(), now_s=AT + 140).outcome is TrapRejection.DUPLICATE
    assert decode(judge, v3_message(), now_s=AT + 151).outcome is TrapRejection.STALE
    assert isinstance(
        decode(judge, v3_message(msg_id=4712, time_s=TIME + 140), now_s=AT + 140).outcome, Notification
    )


def test_a_trap_from_another_address_than_its_engine_s_device_is_rejected() -> None:
    judge = decoder()
    assert decode(judge, v3_message(), source=ELSEWHERE).outcome is TrapRejection.WRONG_ADDRESS
    judge.bind_engine(SENDER, ELSEWHERE, now_s=AT)
    assert isinstance(decode(judge, v3_message(), source=ELSEWHERE).outcome, Notification)
    assert isinstance(decode(judge, v3_message(), source=DEVICE).outcome, Notification)


def test_an_unbound_engine_is_no_longer_believed() -> None:
    judge = decoder()
    judge.unbind_engine(SENDER)
    assert decode(judge, v3_message()).outcome is TrapRejection.UNKNOWN_ENGINE


def test_a_reboot_seen_by_a_poll_makes_older_traps_stale() -> None:
    judge = decoder()
    judge.bind_engine(SENDER, DEVICE, boots=BOOTS + 1, time_s=5, now_s=AT)
    assert decode(judge, v3_message()).outcome is TrapRejection.STALE
    assert isinstance(decode(judge, v3_message(boots=BOOTS + 1, time_s=6)).outcome, Notification)


def test_a_lost_boot_counter_seen_by_a_poll_is_followed() -> None:
    judge = decoder()
    judge.bind_engine(SENDER, DEVICE, boots=1, time_s=5, now_s=AT)
    assert isinstance(decode(judge, v3_message(boots=1, time_s=6)).outcome, Notification)


def test_without_a_polled_clock_the_first_authentic_trap_sets_it() -> None:
    judge = decoder()
    judge.bind_engine(b"trap-only", DEVICE, now_s=AT)
    assert isinstance(
        decode(judge, v3_message(engine_id=b"trap-only", boots=3, time_s=8)).outcome, Notification
    )
    assert decode(judge, v3_message(engine_id=b"trap-only", boots=2, time_s=8)).outcome is TrapRejection.STALE


def test_a_user_s_minimum_may_be_lowered_on_purpose() -> None:
    settings = TrapSettings(users=(TrapUser(USER, minimum=SecurityLevel.AUTH_NO_PRIV),))
    judge = TrapDecoder(settings, local=LocalEngine(US, 1, 0.0), salts=SaltSource(1))
    judge.bind_engine(SENDER, DEVICE, now_s=AT)
    assert isinstance(decode(judge, v3_message(level=SecurityLevel.AUTH_NO_PRIV)).outcome, Notification)
    plain = decode(judge, v3_message(level=SecurityLevel.NO_AUTH_NO_PRIV))
    assert plain.outcome is TrapRejection.BELOW_LEVEL


def test_users_of_one_name_are_told_apart_by_their_digests() -> None:
    """Sites that each chose their own pass phrase for the same user name."""
    others = [V3("trapper", AuthProtocol.SHA256, Secret(f"site-{at}-phrase")) for at in range(3)]
    sealed = V3("trapper", AuthProtocol.SHA512, USER.auth_pass, PrivProtocol.AES128, USER.priv_pass)
    settings = TrapSettings(users=tuple(TrapUser(user) for user in (*others, sealed)))
    judge = TrapDecoder(settings, local=LocalEngine(US, 1, 0.0), salts=SaltSource(1))
    judge.bind_engine(SENDER, DEVICE, now_s=AT)
    for at, user in enumerate((*others, sealed, *others)):
        outcome = decode(judge, v3_message(user, msg_id=100 + at)).outcome
        assert isinstance(outcome, Notification)
        assert outcome.authenticated
    stranger = V3("trapper", AuthProtocol.SHA256, Secret("no-site-s-phrase"))
    assert decode(judge, v3_message(stranger)).outcome is TrapRejection.WRONG_DIGEST


def test_a_minimum_above_the_user_s_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="minimum"):
        TrapUser(SIGNER, minimum=SecurityLevel.AUTH_PRIV)


def test_a_user_whose_cipher_is_not_spoken_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="des"):
        TrapUser(V3("old", AuthProtocol.MD5, USER.auth_pass, PrivProtocol.DES, USER.priv_pass))


def test_sources_and_sizes_are_limited() -> None:
    judge = decoder(allows=lambda source: source == DEVICE, max_octets=200)
    assert decode(judge, community_message(), source=ELSEWHERE).outcome is TrapRejection.SOURCE_NOT_ALLOWED
    assert decode(judge, community_message() + bytes(200)).outcome is TrapRejection.TOO_LARGE
    assert isinstance(decode(judge, community_message()).outcome, Notification)


def test_bound_engines_are_limited() -> None:
    judge = decoder(max_engines=2)
    judge.bind_engine(b"second", DEVICE, now_s=AT)
    judge.bind_engine(b"third", DEVICE, now_s=AT)
    assert decode(judge, v3_message()).outcome is TrapRejection.UNKNOWN_ENGINE
    assert isinstance(decode(judge, v3_message(engine_id=b"third")).outcome, Notification)


def test_remembered_messages_are_limited() -> None:
    judge = decoder(max_remembered=10)
    for msg_id in range(100):
        judge.taken(decode(judge, v3_message(SIGNER, msg_id=1000 + msg_id)), AT)
    assert len(judge._seen._expiry) == 10
    assert decode(judge, v3_message(SIGNER, msg_id=1099)).outcome is TrapRejection.DUPLICATE


@given(st.data())
def test_mutilated_traps_are_rejected_and_nothing_is_raised(data: st.DataObject) -> None:
    judge = decoder()
    original = data.draw(st.sampled_from([v3_message(), v3_message(SIGNER), inform(judge)]))
    good = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    assume(bytes(good) != original)
    assert isinstance(decode(judge, bytes(good)).outcome, TrapRejection)


@given(st.binary(max_size=200))
def test_noise_is_rejected_and_nothing_is_raised(noise: bytes) -> None:
    assert isinstance(decode(decoder(), noise).outcome, TrapRejection)


# ---------------------------------------------------------------- informs


def inform(
    judge: TrapDecoder, *, boots: int = 4, time_s: int = 1000, msg_id: int = 88, request_id: int = 9
) -> bytes:
    """A v3 inform to us, by a sender that has learnt our engine ID and clock."""
    return v3_message(
        engine_id=US,
        boots=boots,
        time_s=time_s,
        msg_id=msg_id,
        pdu=trap_pdu(PduType.INFORM, request_id),
        reportable=True,
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
