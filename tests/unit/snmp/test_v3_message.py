"""SNMPv3 messages: what is sealed opens only unchanged and with the right keys."""

from __future__ import annotations

import pytest
from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import Pdu, PduType, encode_pdu
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Value,
)
from channelwatch_collector.snmp.usm import keys_for
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.secrets import Secret

ENGINE_ID = bytes.fromhex("8000000005a1b2c3d4")
AUTH, PRIV = Secret("authentic-phrase"), Secret("private-phrase")
USERS = [
    V3("nobody"),
    V3("signer", AuthProtocol.SHA256, AUTH),
    V3("keeper", AuthProtocol.SHA512, AUTH, PrivProtocol.AES256_BLUMENTHAL, PRIV),
]
PDU = Pdu(PduType.RESPONSE, 2**30 + 1, 0, 0, [((1, 3, 6, 1, 5), Value(SnmpType.OCTET_STRING, b"tunnel up"))])


def seal(user: V3, *, salt: bytes = b"saltsalt") -> bytes:
    envelope = v3.Envelope(PDU.request_id, True, ENGINE_ID, 9, 70_000, user.user.encode())
    scoped = v3.encode_scoped_pdu(ENGINE_ID, b"ctx", encode_pdu(PDU))
    return v3.encode_message(envelope, scoped, keys_for(user, ENGINE_ID), level=user.level, salt=salt)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.user)
def test_a_message_opens_as_it_was_sealed(user: V3) -> None:
    datagram = seal(user)
    header = v3.read_header(datagram)
    keys = keys_for(user, ENGINE_ID)
    assert header.level is user.level
    assert (header.msg_id, header.engine_id, header.boots, header.time_s) == (
        PDU.request_id,
        ENGINE_ID,
        9,
        70_000,
    )
    assert header.user.decode() == user.user
    assert keys.verifies(datagram, header.mac_at, header.mac) is (user.level > SecurityLevel.NO_AUTH_NO_PRIV)
    assert v3.read_scoped_pdu(datagram, header, keys) == (ENGINE_ID, b"ctx", PDU)


def test_the_secret_part_is_not_legible() -> None:
    assert b"tunnel up" in seal(USERS[1])
    assert b"tunnel up" not in seal(USERS[2])


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_single_changed_octet_passes_the_digest(place: int, change: int) -> None:
    datagram = bytearray(seal(USERS[2]))
    datagram[place % len(datagram)] ^= change
    try:
        header = v3.read_header(bytes(datagram))
    except BerError:
        return
    keys = keys_for(USERS[2], ENGINE_ID)
    assert not keys.verifies(bytes(datagram), header.mac_at, header.mac)


def test_another_phrase_neither_verifies_nor_decrypts() -> None:
    datagram = seal(USERS[2])
    header = v3.read_header(datagram)
    other = keys_for(V3("keeper", AuthProtocol.SHA512, PRIV, PrivProtocol.AES256_BLUMENTHAL, AUTH), ENGINE_ID)
    assert not other.verifies(datagram, header.mac_at, header.mac)
    with pytest.raises(BerError):
        v3.read_scoped_pdu(datagram, header, other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x04\x01\x05\x02\x01\x03", b"\x04\x01\x06\x02\x01\x03"),  # privacy without authentication
        (b"\x04\x01\x05\x02\x01\x03", b"\x04\x01\x05\x02\x01\x02"),  # another security model
        (b"\x02\x01\x03\x30", b"\x02\x01\x02\x30"),  # another version
        (b"\x02\x03\x01\x11\x70", b"\x02\x03\xff\x11\x70"),  # negative engine time
    ],
)
def test_a_header_that_makes_no_sense_is_refused(old: bytes, new: bytes) -> None:
    datagram = seal(USERS[1])
    assert datagram.count(old) == 1
    with pytest.raises(BerError):
        v3.read_header(datagram.replace(old, new))


@given(st.binary(max_size=300))
def test_noise_is_refused_as_malformed_and_in_no_other_way(noise: bytes) -> None:
    with pytest.raises(BerError):
        v3.read_header(noise)


def test_privacy_without_a_usable_salt_is_refused() -> None:
    datagram = seal(USERS[2])
    header = v3.read_header(datagram)
    with pytest.raises(BerError):
        v3.read_scoped_pdu(datagram, header._replace(salt=b"short"), keys_for(USERS[2], ENGINE_ID))
