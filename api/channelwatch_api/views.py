"""The world as the API shows it. Pure: world and history in, shapes out."""

from __future__ import annotations

from collections.abc import Sequence

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, GroupCode
from channelwatch.incidents.model import Incident, IncidentStep
from channelwatch.inventory.model import Bloc, Inventory, Unit
from channelwatch.pipeline.ports import LoggedChange, StoredPage, StoredTransition
from channelwatch.pipeline.world import World
from channelwatch.status.device import DeviceState
from channelwatch.status.events import EventReceived, RogueSource
from channelwatch.status.signals import Signal
from channelwatch.status.states import Cause, Health, rank
from channelwatch.status.topology import PairView
from channelwatch_api.schemas import (
    BlindOut,
    CellOut,
    ChangeOut,
    DeviceDetail,
    DeviceSummary,
    EventOut,
    GroupOut,
    IncidentOut,
    Instant,
    LatchOut,
    MemberOut,
    PageOut,
    ReadingOut,
    StepOut,
    StrangerOut,
    TransitionOut,
    UnitOut,
    UnitRef,
)
from channelwatch_api.scope import Scope


def state_rank(state: DeviceState) -> int:
    """The sort key of a device's present state: the smaller, the worse."""
    return rank(state.assessment.health, state.assessment.protection, state.flags)


def device_summary(inventory: Inventory, state: DeviceState) -> DeviceSummary:
    """A device without its signals."""
    device = inventory.device[state.device]
    return DeviceSummary(
        code=state.device,
        unit=unit_ref(inventory.unit_of(state.device)),
        bloc=inventory.bloc_of(state.device),
        site=device.site,
        life_cycle=device.life_cycle,
        ha_group=device.ha_group,
        ha_member=device.ha_member,
        health=state.assessment.health,
        protection=state.assessment.protection,
        cause=state.assessment.cause,
        flags=sorted(state.flags),
        rank=state_rank(state),
        health_since=Instant.maybe(state.health_since),
        protection_since=Instant.maybe(state.protection_since),
        last_seen=Instant.maybe(state.seen_at),
        missed_polls=state.misses,
        miss_cause=state.miss_cause,
        profile=state.profile,
    )


def device_detail(
    inventory: Inventory,
    state: DeviceState,
    transitions: Sequence[StoredTransition],
    events: Sequence[EventReceived],
    *,
    now: EpochMs,
) -> DeviceDetail:
    """A device with its signals in vocabulary order and its histories as given."""
    return DeviceDetail(
        **dict(device_summary(inventory, state)),
        latched=[LatchOut(signal=signal, component=component) for signal, component in sorted(state.latched)],
        readings=readings(state, now),
        transitions=[transition(item) for item in transitions],
        events=[event(item) for item in events],
    )


def readings(state: DeviceState, now: EpochMs) -> list[ReadingOut]:
    """A device's signals, in the order of the vocabulary, then by component."""
    order = {signal: place for place, signal in enumerate(Signal)}
    age_s = (now - state.seen_at) / 1000 if state.seen_at else None
    return [
        ReadingOut(
            signal=reading.signal,
            component=reading.component,
            state=reading.state,
            value=reading.value,
            unit=reading.unit,
            source=reading.source,
            raw=reading.raw,
            state_since=Instant.maybe(state.since.get(key)),
            age_s=age_s,
        )
        for key, reading in sorted(state.readings.items(), key=lambda item: (order[item[0][0]], item[0][1]))
    ]


def transition(stored: StoredTransition) -> TransitionOut:
    """A transition from the log."""
    item = stored.transition
    return TransitionOut(
        log=stored.log,
        seq=stored.seq,
        subject=item.subject,
        axis=item.axis,
        before=item.before,
        after=item.after,
        cause=item.cause,
        reason=item.reason,
        t_lo=Instant.at(item.t_lo),
        t_hi=Instant.at(item.t_hi),
        recorded_at=Instant.at(item.recorded_at),
        evidence=item.evidence,
    )


def event(item: EventReceived) -> EventOut:
    """A stored event."""
    return EventOut(
        device=item.device,
        kind=item.kind,
        transport=item.transport,
        received_at=Instant.at(item.received_at),
        device_time=Instant.maybe(item.device_time),
        severity=item.severity,
        trusted=item.trusted,
        component=item.component,
        text=item.text,
        source=item.source,
    )


def stranger(item: RogueSource) -> StrangerOut:
    """An unknown source."""
    return StrangerOut(
        address=item.address,
        transport=item.transport,
        last_at=Instant.at(item.received_at),
        count=item.count,
        sample=item.sample,
    )


