"""Which profile a device is of (facts on MIBs, rule 9): sysObjectID, then sysDescr, then one vendor object. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from channelwatch_collector.profiles.profile import FALLBACK, Profile
from channelwatch_collector.profiles.values import dotted, text
from channelwatch_collector.snmp.port import Oid, Value

SYS_DESCR: Oid = (1, 3, 6, 1, 2, 1, 1, 1, 0)
SYS_OBJECT_ID: Oid = (1, 3, 6, 1, 2, 1, 1, 2, 0)
_WRITTEN = re.compile(r"[0-2](\.\d{1,10}){1,63}")
IDENTITY = (SYS_DESCR, SYS_OBJECT_ID)
"""What is asked of a device that is not known yet."""


class By(StrEnum):
    """What a device was recognised by."""

    SET = "set in the inventory"
    SYS_OBJECT_ID = "sysObjectID"
    SYS_DESCR = "sysDescr"
    PROBE = "a vendor's object"
    NOTHING = "nothing: the generic profile stands in"


@dataclass(frozen=True, slots=True)
class Recognised:
    """A profile with the reason for it; `evidence` is what the device said."""

    profile: Profile
    by: By
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device says of itself; empty where it says nothing."""

    object_id: Oid = ()
    descr: str = ""


def identity(answer: Mapping[Oid, Value]) -> Identity:
    """The identity from an answer to IDENTITY."""
    object_id = answer.get(SYS_OBJECT_ID)
    descr = answer.get(SYS_DESCR)
    return Identity(
        _object_id(object_id.value) if object_id is not None else (),
        text(descr.value) if descr is not None and isinstance(descr.value, bytes) else "",
    )


def _object_id(value: object) -> Oid:
    """An identifier; some agents give theirs as a text."""
    if isinstance(value, tuple):
        return value
    written = text(value).lstrip(".") if isinstance(value, bytes) else ""
    return tuple(map(int, written.split("."))) if _WRITTEN.fullmatch(written) else ()


def probes(profiles: Mapping[str, Profile]) -> tuple[Oid, ...]:
    """The instances to ask for when identity alone does not settle it."""
    found = [profile.match.probe for profile in profiles.values() if profile.match.probe is not None]
    return tuple(sorted(set(found)))


def recognise(
    profiles: Mapping[str, Profile], device: Identity, probed: Mapping[Oid, Value] | None
) -> Recognised | None:
    """The profile of a device. `probed` holds the answers to `probes`, None as long as they were not asked.

    None means: ask the probes and come again. With probes asked there is always an answer.
    """
    strong = [profile for profile in profiles.values() if not profile.match.weak]
    found = _by_object_id(strong, device) or _by_descr(strong, device)
    if found is not None:
        return found
    if probed is None:
        return None
    found = _by_probe(strong, probed)
    if found is not None:
        return found
    weak = [profile for profile in profiles.values() if profile.match.weak]
    found = _by_object_id(weak, device) or _by_descr(weak, device) or _by_probe(weak, probed)
    return found or Recognised(profiles[FALLBACK], By.NOTHING, device.descr)


def _by_probe(profiles: Iterable[Profile], probed: Mapping[Oid, Value]) -> Recognised | None:
    for profile in profiles:
        probe = profile.match.probe
        value = probed.get(probe) if probe is not None else None
        if probe is not None and value is not None and value.exists:
            return Recognised(profile, By.PROBE, dotted(probe))
    return None


def _by_object_id(profiles: Iterable[Profile], device: Identity) -> Recognised | None:
    best: tuple[int, Profile] | None = None
    for profile in profiles:
        for prefix in profile.match.sysobjectid:
            longer = best is None or len(prefix) > best[0]
            if longer and device.object_id[: len(prefix)] == prefix:
                best = (len(prefix), profile)
    return None if best is None else Recognised(best[1], By.SYS_OBJECT_ID, dotted(device.object_id))


def _by_descr(profiles: Iterable[Profile], device: Identity) -> Recognised | None:
    for profile in profiles:
        pattern = profile.match.sysdescr
        if pattern is not None and device.descr and pattern.search(device.descr):
            return Recognised(profile, By.SYS_DESCR, device.descr)
    return None
