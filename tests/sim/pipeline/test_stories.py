"""Random stories of a small province, written to a store as they go: what must hold whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import PageKind, StepKind
from channelwatch.inventory.model import Inventory, LifeCycle
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.ingest import acknowledge, ingest, resume, revise, tick
from channelwatch.pipeline.overview import Overview
from channelwatch.pipeline.ports import Effects
from channelwatch.status.events import LatchCleared, MissCause, Observation
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Flag
from channelwatch.status.topology import circuit_is_lost, hub_is_lost
from tests.support.memory_store import MemoryStore
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    START,
    answer,
    bypass,
    encrypting,
    miss,
    role,
    small_inventory,
    small_world,
    spoke,
    trap,
    tunnel_down,
)
from tests.support.story import RULES

DEVICES = (HUB_A, HUB_B, spoke(1), spoke(2), spoke(3))
TAMPERED = Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")

Act = tuple[str, int, int]
"""What happens, to which device, and how many milliseconds later."""

SEEN = (
    "well", "tunnel down", "bypass", "tampered", "standby", "silent", "refused", "lagging",
    "trap down", "trap up", "trap bypass", "untrusted",
)  # fmt: skip
OTHER = ("wait", "all well", "restart", "remove", "add", "suspend", "ack", "clear", "clock back", "clock on")
WAITS = (0, 50, 1_000, 2_000, 10_000, 20_000, 70_000, 900_000, 90_000_000)

acts = st.tuples(st.sampled_from(SEEN * 2 + OTHER), st.integers(0, len(DEVICES) - 1), st.sampled_from(WAITS))


class Province:
    """A world over a memory store, which refuses what contradicts itself."""

    def __init__(self) -> None:
        plain = small_inventory(3)
        # The first two communes share a clear circuit.
        lines = tuple(
            replace(item, circuit="line" if item.spoke in DEVICES[2:4] else None) for item in plain.channels
        )
        self.full = replace(plain, channels=lines)
        self.store = MemoryStore()
        self.store.apply_inventory(self.full, [], by="test", at=EpochMs(START))
        taken = self.store.take_lease("engine", "test", now=EpochMs(0), ttl_ms=10**15)
        assert taken is not None
        self.epoch = taken
        self.now = START
        self.effects: list[Effects] = []
        self.paged: Counter[tuple[int, int]] = Counter()
        self.start()

    def start(self) -> None:
        inventory = self.store.inventory()
        self.world = small_world(RULES, inventory)
        self.keep(resume(self.world, self.store.load(self.world.log, now=self.at), self.at))

    @property
    def at(self) -> EpochMs:
        return EpochMs(self.now)

    def keep(self, draft: Draft) -> None:
        effects = draft.effects()
        self.store.commit(effects, epoch=self.epoch)
        draft.adopt()
        self.effects.append(effects)
        for row in effects.outbox:
            number, round_, kind, *_ = row.page.key.split(".")
            if kind != PageKind.RESTORED:
                self.paged[int(number[3:]), int(round_)] += 1
        if any(budget.digest_at > self.now for budget in self.world.budgets.values()):
            # Somebody was told much already: a digest on its way will count whatever waits for a person then.
            for step in effects.steps:
                if step.kind in (StepKind.OPENED, StepKind.REOPENED):
                    self.paged[step.incident, self.world.incidents[step.incident].round] += 1

    def see(self, *batch: Observation) -> None:
        self.keep(ingest(self.world, batch, self.at))

    def apply(self, inventory: Inventory) -> None:
        version = self.store.apply_inventory(inventory, [], by="test", at=self.at)
        self.keep(revise(self.world, replace(inventory, version=version), self.at))

    def play(self, act: Act) -> None:
        what, number, ms = act
        self.now += ms
        code = DEVICES[number]
        if what in SEEN:
            self.see(observation(what, code, self.now))
        else:
            self._do(what, number)
        self.keep(tick(self.world, self.at))

    def _do(self, what: str, number: int) -> None:
        code, inventory = DEVICES[number], self.world.inventory
        doing: dict[str, Callable[[], None]] = {
            "wait": lambda: None,
            "all well": lambda: self.see(*(observation("well", each, self.now) for each in DEVICES)),
            "restart": self.start,
            "remove": lambda: self.apply(smaller(self.full, number)),
            "add": lambda: self.apply(self.full),
            "suspend": lambda: self.apply(suspended(inventory, code)),
            "ack": self._acknowledge,
            "clear": lambda: self.see(LatchCleared(code, Signal.CRYPTO_TAMPER, "truc", self.at)),
            "clock back": lambda: self._set_clock(-3600_000),
            "clock on": lambda: self._set_clock(3600_000),
        }
        doing[what]()

    def _set_clock(self, ms: int) -> None:
        self.now += ms

    def _acknowledge(self) -> None:
        for number, incident in self.world.incidents.items():
            if incident.state.awaits_person:
                self.keep(acknowledge(self.world, number, by="truc", origin="test", now=self.at)[0])
                return


READINGS = {
    "well": (),
    "tunnel down": (tunnel_down(),),
    "bypass": (bypass(),),
    "tampered": (TAMPERED,),
    "standby": (role("standby"),),
}
TRAPS = {
    "trap down": tunnel_down(),
    "trap up": Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component="hub"),
    "trap bypass": bypass(),
}


def observation(what: str, device: DeviceCode, now: int) -> Observation:
    if what in READINGS:
        own = {HUB_A: (role("active"),), HUB_B: (role("standby"),)}.get(device, ())
        return answer(device, now, encrypting(*own, *READINGS[what]))
    if what in TRAPS:
        return trap(device, now, TRAPS[what])
    match what:
        case "untrusted":
            return trap(device, now, tunnel_down(), trusted=False)
        case "refused":
            return miss(device, now, MissCause.WRONG_KEY)
        case _:
            return miss(device, now, healthy=what != "lagging")


def smaller(inventory: Inventory, number: int) -> Inventory:
    """Without one commune, or without the hub."""
    gone = {HUB_A, HUB_B} if number < 2 else {DEVICES[number]}
    return replace(
        inventory,
        devices=tuple(item for item in inventory.devices if item.code not in gone),
        ha_groups=() if number < 2 else inventory.ha_groups,
        channels=tuple(item for item in inventory.channels if number >= 2 and item.spoke not in gone),
    )


def suspended(inventory: Inventory, code: str) -> Inventory:
    return replace(
        inventory,
        devices=tuple(
            replace(item, life_cycle=LifeCycle.SUSPENDED) if item.code == code else item
            for item in inventory.devices
        ),
    )


@dataclass
class Chain:
    """The last recorded state of each subject on each axis."""

    last: dict[tuple[str, str], str]

    def check(self, effects: Effects) -> None:
        for move in effects.transitions:
            key = (move.subject, move.axis)
            assert move.before == self.last.get(key, "unknown"), f"{key} does not chain"
            assert move.t_lo <= move.t_hi <= move.recorded_at
            self.last[key] = move.after


def check_incidents(province: Province) -> None:
    world = province.world
    live = Counter(item.key for item in world.incidents.values() if item.is_live)
    assert all(count == 1 for count in live.values())
    assert all(world.knows(subject) for _, subject in live)
    for incident in world.incidents.values():
        rule = world.rules.by_id[incident.rule]
        if not (rule.pages and incident.state.awaits_person):
            continue
        flaps = any((item.id, incident.subject) in live for item in world.rules.rules if item.when.flag)
        assert province.paged[incident.id, incident.round] or (incident.round and flaps), incident


def check_impact(province: Province) -> None:
    world = province.world
    for code, state in world.devices.items():
        hub = world.inventory.parent.get(code)
        lost = False if hub is None else hub_is_lost(hub, world.pairs, world.devices)
        circuit = world.circuit_of.get(code)
        if lost is False and circuit is not None:
            lost = world.circuit_views[circuit].lost
        if lost is not None:
            assert (Flag.IMPACTED in state.flags) is lost, code
    for name, codes in world.circuits.items():
        lost = circuit_is_lost(world.devices[code] for code in codes)
        hub_lost = hub_is_lost(world.inventory.parent[codes[0]], world.pairs, world.devices)
        if lost is not None and hub_lost is False:
            assert world.circuit_views[name].lost is lost


def check_overview(province: Province) -> None:
    """What is kept on write is what would be found by looking at everything anew."""
    world, anew = province.world, Overview(province.world.inventory)
    anew.follow(world.devices, world.devices, world.pairs)
    kept = world.overview
    assert (kept.channels, kept.places) == (anew.channels, anew.places)
    assert {bloc: +counts for bloc, counts in kept.communes.items()} == {
        bloc: +counts for bloc, counts in anew.communes.items()
    }


def check_waiting(province: Province) -> None:
    world = province.world
    for waiting in (world.holding, world.clearing):
        assert all(at <= province.now for at in waiting.values())
        assert all(world.knows(subject) for _, subject in waiting)
        assert len(waiting) <= len(world.rules.rules) * (len(world.devices) + len(world.pairs) + 1)


@settings(max_examples=120)
@example(
    [
        *(("well", 0, 70_000),) * 2,
        ("tunnel down", 0, 90_000_000),
        *((what, 0, 0) for what in ("bypass", "well", "tunnel down")),
    ]
)
@given(st.lists(acts, max_size=30))
def test_every_story_holds_together(story: list[Act]) -> None:
    province, chain, read = Province(), Chain({}), 0
    for act in story:
        province.play(act)
        for effects in province.effects[read:]:
            chain.check(effects)
        read = len(province.effects)
        check_incidents(province)
        check_impact(province)
        check_overview(province)
        check_waiting(province)


@settings(max_examples=20)
@given(st.lists(acts, max_size=25))
def test_the_same_story_has_the_same_effects(story: list[Act]) -> None:
    first, second = Province(), Province()
    for act in story:
        first.play(act)
        second.play(act)
    assert first.effects == second.effects


@settings(max_examples=20)
@given(st.lists(acts, max_size=25))
def test_whatever_happened_all_is_well_again_once_all_is_well(story: list[Act]) -> None:
    province = Province()
    for act in story:
        province.play(act)
    province.apply(province.full)
    for _ in range(90):
        province.play(("all well", 0, 25_000))
        for code in DEVICES:
            if province.world.devices[code].latched:
                province.see(LatchCleared(code, Signal.CRYPTO_TAMPER, "truc", province.at))
    assert {item.key for item in province.world.incidents.values() if item.is_live} == set()
    assert (province.world.holding, province.world.clearing) == ({}, {})
    assert all(not state.flags for state in province.world.devices.values())
    assert province.world.pairs[HUB].state == "redundant"
