"""All devices together: story events change them, and what one change means for the others follows here.

A channel is up while its spoke is not cut off and a member of its hub is alive; an HA group has one active
member while one is alive. Both rules are applied after every event, so a story only names causes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from channelwatch.inventory.model import Channel, Inventory, LifeCycle
from channelwatch.inventory.model import Device as Entry
from channelwatch_simulator.device import (
    CryptoMode,
    Device,
    HaRole,
    Tamper,
    Tunnel,
    fresh_credentials,
    fresh_habits,
)
from channelwatch_simulator.notices import (
    Notice,
    NoticeKind,
    credential_notice,
    expiry_notice,
    label,
    tunnel_notice,
)
from channelwatch_simulator.province import SimulatedProvince
from channelwatch_simulator.story import Act, Cause, Event

_DAY_MS = 86_400_000
_EXPIRY_DAYS = 14


class World:
    """The devices of a province by code, driven by `apply`."""

    def __init__(self, province: SimulatedProvince, seed: int, *, now: int = 0, boots: int = 1) -> None:
        inventory = province.inventory
        self.devices: dict[str, Device] = {
            entry.code: _device(entry, inventory, seed, now, boots)
            for entry in inventory.devices
            if entry.life_cycle is not LifeCycle.WITHDRAWN
        }
        self._hub: dict[str, tuple[Device, ...]] = _hubs(inventory, self.devices)
        self._channels: dict[str, Channel] = {
            channel.spoke: channel for channel in inventory.channels if channel.spoke in self.devices
        }
        self._tunnel: dict[tuple[str, str], Tunnel] = {}
        self._below: dict[str, list[Channel]] = {}
        for channel in self._channels.values():
            self._below.setdefault(channel.hub, []).append(channel)
        life_cycle = {entry.code: entry.life_cycle for entry in inventory.devices}
        for channel in (*self._channels.values(), *province.uplinks):
            self._lay(channel, life_cycle.get(channel.spoke, LifeCycle.IN_SERVICE), seed)

    def apply(self, event: Event, now: int) -> list[Notice]:
        """Change the world by `event`; what the devices tell about it, oldest first. Silent ones tell nothing.

        KeyError for a device that is not simulated.
        """
        struck = [self.devices[code] for code in event.devices]
        notices = [notice for device in struck for notice in self._own(device, event, now)]
        for group in dict.fromkeys(device.group for device in struck if device.paired):
            notices += self._settle_group(self._hub[group], now)
        touched = dict.fromkeys(code for device in struck for code in self._spokes_of(device))
        for spoke in touched:
            notices += self._settle_channel(self._channels[spoke], _reason(event), now)
        return [notice for notice in notices if not notice.device.silent]

    def _lay(self, channel: Channel, life_cycle: LifeCycle, seed: int) -> None:
        """The tunnel of `channel` in the tables of both ends."""
        rng = random.Random(f"traffic {seed} {channel.code}")
        rate = rng.lognormvariate(10.5, 0.8)
        phase = rng.uniform(0, 6)
        disabled = life_cycle is not LifeCycle.IN_SERVICE
        for device in self._hub[channel.hub]:
            self._add_tunnel(device, channel, channel.spoke, rate, phase).disabled = disabled
        spoke = self.devices.get(channel.spoke)
        if spoke is not None:
            self._add_tunnel(spoke, channel, channel.hub, rate, phase).disabled = disabled

    def _add_tunnel(self, device: Device, channel: Channel, remote: str, rate: float, phase: float) -> Tunnel:
        index = len(device.tunnels) + 1
        tunnel = Tunnel(
            index,
            channel.code,
            remote,
            rate,
            phase,
            since=device.booted_at,
            sa_since=device.booted_at + int(phase * 300_000),
            carries=device.role is not HaRole.STANDBY,
        )
        device.tunnels.append(tunnel)
        self._tunnel[device.code, channel.code] = tunnel
        return tunnel

    # what an event does to its own device

    def _own(self, device: Device, event: Event, now: int) -> Iterator[Notice]:
        match event.act:
            case Act.OUTAGE | Act.RETURN:
                yield from _outage(device, event, now)
            case Act.LINE_DOWN | Act.LINE_UP:
                yield from _line(device, event.act is Act.LINE_DOWN, now)
            case Act.TUNNEL_DOWN | Act.TUNNEL_UP:
                device.tunnels_held_down += 1 if event.act is Act.TUNNEL_DOWN else -1
                if event.act is Act.TUNNEL_DOWN and device.tunnels:
                    device.counters.key_exchange_failures += 1
                    yield tunnel_notice(NoticeKind.IKE_FAIL, device, 1, now, "no answer from peer")
            case Act.HA_SWITCH:
                yield from self._switch(device, now)
            case Act.BYPASS_ON | Act.BYPASS_OFF:
                device.mode = (
                    CryptoMode.BYPASS_PLAINTEXT if event.act is Act.BYPASS_ON else CryptoMode.ENCRYPTING
                )
                kind = NoticeKind.BYPASS_ON if event.act is Act.BYPASS_ON else NoticeKind.BYPASS_OFF
                yield Notice(kind, device, account="crypto-officer", fields={"mode": label(device.mode)})
            case Act.TAMPER | Act.TAMPER_RESET:
                device.tamper = Tamper.DETECTED if event.act is Act.TAMPER else Tamper.CLEAR
                kind = NoticeKind.TAMPER if event.act is Act.TAMPER else NoticeKind.TAMPER_CLEAR
                yield Notice(kind, device, fields={"state": label(device.tamper)})
            case _:
                yield from _upkeep(device, event, now)

    def _switch(self, device: Device, now: int) -> Iterator[Notice]:
        """Both members of the group of `device` change their roles, if both are alive."""
        group = self._hub[device.group] if device.paired else ()
        if len(group) != 2 or any(member.silent for member in group):
            return
        standby, active = sorted(group, key=lambda member: member.role, reverse=True)
        yield _set_role(active, HaRole.STANDBY, now)
        yield _set_role(standby, HaRole.ACTIVE, now)

    # what follows for others

    def _settle_group(self, group: tuple[Device, ...], now: int) -> list[Notice]:
        """One active member while one is alive; each sees the other only while both are."""
        alive = [member for member in group if not member.cut]
        for member in group:
            member.peer_seen = len(alive) == len(group)
            if member.cut and alive and member.role is HaRole.ACTIVE:
                _set_role(member, HaRole.STANDBY, now)  # how it will find itself when it is back
        notices: list[Notice] = []
        active = [member for member in alive if member.role is HaRole.ACTIVE]
        if alive and not active:
            notices.append(_set_role(alive[0], HaRole.ACTIVE, now))
        for member in active[1:]:
            notices.append(_set_role(member, HaRole.STANDBY, now))
        return notices

    def _spokes_of(self, device: Device) -> list[str]:
        """The spokes whose channels end at `device`, at either end."""
        if device.code in self._channels:
            return [device.code]
        return [channel.spoke for channel in self._below.get(device.group or device.code, [])]

    def _settle_channel(self, channel: Channel, reason: str, now: int) -> Iterator[Notice]:
        spoke, hub = self.devices[channel.spoke], self._hub[channel.hub]
        hub_alive = any(not (member.cut or member.line_down) for member in hub)
        up = hub_alive and not (spoke.cut or spoke.line_down or spoke.tunnels_held_down)
        kind = NoticeKind.TUNNEL_UP if up else NoticeKind.TUNNEL_DOWN
        for device in (spoke, *hub):
            tunnel = self._tunnel[device.code, channel.code]
            if tunnel.up == up or tunnel.disabled:
                continue
            tunnel.change(now, up=up, carries=tunnel.carries)
            if device.role is not HaRole.STANDBY:
                yield tunnel_notice(kind, device, tunnel.index, now, "" if up else reason)


def _device(entry: Entry, inventory: Inventory, seed: int, now: int, boots: int) -> Device:
    rng = random.Random(f"device {seed} {entry.code}")
    booted_at = now - int(rng.uniform(1, 200) * _DAY_MS)
    hub = "-T0001-" in entry.code
    role = HaRole.STANDALONE
    if entry.ha_group is not None:
        role = HaRole.ACTIVE if entry.ha_member == "A" else HaRole.STANDBY
    return Device(
        code=entry.code,
        site=entry.site,
        serial=f"RE{rng.randrange(10**8):08}",
        group=entry.ha_group or "",
        role=role,
        ups=inventory.site[entry.site].ups,
        psus=2 if hub else 1,
        booted_at=booted_at,
        line_changed_at=booted_at,
        boots=boots + rng.randint(0, 20),
        habits=fresh_habits(rng, hub=hub),
        credentials=fresh_credentials(rng),
    )


def _hubs(inventory: Inventory, devices: dict[str, Device]) -> dict[str, tuple[Device, ...]]:
    """What channels end at: the members of each HA group, and every single device."""
    hubs: dict[str, tuple[Device, ...]] = {code: (device,) for code, device in devices.items()}
    hubs.update({group: tuple(devices[code] for code in codes) for group, codes in inventory.members.items()})
    return hubs


def _outage(device: Device, event: Event, now: int) -> Iterator[Notice]:
    step = 1 if event.act is Act.OUTAGE else -1
    device.silent += step
    if event.cause is not Cause.AGENT:
        device.cut += step
    assert device.silent >= 0 and device.cut >= 0, "an outage ended that never began"
    if event.act is Act.RETURN and event.cause is Cause.POWER:
        device.restart(now)
        yield Notice(NoticeKind.COLD_START, device, fields={"boots": str(device.boots)})
        yield Notice(NoticeKind.SELF_TEST, device, fields={"result": label(device.self_test)})


def _line(device: Device, down: bool, now: int) -> Iterator[Notice]:
    before = device.line_down > 0
    device.line_down += 1 if down else -1
    if (device.line_down > 0) != before:
        device.line_changed_at = now
        yield Notice(NoticeKind.LINK_DOWN if down else NoticeKind.LINK_UP, device, fields={"port": "wan"})


def _upkeep(device: Device, event: Event, now: int) -> Iterator[Notice]:
    """Events that concern nobody but their device."""
    counters = device.counters
    match event.act:
        case Act.POWER_BATTERY | Act.POWER_MAINS:
            device.on_battery_since = now if event.act is Act.POWER_BATTERY else None
            yield Notice(NoticeKind.POWER, device, fields=_power(device, now))
        case Act.HOT | Act.COOL:
            device.hot = event.act is Act.HOT
            fields = {
                "sensor": "board",
                "value": str(device.temperature(now) // 10),
                "status": label(device.temperature_status),
            }
            yield Notice(NoticeKind.TEMPERATURE, device, 1, fields=fields)
        case Act.KEY_EXPIRY | Act.KEY_CHANGE:
            yield from _credential(device, event.act is Act.KEY_EXPIRY, now)
        case Act.REKEY:
            if device.tunnels and device.tunnels[0].up:
                device.tunnels[0].rekey(now)
                yield tunnel_notice(NoticeKind.REKEY, device, 1, now)
        case Act.LOGIN_OK:
            counters.logins += 1
            yield Notice(NoticeKind.LOGIN_OK, device, account="operator", fields={"source": "console"})
        case Act.LOGIN_FAIL:
            counters.login_failures += 1
            yield Notice(NoticeKind.LOGIN_FAIL, device, account="operator", fields={"source": "console"})
        case Act.CONFIG_CHANGE:
            counters.config_changes += 1
            yield Notice(NoticeKind.CONFIG_CHANGE, device, account="operator")
        case _:
            raise AssertionError(f"unhandled act {event.act}")


def _credential(device: Device, expiring: bool, now: int) -> Iterator[Notice]:
    index = 2
    credential = device.credentials[index - 1]
    today = now // _DAY_MS
    credential.days_left = today + (_EXPIRY_DAYS if expiring else 365)
    if not expiring:
        credential.age_days = -today
        yield credential_notice(NoticeKind.KEY_CHANGE, device, index, now)
    else:
        yield expiry_notice(device, index, now)


def _power(device: Device, now: int) -> dict[str, str]:
    return {
        "source": label(device.power_source),
        "battery": label(device.battery_status(now)),
        "charge": str(device.charge(now)),
    }


def _set_role(device: Device, role: HaRole, now: int) -> Notice:
    device.role = role
    device.counters.switchovers += 1
    _carry(device, now)
    return Notice(NoticeKind.HA_SWITCH, device, fields={"group": device.group, "role": label(role)})


def _carry(device: Device, now: int) -> None:
    for tunnel in device.tunnels:
        tunnel.change(now, up=tunnel.up, carries=device.role is not HaRole.STANDBY)


def _reason(event: Event) -> str:
    match event.cause:
        case Cause.POWER | Cause.CARRIER | Cause.AGENT:
            return "peer is dead"
        case None:
            return "line is down" if event.act is Act.LINE_DOWN else "key exchange failed"
