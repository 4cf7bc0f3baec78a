"""Test cases for rules, written by operators: a small story, and when the rule's incident is to be live.

The story is played to the pipeline's own evaluation, second by second, so that confirmation, clearing, flapping and
inhibition are what they will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from channelwatch.app.rulefile import Duration, duration_ms
from channelwatch.app.yamlfile import load_model
from channelwatch.base.clock import EpochMs
from channelwatch.base.errors import InputError
from channelwatch.base.ids import ChannelCode, DeviceCode, GroupCode, LogId, RuleId, SiteCode, UnitCode
from channelwatch.incidents.model import StepKind, SubjectKind
from channelwatch.incidents.rules import Hours, OwnFault, RuleBook
from channelwatch.inventory.model import (
    Bloc,
    Channel,
    Device,
    HaGroup,
    Inventory,
    LifeCycle,
    Province,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.pipeline.draft import Draft
from channelwatch.pipeline.evaluate import evaluate, judge, sweep
from channelwatch.pipeline.tally import count, count_stranger
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.device import DeviceState
from channelwatch.status.events import EventKind, EventReceived, RogueSource, Transport
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Flag, Health, PairState, Protection
from channelwatch.status.topology import PairView

STEP_MS = 1_000
MAX_MS = 48 * 3600_000
"""The longest story: two days, second by second."""
MAX_CASES = 500
START = EpochMs(1_789_970_400_000)
"""One in the afternoon of a working day."""
EVENING_MS = 5 * 3600_000
"""A story outside of working hours begins so much later."""
DEVICE, GROUP, HUB = DeviceCode("subject"), GroupCode("subject"), DeviceCode("hub")


POLICY = WorldPolicy(security_blocs=frozenset(Bloc))


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MomentFile(_Model):
    """From `at` on, the subject is so; what is left out stays as it was. So many `events` come just then; those of
    `rogue_source` from one unknown source. `taken`: a person takes the incident."""

    at: Duration
    health: Health | None = None
    protection: Protection | None = None
    cause: Cause | None = None
    flags: frozenset[Flag] | None = None
    signals: Mapping[Signal, SignalState] = {}
    pair: PairState | None = None
    communes_down: int | None = Field(default=None, ge=0, le=1000)
    own: frozenset[OwnFault] | None = None
    events: Mapping[EventKind, Annotated[int, Field(ge=1, le=100_000)]] = {}
    taken: bool = False


def _span(value: object) -> object:
    """`[6m, 11m]`: from when on, and until when."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("must be [FROM, TO], as in [6m, 11m]")
    first, last = duration_ms(value[0]), duration_ms(value[1])
    if first >= last:
        raise ValueError("ends before it begins")
    return (first, last)


Span = Annotated[tuple[int, int], BeforeValidator(_span)]


