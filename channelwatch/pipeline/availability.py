"""The use-case behind every availability figure: what is asked, read from the archive, measured by one calculator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Protocol, assert_never

from channelwatch.base.errors import InputError
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import Window
from channelwatch.inventory.model import Bloc
from channelwatch.status.states import Axis
from channelwatch.uptime.corrections import Correction, Decision, touches
from channelwatch.uptime.estate import Edition, Estate, survey
from channelwatch.uptime.ledger import Calculator, Chapter, Ledger, Measured, lookback
from channelwatch.uptime.outages import Alarm

ALL = "all"
"""Instead of a code: every device, pair or channel."""
AT_ONCE = 256
"""Questions whose histories are in memory at a time."""


class Asked(StrEnum):
    """What one may ask about."""

    DEVICE = "device"
    PAIR = "pair"
    CHANNEL = "channel"
    COMMUNE = "commune"
    BLOC = "bloc"
    PROVINCE = "province"


@dataclass(frozen=True, slots=True)
class Question:
    """`code`: of a device, pair or channel, or `all`; `UNIT` or `UNIT/BLOC`; a bloc's name; empty for the province."""

    asked: Asked
    code: str = ""


class Archive(Protocol):
    """What was recorded, for reports. Synchronous; times are epoch ms UTC."""

    def chapters(
        self, *, subjects: Sequence[str], since: int | None, until: int
    ) -> Mapping[tuple[str, Axis], Chapter]:
        """What `subjects` were between `since` (None: ever) and `until`, by subject and axis."""
        ...

    def windows(self) -> Sequence[Window]:
        """All maintenance windows."""
        ...

    def corrections(self) -> Sequence[Correction]:
        """All corrections, whatever became of them."""
        ...

    def alarms(self, *, subjects: Sequence[str], until: int) -> Mapping[str, Sequence[Alarm]]:
        """When people were alerted to incidents of `subjects` before `until`, and took them, oldest first."""
        ...

    def editions(self, period: Interval) -> Iterator[Edition]:
        """The inventory versions in force at any time of `period`, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """How to measure. `now`: epoch ms. `target`: a share above 0. `poll_ms`: the period of devices that name none.

    `blocs`: all others are as if they were not there; None: every bloc. `trusts`: is a correction what was signed? One
    that is not changes no figure.
    """

    period: Interval
    now: int
    target: Fraction
    poll_ms: int
    blocs: frozenset[Bloc] | None = None
    trusts: Callable[[Correction], bool] = lambda _: True
    since_ever: bool = False
    """Read the whole past, whether or not it is needed."""
    windows: tuple[Window, ...] = ()
    corrections: tuple[Correction, ...] = ()


def availability(archive: Archive, question: Question, terms: Terms) -> list[Measured]:
    """The figures that answer `question`; of a bloc, its own first and then its channels'.

    Where approved corrections bear on a figure, the figure as recorded is followed by the corrected one.
    InputError when nothing of that name was listed in the period.
    """
    estate = survey(archive.editions(terms.period), terms.period)
    questions = list(parts(estate, question, terms.blocs))
    found = answers(archive, terms, estate, questions)
    return [row for part in questions for row in found[part]]


def answers(
    archive: Archive, terms: Terms, estate: Estate, questions: Sequence[Question]
) -> dict[Question, list[Measured]]:
    """The answer to each of `questions`, which are about one thing each, as recorded and as corrected."""
    terms = replace(terms, windows=tuple(archive.windows()))
    recorded = _in_full(archive, terms, estate, questions)
    bearing = bearing_corrections(archive.corrections(), terms)
    if not bearing:
        return recorded
    restated = _in_full(archive, replace(terms, corrections=bearing), estate, questions)
    return {
        part: [
            row
            for pair in zip(rows, restated[part], strict=True)
            for row in (pair if pair[1].corrections else pair[:1])
        ]
        for part, rows in recorded.items()
    }


def bearing_corrections(corrections: Iterable[Correction], terms: Terms) -> tuple[Correction, ...]:
    """Those of `corrections` that count and say anything about the period."""
    approved = (item for item in corrections if item.decision is Decision.APPROVED)
    return tuple(item for item in approved if touches(item, terms.period) and terms.trusts(item))


def _in_full(
    archive: Archive, terms: Terms, estate: Estate, questions: Sequence[Question]
) -> dict[Question, list[Measured]]:
    return {
        part: rows for some, _ in measured(archive, terms, estate, questions) for part, rows in some.items()
    }


def measured(
    archive: Archive, terms: Terms, estate: Estate, questions: Sequence[Question]
) -> Iterator[tuple[dict[Question, list[Measured]], Calculator]]:
    """The answers, a few at a time, and who measured them.

    Outages count in full: of what was not serving as the period began, all of the past is read.
    """
    since = None if terms.since_ever else lookback(terms.period)
    carried: list[Question] = []
    for start in range(0, len(questions), AT_ONCE):
        some = questions[start : start + AT_ONCE]
        subjects = sorted(set().union(*(_subjects(estate, part) for part in some)))
        chapters = archive.chapters(subjects=subjects, since=since, until=terms.period.end)
        alarms = archive.alarms(subjects=subjects, until=terms.period.end)
        ledger = Ledger(
            estate, chapters, terms.now, terms.target, terms.poll_ms, terms.windows, terms.corrections, alarms
        )
        calculator = Calculator(ledger)
        older = {
            subject
            for (subject, _), chapter in chapters.items()
            if since is not None and chapter.entries[0].t_hi < since
        }
        found = {part: list(_measure(calculator, part)) for part in some}
        again = [
            part
            for part, rows in found.items()
            if any(row.carried for row in rows) and not older.isdisjoint(_subjects(estate, part))
        ]
        carried += again
        yield {part: rows for part, rows in found.items() if part not in again}, calculator
    if carried:
        yield from measured(archive, replace(terms, since_ever=True), estate, carried)


def parts(estate: Estate, question: Question, blocs: frozenset[Bloc] | None = None) -> Iterator[Question]:
    """The questions, each about one thing, that `question` stands for."""
    there = _names(estate, question.asked, frozenset(Bloc) if blocs is None else blocs)
    if question.asked is Asked.PROVINCE:
        yield from (Question(Asked.BLOC, name) for name in there)
        return
    wanted = there if question.code == ALL else [name for name in there if is_named(name, question)]
    if not wanted and question.code != ALL:
        text = f"{question.asked} {question.code!r}: no inventory in force in the period lists it"
        raise InputError([text])
    for name in wanted:
        yield Question(question.asked, name)
        if question.asked is Asked.BLOC:
            yield from (Question(Asked.CHANNEL, code) for code in estate.bloc_channels(Bloc(name)))


def _names(estate: Estate, asked: Asked, blocs: frozenset[Bloc]) -> list[str]:
    """What there is of a kind in `blocs`, in order."""
    if asked in (Asked.BLOC, Asked.PROVINCE):
        there = {asset.bloc for asset in estate.devices.values()}
        return [bloc.value for bloc in Bloc if bloc in there & blocs]
    known: Mapping[Asked, Iterable[str]] = {
        Asked.DEVICE: estate.devices,
        Asked.PAIR: estate.members,
        Asked.CHANNEL: estate.channels,
        Asked.COMMUNE: estate.communes,
    }
    return [name for name in sorted(known[asked]) if estate.bloc_of(name) in blocs]


def is_named(name: str, question: Question) -> bool:
    """Does the code of `question` name `name`, as a whole or as its unit?"""
    return name == question.code or (
        question.asked is Asked.COMMUNE and name.partition("/")[0] == question.code
    )


def _subjects(estate: Estate, question: Question) -> set[str]:
    """Everything whose history bears on the answer."""
    match question.asked:
        case Asked.DEVICE:
            hubs = estate.devices[DeviceCode(question.code)].hubs
            return {question.code} | _with_members(estate, [hub.value for hub in hubs])
        case Asked.PAIR:
            return _with_members(estate, [question.code])
        case Asked.CHANNEL:
            ends = [phase.value for phase in estate.channels[ChannelCode(question.code)].ends]
            return {end.spoke for end in ends} | _with_members(estate, [end.hub for end in ends])
        case Asked.COMMUNE:
            own = (Question(Asked.CHANNEL, code) for code in estate.communes[question.code])
            return set().union(*(_subjects(estate, part) for part in own))
        case Asked.BLOC:
            parts = (Question(Asked.CHANNEL, code) for code in estate.bloc_channels(Bloc(question.code)))
            return set().union(*(_subjects(estate, part) for part in parts))
        case Asked.PROVINCE:
            raise AssertionError("a province is asked about bloc by bloc")
        case _:
            assert_never(question.asked)


def _with_members(estate: Estate, hubs: Iterable[str]) -> set[str]:
    found = set(hubs)
    return found | {member for hub in found for member in estate.members.get(GroupCode(hub), ())}


def _measure(calculator: Calculator, question: Question) -> Iterator[Measured]:
    match question.asked:
        case Asked.DEVICE:
            yield calculator.device(DeviceCode(question.code))
            yield calculator.protection(DeviceCode(question.code))
        case Asked.PAIR:
            yield calculator.pair(GroupCode(question.code))
            yield calculator.protected(GroupCode(question.code))
        case Asked.CHANNEL:
            yield calculator.channel(ChannelCode(question.code))
        case Asked.COMMUNE:
            yield calculator.commune(question.code)
        case Asked.BLOC:
            yield calculator.bloc(Bloc(question.code))
        case Asked.PROVINCE:
            raise AssertionError("a province is measured bloc by bloc")
        case _:
            assert_never(question.asked)