def group(world: World, code: GroupCode, view: PairView) -> GroupOut:
    """An HA group with its members' claims."""
    inventory = world.inventory
    members = inventory.members[code]
    return GroupOut(
        code=code,
        name=next(item.name for item in inventory.ha_groups if item.code == code),
        bloc=inventory.bloc_of(members[0]),
        state=view.state,
        since=Instant.maybe(view.since),
        members=[_member(inventory, world.devices[device]) for device in members],
    )


def _member(inventory: Inventory, state: DeviceState) -> MemberOut:
    return MemberOut(
        device=state.device,
        member=inventory.device[state.device].ha_member,
        role=ha_role(state),
        health=state.assessment.health,
        protection=state.assessment.protection,
    )


def ha_role(state: DeviceState) -> str | None:
    """The role that a device claims now; None when it does not answer or has none."""
    claim = state.readings.get((Signal.HA_ROLE, ""))
    silent = state.assessment.health in (Health.DOWN, Health.UNKNOWN)
    return None if claim is None or claim.value is None or silent else str(claim.value)


def units(world: World, scope: Scope) -> list[UnitOut]:
    """The board's matrix: each unit that has a device in scope, in inventory order."""
    inventory = world.inventory
    cells: dict[str, dict[Bloc, list[DeviceState]]] = {}
    for state in scope.devices(world):
        row = cells.setdefault(inventory.unit_of(state.device).code, {})
        row.setdefault(inventory.bloc_of(state.device), []).append(state)
    return [
        UnitOut(
            **dict(unit_ref(unit)),
            cells=[
                _cell(inventory, bloc, cells[unit.code][bloc]) for bloc in Bloc if bloc in cells[unit.code]
            ],
        )
        for unit in inventory.units
        if unit.code in cells
    ]


def _cell(inventory: Inventory, bloc: Bloc, states: list[DeviceState]) -> CellOut:
    counted = [state for state in states if inventory.device[state.device].in_service] or states
    worst = min(counted, key=state_rank)
    return CellOut(
        bloc=bloc,
        health=worst.assessment.health,
        protection=worst.assessment.protection,
        rank=state_rank(worst),
        devices=[state.device for state in states],
    )


def incident(world: World, item: Incident, scope: Scope, *, notes: bool) -> IncidentOut:
    """An incident; what it impacts is told only as far as `scope` reaches, its cause only to who may read `notes`."""
    rule = world.rules.of(item.rule)
    return IncidentOut(
        id=item.id,
        number=item.number,
        rule=item.rule,
        title=dict(rule.title) if rule is not None else {},
        severity=item.severity,
        state=item.state,
        subject_kind=item.subject_kind,
        subject=item.subject,
        bloc=item.bloc,
        cause=item.cause,
        t0=Instant.at(item.t0),
        opened_at=Instant.at(item.opened_at),
        acked_at=Instant.maybe(item.acked_at),
        acked_by=item.acked_by,
        restored_at=Instant.maybe(item.restored_at),
        closed_at=Instant.maybe(item.closed_at),
        resolution=item.resolution if notes else None,
        approved_by=item.approved_by,
        merged_into=item.merged_into,
        drill=item.drill,
        impacted=[code for code in item.impacted if scope.sees_subject(world.inventory, code)],
    )


def step(item: IncidentStep, *, notes: bool) -> StepOut:
    """A step; without the right to read notes its words are withheld."""
    return StepOut(
        kind=item.kind,
        at=Instant.at(item.at),
        by=item.by,
        origin=item.origin,
        reason=item.reason if notes else None,
    )


def page(item: StoredPage) -> PageOut:
    """What became of a page. The destination stays inside."""
    return PageOut(
        kind=item.page.kind,
        contact=item.page.contact,
        channel=item.page.channel,
        step=item.page.step,
        state=item.state,
        attempts=item.attempts,
        created_at=Instant.at(item.created_at),
        sent_at=Instant.maybe(item.sent_at),
        last_error=item.last_error,
    )


def change(item: LoggedChange) -> ChangeOut:
    """An inventory change."""
    return ChangeOut(
        at=Instant.at(item.at),
        by=item.by,
        section=item.change.section,
        code=item.change.code,
        kind=item.change.kind,
        before=dict(item.change.before),
        after=dict(item.change.after),
    )


def blind(world: World, scope: Scope) -> BlindOut:
    """Devices in service that nobody looks at now."""
    unseen = [
        state.health_since
        for state in scope.devices(world)
        if state.assessment.cause is Cause.MONITORING and in_service(world.inventory, state.device)
    ]
    return BlindOut(devices=len(unseen), since=Instant.maybe(min(unseen, default=None)))


def in_service(inventory: Inventory, code: DeviceCode) -> bool:
    """Does the device count?"""
    return inventory.device[code].in_service


def unit_ref(unit: Unit) -> UnitRef:
    """A unit as others refer to it."""
    return UnitRef(code=unit.code, name=unit.name, kind=unit.kind, commune_kind=unit.commune_kind)
