"""The worked examples of the definition of availability, with the figures that it prints.

30 days, polls every 60 s, two hours of approved maintenance.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

from channelwatch.base.ids import ChannelCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.uptime.combine import channel_service, pair_service, protected_time
from channelwatch.uptime.continuity import Reading
from channelwatch.uptime.figures import Availability, Verdict, percent
from channelwatch.uptime.measure import Maintenance, Scope, measure
from channelwatch.uptime.outages import outages, repair_figures
from channelwatch.uptime.rollup import ChannelHistory, bloc_figures
from channelwatch.uptime.samples import Sample, timeline_from_samples
from channelwatch.uptime.timeline import Change, DownCause, State, Timeline, UnknownCause, from_changes
from tests.support.timelines import DAY, HOUR, MINUTE, RULES, SECOND, TARGET, P, scope, seen_down

MONTH = 30 * DAY
START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp()) * 1000
DAY_OF_OUTAGE = START + 4 * DAY
BLIND = (START + 9 * DAY + 10 * SECOND, START + 9 * DAY + 3 * HOUR + 10 * SECOND)


def clock(hour: int, minute: int, second: int) -> int:
    return DAY_OF_OUTAGE + hour * HOUR + minute * MINUTE + second * SECOND


def device(*, counter_after_blind: bool) -> Availability:
    samples = []
    for at in range(START - 50 * SECOND, START + MONTH + P, P):
        if BLIND[0] < at < BLIND[1]:
            continue
        bad = clock(10, 1, 10) <= at <= clock(10, 9, 10)
        uptime = 3 * HOUR if counter_after_blind and at == BLIND[1] else None
        samples.append(Sample(at, State.DOWN if bad else State.UP, Reading(uptime_ms=uptime)))
    period = Interval(START, START + MONTH)
    window = Maintenance(START + 20 * DAY, START + 20 * DAY + 2 * HOUR, approved_at=START)
    measured = Scope(period, period.end, (period,), (window,))
    return measure(timeline_from_samples(samples, RULES), measured, TARGET)


def printed(share: Fraction | None) -> str:
    assert share is not None
    return percent(share)


def test_device_without_a_counter_is_not_proven() -> None:
    found = device(counter_after_blind=False)
    sums, figures = found.sums, found.figures
    assert sums.base_ms == 2_584_800 * SECOND
    assert sums.maintenance_ms == 7_200 * SECOND
    assert (sums.down_lo_ms, sums.down_hi_ms) == (480 * SECOND, 600 * SECOND)
    assert sums.unknown_ms == 10_800 * SECOND
    assert printed(figures.a_known) == "99.979"
    assert (printed(figures.a_lo), printed(figures.a_hi)) == ("99.558", "99.981")
    assert printed(figures.coverage) == "99.582"
    assert found.verdict is Verdict.NOT_PROVEN
    assert found.may_miss_short_outages


def test_device_whose_counter_spans_the_blind_hours_passes() -> None:
    found = device(counter_after_blind=True)
    assert found.sums.unknown_ms == 0
    assert printed(found.figures.a_lo) == "99.976"
    assert found.verdict is Verdict.PASS
    assert found.sums.attested_ms == 3 * HOUR
    assert found.may_miss_short_outages


def test_ha_pair_is_down_only_while_nobody_serves() -> None:
    lost, back = HOUR, HOUR + 30 * MINUTE
    unseen = (lost + 10 * MINUTE, lost + 15 * MINUTE)
    b_states = [
        Change(0, 0, State.DOWN),
        Change(lost + 8 * SECOND, lost + 8 * SECOND, State.UP),
        Change(unseen[0], unseen[0], State.UNKNOWN, UnknownCause.SILENT),
        Change(unseen[1], unseen[1], State.UP),
        Change(back, back, State.DOWN),
    ]
    a_active = seen_down([(lost, back)], DAY)
    b_active = from_changes(b_states, until=DAY)
    pair = measure(pair_service(a_active, b_active), scope(DAY), TARGET).sums
    assert (pair.down_lo_ms, pair.down_hi_ms) == (8 * SECOND, 8 * SECOND)
    assert (pair.unknown_ms, pair.silent_ms) == (300 * SECOND, 300 * SECOND)

    a_health = a_active
    b_health = from_changes(
        [Change(0, 0, State.UP), b_states[2], b_states[3]],
        until=DAY,
    )
    protected = measure(protected_time(a_health, b_health), scope(DAY), TARGET).sums
    assert protected.base_ms - protected.serving_ms == 1_800 * SECOND

    lost_by_members = [measure(one, scope(DAY), TARGET).sums.down_lo_ms for one in (a_health, b_health)]
    assert sum(lost_by_members) / 2 == 900 * SECOND


def history(code: int, timeline: Timeline) -> ChannelHistory:
    return ChannelHistory(ChannelCode(f"51-D-{code:05d}"), timeline, scope(MONTH))


def test_bloc_adds_up_channel_time() -> None:
    channels = [history(code, seen_down([], MONTH)) for code in range(1, 130)]
    channels.append(history(130, seen_down([(5 * DAY, 15 * DAY)], MONTH)))
    found = bloc_figures(Bloc.PARTY, channels, Interval(0, MONTH), TARGET)
    share = found.availability.figures.a_known
    # The definition prints these two rounded to the nearest, 99.744 and 66.67; the product cuts.
    assert share == 1 - Fraction(10, 30 * 130)
    assert (round(float(share) * 100, 3), printed(share)) == (99.744, "99.743")
    assert found.worst == "51-D-00130"
    worst = found.channels[found.worst].figures.a_known
    assert worst is not None
    assert (round(float(worst) * 100, 2), percent(worst, places=2)) == (66.67, "66.66")
    assert found.below_target == 1
    assert found.verdicts[Verdict.PASS] == 129
    assert (found.blackout_lo_ms, found.blackout_hi_ms) == (0, 0)


def test_hub_outage_is_one_incident_upstream_of_every_commune() -> None:
    always = seen_down([], MONTH)
    hub = pair_service(seen_down([(DAY, DAY + HOUR)], MONTH), seen_down([(0, MONTH)], MONTH))
    channel = channel_service(device=always, link=seen_down([(DAY, DAY + HOUR)], MONTH), hub=hub)
    found = bloc_figures(
        Bloc.PARTY, [history(code, channel) for code in range(130)], Interval(0, MONTH), TARGET
    )
    assert found.availability.sums.down_upstream_ms == 130 * HOUR
    assert found.availability.sums.down_lo_ms == 130 * HOUR
    assert found.blackout_lo_ms == HOUR
    assert len(outages(hub)) == 1
    assert [outage.cause for outage in outages(channel)] == [DownCause.UPSTREAM]
    commune = repair_figures(outages(channel), scope(MONTH), found.channels[ChannelCode("51-D-00001")].sums)
    assert (commune.failures, commune.upstream) == (0, 1)
    assert measure(always, scope(MONTH), TARGET).figures.a_lo == 1


def test_flaps_lose_raw_time_and_count_as_one() -> None:
    blips = [(2 * DAY + n * 44 * SECOND, 2 * DAY + n * 44 * SECOND + 20 * SECOND) for n in range(6)]
    assert blips[-1][1] - blips[0][0] == 240 * SECOND
    timeline = seen_down([(HOUR, HOUR + 600 * SECOND), (DAY, DAY + 1_200 * SECOND), *blips], MONTH)
    sums = measure(timeline, scope(MONTH), TARGET).sums
    assert sums.down_lo_ms == 1_920 * SECOND
    repair = repair_figures(outages(timeline), scope(MONTH), sums)
    assert repair.failures == 3
    assert repair.repair is not None
    assert repair.repair.mean == 680 * SECOND
    assert repair.mtbf_ms == Fraction(MONTH - 1_920 * SECOND, 3)
