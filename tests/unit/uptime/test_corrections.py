"""What a correction makes of a history."""

from __future__ import annotations

from channelwatch.base.intervals import Interval, tiles
from channelwatch.inventory.maintenance import WindowScope
from channelwatch.uptime.corrections import CorrectedState, Correction, corrected, touches
from channelwatch.uptime.timeline import Segment, State, Timeline
from tests.support.timelines import seen_down


def says(state: CorrectedState, start: int, end: int) -> Correction:
    return Correction(1, WindowScope.DEVICE, "x", state, start, end, "biên bản 7", "truong-ca", 1000)


def states(timeline: Timeline) -> list[tuple[int, int, str]]:
    return [(part.start, part.end, part.state) for part in timeline.segments]


OUTAGE = seen_down([(100, 200)], 500)


def test_the_corrected_time_is_what_the_correction_says() -> None:
    assert states(corrected(OUTAGE, [says(CorrectedState.UP, 150, 300)])) == [
        (0, 100, "up"),
        (100, 150, "down"),
        (150, 300, "up"),
        (300, 500, "up"),
    ]


def test_a_later_correction_goes_over_an_earlier_one() -> None:
    twice = [says(CorrectedState.UP, 100, 200), says(CorrectedState.UNKNOWN, 150, 180)]
    assert [part.state for part in corrected(OUTAGE, twice).segments] == [
        State.UP,
        State.UP,
        State.UNKNOWN,
        State.UP,
        State.UP,
    ]


def test_time_of_which_nothing_is_known_may_be_corrected_and_the_rest_stays_unknown() -> None:
    found = corrected(OUTAGE, [says(CorrectedState.DOWN, 700, 800)])
    assert states(found)[-2:] == [(500, 700, "unknown"), (700, 800, "down")]
    assert tiles([(part.start, part.end) for part in found.segments], Interval(0, 800))
    assert states(corrected(Timeline(()), [says(CorrectedState.UP, 5, 9)])) == [(5, 9, "up")]


def test_an_outage_seen_at_one_instant_is_corrected_too() -> None:
    glimpse = Timeline((Segment(0, 50, State.UP), Segment(50, 50, State.DOWN), Segment(50, 90, State.UP)))
    assert State.DOWN not in {
        part.state for part in corrected(glimpse, [says(CorrectedState.UP, 40, 60)]).segments
    }
    assert State.DOWN in {
        part.state for part in corrected(glimpse, [says(CorrectedState.UP, 60, 70)]).segments
    }


def test_a_correction_about_maintenance_changes_no_state() -> None:
    assert corrected(OUTAGE, [says(CorrectedState.MAINTENANCE, 0, 500)]) == OUTAGE


def test_only_what_falls_into_a_period_touches_it() -> None:
    assert touches(says(CorrectedState.UP, 10, 20), Interval(19, 30))
    assert not touches(says(CorrectedState.UP, 10, 20), Interval(20, 30))
