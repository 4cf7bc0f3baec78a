"""The SNMPv3 message (RFC 3412 section 6) with USM security parameters (RFC 3414 section 2.4)."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import NamedTuple

from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import (
    ID_OCTETS,
    Pdu,
    PduTemplate,
    Version,
    read_pdu,
    read_version,
)
from channelwatch_collector.snmp.port import MAX_DATAGRAM, Oid, SecurityLevel
from channelwatch_collector.snmp.usm import MAX_BOOTS, MAX_TIME_S, SALT_OCTETS, Keys

FLAG_AUTH, FLAG_PRIV, FLAG_REPORTABLE = 1, 2, 4
USM_MODEL = 3

_FLAGS = {
    SecurityLevel.NO_AUTH_NO_PRIV: 0,
    SecurityLevel.AUTH_NO_PRIV: FLAG_AUTH,
    SecurityLevel.AUTH_PRIV: FLAG_AUTH | FLAG_PRIV,
}
_LEVELS = {flags: level for level, flags in _FLAGS.items()}
# What follows the message id: our largest message, the flags, the security model.
_GLOBAL_DATA = {
    flags: ber.encode_int(MAX_DATAGRAM) + bytes((ber.OCTET_STRING, 1, flags, ber.INTEGER, 1, USM_MODEL))
    for flags in range(8)
}
_HEADER_FIELDS, _GLOBAL_FIELDS = b"\x30\x04", b"\x02\x02\x04\x02"
_SECURITY, _SECURITY_FIELDS = b"\x30", b"\x04\x02\x02\x04\x04\x04"
_SCOPE_FIELDS, _SECRET = b"\x04\x04", b"\x04"
_PREPARED = 4_096
_number = int.from_bytes

# All between the version and the payload, its lengths in the fewest octets, as nearly every agent writes it.
_SHORT = rb"(\x81[\x80-\xff]|[\0-\x7f])"
_INTEGER_OCTETS = ber.of_length((4, 3, 2, 1, 5))
_match_header = re.compile(
    rb"0([\0-\x7f])\x02("
    + _INTEGER_OCTETS
    + rb")\x02"
    + _INTEGER_OCTETS
    + rb"\x04\x01([\0\1\3-\5\7])\x02\x01\x03"
    rb"\x04"
    + _SHORT
    + rb"0"
    + _SHORT
    + rb"\x04("
    + ber.of_length((*range(9, 18), *range(18, 33), *range(9)))
    + rb")"
    rb"\x02(" + _INTEGER_OCTETS + rb")\x02(" + _INTEGER_OCTETS + rb")\x04(" + ber.of_length(range(33)) + rb")"
    rb"\x04(" + ber.of_length((24, 12, 16, 32, 48, 0)) + rb")\x04(" + ber.of_length((8, 0)) + rb")",
    re.DOTALL,
).match
_LENGTH, _INNER_LENGTH, _MAC = 4, 5, 10
_match_scope = re.compile(
    rb"0"
    + ber.SHORTEST_LENGTH
    + rb"\x04("
    + ber.of_length((*range(9, 33), *range(9)))
    + rb")\x04("
    + ber.of_length(range(33))
    + rb")",
    re.DOTALL,
).match

USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
UNSUPPORTED_SEC_LEVELS: Oid = (*USM_STATS, 1, 0)
NOT_IN_TIME_WINDOWS: Oid = (*USM_STATS, 2, 0)
UNKNOWN_USER_NAMES: Oid = (*USM_STATS, 3, 0)
UNKNOWN_ENGINE_IDS: Oid = (*USM_STATS, 4, 0)
WRONG_DIGESTS: Oid = (*USM_STATS, 5, 0)
DECRYPTION_ERRORS: Oid = (*USM_STATS, 6, 0)
UNAVAILABLE_CONTEXTS: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 4, 0)
UNKNOWN_CONTEXTS: Oid = (1, 3, 6, 1, 6, 3, 12, 1, 5, 0)


class Header(NamedTuple):
    """Everything of a message that is legible without a key.

    `payload_at..end` is the scopedPDU, in the clear or inside an OCTET STRING; `mac_at` is the position
    of the digest in the datagram.
    """

    msg_id: int
    level: SecurityLevel
    reportable: bool
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes
    mac: bytes
    mac_at: int
    salt: bytes
    payload_at: int
    end: int


_make_header = partial(tuple.__new__, Header)


class ScopedPdu(NamedTuple):
    """RFC 3412 section 6.8."""

    context_engine_id: bytes
    context: bytes
    pdu: Pdu


class Scope(NamedTuple):
    """RFC 3412 section 6.8, with a PDU from `at` to `end` that is still to be read."""

    context_engine_id: bytes
    context: bytes
    at: int
    end: int


class Envelope(NamedTuple):
    """What an outgoing message says about itself."""

    msg_id: int
    reportable: bool
    engine_id: bytes
    boots: int
    time_s: int
    user: bytes


def read_header(datagram: bytes) -> Header:
    """The frame of a v3 message under USM.

    Raises:
        BerError: broken, another version or security model, or privacy without authentication.
    """
    version, at, end = read_version(datagram)
    if version != Version.V3:
        raise BerError("not an SNMPv3 message")
    return header_at(datagram, at, end)


def header_at(datagram: bytes, at: int, end: int) -> Header:
    """The same where `read_version` has found version 3, with what it returned besides.

    Raises:
        BerError: as `read_header`.
    """
    match = _match_header(datagram, at, end)
    if match is None:
        return _header_in_full(datagram, at, end)
    global_length, msg_id, flags, length, inner_length, engine_id, boots, time_s, user, mac, salt = (
        match.groups()
    )
    stop = match.end()
    if (
        length[-1] != stop - match.end(_LENGTH)
        or inner_length[-1] != stop - match.end(_INNER_LENGTH)
        or global_length[0] != match.start(_LENGTH) - at - 3
    ):
        return _header_in_full(datagram, at, end)
    flag = flags[0]
    engine_boots = _number(boots[1:], "big", signed=True)
    engine_time = _number(time_s[1:], "big", signed=True)
    if not 0 <= engine_boots <= MAX_BOOTS or not 0 <= engine_time <= MAX_TIME_S:
        raise BerError("engine boots or time out of range")
    return _make_header(
        (
            _number(msg_id[1:], "big", signed=True),
            _LEVELS[flag & 3],
            bool(flag & FLAG_REPORTABLE),
            engine_id[1:],
            engine_boots,
            engine_time,
            user[1:],
            mac[1:],
            match.start(_MAC) + 1,
            salt[1:],
            stop,
            end,
        )
    )


def _header_in_full(datagram: bytes, at: int, end: int) -> Header:
    """The same in any definite form of its lengths."""
    (at, after_global), (security_at, after_security) = ber.spans(datagram, at, end, _HEADER_FIELDS)
    msg_id, _, flags, model = ber.spans(datagram, at, after_global, _GLOBAL_FIELDS)
    flag = datagram[flags[0]] if flags[1] - flags[0] == 1 else None
    level = _LEVELS.get(flag & 3) if flag is not None else None
    if flag is None or level is None or ber.to_int(datagram, model) != USM_MODEL:
        raise BerError("security flags or model that do not exist")
    ((at, stop),) = ber.spans(datagram, security_at, after_security, _SECURITY)
    engine_id, boots, time_s, user, (mac_at, after_mac), salt = ber.spans(
        datagram, at, stop, _SECURITY_FIELDS
    )
    engine_boots, engine_time = ber.to_int(datagram, boots), ber.to_int(datagram, time_s)
    if not 0 <= engine_boots <= MAX_BOOTS or not 0 <= engine_time <= MAX_TIME_S:
        raise BerError("engine boots or time out of range")
    return Header(
        ber.to_int(datagram, msg_id),
        level,
        bool(flag & FLAG_REPORTABLE),
        datagram[engine_id[0] : engine_id[1]],
        engine_boots,
        engine_time,
        datagram[user[0] : user[1]],
        datagram[mac_at:after_mac],
        mac_at,
        datagram[salt[0] : salt[1]],
        after_security,
        end,
    )


def plain_of(datagram: bytes, header: Header, keys: Keys) -> bytes:
    """The scopedPDU of a message whose digest has been checked, decrypted if need be.

    Raises:
        BerError: broken, or without what is needed to decrypt it.
    """
    if header.level is not SecurityLevel.AUTH_PRIV:
        return datagram[header.payload_at : header.end]
    ((start, stop),) = ber.spans(datagram, header.payload_at, header.end, _SECRET)
    if len(header.salt) != SALT_OCTETS or keys.cipher is None:
        raise BerError("no way to decrypt this")
    secret = datagram[start:stop]
    return keys.decrypt(secret, boots=header.boots, time_s=header.time_s, salt=header.salt)


def scope_of(plain: bytes) -> Scope:
    """What is around the PDU of the scopedPDU in `plain`.

    Raises:
        BerError: broken, or noise after decryption with another key.
    """
    match = _match_scope(plain)
    if match is None:
        ((at, end),) = ber.spans(plain, 0, len(plain), _SECURITY)
        engine_id, context = ber.spans(plain, at, end, _SCOPE_FIELDS)
        return Scope(plain[engine_id[0] : engine_id[1]], plain[context[0] : context[1]], context[1], end)
    length, named_engine, named_context = match.groups()
    end, at = match.end(1) + ber.length_of(length), match.end()
    if not at <= end <= len(plain):
        raise BerError("element reaches outside its container")
    return Scope(named_engine[1:], named_context[1:], at, end)


def read_scoped_pdu(datagram: bytes, header: Header, keys: Keys) -> ScopedPdu:
    """The scopedPDU of a message whose digest has been checked, with its variable bindings.

    Raises:
        BerError: as `plain_of` and `scope_of`.
    """
    plain = plain_of(datagram, header, keys)
    context_engine_id, context, at, end = scope_of(plain)
    return ScopedPdu(context_engine_id, context, read_pdu(plain, at, end))


def encode_scoped_pdu(context_engine_id: bytes, context: bytes, pdu: bytes) -> bytes:
    """An encoded PDU with its context."""
    return ber.tlv(
        ber.SEQUENCE,
        ber.tlv(ber.OCTET_STRING, context_engine_id) + ber.tlv(ber.OCTET_STRING, context) + pdu,
    )


@lru_cache(_PREPARED)
def scoped_question(context_engine_id: bytes, context: bytes, template: PduTemplate) -> PduTemplate:
    """`template` inside a scopedPDU."""
    inner = ber.tlv(ber.OCTET_STRING, context_engine_id) + ber.tlv(ber.OCTET_STRING, context) + template.head
    length = ber.encode_length(len(inner) + ID_OCTETS + len(template.tail))
    return PduTemplate(b"\x30" + length + inner, template.tail)


@lru_cache(_PREPARED)
def _octets(contents: bytes) -> bytes:
    return ber.tlv(ber.OCTET_STRING, contents)


@lru_cache(_PREPARED)
def _integer(number: int) -> bytes:
    return ber.encode_int(number)


@lru_cache(_PREPARED)
def _header(tag: int, length: int) -> bytes:
    return bytes((tag,)) + ber.encode_length(length)


@lru_cache(_PREPARED)
def _user_and_mac(user: bytes, mac_octets: int) -> bytes:
    """A user with an empty digest behind it."""
    return ber.tlv(ber.OCTET_STRING, user) + ber.tlv(ber.OCTET_STRING, bytes(mac_octets))


def encode_message(
    envelope: Envelope, scoped: bytes, keys: Keys, *, level: SecurityLevel, salt: bytes = b""
) -> bytes:
    """The whole datagram at `level`, signed and encrypted with `keys`.

    `salt` has eight octets, never used before under these keys; only authPriv needs it.
    """
    msg_id, reportable, engine_id, boots, time_s, user = envelope
    mac_octets = keys.mac_octets if level is not SecurityLevel.NO_AUTH_NO_PRIV else 0
    if level is SecurityLevel.AUTH_PRIV:
        secret = keys.encrypt(scoped, boots=boots, time_s=time_s, salt=salt)
        scoped = _header(ber.OCTET_STRING, len(secret)) + secret
    else:
        salt = b""
    head = ber.encode_int(msg_id) + _GLOBAL_DATA[_FLAGS[level] | (FLAG_REPORTABLE if reportable else 0)]
    security = b"".join(
        (
            _octets(engine_id),
            _integer(boots),
            _integer(time_s),
            _user_and_mac(user, mac_octets),
            b"\x04\x08" if salt else b"\x04\0",
            salt,
        )
    )
    opening = _header(ber.SEQUENCE, len(security))
    message = b"".join(
        (
            b"\x02\x01\x03",
            _header(ber.SEQUENCE, len(head)),
            head,
            _header(ber.OCTET_STRING, len(opening) + len(security)),
            opening,
            security,
            scoped,
        )
    )
    message = _header(ber.SEQUENCE, len(message)) + message
    if not mac_octets:
        return message
    mac_at = len(message) - len(scoped) - len(salt) - 2 - mac_octets
    return message[:mac_at] + keys.digest(message) + message[mac_at + mac_octets :]
