"""What the province adds up to, kept on write."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.ids import ChannelCode, UnitCode
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.overview import Place
from channelwatch.status.device import DeviceState
from channelwatch.status.service import Part, Service, channel_service, commune_service, site_worst
from channelwatch.status.states import Assessment, Cause, Health, Protection
from tests.support.province import (
    HUB_A,
    HUB_B,
    answer,
    bypass,
    encrypting,
    small_inventory,
    small_world,
    spoke,
    tunnel_down,
)
from tests.support.story import RULES, Story

FIRST = ChannelCode("51-D-20001")
COMMUNE = Place(UnitCode("20001"), Bloc.PARTY)


def was(
    health: Health, cause: Cause = Cause.NONE, protection: Protection = Protection.SECURED
) -> DeviceState:
    return DeviceState(spoke(1), Assessment(health, protection, cause))


@pytest.mark.parametrize(
    ("state", "hub_lost", "service"),
    [
        (was(Health.UP), False, Service(Health.UP)),
        (was(Health.DEGRADED), False, Service(Health.DEGRADED)),
        (was(Health.DOWN, Cause.TUNNEL_DOWN), False, Service(Health.DOWN, Part.LINK)),
        (was(Health.DOWN, Cause.CARRIER), False, Service(Health.DOWN, Part.LINK)),
        (was(Health.DOWN, Cause.UNREACHABLE), False, Service(Health.DOWN, Part.SELF)),
        (was(Health.DOWN, Cause.KEY), None, Service(Health.DOWN, Part.SELF)),
        (was(Health.UNKNOWN, Cause.MONITORING), False, Service(Health.UNKNOWN)),
        (was(Health.UP), None, Service(Health.UNKNOWN)),
        (was(Health.UP), True, Service(Health.DOWN, Part.UPSTREAM)),
        (was(Health.UNKNOWN, Cause.MONITORING), True, Service(Health.DOWN, Part.UPSTREAM)),
        (was(Health.DOWN, Cause.TUNNEL_DOWN), True, Service(Health.DOWN, Part.UPSTREAM)),
    ],
)
def test_a_channel_is_its_device_its_tunnel_and_its_hub(
    state: DeviceState, hub_lost: bool | None, service: Service
) -> None:
    assert channel_service(state, hub_lost=hub_lost) == service


def test_a_commune_is_as_well_served_as_its_best_channel_and_unknown_is_above_down() -> None:
    up, down = Service(Health.UP), Service(Health.DOWN, Part.LINK)
    assert commune_service([down, up]) == up
    assert commune_service([down, Service(Health.UNKNOWN)]) == Service(Health.UNKNOWN)
    assert commune_service([down]) == down
    assert commune_service([]) == Service(Health.UNKNOWN)


def test_a_site_is_its_worst_device_and_exposed_is_above_down() -> None:
    exposed = was(Health.UP, Cause.BYPASS, Protection.EXPOSED)
    assert site_worst([was(Health.UP), was(Health.DOWN), exposed]) is exposed
    assert site_worst([]) is None


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    story.now += 10_000
    story.all_well()
    return story


def counted(story: Story) -> dict[str, int]:
    return {
        health.value: number for health, number in story.world.overview.communes[Bloc.PARTY].items() if number
    }


def test_a_lost_tunnel_is_the_links_and_its_commune_counts_as_down(story: Story) -> None:
    assert counted(story) == {"up": 4}
    story.see(answer(spoke(1), story.now, encrypting(tunnel_down())))
    assert story.world.overview.channels[FIRST] == Service(Health.DOWN, Part.LINK)
    assert story.world.overview.places[COMMUNE].health is Health.DOWN
    assert counted(story) == {"up": 3, "down": 1}


def test_a_lost_hub_takes_every_commune_down_and_gives_them_back(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    assert counted(story) == {"down": 4}
    assert {item.part for item in story.world.overview.channels.values()} == {Part.UPSTREAM}
    story.all_well()
    assert counted(story) == {"up": 4}


def test_what_is_exposed_is_served_all_the_same(story: Story) -> None:
    story.see(answer(spoke(1), story.now, encrypting(bypass())))
    assert counted(story) == {"up": 4}


def test_a_new_inventory_version_and_a_restart_are_counted_anew(story: Story) -> None:
    story.see(answer(spoke(1), story.now, encrypting(tunnel_down())))
    plain = story.world.inventory
    story.revise(replace(plain, channels=plain.channels[:3], version=2))
    assert counted(story) == {"up": 2, "down": 1}
    story.restart()
    assert counted(story) == {"up": 2, "down": 1}


def test_blocs_count_for_themselves() -> None:
    plain = small_inventory(2)
    sites = tuple(replace(site, bloc=Bloc.GOV) if site.unit == "20002" else site for site in plain.sites)
    story = Story(small_world(RULES, replace(plain, sites=sites)))
    story.all_well([spoke(1), spoke(2)])
    story.see(answer(spoke(2), story.now, encrypting(tunnel_down())))
    assert counted(story) == {"up": 1}
    assert story.world.overview.communes[Bloc.GOV][Health.DOWN] == 1
