"""Counting outages."""

from __future__ import annotations

from fractions import Fraction

from channelwatch.base.intervals import Interval
from channelwatch.uptime.measure import Maintenance, Scope, measure
from channelwatch.uptime.outages import (
    HOLD_DOWN_MS,
    Outage,
    RepairFigures,
    Response,
    in_service,
    merge_flaps,
    outages,
    repair_figures,
    response_figures,
    summarise,
)
from channelwatch.uptime.timeline import Change, DownCause, State, Timeline, from_changes
from tests.support.timelines import DAY, HOUR, MINUTE, TARGET, scope, seen_down


def repair(timeline: Timeline, of: Scope) -> RepairFigures:
    return repair_figures(outages(timeline), of, measure(timeline, of, TARGET).sums)


def test_hold_down_joins_what_is_closer_and_nothing_else() -> None:
    first = Outage(0, 0, 10, 10)
    near = Outage(9 + HOLD_DOWN_MS, 9 + HOLD_DOWN_MS, 20 + HOLD_DOWN_MS, 20 + HOLD_DOWN_MS)
    far = Outage(10 + HOLD_DOWN_MS, 10 + HOLD_DOWN_MS, 20 + HOLD_DOWN_MS, 20 + HOLD_DOWN_MS)
    assert merge_flaps([first, near]) == (Outage(0, 0, near.up_lo, near.up_hi),)
    assert merge_flaps([first, far]) == (first, far)


def test_an_outage_counts_where_it_begins_and_its_repair_where_it_ends_unclipped() -> None:
    timeline = seen_down([(DAY - HOUR, DAY + HOUR)], 2 * DAY)
    yesterday = Scope(Interval(0, DAY), 2 * DAY, (Interval(0, 2 * DAY),))
    today = Scope(Interval(DAY, 2 * DAY), 2 * DAY, (Interval(0, 2 * DAY),))
    before, after = repair(timeline, yesterday), repair(timeline, today)
    assert (before.failures, before.repair, len(before.open_at_end)) == (1, None, 1)
    assert after.repair is not None
    assert (after.failures, after.repair.mean, after.open_at_end) == (0, 2 * HOUR, ())
    assert after.mtbf_ms is None


def test_an_outage_that_still_lasts_is_listed_apart() -> None:
    timeline = from_changes([Change(0, 0, State.UP), Change(HOUR, HOUR, State.DOWN)], until=2 * HOUR)
    found = repair(timeline, scope(DAY, now=2 * HOUR))
    assert found.open_at_end == (Outage(HOUR, HOUR, None, None),)
    assert found.repair is None
    assert found.mtbf_ms == HOUR


def test_unknown_time_between_two_losses_does_not_end_the_outage() -> None:
    changes = [
        Change(0, 0, State.UP),
        Change(100, 200, State.DOWN),
        Change(300, 300, State.UNKNOWN),
        Change(900, 900, State.DOWN),
        Change(1000, 1100, State.UP),
    ]
    assert outages(from_changes(changes, until=2000)) == (Outage(100, 200, 1000, 1100),)


def test_unknown_time_beside_a_loss_widens_the_bounds_of_the_outage() -> None:
    changes = [
        Change(0, 0, State.UP),
        Change(100, 100, State.UNKNOWN),
        Change(500, 500, State.DOWN),
        Change(600, 600, State.UNKNOWN),
        Change(900, 900, State.UP),
    ]
    assert outages(from_changes(changes, until=2000)) == (Outage(100, 500, 600, 900),)


def test_unknown_time_alone_is_no_outage() -> None:
    changes = [Change(0, 0, State.UP), Change(100, 100, State.UNKNOWN), Change(200, 200, State.UP)]
    assert outages(from_changes(changes, until=300)) == ()


def test_a_reboot_inside_approved_maintenance_is_planned() -> None:
    timeline = seen_down([(HOUR, 2 * HOUR)], DAY)
    planned = repair(timeline, scope(DAY, maintenance=(Maintenance(HOUR, 2 * HOUR, 0),)))
    assert (planned.failures, planned.planned, planned.repair) == (0, 1, None)
    overran = repair(timeline, scope(DAY, maintenance=(Maintenance(HOUR, 2 * HOUR - 1, 0),)))
    assert (overran.failures, overran.planned) == (1, 0)


def test_the_cause_that_held_longest_is_the_cause() -> None:
    changes = [
        Change(0, 0, State.UP),
        Change(10, 10, State.DOWN, DownCause.LINK),
        Change(12, 12, State.DOWN, DownCause.UPSTREAM),
        Change(20, 20, State.UP),
    ]
    timeline = from_changes(changes, until=100)
    assert outages(timeline)[0].cause is DownCause.UPSTREAM
    found = repair(timeline, scope(100))
    assert (found.failures, found.upstream) == (0, 1)


def test_median_and_ninetieth_percentile() -> None:
    found = summarise([5, 1, 2, 3, 4, 6, 7, 8, 9, 100])
    assert found is not None
    assert (found.count, found.mean, found.median, found.p90) == (10, Fraction(145, 10), Fraction(11, 2), 9)
    three = summarise([30, 10, 20])
    assert three is not None
    assert (three.median, three.p90) == (20, 30)
    assert summarise([]) is None


def test_detection_counts_from_the_last_good_sample_and_acknowledgement_from_the_alert() -> None:
    found = response_figures(
        [
            Response(last_good_at=0, alert_at=3 * MINUTE, ack_at=5 * MINUTE),
            Response(last_good_at=HOUR, alert_at=HOUR + MINUTE, ack_at=None),
            Response(last_good_at=DAY, alert_at=DAY + MINUTE, ack_at=DAY + 2 * MINUTE),
        ],
        Interval(0, DAY),
    )
    assert found.detect is not None
    assert found.acknowledge is not None
    assert (found.detect.mean, found.acknowledge.mean) == (2 * MINUTE, 2 * MINUTE)
    assert found.unacknowledged == 1


def test_what_happens_out_of_service_is_no_outage() -> None:
    timeline = seen_down([(0, HOUR), (3 * HOUR, 9 * HOUR)], DAY)
    served = Scope(Interval(0, DAY), DAY, (Interval(2 * HOUR, 4 * HOUR),))
    found = repair(timeline, served)
    assert (found.failures, found.repair, found.open_at_end) == (1, None, ())
    assert [item.down_lo for item in in_service(outages(timeline), served)] == [3 * HOUR]
    later = Scope(Interval(5 * HOUR, 6 * HOUR), 6 * HOUR, ())
    assert repair(timeline, later).open_at_end == ()
    upstream = Outage(0, 0, HOUR, HOUR, DownCause.UPSTREAM)
    counted = repair_figures([upstream], served, measure(timeline, served, TARGET).sums)
    assert counted.upstream == 0
