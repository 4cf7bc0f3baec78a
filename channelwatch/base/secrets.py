"""Secrets that cannot be printed by accident."""

from __future__ import annotations

import hmac
from hashlib import sha256


class Secret:
    """A value that shows itself only to `reveal()`: never in a repr, a format, a pickle or a log line."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Call it only where the value is used up."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")


def sign(secret: Secret, text: bytes) -> str:
    """HMAC-SHA-256 (RFC 2104) of `text` in lower-case hex."""
    return hmac.new(secret.reveal().encode(), text, sha256).hexdigest()
