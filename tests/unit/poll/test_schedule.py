"""When devices are due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise

import pytest
from channelwatch_collector.poll.schedule import Schedule, Timing
from hypothesis import given
from hypothesis import strategies as st

from channelwatch.base.ids import DeviceCode

MINUTE = 60_000
DEVICE = DeviceCode("51-D-21548-1")


def codes(count: int) -> list[DeviceCode]:
    return [DeviceCode(f"51-D-{number:05d}-1") for number in range(count)]


def settled(schedule: Schedule, device: DeviceCode, now: int) -> int:
    """Poll `device` once and have it answered at once; when that was."""
    at = schedule.next_at()
    assert at is not None
    now = max(now, at)
    (due,) = schedule.due(now, 10)
    assert due.device == device
    schedule.answered(device, now)
    return now


def test_after_its_first_poll_a_device_keeps_its_period() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 1_000)
    first = settled(schedule, DEVICE, 0)
    assert 1_000 <= first < 6_000
    times = [settled(schedule, DEVICE, 0) for _ in range(5)]
    assert {later - earlier for earlier, later in pairwise(times)} == {MINUTE}


def test_a_thousand_devices_added_at_once_are_not_polled_at_once() -> None:
    schedule = Schedule(Timing())
    for code in codes(1_000):
        schedule.put(code, MINUTE, 0)
    seconds: Counter[int] = Counter()
    now = 0
    while (at := schedule.next_at()) is not None and at < 3 * MINUTE:
        now = max(now, at)
        for due in schedule.due(now, 10_000):
            schedule.answered(due.device, now)
            if now >= MINUTE:
                seconds[now // 1000] += 1
    assert sum(seconds.values()) == 2_000
    assert max(seconds.values()) <= 40


def test_the_phase_does_not_depend_on_when_the_collector_started() -> None:
    def second_poll(started: int) -> int:
        schedule = Schedule(Timing())
        schedule.put(DEVICE, MINUTE, started)
        settled(schedule, DEVICE, 0)
        return settled(schedule, DEVICE, 0)

    assert second_poll(0) % MINUTE == second_poll(17_123) % MINUTE


def test_a_silent_device_is_confirmed_quickly_and_then_left_to_its_period() -> None:
    schedule = Schedule(Timing(confirm_ms=1_000, misses_before_down=3))
    schedule.put(DEVICE, MINUTE, 0)
    now, gaps, misses = 0, [], []
    for _ in range(6):
        at = schedule.next_at()
        assert at is not None
        gaps.append(at - now)
        now = at
        (due,) = schedule.due(now, 1)
        misses.append(due.misses)
        schedule.missed(DEVICE, now)
    assert gaps[1:3] == [1_000, 1_000]
    assert 1_000 < gaps[3] <= MINUTE
    assert gaps[4:] == [MINUTE, MINUTE]
    assert misses == [0, 1, 2, 3, 4, 5]


def test_an_answer_ends_the_row_of_misses() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 0)
    now = schedule.next_at() or 0
    schedule.due(now, 1)
    schedule.missed(DEVICE, now)
    schedule.due(now + 1_000, 1)
    schedule.answered(DEVICE, now + 1_000)
    at = schedule.next_at()
    assert at is not None and at > now + 1_000
    assert schedule.due(at, 1)[0].misses == 0


def test_a_miss_of_our_own_making_is_not_counted() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 0)
    now = schedule.next_at() or 0
    schedule.due(now, 1)
    schedule.missed(DEVICE, now, counts=False)
    at = schedule.next_at()
    assert at is not None and at > now + 1_000
    assert schedule.due(at, 1)[0].misses == 0


def test_a_hint_polls_at_once_but_never_closer_than_the_spacing() -> None:
    schedule = Schedule(Timing(hint_spacing_ms=1_000))
    schedule.put(DEVICE, MINUTE, 0)
    now = settled(schedule, DEVICE, 0)
    assert schedule.hint(DEVICE, now + 300)
    assert schedule.hint(DEVICE, now + 400)
    assert schedule.next_at() == now + 1_000
    assert schedule.hint(DEVICE, now + 20_000)
    assert schedule.next_at() == now + 1_000
    assert len(schedule.due(now + 20_000, 10)) == 1


def test_a_hint_during_a_poll_asks_once_more_after_it() -> None:
    schedule = Schedule(Timing(hint_spacing_ms=1_000))
    schedule.put(DEVICE, MINUTE, 0)
    now = schedule.next_at() or 0
    schedule.due(now, 1)
    schedule.hint(DEVICE, now + 10)
    schedule.answered(DEVICE, now + 20)
    assert schedule.next_at() == now + 1_000


def test_a_hint_about_a_stranger_is_refused() -> None:
    assert not Schedule(Timing()).hint(DEVICE, 0)


def test_polls_that_take_longer_than_their_period_are_counted_as_overruns() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, 1_000, 0)
    now = schedule.next_at() or 0
    schedule.due(now, 1)
    schedule.answered(DEVICE, now + 3_500)
    assert schedule.overruns == 3
    assert schedule.next_at() in range(now + 3_501, now + 4_501)


def test_waiting_for_room_is_told_as_lateness() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 0)
    due_at = schedule.next_at() or 0
    assert schedule.due(due_at + 400, 0) == []
    (due,) = schedule.due(due_at + 400, 1)
    assert due.late_ms == 400


def test_a_changed_period_takes_effect() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 0)
    settled(schedule, DEVICE, 0)
    schedule.put(DEVICE, 5_000, 10_000)
    times = [settled(schedule, DEVICE, 10_000) for _ in range(3)]
    assert times[0] <= 15_000
    assert times[2] - times[1] == 5_000


def test_a_removed_device_is_due_no_more_even_while_it_is_polled() -> None:
    schedule = Schedule(Timing())
    schedule.put(DEVICE, MINUTE, 0)
    now = schedule.next_at() or 0
    schedule.due(now, 1)
    schedule.remove(DEVICE)
    schedule.answered(DEVICE, now)
    schedule.missed(DEVICE, now)
    assert schedule.next_at() is None
    assert len(schedule) == 0


class Fleet:
    """A schedule with a model beside it that knows who must be there and who is being polled."""

    PERIOD = 10_000

    def __init__(self) -> None:
        self.schedule = Schedule(
            Timing(confirm_ms=500, misses_before_down=2, hint_spacing_ms=1_000, first_spread_ms=1_000)
        )
        self.present: set[DeviceCode] = set()
        self.flying: set[DeviceCode] = set()
        self.started: dict[DeviceCode, list[int]] = defaultdict(list)

    def begin(self, now: int) -> None:
        for due in self.schedule.due(now, 3):
            assert due.device in self.present and due.device not in self.flying
            self.flying.add(due.device)
            self.started[due.device].append(now)

    def put(self, code: DeviceCode, now: int) -> None:
        self.schedule.put(code, self.PERIOD, now)
        self.present.add(code)

    def remove(self, code: DeviceCode, now: int) -> None:
        self.schedule.remove(code)
        self.present.discard(code)
        self.flying.discard(code)
        self.started.pop(code, None)

    def hint(self, code: DeviceCode, now: int) -> None:
        assert self.schedule.hint(code, now) is (code in self.present)

    def answered(self, code: DeviceCode, now: int) -> None:
        self.flying.discard(code)
        self.schedule.answered(code, now)

    def missed(self, code: DeviceCode, now: int) -> None:
        self.flying.discard(code)
        self.schedule.missed(code, now)

    def blamed(self, code: DeviceCode, now: int) -> None:
        self.flying.discard(code)
        self.schedule.missed(code, now, counts=False)


STEPS = st.tuples(
    st.sampled_from([Fleet.put, Fleet.remove, Fleet.hint, Fleet.answered, Fleet.missed, Fleet.blamed]),
    st.sampled_from(codes(5)),
    st.integers(0, 4_000),
)


@given(st.lists(STEPS, max_size=120))
def test_whatever_happens_no_device_is_lost_doubled_or_polled_too_often(
    steps: list[tuple[Callable[[Fleet, DeviceCode, int], None], DeviceCode, int]],
) -> None:
    fleet, now = Fleet(), 0
    for code in codes(5):
        fleet.put(code, now)
    for act, code, pause in steps:
        now += pause
        fleet.begin(now)
        act(fleet, code, now)
    for code in fleet.flying:
        fleet.schedule.answered(code, now)
    latest = {due.device for due in fleet.schedule.due(now + 2 * Fleet.PERIOD, 100)}
    assert latest == fleet.present
    for times in fleet.started.values():
        assert all(later - earlier >= 500 for earlier, later in pairwise(times))


@pytest.mark.parametrize("period", [1_000, 60_000, 3_600_000])
def test_the_first_poll_comes_soon_whatever_the_period(period: int) -> None:
    schedule = Schedule(Timing(first_spread_ms=5_000))
    for code in codes(50):
        schedule.put(code, period, 0)
    assert {due.device for due in schedule.due(5_000, 100)} == set(codes(50))
