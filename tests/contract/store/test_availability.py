"""From polls, through the store, to figures: on both databases, by the one calculator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError
from channelwatch.base.ids import DeviceCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.inventory.model import Bloc, LifeCycle
from channelwatch.pipeline.availability import Asked, Question, Terms, availability
from channelwatch.status.events import Observation
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision
from channelwatch.uptime.figures import Verdict
from channelwatch.uptime.ledger import Measured, ScopeKind
from tests.support.province import (
    HUB,
    HUB_A,
    HUB_B,
    START,
    answer,
    bypass,
    encrypting,
    role,
    spoke,
    tunnel_down,
)
from tests.support.recorded import HOUR, POLL_MS, Recorder, silent

MINUTE = 60_000
FIRST = spoke(1)
CHANNEL = "51-D-20001"


@pytest.fixture
def recorder(sql_store: SqlStore) -> Recorder:
    return Recorder(sql_store, START)


def ask(recorder: Recorder, asked: Asked, code: str = "", *, length: int | None = None) -> list[Measured]:
    period = Interval(START, recorder.now if length is None else START + length)
    terms = Terms(period, recorder.now, Fraction(999, 1000), POLL_MS)
    assert isinstance(recorder.store, SqlStore)
    return availability(recorder.store, Question(asked, code), terms)


def test_an_outage_that_began_before_the_period_counts_in_full(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(10 * MINUTE, talk={FIRST: silent})
    recorder.live(10 * MINUTE)
    period = Interval(START + 15 * MINUTE, recorder.now)
    terms = Terms(period, recorder.now, Fraction(999, 1000), POLL_MS)
    assert isinstance(recorder.store, SqlStore)
    row = availability(recorder.store, Question(Asked.DEVICE, FIRST), terms)[0]
    assert row.carried
    assert row.availability.sums.down_lo_ms == 5 * MINUTE - 10_000
    assert row.repair is not None
    assert (row.repair.failures, row.repair.repair is not None) == (0, True)
    assert [outage.down_lo for outage in row.outages] == [START + 10 * MINUTE - POLL_MS]


def one(recorder: Recorder, asked: Asked, code: str) -> Measured:
    return ask(recorder, asked, code)[0]


def test_a_device_that_always_answered_passes(recorder: Recorder) -> None:
    recorder.live(20 * MINUTE)
    health, protection = ask(recorder, Asked.DEVICE, FIRST)
    assert (health.axis, protection.axis) == (Axis.HEALTH, Axis.PROTECTION)
    for row in (health, protection):
        assert row.availability.sums.up_ms == 20 * MINUTE
        assert row.availability.verdict is Verdict.PASS
        assert row.outages == ()


def test_an_outage_is_counted_from_the_first_unanswered_poll_not_from_its_confirmation(
    recorder: Recorder,
) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE)
    row = one(recorder, Asked.DEVICE, FIRST)
    sums = row.availability.sums
    assert (sums.down_lo_ms, sums.edge_ms) == (4 * MINUTE + 50_000, 10_000 + 10_000)
    assert sums.total_ms == 20 * MINUTE
    assert row.availability.verdict is Verdict.FAIL
    assert row.repair is not None
    assert (row.repair.failures, row.repair.planned) == (1, 0)
    assert row.repair.repair is not None
    assert row.repair.repair.mean == 4 * MINUTE + 50_000 + 10_000
    (outage,) = row.outages
    assert (outage.down_lo, outage.down_hi) == (START + 10 * MINUTE - POLL_MS, START + 10 * MINUTE)


def test_only_time_in_service_counts(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.put_into(LifeCycle.SUSPENDED, FIRST)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.put_into(LifeCycle.IN_SERVICE, FIRST)
    recorder.live(10 * MINUTE)
    sums = one(recorder, Asked.DEVICE, FIRST).availability.sums
    assert sums.total_ms == 15 * MINUTE
    assert sums.down_lo_ms == 0
    assert one(recorder, Asked.CHANNEL, CHANNEL).availability.sums.total_ms == 15 * MINUTE


def test_a_device_withdrawn_later_still_has_its_past(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.put_into(LifeCycle.WITHDRAWN, FIRST)
    recorder.live(5 * MINUTE)
    assert one(recorder, Asked.DEVICE, FIRST).availability.sums.up_ms == 5 * MINUTE


def test_time_in_which_the_collector_was_dead_is_blind(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.sleep(30 * MINUTE)
    recorder.live(10 * MINUTE)
    sums = one(recorder, Asked.DEVICE, FIRST).availability.sums
    assert (sums.up_ms, sums.blind_ms, sums.total_ms) == (20 * MINUTE, 30 * MINUTE, 50 * MINUTE)
    pair = one(recorder, Asked.PAIR, HUB).availability.sums
    assert (pair.serving_ms, pair.blind_ms) == (20 * MINUTE, 30 * MINUTE)


def test_time_after_the_last_heartbeat_is_blind_and_the_future_does_not_count(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.now += 20 * MINUTE
    sums = ask(recorder, Asked.DEVICE, FIRST, length=HOUR)[0].availability.sums
    assert (sums.up_ms, sums.blind_ms, sums.total_ms) == (10 * MINUTE, 20 * MINUTE, 30 * MINUTE)


def test_a_lost_tunnel_is_the_channels_and_the_links(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(2 * MINUTE, talk={FIRST: lambda code, at: answer(code, at, encrypting(tunnel_down()))})
    recorder.live(8 * MINUTE)
    channel = one(recorder, Asked.CHANNEL, CHANNEL).availability.sums
    assert (channel.down_link_ms, channel.down_upstream_ms) == (2 * MINUTE - POLL_MS, 0)
    assert channel.edge_ms == 2 * POLL_MS


def test_a_lost_hub_takes_every_channel_and_is_held_against_no_spoke(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    dead = {item.code: silent for item in recorder.inventory.devices}
    recorder.live(5 * MINUTE, talk=dead)
    recorder.live(10 * MINUTE)
    (pair, protected) = ask(recorder, Asked.PAIR, HUB)
    assert (pair.kind, protected.kind) == (ScopeKind.PAIR, ScopeKind.PROTECTED)
    assert pair.availability.sums.down_lo_ms == 4 * MINUTE + 50_000
    assert len(pair.outages) == 1
    channel = one(recorder, Asked.CHANNEL, CHANNEL)
    assert channel.availability.sums.down_upstream_ms == 4 * MINUTE + 50_000
    assert channel.availability.sums.down_self_ms == 0
    assert channel.repair is not None
    assert (channel.repair.failures, channel.repair.upstream) == (0, 1)
    own = one(recorder, Asked.DEVICE, FIRST).availability
    assert (own.sums.down_hi_ms, own.figures.a_hi) == (0, 1)
    assert own.sums.path_ms == 5 * MINUTE + 10_000


def test_the_standby_takes_over(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    talk = {
        HUB_A: silent,
        HUB_B: lambda code, at: answer(code, at, encrypting(role("active"))),
    }
    recorder.live(30 * MINUTE, talk=talk)
    recorder.live(10 * MINUTE)
    pair, protected = ask(recorder, Asked.PAIR, HUB)
    assert pair.availability.sums.down_lo_ms == 0
    assert protected.availability.sums.down_lo_ms == 29 * MINUTE + 50_000
    assert one(recorder, Asked.DEVICE, HUB_A).availability.sums.down_lo_ms == 29 * MINUTE + 50_000


def test_up_and_exposed_is_available_and_not_protected(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: lambda code, at: answer(code, at, encrypting(bypass()))})
    recorder.live(5 * MINUTE)
    health, protection = ask(recorder, Asked.DEVICE, FIRST)
    assert health.availability.sums.down_hi_ms == 0
    assert protection.availability.sums.down_lo_ms == 5 * MINUTE - POLL_MS


def test_the_bloc_adds_its_channels_up_and_names_the_worst(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={spoke(2): silent})
    rows = ask(recorder, Asked.BLOC, "party")
    assert [row.kind for row in rows] == [ScopeKind.BLOC] + 4 * [ScopeKind.CHANNEL]
    whole = rows[0]
    assert whole.availability.sums.total_ms == 4 * 15 * MINUTE
    assert whole.availability.sums.down_lo_ms == rows[2].availability.sums.down_lo_ms
    assert whole.bloc is not None
    assert (whole.bloc.worst, whole.bloc.below_target) == ("51-D-20002", 1)
    assert [row.code for row in ask(recorder, Asked.PROVINCE)] == ["party"]


def test_one_device_and_all_of_them_have_the_same_figures(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={spoke(2): silent, HUB_B: silent})
    recorder.sleep(10 * MINUTE)
    recorder.live(5 * MINUTE)
    everyone = ask(recorder, Asked.DEVICE, "all")
    codes = sorted(item.code for item in recorder.inventory.devices)
    assert everyone == [row for code in codes for row in ask(recorder, Asked.DEVICE, code)]


def test_a_device_off_the_list_for_a_while_is_blind_until_it_answers_again(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    whole = recorder.inventory
    lonely = tuple(item for item in whole.devices if item.code != FIRST)
    channels = tuple(item for item in whole.channels if item.spoke != FIRST)
    recorder.apply(
        type(whole)(whole.province, (), whole.units, whole.sites, whole.ha_groups, lonely, channels)
    )
    recorder.live(5 * MINUTE)
    recorder.apply(whole)
    recorder.now += 5000
    recorder.live(5 * MINUTE)
    sums = one(recorder, Asked.DEVICE, FIRST).availability.sums
    assert (sums.total_ms, sums.blind_ms, sums.up_ms) == (10 * MINUTE + 5000, 5000, 10 * MINUTE)


def test_what_nobody_listed_is_refused(recorder: Recorder) -> None:
    recorder.live(MINUTE)
    for asked, code in ((Asked.DEVICE, "x"), (Asked.BLOC, "gov"), (Asked.PAIR, DeviceCode(FIRST))):
        with pytest.raises(InputError, match="no inventory in force"):
            ask(recorder, asked, code)


def plan(recorder: Recorder, scope: WindowScope, code: str, first: int, last: int) -> int:
    """Ask for work from `first` to `last` from now; its number."""
    assert isinstance(recorder.store, SqlStore)
    window = Window(
        id=0,
        scope=scope,
        code=code,
        start=EpochMs(recorder.now + first),
        end=EpochMs(recorder.now + last),
        owner="Phòng Kỹ thuật",
        reason="thay nguồn",
        requested_by="truong-ca",
        requested_at=EpochMs(recorder.now - 2),
    )
    return recorder.store.plan_window(window, origin="test")


def approve(recorder: Recorder, number: int) -> None:
    assert isinstance(recorder.store, SqlStore)
    recorder.store.approve_window(number, Act("chi-huy", EpochMs(recorder.now - 1), "test"))


def test_approved_work_is_left_out_and_shown(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    approve(recorder, plan(recorder, WindowScope.DEVICE, FIRST, 0, 6 * MINUTE))
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE)
    row = one(recorder, Asked.DEVICE, FIRST)
    assert row.availability.sums.maintenance_ms == 6 * MINUTE
    assert (row.availability.sums.down_lo_ms, row.availability.sums.edge_ms) == (0, 10_000)
    assert row.availability.unexcluded.down_lo_ms == 4 * MINUTE + 50_000
    channel = one(recorder, Asked.CHANNEL, CHANNEL)
    assert channel.availability.sums.maintenance_ms == 6 * MINUTE
    assert one(recorder, Asked.CHANNEL, "51-D-20002").availability.sums.maintenance_ms == 0


def test_work_without_approval_or_approved_while_it_goes_on_is_not_left_out(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    plan(recorder, WindowScope.DEVICE, FIRST, 0, 5 * MINUTE)
    late = plan(recorder, WindowScope.DEVICE, FIRST, 0, 5 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.now -= MINUTE
    approve(recorder, late)
    recorder.now += MINUTE
    sums = one(recorder, Asked.DEVICE, FIRST).availability.sums
    assert (sums.maintenance_ms, sums.down_lo_ms) == (0, 5 * MINUTE)


def test_work_on_one_member_is_not_left_out_of_the_pairs_service_but_of_its_protection(
    recorder: Recorder,
) -> None:
    approve(recorder, plan(recorder, WindowScope.DEVICE, HUB_B, 5 * MINUTE, 10 * MINUTE))
    approve(recorder, plan(recorder, WindowScope.PAIR, HUB, 12 * MINUTE, 13 * MINUTE))
    recorder.live(20 * MINUTE)
    pair, protected = ask(recorder, Asked.PAIR, HUB)
    assert pair.availability.sums.maintenance_ms == MINUTE
    assert protected.availability.sums.maintenance_ms == 6 * MINUTE
    assert one(recorder, Asked.CHANNEL, CHANNEL).availability.sums.maintenance_ms == MINUTE


def correct(recorder: Recorder, state: CorrectedState, decision: Decision = Decision.APPROVED) -> int:
    """Correct the five minutes before now."""
    assert isinstance(recorder.store, SqlStore)
    wanted = Correction(
        0,
        WindowScope.DEVICE,
        FIRST,
        state,
        recorder.now - 5 * MINUTE,
        recorder.now,
        "bb 7",
        "truong-ca",
        recorder.now,
    )
    number = recorder.store.request_correction(wanted, origin="test")
    recorder.store.decide_correction(number, decision, Act("chi-huy", EpochMs(recorder.now), "test"))
    return number


def test_a_correction_is_shown_beside_what_was_recorded(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    before = ask(recorder, Asked.DEVICE, FIRST)
    number = correct(recorder, CorrectedState.UP)
    recorded, restated, protection = ask(recorder, Asked.DEVICE, FIRST)
    assert [recorded, protection] == before
    assert (restated.corrections, restated.axis) == ((number,), Axis.HEALTH)
    assert restated.availability.sums.down_lo_ms == 0
    assert restated.availability.sums.up_ms == 15 * MINUTE - POLL_MS
    bloc, corrected_bloc, *channels = ask(recorder, Asked.BLOC, "party")
    assert corrected_bloc.corrections == (number,)
    assert corrected_bloc.availability.sums.down_lo_ms < bloc.availability.sums.down_lo_ms
    assert [row.corrections for row in channels] == [(), (number,), (), (), ()]


def test_work_approved_afterwards_is_left_out_of_the_corrected_figure_alone(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    number = correct(recorder, CorrectedState.MAINTENANCE)
    recorded, restated, _, protection_restated = ask(recorder, Asked.DEVICE, FIRST)
    assert (recorded.corrections, restated.corrections) == ((), (number,))
    assert recorded.availability.sums.maintenance_ms == 0
    assert restated.availability.sums.maintenance_ms == 5 * MINUTE
    assert protection_restated.corrections == (number,)


def test_a_refused_correction_changes_nothing(recorder: Recorder) -> None:
    recorder.live(15 * MINUTE)
    before = ask(recorder, Asked.DEVICE, FIRST)
    correct(recorder, CorrectedState.DOWN, Decision.REFUSED)
    assert ask(recorder, Asked.DEVICE, FIRST) == before


def counting(code: DeviceCode, at: int) -> Observation:
    """A healthy answer with counters that began long before the story."""
    age = Reading(Signal.SYS_UPTIME, SignalState.OK, (at - START) / 1000 + 10**6)
    tunnel = Reading(Signal.CHANNEL_AGE, SignalState.OK, (at - START) // 1000 + 10**6, component="hub")
    return answer(code, at, encrypting(age, tunnel))


def test_blind_time_that_the_devices_counters_span_is_up_and_attested(recorder: Recorder) -> None:
    for _ in range(2):
        recorder.live(20 * MINUTE, talk={FIRST: counting})
        recorder.sleep(30 * MINUTE)
    recorder.live(20 * MINUTE, talk={FIRST: counting})
    found = one(recorder, Asked.DEVICE, FIRST).availability
    assert (found.sums.unknown_ms, found.sums.up_ms) == (0, 120 * MINUTE)
    assert found.sums.attested_ms == 120 * MINUTE - 5 * POLL_MS // 2
    assert found.verdict is Verdict.PASS
    other = one(recorder, Asked.DEVICE, spoke(2)).availability
    assert (other.sums.unknown_ms, other.sums.attested_ms) == (60 * MINUTE, 0)
    assert other.verdict is Verdict.NOT_PROVEN


def test_blind_time_is_not_yet_attested_while_nobody_has_been_heard_after_it(recorder: Recorder) -> None:
    recorder.live(20 * MINUTE, talk={FIRST: counting})
    recorder.now += 30 * MINUTE
    found = one(recorder, Asked.DEVICE, FIRST).availability
    assert (found.sums.unknown_ms, found.sums.attested_ms) == (30 * MINUTE, 20 * MINUTE - 5 * POLL_MS // 2)


def test_a_device_that_was_off_the_list_is_not_backed_for_that_time(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE, talk={FIRST: counting})
    whole = recorder.inventory
    without = tuple(item for item in whole.devices if item.code != FIRST)
    lines = tuple(item for item in whole.channels if item.spoke != FIRST)
    recorder.apply(replace(whole, devices=without, channels=lines))
    recorder.live(10 * MINUTE)
    recorder.apply(whole)
    recorder.live(10 * MINUTE, talk={FIRST: counting})
    found = one(recorder, Asked.DEVICE, FIRST).availability
    assert found.sums.attested_ms <= 20 * MINUTE
    assert found.sums.total_ms == 20 * MINUTE


def test_detection_counts_from_the_last_good_answer_and_acknowledgement_from_the_alert(
    recorder: Recorder,
) -> None:
    recorder.live(10 * MINUTE)
    recorder.live(2 * MINUTE, talk={FIRST: silent})
    recorder.take(FIRST)
    recorder.live(3 * MINUTE, talk={FIRST: silent})
    recorder.live(10 * MINUTE)
    recorder.live(MINUTE, talk={FIRST: silent})
    recorder.live(10 * MINUTE)
    for row in (one(recorder, Asked.DEVICE, FIRST), one(recorder, Asked.CHANNEL, CHANNEL)):
        met = row.response
        assert met is not None and met.detect is not None and met.acknowledge is not None
        assert (met.detect.count, met.detect.mean) == (2, POLL_MS + 20_000)
        assert (met.acknowledge.count, met.acknowledge.mean) == (1, 2 * MINUTE - 20_000)
        assert met.unacknowledged == 1
    bloc = one(recorder, Asked.BLOC, "party").response
    assert bloc == one(recorder, Asked.DEVICE, FIRST).response
    other = one(recorder, Asked.DEVICE, spoke(2)).response
    assert other is not None and other.detect is None


def test_a_commune_is_up_while_one_of_its_channels_is(recorder: Recorder) -> None:
    inventory = recorder.inventory
    second = next(item for item in inventory.devices if item.code == spoke(2))
    moved = replace(second, site=next(item.site for item in inventory.devices if item.code == FIRST))
    devices = tuple(moved if item.code == second.code else item for item in inventory.devices)
    recorder.apply(replace(inventory, devices=devices))
    recorder.live(10 * MINUTE)
    recorder.live(5 * MINUTE, talk={FIRST: silent})
    recorder.live(5 * MINUTE, talk={FIRST: silent, spoke(2): silent})
    recorder.live(5 * MINUTE)
    (row,) = ask(recorder, Asked.COMMUNE, "20001")
    assert (row.kind, row.code) == (ScopeKind.COMMUNE, "20001/party")
    assert (row.availability.sums.down_lo_ms, row.availability.sums.split_ms) == (4 * MINUTE + 50_000, 0)
    assert ask(recorder, Asked.COMMUNE, "20001/party") == [row]
    assert [item.code for item in ask(recorder, Asked.COMMUNE, "all")] == [
        "20001/party",
        "20003/party",
        "20004/party",
    ]
    with pytest.raises(InputError, match="no inventory in force"):
        ask(recorder, Asked.COMMUNE, "2000")


def test_what_belongs_to_another_bloc_is_as_if_it_were_not_there(recorder: Recorder) -> None:
    recorder.live(MINUTE)
    period = Interval(START, recorder.now)
    terms = Terms(period, recorder.now, Fraction(999, 1000), POLL_MS, blocs=frozenset({Bloc.GOV}))
    assert isinstance(recorder.store, SqlStore)
    for asked in (Asked.DEVICE, Asked.PAIR, Asked.CHANNEL, Asked.COMMUNE, Asked.BLOC):
        assert availability(recorder.store, Question(asked, "all"), terms) == []
    assert availability(recorder.store, Question(Asked.PROVINCE), terms) == []
    for asked, code in (
        (Asked.DEVICE, FIRST),
        (Asked.PAIR, HUB),
        (Asked.CHANNEL, CHANNEL),
        (Asked.BLOC, "party"),
    ):
        with pytest.raises(InputError, match="no inventory in force"):
            availability(recorder.store, Question(asked, code), terms)
