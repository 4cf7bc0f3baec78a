"""Stories told to the pipeline: what happens to a small province, and what the pipeline makes of it."""

from __future__ import annotations

from collections.abc import Iterable

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import Incident, IncidentStep, PageKind
from channelwatch.incidents.restraint import WINDOW_MS
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Inventory
from channelwatch.pipeline.draft import Draft, current_row
from channelwatch.pipeline.ingest import acknowledge, ingest, resume, revise, tick
from channelwatch.pipeline.ports import Effects, PairRow, Snapshot
from channelwatch.pipeline.world import World
from channelwatch.status.events import Observation
from tests.support.province import (
    HUB_A,
    HUB_B,
    START,
    answer,
    encrypting,
    miss,
    role,
    small_world,
    spoke,
)

RULES = load_rules(shipped_rules())
SPOKES = [spoke(number) for number in range(1, 5)]


class Story:
    """A world that is told what happens, and remembers all effects."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or small_world(RULES)
        self.effects: list[Effects] = []
        self.now = START

    def see(self, *batch: Observation, after: int = 0) -> Effects:
        self.now += after
        return self._keep(ingest(self.world, batch, EpochMs(self.now)))

    def wait(self, ms: int, step: int = 1000) -> None:
        for _ in range(ms // step):
            self.now += step
            self._keep(tick(self.world, EpochMs(self.now)))

    def all_well(self, spokes: Iterable[str] = SPOKES) -> None:
        hubs = (
            answer(HUB_A, self.now, encrypting(role("active"))),
            answer(HUB_B, self.now, encrypting(role("standby"))),
        )
        self.see(*hubs, *(answer(code, self.now) for code in spokes))  # type: ignore[arg-type]

    def silence(self, *codes: str) -> None:
        for _ in range(3):
            self.see(*(miss(code, self.now + 2000) for code in codes), after=2000)  # type: ignore[arg-type]

    def _keep(self, draft: Draft) -> Effects:
        effects = draft.effects()
        draft.adopt()
        if not effects.is_empty:
            self.effects.append(effects)
        return effects

    def revise(self, inventory: Inventory) -> Effects:
        """Apply a new inventory version."""
        return self._keep(revise(self.world, inventory, EpochMs(self.now)))

    def restart(self, after: int = 5_000, rules: RuleBook | None = None) -> Effects:
        """End the process and start it anew `after` ms later, over what a store would have kept."""
        old = self.world
        snapshot = Snapshot(
            old.inventory,
            tuple(current_row(state) for state in old.devices.values() if state.health_since),
            tuple(PairRow(code, view.state, view.since) for code, view in old.pairs.items()),
            tuple(old.incidents.values()),
            old.next_incident,
            old.next_seq,
            EpochMs(self.now),
            {code: state.backing.since for code, state in old.devices.items() if state.backing.is_backed},
            tuple(event for effects in self.effects for event in effects.events),
            tuple(
                row.page
                for effects in self.effects
                for row in effects.outbox
                if not row.page.is_spare and row.alert.created_at > self.now + after - WINDOW_MS
            ),
        )
        self.now += after
        self.world = small_world(rules or old.rules, old.inventory, old.policy.security_blocs)
        return self._keep(resume(self.world, snapshot, EpochMs(self.now)))

    def take(self, incident: int, by: str = "truc") -> None:
        """A person takes an incident."""
        draft, _ = acknowledge(self.world, incident, by=by, origin="test", now=EpochMs(self.now))
        self._keep(draft)

    def incident(self, rule: str, subject: str) -> Incident:
        """The newest incident of a rule and a subject."""
        return [item for item in self.incidents if (item.rule, item.subject) == (rule, subject)][-1]

    @property
    def live(self) -> set[tuple[str, str]]:
        """Rule and subject of each live incident."""
        return {(item.rule, item.subject) for item in self.incidents if item.is_live}

    @property
    def steps(self) -> list[IncidentStep]:
        """All steps of all incidents, the oldest first."""
        return [step for effects in self.effects for step in effects.steps]

    @property
    def incidents(self) -> list[Incident]:
        return sorted(self.world.incidents.values(), key=lambda item: item.id)

    @property
    def pages(self) -> list[tuple[PageKind, str]]:
        return [(row.page.kind, row.alert.subject) for effects in self.effects for row in effects.outbox]
