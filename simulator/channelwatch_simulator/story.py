"""What happens in the simulated province, as a seeded and endless list of events. Pure: no clock, no devices.

Times are milliseconds of story time from the start; whoever plays the story divides them by the speed.
The first four minutes are scripted so that a board comes alive; after them outages follow the figures of the
domain model (section 4).
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TypeAlias

from channelwatch.inventory.model import Bloc, Device, Inventory, UnitKind

_S = 1_000
_MINUTE = 60 * _S
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
MONTH_MS = 30 * _DAY

FIRST_TROUBLE_MS = 20 * _S
OPENING_ENDS = 4 * _MINUTE
UP_SHARE = (0.98, 0.9999)
"""Bounds of the share of time that a site is up."""
OUTAGE_MEDIAN = 12 * _MINUTE
_OUTAGE_SIGMA = 1.0
_OUTAGE_LIMIT = 12 * _HOUR
_CARRIER_CUTS_A_MONTH = 3
_CARRIER_CUT_COMMUNES = (4, 15)
_FLAPPING_SHARE = 0.02


class Act(StrEnum):
    """What happens to a device."""

    OUTAGE = "outage"
    RETURN = "return"
    LINE_DOWN = "line_down"
    LINE_UP = "line_up"
    TUNNEL_DOWN = "tunnel_down"
    TUNNEL_UP = "tunnel_up"
    HA_SWITCH = "ha_switch"
    BYPASS_ON = "bypass_on"
    BYPASS_OFF = "bypass_off"
    TAMPER = "tamper"
    TAMPER_RESET = "tamper_reset"
    POWER_BATTERY = "power_battery"
    POWER_MAINS = "power_mains"
    HOT = "hot"
    COOL = "cool"
    KEY_EXPIRY = "key_expiry"
    KEY_CHANGE = "key_change"
    REKEY = "rekey"
    LOGIN_OK = "login_ok"
    LOGIN_FAIL = "login_fail"
    CONFIG_CHANGE = "config_change"


class Cause(StrEnum):
    """Why a device falls silent. Behind AGENT the tunnels stay up; after POWER the device starts anew."""

    POWER = "power"
    CARRIER = "carrier"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens at once to all of `devices`; `cause` goes with OUTAGE and RETURN."""

    at: int
    act: Act
    devices: tuple[str, ...]
    cause: Cause | None = None


Process: TypeAlias = Iterator[Event]
"""Events in order of time."""

