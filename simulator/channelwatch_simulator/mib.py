"""What a simulated encryptor shows over SNMP: its own MIB and the standard objects beside it.

The arcs of CHANNELWATCH-REFERENCE-ENCRYPTOR-MIB stand here a second time; a test compares both with net-snmp's
reading of the file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias, TypeVar

from channelwatch_simulator import ber
from channelwatch_simulator.agent import Getter, View
from channelwatch_simulator.ber import Oid
from channelwatch_simulator.device import (
    SA_LIFETIME_S,
    Credential,
    Device,
    HaRole,
    Tunnel,
    TunnelState,
)

ROOT: Oid = (1, 3, 6, 1, 4, 1, 99999, 1)
NOTIFICATIONS: Oid = (*ROOT, 0)
OBJECTS: Oid = (*ROOT, 1)
REFERENCE_ENCRYPTOR: Oid = (*ROOT, 3, 1)
MODEL = "RE-100"
FIRMWARE = "2.4.1"
WALL_ZONE = timezone(timedelta(hours=7))

_SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
_IF: Oid = (1, 3, 6, 1, 2, 1, 2)
_IFX: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
_HR_SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 25, 1)
_ENGINE: Oid = (1, 3, 6, 1, 6, 3, 10, 2, 1)
_PORT_BITS_PER_S = 100_000_000
_IF_UP, _IF_DOWN = 1, 2
_ETHERNET = 6
PORTS = ("lan", "wan")
"""ifIndex 1 is the side of the users, ifIndex 2 the clear circuit."""
WAN_INDEX = 2

_Row = TypeVar("_Row")
_Scalar: TypeAlias = Callable[[Device, int], bytes]
_Column: TypeAlias = Callable[[Device, _Row, int], bytes]


def enum(value: int) -> bytes:
    """An enumerated INTEGER."""
    return ber.integer(int(value))


def truth(value: bool) -> bytes:
    """TruthValue: true(1), false(2)."""
    return ber.integer(1 if value else 2)


def date_and_time(wall_ms: int) -> bytes:
    """DateAndTime (RFC 2579) of 11 octets at UTC+7."""
    at = datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone(WALL_ZONE)
    return ber.octets(
        at.year.to_bytes(2, "big")
        + bytes((at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 100_000))
        + b"+\x07\x00"
    )


SCALARS: dict[str, tuple[Oid, _Scalar]] = {
    "cweSerialNumber": ((1, 1), lambda d, _: ber.text(d.serial)),
    "cweModel": ((1, 2), lambda _d, _: ber.text(MODEL)),
    "cweFirmware": ((1, 3), lambda _d, _: ber.text(FIRMWARE)),
    "cweHardwareRevision": ((1, 4), lambda _d, _: ber.text("B2")),
    "cweCryptoMode": ((2, 1), lambda d, _: enum(d.mode)),
    "cweSelfTest": ((2, 2), lambda d, _: enum(d.self_test)),
    "cweTamper": ((2, 4), lambda d, _: enum(d.tamper)),
    "cweAlgorithm": ((2, 5), lambda _d, _: ber.text("AES-256-GCM")),
    "cweModuleState": ((2, 6), lambda _d, _: enum(1)),
    "cweModuleBattery": ((2, 7), lambda d, _: ber.gauge32(3000 + round(20 * d.habits.phase))),
    "cweAuthFailures": ((2, 8), lambda d, now: ber.counter64(d.strays(now, 0.2))),
    "cweDecryptFailures": ((2, 9), lambda _d, _: ber.counter64(0)),
    "cweReplayDrops": ((2, 10), lambda d, now: ber.counter64(d.strays(now, 0.8))),
    "cweNoSaDrops": ((2, 11), lambda _d, _: ber.counter64(0)),
    "cweEncryptFailures": ((2, 12), lambda _d, _: ber.counter64(0)),
    "cweKeyExchangeFailures": ((2, 13), lambda d, _: ber.counter32(d.counters.key_exchange_failures)),
    "cweTunnelConfigured": ((4, 1), lambda d, _: ber.gauge32(len(d.tunnels))),
    "cweTunnelUpCount": ((4, 2), lambda d, now: ber.gauge32(_up_count(d, now))),
    "cweHaRole": ((5, 1), lambda d, _: enum(d.role)),
    "cweHaGroup": ((5, 2), lambda d, _: ber.text(d.group)),
    "cweHaPeerSeen": ((5, 3), lambda d, _: truth(d.paired and d.peer_seen)),
    "cweHaSync": ((5, 4), lambda d, _: enum(_pair_state(d))),
    "cweHaLink": ((5, 5), lambda d, _: enum(_pair_state(d))),
    "cweHaSwitchovers": ((5, 6), lambda d, _: ber.counter32(d.counters.switchovers)),
    "cweCpuLoad": ((6, 1), lambda d, now: ber.gauge32(d.cpu(now))),
    "cweMemoryUsed": ((6, 2), lambda d, _: ber.gauge32(d.habits.memory)),
    "cweDiskUsed": ((6, 3), lambda d, _: ber.gauge32(d.habits.disk)),
    "cweSessions": ((6, 4), lambda d, _: ber.gauge32(d.habits.sessions)),
    "cwePowerSource": ((7, 4), lambda d, _: enum(d.power_source)),
    "cweBatteryStatus": ((7, 5), lambda d, now: enum(d.battery_status(now))),
    "cweBatteryCharge": ((7, 6), lambda d, now: ber.gauge32(d.charge(now))),
    "cweBatteryRuntime": ((7, 7), lambda d, now: ber.gauge32(d.charge(now) * 6 // 5)),
    "cweTimeSource": ((8, 2), lambda _d, _: enum(1)),
    "cweLoginFailures": ((9, 1), lambda d, _: ber.counter32(d.counters.login_failures)),
    "cweLogins": ((9, 2), lambda d, _: ber.counter32(d.counters.logins)),
    "cweConfigChanges": ((9, 3), lambda d, _: ber.counter32(d.counters.config_changes)),
}
"""Objects of one instance: arcs below cweObjects and the value."""

WALL_SCALARS: dict[str, Oid] = {"cweSelfTestTime": (2, 3), "cweClock": (8, 1)}
"""Objects that need the wall clock."""

_TUNNEL_ENTRY: Oid = (4, 3, 1)
TUNNEL_COLUMNS: dict[str, tuple[Oid, _Column[Tunnel]]] = {
    "cweTunnelName": ((*_TUNNEL_ENTRY, 2), lambda _d, t, _: ber.text(t.name)),
    "cweTunnelRemoteId": ((*_TUNNEL_ENTRY, 3), lambda _d, t, _: ber.text(t.remote)),
    "cweTunnelState": ((*_TUNNEL_ENTRY, 4), lambda _d, t, now: enum(t.state(now))),
    "cweTunnelRxOctets": ((*_TUNNEL_ENTRY, 5), lambda _d, t, now: ber.counter64(t.octets(now)[0])),
    "cweTunnelTxOctets": ((*_TUNNEL_ENTRY, 6), lambda _d, t, now: ber.counter64(t.octets(now)[1])),
    "cweTunnelHandshakeAge": ((*_TUNNEL_ENTRY, 7), lambda _d, t, now: ber.integer(t.handshake_age_s(now))),
    "cweTunnelSaAge": ((*_TUNNEL_ENTRY, 8), lambda _d, t, now: ber.gauge32(t.sa_age_s(now))),
    "cweTunnelSaLifetime": ((*_TUNNEL_ENTRY, 9), lambda _d, _t, _: ber.gauge32(SA_LIFETIME_S)),
    "cweTunnelRekeys": ((*_TUNNEL_ENTRY, 10), lambda _d, t, now: ber.counter32(t.rekeys(now))),
    "cweTunnelAuthFailures": ((*_TUNNEL_ENTRY, 11), lambda _d, _t, _: ber.counter64(0)),
    "cweTunnelDecryptFailures": ((*_TUNNEL_ENTRY, 12), lambda _d, _t, _: ber.counter64(0)),
    "cweTunnelReplayDrops": ((*_TUNNEL_ENTRY, 13), lambda _d, _t, _: ber.counter64(0)),
    "cweTunnelUpTime": ((*_TUNNEL_ENTRY, 14), lambda _d, t, now: ber.gauge32(t.up_time_s(now))),
}

_CREDENTIAL_ENTRY: Oid = (3, 1, 1)
CREDENTIAL_COLUMNS: dict[str, tuple[Oid, _Column[Credential]]] = {
    "cweCredentialName": ((*_CREDENTIAL_ENTRY, 2), lambda _d, c, _: ber.text(c.name)),
    "cweCredentialKind": ((*_CREDENTIAL_ENTRY, 3), lambda _d, c, _: enum(c.kind)),
    "cweCredentialRole": ((*_CREDENTIAL_ENTRY, 4), lambda _d, c, _: enum(c.role)),
    "cweCredentialExpiresIn": (
        (*_CREDENTIAL_ENTRY, 5),
        lambda d, c, now: ber.integer(d.days_left(c, now)),
    ),
    "cweCredentialAge": ((*_CREDENTIAL_ENTRY, 6), lambda d, c, now: ber.gauge32(d.age_days(c, now))),
}

_TEMPERATURE_ENTRY: Oid = (7, 1, 1)
TEMPERATURE_COLUMNS: dict[str, tuple[Oid, _Column[int]]] = {
    "cweTemperatureName": ((*_TEMPERATURE_ENTRY, 2), lambda _d, _i, _: ber.text("board")),
    "cweTemperatureValue": ((*_TEMPERATURE_ENTRY, 3), lambda d, _i, now: ber.integer(d.temperature(now))),
    "cweTemperatureStatus": ((*_TEMPERATURE_ENTRY, 4), lambda d, _i, _: enum(d.temperature_status)),
}

FAN_COLUMNS: dict[str, tuple[Oid, _Column[int]]] = {
    "cweFanSpeed": ((7, 2, 1, 2), lambda d, i, now: ber.gauge32(3900 + 40 * i + d.temperature(now))),
    "cweFanStatus": ((7, 2, 1, 3), lambda _d, _i, _: enum(1)),
}

PSU_COLUMNS: dict[str, tuple[Oid, _Column[int]]] = {
    "cwePsuStatus": ((7, 3, 1, 2), lambda _d, _i, _: enum(1)),
}


def build_view(device: Device, wall_offset_ms: int) -> View:
    """Every object of `device`. `wall_offset_ms` plus the simulation's clock is the time of day (epoch ms)."""
    return View([*_own_rows(device, wall_offset_ms), *_standard_rows(device, wall_offset_ms)])


