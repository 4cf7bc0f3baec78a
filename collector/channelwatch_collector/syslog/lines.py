"""From what lines told to events, and the hints to poll that go with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import EventKind, EventReceived, Observation, Transport
from channelwatch_collector.profiles.traps import MAX_EVENT_TEXT
from channelwatch_collector.syslog.intake import UNREAD, Handed, ReceivedLine
from channelwatch_collector.syslog.resends import Receipt

SAYS_NOTHING_OF_STATE: Final = frozenset({EventKind.LOGIN_OK, EventKind.LOGIN_FAIL, EventKind.REKEY})
"""Kinds that are no reason to poll."""

_RECALLABLE: Final = 2048
"""Lines of one source after our start that may be ones sent again: rsyslog keeps 128 without an answer."""

_UNREAD_CHARS: Final = 1100
"""Reason and text of a line that nobody can read; the text was cut before (`Limits.unread_chars`)."""

_Fact = tuple[DeviceCode, EpochMs | None, str, str, str]


@dataclass(frozen=True)
class House:
    """What lines need of the rest. `submit_acknowledged` returns None when there is no room."""

    submit: Callable[[Observation], bool]
    submit_acknowledged: Callable[[Observation], Receipt | None]
    poll_now: Callable[[DeviceCode], object]


class Lines:
    """Makes events of lines, each once, and hands them on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._recalled: Counter[_Fact] = Counter()
        self._taken_of: Counter[str] = Counter()
        self.recognised = 0
        """Lines that were in the store before this process began."""

    def recall(self, events: Iterable[EventReceived]) -> None:
        """The events of the last minutes: a process that was killed may have left some unacknowledged."""
        self._recalled.update(
            _fact(event) for event in events if event.transport is Transport.SYSLOG_RELP and event.device_time
        )

    def forget(self) -> None:
        """Nothing of before our start can come again."""
        self._recalled.clear()
        self._taken_of.clear()

    def take(self, line: ReceivedLine) -> Handed:
        """Take a line; of one that no pack understands, or that is no device's, nothing is kept."""
        told, device = line.classified, line.device
        if told is None or device is None:
            return True
        text = told.text if told.text and not line.again else told.in_words(line.again)
        event = EventReceived(
            device,
            told.kind,
            line.transport,
            line.received_at,
            line.trusted,
            told.severity,
            line.device_time,
            told.component,
            text[: _UNREAD_CHARS if told.pack == UNREAD else MAX_EVENT_TEXT],
            _source(told.pack, told.pattern),
            told.readings,
        )
        handed: Handed
        if line.transport is not Transport.SYSLOG_RELP:
            handed = self._house.submit(event)
        elif self._recalled and self._is_recalled(event, line.source_address):
            return True
        else:
            handed = self._house.submit_acknowledged(event) or False
        if handed is not False and told.kind not in SAYS_NOTHING_OF_STATE and told.pack != UNREAD:
            self._house.poll_now(device)
        return handed

    def _is_recalled(self, event: EventReceived, source: str) -> bool:
        self._taken_of[source] += 1
        fact = _fact(event)
        if self._taken_of[source] > _RECALLABLE or not self._recalled[fact]:
            return False
        self._recalled[fact] -= 1
        self.recognised += 1
        return True


@lru_cache(maxsize=8192)
def _source(pack: str, pattern: str) -> str:
    return f"syslog:{pack}/{pattern}"


def _fact(event: EventReceived) -> _Fact:
    return (event.device, event.device_time, event.source, event.component, event.text)
