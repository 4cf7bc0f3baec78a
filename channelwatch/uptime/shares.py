"""What adds up over time: the sums of one stretch, such as a month, and whether those of several may be added.

An outage may last from one month into the next, and a hundred short ones may be one: counts and repair times do not add
up, so they are no part of this. Time does, as long as each instant is judged alike whichever period is asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, assert_never

from channelwatch.base.clock import LOCAL_ZONE
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.model import Bloc
from channelwatch.status.states import Axis
from channelwatch.uptime.estate import Estate, Hub
from channelwatch.uptime.figures import Sums
from channelwatch.uptime.ledger import Calculator, Ledger, Measured, ScopeKind
from channelwatch.uptime.period import month
from channelwatch.uptime.timeline import State, Timeline

RULES = 3
"""The way of measuring. Whoever changes what a sum is made of counts it up, and no share made before is used again."""


class Share(NamedTuple):
    """The sums of one figure over one stretch of time.

    `basis`: what was measured and what it hung on; shares add up only where that is the same. Empty where they never
    do: something was not in the inventory all the time. `firm`: nothing that happens after the stretch can change it.
    The blackouts are a bloc's.
    """

    kind: ScopeKind
    code: str
    axis: Axis
    sums: Sums
    unexcluded: Sums
    basis: str
    bloc: str
    firm: bool = True
    blackout_lo_ms: int = 0
    blackout_hi_ms: int = 0


def months_within(period: Interval, now: int) -> tuple[Interval, ...]:
    """The calendar months, in local time, that lie wholly in `period` and are over at `now` (epoch ms)."""
    local = datetime.fromtimestamp(period.start / 1000, LOCAL_ZONE)
    year, number = local.year, local.month
    found: list[Interval] = []
    while (one := month(year, number)).end <= min(period.end, now):
        if one.start >= period.start:
            found.append(one)
        year, number = year + number // 12, number % 12 + 1
    return tuple(found)


def longer_than_months(months: Sequence[Interval]) -> Iterator[tuple[Interval, ...]]:
    """The calendar quarters, and then the years, of which every month is among `months`, by their months."""
    for length in (3, 12):
        parts: defaultdict[tuple[int, int], list[Interval]] = defaultdict(list)
        for one in sorted(months):
            local = datetime.fromtimestamp(one.start / 1000, LOCAL_ZONE)
            parts[local.year, (local.month - 1) // length].append(one)
        yield from (tuple(some) for some in parts.values() if len(some) == length)


def around(period: Interval, months: Sequence[Interval]) -> Iterator[Interval]:
    """What is left of `period` beside `months`, which lie in it in order."""
    at = period.start
    for one in months:
        if at < one.start:
            yield Interval(at, one.start)
        at = one.end
    if at < period.end:
        yield Interval(at, period.end)


def share_of(calculator: Calculator, found: Measured) -> Share:
    """The share of what `calculator` measured."""
    ledger = calculator.ledger
    bloc = found.code if found.kind is ScopeKind.BLOC else ledger.estate.bloc_of(found.code).value
    return Share(
        kind=found.kind,
        code=found.code,
        axis=found.axis,
        sums=found.availability.sums,
        unexcluded=found.availability.unexcluded,
        basis=basis_of(ledger, found.kind, found.code),
        firm=not (
            is_open(calculator, found, ledger.estate.period.end)
            or any(map(calculator.awaits_proof, _devices_behind(ledger.estate, found)))
        ),
        bloc=bloc,
        blackout_lo_ms=0 if found.bloc is None else found.bloc.blackout_lo_ms,
        blackout_hi_ms=0 if found.bloc is None else found.bloc.blackout_hi_ms,
    )


def _devices_behind(estate: Estate, found: Measured) -> Iterator[DeviceCode]:
    """The devices whose health the figure is made of."""
    channels: Iterable[ChannelCode] = ()
    match found.kind:
        case ScopeKind.DEVICE:
            yield DeviceCode(found.code)
        case ScopeKind.PAIR | ScopeKind.PROTECTED:
            yield from estate.members[GroupCode(found.code)]
        case ScopeKind.CHANNEL:
            channels = (ChannelCode(found.code),)
        case ScopeKind.COMMUNE:
            channels = estate.communes[found.code]
        case ScopeKind.BLOC:
            channels = estate.bloc_channels(Bloc(found.code))
        case _:
            assert_never(found.kind)
    for code in channels:
        for _, (spoke, hub) in estate.channels[code].ends:
            yield spoke
            yield from estate.members.get(GroupCode(hub), (DeviceCode(hub),))


def is_open(calculator: Calculator, found: Measured, at: int) -> bool:
    """Does an edge of a spoke's reach over the instant `at`? Whether it counts as one, its hub decides thereafter."""
    if found.kind is not ScopeKind.DEVICE or found.axis is not Axis.HEALTH:
        return False
    code = DeviceCode(found.code)
    if not calculator.ledger.estate.devices[code].hubs:
        return False
    return state_before(calculator.own_health(code), at) is State.EDGE


