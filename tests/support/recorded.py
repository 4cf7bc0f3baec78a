"""A history made by the pipeline itself: devices are polled in a loop, and every batch is committed to a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.diff import diff
from channelwatch.inventory.model import Inventory, LifeCycle
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ingest import acknowledge, ingest, resume, revise, tick
from channelwatch.pipeline.ports import Store
from channelwatch.pipeline.world import World
from channelwatch.status.events import Observation
from tests.support.province import HUB_A, HUB_B, answer, encrypting, miss, role, small_inventory, small_world

POLL_MS = 10_000
HOUR = 3600_000
CONFIG = """\
instance: {id: test, province: "51", blocs: [party], simulated: true}
store: {url: "sqlite:///store.db"}
collector: {id: test, snmp: {poll_s: 10}}
"""
"""The configuration over a recorded history, which is in `store.db` beside it."""
Talk = Callable[[DeviceCode, int], Observation]
"""What a device says, or fails to, when it is polled at an instant."""


def well(code: DeviceCode, at: int) -> Observation:
    """A healthy answer; hub A is active, hub B stands by."""
    roles = {HUB_A: "active", HUB_B: "standby"}
    return answer(code, at, encrypting(role(roles[code]))) if code in roles else answer(code, at)


def silent(code: DeviceCode, at: int) -> Observation:
    """No answer."""
    return miss(code, at + 2000)


@cache
def _rules() -> RuleBook:
    return load_rules(shipped_rules())


@dataclass
class Recorder:
    """Polls every device each period and commits what follows. Times are epoch ms."""

    store: Store
    now: int
    log: str = "test"
    inventory: Inventory = field(default_factory=small_inventory)

    def __post_init__(self) -> None:
        self.apply(self.inventory)
        self._start()

    def apply(self, inventory: Inventory) -> None:
        """Take a new inventory version, as `channelwatch apply` does, now."""
        before = self.store.inventory()
        self.store.apply_inventory(inventory, diff(before, inventory), by="test", at=EpochMs(self.now))
        self.inventory = inventory
        if hasattr(self, "world"):
            version = self.store.inventory_version()
            self._keep(revise(self.world, replace(inventory, version=version), EpochMs(self.now)))

    def live(self, ms: int, *, talk: Mapping[DeviceCode, Talk] | None = None) -> None:
        """Let `ms` pass, polling every device; those in `talk` answer as they are told to there."""
        for _ in range(ms // POLL_MS):
            batch = [
                (talk or {}).get(item.code, well)(item.code, self.now) for item in self.inventory.devices
            ]
            self.see(batch)
            self._keep(tick(self.world, EpochMs(self.now + 5000)))
            self.store.heartbeat(self.log, since=EpochMs(self.now), until=EpochMs(self.now + POLL_MS))
            self.now += POLL_MS

    def see(self, batch: Iterable[Observation]) -> None:
        """Take observations now."""
        self._keep(ingest(self.world, list(batch), EpochMs(self.now)))

    def take(self, subject: str) -> None:
        """A person takes every live incident of `subject` now."""
        for incident in list(self.world.incidents.values()):
            if incident.subject == subject and incident.is_live:
                self._keep(
                    acknowledge(self.world, incident.id, by="truc", origin="test", now=EpochMs(self.now))[0]
                )

    def sleep(self, ms: int) -> None:
        """The process is dead for `ms`, and starts again."""
        self.now += ms
        self._start()

    def put_into(self, life_cycle: LifeCycle, *codes: DeviceCode) -> None:
        """Apply an inventory in which `codes` are in `life_cycle`."""
        devices = tuple(
            replace(item, life_cycle=life_cycle) if item.code in codes else item
            for item in self.inventory.devices
        )
        self.apply(replace(self.inventory, devices=devices))

    def _start(self) -> None:
        now = EpochMs(self.now)
        self.store.release_lease("pipeline", "recorder")
        epoch = self.store.take_lease("pipeline", "recorder", now=now, ttl_ms=1)
        assert epoch is not None
        self._epoch = epoch
        world = small_world(_rules(), self.inventory)
        self.world: World = World(world.inventory, world.rules, LogId(self.log), world.policy)
        self._keep(resume(self.world, self.store.load(LogId(self.log), now=now), now))

    def _keep(self, draft: Draft) -> None:
        effects = draft.effects()
        if not effects.is_empty:
            self.store.commit(effects, epoch=self._epoch)
        draft.adopt()
