"""Many faults at once: one message for one cause, and few messages in any case."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from channelwatch.incidents.model import IncidentState, PageKind
from channelwatch.incidents.restraint import WINDOW_MS, Restraint
from channelwatch.pipeline.freshen import freshened
from channelwatch.pipeline.ports import Claim, OutboxRow
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Cause, Health
from tests.support.province import (
    HUB_A,
    HUB_B,
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
from tests.support.story import RULES, Story

COMMUNES = 500


def told(communes: int) -> Story:
    story = Story(small_world(RULES, small_inventory(communes)))
    story.all_well([spoke(number) for number in range(1, communes + 1)])
    return story


def messages(story: Story) -> Counter[str]:
    """How many messages each contact got, each by one way."""
    rows = [row for effects in story.effects for row in effects.outbox if not row.page.is_spare]
    return Counter(row.page.contact for row in rows)


def hubs(story: Story) -> None:
    story.see(
        answer(HUB_A, story.now, encrypting(role("active"))),
        answer(HUB_B, story.now, encrypting(role("standby"))),
    )


def test_an_uplink_cut_of_500_devices_is_one_message_for_each_responder() -> None:
    """The hub answers; behind it every commune falls silent, each at its own turn within one poll period."""
    story = told(COMMUNES)
    due = {number: number * 10_000 // COMMUNES for number in range(1, COMMUNES + 1)}
    for second in range(25):
        story.now += 1000
        if second % 10 == 0:
            hubs(story)
        missing = [
            miss(spoke(number), story.now)
            for number, at in due.items()
            if at <= second * 1000 and story.world.devices[spoke(number)].misses < 3
        ]
        story.see(*missing)
        story.now -= 1000
        story.wait(1000)
    assert story.live == {("communes-cut", "party")}
    (incident,) = (item for item in story.incidents if item.is_live)
    assert len(incident.impacted) == COMMUNES
    assert set(messages(story).values()) == {1}


def test_communes_that_are_still_down_when_the_storm_ends_speak_for_themselves() -> None:
    story = told(20)
    fallen = [spoke(number) for number in range(1, 7)]
    story.see(*(trap(code, story.now, tunnel_down()) for code in fallen))
    story.wait(40_000)
    assert ("communes-cut", "party") in story.live
    for _ in range(7):
        hubs(story)
        story.see(*(answer(spoke(number), story.now) for number in range(1, 21) if number != 6))
        story.see(answer(fallen[5], story.now, encrypting(tunnel_down())))
        story.wait(10_000)
    assert ("device-down", fallen[5]) in story.live
    assert not any(rule == "communes-cut" for rule, _ in story.live)


def test_a_lost_hub_takes_its_communes_along_and_is_no_storm_beside() -> None:
    story = told(20)
    story.silence(HUB_A, HUB_B)
    story.see(*(trap(spoke(number), story.now, tunnel_down()) for number in range(1, 21)))
    story.wait(60_000)
    assert {rule for rule, _ in story.live} == {"hub-lost"}


def test_in_any_storm_a_responder_gets_ten_messages_in_ten_minutes() -> None:
    """Every device has a fault of its own, so that no cause groups them."""
    story = told(60)
    tampered = Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")
    for number in range(1, 61):
        story.see(answer(spoke(number), story.now, encrypting(tampered)), after=5000)
        story.wait(1000)
    rows = [row for effects in story.effects for row in effects.outbox if not row.page.is_spare]
    for contact in {row.page.contact for row in rows}:
        times = sorted(row.page.not_before for row in rows if row.page.contact == contact)
        assert max(sum(first <= at < first + WINDOW_MS for at in times) for first in times) <= 10
    kinds = Counter(row.page.kind for row in rows if row.page.contact == "watch")
    assert kinds[PageKind.OPENED] == Restraint().single
    assert kinds[PageKind.DIGEST] >= 2


def claim(row: OutboxRow) -> Claim:
    return Claim(1, 1, row.page.channel, row.page.destination, row.alert)


def test_a_digest_counts_when_it_is_sent_and_names_the_gravest() -> None:
    story = told(60)
    story.see(*(trap(spoke(number), story.now, tunnel_down()) for number in range(1, 3)))
    story.see(*(trap(spoke(number), story.now, bypass()) for number in range(3, 20)))
    digests = [row for effects in story.effects for row in effects.outbox if row.page.kind is PageKind.DIGEST]
    first = next(row for row in digests if row.page.contact == "watch")
    sent = freshened(story.world, claim(first)).alert
    waiting = [item for item in story.incidents if item.state is IncidentState.OPEN and item.ladder]
    assert (sent.severity, sent.rule, sent.others) == ("p1", "plaintext-bypass", len(waiting) - 1)
    assert sent.key == first.alert.key
    for item in waiting:
        story.take(item.id)
    assert freshened(story.world, claim(first)).is_needless


def test_a_grave_fault_in_a_storm_of_lesser_ones_is_told_at_once() -> None:
    story = told(60)
    hot = Reading(Signal.ENV_TEMP, SignalState.FAILED, "high")
    for number in range(1, 31):
        story.see(answer(spoke(number), story.now, encrypting(hot)), after=1000)
    for _ in range(7):
        hubs(story)
        warm = {number: encrypting(hot) for number in range(1, 31)}
        story.see(*(answer(spoke(number), story.now, warm.get(number)) for number in range(1, 61)))
        story.wait(10_000)
    assert any(row.page.kind is PageKind.DIGEST for effects in story.effects for row in effects.outbox)
    effects = story.see(trap(spoke(40), story.now, bypass()))
    rows = {row.page.contact: row for row in effects.outbox}
    assert set(rows) == {"watch", "onsite"}
    assert {(row.page.kind, row.page.not_before - story.now) for row in rows.values()} == {
        (PageKind.OPENED, 0)
    }


def test_the_count_of_what_is_impacted_is_that_of_the_moment_of_sending() -> None:
    story = told(20)
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    row = next(row for effects in story.effects for row in effects.outbox if row.alert.rule == "hub-lost")
    incident = story.incident("hub-lost", row.alert.subject)
    assert freshened(story.world, claim(row)).alert.impacted == len(incident.impacted) == 20


@pytest.mark.parametrize("growth", [4, 40])
def test_a_fault_that_has_doubled_is_told_of_once_ten_minutes_later(growth: int) -> None:
    story = told(100)
    fallen = [spoke(number) for number in range(1, 21)]
    story.see(*(trap(code, story.now, tunnel_down()) for code in fallen))
    story.wait(6_000)
    more = [spoke(number) for number in range(21, 21 + growth)]
    story.see(*(trap(code, story.now, tunnel_down()) for code in more))
    everyone = [spoke(number) for number in range(1, 101)]
    for _ in range(70):
        down = {*fallen, *more}
        story.see(
            *(
                answer(code, story.now, encrypting(tunnel_down()) if code in down else None)
                for code in everyone
            )
        )
        hubs(story)
        story.wait(10_000)
    assert sum(kind is PageKind.IMPACT for kind, _ in story.pages) == (growth == 40)


def test_what_no_change_told_of_is_found_by_the_safety_sweep_within_half_a_minute() -> None:
    """A state that came about without anything being told of it: it is looked at all the same."""
    story = told(100)
    state = story.world.devices[spoke(77)]
    down = replace(state.assessment, health=Health.DOWN, cause=Cause.TUNNEL_DOWN)
    story.world.put_device(replace(state, assessment=down))
    for _ in range(3):
        hubs(story)
        story.wait(10_000)
    assert ("device-down", spoke(77)) in story.live
