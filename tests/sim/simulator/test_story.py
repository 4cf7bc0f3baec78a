from __future__ import annotations

import itertools
import statistics
from collections import Counter

import pytest
from channelwatch_simulator.notices import NoticeKind
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.story import (
    MONTH_MS,
    OPENING_ENDS,
    OUTAGE_MEDIAN,
    Act,
    Cause,
    Event,
    cast_of,
    story,
)
from channelwatch_simulator.world import World

from channelwatch.inventory.model import Bloc, Inventory

OPPOSITE = {
    Act.OUTAGE: Act.RETURN, Act.LINE_DOWN: Act.LINE_UP, Act.TUNNEL_DOWN: Act.TUNNEL_UP,
    Act.BYPASS_ON: Act.BYPASS_OFF, Act.POWER_BATTERY: Act.POWER_MAINS, Act.HOT: Act.COOL,
    Act.TAMPER: Act.TAMPER_RESET, Act.KEY_EXPIRY: Act.KEY_CHANGE,
}  # fmt: skip


@pytest.fixture(scope="module")
def demo() -> Inventory:
    return build_province(Preset.DEMO, 1).inventory


@pytest.fixture(scope="module")
def full() -> Inventory:
    return build_province(Preset.FULL, 1).inventory


def until(inventory: Inventory, end: int, seed: int = 1, *, opening: bool = True) -> list[Event]:
    """Without the chatter, which makes nine tenths of a month."""
    events = story(inventory, seed, opening=opening, chatter=False)
    return list(itertools.takewhile(lambda event: event.at < end, events))


def first(events: list[Event], act: Act) -> Event:
    return next(event for event in events if event.act is act)


def test_the_same_seed_tells_the_same_story(demo: Inventory) -> None:
    assert until(demo, MONTH_MS // 30) == until(demo, MONTH_MS // 30)
    assert until(demo, MONTH_MS // 30) != until(demo, MONTH_MS // 30, seed=2)


@pytest.mark.parametrize("seed", range(8))
def test_the_board_comes_alive_within_two_minutes(demo: Inventory, seed: int) -> None:
    events = until(demo, 120_000, seed)
    assert first(events, Act.OUTAGE).at == 20_000
    assert first(events, Act.HA_SWITCH).at == 35_000
    assert first(events, Act.BYPASS_ON).at == 50_000
    assert first(events, Act.LINE_DOWN).at == 60_000
    assert first(events, Act.TAMPER).at == 70_000
    lost = [event for event in events if event.act is Act.OUTAGE][1]
    assert lost.at == 90_000
    assert {demo.device[code].ha_member for code in lost.devices if code in demo.device} == {"A", "B"}  # type: ignore[index]


@pytest.mark.parametrize("seed", range(8))
def test_the_parts_of_the_opening_do_not_disturb_one_another(demo: Inventory, seed: int) -> None:
    events = [
        event
        for event in until(demo, OPENING_ENDS, seed)
        if event.act in OPPOSITE or event.act is Act.HA_SWITCH
    ]
    lost = next(event.devices for event in events if event.act is Act.OUTAGE and len(event.devices) == 2)
    switched = first(events, Act.HA_SWITCH).devices[0]
    letter = lost[0][3]
    assert switched[3] != letter
    spokes = [event.devices[0] for event in events if event.devices[0][5:10] != "T0001"]
    assert all(code[3] != letter for code in spokes)
    assert max(Counter(code for code in spokes).values()) <= 4, "only the flapping line comes again"


def test_everything_that_begins_ends_in_order(full: Inventory) -> None:
    events = until(full, MONTH_MS)
    assert [event.at for event in events] == sorted(event.at for event in events)
    open_: Counter[tuple[Act, tuple[str, ...], Cause | None]] = Counter()
    for event in events:
        for begin, end in OPPOSITE.items():
            if event.act is begin:
                open_[begin, event.devices, event.cause] += 1
            if event.act is end:
                open_[begin, event.devices, event.cause] -= 1
                assert open_[begin, event.devices, event.cause] >= 0, event


def test_only_devices_in_service_play(full: Inventory) -> None:
    in_service = {device.code for device in full.devices if device.in_service}
    events = itertools.islice(story(full, 1), 5_000)
    assert {code for event in events for code in event.devices} <= in_service


def test_healthy_devices_tell_something_too(demo: Inventory) -> None:
    hour = Counter(
        event.act for event in itertools.takewhile(lambda event: event.at < 3_600_000, story(demo, 1))
    )
    assert hour[Act.REKEY] > 50
    assert hour[Act.LOGIN_OK] > 10


def test_a_month_has_the_figures_of_the_domain_model(full: Inventory) -> None:
    down: Counter[str] = Counter()
    lengths: list[int] = []
    began: dict[tuple[tuple[str, ...], Cause | None], int] = {}
    counts: Counter[str] = Counter()
    hubs = {code for codes in cast_of(full).hubs.values() for code in codes}
    for event in until(full, MONTH_MS, opening=False):
        counts[event.act] += 1
        if event.act is Act.OUTAGE:
            began[event.devices, event.cause] = event.at
            counts["cuts"] += len(event.devices) > 1
            counts["failovers"] += event.devices[0] in hubs
        elif event.act is Act.RETURN and len(event.devices) == 1 and event.devices[0] not in hubs:
            length = event.at - began[event.devices, event.cause]
            lengths.append(length)
            down[event.devices[0]] += length
    spokes = cast_of(full).spokes
    share = 1 - sum(down.values()) / (MONTH_MS * len(spokes))
    assert 0.985 < share < 0.995
    assert OUTAGE_MEDIAN * 0.85 < statistics.median(lengths) < OUTAGE_MEDIAN * 1.15
    assert 1 <= counts["cuts"] <= 8
    assert counts["failovers"] <= 5
    assert counts[Act.TAMPER] <= 5
    assert len({e.devices for e in until(full, MONTH_MS // 3, opening=False) if e.act is Act.LINE_DOWN}) == 9


def test_a_cable_cut_takes_four_to_fifteen_communes_of_one_bloc(full: Inventory) -> None:
    cuts = [
        event
        for event in until(full, 3 * MONTH_MS, opening=False)
        if event.act is Act.OUTAGE and event.cause is Cause.CARRIER and len(event.devices) > 1
    ]
    assert len(cuts) > 3
    for cut in cuts:
        assert 4 <= len(cut.devices) <= 15
        assert len({code[3] for code in cut.devices}) == 1


def test_the_story_never_ends(demo: Inventory) -> None:
    events = list(itertools.islice(story(demo, 1), 20_000))
    assert len(events) == 20_000
    assert events[-1].at > 86_400_000


def test_a_province_without_pairs_has_a_story_too() -> None:
    inventory = build_province(Preset.REACH_SEED, 1, commune_count=3).inventory
    alone = [device for device in inventory.devices if inventory.bloc_of(device.code) is not Bloc.PARTY]
    small = Inventory(
        inventory.province, inventory.owners, inventory.units, inventory.sites, (), tuple(alone)
    )
    assert len(list(itertools.islice(story(small, 1), 500))) == 500


def test_every_act_of_the_story_is_understood(demo: Inventory) -> None:
    world, now = World(build_province(Preset.DEMO, 1), 1), 1_000_000
    kinds: set[NoticeKind] = set()
    for event in story(demo, 1):
        if event.at > MONTH_MS // 2:
            break
        kinds |= {notice.kind for notice in world.apply(event, now + event.at)}
    assert len(kinds) >= 17
    for device in world.devices.values():
        assert device.silent >= device.cut >= 0
        assert device.line_down >= 0