def _own_rows(device: Device, wall_offset_ms: int) -> Iterator[tuple[Oid, Getter]]:
    for arcs, scalar in SCALARS.values():
        yield (*OBJECTS, *arcs, 0), functools.partial(scalar, device)
    clock = WALL_SCALARS["cweClock"]
    yield (*OBJECTS, *clock, 0), lambda now: date_and_time(now + wall_offset_ms)
    tested = WALL_SCALARS["cweSelfTestTime"]
    yield (*OBJECTS, *tested, 0), lambda _: date_and_time(device.booted_at + wall_offset_ms)
    yield from _table(device, TUNNEL_COLUMNS, ((tunnel.index, tunnel) for tunnel in device.tunnels))
    yield from _table(device, CREDENTIAL_COLUMNS, enumerate(device.credentials, 1))
    yield from _table(device, TEMPERATURE_COLUMNS, [(1, 1)])
    yield from _table(device, FAN_COLUMNS, [(1, 1), (2, 2)])
    yield from _table(device, PSU_COLUMNS, [(n, n) for n in range(1, device.psus + 1)])


def _table(
    device: Device, columns: dict[str, tuple[Oid, _Column[_Row]]], rows: Iterable[tuple[int, _Row]]
) -> Iterator[tuple[Oid, Getter]]:
    for index, row in rows:
        for arcs, column in columns.values():
            yield (*OBJECTS, *arcs, index), functools.partial(column, device, row)