_at = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who can play a part: devices in service, by bloc and by what stands there."""

    hubs: dict[Bloc, tuple[str, ...]]
    agencies: dict[Bloc, tuple[str, ...]]
    communes: dict[Bloc, tuple[str, ...]]
    ups: frozenset[str]

    @property
    def spokes(self) -> tuple[str, ...]:
        """Every device that is no hub."""
        return tuple(
            code
            for bloc in self.hubs
            for code in (*self.agencies.get(bloc, ()), *self.communes.get(bloc, ()))
        )

    @property
    def everyone(self) -> tuple[str, ...]:
        """Every device."""
        return (*itertools.chain.from_iterable(self.hubs.values()), *self.spokes)


def cast_of(inventory: Inventory) -> Cast:
    """The devices of `inventory` that are in service."""
    groups: dict[UnitKind, dict[Bloc, list[str]]] = {kind: {} for kind in UnitKind}
    ups: set[str] = set()
    for device in inventory.devices:
        if device.in_service:
            groups[_kind(inventory, device)].setdefault(inventory.bloc_of(device.code), []).append(
                device.code
            )
            if inventory.site[device.site].ups:
                ups.add(device.code)
    frozen = {
        kind: {bloc: tuple(found) for bloc, found in by_bloc.items()} for kind, by_bloc in groups.items()
    }
    return Cast(
        frozen[UnitKind.PROVINCE_OFFICE], frozen[UnitKind.AGENCY], frozen[UnitKind.COMMUNE], frozenset(ups)
    )


def _kind(inventory: Inventory, device: Device) -> UnitKind:
    return inventory.unit_of(device.code).kind


def story(inventory: Inventory, seed: int, *, opening: bool = True, chatter: bool = True) -> Iterator[Event]:
    """The events of `inventory` from story time 0 on, in order, for ever. The same seed tells the same story.

    Without `opening` the figures of the domain model hold from the first instant. Without `chatter` healthy
    devices tell nothing, which makes long stories short.
    """
    cast = cast_of(inventory)
    start = OPENING_ENDS if opening else 0
    rng = random.Random(f"story {seed}")
    processes = [
        *(_outages(code, _rng(seed, "outage", code), start) for code in cast.spokes),
        *(_chatter(code, _rng(seed, "chatter", code)) for code in (cast.everyone if chatter else ())),
        *(_flapping(code, _rng(seed, "flap", code), start) for code in _sample(rng, cast)),
        _carrier_cuts(cast, _rng(seed, "carrier"), start),
        _failovers(cast, _rng(seed, "failover"), start),
        _tampers(cast, _rng(seed, "tamper"), start),
        _nuisances(cast, _rng(seed, "nuisance"), start),
    ]
    later = heapq.merge(*processes, key=_at)
    first = _opening(cast, _rng(seed, "opening")) if opening else ()
    return heapq.merge(first, later, key=_at)


def _rng(seed: int, *words: str) -> random.Random:
    return random.Random(f"{seed} {' '.join(words)}")


def _sample(rng: random.Random, cast: Cast) -> list[str]:
    return rng.sample(cast.spokes, math.ceil(_FLAPPING_SHARE * len(cast.spokes)))


def _opening(cast: Cast, rng: random.Random) -> list[Event]:
    """The first minutes: one of everything, on devices that do not disturb one another."""
    paired = [bloc for bloc, codes in cast.hubs.items() if len(codes) == 2]
    rng.shuffle(paired)
    pool = list(cast.spokes)
    rng.shuffle(pool)
    lost = paired[-1] if paired else None
    if lost is not None:
        below = {*cast.agencies.get(lost, ()), *cast.communes.get(lost, ())}
        pool = [code for code in pool if code not in below] or pool
    ups = [code for code in pool if code in cast.ups]
    pool = [*(code for code in pool if code not in ups[:1]), *ups[:1]]
    cut, exposed, flapping, tampered, lonely = (pool[n % len(pool)] for n in range(5))
    events = [
        Event(FIRST_TROUBLE_MS, Act.OUTAGE, (cut,), Cause.POWER),
        Event(115 * _S, Act.RETURN, (cut,), Cause.POWER),
        Event(50 * _S, Act.BYPASS_ON, (exposed,)),
        Event(140 * _S, Act.BYPASS_OFF, (exposed,)),
        *_flaps(flapping, 60 * _S, 4, lambda: 7 * _S),
        Event(65 * _S, Act.LOGIN_FAIL, (tampered,)),
        Event(70 * _S, Act.TAMPER, (tampered,)),
        Event(1_200 * _S, Act.TAMPER_RESET, (tampered,)),
        Event(130 * _S, Act.OUTAGE, (lonely,), Cause.AGENT),
        Event(190 * _S, Act.RETURN, (lonely,), Cause.AGENT),
    ]
    if ups:
        events += [
            Event(80 * _S, Act.POWER_BATTERY, (ups[0],)),
            Event(170 * _S, Act.POWER_MAINS, (ups[0],)),
        ]
    if lost is not None:
        events += [
            Event(35 * _S, Act.HA_SWITCH, cast.hubs[paired[0]][:1]),
            Event(90 * _S, Act.OUTAGE, cast.hubs[lost], Cause.POWER),
            Event(155 * _S, Act.RETURN, cast.hubs[lost], Cause.POWER),
        ]
    return sorted(events, key=_at)


def _length(rng: random.Random) -> int:
    """Log-normal with the median of an outage."""
    drawn = rng.lognormvariate(math.log(OUTAGE_MEDIAN), _OUTAGE_SIGMA)
    return int(min(max(drawn, 5 * _S), _OUTAGE_LIMIT))


def _wait(rng: random.Random, mean: float) -> int:
    return max(1, int(rng.expovariate(1 / mean)))


def _outages(code: str, rng: random.Random, start: int) -> Process:
    """One site's own outages; its share of time up is drawn once."""
    up_share = rng.uniform(*UP_SHARE)
    mean_length = OUTAGE_MEDIAN * math.exp(_OUTAGE_SIGMA**2 / 2)
    mean_up = mean_length * up_share / (1 - up_share)
    at = start
    while True:
        at += _wait(rng, mean_up)
        length = _length(rng)
        kind = rng.random()
        if kind < 0.1:
            yield Event(at, Act.TUNNEL_DOWN, (code,))
            yield Event(at + length, Act.TUNNEL_UP, (code,))
        else:
            cause = Cause.CARRIER if kind < 0.7 else Cause.POWER if kind < 0.95 else Cause.AGENT
            yield Event(at, Act.OUTAGE, (code,), cause)
            yield Event(at + length, Act.RETURN, (code,), cause)
        at += length


