"""What the engine counts of itself: lease, blind time, lags, and what people take how long for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channelwatch.app.running.meters import Meters, blind_devices, oncall_filled
from channelwatch.base.clock import EpochMs, ManualClock
from channelwatch.base.ids import DeviceCode, IncidentId, LogId, RuleId
from channelwatch.base.queue import BoundedQueue
from channelwatch.incidents.model import (
    Incident,
    IncidentState,
    IncidentStep,
    Severity,
    StepKind,
    SubjectKind,
)
from channelwatch.incidents.oncall import Gap, Roster, Team
from channelwatch.incidents.rules import RuleBook
from channelwatch.inventory.model import Bloc, Role
from channelwatch.pipeline.ports import Effects
from channelwatch.status.device import DeviceState
from channelwatch.status.events import CollectorAlive, MissCause, PollMissed
from channelwatch.status.states import Assessment, Cause, Health, Protection
from tests.support.province import small_world, spoke

NOW = EpochMs(1_790_000_000_000)


def value(meters: Meters, name: str, **labels: str) -> float | None:
    return meters.registry.get_sample_value(f"channelwatch_{name}", labels)


def test_the_lease_is_told_with_its_age() -> None:
    meters, clock, world = Meters("i"), ManualClock(NOW), small_world(RuleBook(()))
    meters.watch(world, BoundedQueue[int](1), clock, NOW, list)
    assert value(meters, "lease_renewed_age_seconds") == 0
    meters.leased(3, held=True, at_ms=clock.monotonic_ms())
    clock.advance(2_500)
    assert (value(meters, "lease_held"), value(meters, "lease_epoch")) == (1, 3)
    assert value(meters, "lease_renewed_age_seconds") == 2.5
    meters.leased(3, held=False, at_ms=clock.monotonic_ms())
    assert value(meters, "lease_held") == 0
    assert value(meters, "lease_renewed_age_seconds") == 2.5


def test_blind_time_is_added_up_over_the_devices_in_service() -> None:
    meters, world = Meters("i"), small_world(RuleBook(()))
    every = len([device for device in world.inventory.devices if device.in_service])
    assert blind_devices(world) == {Bloc.PARTY: every}
    seen = DeviceState(spoke(1), Assessment(Health.UP, Protection.SECURED, Cause.NONE))
    world.put_device(seen)
    meters.looked(world, 1_000)
    assert value(meters, "device_blind_seconds_total", bloc="party") == 0
    meters.looked(world, 3_000)
    assert value(meters, "device_blind_seconds_total", bloc="party") == 2 * (every - 1)


def test_the_lag_of_a_commit_counts_from_the_oldest_observation_and_heartbeats_have_none() -> None:
    meters = Meters("i")
    alive = CollectorAlive("col-1", NOW, NOW, 0)
    missed = PollMissed(DeviceCode("d"), EpochMs(NOW - 9_000), EpochMs(NOW - 2_000), MissCause.NO_ANSWER)
    meters.ingested([alive], NOW)
    assert value(meters, "commit_lag_seconds_count") == 0
    meters.ingested([alive, missed, replace(missed, received_at=NOW)], NOW)
    assert (value(meters, "commit_lag_seconds_count"), value(meters, "commit_lag_seconds_sum")) == (1, 2.0)


def effects(kind: StepKind, after_s: int) -> Effects:
    incident = Incident(
        IncidentId(1), RuleId("device-down"), SubjectKind.DEVICE, "d", Bloc.PARTY, Severity.P3,
        IncidentState.ACKED, NOW, NOW, NOW,
    )  # fmt: skip
    step = IncidentStep(incident.id, kind, EpochMs(NOW + after_s * 1000), "truc", "api")
    return Effects(LogId("col-1"), 1, incidents=(incident,), steps=(step,))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (StepKind.ACKED, "incident_acknowledge_seconds_sum"),
        (StepKind.RESTORED, "incident_restore_seconds_sum"),
        (StepKind.OPENED, "incidents_opened_total"),
        (StepKind.REOPENED, "incidents_opened_total"),
    ],
)
def test_the_steps_of_incidents_are_counted_and_timed(kind: StepKind, name: str) -> None:
    meters = Meters("i")
    assert value(meters, name, severity="p3") == 0
    meters.adopted(effects(kind, 90))
    assert value(meters, name, severity="p3") == (90 if name.endswith("_sum") else 1)
    assert value(meters, name, severity="p1") == 0


def test_every_result_has_a_figure_from_the_start_and_none_tells_when_it_was_made() -> None:
    meters = Meters("i")
    names = {sample.name for family in meters.registry.collect() for sample in family.samples}
    assert "channelwatch_observations_set_aside_total" in names
    assert [name for name in names if name.endswith("_created")] == []


def test_a_team_with_a_gap_now_is_not_filled() -> None:
    world = small_world(RuleBook(()))
    assert oncall_filled(world, NOW) == {}
    world.roster = Roster(teams=tuple(Team(code, code, Role.WATCH, ()) for code in ("a", "b")))
    world.duty_gaps = (
        Gap("a", EpochMs(NOW - 1), EpochMs(NOW + 1)),
        Gap("b", EpochMs(NOW + 1), EpochMs(NOW + 2)),
    )
    assert oncall_filled(world, NOW) == {(): 0.5}
