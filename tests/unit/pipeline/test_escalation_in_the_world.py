"""The ladder in the running world: rosters are heeded, gaps are an incident, acknowledgements expire."""

from __future__ import annotations

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ContactCode
from channelwatch.incidents.model import IncidentState, PageKind, StepKind
from channelwatch.incidents.oncall import Gap, Roster, Shift, Team
from channelwatch.incidents.restraint import WINDOW_MS
from channelwatch.inventory.model import Category, Role
from tests.support.province import START, answer, bypass, encrypting, small_inventory, small_world, spoke
from tests.support.story import RULES, Story

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def expose(story: Story) -> None:
    story.see(answer(spoke(1), story.now + 100, encrypting(bypass())), after=100)


def pages(story: Story, rule: str = "plaintext-bypass") -> list[tuple[PageKind, str]]:
    rows = [row for effects in story.effects for row in effects.outbox if row.alert.rule == rule]
    return [(row.page.kind, row.page.contact) for row in rows]


def test_the_roster_says_who_of_a_role_is_paged(story: Story) -> None:
    both = (ContactCode("watch"), ContactCode("chief"))
    team = Team("desk", "Trực", Role.WATCH, both, category=Category.CIPHER)
    shift = Shift("desk", ContactCode("chief"), EpochMs(START - DAY), EpochMs(START + DAY))
    story.world.roster = Roster((team,), (shift,))
    expose(story)
    assert [contact for _, contact in pages(story)] == ["chief", "onsite"]


def test_an_acknowledgement_expires_and_the_ladder_begins_again(story: Story) -> None:
    expose(story)
    number = story.incidents[0].id
    story.take(number)
    before = len(pages(story))
    story.wait(29 * MINUTE, step=MINUTE)
    assert len(pages(story)) == before
    story.wait(2 * MINUTE, step=MINUTE)
    found = story.incidents[0]
    assert (found.state, found.round, found.acked_by) == (IncidentState.OPEN, 1, None)
    assert {kind for kind, _ in pages(story)[before:]} == {PageKind.LAPSED}
    step = next(item for item in story.steps if item.kind is StepKind.ACK_EXPIRED)
    assert step.reason == "acked_by:truc"
    story.take(number, by="truong-ca")
    assert story.incidents[0].acked_by == "truong-ca"


def test_whoever_was_told_before_an_acknowledgement_expired_is_told_of_the_end(story: Story) -> None:
    expose(story)
    number = story.incidents[0].id
    story.wait(16 * MINUTE, step=MINUTE)
    story.take(number)
    story.wait(31 * MINUTE, step=MINUTE)
    assert (story.incidents[0].round, story.incidents[0].ladder) == (1, 1)
    before = len(pages(story))
    story.see(answer(spoke(1), story.now, encrypting()))
    ended = [contact for kind, contact in pages(story)[before:] if kind is PageKind.RESTORED]
    assert ended == ["watch", "onsite", "chief", "team"]
    expose(story)
    before = len(pages(story))
    story.see(answer(spoke(1), story.now, encrypting()))
    ended = [contact for kind, contact in pages(story)[before:] if kind is PageKind.RESTORED]
    assert ended == ["watch", "onsite"], "the others have heard of the end, and of nothing since"


def test_a_restart_does_not_forget_that_an_acknowledgement_expires(story: Story) -> None:
    expose(story)
    story.take(story.incidents[0].id)
    story.restart()
    story.wait(31 * MINUTE, step=MINUTE)
    assert any(kind is PageKind.LAPSED for kind, _ in pages(story))


def test_a_gap_in_the_roster_is_one_incident_until_it_is_filled(story: Story) -> None:
    story.world.duty_gaps = (Gap("desk", EpochMs(START + DAY), EpochMs(START + 2 * DAY)),)
    story.wait(2 * MINUTE)
    assert ("oncall-gap", story.world.log) in story.live
    assert pages(story, "oncall-gap") == [(PageKind.OPENED, "watch")]
    story.world.duty_gaps = ()
    story.wait(3 * MINUTE)
    assert ("oncall-gap", story.world.log) not in story.live


def test_a_restart_in_a_storm_does_not_open_the_budget_again() -> None:
    """Ten messages in ten minutes, however often the process ends."""
    story = Story(small_world(RULES, small_inventory(60)))
    codes = [spoke(number) for number in range(1, 61)]
    story.all_well(codes)
    for number, code in enumerate(codes):
        story.see(answer(code, story.now, encrypting(bypass())), after=5_000)
        if number % 7 == 6:
            story.restart(after=1_000)
    told = [
        (row.page.not_before, row.page.contact)
        for effects in story.effects
        for row in effects.outbox
        if not row.page.is_spare
    ]
    assert len(story.live) >= 60
    for contact in {name for _, name in told}:
        times = sorted(at for at, name in told if name == contact)
        most = max(sum(first <= at < first + WINDOW_MS for at in times) for first in times)
        assert 6 < most <= 10, contact
