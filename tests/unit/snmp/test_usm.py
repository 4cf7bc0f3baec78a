"""Keys, digests, ciphers and clocks of USM against the published vectors."""

from __future__ import annotations

import hmac

import pytest
from channelwatch_collector.snmp import usm
from channelwatch_collector.snmp.port import V3, AuthProtocol, PrivProtocol, SecurityLevel
from channelwatch_collector.snmp.usm import EngineTime, Keys

from channelwatch.base.secrets import Secret

PHRASE = Secret("maplesyrup")
ENGINE_ID = bytes.fromhex("000000000000000000000002")
AES_FORMS = [protocol for protocol in PrivProtocol if usm.speaks(protocol)]


@pytest.mark.parametrize(
    ("protocol", "master", "localised"),
    [
        (AuthProtocol.MD5, "9faf3283884e92834ebc9847d8edd963", "526f5eed9fcce26f8964c2930787d82b"),
        (
            AuthProtocol.SHA1,
            "9fb5cc0381497b3793528939ff788d5d79145211",
            "6695febc9288e36282235fc7151f128497b38f3f",
        ),
    ],
)
def test_keys_are_those_of_rfc_3414_appendix_a_3(protocol: AuthProtocol, master: str, localised: str) -> None:
    assert usm.master_key(protocol, PHRASE).hex() == master
    assert usm.localise(protocol, bytes.fromhex(master), ENGINE_ID).hex() == localised


def test_a_long_key_is_stretched_as_each_draft_says() -> None:
    first = usm.localise(AuthProtocol.MD5, usm.master_key(AuthProtocol.MD5, PHRASE), ENGINE_ID)
    blumenthal = usm.cipher_key(AuthProtocol.MD5, PrivProtocol.AES256_BLUMENTHAL, PHRASE, ENGINE_ID)
    reeder = usm.cipher_key(AuthProtocol.MD5, PrivProtocol.AES256_REEDER, PHRASE, ENGINE_ID)
    assert blumenthal[:16] == reeder[:16] == first
    assert blumenthal[16:] != reeder[16:]
    second = usm.localise(AuthProtocol.MD5, usm.expand(AuthProtocol.MD5, first), ENGINE_ID)
    assert reeder[16:] == second


def test_the_two_forms_agree_where_the_digest_is_long_enough() -> None:
    keys = {
        usm.cipher_key(AuthProtocol.SHA256, form, PHRASE, ENGINE_ID)
        for form in (PrivProtocol.AES256_BLUMENTHAL, PrivProtocol.AES256_REEDER)
    }
    assert len(keys) == 1


