"""What an answer says beyond its readings."""

from __future__ import annotations

import pytest
from channelwatch_collector.poll.watched import CAUSE, Box, box_of, noticed
from channelwatch_collector.profiles.counters import Restart
from channelwatch_collector.snmp.port import PollFailure

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, SiteCode
from channelwatch.inventory.model import Device
from channelwatch.status.events import EventKind
from channelwatch.status.signals import Reading, Signal, SignalState

DEVICE = Device(DeviceCode("51-D-21548-1"), SiteCode("s"), "192.0.2.1", "c")
OLD = Box("8001", "S1", "1.0")


def kinds(before: Box, after: Box, restarted: Restart | None = None) -> list[EventKind]:
    return [event.kind for event in noticed(DEVICE, before, after, restarted, at=EpochMs(1))]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (OLD, []),
        (Box("8002", "S1", "1.0"), [EventKind.ENGINE_CHANGED]),
        (Box("8002", "S2", "1.0"), [EventKind.ENGINE_CHANGED]),
        (Box("8001", "S1", "1.1"), [EventKind.CONFIG_CHANGE]),
        (Box("8001", "S2", "1.1"), [EventKind.ENGINE_CHANGED, EventKind.CONFIG_CHANGE]),
    ],
)
def test_a_swapped_box_is_a_security_event_and_new_firmware_a_change(
    after: Box, expected: list[EventKind]
) -> None:
    assert kinds(OLD, after) == expected


def test_the_first_answer_of_a_device_is_no_swap() -> None:
    assert kinds(Box(), OLD) == []


@pytest.mark.parametrize(
    ("restarted", "kind"),
    [
        (Restart.HOST, EventKind.COLD_START),
        (Restart.AGENT, EventKind.WARM_START),
        (Restart.UNKNOWN, EventKind.WARM_START),
    ],
)
def test_restarts_become_events(restarted: Restart, kind: EventKind) -> None:
    assert kinds(OLD, OLD, restarted) == [kind]


def test_what_an_answer_does_not_say_is_taken_over() -> None:
    told = (Reading(Signal.INV_SERIAL, SignalState.OK, "S9"),)
    assert box_of(told, OLD) == Box("8001", "S9", "1.0")
    of_a_card = (Reading(Signal.INV_SERIAL, SignalState.OK, "CARD", component="slot 1"),)
    assert box_of(of_a_card, OLD) == OLD


def test_every_failure_of_an_engine_has_a_word_for_the_operator() -> None:
    assert set(CAUSE) == set(PollFailure)
