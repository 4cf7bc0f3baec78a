"""The use-case behind every availability figure: what is asked, read from the archive, measured by one calculator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, assert_never

from channelwatch.base.errors import InputError
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.status.states import Axis
from channelwatch.uptime.estate import Edition, Estate, survey
from channelwatch.uptime.ledger import Calculator, Chapter, Ledger, Measured

ALL = "all"
"""Instead of a code: every device, pair or channel."""


class Asked(StrEnum):
    """What one may ask about."""

    DEVICE = "device"
    PAIR = "pair"
    CHANNEL = "channel"
    BLOC = "bloc"
    PROVINCE = "province"


@dataclass(frozen=True, slots=True)
class Question:
    """`code`: of a device, pair or channel, or `all`; a bloc's name; empty for the province."""

    asked: Asked
    code: str = ""


class Archive(Protocol):
    """What was recorded, for reports. Synchronous; times are epoch ms UTC."""

    def chapters(self, *, subjects: Sequence[str], until: int) -> Mapping[tuple[str, Axis], Chapter]:
        """All that is recorded of `subjects` before `until`, by subject and axis."""
        ...

    def editions(self, period: Interval) -> Iterator[Edition]:
        """The inventory versions in force at any time of `period`, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How to measure. `now`: epoch ms. `target`: a share above 0. `poll_ms`: the period of devices that name none."""

    period: Interval
    now: int
    target: Fraction
    poll_ms: int


def availability(archive: Archive, question: Question, terms: Terms) -> list[Measured]:
    """The figures that answer `question`; of a bloc, its own first and then its channels'.

    InputError when nothing of that name was listed in the period.
    """
    estate = survey(archive.editions(terms.period), terms.period)
    names = _named(estate, question)
    chapters = archive.chapters(
        subjects=sorted(_subjects(estate, question.asked, names)), until=terms.period.end
    )
    ledger = Ledger(estate, chapters, terms.now, terms.target, terms.poll_ms)
    return list(_measure(Calculator(ledger), question.asked, names))


def _named(estate: Estate, question: Question) -> list[str]:
    """The codes that the question is about, in order."""
    blocs = {asset.bloc.value for asset in estate.devices.values()}
    known: Mapping[Asked, Sequence[str]] = {
        Asked.DEVICE: sorted(estate.devices),
        Asked.PAIR: sorted(estate.members),
        Asked.CHANNEL: sorted(estate.channels),
        Asked.BLOC: [bloc.value for bloc in Bloc if bloc.value in blocs],
        Asked.PROVINCE: [bloc.value for bloc in Bloc if bloc.value in blocs],
    }
    there = known[question.asked]
    if question.asked is Asked.PROVINCE or question.code == ALL:
        return list(there)
    if question.code not in there:
        raise InputError(
            [f"{question.asked} {question.code!r}: no inventory in force in the period lists it"]
        )
    return [question.code]


def _subjects(estate: Estate, asked: Asked, names: Sequence[str]) -> set[str]:
    """Everything whose history bears on `names`."""
    match asked:
        case Asked.DEVICE:
            asked_for = set(names)
            hubs = {line.hub for line in estate.channels.values() if line.spoke in asked_for}
            return asked_for | _with_members(estate, hubs)
        case Asked.PAIR:
            return _with_members(estate, set(names))
        case Asked.CHANNEL:
            lines = [estate.channels[ChannelCode(name)] for name in names]
            return {line.spoke for line in lines} | _with_members(estate, {line.hub for line in lines})
        case Asked.BLOC | Asked.PROVINCE:
            return {*estate.devices, *estate.members}
        case _:
            assert_never(asked)


def _with_members(estate: Estate, hubs: Iterable[str]) -> set[str]:
    found = set(hubs)
    return found | {member for hub in found for member in estate.members.get(GroupCode(hub), ())}


def _measure(calculator: Calculator, asked: Asked, names: Sequence[str]) -> Iterator[Measured]:
    estate = calculator.ledger.estate
    for name in names:
        match asked:
            case Asked.DEVICE:
                yield calculator.device(DeviceCode(name))
                yield calculator.protection(DeviceCode(name))
            case Asked.PAIR:
                yield calculator.pair(GroupCode(name))
                yield calculator.protected(GroupCode(name))
            case Asked.CHANNEL:
                yield calculator.channel(ChannelCode(name))
            case Asked.BLOC:
                yield calculator.bloc(Bloc(name))
                yield from (calculator.channel(code) for code in estate.bloc_channels(Bloc(name)))
            case Asked.PROVINCE:
                yield calculator.bloc(Bloc(name))
            case _:
                assert_never(asked)
