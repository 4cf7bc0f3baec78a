"""What a message says about how to acknowledge it."""

from __future__ import annotations

from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode, IncidentId
from channelwatch.incidents.ack import AckClaim, AckSigner
from channelwatch.incidents.model import OVER, PageKind
from channelwatch.pipeline.ports import Alert

_TOLD_ONLY = OVER | {PageKind.IMPACT}


@dataclass(frozen=True, slots=True)
class Acks:
    """`url` is where people reach this instance's pages, None where no link is to be sent. Links last `ttl_ms`."""

    signer: AckSigner
    url: str | None
    ttl_ms: int

    def link(self, alert: Alert) -> str | None:
        """The address of the page on which the alert's contact takes the incident."""
        if self.url is None or not _is_asked(alert):
            return None
        expires = EpochMs(alert.created_at + self.ttl_ms)
        claim = AckClaim(IncidentId(alert.incident), alert.round, ContactCode(alert.contact), expires)
        return f"{self.url.rstrip('/')}/ack/{self.signer.token(claim)}"

    def code(self, alert: Alert) -> str | None:
        """The digits to reply or to say."""
        return self.signer.code(alert.incident, alert.round, alert.contact) if _is_asked(alert) else None


def _is_asked(alert: Alert) -> bool:
    return bool(alert.contact) and alert.kind not in _TOLD_ONLY