def test_the_cipher_is_cfb_128_with_the_vector_of_rfc_3826() -> None:
    """The AES-128 example of NIST SP 800-38A section F.3.13; its vector is read as boots, time and salt."""
    keys = Keys(SecurityLevel.AUTH_PRIV, cipher=usm.aes(bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")))
    plain = bytes.fromhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
    secret = bytes.fromhex("3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b")
    vector = {"boots": 0x00010203, "time_s": 0x04050607, "salt": bytes.fromhex("08090a0b0c0d0e0f")}
    assert keys.encrypt(plain, **vector) == secret  # type: ignore[arg-type]
    assert keys.decrypt(secret, **vector) == plain  # type: ignore[arg-type]


@pytest.mark.parametrize("form", AES_FORMS)
@pytest.mark.parametrize("auth", list(AuthProtocol))
def test_every_combination_decrypts_what_it_encrypted(auth: AuthProtocol, form: PrivProtocol) -> None:
    keys = usm.keys_for(V3("user", auth, PHRASE, form, Secret("another phrase")), ENGINE_ID)
    secret = keys.encrypt(b"tunnel up", boots=3, time_s=9, salt=b"12345678")
    assert secret != b"tunnel up"
    assert keys.decrypt(secret, boots=3, time_s=9, salt=b"12345678") == b"tunnel up"
    assert keys.decrypt(secret, boots=3, time_s=10, salt=b"12345678") != b"tunnel up"


@pytest.mark.parametrize("auth", list(AuthProtocol))
def test_a_digest_covers_every_octet_and_has_one_length_only(auth: AuthProtocol) -> None:
    keys = usm.keys_for(V3("user", auth, PHRASE), ENGINE_ID)
    size = keys.mac_octets
    blank = b"before" + bytes(size) + b"after"
    mac = keys.digest(blank)
    signed = b"before" + mac + b"after"
    assert keys.verifies(signed, 6, mac)
    assert not keys.verifies(b"beforf" + signed[6:], 6, mac)
    assert not keys.verifies(signed[:-1] + b"R", 6, mac)
    for forged in (b"", bytes(size), mac[:-1], mac + b"\0"):
        assert not keys.verifies(signed, 6, forged)


def test_keys_without_authentication_verify_nothing() -> None:
    keys = usm.keys_for(V3("user"), ENGINE_ID)
    assert not keys.verifies(b"anything", 0, b"")


@pytest.mark.parametrize("protocol", AuthProtocol)
def test_the_digest_is_the_hmac_of_the_localised_key(protocol: AuthProtocol) -> None:
    keys = usm.keys_for(V3("user", protocol, PHRASE), ENGINE_ID)
    key = usm.localise(protocol, usm.master_key(protocol, PHRASE), ENGINE_ID)
    for message in (b"", b"x", bytes(range(256)) * 6):
        assert keys.digest(message) == hmac.digest(key, message, protocol.value)[: keys.mac_octets]


def test_keys_do_not_show_themselves() -> None:
    keys = usm.keys_for(V3("user", AuthProtocol.SHA256, PHRASE), ENGINE_ID)
    assert keys.pads
    for pad in keys.pads:
        assert pad.hex() not in repr(keys)
        assert repr(pad) not in repr(keys)


@pytest.mark.parametrize("engine_id", [b"", b"1234", bytes(33)])
def test_an_engine_id_of_impossible_length_has_no_keys(engine_id: bytes) -> None:
    with pytest.raises(ValueError, match="5 to 32"):
        usm.keys_for(V3("user", AuthProtocol.SHA256, PHRASE), engine_id)


def test_des_is_refused_by_name() -> None:
    assert not usm.speaks(PrivProtocol.DES)
    with pytest.raises(ValueError, match="des"):
        usm.keys_for(V3("user", AuthProtocol.SHA1, PHRASE, PrivProtocol.DES, PHRASE), ENGINE_ID)


@pytest.mark.parametrize(
    ("boots", "time_s", "timely"),
    [
        (7, 1000, True),
        (7, 950, True),  # 150 s behind the carried-forward 1100
        (7, 949, False),
        (7, 50_000, True),  # the agent's clock runs fast: RFC 3414 lets it move ours
        (8, 0, True),
        (6, 1000, False),
        (6, 50_000, False),
        (2**31 - 1, 1000, False),
    ],
)
def test_the_time_window_of_rfc_3414_step_7b(boots: int, time_s: int, timely: bool) -> None:
    held = EngineTime(7, 1000, seen_at_s=500.0)
    assert held.learn(boots, time_s, 600.0) is timely


def test_a_stale_message_does_not_move_the_clock() -> None:
    held = EngineTime(7, 1000, seen_at_s=500.0)
    held.learn(6, 5000, 500.0)
    held.learn(7, 10, 500.0)
    assert (held.boots, held.time_s, held.seen_at_s) == (7, 1000, 500.0)


def test_time_runs_on_between_messages() -> None:
    held = EngineTime(7, 1000, seen_at_s=500.0)
    assert held.now(560.9) == 1060


@pytest.mark.parametrize(
    ("boots", "time_s", "timely"),
    [(4, 100, True), (4, 250, True), (4, 251, False), (3, 100, False), (5, 100, False)],
)
def test_the_window_around_our_own_clock(boots: int, time_s: int, timely: bool) -> None:
    assert usm.in_local_window(boots=boots, time_s=time_s, our_boots=4, our_time_s=100) is timely


def test_an_engine_at_its_last_boot_accepts_nothing() -> None:
    last = 2**31 - 1
    assert not usm.in_local_window(boots=last, time_s=5, our_boots=last, our_time_s=5)
