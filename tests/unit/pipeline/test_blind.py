"""Time in which nobody looked is blind, whatever the reason, and opens nothing about a device."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from channelwatch.status.states import Axis, Cause, Health
from tests.support.province import HUB_A, HUB_B, answer, encrypting, role, spoke
from tests.support.story import SPOKES, Story

HOUR = 3600_000
EVERYONE = {HUB_A, HUB_B, *SPOKES}


@pytest.fixture
def story() -> Story:
    story = Story()
    for _ in range(3):
        story.all_well()
        story.wait(10_000)
    story.effects.clear()
    return story


def restarted(story: Story) -> None:
    """The process was dead for an hour."""
    story.restart(after=HOUR)


def suspended(story: Story) -> None:
    """The machine slept for an hour; the loop goes on where it was."""
    story.now += HOUR
    story.wait(1_000)


def stepped(story: Story) -> None:
    """The clock was set an hour ahead; polls go on as before."""
    story.now += HOUR
    story.wait(3_000)


def stopped(story: Story) -> None:
    """Nothing is polled for an hour, while the process lives."""
    story.wait(HOUR, step=10_000)


REASONS = (restarted, suspended, stepped, stopped)


@pytest.mark.parametrize("happens", REASONS)
def test_it_is_unknown_from_the_last_poll_on_and_no_outage(
    story: Story, happens: Callable[[Story], None]
) -> None:
    last = max(state.polled_at for state in story.world.devices.values())
    happens(story)
    moves = [move for effects in story.effects for move in effects.transitions if move.axis is Axis.HEALTH]
    assert {(move.subject, move.after, move.cause) for move in moves} == {
        (code, Health.UNKNOWN, Cause.MONITORING) for code in EVERYONE
    }
    assert all(last - 10_000 <= move.t_lo <= last + 11_000 for move in moves)
    assert {rule for rule, _ in story.live} <= {"collector-blind", "monitoring-lost"}


@pytest.mark.parametrize("happens", REASONS)
def test_the_first_answers_end_it_and_leave_nothing_open(
    story: Story, happens: Callable[[Story], None]
) -> None:
    happens(story)
    for _ in range(4):
        story.all_well()
        story.wait(10_000)
    assert {state.assessment.health for state in story.world.devices.values()} == {Health.UP}
    assert story.live == set()


def test_a_clock_that_is_set_back_makes_nothing_blind_and_nothing_down(story: Story) -> None:
    story.now -= HOUR
    for _ in range(3):
        story.all_well()
        story.wait(10_000)
    moves = [move for effects in story.effects for move in effects.transitions if move.axis is Axis.HEALTH]
    assert moves == []


def test_one_device_that_nobody_asks_is_blind_and_the_others_are_not(story: Story) -> None:
    others = [code for code in SPOKES if code != spoke(1)]
    for _ in range(5):
        hubs = (
            answer(HUB_A, story.now, encrypting(role("active"))),
            answer(HUB_B, story.now, encrypting(role("standby"))),
        )
        story.see(*hubs, *(answer(code, story.now) for code in others))
        story.wait(10_000)
    blind = {code for code, state in story.world.devices.items() if state.is_blind}
    assert blind == {spoke(1)}
