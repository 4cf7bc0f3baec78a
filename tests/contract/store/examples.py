"""Small true-to-life values, each complete, for tests to vary with `dataclasses.replace`."""

from __future__ import annotations

import datetime
from typing import Protocol

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import (
    ChannelCode,
    ContactCode,
    DeviceCode,
    GroupCode,
    IncidentId,
    LogId,
    RuleId,
    SiteCode,
    UnitCode,
)
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
from channelwatch.inventory.model import (
    Bloc,
    Channel,
    CommuneKind,
    Contact,
    Device,
    Document,
    HaGroup,
    Inventory,
    LifeCycle,
    Owner,
    Province,
    Role,
    Site,
    Unit,
    UnitKind,
)
from channelwatch.pipeline.ports import Alert, CurrentRow, Effects, History, OutboxRow, PairRow, Store
from channelwatch.status.events import EventKind, EventReceived, RogueSource, Transport
from channelwatch.status.signals import Signal
from channelwatch.status.states import (
    Assessment,
    Axis,
    Cause,
    Flag,
    Health,
    PairState,
    Protection,
    Reason,
    Transition,
)

LOG = LogId("qn-party-1")
DEVICE = DeviceCode("51-D-21548-1")
GROUP = GroupCode("51-D-T0001")
T = EpochMs(1_790_000_000_000)
"""About when the examples happen."""
DAY_MS = 24 * 3600_000


class FullStore(Store, History, Protocol):
    """Both ports at once, as every implementation has them."""


def at(ms: int) -> EpochMs:
    """`ms` after T."""
    return EpochMs(T + ms)


def transition(subject: str = DEVICE, ms: int = 0, after: Health = Health.DOWN) -> Transition:
    return Transition(
        subject=subject,
        axis=Axis.HEALTH,
        before=Health.UP,
        after=after,
        cause=Cause.UNREACHABLE,
        reason=Reason.MISSES,
        t_lo=at(ms - 60_000),
        t_hi=at(ms),
        recorded_at=at(ms + 5),
        evidence="poll",
    )


def current(device: str = DEVICE, health: Health = Health.DOWN) -> CurrentRow:
    return CurrentRow(
        device=DeviceCode(device),
        assessment=Assessment(health, Protection.EXPOSED, Cause.BYPASS, security_alarm=True),
        health_since=at(0),
        protection_since=at(1),
        seen_at=EpochMs(0),
        flags=frozenset({Flag.SECURITY_ALARM, Flag.IMPACTED, Flag.FLAPPING}),
        latched=frozenset({(Signal.CRYPTO_TAMPER, ""), (Signal.CRYPTO_SELFTEST, "card 1")}),
    )


def pair(state: PairState = PairState.SWITCHED) -> PairRow:
    return PairRow(GROUP, state, at(2))


def incident(number: int = 1, *, subject: str = DEVICE, ms: int = 0) -> Incident:
    return Incident(
        id=IncidentId(number),
        rule=RuleId("channel-down"),
        subject_kind=SubjectKind.DEVICE,
        subject=subject,
        bloc=Bloc.PARTY,
        severity=Severity.P1,
        state=IncidentState.OPEN,
        t0=at(ms),
        opened_at=at(ms + 10),
        caused_at=at(ms + 3),
        cause=Cause.UNREACHABLE,
        impacted=("51-D-21549-1", "51-D-21550-1"),
        round_at=at(ms + 10),
        ladder=1,
    )


def step(number: int = 1, kind: StepKind = StepKind.OPENED, ms: int = 10) -> IncidentStep:
    return IncidentStep(IncidentId(number), kind, at(ms), "system", "rule", "channel-down")