def _standard_rows(device: Device, wall_offset_ms: int) -> Iterator[tuple[Oid, Getter]]:
    description = f"channelwatch reference encryptor {MODEL}, firmware {FIRMWARE} (simulated)"
    for arc, value in (
        (1, ber.text(description)),
        (2, ber.oid(REFERENCE_ENCRYPTOR)),
        (4, ber.text("simulated")),
        (5, ber.text(device.code)),
        (6, ber.text(device.site)),
        (7, ber.integer(72)),
    ):
        yield (*_SYSTEM, arc, 0), functools.partial(_constant, value)
    yield (*_SYSTEM, 3, 0), lambda now: ber.time_ticks(device.uptime_ms(now) // 10)
    yield (*_HR_SYSTEM, 1, 0), lambda now: ber.time_ticks(device.uptime_ms(now) // 10)
    yield (*_HR_SYSTEM, 2, 0), lambda now: date_and_time(now + wall_offset_ms)
    yield (*_ENGINE, 1, 0), functools.partial(_constant, ber.octets(device.engine_id))
    yield (*_ENGINE, 2, 0), lambda _: ber.integer(device.boots)
    yield (*_ENGINE, 3, 0), lambda now: ber.integer(device.uptime_ms(now) // 1000)
    yield (*_ENGINE, 4, 0), functools.partial(_constant, ber.integer(65507))
    yield (*_IF, 1, 0), functools.partial(_constant, ber.integer(len(PORTS)))
    for index, name in enumerate(PORTS, 1):
        yield from _port_rows(device, index, name)


def _port_rows(device: Device, index: int, name: str) -> Iterator[tuple[Oid, Getter]]:
    def octets_in(now: int) -> int:
        return device.link_octets(now)[0 if index == WAN_INDEX else 1]

    def octets_out(now: int) -> int:
        return device.link_octets(now)[1 if index == WAN_INDEX else 0]

    entry: Oid = (*_IF, 2, 1)
    for arc, value in (
        (1, ber.integer(index)),
        (2, ber.text(name)),
        (3, ber.integer(_ETHERNET)),
        (4, ber.integer(1500)),
        (5, ber.gauge32(_PORT_BITS_PER_S)),
        (6, ber.octets(bytes((2, 0)) + device.serial.encode()[-3:] + bytes((index,)))),
        (7, ber.integer(_IF_UP)),
        (13, ber.counter32(0)),
        (14, ber.counter32(0)),
        (19, ber.counter32(0)),
        (20, ber.counter32(0)),
    ):
        yield (*entry, arc, index), functools.partial(_constant, value)
    yield (*entry, 8, index), lambda _: ber.integer(port_state(device, index))
    yield (*entry, 9, index), lambda _: ber.time_ticks(_last_change(device, index) // 10)
    yield (*entry, 10, index), lambda now: ber.counter32(octets_in(now))
    yield (*entry, 16, index), lambda now: ber.counter32(octets_out(now))
    yield (*_IFX, 1, index), functools.partial(_constant, ber.text(name))
    yield (*_IFX, 6, index), lambda now: ber.counter64(octets_in(now))
    yield (*_IFX, 10, index), lambda now: ber.counter64(octets_out(now))
    yield (*_IFX, 15, index), functools.partial(_constant, ber.gauge32(_PORT_BITS_PER_S // 1_000_000))
    yield (*_IFX, 18, index), functools.partial(_constant, ber.text("" if name == "lan" else "clear circuit"))
    yield (*_IFX, 19, index), functools.partial(_constant, ber.time_ticks(0))


def port_state(device: Device, index: int) -> int:
    """ifOperStatus: up(1) or down(2)."""
    return _IF_DOWN if index == WAN_INDEX and device.line_down else _IF_UP


def _last_change(device: Device, index: int) -> int:
    """ifLastChange in milliseconds of sysUpTime."""
    return max(0, device.line_changed_at - device.booted_at) if index == WAN_INDEX else 0


def _constant(value: bytes, _now: int) -> bytes:
    return value


def _up_count(device: Device, now: int) -> int:
    carrying = (TunnelState.UP, TunnelState.REKEYING)
    return sum(1 for tunnel in device.tunnels if tunnel.state(now) in carrying)


def _pair_state(device: Device) -> int:
    """cweHaSync and cweHaLink share their enumeration: good(1), bad(2), notApplicable(3)."""
    if device.role is HaRole.STANDALONE:
        return 3
    return 1 if device.peer_seen else 2
