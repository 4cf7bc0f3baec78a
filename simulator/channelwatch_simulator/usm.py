"""The user-based security model (RFC 3414) on the authoritative side, with one choice of algorithms:
HMAC-192-SHA-256 (RFC 7860) and AES-128 in CFB mode (RFC 3826).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from channelwatch_simulator import ber
from channelwatch_simulator.ber import BerError, Reader

try:  # the class moved when CFB was declared legacy; SNMP has nothing newer
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # pragma: no cover
    from cryptography.hazmat.primitives.ciphers.modes import CFB

VERSION_3 = 3
SECURITY_MODEL_USM = 3
MAC_BYTES = 24
SALT_BYTES = 8
TIME_WINDOW_S = 150
MAX_BOOTS = 2**31 - 1
MAX_MESSAGE_BYTES = 65507
_EXPANDED_BYTES = 1_048_576


class Flag(IntFlag):
    """msgFlags (RFC 3412 section 6.4)."""

    NONE = 0
    AUTH = 1
    PRIV = 2
    REPORTABLE = 4


class Stat(IntEnum):
    """Last arc of a usmStats counter: why a message was refused (RFC 3414 section 5)."""

    UNSUPPORTED_SEC_LEVELS = 1
    NOT_IN_TIME_WINDOWS = 2
    UNKNOWN_USER_NAMES = 3
    UNKNOWN_ENGINE_IDS = 4
    WRONG_DIGESTS = 5
    DECRYPTION_ERRORS = 6


@dataclass(frozen=True, slots=True)
class User:
    """A user's keys, localised to one engine."""

    name: bytes
    auth_key: bytes
    priv_key: bytes

    def __repr__(self) -> str:
        return f"User({self.name!r})"


@dataclass(frozen=True, slots=True)
class Message:
    """A version 3 message before its security is checked. `mac_at` is the offset of the MAC in `raw`."""

    raw: bytes
    message_id: int
    max_size: int
    flags: Flag
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    mac: bytes
    mac_at: int
    salt: bytes
    data_at: int


@dataclass(frozen=True, slots=True)
class Engine:
    """What an authoritative engine says of itself in a message: `time` in seconds since it started."""

    engine_id: bytes
    boots: int
    time: int


def master_key(pass_phrase: str) -> bytes:
    """Password to key (RFC 3414 appendix A.2) with SHA-256. It hashes one megabyte: do it once per phrase."""
    raw = pass_phrase.encode()
    if len(raw) < 8:
        raise ValueError("a pass phrase has at least 8 characters")
    repeated = raw * (_EXPANDED_BYTES // len(raw) + 1)
    return hashlib.sha256(repeated[:_EXPANDED_BYTES]).digest()


def localise(master: bytes, engine_id: bytes) -> bytes:
    """The key of one engine (RFC 3414 section 2.6)."""
    return hashlib.sha256(master + engine_id + master).digest()


def user_of(name: str, auth_master: bytes, priv_master: bytes, engine_id: bytes) -> User:
    """A user of the engine `engine_id`."""
    return User(name.encode(), localise(auth_master, engine_id), localise(priv_master, engine_id)[:16])


def parse(datagram: bytes) -> Message:
    """Read the header and the security parameters. Raises BerError for anything else."""
    outer = Reader(datagram).enter(ber.SEQUENCE)
    if outer.integer() != VERSION_3:
        raise BerError("not version 3")
    header = outer.enter(ber.SEQUENCE)
    message_id, max_size = header.integer(), header.integer()
    flags = header.take(ber.OCTETS)
    if len(flags) != 1 or header.integer() != SECURITY_MODEL_USM:
        raise BerError("not the user-based security model")
    security = outer.enter(ber.OCTETS).enter(ber.SEQUENCE)
    engine_id = security.take(ber.OCTETS)
    boots, time = security.integer(), security.integer()
    if not (0 <= boots <= MAX_BOOTS and 0 <= time <= MAX_BOOTS):
        raise BerError("boots or time out of range")
    user = security.take(ber.OCTETS)
    mac = security.enter(ber.OCTETS)
    return Message(
        raw=datagram,
        message_id=message_id,
        max_size=max_size,
        flags=Flag(flags[0] & 7),
        engine_id=engine_id,
        boots=boots,
        time=time,
        user=user,
        mac=datagram[mac.position : mac.end],
        mac_at=mac.position,
        salt=security.take(ber.OCTETS),
        data_at=outer.position,
    )


def verify(message: Message, user: User, engine: Engine) -> Stat | None:
    """Why the authentication of `message` fails, or None (RFC 3414 section 3.2 steps 6 and 7)."""
    if len(message.mac) != MAC_BYTES:
        return Stat.WRONG_DIGESTS
    end = message.mac_at + MAC_BYTES
    unsigned = message.raw[: message.mac_at] + bytes(MAC_BYTES) + message.raw[end:]
    if not hmac.compare_digest(_mac(user, unsigned), message.mac):
        return Stat.WRONG_DIGESTS
    late = abs(message.time - engine.time) > TIME_WINDOW_S
    if message.boots != engine.boots or engine.boots == MAX_BOOTS or late:
        return Stat.NOT_IN_TIME_WINDOWS
    return None


def open_data(message: Message, user: User | None) -> Reader:
    """The scoped PDU, decrypted when `message` says so. Raises BerError when it cannot be read."""
    reader = Reader(message.raw, message.data_at)
    if not message.flags & Flag.PRIV:
        return reader.enter(ber.SEQUENCE)
    if user is None or len(message.salt) != SALT_BYTES:
        raise BerError("cannot be decrypted")
    cipher = _cipher(user, message.boots, message.time, message.salt).decryptor()
    return Reader(cipher.update(reader.take(ber.OCTETS)) + cipher.finalize()).enter(ber.SEQUENCE)


def seal(engine: Engine, scoped: bytes, user: User, *, message_id: int, flags: Flag, salt: int) -> bytes:
    """A whole message with `scoped` (an encoded scoped PDU) inside, protected as `flags` ask.

    `salt` must differ between any two messages of one engine boot (RFC 3826 section 3.1.2.1).
    """
    salted, data = b"", scoped
    if flags & Flag.PRIV:
        salted = salt.to_bytes(SALT_BYTES, "big")
        cipher = _cipher(user, engine.boots, engine.time, salted).encryptor()
        data = ber.octets(cipher.update(scoped) + cipher.finalize())
    mac = bytes(MAC_BYTES) if flags & Flag.AUTH else b""
    security = ber.sequence(
        ber.octets(engine.engine_id),
        ber.integer(engine.boots),
        ber.integer(engine.time),
        ber.octets(user.name),
        ber.octets(mac),
        ber.octets(salted),
    )
    header = ber.sequence(
        ber.integer(message_id),
        ber.integer(MAX_MESSAGE_BYTES),
        ber.octets(bytes((flags,))),
        ber.integer(SECURITY_MODEL_USM),
    )
    message = ber.sequence(ber.integer(VERSION_3), header, ber.octets(security), data)
    if not mac:
        return message
    end = len(message) - len(data) - len(ber.octets(salted))
    return message[: end - MAC_BYTES] + _mac(user, message) + message[end:]


def _mac(user: User, message: bytes) -> bytes:
    return hmac.digest(user.auth_key, message, "sha256")[:MAC_BYTES]


def _cipher(user: User, boots: int, time: int, salt: bytes) -> Cipher[CFB]:
    start = boots.to_bytes(4, "big") + time.to_bytes(4, "big") + salt
    return Cipher(algorithms.AES(user.priv_key), CFB(start))