def outbox_row(
    number: int = 1,
    key: str = "1:opened:0:watch",
    *,
    destination: str = "duty",
    ms: int = 10,
    chain: str = "",
) -> OutboxRow:
    page = Page(
        incident=IncidentId(number),
        kind=PageKind.OPENED,
        contact=ContactCode("watch-party"),
        channel="webhook",
        destination=destination,
        key=key,
        not_before=at(ms),
        step=2,
        chain=chain,
    )
    alert = Alert(
        key=key,
        incident=number,
        number=f"SC-{number:06d}",
        kind=PageKind.OPENED,
        severity=Severity.P1,
        rule="channel-down",
        subject_kind=SubjectKind.DEVICE,
        subject=DEVICE,
        unit="Lý Sơn",
        bloc=Bloc.PARTY,
        cause=Cause.UNREACHABLE,
        title={"vi": "Mất kênh mã", "en": "Channel down"},
        runbook="runbooks/channel-down.md",
        t0=at(0),
        caused_at=at(3),
        created_at=at(ms),
        impacted=2,
        step=2,
    )
    return OutboxRow(page, alert)


def event(device: str = DEVICE, ms: int = 0, text: str = "Nguồn điện dự phòng") -> EventReceived:
    return EventReceived(
        device=DeviceCode(device),
        kind=EventKind.POWER,
        transport=Transport.TRAP,
        received_at=at(ms),
        trusted=True,
        severity=4,
        device_time=at(ms - 700),
        component="psu 1",
        text=text,
        source="trap:1.3.6.1.4.1.99999.1.0.1",
    )


def rogue(address: str = "192.0.2.66", count: int = 3, ms: int = 0) -> RogueSource:
    return RogueSource(address, Transport.SYSLOG_UDP, at(ms), count, "<34>su: failed")


def effects(first_seq: int = 1, **parts: object) -> Effects:
    """A batch of the examples' log."""
    return Effects(LOG, first_seq, **parts)  # type: ignore[arg-type]


def full_batch(first_seq: int = 1) -> Effects:
    """A batch with one or more of everything."""
    return effects(
        first_seq,
        transitions=(transition(), transition(GROUP, ms=7, after=Health.UNKNOWN)),
        current=(current(),),
        pairs=(pair(),),
        incidents=(incident(),),
        steps=(step(), step(kind=StepKind.PAGED, ms=11)),
        outbox=(outbox_row(), outbox_row(key="1:opened:0:chief", destination="chief")),
        events=(event(), event(ms=1, text="")),
        rogues=(rogue(),),
    )


def inventory(*devices: Device) -> Inventory:
    """A small province, with one more device for each of `devices`."""
    return Inventory(
        province=Province("51", "Quảng Ngãi"),
        owners=(Owner("own-party", "Văn phòng Tỉnh ủy", "Chánh Văn phòng"),),
        units=(
            Unit(UnitCode("21548"), UnitKind.COMMUNE, "Lý Sơn", CommuneKind.DAC_KHU),
            Unit(UnitCode("D-T0001"), UnitKind.PROVINCE_OFFICE, "Văn phòng Tỉnh ủy"),
        ),
        sites=(Site(SiteCode("51-D-T0001"), UnitCode("D-T0001"), Bloc.PARTY, "own-party", ups=True),),
        ha_groups=(HaGroup(GROUP, "Cụm HA"),),
        devices=(device(), *devices),
        channels=(Channel(ChannelCode("51-D-21548"), DEVICE, GROUP, "TSLCD-51-21548"),),
        contacts=(
            Contact(
                ContactCode("watch-party"), Role.WATCH, "Trực giám sát", (Bloc.PARTY,), ("webhook:duty",)
            ),
        ),
    )


def device(code: str = DEVICE) -> Device:
    return Device(
        code=DeviceCode(code),
        site=SiteCode("51-D-T0001"),
        address="127.11.0.1",
        credential="encryptors",
        port=10161,
        level=4,
        level_decision="45/QĐ",
        life_cycle=LifeCycle.IN_SERVICE,
        inspection=Document("12/BBKT", datetime.date(2026, 6, 30)),
        handover=Document("12/BBBG", datetime.date(2026, 7, 5)),
        ha_group=GROUP,
        ha_member="A",
        poll_s=30,
        expected_peers=("51-D-21548-1",),
        certificate="0a" * 32,
    )
