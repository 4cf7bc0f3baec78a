"""Drills: the real ladder, and no trace in any history."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.app.playing import faults
from channelwatch.base.clock import EpochMs
from channelwatch.incidents.drills import Drill, DrillEnd, People, Scenario, problems
from channelwatch.incidents.model import IncidentState, PageKind, Severity
from channelwatch.pipeline.acts import Act, ActKind, perform
from channelwatch.pipeline.freshen import freshened
from channelwatch.pipeline.ports import Claim
from channelwatch.pipeline.rehearsal import Stage, leftovers, real_p1, rehearse, set_stage, strike
from channelwatch.status.states import Health, PairState
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    answer,
    bypass,
    encrypting,
    role,
    small_inventory,
    small_world,
    spoke,
    trap,
    tunnel_down,
)
from tests.support.story import RULES, SPOKES, Story

PEOPLE = People(frozenset({"chief"}), frozenset({"owner"}))


def drill(story: Story, scenario: Scenario, code: str) -> Drill:
    return Drill(1, scenario, code, "chief", "owner", EpochMs(story.now), EpochMs(story.now + 1_800_000))


@pytest.fixture
def story() -> Story:
    told = Story(small_world(RULES, small_inventory(20)))
    told.all_well([spoke(number) for number in range(1, 21)])
    return told


def begin(story: Story, scenario: Scenario, code: str) -> Stage:
    wanted = drill(story, scenario, code)
    assert list(problems(wanted, story.world.inventory, PEOPLE)) == []
    return set_stage(story.world, wanted, EpochMs(story.now))


def play(story: Story, stage: Stage, seconds: int) -> None:
    """The fault shows itself every second, while everything is polled as ever."""
    for _ in range(seconds):
        story.wait(1000)
        now = EpochMs(story.now)
        if (now // 1000) % 10 == 0:
            everybody = [answer(spoke(number), now) for number in range(1, 21)]
            hubs = [
                answer(HUB_A, now, encrypting(role("active"))),
                answer(HUB_B, now, encrypting(role("standby"))),
            ]
            story.see(*everybody, *hubs)
        for injected in (tuple(faults(stage, now)), ()):
            story._keep(rehearse(story.world, stage, injected, now))


@pytest.mark.parametrize(
    ("scenario", "code", "expected"),
    [
        (Scenario.TUNNEL_DOWN, SPOKES[0], ("drill.device-down", SPOKES[0])),
        (Scenario.TAMPER, SPOKES[0], ("drill.tamper", SPOKES[0])),
        (Scenario.DEVICE_SILENT, SPOKES[0], ("drill.device-down", SPOKES[0])),
        (Scenario.HUB_LOST, HUB, ("drill.hub-lost", HUB)),
        (Scenario.COMMUNES_CUT, "party", ("drill.communes-cut", "party")),
    ],
)
def test_a_drill_takes_the_way_of_a_fault_and_touches_no_state(
    story: Story, scenario: Scenario, code: str, expected: tuple[str, str]
) -> None:
    stage = begin(story, scenario, code)
    before = len(story.effects)
    play(story, stage, 25)
    assert story.live == {expected}
    (incident,) = story.incidents
    assert incident.drill
    effects = story.effects[before:]
    assert not any(item.transitions or item.current or item.pairs or item.events for item in effects)
    assert all(state.assessment.health is Health.UP for state in story.world.devices.values())
    assert story.world.pairs[HUB].state is PairState.REDUNDANT
    rows = [row for item in effects for row in item.outbox]
    assert rows and all(row.alert.drill and row.page.kind is PageKind.OPENED for row in rows)


def test_the_ladder_climbs_until_somebody_takes_it(story: Story) -> None:
    stage = begin(story, Scenario.TAMPER, SPOKES[0])
    play(story, stage, 3)
    story.wait(11 * 60_000, step=60_000)
    assert story.pages.count((PageKind.ESCALATED, SPOKES[0])) == 1
    story.take(1)
    told = [subject for _, subject in story.pages].count(SPOKES[0])
    story.wait(25 * 60_000, step=60_000)
    assert [subject for _, subject in story.pages].count(SPOKES[0]) == told


def test_a_real_fault_of_the_same_device_beside_it_is_told_as_well(story: Story) -> None:
    stage = begin(story, Scenario.TUNNEL_DOWN, SPOKES[0])
    play(story, stage, 3)
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    assert {rule for rule, _ in story.live} == {"drill.device-down", "device-down"}
    assert {item.rule: item.drill for item in story.incidents} == {
        "drill.device-down": True,
        "device-down": False,
    }


def test_its_end_restores_and_tells_those_who_were_told(story: Story) -> None:
    stage = begin(story, Scenario.TUNNEL_DOWN, SPOKES[0])
    play(story, stage, 3)
    assert leftovers(story.world)
    story._keep(strike(story.world, EpochMs(story.now), DrillEnd.STOPPED))
    (incident,) = story.incidents
    assert incident.state is IncidentState.RESTORED
    assert story.steps[-1].reason == "drill_ended:stopped"
    assert story.pages[-1][0] is PageKind.RESTORED
    assert not leftovers(story.world)


def test_a_restart_in_the_middle_leaves_what_is_to_be_ended(story: Story) -> None:
    stage = begin(story, Scenario.TUNNEL_DOWN, SPOKES[0])
    play(story, stage, 3)
    story.restart()
    story.wait(5000)
    assert leftovers(story.world)
    story._keep(strike(story.world, EpochMs(story.now), DrillEnd.INTERRUPTED))
    assert not leftovers(story.world)


def test_only_something_grave_in_earnest_ends_it(story: Story) -> None:
    began = EpochMs(story.now)
    stage = begin(story, Scenario.TAMPER, SPOKES[0])
    play(story, stage, 3)
    assert not real_p1(story.world, began), "the drill's own P1"
    story.see(trap(SPOKES[1], story.now, tunnel_down()))
    assert not real_p1(story.world, began), "a P3"
    story.see(trap(SPOKES[2], story.now, bypass()))
    assert real_p1(story.world, began)


def test_what_becomes_grave_during_a_drill_ends_it_and_so_does_what_awaits_somebody(story: Story) -> None:
    story.see(trap(SPOKES[1], story.now, tunnel_down()))
    story.see(trap(SPOKES[2], story.now, bypass()))
    began = EpochMs(story.now + 60_000)
    assert real_p1(story.world, began), "nobody has taken the P1 that was there before"
    story.take(2)
    assert not real_p1(story.world, began)
    story.wait(60_000)
    grade = Act(ActKind.GRADE, "chief", "board", is_chief=True, reason="lan rộng", severity=Severity.P1)
    story._keep(perform(story.world, 1, grade, EpochMs(story.now)))
    story.take(1)
    assert real_p1(story.world, began)


def test_a_digest_that_a_drill_set_on_its_way_tells_of_what_is_real(story: Story) -> None:
    for number in range(1, 9):
        begin_and_play(story, spoke(number))
    story.see(trap(spoke(12), story.now, tunnel_down()))
    rows = [row for effects in story.effects for row in effects.outbox if row.page.contact == "watch"]
    digest = rows[-1]
    assert (digest.page.kind, digest.alert.drill) == (PageKind.DIGEST, True), "no message of its own is left"
    claim = Claim(1, 1, digest.page.channel, digest.page.destination, digest.alert)
    told = freshened(story.world, claim).alert
    assert (told.subject, told.drill, told.others) == (spoke(12), False, 0)
    story.take(story.incidents[-1].id)
    told = freshened(story.world, claim).alert
    assert (told.drill, told.others) == (True, 7)


def begin_and_play(story: Story, code: str) -> None:
    stage, now = begin(story, Scenario.TAMPER, code), EpochMs(story.now)
    story._keep(rehearse(story.world, stage, tuple(faults(stage, now)), now))


@pytest.mark.parametrize(
    ("scenario", "code", "by", "minutes", "problem"),
    [
        (Scenario.TAMPER, "no-such-device", "owner", 30, "plays on nothing"),
        (Scenario.HUB_LOST, SPOKES[0], "owner", 30, "plays on nothing"),
        (Scenario.COMMUNES_CUT, "gov", "owner", 30, "plays on nothing"),
        (Scenario.TAMPER, SPOKES[0], "Chief ", 30, "another person"),
        (Scenario.TAMPER, SPOKES[0], "ownr", 30, "of the role owner is called 'ownr'"),
        (Scenario.TAMPER, SPOKES[0], "owner", 241, "at most 240 minutes"),
    ],
)
def test_a_drill_that_cannot_be_is_refused(
    story: Story, scenario: Scenario, code: str, by: str, minutes: int, problem: str
) -> None:
    now = story.now
    wanted = Drill(0, scenario, code, "chief", by, EpochMs(now), EpochMs(now + minutes * 60_000))
    assert any(problem in text for text in problems(wanted, story.world.inventory, PEOPLE))


def test_a_drill_is_asked_for_by_a_chief_who_is_known_as_one(story: Story) -> None:
    wanted = drill(story, Scenario.TAMPER, SPOKES[0])
    others = People(frozenset({"other"}), PEOPLE.owners)
    (problem,) = problems(wanted, story.world.inventory, others)
    assert problem == "no contact or account of the role chief is called 'chief'"
    assert list(problems(replace(wanted, requested_by=" Chief"), story.world.inventory, PEOPLE)) == []
