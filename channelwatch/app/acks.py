"""Acknowledging without an account: by a signed link, by a reply to a short message, by a code that is said aloud."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from channelwatch.app.premises import Premises
from channelwatch.base.errors import Permanent, Transient
from channelwatch.base.ids import IncidentId
from channelwatch.incidents.ack import AckClaim, AckRefusal, AckSigner, code_in, refusal
from channelwatch.incidents.model import Incident
from channelwatch.inventory.model import Contact
from channelwatch.notify.gsm.transport import GsmChannel

if TYPE_CHECKING:
    from channelwatch.app.running.engine import Engine, Job

log = logging.getLogger(__name__)

TRIES = 5
TRY_WINDOW_MS = 15 * 60_000
MAX_TRIERS = 1_000
REPLIES_EVERY_S = 5.0


class AckHouse(Premises, Protocol):
    """What of the running engine is needed."""

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        """Record that a person took an incident. Permanent when there is none or it is over. Idempotent."""
        ...


class AckDesk:
    """Belongs to one event loop. What it records names the contact, and in `origin` the way and who came along it."""

    def __init__(self, house: AckHouse, signer: AckSigner) -> None:
        self._house = house
        self._signer = signer
        self._tries: OrderedDict[str, list[int]] = OrderedDict()

    def claimed(self, token: str) -> tuple[AckClaim, Incident] | AckRefusal:
        """What a link would acknowledge. Looking changes nothing: scanners of links look too."""
        claim = self._signer.read(token, self._house.clock.now())
        if isinstance(claim, AckRefusal):
            return claim
        incident = self._house.world.incidents.get(claim.incident)
        refused = refusal(claim, incident)
        if refused is not None:
            return refused
        assert incident is not None, "a claim on no incident is refused"
        return claim, incident

    async def by_link(self, token: str, address: str) -> Incident | AckRefusal:
        """The link's contact takes the incident."""
        found = self.claimed(token)
        if isinstance(found, AckRefusal):
            return found
        claim, incident = found
        return await self._take(incident, claim.contact, f"link {address}")

    async def by_reply(self, channel: str, number: str, text: str) -> Incident | AckRefusal:
        """Whoever has the telephone `number` takes the incident whose code is in `text`."""
        senders = self._contacts_of(channel, number)
        if not senders:
            return AckRefusal.UNKNOWN_SENDER
        return await self._by_code(
            code_in(text),
            senders,
            self._open(),
            origin=f"reply {channel}",
            tried_by=f"{channel}:{_digits(number)}",
        )

    async def by_spoken_code(self, incident: Incident, code: str, *, heard_by: str) -> Incident | AckRefusal:
        """The contact who said `code` to the account `heard_by` takes the incident."""
        contacts = [
            item
            for item in self._house.world.inventory.contacts
            if incident.bloc is None or incident.bloc in item.blocs
        ]
        return await self._by_code(
            code, contacts, [incident], origin=f"spoken, heard by {heard_by}", tried_by=f"account:{heard_by}"
        )

    async def _by_code(
        self,
        code: str | None,
        contacts: Iterable[Contact],
        incidents: Iterable[Incident],
        *,
        origin: str,
        tried_by: str,
    ) -> Incident | AckRefusal:
        if not self._may_try(tried_by):
            return AckRefusal.TOO_MANY_TRIES
        people = list(contacts)
        for incident in incidents:
            for contact in people:
                if code == self._signer.code(incident.id, incident.round, contact.code):
                    self._tries.pop(tried_by, None)
                    return await self._take(incident, contact.code, origin)
        return AckRefusal.UNKNOWN_CODE

    async def _take(self, incident: Incident, contact: str, origin: str) -> Incident | AckRefusal:
        try:
            return await self._house.acknowledge(incident.id, by=contact, origin=origin)
        except Permanent:
            return AckRefusal.OVER

    def _open(self) -> list[Incident]:
        """Those that may be taken, the newest first."""
        every = self._house.world.incidents
        return [
            every[IncidentId(number)]
            for number in sorted(every, reverse=True)
            if every[number].ended_at is None
        ]

    def _contacts_of(self, channel: str, number: str) -> list[Contact]:
        notify = self._house.settings.notify
        ways = notify.sms if channel == "sms" else notify.gsm
        named = {
            f"{channel}:{name}"
            for name, own in (ways.numbers if ways is not None else {}).items()
            if _digits(own) == _digits(number)
        }
        return [item for item in self._house.world.inventory.contacts if not named.isdisjoint(item.deliver)]

    def _may_try(self, who: str) -> bool:
        """At most so many codes within the window; a right one wipes the slate."""
        now = self._house.clock.monotonic_ms()
        recent = [at for at in self._tries.get(who, ()) if now - at < TRY_WINDOW_MS]
        if len(recent) >= TRIES:
            return False
        self._tries[who] = [*recent, now]
        self._tries.move_to_end(who)
        while len(self._tries) > MAX_TRIERS:
            self._tries.popitem(last=False)
        return True


def follow_replies(modem: GsmChannel, signer: AckSigner) -> Job:
    """A job of the engine that reads what people send to the modem, until it is cancelled."""

    async def follow(engine: Engine) -> None:
        desk = AckDesk(engine, signer)
        while True:
            try:
                for reply in await modem.replies():
                    found = await desk.by_reply("gsm", reply.number, reply.text)
                    told = found.value if isinstance(found, AckRefusal) else found.number
                    log.info("reply read", extra={"outcome": told})
            except Transient as error:
                log.warning("modem not read; will be tried again", extra={"reason": str(error)})
            await asyncio.sleep(REPLIES_EVERY_S)

    return follow


def _digits(number: str) -> str:
    """The number without its trunk prefix or country code of Viet Nam, so that two ways to write it are one."""
    digits = "".join(letter for letter in number if letter.isdecimal())
    if number.strip().startswith("0"):
        return digits.lstrip("0")
    return digits.removeprefix("84") if len(digits) > 9 else digits
