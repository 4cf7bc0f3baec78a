"""Who may send v3 traps, and which of them sent this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import TrapRejection
from channelwatch_collector.snmp.port import V3, SecurityLevel
from channelwatch_collector.snmp.usm import Keys, auth_keys_for, keys_for, speaks


@dataclass(frozen=True, slots=True)
class TrapUser:
    """A user whose traps are taken, at `minimum` or a higher level; by default only at the user's own."""

    credential: V3
    minimum: SecurityLevel | None = None
    required: SecurityLevel = field(init=False)
    """The lowest level accepted."""
    level: SecurityLevel = field(init=False)
    """The highest one that its keys allow."""

    def __post_init__(self) -> None:
        level = self.credential.level
        if not speaks(self.credential.priv_protocol):
            raise ValueError(f"traps cannot be decrypted from {self.credential.priv_protocol}")
        if self.minimum is not None and self.minimum > level:
            raise ValueError("the minimum level is above what the user's keys allow")
        object.__setattr__(self, "level", level)
        object.__setattr__(self, "required", self.minimum or level)

    def takes(self, level: SecurityLevel) -> bool:
        """Whether a message at `level` may be this user's."""
        return self.required <= level <= self.level


class Rejected(Exception):
    """A datagram that does not become a notification; `reply` goes back to its sender all the same."""

    def __init__(self, reason: TrapRejection, reply: bytes | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


KnownKeys = dict[bytes, tuple[TrapUser, Keys]]
"""On one engine: who proved to be behind a user name, and the keys there."""


class Keyring:
    """All trap users. Several may share one name with different pass phrases; the digest tells them apart."""

    def __init__(self, users: Iterable[TrapUser]) -> None:
        self._by_name: dict[bytes, tuple[TrapUser, ...]] = {}
        for user in users:
            name = user.credential.user.encode()
            self._by_name[name] = (*self._by_name.get(name, ()), user)

    def sender(self, datagram: bytes, header: v3.Header, known: KnownKeys) -> tuple[TrapUser, Keys]:
        """The user whose name, level and digest the message carries, with the keys on its authoritative engine.

        `known` is asked first and learns the answer. Without authentication the first of the name is taken
        at its word.

        Raises:
            Rejected: unknown, at a level that nobody of this name may or can use, or with nobody's digest.
        """
        remembered = known.get(header.user)
        if remembered is not None:
            user, keys = remembered
            if user.takes(header.level) and _signed(datagram, header, keys):
                return remembered
        for user in self._eligible(header):
            if _signed(datagram, header, auth_keys_for(user.credential, header.engine_id)):
                found = user, keys_for(user.credential, header.engine_id)
                known[header.user] = found
                return found
        raise Rejected(TrapRejection.WRONG_DIGEST)

    def _eligible(self, header: v3.Header) -> tuple[TrapUser, ...]:
        named = self._by_name.get(header.user)
        if named is None:
            raise Rejected(TrapRejection.UNKNOWN_USER)
        found = tuple([user for user in named if user.takes(header.level)])
        if found:
            return found
        below = any(header.level < user.required for user in named)
        raise Rejected(TrapRejection.BELOW_LEVEL if below else TrapRejection.ABOVE_LEVEL)


def _signed(datagram: bytes, header: v3.Header, keys: Keys) -> bool:
    if header.level is SecurityLevel.NO_AUTH_NO_PRIV:
        return True
    return keys.verifies(datagram, header.mac_at, header.mac)
