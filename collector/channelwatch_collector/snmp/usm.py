"""User-based security (RFC 3414) with SHA-2 (RFC 7860) and AES (RFC 3826): keys, digests, ciphers, time.

Pure: nothing here sends, waits or reads a clock. DES and 3DES are not spoken.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from channelwatch.base.secrets import Secret
from channelwatch_collector.snmp.port import V3, AuthProtocol, PrivProtocol, SecurityLevel

try:
    from cryptography.hazmat.decrepit.ciphers.modes import CFB
except ImportError:  # moved there in version 49
    from cryptography.hazmat.primitives.ciphers.modes import CFB

TIME_WINDOW_S = 150
"""RFC 3414 section 2.2.3."""

MAX_BOOTS = 2**31 - 1
"""An engine whose boots reached this accepts nothing until its administrator re-keys it (section 2.2.2)."""

MAX_TIME_S = 2**31 - 1
SALT_OCTETS = 8
_VECTOR_OCTETS = 16
_EXPANDED_OCTETS = 1_048_576
_MIN_ENGINE_ID, _MAX_ENGINE_ID = 5, 32

_HASHES: dict[AuthProtocol, Callable[[bytes], hashlib._Hash]] = {
    AuthProtocol.MD5: partial(hashlib.md5, usedforsecurity=False),
    AuthProtocol.SHA1: partial(hashlib.sha1, usedforsecurity=False),
    AuthProtocol.SHA224: hashlib.sha224,
    AuthProtocol.SHA256: hashlib.sha256,
    AuthProtocol.SHA384: hashlib.sha384,
    AuthProtocol.SHA512: hashlib.sha512,
}
_MAC_OCTETS = {
    AuthProtocol.MD5: 12,
    AuthProtocol.SHA1: 12,
    AuthProtocol.SHA224: 16,
    AuthProtocol.SHA256: 24,
    AuthProtocol.SHA384: 32,
    AuthProtocol.SHA512: 48,
}
_CIPHER_KEY_OCTETS = {
    PrivProtocol.AES128: 16,
    PrivProtocol.AES192_BLUMENTHAL: 24,
    PrivProtocol.AES192_REEDER: 24,
    PrivProtocol.AES256_BLUMENTHAL: 32,
    PrivProtocol.AES256_REEDER: 32,
}
_INNER, _OUTER = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))
_REEDER = frozenset({PrivProtocol.AES192_REEDER, PrivProtocol.AES256_REEDER})


def speaks(protocol: PrivProtocol | None) -> bool:
    """Whether this module knows the cipher."""
    return protocol is None or protocol in _CIPHER_KEY_OCTETS


def _hash(protocol: AuthProtocol, octets: bytes) -> bytes:
    return _HASHES[protocol](octets).digest()


def expand(protocol: AuthProtocol, phrase: bytes) -> bytes:
    """Ku of RFC 3414 section 2.6: the digest of `phrase` repeated to 1,048,576 octets."""
    copies = _EXPANDED_OCTETS // len(phrase) + 1
    return _hash(protocol, (phrase * copies)[:_EXPANDED_OCTETS])


@lru_cache(1024)
def master_key(protocol: AuthProtocol, phrase: Secret) -> bytes:
    """Ku of a pass phrase, remembered: it hashes a mebibyte, some milliseconds."""
    return expand(protocol, phrase.reveal().encode())


def localise(protocol: AuthProtocol, master: bytes, engine_id: bytes) -> bytes:
    """Kul of RFC 3414 section 2.6: `master` bound to one engine."""
    return _hash(protocol, master + engine_id + master)


def cipher_key(protocol: AuthProtocol, cipher: PrivProtocol, phrase: Secret, engine_id: bytes) -> bytes:
    """The localised privacy key at the cipher's length.

    A digest shorter than the cipher's key is stretched as draft-blumenthal-aes-usm-04 section 3.1.2.1
    or as draft-reeder-snmpv3-usm-3desede-00 section 2.1 says.
    """
    needed = _CIPHER_KEY_OCTETS[cipher]
    key = localise(protocol, master_key(protocol, phrase), engine_id)
    while len(key) < needed:
        if cipher in _REEDER:
            key += localise(protocol, expand(protocol, key), engine_id)
        else:
            key += _hash(protocol, key)
    return key[:needed]


def hmac_pads(protocol: AuthProtocol, key: bytes) -> tuple[bytes, bytes]:
    """What HMAC (RFC 2104) puts before the message and before the inner digest: all of it that depends on the key."""
    padded = key.ljust(_HASHES[protocol](b"").block_size, b"\0")
    return padded.translate(_INNER), padded.translate(_OUTER)


def aes(key: bytes) -> Cipher[CFB]:
    """AES in CFB-128 mode; each message brings its own vector."""
    return Cipher(algorithms.AES(key), CFB(bytes(_VECTOR_OCTETS)))


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One user's keys on one engine; `mac_octets` is 0 and the rest None or empty where the level needs none.

    HMAC is composed here from the two pads: the library's own derives them from the key for every message.
    """

    level: SecurityLevel
    mac_octets: int = 0
    pads: tuple[bytes, bytes] = (b"", b"")
    hash: Callable[[bytes], hashlib._Hash] | None = None
    cipher: Cipher[CFB] | None = None

    def digest(self, message: bytes) -> bytes:
        """The digest over `message`, whose digest field is all zeros (RFC 3414 section 6.3.1)."""
        hashed, (inner, outer) = self.hash, self.pads
        assert hashed is not None, "only a user who authenticates has a hash"
        return hashed(outer + hashed(inner + message).digest()).digest()[: self.mac_octets]

    def verifies(self, message: bytes, mac_at: int, mac: bytes) -> bool:
        """Whether `mac`, found at `mac_at`, is the digest of `message`; false for any other length."""
        size = self.mac_octets
        if not size or len(mac) != size:
            return False
        return hmac.compare_digest(
            self.digest(message[:mac_at] + bytes(size) + message[mac_at + size :]), mac
        )

    def encrypt(self, plain: bytes, *, boots: int, time_s: int, salt: bytes) -> bytes:
        """CFB-128 as RFC 3826 section 3.1.3; `salt` is never used twice under one key."""
        return self._context(boots, time_s, salt).encryptor().update(plain)

    def decrypt(self, secret: bytes, *, boots: int, time_s: int, salt: bytes) -> bytes:
        """The inverse of `encrypt`. A wrong key yields noise, which the BER reader then refuses."""
        return self._context(boots, time_s, salt).decryptor().update(secret)

    # CFB holds nothing back, so neither context needs its `finalize`.

    def _context(self, boots: int, time_s: int, salt: bytes) -> Cipher[CFB]:
        cipher = self.cipher
        assert cipher is not None, "only an authPriv user has a cipher"
        # A new vector for the same cipher: its constructor would check key and mode again for every message.
        cipher.mode = CFB(boots.to_bytes(4, "big") + time_s.to_bytes(4, "big") + salt)
        return cipher


