"""What was stored, told as timelines."""

from __future__ import annotations

from channelwatch.base.intervals import Interval
from channelwatch.status.states import Cause
from channelwatch.uptime.history import (
    Entry,
    behind,
    health_timeline,
    parts_of_spoke,
    protection_timeline,
    settle,
    unseen,
)
from channelwatch.uptime.timeline import DownCause, Segment, State, Timeline, UnknownCause
from tests.support.timelines import seen_down


def entry(state: str, lo: int, hi: int | None = None, cause: Cause = Cause.NONE) -> Entry:
    return Entry(state, cause, lo, lo if hi is None else hi)


def lasting(timeline: Timeline) -> list[tuple[int, int, str, str | None]]:
    return [(part.start, part.end, part.state, part.cause) for part in timeline.segments]


def test_an_outage_has_the_edges_that_its_changes_have() -> None:
    story = [entry("up", 0), entry("down", 60, 90, Cause.UNREACHABLE), entry("up", 200, 260)]
    assert lasting(health_timeline(story, until=500)) == [
        (0, 60, "up", None),
        (60, 90, "edge", None),
        (90, 200, "down", "self"),
        (200, 260, "edge", None),
        (260, 500, "up", None),
    ]


def test_a_device_that_tells_of_a_lost_tunnel_is_down_by_its_link() -> None:
    story = [entry("up", 0), entry("down", 10, cause=Cause.TUNNEL_DOWN), entry("down", 20, cause=Cause.POWER)]
    assert [part[3] for part in lasting(health_timeline(story, until=30))] == [None, "link", "self"]


def test_time_without_a_usable_answer_is_silent_and_time_without_a_question_is_blind() -> None:
    story = [
        entry("up", 0),
        entry("unknown", 10, cause=Cause.AUTH),
        entry("unknown", 20, cause=Cause.MONITORING),
    ]
    assert lasting(health_timeline(story, until=30))[1:] == [
        (10, 20, "unknown", "silent"),
        (20, 30, "unknown", "blind"),
    ]


def test_protection_has_its_own_words() -> None:
    story = [
        entry("unknown", 0, cause=Cause.MONITORING),
        entry("secured", 5),
        entry("weakened", 10, cause=Cause.KEY),
        entry("exposed", 20, cause=Cause.BYPASS),
        entry("unknown", 30),
    ]
    assert lasting(protection_timeline(story, until=40)) == [
        (0, 5, "unknown", "blind"),
        (5, 10, "up", None),
        (10, 20, "degraded", None),
        (20, 30, "down", None),
        (30, 40, "unknown", "silent"),
    ]


def test_what_was_recorded_does_not_hold_while_nobody_looked() -> None:
    story = [entry("up", 0), entry("down", 100, 110), entry("up", 150)]
    found = health_timeline(story, until=300, blind=(Interval(40, 105), Interval(200, 250)))
    assert [(part.start, part.end, part.state) for part in found.segments] == [
        (0, 40, State.UP),
        (40, 100, State.UNKNOWN),
        (100, 105, State.UNKNOWN),
        (105, 110, State.EDGE),
        (110, 150, State.DOWN),
        (150, 200, State.UP),
        (200, 250, State.UNKNOWN),
        (250, 300, State.UP),
    ]


def test_short_pauses_of_a_collector_are_bridged_and_long_ones_are_not() -> None:
    alive = (Interval(0, 100), Interval(110, 200), Interval(211, 300))
    assert unseen(alive, longest_gap_ms=10) == (Interval(200, 211),)


def test_a_change_never_reaches_back_before_the_one_before_it() -> None:
    assert settle(50, 60, since=None) == (50, 60)
    assert settle(50, 60, since=55) == (55, 60)
    assert settle(50, 60, since=70) == (70, 70)
    assert settle(90, 60, since=None) == (60, 60)


def test_a_spokes_device_and_its_tunnel_share_its_outages_between_them() -> None:
    story = [
        entry("up", 0),
        entry("down", 10, cause=Cause.TUNNEL_DOWN),
        entry("down", 20, cause=Cause.UNREACHABLE),
        entry("degraded", 30, cause=Cause.HARDWARE),
    ]
    device, link = parts_of_spoke(health_timeline(story, until=40))
    assert [part.state for part in device.segments] == [State.UP, State.UP, State.DOWN, State.DEGRADED]
    assert [part.state for part in link.segments] == [State.UP, State.DOWN, State.UP, State.DEGRADED]


def test_a_lost_hub_is_not_held_against_the_devices_behind_it() -> None:
    hub = Timeline(
        (
            Segment(0, 90, State.UP),
            Segment(90, 100, State.EDGE),
            Segment(100, 200, State.DOWN),
            Segment(200, 210, State.EDGE),
            Segment(210, 500, State.UP),
        )
    )
    story = [
        entry("up", 0),
        entry("down", 95, 105, Cause.UNREACHABLE),
        entry("up", 205, 215),
        entry("down", 300, cause=Cause.UNREACHABLE),
    ]
    assert lasting(behind(health_timeline(story, until=400), hub)) == [
        (0, 95, "up", None),
        (95, 105, "unknown", "path"),
        (105, 205, "unknown", "path"),
        (205, 210, "unknown", "path"),
        (210, 215, "unknown", "path"),
        (215, 300, "up", None),
        (300, 400, "down", "self"),
    ]


def test_what_a_spoke_lost_before_its_hub_stays_its_own() -> None:
    hub = seen_down([(100, 200)], 500)
    spoke = health_timeline([entry("up", 0), entry("down", 50, 60, Cause.UNREACHABLE)], until=300)
    assert behind(spoke, hub).segments == (
        Segment(0, 50, State.UP),
        Segment(50, 60, State.EDGE),
        Segment(60, 100, State.DOWN, DownCause.SELF),
        Segment(100, 200, State.UNKNOWN, UnknownCause.PATH),
        Segment(200, 300, State.DOWN, DownCause.SELF),
    )
