from __future__ import annotations

import pytest
from channelwatch_simulator.device import (
    BatteryStatus,
    CryptoMode,
    HaRole,
    PowerSource,
    Tunnel,
    TunnelState,
    flow,
)
from channelwatch_simulator.mib import build_view
from channelwatch_simulator.notices import Notice
from channelwatch_simulator.province import Preset, build_province
from channelwatch_simulator.story import MONTH_MS, Act, Cause, Event
from channelwatch_simulator.world import World
from hypothesis import given
from hypothesis import strategies as st

NOW = 1_000_000
SPOKE, HUB_A, HUB_B = "51-D-21548-1", "51-D-T0001-A", "51-D-T0001-B"
CHANNEL = "51-D-21548"


@pytest.fixture
def world() -> World:
    return World(build_province(Preset.DEMO, 1), 1, now=NOW)


def told(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(notice.device.code, notice.kind.value) for notice in notices]


def do(
    world: World, act: Act, *codes: str, cause: Cause | None = None, now: int = NOW
) -> list[tuple[str, str]]:
    return told(world.apply(Event(0, act, codes, cause), now))


def tunnel(world: World, code: str, name: str = CHANNEL) -> Tunnel:
    return next(tunnel for tunnel in world.devices[code].tunnels if tunnel.name == name)


def test_at_first_everything_is_well(world: World) -> None:
    for device in world.devices.values():
        assert device.tunnels
        assert all(tunnel.up for tunnel in device.tunnels)
        assert device.mode is CryptoMode.ENCRYPTING
    assert world.devices[HUB_A].role is HaRole.ACTIVE
    assert world.devices[HUB_B].role is HaRole.STANDBY
    assert len(world.devices[HUB_A].tunnels) == 15


def test_a_commune_that_is_cut_off_is_told_by_its_hub_alone(world: World) -> None:
    assert do(world, Act.OUTAGE, SPOKE, cause=Cause.CARRIER) == [(HUB_A, "tunnel-down")]
    assert world.devices[SPOKE].silent
    assert tunnel(world, HUB_B).state(NOW) is TunnelState.DOWN
    assert do(world, Act.RETURN, SPOKE, cause=Cause.CARRIER) == [(SPOKE, "tunnel-up"), (HUB_A, "tunnel-up")]


def test_a_hung_agent_leaves_its_tunnels_up(world: World) -> None:
    assert do(world, Act.OUTAGE, SPOKE, cause=Cause.AGENT) == []
    assert world.devices[SPOKE].silent
    assert tunnel(world, HUB_A).state(NOW) is TunnelState.UP


def test_after_a_power_cut_a_device_starts_anew(world: World) -> None:
    boots = world.devices[SPOKE].boots
    do(world, Act.OUTAGE, SPOKE, cause=Cause.POWER)
    notices = do(world, Act.RETURN, SPOKE, cause=Cause.POWER, now=NOW + 60_000)
    assert notices[:2] == [(SPOKE, "cold-start"), (SPOKE, "self-test")]
    assert world.devices[SPOKE].boots == boots + 1
    assert world.devices[SPOKE].uptime_ms(NOW + 61_000) == 1_000
    assert tunnel(world, SPOKE).octets(NOW + 60_000) == (0, 0)


def test_two_causes_of_silence_must_both_end(world: World) -> None:
    do(world, Act.OUTAGE, SPOKE, cause=Cause.CARRIER)
    do(world, Act.OUTAGE, SPOKE, cause=Cause.POWER)
    assert do(world, Act.RETURN, SPOKE, cause=Cause.CARRIER) == []
    assert world.devices[SPOKE].silent
    assert tunnel(world, HUB_A).state(NOW) is TunnelState.DOWN


def test_an_outage_that_never_began_cannot_end(world: World) -> None:
    with pytest.raises(AssertionError, match="never began"):
        do(world, Act.RETURN, SPOKE, cause=Cause.CARRIER)


