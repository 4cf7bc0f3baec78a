"""Does anybody hear? Incidents that nobody is told of must not stay silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from channelwatch.base.ids import IncidentId
from channelwatch.incidents.escalation import calls, on_duty
from channelwatch.incidents.model import Incident, SubjectKind
from channelwatch.incidents.rules import OwnFault
from channelwatch.pipeline.deliver import outcome_name
from channelwatch.pipeline.ports import Claim, Dead, OutboxCounts, OutboxState, Outcome, Sent, StoredPage
from channelwatch.pipeline.world import World

UNSENT_LIMIT_MS = 60_000
"""An alert that has waited longer than this is a problem of the whole process."""


class Reach:
    """Knows of each delivery attempt; belongs to the event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._heard: set[int] = set()
        self._refused: dict[int, str] = {}
        self._oldest_unsent_ms = 0

    @property
    def oldest_unsent_ms(self) -> int:
        """How long the oldest alert had waited when it was last counted."""
        return self._oldest_unsent_ms

    def settled(self, claim: Claim, outcome: Outcome) -> None:
        """An attempt ended."""
        number = claim.alert.incident
        if isinstance(outcome, Sent):
            self._heard.add(number)
        elif isinstance(outcome, Dead):
            self._refused[number] = f"{claim.channel} {outcome_name(outcome)}"

    def recall(self, told: Iterable[StoredPage]) -> None:
        """What became of messages before this start."""
        for item in told:
            if item.state is OutboxState.SENT:
                self._heard.add(item.page.incident)
            elif item.state is OutboxState.DEAD:
                self._refused[item.page.incident] = f"{item.page.channel} {item.last_error}"

    def counted(self, counts: OutboxCounts) -> None:
        """How the outbox stands; forgets what nobody has to hear of any more."""
        self._oldest_unsent_ms = counts.oldest_unsent_ms
        waiting = {int(item.id) for item in self.waiting()}
        self._heard &= waiting
        self._refused = {number: why for number, why in self._refused.items() if number in waiting}

    def unheard(self) -> list[Incident]:
        """Incidents that await a person and that no one can be told of."""
        contacts = self._world.inventory.contacts
        return [item for item in self.waiting() if not on_duty(contacts, item) or self._is_refused(item.id)]

    def problems(self) -> Iterator[str]:
        """In plain sentences."""
        unheard = self.unheard()
        if unheard:
            first = unheard[0]
            why = self._refused.get(first.id, f"nobody is on duty for {first.bloc or 'any bloc'}")
            yield f"{len(unheard)} incidents reach nobody ({first.number}: {why})"
        if self._oldest_unsent_ms > UNSENT_LIMIT_MS:
            yield f"the oldest alert has waited {self._oldest_unsent_ms // 1000} s to be delivered"

    def faults(self) -> Iterator[OwnFault]:
        """The same for the rules about the monitoring itself. Incidents of its own would keep one another alive."""
        if any(item.subject_kind is not SubjectKind.COLLECTOR for item in self.unheard()):
            yield OwnFault.UNHEARD
        if self._oldest_unsent_ms > UNSENT_LIMIT_MS:
            yield OwnFault.UNSENT

    def waiting(self) -> Iterator[Incident]:
        """Incidents that await a person who is to be told of them."""
        rules = self._world.rules
        for incident in self._world.incidents.values():
            rule = rules.of(incident.rule)
            if incident.state.awaits_person and rule is not None and calls(rule, incident):
                yield incident

    def _is_refused(self, number: IncidentId) -> bool:
        return number in self._refused and number not in self._heard
