"""The SNMPv3 message (RFC 3412 section 6) with USM security parameters (RFC 3414 section 2.4)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import (
    ID_OCTETS,
    Pdu,
    PduHead,
    PduTemplate,
    Version,
    read_pdu_head,
    read_version,
    read_whole,
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
_SCOPE_FIELDS = b"\x04\x04"
_PREPARED = 4_096

USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
MPD_STATS: Oid = (1, 3, 6, 1, 6, 3, 11, 2, 1)
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


class ScopedPdu(NamedTuple):
    """RFC 3412 section 6.8."""

    context_engine_id: bytes
    context: bytes
    pdu: Pdu


class OpenedPdu(NamedTuple):
    """RFC 3412 section 6.8, with the PDU in `data` as far as its variable bindings."""

    context_engine_id: bytes
    context: bytes
    data: bytes
    head: PduHead


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


def open_scoped_pdu(datagram: bytes, header: Header, keys: Keys) -> OpenedPdu:
    """The scopedPDU of a message whose digest has been checked, decrypted if need be.

    Raises:
        BerError: broken, or noise after decryption with another key.
    """
    data, at, end = datagram, header.payload_at, header.end
    if header.level is SecurityLevel.AUTH_PRIV:
        secret, _ = ber.read_octets(datagram, at, end)
        if len(header.salt) != SALT_OCTETS or keys.cipher is None:
            raise BerError("no way to decrypt this")
        data = keys.decrypt(secret, boots=header.boots, time_s=header.time_s, salt=header.salt)
        at, end = 0, len(data)
    ((at, end),) = ber.spans(data, at, end, _SECURITY)
    engine_id, context = ber.spans(data, at, end, _SCOPE_FIELDS)
    head = read_pdu_head(data, context[1], end)
    return OpenedPdu(data[engine_id[0] : engine_id[1]], data[context[0] : context[1]], data, head)


def read_scoped_pdu(datagram: bytes, header: Header, keys: Keys) -> ScopedPdu:
    """The same with its variable bindings.

    Raises:
        BerError: as `open_scoped_pdu`.
    """
    context_engine_id, context, data, head = open_scoped_pdu(datagram, header, keys)
    return ScopedPdu(context_engine_id, context, read_whole(data, head))


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


def encode_message(
    envelope: Envelope, scoped: bytes, keys: Keys, *, level: SecurityLevel, salt: bytes = b""
) -> bytes:
    """The whole datagram at `level`, signed and encrypted with `keys`.

    `salt` has eight octets, never used before under these keys; only authPriv needs it.
    """
    msg_id, reportable, engine_id, boots, time_s, user = envelope
    flags = _FLAGS[level] | (FLAG_REPORTABLE if reportable else 0)
    mac_octets = keys.mac_octets if level is not SecurityLevel.NO_AUTH_NO_PRIV else 0
    if level is SecurityLevel.AUTH_PRIV:
        scoped = ber.tlv(ber.OCTET_STRING, keys.encrypt(scoped, boots=boots, time_s=time_s, salt=salt))
    else:
        salt = b""
    after_mac = b"\x04" + bytes((len(salt),)) + salt
    security = ber.tlv(
        ber.SEQUENCE,
        b"".join(
            (
                _octets(engine_id),
                _integer(boots),
                _integer(time_s),
                _octets(user),
                _octets(bytes(mac_octets)),
                after_mac,
            )
        ),
    )
    header = ber.tlv(ber.SEQUENCE, ber.encode_int(msg_id) + _GLOBAL_DATA[flags])
    message = ber.tlv(
        ber.SEQUENCE, b"".join((b"\x02\x01\x03", header, ber.tlv(ber.OCTET_STRING, security), scoped))
    )
    if not mac_octets:
        return message
    mac_at = len(message) - len(scoped) - len(after_mac) - mac_octets
    return message[:mac_at] + keys.digest(message) + message[mac_at + mac_octets :]
