"""One mark per device."""

from __future__ import annotations

from itertools import combinations, product

import pytest
from channelwatch_api.board.marks import Mark, mark_of, since_of

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.device import DeviceState
from channelwatch.status.signals import Signal
from channelwatch.status.states import Assessment, Flag, Health, Protection

CODE = DeviceCode("51-D-21548-1")


def state(health: Health, protection: Protection, *flags: Flag) -> DeviceState:
    return DeviceState(
        CODE, Assessment(health, protection), EpochMs(10), EpochMs(20), flags=frozenset(flags),
        latched=frozenset({(Signal.CRYPTO_TAMPER, "")}), since={(Signal.CRYPTO_TAMPER, ""): EpochMs(30)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("health", "protection", "flags", "mark"),
    [
        (Health.UP, Protection.SECURED, [], Mark.OK),
        (Health.UP, Protection.EXPOSED, [Flag.SECURITY_ALARM], Mark.EXPOSED),
        (Health.DOWN, Protection.EXPOSED, [], Mark.EXPOSED),
        (Health.DOWN, Protection.UNKNOWN, [], Mark.DOWN),
        (Health.UP, Protection.WEAKENED, [Flag.SECURITY_ALARM], Mark.ALARM),
        (Health.UP, Protection.WEAKENED, [], Mark.WEAKENED),
        (Health.UNKNOWN, Protection.UNKNOWN, [], Mark.UNKNOWN),
        (Health.DEGRADED, Protection.SECURED, [Flag.FLAPPING], Mark.DEGRADED),
        (Health.UP, Protection.UNKNOWN, [], Mark.UNPROVEN),
    ],
)
def test_the_worst_axis_gives_the_mark(
    health: Health, protection: Protection, flags: list[Flag], mark: Mark
) -> None:
    assert mark_of(state(health, protection, *flags), in_service=True) is mark


def test_only_up_and_secured_is_ever_drawn_as_in_order() -> None:
    sets = [set(chosen) for size in range(3) for chosen in combinations(Flag, size)]
    for health, protection, flags in product(Health, Protection, sets):
        mark = mark_of(state(health, protection, *flags), in_service=True)
        if mark is Mark.OK:
            assert (health, protection) == (Health.UP, Protection.SECURED)


def test_a_device_that_is_not_in_service_has_no_state_to_show() -> None:
    assert mark_of(state(Health.DOWN, Protection.EXPOSED), in_service=False) is Mark.IDLE


def test_gravity_follows_the_order_exposed_before_down() -> None:
    assert sorted(Mark, key=lambda mark: mark.gravity)[:2] == [Mark.EXPOSED, Mark.DOWN]
    assert [mark for mark in Mark if not mark.is_exception] == [Mark.UNPROVEN, Mark.OK, Mark.IDLE]


@pytest.mark.parametrize(
    ("mark", "since"),
    [(Mark.DOWN, 10), (Mark.OK, 10), (Mark.EXPOSED, 20), (Mark.WEAKENED, 20), (Mark.ALARM, 30)],
)
def test_each_mark_counts_from_the_change_that_gave_it(mark: Mark, since: int) -> None:
    assert since_of(state(Health.DOWN, Protection.EXPOSED), mark) == since
