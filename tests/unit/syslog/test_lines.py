"""What becomes of a line that told something: an event, once, and a hint to poll."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from channelwatch_collector.syslog.intake import ReceivedLine
from channelwatch_collector.syslog.lines import House, Lines
from channelwatch_collector.syslog.parse.classify import Classified
from channelwatch_collector.syslog.resends import Receipt

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import EventKind, EventReceived, Observation, Transport
from channelwatch.status.signals import Reading, Signal, SignalState

DEVICE = DeviceCode("51-D-21548-1")
TOLD = Classified(
    EventKind.HA_SWITCH, 4, "", (("role", "active"),), (Reading(Signal.HA_ROLE, SignalState.OK, "active"),),
    "reference-encryptor", "ha-switch",
)  # fmt: skip
LINE = ReceivedLine(DEVICE, "192.0.2.1", Transport.SYSLOG_UDP, False, EpochMs(9), EpochMs(7), TOLD)
RELIABLE = LINE._replace(transport=Transport.SYSLOG_RELP)


@dataclass
class Desk:
    """Lines with everything that they told, and whom they hinted at."""

    told: list[Observation] = field(default_factory=list)
    hinted: list[DeviceCode] = field(default_factory=list)
    receipt: Receipt | None = None
    room: bool = True

    def __post_init__(self) -> None:
        self.lines = Lines(House(self.submit, self.submit_acknowledged, self.hinted.append))

    def submit(self, observation: Observation) -> bool:
        if self.room:
            self.told.append(observation)
        return self.room

    def submit_acknowledged(self, observation: Observation) -> Receipt | None:
        return self.receipt if self.submit(observation) else None

    @property
    def events(self) -> list[EventReceived]:
        return [item for item in self.told if isinstance(item, EventReceived)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_line_becomes_an_event_of_its_allowed_fields(desk: Desk) -> None:
    assert desk.lines.take(LINE) is True
    (event,) = desk.events
    assert (event.kind, event.trusted, event.device_time) == (EventKind.HA_SWITCH, False, 7)
    assert (event.source, event.text) == ("syslog:reference-encryptor/ha-switch", "ha-switch: role active")
    assert desk.hinted == [DEVICE]


def test_what_no_pack_understands_or_no_device_said_leaves_nothing(desk: Desk) -> None:
    assert desk.lines.take(LINE._replace(classified=None)) is True
    assert desk.lines.take(LINE._replace(device=None)) is True
    assert desk.told == [] and desk.hinted == []


def test_a_login_is_no_reason_to_poll(desk: Desk) -> None:
    desk.lines.take(LINE._replace(classified=TOLD._replace(kind=EventKind.LOGIN_OK)))
    assert len(desk.told) == 1 and desk.hinted == []


def test_repetitions_are_told_with_their_number(desk: Desk) -> None:
    desk.lines.take(LINE._replace(again=37))
    assert desk.events[0].text == "ha-switch: 37 more like it: role active"


def test_without_room_nothing_is_hinted_and_the_source_learns_it(desk: Desk) -> None:
    desk.room = False
    assert desk.lines.take(LINE) is False
    assert desk.lines.take(RELIABLE) is False
    assert desk.hinted == []


async def test_a_reliable_source_gets_a_receipt(desk: Desk) -> None:
    desk.receipt = asyncio.get_running_loop().create_future()
    assert desk.lines.take(RELIABLE) is desk.receipt


async def test_what_was_stored_before_a_restart_is_recognised_as_often_as_it_was_stored(desk: Desk) -> None:
    desk.receipt = asyncio.get_running_loop().create_future()
    for _ in range(2):
        desk.lines.take(RELIABLE)
    later = Desk(receipt=desk.receipt)
    later.lines.recall(desk.events)
    assert [later.lines.take(RELIABLE) for _ in range(3)] == [True, True, desk.receipt]
    assert later.lines.recognised == 2
    assert len(later.told) == 1


async def test_only_reliable_lines_with_a_stamp_are_recalled(desk: Desk) -> None:
    receipt = asyncio.get_running_loop().create_future()
    for line in (LINE, RELIABLE._replace(device_time=None)):
        desk.receipt = receipt
        desk.lines.take(line)
        later = Desk(receipt=receipt)
        later.lines.recall(desk.events)
        assert later.lines.take(RELIABLE._replace(device_time=line.device_time)) is receipt


async def test_a_source_that_has_sent_thousands_of_lines_sends_none_of_before_our_start(desk: Desk) -> None:
    desk.receipt = asyncio.get_running_loop().create_future()
    desk.lines.take(RELIABLE)
    later = Desk(receipt=desk.receipt)
    later.lines.recall(desk.events)
    for number in range(2048):
        later.lines.take(RELIABLE._replace(device_time=EpochMs(1000 + number)))
    assert later.lines.take(RELIABLE) is desk.receipt
    assert later.lines.recognised == 0
