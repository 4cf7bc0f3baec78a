"""When a pair changed: seen at one poll, it may have happened any time since the poll before."""

from __future__ import annotations

import pytest

from channelwatch.status.states import Axis, PairState, Transition
from tests.support.province import HUB_B, answer, encrypting, miss, role, trap
from tests.support.story import Story

POLL = 10_000


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def moves(story: Story) -> list[Transition]:
    return [move for effects in story.effects for move in effects.transitions if move.axis is Axis.PAIR]


def test_a_member_that_claims_to_be_active_began_some_time_after_its_last_poll(story: Story) -> None:
    polled = story.now
    story.see(answer(HUB_B, story.now + POLL, encrypting(role("active"))), after=POLL)
    move = moves(story)[-1]
    assert (move.after, move.t_lo, move.t_hi) == (PairState.SPLIT, polled, polled + POLL)


def test_a_pair_changes_no_earlier_than_it_did_before(story: Story) -> None:
    story.see(trap(HUB_B, story.now + 4000, role("active")), after=4000)
    split = moves(story)[-1]
    story.see(answer(HUB_B, story.now + 3000, encrypting(role("standby"))), after=3000)
    back = moves(story)[-1]
    assert (back.after, back.t_lo, back.t_hi) == (PairState.REDUNDANT, split.t_hi, split.t_hi + 3000)


def test_a_silent_member_was_lost_after_its_last_answer(story: Story) -> None:
    polled = story.now
    for _ in range(3):
        story.see(miss(HUB_B, story.now + 2000), after=2000)
    move = moves(story)[-1]
    assert (move.after, move.t_lo) == (PairState.NO_REDUNDANCY, polled)
    assert move.t_hi <= story.now
