"""Planned work: flagged, quiet, and told of at its end if something is still wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.incidents.model import IncidentState, PageKind
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.pipeline.ingest import acknowledge
from channelwatch.status.states import Flag
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    START,
    answer,
    encrypting,
    role,
    small_inventory,
    small_world,
    spoke,
    tunnel_down,
)
from tests.support.story import RULES, Story

MINUTE = 60_000
FIRST, SECOND = spoke(1), spoke(2)


def window(code: str = FIRST, *, first: int = 0, last: int = 10 * MINUTE, **more: object) -> Window:
    """Approved work from `first` to `last` after the start of the story."""
    scope = more.pop("scope", WindowScope.DEVICE)
    found = Window(
        id=1,
        scope=scope,  # type: ignore[arg-type]
        code=code,
        start=EpochMs(START + first),
        end=EpochMs(START + last),
        owner="Phòng Kỹ thuật",
        reason="thay nguồn",
        requested_by="truong-ca",
        requested_at=EpochMs(START - 2 * MINUTE),
        approved_by="chi-huy",
        approved_at=EpochMs(START - MINUTE),
    )
    return replace(found, **more)  # type: ignore[arg-type]


@pytest.fixture
def story() -> Story:
    story = Story()
    story.all_well()
    return story


def work(story: Story, *windows: Window) -> None:
    """Take `windows` from now on."""
    story.world.windows = windows
    story.wait(1000)


def wait(story: Story, ms: int, *silent: str) -> None:
    """Let time pass with everything polled every ten seconds; `silent` devices do not answer."""
    for _ in range(ms // 10_000):
        codes = [code for code in story.world.devices if code not in silent]
        roles = {HUB_A: role("active"), HUB_B: role("standby")}
        story.see(
            *(
                answer(code, story.now, encrypting(*([roles[code]] if code in roles else [])))
                for code in codes
            )
        )
        if silent:
            story.silence(*silent)
            story.wait(4000)
        else:
            story.wait(10_000)


def flagged(story: Story) -> set[str]:
    return {code for code, state in story.world.devices.items() if Flag.MAINTENANCE in state.flags}


def test_devices_are_flagged_while_they_are_worked_on(story: Story) -> None:
    work(story, window(last=2 * MINUTE))
    assert flagged(story) == {FIRST}
    wait(story, 2 * MINUTE)
    assert flagged(story) == set()
    assert story.incidents == []


def test_a_fault_within_the_window_is_recorded_and_nobody_is_paged(story: Story) -> None:
    work(story, window())
    wait(story, MINUTE, FIRST)
    assert [item.state for item in story.incidents] == [IncidentState.OPEN]
    wait(story, 2 * MINUTE)
    assert [item.state for item in story.incidents] == [IncidentState.RESTORED]
    wait(story, 10 * MINUTE)
    assert story.pages == []


def test_a_fault_that_outlasts_the_window_is_told_of_at_its_end_from_the_first_rung(story: Story) -> None:
    work(story, window(last=10 * MINUTE))
    while story.now < START + 10 * MINUTE - 15_000:
        wait(story, 10_000, FIRST)
    assert story.pages == []
    wait(story, MINUTE, FIRST)
    assert set(story.pages) == {(PageKind.OPENED, FIRST)}
    assert story.incidents[0].ladder == 1


def test_another_device_is_told_of_as_ever(story: Story) -> None:
    work(story, window())
    wait(story, MINUTE, SECOND)
    assert set(story.pages) == {(PageKind.OPENED, SECOND)}


def test_an_old_fault_is_not_told_of_again_and_its_ladder_goes_on_where_it_stood(story: Story) -> None:
    story.world.windows = ()
    wait(story, MINUTE, FIRST)
    told = len(story.pages)
    assert told
    (before,) = story.incidents
    work(story, window(first=2 * MINUTE, last=300 * MINUTE))
    story.now = START + 299 * MINUTE
    wait(story, 3 * MINUTE, FIRST)
    (after,) = story.incidents
    assert len(story.pages) == told
    assert after.ladder == before.ladder == 1
    assert after.round_at - before.round_at == pytest.approx(298 * MINUTE, abs=5000)
    story.now += 245 * MINUTE
    wait(story, 20_000, FIRST)
    assert {kind for kind, _ in story.pages[told:]} == {PageKind.ESCALATED}


def test_a_fault_that_somebody_took_within_the_window_pages_nobody_after_it(story: Story) -> None:
    work(story, window(last=3 * MINUTE))
    wait(story, MINUTE, FIRST)
    (incident,) = story.incidents
    draft, _ = acknowledge(story.world, incident.id, by="truc", origin="board", now=EpochMs(story.now))
    draft.adopt()
    wait(story, 5 * MINUTE, FIRST)
    assert story.pages == []


def test_the_loss_of_redundancy_is_expected_while_a_member_is_worked_on(story: Story) -> None:
    work(story, window(HUB_B, last=60 * MINUTE))
    wait(story, 20 * MINUTE, HUB_B)
    assert HUB in {item.subject for item in story.incidents}
    assert story.pages == []


def test_the_loss_of_the_whole_pair_is_not(story: Story) -> None:
    work(story, window(HUB_B))
    wait(story, MINUTE, HUB_B)
    wait(story, MINUTE, HUB_A, HUB_B)
    assert (PageKind.OPENED, HUB) in story.pages


def test_work_on_a_whole_pair_keeps_its_loss_and_its_spokes_quiet(story: Story) -> None:
    work(story, window(HUB, scope=WindowScope.PAIR, last=5 * MINUTE))
    everyone = [HUB_A, HUB_B, *(spoke(number) for number in range(1, 5))]
    wait(story, 3 * MINUTE, *everyone)
    assert story.pages == []
    wait(story, 5 * MINUTE, *everyone)
    assert set(story.pages) == {(PageKind.OPENED, HUB)}


SIX = [spoke(number) for number in range(1, 7)]


@pytest.fixture
def wide() -> Story:
    """As many communes as are told of together."""
    story = Story(small_world(RULES, small_inventory(len(SIX))))
    story.all_well(SIX)
    return story


def test_work_on_a_bloc_keeps_quiet_that_its_communes_fell_together(wide: Story) -> None:
    story, spokes = wide, SIX
    work(story, window("party", scope=WindowScope.BLOC, last=5 * MINUTE))
    wait(story, 3 * MINUTE, *spokes)
    assert [item.subject for item in story.incidents if item.is_live] == ["party"]
    assert story.pages == []
    wait(story, 5 * MINUTE, *spokes)
    assert set(story.pages) == {(PageKind.OPENED, "party")}


def test_work_on_some_of_the_communes_that_fell_together_keeps_nothing_quiet(wide: Story) -> None:
    work(wide, *(window(code) for code in SIX[:3]))
    wait(wide, 3 * MINUTE, *SIX)
    assert (PageKind.OPENED, "party") in wide.pages


def test_before_the_windows_were_read_nothing_is_released(story: Story) -> None:
    work(story, window())
    story.world.windows = None
    story.now = START + 20 * MINUTE
    wait(story, 20_000)
    assert flagged(story) == {FIRST}
    work(story)
    assert flagged(story) == set()


def test_work_without_approval_changes_nothing(story: Story) -> None:
    work(story, window(approved_at=None))
    wait(story, MINUTE, FIRST)
    assert flagged(story) == set()
    assert story.pages


def test_communes_that_are_worked_on_are_no_storm_with_others_that_fall_meanwhile() -> None:
    story = Story(small_world(RULES, small_inventory(20)))
    codes = [spoke(number) for number in range(1, 21)]
    story.all_well(codes)
    work(story, *(window(code, id=number) for number, code in enumerate(codes[:10], 1)))

    def down(count: int, minutes: int) -> None:
        for _ in range(minutes * 6):
            states = {code: encrypting(tunnel_down()) for code in codes[:count]}
            story.see(
                *(answer(code, story.now, states.get(code)) for code in codes),
                answer(HUB_A, story.now, encrypting(role("active"))),
                answer(HUB_B, story.now, encrypting(role("standby"))),
            )
            story.wait(10_000)

    down(10, minutes=2)
    assert story.pages == []
    down(11, minutes=1)
    assert set(story.pages) == {(PageKind.OPENED, codes[10])}
    down(15, minutes=1)
    assert (PageKind.OPENED, "party") in story.pages
    storm = next(item for item in story.incidents if item.subject == "party")
    assert set(storm.impacted) == set(codes[10:15])
