"""What was exchanged or moved within a period: the time before counts as it was then."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode, SiteCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.inventory.model import Device, Inventory, LifeCycle
from channelwatch.pipeline.availability import Asked, Question, Terms, availability
from channelwatch.status.events import MissCause, Observation
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision
from channelwatch.uptime.figures import Sums, Verdict
from channelwatch.uptime.ledger import Measured
from tests.support.province import HUB, HUB_A, HUB_B, START, answer, encrypting, miss, role, spoke
from tests.support.recorded import POLL_MS, Recorder, Talk, silent

MINUTE = 60_000
FIRST, CHANNEL = spoke(1), ChannelCode("51-D-20001")
OTHER_HUB = DeviceCode("51-D-T0002-1")


@pytest.fixture
def recorder(sql_store: SqlStore) -> Iterator[Recorder]:
    yield Recorder(sql_store, START)


def ask(recorder: Recorder, asked: Asked, code: str, since: int = START) -> list[Measured]:
    assert isinstance(recorder.store, SqlStore)
    terms = Terms(Interval(since, recorder.now), recorder.now, Fraction(999, 1000), POLL_MS)
    return availability(recorder.store, Question(asked, code), terms)


def sums(recorder: Recorder, asked: Asked, code: str) -> Sums:
    return ask(recorder, asked, code)[0].availability.sums


def with_device(inventory: Inventory, *changed: Device) -> Inventory:
    """`inventory` with `changed` in the place of those of their codes, or added."""
    kept = {item.code: item for item in (*inventory.devices, *changed)}
    return replace(inventory, devices=tuple(kept.values()))


def moved(inventory: Inventory, channel: ChannelCode, **ends: DeviceCode | GroupCode) -> Inventory:
    lines = (replace(line, **ends) if line.code == channel else line for line in inventory.channels)
    return replace(inventory, channels=tuple(lines))


def test_the_outage_of_a_device_that_was_then_exchanged_stays_its_channels(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(10 * MINUTE, talk={FIRST: silent})
    old, new = recorder.inventory.device[FIRST], DeviceCode("51-D-20001-2")
    withdrawn = replace(old, life_cycle=LifeCycle.WITHDRAWN)
    exchanged = with_device(recorder.inventory, withdrawn, replace(old, code=new, address="127.11.0.99"))
    recorder.apply(moved(exchanged, CHANNEL, spoke=new))
    recorder.live(15 * MINUTE, talk={FIRST: silent})
    for asked, code in ((Asked.CHANNEL, CHANNEL), (Asked.COMMUNE, "20001")):
        (row,) = ask(recorder, asked, code)
        found = row.availability
        assert (found.sums.total_ms, found.sums.down_self_ms) == (30 * MINUTE, 10 * MINUTE)
        assert (found.verdict, len(row.outages)) == (Verdict.FAIL, 1)
    assert sums(recorder, Asked.BLOC, "party").total_ms == 4 * 30 * MINUTE
    assert sums(recorder, Asked.DEVICE, FIRST).total_ms == 15 * MINUTE
    assert sums(recorder, Asked.DEVICE, new).total_ms == 15 * MINUTE


def test_a_spoke_that_was_moved_is_not_blamed_for_what_its_former_hub_did(recorder: Recorder) -> None:
    single = replace(
        recorder.inventory.device[HUB_A],
        code=OTHER_HUB,
        ha_group=None,
        ha_member=None,
        address="127.11.0.98",
    )
    recorder.apply(with_device(recorder.inventory, single))
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={HUB_A: silent, HUB_B: silent, FIRST: silent})
    recorder.live(5 * MINUTE)
    before = ask(recorder, Asked.CHANNEL, CHANNEL) + ask(recorder, Asked.DEVICE, FIRST)
    recorder.apply(moved(recorder.inventory, CHANNEL, hub=OTHER_HUB))
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={OTHER_HUB: silent, FIRST: silent})
    channel = sums(recorder, Asked.CHANNEL, CHANNEL)
    assert channel.down_upstream_ms == before[0].availability.sums.down_upstream_ms + 5 * MINUTE
    assert channel.down_self_ms == 0
    device = sums(recorder, Asked.DEVICE, FIRST)
    assert (device.down_hi_ms, device.path_ms) == (
        0,
        before[1].availability.sums.path_ms + 5 * MINUTE + POLL_MS,
    )
    assert sums(recorder, Asked.CHANNEL, "51-D-20002").down_hi_ms == 5 * MINUTE + POLL_MS


def test_a_pair_whose_standby_was_exchanged_served_and_was_protected_before(recorder: Recorder) -> None:
    recorder.live(10 * MINUTE)
    old, new = recorder.inventory.device[HUB_B], DeviceCode("51-D-T0001-C")
    out = replace(old, life_cycle=LifeCycle.WITHDRAWN, ha_group=None, ha_member=None)
    recorder.apply(with_device(recorder.inventory, out, replace(old, code=new, address="127.11.0.97")))

    def standing_by(code: DeviceCode, at: int) -> Observation:
        return answer(code, at, encrypting(role("standby")))

    recorder.live(10 * MINUTE, talk={new: standing_by})
    pair, protected = ask(recorder, Asked.PAIR, HUB)
    assert pair.availability.sums.up_ms == 20 * MINUTE
    assert protected.availability.sums.up_ms == 20 * MINUTE
    assert sums(recorder, Asked.CHANNEL, CHANNEL).up_ms == 20 * MINUTE


def plan(recorder: Recorder, code: str, first: int, last: int, scope: WindowScope = WindowScope.SITE) -> None:
    """Approved work on `code` from `first` to `last` from now."""
    assert isinstance(recorder.store, SqlStore)
    window = Window(
        0,
        scope,
        code,
        EpochMs(recorder.now + first),
        EpochMs(recorder.now + last),
        owner="o",
        reason="r",
        requested_by="a",
        requested_at=EpochMs(recorder.now - 2),
    )
    number = recorder.store.plan_window(window, origin="test")
    recorder.store.approve_window(number, Act("b", EpochMs(recorder.now - 1), "test"))


def test_work_at_a_site_is_that_of_the_devices_that_stood_there_then(recorder: Recorder) -> None:
    here, there = "51-D-20001", "51-D-20002"
    plan(recorder, here, MINUTE, 3 * MINUTE)
    plan(recorder, there, 4 * MINUTE, 8 * MINUTE)
    recorder.live(10 * MINUTE)
    device = recorder.inventory.device[FIRST]
    recorder.apply(with_device(recorder.inventory, replace(device, site=SiteCode(there))))
    recorder.live(MINUTE)
    plan(recorder, there, MINUTE, 2 * MINUTE)
    recorder.live(5 * MINUTE)
    assert sums(recorder, Asked.DEVICE, FIRST).maintenance_ms == 3 * MINUTE
    assert sums(recorder, Asked.CHANNEL, CHANNEL).maintenance_ms == 3 * MINUTE


def test_a_correction_counts_also_while_the_hub_was_lost(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={item.code: silent for item in recorder.inventory.devices})
    assert isinstance(recorder.store, SqlStore)
    end = recorder.now - MINUTE
    wanted = Correction(
        0, WindowScope.DEVICE, FIRST, CorrectedState.DOWN, end - 3 * MINUTE, end, "r", "a", recorder.now
    )
    number = recorder.store.request_correction(wanted, origin="test")
    recorder.store.decide_correction(number, Decision.APPROVED, Act("b", EpochMs(recorder.now), "test"))
    recorder.live(5 * MINUTE)
    recorded, restated, _ = ask(recorder, Asked.DEVICE, FIRST)
    assert (recorded.availability.sums.down_hi_ms, recorded.outages) == (0, ())
    assert restated.corrections == (number,)
    assert restated.availability.sums.down_self_ms == 3 * MINUTE
    assert restated.availability.verdict is Verdict.FAIL


def refused(code: DeviceCode, at: int) -> Observation:
    return miss(code, at + 100, MissCause.WRONG_KEY)


def by_name(name: str) -> Talk:
    return lambda code, at: answer(code, at, encrypting(role(name)))


def test_a_pair_with_one_active_member_serves_though_the_other_is_not_seen(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={HUB_B: refused})
    recorder.live(5 * MINUTE, talk={HUB_B: refused, HUB_A: by_name("standby")})
    recorder.live(5 * MINUTE)
    pair, protected = (row.availability.sums for row in ask(recorder, Asked.PAIR, HUB))
    assert 15 * MINUTE - 2 * POLL_MS < pair.up_ms <= 15 * MINUTE - POLL_MS
    assert pair.unknown_ms == 20 * MINUTE - pair.up_ms
    assert protected.unknown_ms >= 10 * MINUTE
    assert sums(recorder, Asked.CHANNEL, CHANNEL).up_ms == pair.up_ms


def test_what_became_of_a_serving_pair_while_nobody_looked_is_told_anew(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={HUB_B: refused})
    recorder.sleep(POLL_MS)
    recorder.live(5 * MINUTE, talk={HUB_B: refused, HUB_A: by_name("standby")})
    pair = sums(recorder, Asked.PAIR, HUB)
    assert pair.up_ms <= 10 * MINUTE
    assert pair.unknown_ms >= 5 * MINUTE


def test_a_gap_of_more_than_two_and_a_half_periods_between_answers_is_unknown(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(2 * POLL_MS, talk={FIRST: lambda code, at: miss(code, at + 100, healthy=False)})
    recorder.live(5 * MINUTE)
    found = ask(recorder, Asked.DEVICE, FIRST)[0]
    assert (found.availability.sums.blind_ms, found.availability.sums.down_hi_ms) == (3 * POLL_MS, 0)
    assert found.availability.verdict is Verdict.NOT_PROVEN
    assert sums(recorder, Asked.DEVICE, spoke(2)).blind_ms == 0


def beside_the_first(recorder: Recorder) -> None:
    """The second spoke stands in the first one's commune."""
    site = recorder.inventory.device[FIRST].site
    recorder.apply(with_device(recorder.inventory, replace(recorder.inventory.device[spoke(2)], site=site)))