def test_a_lost_hub_takes_every_channel_down(world: World) -> None:
    notices = do(world, Act.OUTAGE, HUB_A, HUB_B, cause=Cause.POWER)
    assert len(notices) == 14
    assert {kind for _, kind in notices} == {"tunnel-down"}
    assert all(code[3] == "D" and code not in (HUB_A, HUB_B) for code, _ in notices)
    back = do(world, Act.RETURN, HUB_A, HUB_B, cause=Cause.POWER)
    assert [kind for _, kind in back].count("tunnel-up") == 28
    roles = {world.devices[code].role for code in (HUB_A, HUB_B)}
    assert roles == {HaRole.ACTIVE, HaRole.STANDBY}


def test_the_standby_takes_over_when_the_active_member_dies(world: World) -> None:
    assert do(world, Act.OUTAGE, HUB_A, cause=Cause.POWER) == [(HUB_B, "ha-switch")]
    assert world.devices[HUB_B].role is HaRole.ACTIVE
    assert not world.devices[HUB_B].peer_seen
    assert tunnel(world, SPOKE).state(NOW) is TunnelState.UP
    back = do(world, Act.RETURN, HUB_A, cause=Cause.POWER)
    assert (HUB_A, "ha-switch") not in back
    assert world.devices[HUB_A].role is HaRole.STANDBY
    assert world.devices[HUB_B].peer_seen


def test_the_loss_of_the_standby_only_costs_redundancy(world: World) -> None:
    assert do(world, Act.OUTAGE, HUB_B, cause=Cause.POWER) == []
    assert world.devices[HUB_A].role is HaRole.ACTIVE
    assert not world.devices[HUB_A].peer_seen


def test_a_switch_swaps_both_roles(world: World) -> None:
    assert do(world, Act.HA_SWITCH, HUB_A) == [(HUB_A, "ha-switch"), (HUB_B, "ha-switch")]
    assert (world.devices[HUB_A].role, world.devices[HUB_B].role) == (HaRole.STANDBY, HaRole.ACTIVE)
    assert world.devices[HUB_A].counters.switchovers == 1
    assert do(world, Act.OUTAGE, SPOKE, cause=Cause.CARRIER) == [(HUB_B, "tunnel-down")]


def test_no_switch_while_a_member_is_dead(world: World) -> None:
    do(world, Act.OUTAGE, HUB_B, cause=Cause.POWER)
    assert do(world, Act.HA_SWITCH, HUB_A) == []
    assert world.devices[HUB_A].role is HaRole.ACTIVE


def test_only_the_active_member_counts_traffic(world: World) -> None:
    before = tunnel(world, HUB_A).octets(NOW), tunnel(world, HUB_B).octets(NOW)
    do(world, Act.HA_SWITCH, HUB_A)
    later = NOW + 60_000
    assert tunnel(world, HUB_A).octets(later) == before[0]
    assert tunnel(world, HUB_B).octets(later) > before[1]


def test_a_bad_line_is_told_by_both_ends(world: World) -> None:
    assert do(world, Act.LINE_DOWN, SPOKE) == [
        (SPOKE, "link-down"), (SPOKE, "tunnel-down"), (HUB_A, "tunnel-down"),
    ]  # fmt: skip
    assert not world.devices[SPOKE].silent
    assert do(world, Act.LINE_UP, SPOKE)[0] == (SPOKE, "link-up")


def test_a_failed_key_exchange_takes_the_tunnel_down(world: World) -> None:
    assert do(world, Act.TUNNEL_DOWN, SPOKE) == [
        (SPOKE, "ike-fail"), (SPOKE, "tunnel-down"), (HUB_A, "tunnel-down"),
    ]  # fmt: skip
    assert world.devices[SPOKE].counters.key_exchange_failures == 1


