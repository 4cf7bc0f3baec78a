"""What an alert says is what is so when it is sent, not what was when it was written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import PageKind
from channelwatch.inventory.model import LifeCycle
from channelwatch.pipeline.acts import Act, ActKind, perform
from channelwatch.pipeline.freshen import freshened
from channelwatch.pipeline.ports import Alert, Claim, OutboxRow
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    answer,
    bypass,
    encrypting,
    small_inventory,
    small_world,
    spoke,
    trap,
    tunnel_down,
)
from tests.support.story import RULES, SPOKES, Story

MINUTE = 60_000


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def rows(story: Story, kind: PageKind = PageKind.OPENED, contact: str = "watch") -> list[OutboxRow]:
    every = [row for effects in story.effects for row in effects.outbox]
    return [row for row in every if (row.page.kind, row.page.contact) == (kind, contact)]


def turn(story: Story, row: OutboxRow, attempts: int = 1) -> Claim:
    """What is sent of `row` when its turn comes now."""
    claim = Claim(1, attempts, row.page.channel, row.page.destination, row.alert)
    return freshened(story.world, claim)


def sent(story: Story, row: OutboxRow, attempts: int = 1) -> Alert:
    claim = turn(story, row, attempts)
    assert not claim.is_needless
    return claim.alert


def test_what_is_over_when_its_turn_comes_is_told_as_over(story: Story) -> None:
    """Whoever has had many messages may get no message about the end: no beginning may come after it."""
    story.see(trap(SPOKES[0], story.now, bypass()))
    (row,) = rows(story)
    assert sent(story, row) == row.alert
    story.wait(16 * MINUTE, step=MINUTE)
    (reminder,) = rows(story, PageKind.REPEATED)
    story.see(answer(SPOKES[0], story.now, encrypting()))
    told = sent(story, row)
    assert (told.kind, told.restored_at, told.key) == (PageKind.PASSED, story.now, row.alert.key)
    assert sent(story, reminder).kind is PageKind.RESTORED, "it was heard of before"


def test_what_was_tried_before_keeps_its_kind(story: Story) -> None:
    """Its receiver may have had it: a second copy is to be recognised as one."""
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.see(answer(SPOKES[0], story.now + 1000, encrypting()), after=1000)
    (row,) = rows(story)
    assert sent(story, row, attempts=2).kind is PageKind.OPENED


def test_the_message_of_an_earlier_round_asks_for_the_present_one(story: Story) -> None:
    """The code of the earlier one would be refused."""
    story.see(trap(SPOKES[0], story.now, bypass()))
    (row,) = rows(story)
    story.see(answer(SPOKES[0], story.now + 1000, encrypting()), after=1000)
    story.see(trap(SPOKES[0], story.now + 1000, bypass()), after=1000)
    told = sent(story, row)
    assert (told.kind, told.round) == (PageKind.OPENED, 1)


def test_a_reminder_that_nobody_has_answered_is_not_sent_once_somebody_has(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    story.wait(16 * MINUTE, step=MINUTE)
    (reminder,) = rows(story, PageKind.REPEATED)
    assert sent(story, reminder).kind is PageKind.REPEATED
    story.take(1)
    assert turn(story, reminder).is_needless
    assert not turn(story, rows(story)[0]).is_needless, "what happened is told all the same"


def test_a_commune_that_turned_out_to_be_part_of_a_lost_hub_is_not_told_of_any_more(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, tunnel_down()))
    (row,) = rows(story)
    story.silence(HUB_A, HUB_B)
    story.wait(3000)
    assert story.live == {("hub-lost", HUB)}
    assert turn(story, row).is_needless
    assert not turn(story, rows(story)[-1]).is_needless


def test_what_a_person_has_called_a_false_alarm_is_not_told_of_any_more(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    (row,) = rows(story)
    dismissal = Act(ActKind.DISMISS, "chief", "board", is_chief=True, reason="thử nghiệm")
    story._keep(perform(story.world, 1, dismissal, EpochMs(story.now)))
    assert turn(story, row).is_needless


def test_what_was_taken_out_of_service_is_not_told_as_well(story: Story) -> None:
    story.see(trap(SPOKES[0], story.now, bypass()))
    (row,) = rows(story)
    inventory = small_inventory()
    devices = tuple(
        replace(item, life_cycle=LifeCycle.SUSPENDED) if item.code == SPOKES[0] else item
        for item in inventory.devices
    )
    story.revise(replace(inventory, devices=devices))
    assert turn(story, row).is_needless


def test_a_digest_is_not_sent_when_nothing_awaits_anybody() -> None:
    story = Story(small_world(RULES, small_inventory(10)))
    story.all_well([spoke(number) for number in range(1, 11)])
    story.see(*(trap(spoke(number), story.now, bypass()) for number in range(1, 10)))
    (digest,) = rows(story, PageKind.DIGEST)
    assert sent(story, digest).others == 8
    for incident in story.incidents:
        story.take(incident.id)
    assert turn(story, digest).is_needless