@pytest.mark.parametrize("talk", [{}, {spoke(2): silent}, {spoke(2): refused}])
def test_a_channel_out_of_service_neither_serves_a_commune_nor_hides_its_outage(
    recorder: Recorder, talk: dict[DeviceCode, Talk]
) -> None:
    beside_the_first(recorder)
    recorder.put_into(LifeCycle.SUSPENDED, spoke(2))
    recorder.live(5 * MINUTE, talk=talk)
    recorder.live(5 * MINUTE, talk={FIRST: silent} | talk)
    (row,) = ask(recorder, Asked.COMMUNE, "20001")
    assert row.availability.sums == sums(recorder, Asked.CHANNEL, CHANNEL)
    assert (row.availability.verdict, len(row.outages)) == (Verdict.FAIL, 1)


def test_a_commune_is_planned_while_all_of_its_channels_are_each_by_its_own_window(
    recorder: Recorder,
) -> None:
    beside_the_first(recorder)
    plan(recorder, FIRST, MINUTE, 5 * MINUTE, WindowScope.DEVICE)
    plan(recorder, spoke(2), 3 * MINUTE, 8 * MINUTE, WindowScope.DEVICE)
    recorder.live(10 * MINUTE)
    assert sums(recorder, Asked.COMMUNE, "20001").maintenance_ms == 2 * MINUTE


def test_what_moved_to_another_commune_leaves_its_past_behind(recorder: Recorder) -> None:
    recorder.live(5 * MINUTE)
    recorder.live(5 * MINUTE, talk={spoke(2): silent})
    beside_the_first(recorder)
    recorder.live(5 * MINUTE, talk={spoke(2): silent, FIRST: silent})
    assert sums(recorder, Asked.COMMUNE, "20002").down_hi_ms == 5 * MINUTE + POLL_MS
    assert sums(recorder, Asked.COMMUNE, "20002").total_ms == 10 * MINUTE
    here = sums(recorder, Asked.COMMUNE, "20001")
    assert (here.total_ms, here.down_lo_ms) == (15 * MINUTE, 5 * MINUTE)