def test_bypass_keeps_the_channel_up(world: World) -> None:
    assert do(world, Act.BYPASS_ON, SPOKE) == [(SPOKE, "bypass-on")]
    assert world.devices[SPOKE].mode is CryptoMode.BYPASS_PLAINTEXT
    assert tunnel(world, SPOKE).state(NOW) is TunnelState.UP
    assert do(world, Act.BYPASS_OFF, SPOKE) == [(SPOKE, "bypass-off")]
    assert world.devices[SPOKE].mode is CryptoMode.ENCRYPTING


def test_tamper_is_latched_until_it_is_reset(world: World) -> None:
    assert do(world, Act.TAMPER, SPOKE) == [(SPOKE, "tamper")]
    do(world, Act.OUTAGE, SPOKE, cause=Cause.POWER)
    do(world, Act.RETURN, SPOKE, cause=Cause.POWER)
    assert world.devices[SPOKE].tamper.name == "DETECTED"
    assert do(world, Act.TAMPER_RESET, SPOKE) == [(SPOKE, "tamper-clear")]


def test_the_battery_runs_down_and_the_mains_come_back(world: World) -> None:
    hub = world.devices[HUB_A]
    do(world, Act.POWER_BATTERY, HUB_A)
    assert hub.power_source is PowerSource.BATTERY
    assert hub.charge(NOW + 10 * 60_000) == 90
    assert hub.battery_status(NOW + 85 * 60_000) is BatteryStatus.LOW
    assert hub.charge(NOW + MONTH_MS) == 5
    do(world, Act.POWER_MAINS, HUB_A)
    assert (hub.power_source, hub.charge(NOW)) == (PowerSource.MAINS, 100)


def test_a_certificate_runs_out_and_is_replaced(world: World) -> None:
    assert do(world, Act.KEY_EXPIRY, SPOKE) == [(SPOKE, "cert-expiry")]
    device = world.devices[SPOKE]
    assert device.days_left(device.credentials[1], NOW) == 14
    assert do(world, Act.KEY_CHANGE, SPOKE) == [(SPOKE, "key-change")]
    assert device.days_left(device.credentials[1], NOW) == 365
    assert device.age_days(device.credentials[1], NOW) == 0


def test_devices_out_of_service_have_no_tunnel_up() -> None:
    province = build_province(Preset.FULL, 1)
    world = World(province, 1)
    for entry in province.inventory.devices:
        if entry.in_service or entry.code not in world.devices:
            continue
        assert [tunnel.state(0) for tunnel in world.devices[entry.code].tunnels] == [TunnelState.DISABLED]
    withdrawn = [entry.code for entry in province.inventory.devices if entry.life_cycle == "withdrawn"]
    assert withdrawn
    assert not set(withdrawn) & set(world.devices)


@given(st.lists(st.integers(1, 10**8), min_size=2, max_size=20), st.floats(0, 6), st.floats(1, 10**6))
def test_traffic_never_flows_back(times: list[int], phase: float, rate: float) -> None:
    ordered = sorted(times)
    counts = [flow(rate, phase, 0, at) for at in ordered]
    assert counts == sorted(counts)
    assert counts[0] >= 0


def test_a_security_association_is_replaced_before_its_end(world: World) -> None:
    one = tunnel(world, SPOKE)
    ages = [one.sa_age_s(NOW + second * 1000) for second in range(0, 8000, 7)]
    assert max(ages) < 3600
    assert one.rekeys(NOW + 8_000_000) - one.rekeys(NOW) in (2, 3)
    assert TunnelState.REKEYING in {one.state(NOW + second * 1000) for second in range(3300)}
    before = one.rekeys(NOW)
    one.rekey(NOW)
    assert (one.rekeys(NOW), one.sa_age_s(NOW + 5_000)) == (before + 1, 5)


def test_a_walk_of_a_hub_is_ordered_and_complete(world: World) -> None:
    view = build_view(world.devices[HUB_A], 0)
    assert list(view.names) == sorted(view.names)
    assert len(view) > 250