def state_before(timeline: Timeline, at: int) -> State:
    """What was known of the last millisecond before `at`."""
    for part in reversed(timeline.segments):
        if part.start < at <= part.end:
            return part.state
    return State.UNKNOWN


def basis_of(ledger: Ledger, kind: ScopeKind, code: str) -> str:
    """What the figure of `code` rests on besides its history, as a digest; empty where it was not listed throughout."""
    facts = list(_facts(ledger, kind, code))
    if None in facts:
        return ""
    return sha256(repr(facts).encode()).hexdigest()[:16]


def _facts(ledger: Ledger, kind: ScopeKind, code: str) -> Iterator[object]:
    estate = ledger.estate
    match kind:
        case ScopeKind.DEVICE:
            yield from _of_device(ledger, DeviceCode(code))
            for _, hub in estate.devices[DeviceCode(code)].hubs:
                yield from _of_hub(ledger, hub)
        case ScopeKind.PAIR | ScopeKind.PROTECTED:
            yield from _of_hub(ledger, GroupCode(code))
        case ScopeKind.CHANNEL:
            line = estate.channels[ChannelCode(code)]
            yield code if line.listed == (estate.period,) and len(line.ends) == 1 else None
            for _, (spoke, hub) in line.ends:
                yield from _of_device(ledger, spoke)
                yield from _of_hub(ledger, hub)
        case ScopeKind.COMMUNE:
            for channel in estate.communes[code]:
                yield from _facts(ledger, ScopeKind.CHANNEL, channel)
        case ScopeKind.BLOC:
            for channel in estate.bloc_channels(Bloc(code)):
                yield from _facts(ledger, ScopeKind.CHANNEL, channel)
        case _:
            assert_never(kind)


def _of_hub(ledger: Ledger, hub: Hub) -> Iterator[object]:
    crews = ledger.estate.crews_of(hub)
    yield (hub, crews[0].value, _told_by(ledger, hub)) if len(crews) == 1 else None
    for name in ledger.estate.members.get(GroupCode(hub), (DeviceCode(hub),)):
        yield from _of_device(ledger, name)


def _of_device(ledger: Ledger, code: DeviceCode) -> Iterator[object]:
    asset = ledger.estate.devices[code]
    if asset.listed != (ledger.estate.period,) or len(asset.stays) != 1:
        yield None
    yield code, asset.stays[-1].value, asset.poll_ms or ledger.poll_ms
    yield _told_by(ledger, code)


def _told_by(ledger: Ledger, subject: str) -> list[tuple[str, str]]:
    found = ((axis.value, ledger.chapters.get((subject, axis))) for axis in Axis)
    return [(axis, chapter.told_by) for axis, chapter in found if chapter is not None and chapter.told_by]


def added(shares: Sequence[Share]) -> Share | None:
    """One share for several of one figure that follow each other; None where they do not add up."""
    first = shares[0]
    same = all(one.basis == first.basis and one.bloc == first.bloc for one in shares)
    if not (first.basis and same and all(one.firm for one in shares)):
        return None
    return first._replace(
        sums=sum((one.sums for one in shares), Sums()),
        unexcluded=sum((one.unexcluded for one in shares), Sums()),
        blackout_lo_ms=sum(one.blackout_lo_ms for one in shares),
        blackout_hi_ms=sum(one.blackout_hi_ms for one in shares),
    )
