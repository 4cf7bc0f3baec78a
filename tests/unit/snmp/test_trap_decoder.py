"""Traps and informs: what is believed, what is refused and by which name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import (
    SNMP_TRAP_ADDRESS,
    SNMP_TRAP_ENTERPRISE,
    Notification,
    TrapRejection,
)
from channelwatch_collector.snmp.pdu import (
    PduType,
    TrapV1,
    Version,
    encode_community_message,
    encode_trap_v1,
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
)
from channelwatch_collector.snmp.usm import keys_for
from hypothesis import assume, given
from hypothesis import strategies as st

from channelwatch.base.secrets import Secret
from tests.support.traps import (
    AT,
    BOOTS,
    DEVICE,
    ELSEWHERE,
    IF_INDEX,
    LINK_DOWN,
    NO_KEYS,
    NOW,
    SENDER,
    SIGNER,
    TIME,
    US,
    USER,
    community_message,
    decode,
    decoder,
    inform,
    trap_pdu,
    v3_message,
)

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
