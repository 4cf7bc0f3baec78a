"""Months measured once: made after they are over, used for as long as they rest on what is still recorded.

Quarters and years are their months added up, kept beside them, and right for as long as each of their months is.

A snapshot holds sums alone (`channelwatch/uptime/shares.py`). It is used only where the direct calculation would find
the same; for anything else the history itself is read, and nobody but the clock can tell the difference.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import attrgetter, itemgetter
from typing import Protocol, assert_never

from channelwatch.base.errors import InputError
from channelwatch.base.garbage import without_collection
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode
from channelwatch.base.intervals import Interval, Spans, clip, total, union
from channelwatch.inventory.maintenance import Window
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.availability import (
    ALL,
    Archive,
    Asked,
    Question,
    Terms,
    answers,
    bearing_corrections,
    is_named,
    measured,
    parts,
)
from channelwatch.status.states import Axis
from channelwatch.uptime.corrections import Correction
from channelwatch.uptime.estate import Estate, Places, in_any, survey
from channelwatch.uptime.figures import Availability
from channelwatch.uptime.ledger import Measured, ScopeKind
from channelwatch.uptime.rollup import bloc_of
from channelwatch.uptime.shares import (
    RULES,
    Share,
    added,
    around,
    is_open,
    longer_than_months,
    months_within,
    share_of,
)

LOOK_AHEAD_MS = 3_600_000
"""So long after a stretch its open edges are decided."""
AFTER_MS = 3 * 3_600_000
"""So long after a month its last answers are known to have been followed by others: longer than any poll period."""
EVERYTHING = (
    Question(Asked.DEVICE, ALL),
    Question(Asked.PAIR, ALL),
    Question(Asked.COMMUNE, ALL),
    Question(Asked.BLOC, ALL),
)
"""What a month is measured of; the channels come with their blocs."""

_KINDS: Mapping[Asked, tuple[ScopeKind, ...]] = {
    Asked.DEVICE: (ScopeKind.DEVICE,),
    Asked.PAIR: (ScopeKind.PAIR, ScopeKind.PROTECTED),
    Asked.CHANNEL: (ScopeKind.CHANNEL,),
    Asked.COMMUNE: (ScopeKind.COMMUNE,),
    Asked.BLOC: (ScopeKind.BLOC, ScopeKind.CHANNEL),
    Asked.PROVINCE: (ScopeKind.BLOC, ScopeKind.CHANNEL),
}
_ASKED: Mapping[ScopeKind, Asked] = {
    ScopeKind.DEVICE: Asked.DEVICE,
    ScopeKind.PAIR: Asked.PAIR,
    ScopeKind.PROTECTED: Asked.PAIR,
    ScopeKind.CHANNEL: Asked.CHANNEL,
    ScopeKind.COMMUNE: Asked.COMMUNE,
}
_ROWS: Mapping[Asked, int] = {Asked.DEVICE: 2, Asked.PAIR: 2, Asked.CHANNEL: 1, Asked.COMMUNE: 1}
"""How many figures the answer about one thing has."""

Key = tuple[ScopeKind, str, Axis]
"""A figure."""


@dataclass(frozen=True, slots=True)
class StoredMonth:
    """A month that was measured, or a longer stretch that was added up. `ground`: the digest of what it rests on
    besides the history. `late`: how often something was recorded since that bears on it."""

    span: Interval
    ground: str
    late: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """What months rest on besides the history of states, read at one moment.

    `alive`: when each collector was. `versions`: those of the inventory, and since when each is in force. `months`:
    those that were measured, oldest first.
    """

    alive: Mapping[str, Spans]
    versions: Sequence[tuple[int, int]]
    windows: Sequence[Window]
    corrections: Sequence[Correction]
    months: Sequence[StoredMonth]


class MonthArchive(Archive, Protocol):
    """An archive that keeps months."""

    def ground(self) -> Ground:
        """What every month rests on, and the months themselves."""
        ...

    def added_up(
        self, months: Sequence[Interval], kinds: Collection[ScopeKind], code: str
    ) -> Sequence[Share]:
        """The shares of all (`ALL`), or of `code`, over all of `months`, without a basis where they do not add up.

        Of a bloc also those of its channels.
        """
        ...

    def shares_of(self, month: Interval) -> Sequence[Share]:
        """The kept shares of one month."""
        ...

    def begin_month(self, span: Interval) -> None:
        """From now on count what is recorded late of `span`; what was kept of it, and of what it is a part of, is
        forgotten."""
        ...

    def keep_month(self, span: Interval, ground: str, shares: Iterable[Share]) -> bool:
        """Keep what was measured since `begin_month`; False when something was recorded late meanwhile."""
        ...


def ground_of(span: Interval, found: Ground, poll_ms: int) -> str:
    """The digest of what the figures of `span` rest on besides the history of states."""
    last = max((spans[-1].end for spans in found.alive.values() if spans), default=0)
    at_once = total(union(*found.alive.values())) != sum(map(total, found.alive.values()))
    facts = [
        RULES,
        poll_ms,
        at_once,
        min(last, span.end + AFTER_MS),
        [(name, _seen_in(spans, span)) for name, spans in sorted(found.alive.items())],
        list(_in_force(found.versions, span)),
        [
            (window.scope, window.code, window.approved_at, during)
            for window in found.windows
            if window.approved_at is not None
            and (during := list(window.occurrences(span.end, since=span.start)))
        ],
    ]
    return sha256(json.dumps(facts).encode()).hexdigest()


def _seen_in(alive: Spans, span: Interval) -> tuple[Spans, int | None, int | None]:
    """When a collector was alive in `span`, and the nearest instants around it: pauses may reach over its edges."""
    before = max((part.end for part in alive if part.start < span.start), default=None)
    after = min((part.start for part in alive if part.end > span.end), default=None)
    return (
        clip(alive, span),
        None if before is None else min(before, span.start),
        None if after is None else max(after, span.end),
    )


def _in_force(versions: Sequence[tuple[int, int]], span: Interval) -> Iterator[tuple[int, int]]:
    first = max((number for number, at in versions if at <= span.start), default=0)
    return ((number, at) for number, at in versions if number >= first and at < span.end)


def make_month(archive: MonthArchive, span: Interval, terms: Terms) -> bool:
    """Measure `span`, a month that is over, or add up its months, and keep it; False when something was recorded late
    meanwhile."""
    archive.begin_month(span)
    found = archive.ground()
    within = replace(terms, period=span)
    if len(months_within(span, terms.now)) > 1:
        months, ground = _longer(_right(found, within)).get(span, ((), ""))
        return bool(months) and archive.keep_month(
            span, ground, archive.added_up(months, tuple(ScopeKind), ALL)
        )
    ground = ground_of(span, found, terms.poll_ms)
    return archive.keep_month(span, ground, list(shares(archive, EVERYTHING, within)))


def stale_months(archive: MonthArchive, terms: Terms) -> list[Interval]:
    """The months in the period that are over and are not kept, or are no longer right; then the quarters and years."""
    ground = archive.ground()
    right = _right(ground, terms)
    began = min((at for _, at in ground.versions), default=terms.now)
    stale = {
        span: ""
        for span in months_within(terms.period, terms.now)
        if span not in right and span.end > began and span.end + AFTER_MS <= terms.now
    }
    kept = _kept_longer(ground, right)
    return [*stale, *(span for span in _longer(right | stale) if span not in kept)]


def wrong_months(archive: MonthArchive, terms: Terms) -> list[tuple[Interval, int]]:
    """The months that would be used though measuring them again gives something else, and the longer stretches that
    are not the sums of their months; with how many sums differ."""
    ground = archive.ground()
    right = _right(ground, terms)
    found = []
    for month in right:
        measured_again = shares(archive, EVERYTHING, replace(terms, period=month))
        found.append((month, _differing(archive.shares_of(month), measured_again)))
    for span, months in _kept_longer(ground, right).items():
        added_again = archive.added_up(months, tuple(ScopeKind), ALL)
        found.append((span, _differing(archive.shares_of(span), added_again)))
    return [(span, differing) for span, differing in found if differing]


def _differing(kept: Iterable[Share], again: Iterable[Share]) -> int:
    ours, theirs = ({_key(one): one for one in some} for some in (kept, again))
    return sum(ours.get(key) != theirs.get(key) for key in ours.keys() | theirs.keys())


def usable(ground: Ground, terms: Terms) -> list[Interval]:
    """The fewest kept stretches that hold all kept months in the period which rest on what is still recorded."""
    right = _right(ground, terms)
    found = []
    for span, months in sorted(_kept_longer(ground, right).items(), key=lambda item: -item[0].length):
        if all(one in right for one in months):
            found.append(span)
            for one in months:
                del right[one]
    return sorted([*found, *right])


def _right(ground: Ground, terms: Terms) -> dict[Interval, str]:
    """The kept months in the period that rest on what is still recorded, oldest first, and on what."""
    wanted = frozenset(months_within(terms.period, terms.now))
    return {
        one.span: one.ground
        for one in ground.months
        if one.span in wanted and not one.late and one.ground == ground_of(one.span, ground, terms.poll_ms)
    }


def _longer(months: Mapping[Interval, str]) -> dict[Interval, tuple[Sequence[Interval], str]]:
    """The quarters and years that `months` add up to: their months, and the digest of what these rest on."""
    return {
        Interval(parts[0].start, parts[-1].end): (
            parts,
            sha256(",".join(months[part] for part in parts).encode()).hexdigest(),
        )
        for parts in longer_than_months(list(months))
    }


def _kept_longer(ground: Ground, months: Mapping[Interval, str]) -> dict[Interval, Sequence[Interval]]:
    """The kept quarters and years that rest on what their months, all among `months`, rest on; with their months."""
    kept = {one.span: one.ground for one in ground.months if not one.late}
    return {span: parts for span, (parts, digest) in _longer(months).items() if kept.get(span) == digest}


def shares(archive: Archive, questions: Iterable[Question], terms: Terms) -> Iterator[Share]:
    """The shares of what `questions` stand for, measured directly from the history."""
    estate = survey(archive.editions(terms.period), terms.period)
    terms = replace(terms, windows=tuple(archive.windows()), corrections=())
    try:
        wanted = [part for question in questions for part in parts(estate, question, terms.blocs)]
    except InputError:
        return
    for found, calculator in measured(archive, terms, estate, wanted):
        made = {part: [share_of(calculator, row) for row in rows] for part, rows in found.items()}
        unclear = [part for part, row in made.items() if not all(one.firm for one in row)]
        settled = set(_settled(archive, terms, estate, unclear))
        for part, row in made.items():
            yield from (one._replace(firm=True) if part in settled else one for one in row)


def _settled(
    archive: Archive, terms: Terms, estate: Estate, unclear: Sequence[Question]
) -> Iterator[Question]:
    """Those whose edge at the end is one also in the light of what came after it."""
    end = terms.period.end
    later = replace(terms, period=Interval(terms.period.start, end + LOOK_AHEAD_MS))
    for found, calculator in measured(archive, later, estate, unclear):
        yield from (part for part, rows in found.items() if is_open(calculator, rows[0], end))


def brief(archive: MonthArchive, question: Question, terms: Terms) -> list[Measured]:
    """`availability` without outages and repair figures: from the months that are kept, and the rest directly."""
    with without_collection():
        return _brief(archive, question, terms)


def _brief(archive: MonthArchive, question: Question, terms: Terms) -> list[Measured]:
    ground = archive.ground()
    months = usable(ground, terms)
    kept = _kept(archive, question, terms, months) if months else []
    bearing = bearing_corrections(ground.corrections, terms)
    if _is_all(kept, question) and not bearing and not any(around(terms.period, months)):
        return _at_once(kept, terms)
    found = _added(archive, question, terms, months, kept) if months else {}
    rows = dict(_answers(found, terms))
    if rows and None not in found.values() and not bearing:
        wanted = _in_order(found, question)
    else:
        estate = survey(archive.editions(terms.period), terms.period)
        wanted = list(parts(estate, question, terms.blocs))
        about = frozenset((item.scope, item.code) for item in bearing)
        rest = [part for part in wanted if part not in rows or _places(estate, part).keys() & about]
        rows |= answers(archive, terms, estate, rest)
    return [_in_brief(row) for part in wanted for row in rows[part]]


def _in_brief(row: Measured) -> Measured:
    if row.repair is None and row.response is None and not row.carried:
        return row
    return row._replace(repair=None, outages=(), response=None, carried=False)


def _kept(
    archive: MonthArchive, question: Question, terms: Terms, months: Sequence[Interval]
) -> Sequence[Share]:
    kept = archive.added_up(months, _KINDS[question.asked], _stored_code(question))
    if terms.blocs is None and question.asked is not Asked.COMMUNE:
        return kept
    return [one for one in kept if _is_asked(one, question, terms)]


def _is_all(kept: Sequence[Share], question: Question) -> bool:
    """Does every figure add up, and is none of them made of others?"""
    return bool(kept) and _KINDS[question.asked][0] is not ScopeKind.BLOC and all(one.basis for one in kept)


def _at_once(kept: Sequence[Share], terms: Terms) -> list[Measured]:
    """The answers, in the order of direct ones."""
    period, target = terms.period, terms.target
    return [
        Measured(one.kind, one.code, one.axis, Availability(period, target, one.sums, one.unexcluded))
        for one in sorted(kept, key=attrgetter("code", "kind", "axis"))
    ]


def _added(
    archive: MonthArchive,
    question: Question,
    terms: Terms,
    months: Sequence[Interval],
    kept: Sequence[Share],
) -> dict[Key, Share | None]:
    """The share of the whole period by figure; None where it does not add up."""
    found: dict[Key, Share | None] = {_key(one): one if one.basis else None for one in kept}
    for left in around(terms.period, months):
        present = {
            _key(one): one for one in shares(archive, [_of_pieces(question)], replace(terms, period=left))
        }
        for key in found.keys() | present.keys():
            before, one = found.get(key), present.get(key)
            found[key] = added([before, one]) if before is not None and one is not None else None
    return found


def _stored_code(question: Question) -> str:
    return ALL if question.asked in (Asked.COMMUNE, Asked.PROVINCE) else question.code


def _is_asked(one: Share, question: Question, terms: Terms) -> bool:
    if terms.blocs is not None and Bloc(one.bloc) not in terms.blocs:
        return False
    return question.asked is not Asked.COMMUNE or question.code == ALL or is_named(one.code, question)


def _key(one: Share) -> Key:
    return (one.kind, one.code, one.axis)


def _of_pieces(question: Question) -> Question:
    """What must be measured where no month is kept: a province needs the channels of its blocs."""
    return Question(Asked.BLOC, ALL) if question.asked is Asked.PROVINCE else question


def _answers(found: Mapping[Key, Share | None], terms: Terms) -> Iterator[tuple[Question, list[Measured]]]:
    """The answers that the shares give."""
    rows: defaultdict[Question, list[Measured]] = defaultdict(list)
    channels: defaultdict[str, dict[ChannelCode, Availability]] = defaultdict(dict)
    for (kind, code, axis), one in sorted(found.items(), key=itemgetter(0)):
        if one is None or kind is ScopeKind.BLOC:
            continue
        figures = Availability(terms.period, terms.target, one.sums, one.unexcluded)
        if kind is ScopeKind.CHANNEL:
            channels[one.bloc][ChannelCode(code)] = figures
        rows[Question(_ASKED[kind], code)].append(Measured(kind, code, axis, figures))
    yield from ((part, some) for part, some in rows.items() if len(some) == _ROWS[part.asked])
    for (kind, code, axis), one in found.items():
        if one is not None and kind is ScopeKind.BLOC:
            figures = Availability(terms.period, terms.target, one.sums, one.unexcluded)
            blackout = (one.blackout_lo_ms, one.blackout_hi_ms)
            bloc = bloc_of(Bloc(code), figures, channels[code], blackout)
            yield Question(Asked.BLOC, code), [Measured(kind, code, axis, figures, bloc=bloc)]


def _in_order(found: Mapping[Key, Share | None], question: Question) -> list[Question]:
    """The parts of `question`, in the order of a direct answer."""
    if _KINDS[question.asked][0] is not ScopeKind.BLOC:
        return [Question(question.asked, code) for code in sorted({code for _, code, _ in found})]
    channels: defaultdict[str, list[Question]] = defaultdict(list)
    blocs = {code for kind, code, _ in found if kind is ScopeKind.BLOC}
    if question.asked is Asked.BLOC:
        for (_, code, _), one in sorted(found.items(), key=itemgetter(0)):
            if one is not None and one.kind is ScopeKind.CHANNEL:
                channels[one.bloc].append(Question(Asked.CHANNEL, code))
    return [
        part
        for bloc in Bloc
        if bloc.value in blocs
        for part in (Question(Asked.BLOC, bloc.value), *channels[bloc.value])
    ]


def _places(estate: Estate, question: Question) -> Places:
    """Everything that a correction which bears on the answer may be about."""
    match question.asked:
        case Asked.DEVICE:
            return estate.places_of(DeviceCode(question.code))
        case Asked.PAIR:
            return estate.hub_places(GroupCode(question.code))
        case Asked.CHANNEL:
            return estate.channel_bearing(ChannelCode(question.code))
        case Asked.COMMUNE:
            return in_any(map(estate.channel_bearing, estate.communes[question.code]))
        case Asked.BLOC | Asked.PROVINCE:
            return in_any(map(estate.channel_bearing, estate.bloc_channels(Bloc(question.code))))
        case _:
            assert_never(question.asked)
