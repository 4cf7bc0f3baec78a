"""One device's page: its signals, and the last day as a band."""

from __future__ import annotations

import pytest
from channelwatch_api.board.device import DAY_MS, Segment, band, device_now
from channelwatch_api.board.render import Speech
from channelwatch_api.texts import Language, load_catalogue

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import LogId
from channelwatch.pipeline.ports import StoredTransition
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Axis, Cause, Health, Reason, Transition
from tests.unit.api.memory_house import T0, MemoryHouse

NOW = EpochMs(T0)
SAY = Speech(load_catalogue().words(Language.VI), "")


def change(ms_ago: int, before: Health, after: Health, axis: Axis = Axis.HEALTH) -> StoredTransition:
    at = NOW - ms_ago
    return StoredTransition(
        LogId("col-1"), 1, Transition("d", axis, before, after, Cause.NONE, Reason.POLL, at, at, at)
    )


def test_a_day_without_a_change_is_one_stretch() -> None:
    assert band([], Axis.HEALTH, Health.UP, now=NOW) == (Segment(0, 1000, "up"),)


def test_changes_cut_the_day_into_stretches_that_fill_it() -> None:
    changes = [change(DAY_MS // 4, Health.DOWN, Health.UP), change(DAY_MS // 2, Health.UP, Health.DOWN)]
    assert band(changes, Axis.HEALTH, Health.UP, now=NOW) == (
        Segment(0, 500, "up"), Segment(500, 250, "down"), Segment(750, 250, "up")
    )  # fmt: skip


def test_changes_of_another_axis_or_an_earlier_day_do_not_show() -> None:
    changes = [
        change(DAY_MS // 2, Health.UP, Health.DOWN, Axis.PROTECTION),
        change(2 * DAY_MS, Health.DOWN, Health.UP),
    ]
    assert band(changes, Axis.HEALTH, Health.UP, now=NOW) == (Segment(0, 1000, "up"),)


async def test_signals_stand_by_family_in_the_order_of_the_vocabulary() -> None:
    house = MemoryHouse()
    readings = (
        Reading(Signal.ENV_TEMP, SignalState.OK, 40, "z", "C"),
        Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", "hub"),
        Reading(Signal.ENV_TEMP, SignalState.OK, 41, "a", "C"),
    )
    state = house.put("51-D-21548-1", readings={item.key: item for item in readings})
    families = device_now(house.world, state).families
    assert [(family.name, [row.reading.component for row in family.rows]) for family in families] == [
        ("channel", ["hub"]), ("env", ["a", "z"])
    ]  # fmt: skip


async def test_a_latched_signal_is_listed_once_however_many_components_hold_it() -> None:
    house = MemoryHouse()
    state = house.put(
        "51-D-21548-1", latched=frozenset({(Signal.CRYPTO_TAMPER, "lid"), (Signal.CRYPTO_TAMPER, "mesh")})
    )
    found = device_now(house.world, state)
    assert found.latched == (Signal.CRYPTO_TAMPER,)
    assert found.hub == "51-D-T0001"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "", "-"),
        (True, "", "Có"),
        ("encrypting", "", "Đang mã hóa"),
        ("no such word", "", "no such word"),
        (6, "days", "6 ngày"),
        (90, "s", "90 giây"),
        (3_900, "s", "1 giờ 05 phút"),
        (41.5, "C", "41,5 °C"),
        (3321, "", "3.321"),
        (182_340.5, "bytes/s", "182,3 kB/s"),
        (12, "bytes/s", "12 B/s"),
        (5e12, "bytes", "5.000 GB"),
        (120, "events/min", "120 lần/phút"),
    ],
)
def test_a_value_is_written_as_people_read_it(value: object, unit: str, text: str) -> None:
    assert SAY.value(Reading(Signal.SYS_UPTIME, SignalState.OK, value, unit=unit)) == text  # type: ignore[arg-type]