def _carrier_cuts(cast: Cast, rng: random.Random, start: int) -> Process:
    """A cable is cut and several communes of one bloc are gone together."""
    blocs = [bloc for bloc, codes in cast.communes.items() if len(codes) >= _CARRIER_CUT_COMMUNES[0]]
    at = start
    while blocs:
        at += _wait(rng, MONTH_MS / _CARRIER_CUTS_A_MONTH)
        codes = cast.communes[rng.choice(blocs)]
        count = rng.randint(_CARRIER_CUT_COMMUNES[0], min(_CARRIER_CUT_COMMUNES[1], len(codes)))
        hit = tuple(sorted(rng.sample(codes, count)))
        length = _length(rng) * 3
        yield Event(at, Act.OUTAGE, hit, Cause.CARRIER)
        yield Event(at + length, Act.RETURN, hit, Cause.CARRIER)
        at += length


def _failovers(cast: Cast, rng: random.Random, start: int) -> Process:
    """About once a month a member of an HA group fails; the other takes over."""
    pairs = [codes for codes in cast.hubs.values() if len(codes) == 2]
    at = start
    while pairs:
        at += _wait(rng, MONTH_MS)
        failed = (rng.choice(rng.choice(pairs)),)
        length = _length(rng) * 2
        yield Event(at, Act.OUTAGE, failed, Cause.POWER)
        yield Event(at + length, Act.RETURN, failed, Cause.POWER)
        at += length


def _tampers(cast: Cast, rng: random.Random, start: int) -> Process:
    """About once a month a tamper sensor trips."""
    at = start
    while True:
        at += _wait(rng, MONTH_MS)
        device = (rng.choice(cast.spokes),)
        yield Event(at, Act.TAMPER, device)
        at += _HOUR
        yield Event(at, Act.TAMPER_RESET, device)


def _nuisances(cast: Cast, rng: random.Random, start: int) -> Process:
    """Small troubles, one at a time, about four a day in a province of a hundred devices."""
    pairs = [
        (Act.POWER_BATTERY, Act.POWER_MAINS),
        (Act.HOT, Act.COOL),
        (Act.KEY_EXPIRY, Act.KEY_CHANGE),
        (Act.BYPASS_ON, Act.BYPASS_OFF),
    ]
    at = start
    ups = [code for code in cast.spokes if code in cast.ups]
    while True:
        at += _wait(rng, _DAY * 25 / len(cast.everyone))
        begin, end = rng.choices(pairs, weights=(10, 8, 6, 1))[0]
        device = (rng.choice(ups if begin is Act.POWER_BATTERY and ups else cast.spokes),)
        yield Event(at, begin, device)
        at += _length(rng)
        yield Event(at, end, device)


def _flapping(code: str, rng: random.Random, start: int) -> Process:
    """A bad line: about once a day it goes up and down for some minutes."""
    at = start
    while True:
        at += _wait(rng, _DAY)
        flaps = _flaps(code, at, rng.randint(4, 8), lambda: rng.randint(5, 40) * _S)
        yield from flaps
        at = flaps[-1].at


def _flaps(code: str, start: int, count: int, gap: Callable[[], int]) -> list[Event]:
    at = start
    events: list[Event] = []
    for act in (Act.LINE_DOWN, Act.LINE_UP) * count:
        events.append(Event(at, act, (code,)))
        at += gap()
    return events


def _chatter(code: str, rng: random.Random) -> Process:
    """What a healthy device tells anyway: re-keys, logins, now and then a changed configuration."""
    return heapq.merge(
        _every(code, rng, Act.REKEY, lambda: rng.randint(2_700, 3_200) * _S),
        _every(code, rng, Act.LOGIN_OK, lambda: _wait(rng, 2 * _HOUR)),
        _every(code, rng, Act.LOGIN_FAIL, lambda: _wait(rng, 3 * _DAY)),
        _every(code, rng, Act.CONFIG_CHANGE, lambda: _wait(rng, 4 * _DAY)),
        key=_at,
    )


def _every(code: str, rng: random.Random, act: Act, gap: Callable[[], int]) -> Process:
    at = -rng.randint(0, 2_700 * _S) if act is Act.REKEY else 0  # every device is somewhere in its period
    while True:
        at += gap()
        yield Event(at, act, (code,))