def auth_keys_for(user: V3, engine_id: bytes) -> Keys:
    """The keys of `user` on `engine_id` without those of its cipher, which may take milliseconds to stretch.

    Raises:
        ValueError: an engine ID of impossible length.
    """
    if not _MIN_ENGINE_ID <= len(engine_id) <= _MAX_ENGINE_ID:
        raise ValueError("an engine ID has 5 to 32 octets")
    protocol = user.auth_protocol
    if protocol is None or user.auth_pass is None:
        return Keys(SecurityLevel.NO_AUTH_NO_PRIV)
    auth_key = localise(protocol, master_key(protocol, user.auth_pass), engine_id)
    pads = hmac_pads(protocol, auth_key)
    return Keys(SecurityLevel.AUTH_NO_PRIV, _MAC_OCTETS[protocol], pads, _HASHES[protocol])


def keys_for(user: V3, engine_id: bytes) -> Keys:
    """All keys of `user` on `engine_id`.

    Raises:
        ValueError: a cipher that this module does not speak, or an engine ID of impossible length.
    """
    keys = auth_keys_for(user, engine_id)
    if user.auth_protocol is None or user.priv_protocol is None or user.priv_pass is None:
        return keys
    if not speaks(user.priv_protocol):
        raise ValueError(f"{user.priv_protocol} is not spoken here")
    key = cipher_key(user.auth_protocol, user.priv_protocol, user.priv_pass, engine_id)
    return replace(keys, level=SecurityLevel.AUTH_PRIV, cipher=aes(key))


@dataclass(slots=True)
class EngineTime:
    """What we hold of another engine's clock (RFC 3414 section 2.3), from authenticated messages only.

    `boots` and `time_s` are as received at `seen_at_s` of a monotonic clock.
    """

    boots: int = 0
    time_s: int = 0
    seen_at_s: float = 0.0

    def now(self, at_s: float) -> int:
        """The engine's time, seconds, carried forward to `at_s`."""
        return min(self.time_s + int(at_s - self.seen_at_s), MAX_TIME_S)

    def learn(self, boots: int, time_s: int, at_s: float) -> bool:
        """Section 3.2 step 7b, for an authenticated message of that engine: False if it is stale.

        A newer boots, or a time later than any seen, moves the clock.
        """
        if boots >= MAX_BOOTS or boots < self.boots:
            return False
        if boots == self.boots and time_s < self.now(at_s) - TIME_WINDOW_S:
            return False
        if boots > self.boots or time_s > self.time_s:
            self.reset(boots, time_s, at_s)
        return True

    def reset(self, boots: int, time_s: int, at_s: float) -> None:
        """Take the clock as given, also backwards; only on proof that the message is fresh."""
        self.boots, self.time_s, self.seen_at_s = boots, time_s, at_s


def in_local_window(*, boots: int, time_s: int, our_boots: int, our_time_s: int) -> bool:
    """Section 3.2 step 7a: whether a message to us as the authoritative engine is timely."""
    return our_boots < MAX_BOOTS and boots == our_boots and abs(time_s - our_time_s) <= TIME_WINDOW_S
