"""Acknowledging without an account: links that are signed and expire, and codes short enough to be said aloud. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.base.secrets import Secret
from channelwatch.incidents.model import Incident

TAG_BYTES = 16
CODE_DIGITS = 4
LINK_MAX = 400
_REPLY = re.compile(
    rf"(?:^|\W)(?:NHAN|NHẬN|ACK)\W{{0,3}}(?P<code>\d{{{CODE_DIGITS}}})(?:\D|$)", re.IGNORECASE
)


class AckRefusal(StrEnum):
    """Why a link or a code acknowledges nothing."""

    FORGED = "forged"
    EXPIRED = "expired"
    OVER = "over"
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_SENDER = "unknown_sender"
    TOO_MANY_TRIES = "too_many_tries"


@dataclass(frozen=True, slots=True)
class AckClaim:
    """The right of one contact to take one round of one incident until `expires_at`."""

    incident: IncidentId
    round: int
    contact: ContactCode
    expires_at: EpochMs


class AckSigner:
    """Makes and reads what a message carries; the secret stays in the instance."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def token(self, claim: AckClaim) -> str:
        """What a link carries: URL-safe, the claim in clear and a 128-bit tag (HMAC-SHA-256, cut)."""
        content = f"{claim.incident}.{claim.round}.{claim.expires_at // 1000}.{claim.contact}".encode()
        return f"{_text(content)}.{_text(self._tag(b'link', content))}"

    def read(self, token: str, now: EpochMs) -> AckClaim | AckRefusal:
        """The claim in a token that was made here and has not expired."""
        first, _, last = token.partition(".")
        if len(token) > LINK_MAX:
            return AckRefusal.FORGED
        try:
            content, tag = _octets(first), _octets(last)
        except (ValueError, binascii.Error):
            return AckRefusal.FORGED
        if not hmac.compare_digest(tag, self._tag(b"link", content)):
            return AckRefusal.FORGED
        number, rounds, expires, contact = content.decode().split(".", 3)
        claim = AckClaim(
            IncidentId(int(number)), int(rounds), ContactCode(contact), EpochMs(int(expires) * 1000)
        )
        return claim if now < claim.expires_at else AckRefusal.EXPIRED

    def code(self, incident: int, round_: int, contact: str) -> str:
        """Four digits for one contact and one round of one incident. They prove little: who says them must be known."""
        tag = self._tag(b"code", f"{incident}.{round_}.{contact}".encode())
        return str(int.from_bytes(tag[:8], "big") % 10**CODE_DIGITS).zfill(CODE_DIGITS)

    def _tag(self, purpose: bytes, content: bytes) -> bytes:
        key = self._secret.reveal().encode()
        return hmac.new(key, purpose + b"\0" + content, sha256).digest()[:TAG_BYTES]


def code_in(text: str) -> str | None:
    """The code in a reply such as `NHAN 4821`; None without one."""
    found = _REPLY.search(text)
    return found["code"] if found is not None else None


def refusal(claim: AckClaim, incident: Incident | None) -> AckRefusal | None:
    """May `claim` be used on `incident` as it is now? Acknowledging once more what was acknowledged is no harm."""
    if incident is None or incident.round != claim.round or incident.ended_at is not None:
        return AckRefusal.OVER
    return None


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _octets(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
