"""The SNMPv3 message (RFC 3412 section 6) with USM security parameters (RFC 3414 section 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from channelwatch_collector.snmp import ber
from channelwatch_collector.snmp.ber import BerError
from channelwatch_collector.snmp.pdu import Pdu, PduHead, Version, read_pdu_head, read_version, read_whole
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


@dataclass(frozen=True, slots=True)
class Envelope:
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
    at, after_global = ber.expect(datagram, at, end, ber.SEQUENCE)
    msg_id, at = ber.read_int(datagram, at, after_global)
    _, at = ber.read_int(datagram, at, after_global)
    flags, at = ber.read_octets(datagram, at, after_global)
    model, _ = ber.read_int(datagram, at, after_global)
    level = _LEVELS.get(flags[0] & 3) if len(flags) == 1 else None
    if level is None or model != USM_MODEL:
        raise BerError("security flags or model that do not exist")
    at, after_security = ber.expect(datagram, after_global, end, ber.OCTET_STRING)
    at, stop = ber.expect(datagram, at, after_security, ber.SEQUENCE)
    engine_id, at = ber.read_octets(datagram, at, stop)
    boots, at = ber.read_int(datagram, at, stop)
    time_s, at = ber.read_int(datagram, at, stop)
    user, at = ber.read_octets(datagram, at, stop)
    mac_at, after_mac = ber.expect(datagram, at, stop, ber.OCTET_STRING)
    salt, _ = ber.read_octets(datagram, after_mac, stop)
    if not 0 <= boots <= MAX_BOOTS or not 0 <= time_s <= MAX_TIME_S:
        raise BerError("engine boots or time out of range")
    return Header(
        msg_id=msg_id,
        level=level,
        reportable=bool(flags[0] & FLAG_REPORTABLE),
        engine_id=engine_id,
        boots=boots,
        time_s=time_s,
        user=user,
        mac=datagram[mac_at:after_mac],
        mac_at=mac_at,
        salt=salt,
        payload_at=after_security,
        end=end,
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
    at, end = ber.expect(data, at, end, ber.SEQUENCE)
    context_engine_id, at = ber.read_octets(data, at, end)
    context, at = ber.read_octets(data, at, end)
    return OpenedPdu(context_engine_id, context, data, read_pdu_head(data, at, end))


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


def encode_message(
    envelope: Envelope, scoped: bytes, keys: Keys, *, level: SecurityLevel, salt: bytes = b""
) -> bytes:
    """The whole datagram at `level`, signed and encrypted with `keys`.

    `salt` has eight octets, never used before under these keys; only authPriv needs it.
    """
    flags = _FLAGS[level] | (FLAG_REPORTABLE if envelope.reportable else 0)
    mac_octets = keys.mac_octets if level is not SecurityLevel.NO_AUTH_NO_PRIV else 0
    if level is SecurityLevel.AUTH_PRIV:
        secret = keys.encrypt(scoped, boots=envelope.boots, time_s=envelope.time_s, salt=salt)
        payload = ber.tlv(ber.OCTET_STRING, secret)
    else:
        salt, payload = b"", scoped
    before_mac = (
        ber.tlv(ber.OCTET_STRING, envelope.engine_id)
        + ber.encode_int(envelope.boots)
        + ber.encode_int(envelope.time_s)
        + ber.tlv(ber.OCTET_STRING, envelope.user)
        + bytes((ber.OCTET_STRING, mac_octets))
    )
    after_mac = ber.tlv(ber.OCTET_STRING, salt)
    security = ber.tlv(ber.SEQUENCE, before_mac + bytes(mac_octets) + after_mac)
    message = ber.tlv(
        ber.SEQUENCE,
        b"\x02\x01\x03"
        + ber.tlv(
            ber.SEQUENCE,
            ber.encode_int(envelope.msg_id)
            + ber.encode_int(MAX_DATAGRAM)
            + bytes((ber.OCTET_STRING, 1, flags, ber.INTEGER, 1, USM_MODEL)),
        )
        + ber.tlv(ber.OCTET_STRING, security)
        + payload,
    )
    if not mac_octets:
        return message
    mac_at = len(message) - len(payload) - len(after_mac) - mac_octets
    return message[:mac_at] + keys.digest(message) + message[mac_at + mac_octets :]
