"""Rules that count events: what opens an incident, and that nothing but time and a person ends it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import IncidentState, PageKind, Severity, StepKind
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.tally import MAX_SOURCES
from channelwatch.status.events import EventKind, EventReceived, RogueSource, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.support.province import HUB_A, answer, encrypting, small_world, spoke
from tests.support.story import RULES, SPOKES, Story

ALL = frozenset(Bloc)
MINUTE, HOUR = 60_000, 3_600_000
EVENING = 5 * HOUR
"""After the story's begin, which is at one in the afternoon of a working day."""


def told(story: Story, kind: EventKind, device: DeviceCode = SPOKES[0], **more: object) -> EventReceived:
    """What an unauthenticated line says."""
    return EventReceived(device, kind, Transport.SYSLOG_UDP, EpochMs(story.now), trusted=False, **more)  # type: ignore[arg-type]


@pytest.fixture
def story() -> Story:
    found = Story(small_world(RULES, security=ALL))
    found.all_well()
    return found


def refuse(story: Story, times: int, every: int = 1000) -> None:
    for _ in range(times):
        story.see(told(story, EventKind.LOGIN_FAIL), after=every)


def at_work(story: Story, ms: int) -> None:
    """Time passes in which everything is polled."""
    for _ in range(ms // 30_000):
        story.all_well()
        story.wait(30_000, step=10_000)


def test_a_burst_of_refused_sign_ins_is_one_incident_and_the_watch_is_paged(story: Story) -> None:
    refuse(story, 9)
    assert story.live == set()
    refuse(story, 5)
    assert story.live == {("sign-ins-refused", SPOKES[0])}
    incident = story.incident("sign-ins-refused", SPOKES[0])
    assert (incident.severity, incident.bloc) == (Severity.P2, Bloc.PARTY)
    assert story.pages == [(PageKind.OPENED, SPOKES[0])]


def test_refused_sign_ins_that_are_far_apart_are_no_burst(story: Story) -> None:
    refuse(story, 30, every=70_000)
    assert ("sign-ins-refused", SPOKES[0]) not in story.live


def test_those_of_several_devices_are_not_added_up(story: Story) -> None:
    for _ in range(5):
        story.see(*(told(story, EventKind.LOGIN_FAIL, code) for code in SPOKES), after=1000)
    assert story.live == set()


def test_an_incident_stays_until_a_person_has_taken_it_however_long_ago_its_events_were(story: Story) -> None:
    refuse(story, 10)
    at_work(story, 30 * MINUTE)
    incident = story.incident("sign-ins-refused", SPOKES[0])
    assert incident.state is IncidentState.OPEN
    story.take(incident.id)
    story.wait(2000)
    assert story.incident("sign-ins-refused", SPOKES[0]).state is IncidentState.RESTORED


def test_one_that_was_taken_is_restored_when_its_time_is_over_and_no_sooner(story: Story) -> None:
    refuse(story, 10)
    first = story.now - 10 * 1000
    story.take(story.incident("sign-ins-refused", SPOKES[0]).id)
    at_work(story, 9 * MINUTE)
    story.wait(first + 10 * MINUTE - story.now - 1000)
    assert ("sign-ins-refused", SPOKES[0]) in story.live
    story.wait(1000)
    assert ("sign-ins-refused", SPOKES[0]) not in story.live


@pytest.mark.parametrize("kind", [EventKind.LOGIN_OK, EventKind.BYPASS_OFF, EventKind.OTHER])
def test_no_event_ends_what_an_event_opened(story: Story, kind: EventKind) -> None:
    refuse(story, 10)
    before = story.incidents
    story.see(told(story, kind), after=1000)
    assert ("sign-ins-refused", SPOKES[0]) in story.live
    assert story.incident("sign-ins-refused", SPOKES[0]) == before[0]


def test_events_are_counted_only_for_blocs_that_asked_for_it() -> None:
    story = Story(small_world(RULES))
    refuse(story, 50)
    story.see(*(stranger(story, "192.0.2.9", 500),))
    story.wait(2000)
    assert story.live == set()
    assert not story.world.tallies
    assert len(story.effects) == 51  # They are recorded all the same.


def test_a_sign_in_in_the_evening_is_an_incident_and_one_at_work_is_none(story: Story) -> None:
    story.see(told(story, EventKind.LOGIN_OK))
    assert story.live == set()
    story.now += EVENING
    story.see(told(story, EventKind.LOGIN_OK))
    assert story.live == {("sign-in-after-hours", SPOKES[0])}


def test_a_changed_configuration_stands_in_the_list_and_is_told_of_only_outside_working_hours(
    story: Story,
) -> None:
    story.see(told(story, EventKind.CONFIG_CHANGE))
    assert story.live == {("configuration-changed", SPOKES[0])}
    assert story.pages == []
    story.now += EVENING
    story.see(told(story, EventKind.CONFIG_CHANGE))
    assert ("configuration-changed-after-hours", SPOKES[0]) in story.live
    assert story.pages == [(PageKind.OPENED, SPOKES[0])]


def test_what_only_stands_in_the_list_goes_by_itself(story: Story) -> None:
    story.see(told(story, EventKind.CONFIG_CHANGE))
    at_work(story, HOUR + MINUTE)
    assert story.live == set()


@pytest.mark.parametrize(
    ("kind", "rule", "proof", "graver"),
    [
        (EventKind.TAMPER, "tamper-reported", Signal.CRYPTO_TAMPER, "tamper"),
        (EventKind.BYPASS_ON, "bypass-reported", Signal.CRYPTO_MODE, "plaintext-bypass"),
    ],
)
def test_what_an_unproven_line_says_is_told_of_and_gives_way_to_the_proof(
    story: Story, kind: EventKind, rule: str, proof: Signal, graver: str
) -> None:
    story.see(told(story, kind))
    assert story.live == {(rule, SPOKES[0])}
    value = "bypass_plaintext" if proof is Signal.CRYPTO_MODE else "detected"
    seen = encrypting(Reading(proof, SignalState.FAILED, value))
    story.see(answer(SPOKES[0], story.now, seen), after=1000)
    assert story.live == {(graver, SPOKES[0])}


def test_another_device_at_an_address_is_an_incident(story: Story) -> None:
    story.see(told(story, EventKind.ENGINE_CHANGED))
    assert story.live == {("device-exchanged", SPOKES[0])}


def stranger(story: Story, address: str, count: int) -> RogueSource:
    return RogueSource(address, Transport.SYSLOG_UDP, EpochMs(story.now), count, "<34>su: failed")


def test_an_unknown_source_that_keeps_sending_is_an_incident_of_the_monitoring(story: Story) -> None:
    story.see(stranger(story, "192.0.2.9", 1))
    story.wait(1000)
    assert story.live == set()
    story.see(stranger(story, "192.0.2.9", 19))
    story.wait(1000)
    assert story.live == {("unknown-source", "test")}
    alerts = [row.alert for effects in story.effects for row in effects.outbox]
    assert alerts
    assert not any("192.0.2.9" in repr(alert) for alert in alerts)
    assert [step.reason for step in story.steps if step.kind is StepKind.NOTE] == ["192.0.2.9"]


def test_many_unknown_sources_that_say_little_each_are_counted_together_in_bounded_memory(
    story: Story,
) -> None:
    number = MAX_SOURCES + 500
    story.see(*(stranger(story, f"2001:db8::{n:x}", 1) for n in range(number)))
    story.wait(1000)
    assert story.live == {("unknown-sources", "test")}
    kept = [key for key in story.world.tallies["test"] if key[1]]
    assert len(kept) == MAX_SOURCES
    assert ("unknown-source", f"2001:db8::{number - 1:x}") in kept


def test_a_flood_keeps_no_more_instants_than_its_rule_asks_for(story: Story) -> None:
    story.see(*(told(story, EventKind.LOGIN_FAIL) for _ in range(5000)))
    assert all(len(times) <= 10 for times in story.world.tallies[SPOKES[0]].values())
    at_work(story, 20 * MINUTE)
    assert story.world.tallies == {}


@pytest.mark.parametrize(
    "alter", [lambda story: story.restart(), lambda story: story.revise(story.world.inventory)]
)
def test_a_restart_in_a_burst_forgets_nothing_of_it(story: Story, alter: Callable[[Story], object]) -> None:
    refuse(story, 9)
    alter(story)
    assert story.live == set()
    refuse(story, 1)
    assert story.live == {("sign-ins-refused", SPOKES[0])}


def test_a_device_out_of_service_and_one_that_nobody_knows_open_nothing(story: Story) -> None:
    story.see(told(story, EventKind.ENGINE_CHANGED, DeviceCode("nobody")))
    assert story.live == set()
    assert story.world.tallies == {}


def test_a_clock_that_is_set_back_keeps_nothing_open_for_longer(story: Story) -> None:
    refuse(story, 10)
    story.take(story.incident("sign-ins-refused", SPOKES[0]).id)
    story.now -= HOUR
    story.wait(2000)
    assert story.live == set()
    refuse(story, 10)
    assert story.live == {("sign-ins-refused", SPOKES[0])}


def test_a_hub_and_a_spoke_are_judged_alike(story: Story) -> None:
    for code in (HUB_A, spoke(2)):
        story.see(told(story, EventKind.TAMPER, code))
    assert story.live == {("tamper-reported", HUB_A), ("tamper-reported", spoke(2))}
