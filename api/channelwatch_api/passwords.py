"""Password hashes: scrypt (RFC 7914) as `scrypt$n$r$p$salt$hash`, salt and hash in base64."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from channelwatch.base.errors import Permanent

SALT_BYTES = 16
HASH_BYTES = 32
MAX_MEMORY_BYTES = 256 * 1024 * 1024
"""A stored hash that asks for more memory than this is refused: it would let a file stop the service."""


@dataclass(frozen=True, slots=True)
class Cost:
    """scrypt's parameters: `n` (a power of two) sets time and memory, `r` the block size, `p` the repetitions."""

    n: int = 2**15
    r: int = 8
    p: int = 3

    @property
    def memory_bytes(self) -> int:
        """What one computation holds in memory."""
        return 128 * self.r * (self.n + self.p + 2)


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A parsed hash. `verify` takes a few hundred milliseconds on purpose: call it in a thread."""

    cost: Cost
    salt: bytes
    digest: bytes

    def verify(self, password: str) -> bool:
        """Is `password` the one? Takes the same time for right and wrong ones."""
        return hmac.compare_digest(_derive(password, self.salt, self.cost, len(self.digest)), self.digest)

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(part).decode("ascii") for part in (self.salt, self.digest))
        return f"scrypt${self.cost.n}${self.cost.r}${self.cost.p}${salt}${digest}"


def hash_password(password: str, cost: Cost = Cost()) -> PasswordHash:
    """A new hash of `password` with its own random salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return PasswordHash(cost, salt, _derive(password, salt, cost, HASH_BYTES))


def parse_hash(text: str) -> PasswordHash:
    """The hash written in `text`. Permanent when it is none or asks for more memory than is allowed."""
    parts = text.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        raise _refused("is not scrypt$n$r$p$salt$hash; make one with `channelwatch hash-password`")
    try:
        n, r, p = (int(part) for part in parts[1:4])
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[4:6])
    except (ValueError, binascii.Error):
        raise _refused("holds a number or base64 text that cannot be read") from None
    cost = Cost(n, r, p)
    if n < 2 or n & (n - 1) or not 1 <= r <= 64 or not 1 <= p <= 64 or cost.memory_bytes > MAX_MEMORY_BYTES:
        raise _refused(f"has parameters outside the allowed range (n={n}, r={r}, p={p})")
    if len(salt) < 8 or len(digest) < 16:
        raise _refused("has too short a salt or hash")
    return PasswordHash(cost, salt, digest)


def decoy(cost: Cost) -> PasswordHash:
    """A hash that no password meets, so that an unknown name costs as much time as a known one."""
    return PasswordHash(cost, secrets.token_bytes(SALT_BYTES), secrets.token_bytes(HASH_BYTES))


def _derive(password: str, salt: bytes, cost: Cost, length: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost.n, r=cost.r, p=cost.p,
        maxmem=cost.memory_bytes + 1024 * 1024, dklen=length,
    )  # fmt: skip


def _refused(reason: str) -> Permanent:
    return Permanent(f"the password hash {reason}", operation="accounts")
