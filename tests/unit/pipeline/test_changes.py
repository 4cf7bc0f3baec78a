"""What happens to open incidents when the inventory, the rules, the clock or the process itself change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import EndReason, IncidentState, PageKind, Severity, StepKind
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Inventory, LifeCycle, Role
from channelwatch.pipeline.arrivals import SetAside
from channelwatch.pipeline.ingest import ingest
from channelwatch.status.events import LatchCleared
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Flag, Health, PairState
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    answer,
    bypass,
    encrypting,
    miss,
    role,
    small_inventory,
    small_world,
    trap,
    tunnel_down,
)
from tests.support.story import RULES, SPOKES, Story

DAY_MS = 86_400_000
TAMPERED = Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def without(inventory: Inventory, *codes: str) -> Inventory:
    """`inventory` without these devices and groups, and without what hangs on them."""
    return replace(
        inventory,
        devices=tuple(item for item in inventory.devices if item.code not in codes),
        ha_groups=tuple(item for item in inventory.ha_groups if item.code not in codes),
        channels=tuple(
            item for item in inventory.channels if item.spoke not in codes and item.hub not in codes
        ),
    )


def in_life(inventory: Inventory, life_cycle: LifeCycle, *codes: str) -> Inventory:
    return replace(
        inventory,
        devices=tuple(
            replace(item, life_cycle=life_cycle) if item.code in codes else item for item in inventory.devices
        ),
    )


# The inventory ------------------------------------------------------------------------------------------------


def test_the_incident_of_a_device_that_is_removed_ends_with_its_reason_and_pages_no_more(
    story: Story,
) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    pages = len(story.pages)
    story.revise(without(story.world.inventory, SPOKES[0]))
    assert story.incidents[0].state is IncidentState.RESTORED
    assert story.steps[-1].reason == EndReason.SUBJECT_REMOVED
    story.wait(2 * 3600_000, step=60_000)
    assert [page for page in story.pages[pages:] if page[1] == SPOKES[0]] == []


def test_what_waited_for_confirmation_of_a_removed_device_is_forgotten(story: Story) -> None:
    story.see(answer(SPOKES[0], story.now, encrypting(tunnel_down())))
    story.see(answer(SPOKES[1], story.now, encrypting(tunnel_down())))
    assert story.world.holding
    story.revise(without(story.world.inventory, SPOKES[1]))
    assert story.world.holding == {}


def test_a_removed_group_ends_its_incident_and_its_spokes_speak_for_themselves(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    story.see(*(answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES))
    story.wait(3000)
    assert ("hub-lost", HUB) in story.live
    story.revise(without(story.world.inventory, HUB, HUB_A, HUB_B))
    assert story.live == {("device-down", code) for code in SPOKES}
    assert not any(Flag.IMPACTED in story.world.devices[code].flags for code in SPOKES)


def test_a_device_taken_out_of_service_pages_no_more_even_while_nothing_is_known_of_it(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.wait(40_000)
    assert story.world.devices[SPOKES[0]].assessment.health is Health.UNKNOWN
    story.revise(in_life(story.world.inventory, LifeCycle.SUSPENDED, SPOKES[0]))
    assert ("device-down", SPOKES[0]) not in story.live
    assert story.steps[-1].reason == EndReason.OUT_OF_SERVICE


def test_a_device_put_into_service_while_it_is_down_is_told_at_once(story: Story) -> None:
    story = Story(small_world(RULES, in_life(small_inventory(), LifeCycle.INSPECTED, SPOKES[0])))
    story.all_well()
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    assert story.live == set()
    story.revise(small_inventory())
    assert story.live == {("device-down", SPOKES[0])}


def test_a_device_added_below_a_lost_hub_is_impacted_from_the_start(story: Story) -> None:
    story.revise(without(story.world.inventory, SPOKES[3]))
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    story.revise(small_inventory())
    assert Flag.IMPACTED in story.world.devices[SPOKES[3]].flags
    story.silence(SPOKES[3])
    assert story.live == {("hub-lost", HUB)}


def test_a_new_device_is_awaited_for_its_three_periods_before_the_collector_is_called_blind(
    story: Story,
) -> None:
    story.revise(small_inventory(5))
    for _ in range(3):
        story.wait(9_000)
        story.all_well()
    assert story.live == set()
    for _ in range(8):
        story.wait(9_000)
        story.all_well()
    assert [(item.rule, len(item.impacted)) for item in story.incidents] == [("collector-blind", 1)]


def test_the_same_inventory_again_changes_nothing(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    assert story.revise(small_inventory()).is_empty


def test_an_observation_of_an_unknown_device_is_set_aside_with_its_reason(story: Story) -> None:
    stranger = trap(SPOKES[0].replace("20001", "29999"), story.now, bypass())  # type: ignore[arg-type]
    draft = ingest(story.world, [stranger], EpochMs(story.now))
    assert draft.effects().is_empty
    assert draft.set_aside == [(stranger, SetAside.UNKNOWN_DEVICE)]


def test_the_same_observation_twice_is_one_change_one_incident_and_one_message(story: Story) -> None:
    twice = [trap(SPOKES[0], story.now, bypass())] * 2
    effects = story.see(*twice)
    assert [move.axis for move in effects.transitions] == ["health", "protection"]
    assert len(story.incidents) == 1
    assert len({row.page.key for row in effects.outbox}) == len(effects.outbox) == 2
    assert story.see(answer(SPOKES[0], story.now, encrypting(bypass()))).is_empty


# Whose fault it is ----------------------------------------------------------------------------------------------


def test_a_fault_is_not_left_to_a_hub_of_which_nobody_is_told() -> None:
    story = Story(small_world(RULES, in_life(small_inventory(), LifeCycle.SUSPENDED, HUB_A, HUB_B)))
    story.all_well()
    story.silence(HUB_A, HUB_B)
    story.see(*(answer(code, story.now, encrypting(tunnel_down())) for code in SPOKES))
    story.wait(20_000)
    assert story.world.pairs[HUB].state is PairState.LOST
    assert story.live == {("device-down", code) for code in SPOKES}


def test_spokes_are_not_released_while_nobody_knows_what_became_of_their_lost_hub(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    for _ in range(30):
        story.see(miss(HUB_B, story.now), *(miss(code, story.now) for code in SPOKES))
        story.wait(2000)
    assert story.world.pairs[HUB].state is PairState.UNKNOWN
    assert story.live == {("hub-lost", HUB)}


def test_the_first_message_about_a_lost_hub_counts_the_communes_it_takes_along(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    alerts = [row.alert for effects in story.effects for row in effects.outbox]
    assert {(alert.rule, alert.impacted) for alert in alerts} == {("hub-lost", 4)}


def test_a_hub_that_loses_redundancy_and_then_all_is_not_told_as_restored() -> None:
    quick = tuple(replace(rule, confirm_ms=0) for rule in RULES.rules)
    story = Story(small_world(RuleBook(quick)))
    story.all_well()
    story.silence(HUB_B)
    story.see(answer(HUB_A, story.now, encrypting(role("active"))))
    assert story.live == {("redundancy-lost-party", HUB)}
    story.silence(HUB_A)
    assert story.live == {("hub-lost", HUB)}
    assert PageKind.RESTORED not in {kind for kind, _ in story.pages}
    assert (StepKind.MERGED, "part_of:hub-lost") in [(step.kind, step.reason) for step in story.steps]


def single_hub() -> Inventory:
    """The four communes below one device instead of a pair."""
    inventory = without(small_inventory(), HUB, HUB_B)
    devices = tuple(
        replace(item, ha_group=None, ha_member=None) if item.code == HUB_A else item
        for item in inventory.devices
    )
    channels = tuple(replace(item, hub=HUB_A) for item in small_inventory().channels)
    return replace(inventory, devices=devices, channels=channels)


@pytest.mark.parametrize("hub_last", [True, False])
def test_a_single_hub_that_falls_in_the_same_batch_takes_its_spokes_along(hub_last: bool) -> None:
    story = Story(small_world(RULES, single_hub()))
    devices = [HUB_A, *SPOKES]
    story.see(*(answer(code, story.now) for code in devices))
    for _ in range(3):
        batch = [miss(code, story.now + 2000) for code in (devices[::-1] if hub_last else devices)]
        story.see(*batch, after=2000)
    assert story.live == {("single-hub-lost", HUB_A)}
    hub = story.incident("single-hub-lost", HUB_A)
    assert (hub.severity, hub.impacted) == (Severity.P1, tuple(SPOKES))


def test_a_lost_hub_is_told_of_within_a_minute_although_it_flapped_before() -> None:
    """What flaps is a P3; the communes behind it that are cut off for good are a P1."""
    story = Story(small_world(RULES, single_hub()))
    story.see(*(answer(code, story.now) for code in [HUB_A, *SPOKES]))

    def fall() -> None:
        for _ in range(3):
            below = (answer(code, story.now + 2000) for code in SPOKES)
            story.see(miss(HUB_A, story.now + 2000), *below, after=2000)

    for _ in range(3):
        fall()
        story.see(*(answer(code, story.now) for code in [HUB_A, *SPOKES]))
        story.wait(5000)
    assert ("device-flapping", HUB_A) in story.live
    fall()
    gone, before = story.now, len(story.effects)
    for _ in range(7):
        story.see(miss(HUB_A, story.now), *(answer(code, story.now) for code in SPOKES))
        story.wait(10_000)
    rows = [row for effects in story.effects[before:] for row in effects.outbox]
    told = {row.page.contact: row.alert for row in rows if row.alert.rule == "single-hub-lost"}
    assert {alert.kind for alert in told.values()} == {PageKind.REOPENED}
    assert set(told) == {"watch", "onsite"}
    assert all(alert.created_at - gone <= 60_000 for alert in told.values())


# The process ----------------------------------------------------------------------------------------------------


def test_a_restart_ends_no_alarm_that_only_an_answer_can_end(story: Story) -> None:
    story.see(answer(SPOKES[0], story.now, encrypting(TAMPERED)))
    story.restart()
    story.see(miss(SPOKES[0], story.now))
    story.wait(5000)
    assert ("tamper", SPOKES[0]) in story.live
    story.see(LatchCleared(SPOKES[0], Signal.CRYPTO_TAMPER, "truong-ca", EpochMs(story.now)))
    assert ("tamper", SPOKES[0]) in story.live
    story.see(answer(SPOKES[0], story.now))
    assert story.live == set()


def test_a_restart_of_a_moment_writes_nothing_and_leaves_time_to_poll_everyone(story: Story) -> None:
    assert story.restart(after=25_000).transitions == ()
    story.wait(29_000)
    assert all(state.assessment.health is Health.UP for state in story.world.devices.values())


def test_a_fault_during_a_restart_is_bounded_by_what_was_known_before_it(story: Story) -> None:
    stopped = story.now
    story.restart(after=5_000)
    effects = story.see(answer(SPOKES[0], story.now + 4_000, encrypting(tunnel_down())), after=4_000)
    move = effects.transitions[0]
    assert (move.t_lo, move.t_hi) == (stopped, story.now)


def test_restarts_do_not_put_off_what_is_to_be_told_after_a_quarter_of_an_hour(story: Story) -> None:
    story.silence(HUB_B)
    since = story.world.pairs[HUB].since
    while story.now < since + 16 * 60_000:
        for _ in range(11):
            answers = (answer(HUB_A, story.now, encrypting(role("active"))), miss(HUB_B, story.now))
            story.see(*answers, *(answer(code, story.now) for code in SPOKES))
            story.wait(10_000)
        story.restart()
    found = story.incident("redundancy-lost-party", HUB)
    assert (found.severity, found.t0) == (Severity.P2, since)
    assert found.opened_at - since < 16 * 60_000


def test_who_cleared_a_latch_stands_in_the_incident(story: Story) -> None:
    story.see(answer(SPOKES[0], story.now, encrypting(TAMPERED)))
    story.see(LatchCleared(SPOKES[0], Signal.CRYPTO_TAMPER, "truong-ca", EpochMs(story.now)))
    assert [(step.kind, step.by) for step in story.steps] == [
        (StepKind.OPENED, "system"),
        (StepKind.NOTE, "truong-ca"),
        (StepKind.RESTORED, "system"),
    ]


def test_an_incident_whose_rule_is_gone_after_a_restart_ends_with_its_reason(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    fewer = RuleBook(tuple(rule for rule in RULES.rules if rule.id != "plaintext-bypass"))
    story.restart(rules=fewer)
    assert story.live == set()
    assert story.steps[-1].reason == EndReason.RULE_REMOVED


def test_a_restart_does_not_calm_a_flapping_line(story: Story) -> None:
    for _ in range(6):
        story.see(trap(SPOKES[0], story.now, tunnel_down()), after=1000)
        story.see(answer(SPOKES[0], story.now + 1000), after=1000)
    assert ("device-flapping", SPOKES[0]) in story.live
    story.restart()
    minutes = 0
    while Flag.FLAPPING in story.world.devices[SPOKES[0]].flags and minutes < 60:
        for _ in range(6):
            story.see(answer(SPOKES[0], story.now))
            story.wait(10_000, step=10_000)
        minutes += 1
    assert minutes == 30


def test_what_ended_a_day_ago_leaves_the_memory_and_what_awaits_closing_is_bounded() -> None:
    world = small_world(RULES)
    world.policy = replace(world.policy, keep_restored=2)
    story = Story(world)
    story.all_well()
    for code in SPOKES:
        story.see(trap(code, story.now, bypass()), after=1000)
        story.see(answer(code, story.now + 1000), after=1000)
    story.wait(DAY_MS - 60_000, step=DAY_MS - 60_000)
    assert len([item for item in story.incidents if item.rule == "plaintext-bypass"]) == 4
    story.wait(120_000, step=60_000)
    kept = [item.subject for item in story.incidents if item.rule == "plaintext-bypass"]
    assert kept == SPOKES[2:]
    story.see(trap(SPOKES[0], story.now, bypass()))
    assert story.incident("plaintext-bypass", SPOKES[0]).round == 0


# The clock ------------------------------------------------------------------------------------------------------

HOUR_MS = 3600_000


def set_back(story: Story) -> None:
    story.now -= HOUR_MS


def set_forward(story: Story) -> None:
    story.now += HOUR_MS


def test_a_clock_set_back_delays_no_confirmation(story: Story) -> None:
    split = (
        answer(HUB_A, story.now, encrypting(role("active"))),
        answer(HUB_B, story.now, encrypting(role("active"))),
    )
    story.see(*split)
    assert story.live == set()
    set_back(story)
    story.wait(4000)
    assert story.live == {("split-brain", HUB)}
    assert story.incidents[0].t0 <= story.now


def test_a_clock_set_back_delays_no_escalation_and_hides_no_blindness(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    set_back(story)
    story.wait(16 * 60_000, step=30_000)
    told = [kind for kind, subject in story.pages if subject == SPOKES[0]]
    assert told.count(PageKind.ESCALATED) == 2
    assert all(state.is_blind for state in story.world.devices.values())
    assert ("monitoring-lost", "test") in story.live  # Nothing was looked at for more than ten minutes.


def test_a_clock_set_back_delays_no_page_of_a_spoke_after_its_hub_came_back(story: Story) -> None:
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    story.all_well()
    set_back(story)
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    story.wait(1000)
    assert ("device-down", SPOKES[0]) in story.live


@pytest.mark.parametrize("step", [set_back, set_forward])
def test_polls_go_on_however_the_clock_is_set(story: Story, step: Callable[[Story], None]) -> None:
    for _ in range(3):
        step(story)
        story.all_well()
        story.wait(10_000)
        story.all_well()
        for effects in story.effects:
            for move in effects.transitions:
                assert move.t_lo <= move.t_hi <= move.recorded_at
    assert all(state.assessment.health is Health.UP for state in story.world.devices.values())
    assert story.live == set()


# Who is told ------------------------------------------------------------------------------------------------------


def test_an_incident_without_anyone_to_tell_is_still_opened_and_written(story: Story) -> None:
    story.revise(replace(small_inventory(), contacts=()))
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.wait(3600_000, step=60_000)
    assert ("plaintext-bypass", SPOKES[0]) in story.live
    assert story.pages == []


def test_contacts_that_are_added_later_are_told_at_the_next_step(story: Story) -> None:
    story.revise(replace(small_inventory(), contacts=()))
    story.see(trap(SPOKES[0], story.now, bypass()))
    watch = tuple(item for item in small_inventory().contacts if item.role is Role.WATCH)
    story.revise(replace(small_inventory(), contacts=watch))
    story.wait(11 * 60_000, step=30_000)
    assert [page for page in story.pages if page[1] == SPOKES[0]] == [(PageKind.ESCALATED, SPOKES[0])]
