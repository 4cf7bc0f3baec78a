"""A clear circuit that fails is one incident, not one for each device over it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode
from channelwatch.inventory.model import Bloc, Inventory, LifeCycle
from channelwatch.metrics.fleet import FleetText, FleetView, Selection
from channelwatch.metrics.rollup import Posts
from channelwatch.pipeline.world import circuits
from channelwatch.status.device import DeviceState
from channelwatch.status.states import Assessment, Cause, Flag, Health, Protection
from channelwatch.status.topology import circuit_is_lost
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    answer,
    encrypting,
    role,
    small_inventory,
    small_world,
    spoke,
    trap,
    tunnel_down,
)
from tests.support.story import RULES, Story

LINE = CircuitCode("TSLCD-7")
OVER = (spoke(1), spoke(2), spoke(3))
ELSEWHERE = spoke(4)


def inventory(spokes: int = 4) -> Inventory:
    plain = small_inventory(spokes)
    lines = tuple(replace(item, circuit=LINE if item.spoke in OVER else None) for item in plain.channels)
    return replace(plain, channels=lines)


@pytest.fixture
def story() -> Story:
    story = Story(small_world(RULES, inventory()))
    story.all_well()
    story.now += 10_000
    story.all_well()
    return story


def cut(story: Story, *codes: str) -> None:
    """These tell of a lost tunnel, while the hub and all others go on answering."""
    told = [trap(code, story.now, tunnel_down()) for code in codes]  # type: ignore[arg-type]
    story.see(*told, after=200)


def hub_answers(story: Story) -> None:
    story.see(
        answer(HUB_A, story.now, encrypting(role("active"))),
        answer(HUB_B, story.now, encrypting(role("standby"))),
    )


def polls(story: Story) -> None:
    """All answer; only the last over the circuit still has no tunnel."""
    story.all_well([*OVER[:2], ELSEWHERE])
    story.see(answer(OVER[2], story.now, encrypting(tunnel_down())))
    story.wait(10_000)


def impacted(story: Story) -> set[str]:
    return {code for code, state in story.world.devices.items() if Flag.IMPACTED in state.flags}


def test_the_loss_of_a_circuit_is_one_incident_that_lists_all_over_it(story: Story) -> None:
    for code in OVER:
        cut(story, code)
    assert impacted(story) == set(OVER), "within the batch that told of the last of them"
    story.now += 1_000
    hub_answers(story)
    story.wait(4_000)
    assert story.live == {("circuit-lost", LINE)}
    assert story.incident("circuit-lost", LINE).impacted == OVER
    assert story.incident("circuit-lost", LINE).bloc is Bloc.PARTY


def test_those_that_stay_down_speak_for_themselves_when_the_circuit_is_back(story: Story) -> None:
    test_the_loss_of_a_circuit_is_one_incident_that_lists_all_over_it(story)
    story.see(answer(OVER[0], story.now))
    assert impacted(story) == set()
    assert story.live == set()
    for seconds in range(0, 50, 10):
        polls(story)
        assert story.live == set(), f"the others are being asked yet, {seconds} s"
    for _ in range(3):
        polls(story)
    assert story.live == {("device-down", OVER[2])}


def test_one_that_still_answers_keeps_the_circuit(story: Story) -> None:
    cut(story, *OVER[:2])
    story.see(answer(OVER[2], story.now + 500), after=500)
    hub_answers(story)
    story.wait(20_000)
    assert impacted(story) == set()
    assert {subject for rule, subject in story.live if rule == "device-down"} == set(OVER[:2])


def test_a_lost_hub_is_not_told_as_lost_circuits(story: Story) -> None:
    story.silence(HUB_A, HUB_B, *OVER, ELSEWHERE)
    story.wait(60_000)
    assert ("hub-lost", HUB) in story.live
    assert not any(rule == "circuit-lost" for rule, _ in story.live)
    assert impacted(story) == {*OVER, ELSEWHERE}


def test_a_circuit_waits_while_its_hub_may_be_at_fault(story: Story) -> None:
    cut(story, *OVER)
    story.wait(10_000)
    assert ("circuit-lost", LINE) not in story.live
    story.silence(HUB_A, HUB_B)
    story.wait(10_000)
    assert ("hub-lost", HUB) in story.live
    assert ("circuit-lost", LINE) not in story.live


def test_a_restart_finds_the_circuit_as_it_was(story: Story) -> None:
    test_the_loss_of_a_circuit_is_one_incident_that_lists_all_over_it(story)
    story.restart()
    assert story.live == {("circuit-lost", LINE)}
    assert impacted(story) == set(OVER)


def test_work_on_all_over_a_circuit_keeps_its_loss_quiet(story: Story) -> None:
    for code in OVER:
        state = story.world.devices[code]
        story.world.put_device(replace(state, flags=state.flags | {Flag.MAINTENANCE}))
    cut(story, *OVER)
    hub_answers(story)
    story.wait(10_000)
    assert story.live == {("circuit-lost", LINE)}
    assert [row for effects in story.effects for row in effects.outbox] == []


def test_a_circuit_of_one_device_or_of_devices_out_of_service_is_none() -> None:
    assert circuits(inventory()) == {LINE: OVER}
    assert circuits(inventory(1)) == {}
    assert circuits(replace(inventory(), devices=small_inventory(4, LifeCycle.SUSPENDED).devices)) == {}


def test_a_circuit_to_two_hubs_is_one_for_each() -> None:
    whole = inventory()
    lines = tuple(replace(item, circuit=LINE) for item in whole.channels)
    moved = tuple(replace(item, hub=HUB_A) if item.spoke in OVER[:2] else item for item in lines)
    assert circuits(replace(whole, channels=moved)) == {
        f"{LINE}/{HUB_A}": OVER[:2],
        f"{LINE}/{HUB}": (OVER[2], ELSEWHERE),
    }


def was(health: Health, cause: Cause = Cause.NONE) -> DeviceState:
    return DeviceState(spoke(1), Assessment(health, Protection.UNKNOWN, cause))


@pytest.mark.parametrize(
    ("states", "lost"),
    [
        ([was(Health.DOWN, Cause.UNREACHABLE), was(Health.DOWN, Cause.TUNNEL_DOWN)], True),
        ([was(Health.DOWN, Cause.UNREACHABLE), was(Health.UNKNOWN, Cause.MONITORING)], None),
        ([was(Health.DOWN, Cause.UNREACHABLE), was(Health.DEGRADED)], False),
        ([was(Health.UNKNOWN), was(Health.UP)], False),
        ([was(Health.DOWN, Cause.CARRIER), was(Health.DOWN, Cause.KEY)], False),
    ],
)
def test_a_circuit_is_lost_only_when_all_over_it_are_cut_off(
    states: list[DeviceState], lost: bool | None
) -> None:
    assert circuit_is_lost(states) is lost


def test_the_metrics_show_which_circuits_are_lost(story: Story) -> None:
    def shown() -> list[str]:
        view = FleetView.of(story.world, Posts.of(story.world.inventory, []), EpochMs(story.now))
        page = FleetText().page(view, Selection(tuple(Bloc)))
        return [line for line in page.decode().splitlines() if line.startswith("channelwatch_circuit_lost{")]

    assert shown() == [f'channelwatch_circuit_lost{{circuit="{LINE}",bloc="party"}} 0']
    cut(story, *OVER)
    assert shown() == [f'channelwatch_circuit_lost{{circuit="{LINE}",bloc="party"}} 1']


def test_a_fifth_of_the_communes_counts_though_one_circuit_took_them_all() -> None:
    plain = small_inventory(8)
    lines = tuple(
        replace(item, circuit=LINE if number < 5 else None) for number, item in enumerate(plain.channels)
    )
    story = Story(small_world(RULES, replace(plain, channels=lines)))
    codes = [item.spoke for item in lines]
    story.all_well(codes)
    story.now += 10_000
    story.all_well(codes)
    cut(story, *codes[:5])
    hub_answers(story)
    story.wait(8_000)
    assert story.live == {("circuit-lost", LINE), ("communes-cut", "party")}
