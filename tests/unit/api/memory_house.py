"""A house in memory: the real world, settings and broadcast, with lists where the store would be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ParamSpec, TypeVar

from prometheus_client import CollectorRegistry

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.app.running.broadcast import Broadcast, Subscription
from channelwatch.app.running.drillbook import DrillBook
from channelwatch.app.settings import (
    AccountSettings,
    CollectorSettings,
    HttpSettings,
    InstanceSettings,
    Listen,
    Settings,
)
from channelwatch.base.clock import Clock, ManualClock
from channelwatch.base.errors import Permanent
from channelwatch.base.ids import (
    ContactCode,
    DeviceCode,
    GroupCode,
    IncidentId,
    LogId,
    RuleId,
    SiteCode,
    UnitCode,
)
from channelwatch.base.passwords import Cost, hash_password
from channelwatch.base.queue import BoundedQueue
from channelwatch.base.secrets import Secret
from channelwatch.incidents.drills import Drill, DrillEnd
from channelwatch.incidents.life import advance
from channelwatch.incidents.model import (
    Incident,
    IncidentState,
    IncidentStep,
    Page,
    PageKind,
    Severity,
    StepKind,
    SubjectKind,
)
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import (
    Bloc,
    Channel,
    CommuneKind,
    Device,
    HaGroup,
    Inventory,
    LifeCycle,
    Province,
    Role,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.pipeline.acts import Act, perform
from channelwatch.pipeline.availability import Archive
from channelwatch.pipeline.external import ExternalAlert, take_external
from channelwatch.pipeline.ports import Alert, Effects, History, OutboxRow, Store
from channelwatch.pipeline.world import World, WorldChange, WorldPolicy
from channelwatch.status.device import DeviceState
from channelwatch.status.events import Observation
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch.status.states import Assessment, Cause, Flag, Health, PairState, Protection
from channelwatch.status.topology import PairView
from channelwatch.store import desk
from channelwatch.store.drills import BEGUN, ENDED, STOP
from tests.support.memory_store import MemoryStore

P = ParamSpec("P")
R = TypeVar("R")

T0 = 1_790_000_000_000
"""Some moment in September 2026."""

DAY_MS = 86_400_000
PASSWORD = "đúng mật khẩu 123"
CHEAP = Cost(n=16, r=1, p=1)
SESSION_SECRET = "s" * 40
ALERTMANAGER_TOKEN = "token-of-the-alertmanager"
METRICS_TOKEN = "metrics-token-of-this-test"
OFFICES = {Bloc.PARTY: "T0001", Bloc.GOV: "T0002", Bloc.NA: "T0003", Bloc.FRONT: "T0004"}
COMMUNES = (
    ("21548", "Lý Sơn", CommuneKind.DAC_KHU),
    ("21025", "Cẩm Thành", CommuneKind.PHUONG),
    ("21034", "An Phú", CommuneKind.XA),
)


def small_inventory(
    blocs: Sequence[Bloc] = tuple(Bloc), communes: Iterable[tuple[str, str, CommuneKind]] = COMMUNES
) -> Inventory:
    """Each bloc with an HA hub at the province, one agency, and one device in each commune."""
    units, sites, groups, devices, channels = [], [], [], [], []
    named = list(communes)
    units += [Unit(UnitCode(code), UnitKind.COMMUNE, name, kind) for code, name, kind in named]
    units += [
        Unit(UnitCode(f"S000{n}"), UnitKind.AGENCY, f"Cơ quan {n:02}") for n in range(1, len(blocs) + 1)
    ]
    for number, bloc in enumerate(blocs, 1):
        office = OFFICES[bloc]
        hub = GroupCode(f"51-{bloc.letter}-{office}")
        units.append(Unit(UnitCode(office), UnitKind.PROVINCE_OFFICE, f"Văn phòng {bloc.letter}"))
        groups.append(HaGroup(hub, f"Cụm HA {bloc.letter}"))
        places = [
            (office, "A"),
            (office, "B"),
            (f"S000{number}", "1"),
            *((code, "1") for code, _, _ in named),
        ]
        for place, role in places:
            site = SiteCode(f"51-{bloc.letter}-{place}")
            code = DeviceCode(f"{site}-{role}")
            if site not in {item.code for item in sites}:
                sites.append(Site(site, UnitCode(place), bloc))
            hub_member = place == office
            devices.append(
                Device(
                    code, site, f"127.11.{number}.{len(devices) + 1}", "encryptors",
                    life_cycle=LifeCycle.IN_SERVICE,
                    ha_group=hub if hub_member else None,
                    ha_member=role if hub_member else None,
                )
            )  # fmt: skip
            if not hub_member:
                channels.append(Channel(site, code, hub))  # type: ignore[arg-type]
    return Inventory(
        Province("51", "Quảng Ngãi"),
        (),
        tuple(units),
        tuple(sites),
        tuple(groups),
        tuple(devices),
        tuple(channels),
    )


def account(name: str, role: Role, blocs: Sequence[Bloc], token: str | None = None) -> dict[str, Any]:
    """Account settings with a cheap hash of `PASSWORD`."""
    secret = Secret(str(hash_password(PASSWORD, CHEAP)))
    return {
        "name": name, "role": role, "blocs": tuple(blocs), "password": secret,
        "api_token": None if token is None else Secret(token),
    }  # fmt: skip


def settings(blocs: Sequence[Bloc] = tuple(Bloc), *, language: str = "vi", **http: Any) -> Settings:
    """Settings of a simulated instance with one account per role, all named after it."""
    accounts = [
        AccountSettings.model_construct(
            **account(role.value, role, blocs, f"token-of-{role.value}-0123456789")
        )
        for role in Role
    ]
    for name, bloc in (("party-watch", Bloc.PARTY), ("gov-watch", Bloc.GOV)):
        text = f"token-of-{name}-0123456789"[:26]
        accounts.append(AccountSettings.model_construct(**account(name, Role.WATCH, [bloc], text)))
    found = HttpSettings.model_construct(
        **{
            "listen": Listen("127.0.0.1", 0),
            "session_secret": Secret(SESSION_SECRET),
            "metrics_token": Secret(METRICS_TOKEN),
            "alertmanager_token": Secret(ALERTMANAGER_TOKEN),
            "accounts": tuple(accounts),
            "session_hours": 12,
            "secure_cookie": False,
            **http,
        }
    )
    instance = InstanceSettings(
        id="test-1", province="51", blocs=tuple(blocs), simulated=len(blocs) > 1, language=language
    )  # type: ignore[arg-type]
    return Settings.model_construct(
        instance=instance, collector=CollectorSettings(id="col-1"), http=found, credentials={}
    )


@dataclass(frozen=True)
class MemoryReadiness:
    """Ready unless told otherwise."""

    problems: tuple[str, ...] = ()

    @property
    def ready(self) -> bool:
        return not self.problems


@cache
def _rules() -> RuleBook:
    return load_rules(shipped_rules())


class MemoryDrills:
    """Drills in a list; the house begins none by itself."""

    def __init__(self) -> None:
        self.rows: list[Drill] = []

    def drills(self) -> tuple[Drill, ...]:
        return tuple(self.rows)

    def ask_drill(self, wanted: Drill, *, origin: str) -> int:
        if any(item.ended_at is None for item in self.rows):
            raise Permanent("another one is not over", operation="start", subject=origin)
        self.rows.append(replace(wanted, number=len(self.rows) + 1))
        return len(self.rows)

    def mark_drill(self, number: int, kind: str, act: desk.Act) -> None:
        at = {BEGUN: "begun_at", STOP: "stop_asked_at", ENDED: "ended_at"}[kind]
        found = self.rows[number - 1]
        if found.ended_at is not None:
            raise Permanent("it is over", operation=kind, subject=str(number))
        end = DrillEnd(act.reason) if kind == ENDED else None
        self.rows[number - 1] = replace(found, **{at: act.at}, end=end)  # type: ignore[arg-type]


class MemoryHouse:
    """What `House` asks for, and `put_*` to make things happen in it."""

    def __init__(
        self, inventory: Inventory | None = None, *, conf: Settings | None = None, clock: Clock | None = None
    ) -> None:
        self.settings = conf or settings()
        self.clock: Clock = clock or ManualClock(T0)
        found = inventory if inventory is not None else small_inventory(self.settings.instance.blocs)
        self.world = World(found, _rules(), LogId("col-1"), WorldPolicy())
        self.memory = MemoryStore()
        self.history: History = self.memory
        self.store: Store = self.memory
        self.archive: Archive | None = None
        self.drills: DrillBook | None = MemoryDrills()
        self.drill: Drill | None = None
        epoch = self.memory.take_lease("engine", "test", now=self.clock.now(), ttl_ms=DAY_MS)
        assert epoch is not None, "a new store has no other holder"
        self._epoch = epoch
        self._next_seq = 1
        self.observations: BoundedQueue[Observation] = BoundedQueue(100)
        self.registry = CollectorRegistry()
        self.started_at = self.clock.now()
        self.problems: tuple[str, ...] = ()
        self.broadcast = Broadcast()
        self._one_at_a_time = threading.Lock()

    async def in_store(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.look_up(call, *args, **kwargs)

    async def look_up(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self._one_at_a_time:
            return call(*args, **kwargs)

    def readiness(self) -> MemoryReadiness:
        return MemoryReadiness(self.problems)

    def subscribe(self) -> Subscription:
        return Subscription(self.broadcast)

    async def acknowledge(self, incident: int, *, by: str, origin: str) -> Incident:
        found = self.world.incidents.get(IncidentId(incident))
        if found is None:
            raise Permanent("no such incident", operation="acknowledge", subject=str(incident))
        if found.acked_at is None:
            step = IncidentStep(found.id, StepKind.ACKED, self.clock.now(), by, origin)
            found = self.put_incident(advance(found, step), step)
        return found

    async def act(self, incident: int, act: Act) -> Incident:
        draft = perform(self.world, incident, act, self.clock.now())
        for moved in draft.incidents.values():
            own = [step for step in draft.steps if step.incident == moved.id]
            for step in own:
                self.put_incident(moved, step)
            if not own:
                self.put_incident(moved)
        return self.world.incidents[IncidentId(incident)]

    async def take_external(self, alerts: Sequence[ExternalAlert]) -> None:
        draft = take_external(self.world, alerts, self.clock.now())
        effects = draft.effects()
        draft.adopt()
        self.record(incidents=effects.incidents, steps=effects.steps, outbox=effects.outbox)

    async def clear_latch(self, device: str, signal: str, *, by: str) -> None:
        state = self.world.devices[DeviceCode(device)]
        kept = frozenset(key for key in state.latched if key[0].value != signal)
        if kept == state.latched:
            raise Permanent(f"{signal} is not latched", operation="clear latch", subject=device)
        self.put(device, latched=kept, flags=state.flags - {Flag.SECURITY_ALARM})

    def put(self, device: str, **changes: Any) -> DeviceState:
        """Change fields of a device's state, and tell the listeners."""
        state = replace(self.world.devices[DeviceCode(device)], **changes)
        self.world.put_device(state)
        self._tell(devices=(state.device,))
        return state

    def assess(
        self,
        device: str,
        health: Health = Health.UP,
        protection: Protection = Protection.SECURED,
        cause: Cause = Cause.NONE,
        *readings: Reading,
        flags: frozenset[Flag] = frozenset(),
    ) -> DeviceState:
        """Give a device a state, as if polled now."""
        now = self.clock.now()
        held = {
            reading.key: reading
            for reading in (*readings, Reading(Signal.REACH_SNMP, SignalState.OK, True, source="poll"))
        }
        return self.put(
            device, assessment=Assessment(health, protection, cause), flags=flags, health_since=now,
            protection_since=now, seen_at=now, polled_at=now, readings=held, since=dict.fromkeys(held, now),
            profile="reference-encryptor",
        )  # fmt: skip

    def all_up(self) -> None:
        """Every device up and secured, member A active."""
        for device in self.world.inventory.devices:
            role = {"A": "active", "B": "standby"}.get(device.ha_member or "")
            readings = [Reading(Signal.HA_ROLE, SignalState.OK, role, source="1.3.6.1")] if role else []
            self.assess(device.code, Health.UP, Protection.SECURED, Cause.NONE, *readings)
        for group in self.world.inventory.ha_groups:
            self.put_pair(group.code, PairState.REDUNDANT)

    def put_pair(self, group: str, state: PairState) -> None:
        """Give a group a state from now on."""
        self.world.put_pair(GroupCode(group), PairView(state, self.clock.now()))
        self._tell(groups=(GroupCode(group),))

    def record(self, **effects: Any) -> None:
        """Write to the store what a batch would."""
        self.memory.commit(Effects(self.world.log, self._next_seq, **effects), epoch=self._epoch)
        self._next_seq += len(effects.get("transitions", ()))

    def put_incident(
        self, incident: Incident, *steps: IncidentStep, outbox: tuple[OutboxRow, ...] = ()
    ) -> Incident:
        """Add or replace an incident, in memory and in the history."""
        self.world.put_incident(incident)
        self.record(incidents=(incident,), steps=steps, outbox=outbox)
        self._tell(incidents=(incident.id,))
        return incident

    def open_incident(
        self, number: int, subject: str, *, rule: str = "plaintext-bypass", **changes: Any
    ) -> Incident:
        """Open an incident about a device, a group or, for any other subject, the collector, and page about it."""
        inventory, now = self.world.inventory, self.clock.now()
        members = inventory.members.get(GroupCode(subject), (DeviceCode(subject),))
        kind = SubjectKind.DEVICE if members == (subject,) else SubjectKind.GROUP
        known = members[0] in inventory.device
        incident = replace(
            Incident(
                IncidentId(number), RuleId(rule), kind if known else SubjectKind.COLLECTOR, subject,
                inventory.bloc_of(members[0]) if known else None,
                Severity.P1, IncidentState.OPEN, now, now, now, "bypass",
            ),
            **changes,
        )  # fmt: skip
        step = IncidentStep(incident.id, StepKind.OPENED, now, "system", "", "held for 0 s")
        page = Page(
            incident.id,
            PageKind.OPENED,
            ContactCode("watch"),
            "smtp",
            "duty@example.test",
            f"key-{number}",
            now,
        )
        alert = Alert(
            page.key, incident.id, incident.number, page.kind, incident.severity, rule, incident.subject_kind, subject,
            "", incident.bloc, incident.cause, {}, "", now, now, now,
        )  # fmt: skip
        return self.put_incident(incident, step, outbox=(OutboxRow(page, alert),))

    def _tell(
        self,
        devices: tuple[DeviceCode, ...] = (),
        groups: tuple[GroupCode, ...] = (),
        incidents: tuple[IncidentId, ...] = (),
    ) -> None:
        self.world.revision += 1
        self.broadcast.publish(WorldChange(self.world.revision, self.clock.now(), devices, groups, incidents))
