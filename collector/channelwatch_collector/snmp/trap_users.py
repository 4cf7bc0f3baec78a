"""Who may send v3 traps, and which of them sent this one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import TrapRejection
from channelwatch_collector.snmp.port import V3, SecurityLevel
from channelwatch_collector.snmp.usm import Keys, auth_keys_for, keys_for, speaks


@dataclass(frozen=True, slots=True)
class TrapUser:
    """A user whose traps are taken, at `minimum` or a higher level; by default only at the user's own."""

    credential: V3
    minimum: SecurityLevel | None = None

    def __post_init__(self) -> None:
        if not speaks(self.credential.priv_protocol):
            raise ValueError(f"traps cannot be decrypted from {self.credential.priv_protocol}")
        if self.minimum is not None and self.minimum > self.credential.level:
            raise ValueError("the minimum level is above what the user's keys allow")

    @property
    def required(self) -> SecurityLevel:
        """The lowest level accepted."""
        return self.minimum or self.credential.level

    def takes(self, level: SecurityLevel) -> bool:
        """Whether a message at `level` may be this user's."""
        return self.required <= level <= self.credential.level


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

    def eligible(self, header: v3.Header) -> tuple[TrapUser, ...]:
        """Those of the header's name who may send at its level.

        Raises:
            Rejected: unknown, or at a level that none of them may or can use.
        """
        named = self._by_name.get(header.user)
        if named is None:
            raise Rejected(TrapRejection.UNKNOWN_USER)
        found = tuple([user for user in named if user.takes(header.level)])
        if found:
            return found
        below = any(header.level < user.required for user in named)
        raise Rejected(TrapRejection.BELOW_LEVEL if below else TrapRejection.ABOVE_LEVEL)

    def identify(
        self, datagram: bytes, header: v3.Header, candidates: tuple[TrapUser, ...], known: KnownKeys
    ) -> tuple[TrapUser, Keys]:
        """The candidate whose digest the message carries, with the keys on its authoritative engine.

        `known` is asked first and learns the answer. Without authentication the first candidate is taken
        at its word.

        Raises:
            Rejected: nobody's digest.
        """
        remembered = known.get(header.user)
        if (
            remembered is not None
            and remembered[0] in candidates
            and _signed(datagram, header, remembered[1])
        ):
            return remembered
        for user in candidates:
            if _signed(datagram, header, auth_keys_for(user.credential, header.engine_id)):
                found = user, keys_for(user.credential, header.engine_id)
                known[header.user] = found
                return found
        raise Rejected(TrapRejection.WRONG_DIGEST)


def _signed(datagram: bytes, header: v3.Header, keys: Keys) -> bool:
    if header.level is SecurityLevel.NO_AUTH_NO_PRIV:
        return True
    return keys.verifies(datagram, header.mac_at, header.mac)