class CaseFile(_Model):
    """One test case."""

    name: str = Field(min_length=1, max_length=120)
    rule: str
    bloc: Bloc = Bloc.PARTY
    hub: bool = False
    communes: int = Field(default=20, ge=1, le=1000)
    hours: Hours = Hours.INSIDE
    story: tuple[MomentFile, ...] = Field(min_length=1, max_length=1000)
    until: Duration
    live: tuple[Span, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> CaseFile:
        times = [moment.at for moment in self.story]
        if times != sorted(set(times)):
            raise ValueError("the moments of a story stand in the order of their time")
        if self.until > MAX_MS:
            raise ValueError("a story ends within two days")
        return self


class CasesFile(_Model):
    """A file of test cases."""

    version: int = Field(ge=1, le=1)
    tests: tuple[CaseFile, ...] = Field(max_length=MAX_CASES)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one case: when the incident was live, in milliseconds of the story."""

    case: CaseFile
    live: tuple[tuple[int, int], ...]

    @property
    def passed(self) -> bool:
        """Was it live exactly when it should have been, to the second?"""
        return self.live == self.case.live


def load_cases(path: Path, book: RuleBook) -> tuple[CaseFile, ...]:
    """The cases of a file. InputError names file and line, or a rule that is not there."""
    cases = load_model(path, CasesFile).tests
    unknown = sorted({case.rule for case in cases} - set(book.by_id))
    if unknown:
        raise InputError([f"{path}: no rule {name!r}" for name in unknown])
    return cases


def play(case: CaseFile, book: RuleBook) -> Verdict:
    """Tell the story, and watch the rule's incident."""
    rule = book.by_id[RuleId(case.rule)]
    world = World(_inventory(case, rule.subject), book, LogId("collector"), POLICY)
    stage = _Stage(case, world, rule.subject)
    live: list[list[int]] = []
    was = False
    for at in range(0, case.until + 1, STEP_MS):
        stage.tell(at)
        now = any(item.rule == rule.id and item.is_live for item in world.incidents.values())
        if now and not was:
            live.append([at, case.until])
        elif was and not now:
            live[-1][1] = at
        was = now
    return Verdict(case, tuple((first, last) for first, last in live))


class _Stage:
    """A small world in which the subject does what the story says."""

    def __init__(self, case: CaseFile, world: World, subject: SubjectKind) -> None:
        self._world = world
        self._subject = subject
        self._rule = RuleId(case.rule)
        self._start = START + (EVENING_MS if case.hours is Hours.OUTSIDE else 0)
        self._moments = list(case.story)
        self._readings: dict[Signal, SignalState] = {}
        self._state = _healthy(DEVICE)
        self._fallen: dict[DeviceCode, DeviceState] = {}
        for code in world.devices:
            world.put_device(_healthy(code))

    def tell(self, at: int) -> None:
        """One second of the story."""
        now = EpochMs(self._start + at)
        draft = Draft(self._world, now)
        while self._moments and self._moments[0].at <= at:
            self._play(draft, self._moments.pop(0), now)
        evaluate(draft)
        judge(draft, (DEVICE, GROUP, *self._world.spokes))
        sweep(draft)
        draft.adopt()

    def _play(self, draft: Draft, moment: MomentFile, now: EpochMs) -> None:
        if moment.own is not None:
            self._world.own_faults = moment.own
        if moment.pair is not None:
            draft.pairs[GROUP] = PairView(moment.pair, now)
            for code in self._world.inventory.members[GROUP]:
                draft.devices[code] = replace(draft.device(code), seen_at=now)
        if moment.communes_down is not None:
            self._fell(draft, moment.communes_down, now)
        for kind, number in moment.events.items():
            self._come(draft, kind, number)
        if moment.taken:
            self._take(draft)
        if self._subject is SubjectKind.DEVICE:
            draft.devices[DEVICE] = self._state = self._next(moment, now)
            draft.touched[DEVICE] = now

    @staticmethod
    def _come(draft: Draft, kind: EventKind, number: int) -> None:
        if kind is EventKind.ROGUE_SOURCE:
            count_stranger(draft, RogueSource("192.0.2.1", Transport.SYSLOG_UDP, draft.now, number))
            return
        for _ in range(number):
            count(draft, EventReceived(DEVICE, kind, Transport.SYSLOG_UDP, draft.now, trusted=False))

    def _take(self, draft: Draft) -> None:
        for incident in list(draft.world.incidents.values()):
            if incident.rule == self._rule and incident.state.awaits_person:
                draft.advance(incident, StepKind.ACKED, reason="", by="rules test", origin="test")

    def _next(self, moment: MomentFile, now: EpochMs) -> DeviceState:
        before = self._state.assessment
        self._readings |= moment.signals
        assessment = Assessment(
            moment.health or before.health,
            moment.protection or before.protection,
            moment.cause or before.cause,
        )
        readings = [Reading(signal, state) for signal, state in self._readings.items()]
        flags = self._state.flags if moment.flags is None else moment.flags
        changed = assessment.health is not before.health
        return replace(
            self._state,
            assessment=assessment,
            health_since=now if changed else self._state.health_since,
            flags=flags,
            readings={item.key: item for item in readings},
        )

    def _fell(self, draft: Draft, count: int, now: EpochMs) -> None:
        for number, code in enumerate(self._world.spokes[next(iter(self._world.spokes))]):
            state = self._world.devices[code]
            health = Health.DOWN if number < count else Health.UP
            if state.assessment.health is not health:
                assessment = Assessment(health, Protection.SECURED, Cause.NONE)
                draft.devices[code] = replace(state, assessment=assessment, health_since=now)
                draft.touched[code] = now


def _healthy(code: DeviceCode) -> DeviceState:
    fine = Assessment(Health.UP, Protection.SECURED, Cause.NONE)
    return DeviceState(code, fine, START, START, START, polled_at=START, has_answered=True)


def _inventory(case: CaseFile, subject: SubjectKind) -> Inventory:
    """What the rule looks at, and what it needs around it."""
    codes = [DEVICE]
    if subject in (SubjectKind.BLOC, SubjectKind.CIRCUIT):
        codes = [HUB, *(DeviceCode(f"commune-{number}") for number in range(case.communes))]
    elif case.hub:
        codes = [DEVICE, DeviceCode("spoke")]
    elif subject is SubjectKind.GROUP:
        codes = [DeviceCode("a"), DeviceCode("b")]
    unit, site = UnitCode("unit"), SiteCode("site")
    group = subject is SubjectKind.GROUP
    return Inventory(
        Province("00", ""),
        units=(Unit(unit, UnitKind.COMMUNE, "unit"),),
        sites=(Site(site, unit, case.bloc),),
        ha_groups=(HaGroup(GROUP, "group"),) if group else (),
        devices=tuple(_device(code, site, GROUP if group else None) for code in codes),
        channels=tuple(_channels(codes, subject, hub=case.hub)),
        version=1,
    )


def _channels(codes: list[DeviceCode], subject: SubjectKind, *, hub: bool) -> Iterator[Channel]:
    if subject in (SubjectKind.BLOC, SubjectKind.CIRCUIT) or (subject is SubjectKind.DEVICE and hub):
        for code in codes[1:]:
            circuit = "circuit" if subject is SubjectKind.CIRCUIT else None
            yield Channel(ChannelCode(code), code, GroupCode(codes[0]), circuit)


def _device(code: DeviceCode, site: SiteCode, group: GroupCode | None) -> Device:
    member = None if group is None else code.upper()
    return Device(
        code,
        site,
        "127.0.0.1",
        "none",
        level=3,
        life_cycle=LifeCycle.IN_SERVICE,
        ha_group=group,
        ha_member=member,
    )
