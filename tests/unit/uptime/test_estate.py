"""What there was in a period, and when it was in service."""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import WindowScope
from channelwatch.inventory.model import Bloc, Inventory, LifeCycle
from channelwatch.uptime.estate import ALWAYS, Edition, survey
from tests.support.province import HUB, HUB_A, HUB_B, small_inventory, spoke

FIRST = spoke(1)
PERIOD = Interval(100, 200)
WHOLE = small_inventory(2)


def with_life(life_cycle: LifeCycle, *codes: str) -> Inventory:
    devices = (replace(item, life_cycle=life_cycle) if item.code in codes else item for item in WHOLE.devices)
    return replace(WHOLE, devices=tuple(devices))


def test_an_edition_is_in_force_until_the_next_one() -> None:
    suspended = with_life(LifeCycle.SUSPENDED, FIRST)
    found = survey([Edition(0, WHOLE), Edition(150, suspended), Edition(170, WHOLE)], PERIOD)
    assert found.devices[FIRST].in_service == (Interval(100, 150), Interval(170, 200))
    assert found.devices[FIRST].listed == (PERIOD,)
    assert found.devices[HUB_A].in_service == (PERIOD,)


def test_what_was_put_into_service_within_the_period_counts_from_then_on() -> None:
    found = survey([Edition(160, WHOLE)], PERIOD)
    assert found.devices[FIRST].in_service == found.devices[FIRST].listed == (Interval(160, 200),)


def test_editions_out_of_force_for_the_whole_period_tell_nothing() -> None:
    assert survey([Edition(0, WHOLE), Edition(50, small_inventory(1))], PERIOD).devices.keys() == {
        HUB_A,
        HUB_B,
        FIRST,
    }
    assert not survey([Edition(200, WHOLE)], PERIOD).devices
    assert not survey([], PERIOD).devices


def test_a_clock_that_was_set_back_between_editions_leaves_no_time_counted_twice() -> None:
    found = survey([Edition(150, WHOLE), Edition(120, with_life(LifeCycle.SUSPENDED, FIRST))], PERIOD)
    assert found.devices[FIRST].in_service == ()
    assert found.devices[FIRST].listed == (Interval(120, 200),)


def test_a_channel_counts_while_its_spoke_and_its_hub_are_in_service() -> None:
    without = replace(WHOLE, channels=WHOLE.channels[1:])
    hub_off = with_life(LifeCycle.SUSPENDED, HUB_A, HUB_B)
    found = survey(
        [
            Edition(0, WHOLE),
            Edition(120, with_life(LifeCycle.SUSPENDED, FIRST)),
            Edition(130, WHOLE),
            Edition(140, hub_off),
            Edition(150, WHOLE),
            Edition(180, without),
        ],
        PERIOD,
    )
    code = WHOLE.channels[0].code
    assert found.channel_service(code) == (Interval(100, 120), Interval(130, 140), Interval(150, 180))
    assert found.bloc_channels(Bloc.PARTY) == [item.code for item in WHOLE.channels]
    assert found.bloc_channels(Bloc.GOV) == []


def test_a_pair_serves_with_one_member_and_is_protected_with_both() -> None:
    found = survey([Edition(0, WHOLE), Edition(150, with_life(LifeCycle.SUSPENDED, HUB_B))], PERIOD)
    assert found.members[HUB] == (HUB_A, HUB_B)
    assert found.pair_service(HUB) == (PERIOD,)
    assert found.pair_protection(HUB) == (Interval(100, 150),)


def test_what_was_changed_counts_as_it_was_from_when_to_when() -> None:
    line = WHOLE.channels[0]
    at_site = (
        replace(item, site=WHOLE.devices[-1].site) if item.code == FIRST else item for item in WHOLE.devices
    )
    changed = replace(
        WHOLE,
        devices=tuple(at_site),
        channels=(replace(line, hub=HUB_A), *WHOLE.channels[1:]),
    )
    found = survey([Edition(0, WHOLE), Edition(150, changed)], PERIOD)
    before, after = Interval(ALWAYS.start, 150), Interval(150, ALWAYS.end)
    assert found.channels[line.code].ends == ((before, (FIRST, HUB)), (after, (FIRST, HUB_A)))
    assert found.devices[FIRST].hubs == ((before, HUB), (after, HUB_A))
    places = found.places_of(FIRST)
    old, new = (str(inventory.device[FIRST].site) for inventory in (WHOLE, changed))
    assert places[WindowScope.SITE, old] == (before,)
    assert places[WindowScope.SITE, new] == (after,)
    assert places[WindowScope.DEVICE, FIRST] == places[WindowScope.BLOC, "party"] == (ALWAYS,)
    bearing = found.channel_bearing(line.code)
    assert (bearing[WindowScope.DEVICE, HUB_B], bearing[WindowScope.DEVICE, HUB_A]) == ((before,), (ALWAYS,))
    assert found.channel_places(line.code)[WindowScope.PAIR, HUB] == (ALWAYS,)


def test_editions_of_a_clock_that_was_set_back_twice_leave_no_time_without_a_hub() -> None:
    other = replace(WHOLE, channels=tuple(replace(line, hub=HUB_A) for line in WHOLE.channels))
    editions = [Edition(100, WHOLE), Edition(150, other), Edition(190, WHOLE), Edition(120, WHOLE)]
    assert survey(editions, PERIOD).devices[FIRST].hubs == ((ALWAYS, HUB),)
    there = (Interval(ALWAYS.start, 150), HUB), (Interval(150, ALWAYS.end), HUB_A)
    assert survey(editions[:2], PERIOD).devices[FIRST].hubs == there
