"""What the board shows, as plain values. Pure: two equal models give the same picture, so nothing here is an age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.model import Incident, IncidentState, Severity, SubjectKind
from channelwatch.inventory.model import Bloc, CommuneKind, Inventory, Unit, UnitKind
from channelwatch.pipeline.world import World
from channelwatch.status.states import Cause, Flag, Health, PairState
from channelwatch_api.board.circuits import CircuitSum, circuit_sum
from channelwatch_api.board.marks import Mark
from channelwatch_api.board.people import person
from channelwatch_api.board.spots import Spot, spot
from channelwatch_api.limits import EXCEPTIONS_SHOWN, INCIDENTS_SHOWN
from channelwatch_api.scope import Scope
from channelwatch_api.views import ha_role


@dataclass(frozen=True, slots=True)
class Tile:
    """A commune: one place per bloc that reaches communes, None where it has no device of that bloc."""

    unit: str
    name: str
    kind: CommuneKind | None
    spots: tuple[Spot | None, ...]
    worst: Mark


@dataclass(frozen=True, slots=True)
class PairMember:
    """A member of a pair and the role that it claims."""

    spot: Spot
    role: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """An HA group."""

    code: GroupCode
    name: str
    state: PairState
    since: EpochMs
    members: tuple[PairMember, ...]


@dataclass(frozen=True, slots=True)
class BlocCard:
    """A bloc's hub, its other places above the communes, how many communes have a working channel, its circuits."""

    bloc: Bloc
    pairs: tuple[Pair, ...]
    hubs: tuple[Spot, ...]
    agencies: tuple[Spot, ...]
    communes_up: int
    communes: int
    circuits: CircuitSum


@dataclass(frozen=True, slots=True)
class Strip:
    """The figures at the top. Each device in service counts once, under its worst state; a drill counts nowhere."""

    marks: Mapping[Mark, int]
    total: int
    open: int
    unacked: int
    oldest_unacked: EpochMs | None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Devices that somebody must look at, the worst first; `more` were left out."""

    rows: tuple[Spot, ...]
    more: int


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """A live incident in a list."""

    id: int
    number: str
    severity: Severity
    state: IncidentState
    title: Mapping[str, str]
    subject: str
    subject_kind: SubjectKind
    place: str
    bloc: Bloc | None
    t0: EpochMs
    acked_by: str | None
    impacted: int
    drill: bool = False

    @property
    def awaits_person(self) -> bool:
        """Nobody has taken it."""
        return self.state.awaits_person


@dataclass(frozen=True, slots=True)
class Incidents:
    """Live incidents: those nobody has taken first, then by gravity and age; `more` were left out."""

    rows: tuple[IncidentRow, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Board:
    """The whole board."""

    strip: Strip
    cards: tuple[BlocCard, ...]
    tiles: tuple[Tile, ...]
    tile_blocs: tuple[Bloc, ...]
    exceptions: Exceptions
    incidents: Incidents


def board(world: World, scope: Scope) -> Board:
    """The board of `scope` as the world is now."""
    inventory = world.inventory
    spots = {state.device: spot(inventory, state) for state in scope.devices(world)}
    tile_blocs = _tile_blocs(inventory, scope, spots.values())
    return Board(
        strip=_strip(world, scope, spots.values()),
        cards=tuple(_card(world, bloc, spots) for bloc in scope.blocs if _has(bloc, spots.values())),
        tiles=_tiles(inventory, tile_blocs, spots.values()),
        tile_blocs=tile_blocs,
        exceptions=_exceptions(spots.values()),
        incidents=incident_rows(world, scope),
    )


def newest_answer(world: World, scope: Scope) -> EpochMs:
    """When the last device in scope gave a usable answer; 0 = none ever did."""
    return max((state.seen_at for state in scope.devices(world)), default=EpochMs(0))


def incident_rows(world: World, scope: Scope) -> Incidents:
    """The live incidents of `scope`."""
    live = [item for item in scope.incidents(world) if not item.state.is_over]
    live.sort(key=_urgency)
    rows = tuple(incident_row(world, item, scope) for item in live[:INCIDENTS_SHOWN])
    return Incidents(rows, len(live) - len(rows))


def _urgency(item: Incident) -> tuple[bool, Severity, bool, EpochMs, int]:
    """Those nobody has taken first, then by gravity; of equal gravity what is exposed comes before what is down."""
    return (not item.state.awaits_person, item.severity, item.cause != Cause.BYPASS, item.t0, item.id)


def incident_row(world: World, item: Incident, scope: Scope) -> IncidentRow:
    """One incident; `place` is the name of where it is."""
    rule = world.rules.of(item.rule)
    seen = [code for code in item.impacted if scope.sees_subject(world.inventory, code)]
    return IncidentRow(
        id=item.id,
        number=item.number,
        severity=item.severity,
        state=item.state,
        title=rule.title if rule is not None else {},
        subject=item.subject,
        subject_kind=item.subject_kind,
        place=place_of(world.inventory, item.subject),
        bloc=item.bloc,
        t0=item.t0,
        acked_by=None if item.acked_by is None else person(item.acked_by, world.inventory).name,
        impacted=len(seen),
        drill=item.drill,
    )


def place_of(inventory: Inventory, subject: str) -> str:
    """The unit's or group's name of a subject; empty for a collector."""
    device = DeviceCode(subject)
    if device in inventory.device:
        return inventory.unit_of(device).name
    return next((group.name for group in inventory.ha_groups if group.code == subject), "")


def _strip(world: World, scope: Scope, spots: Iterable[Spot]) -> Strip:
    marks: Counter[Mark] = Counter(item.mark for item in spots if item.mark is not Mark.IDLE)
    live = [item for item in scope.incidents(world) if not item.state.is_over and not item.drill]
    waiting = [item.t0 for item in live if item.state.awaits_person]
    return Strip(
        marks={mark: marks[mark] for mark in Mark},
        total=marks.total(),
        open=len(live),
        unacked=len(waiting),
        oldest_unacked=min(waiting, default=None),
    )


def _exceptions(spots: Iterable[Spot]) -> Exceptions:
    found = sorted(
        (item for item in spots if item.mark.is_exception),
        key=lambda item: (item.mark.gravity, Flag.IMPACTED in item.flags, -item.since, item.device),
    )
    shown = tuple(found[:EXCEPTIONS_SHOWN])
    return Exceptions(shown, len(found) - len(shown))


def _card(world: World, bloc: Bloc, spots: Mapping[DeviceCode, Spot]) -> BlocCard:
    inventory = world.inventory
    own = [item for item in spots.values() if item.bloc is bloc]
    kinds = {item.device: inventory.unit_of(item.device).kind for item in own}
    paired = {code for members in inventory.members.values() for code in members}
    served = world.overview.communes.get(bloc, Counter[Health]())
    above = [item for item in own if kinds[item.device] is not UnitKind.COMMUNE and item.device not in paired]
    return BlocCard(
        bloc=bloc,
        pairs=tuple(
            _pair(world, group.code, group.name, spots)
            for group in inventory.ha_groups
            if any(spots[code].bloc is bloc for code in inventory.members[group.code] if code in spots)
        ),
        hubs=tuple(item for item in above if kinds[item.device] is not UnitKind.AGENCY),
        agencies=tuple(item for item in above if kinds[item.device] is UnitKind.AGENCY),
        communes_up=served[Health.UP] + served[Health.DEGRADED],
        communes=served.total(),
        circuits=circuit_sum(world, bloc),
    )


def _pair(world: World, code: GroupCode, name: str, spots: Mapping[DeviceCode, Spot]) -> Pair:
    view = world.pairs[code]
    members = tuple(
        PairMember(spots[device], ha_role(world.devices[device]))
        for device in world.inventory.members[code]
        if device in spots
    )
    return Pair(code, name, view.state, view.since, members)


def _tile_blocs(inventory: Inventory, scope: Scope, spots: Iterable[Spot]) -> tuple[Bloc, ...]:
    reaching = {item.bloc for item in spots if inventory.unit_of(item.device).kind is UnitKind.COMMUNE}
    return tuple(bloc for bloc in scope.blocs if bloc in reaching)


def _tiles(inventory: Inventory, blocs: Sequence[Bloc], spots: Iterable[Spot]) -> tuple[Tile, ...]:
    by_unit: dict[str, dict[Bloc, Spot]] = {}
    for item in spots:
        row = by_unit.setdefault(item.unit, {})
        held = row.get(item.bloc)
        if held is None or item.mark.gravity < held.mark.gravity:
            row[item.bloc] = item
    return tuple(
        _tile(unit, blocs, by_unit[unit.code])
        for unit in inventory.units
        if unit.kind is UnitKind.COMMUNE and unit.code in by_unit
    )


def _tile(unit: Unit, blocs: Sequence[Bloc], row: Mapping[Bloc, Spot]) -> Tile:
    worst = min((item.mark for item in row.values()), key=lambda mark: mark.gravity)
    return Tile(unit.code, unit.name, unit.commune_kind, tuple(row.get(bloc) for bloc in blocs), worst)


def _has(bloc: Bloc, spots: Iterable[Spot]) -> bool:
    return any(item.bloc is bloc for item in spots)
