"""Work that was planned: its devices are flagged, and nobody is paged for what it brings along.

A fault that began inside a window and outlasts it is told of at its end; one that was told of before goes on up its
ladder from where it stood, and is not told of again.
"""

from __future__ import annotations

from dataclasses import replace

from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import CircuitCode, DeviceCode, GroupCode
from channelwatch.incidents.model import Incident, SubjectKind
from channelwatch.inventory.maintenance import devices_in, devices_of
from channelwatch.pipeline.draft import Draft
from channelwatch.status.states import Flag, PairState

EXPECTED = frozenset({PairState.NO_REDUNDANCY.value, PairState.SWITCHED.value, PairState.UNKNOWN.value})
"""What a pair may come to while one of its members is worked on."""


def keep(draft: Draft) -> None:
    """Flag the devices that are worked on now, and release those that are not any more."""
    windows = draft.world.windows
    if windows is None:
        return
    covered = devices_in(windows, draft.world.inventory, draft.now)
    for code, state in draft.world.devices.items():
        flagged = bool(state.flags) and Flag.MAINTENANCE in state.flags
        if flagged != (code in covered):
            now_state = draft.device(code)
            flags = now_state.flags - {Flag.MAINTENANCE} if flagged else now_state.flags | {Flag.MAINTENANCE}
            draft.devices[code] = replace(now_state, flags=flags)
            draft.touched.setdefault(code, draft.now)
            if flagged:
                _release(draft, code)


def is_quiet(draft: Draft, incident: Incident) -> bool:
    """Is `incident` about something that is being worked on?"""
    inventory = draft.world.inventory
    match incident.subject_kind:
        case SubjectKind.DEVICE:
            return _is_flagged(draft, DeviceCode(incident.subject))
        case SubjectKind.GROUP:
            members = inventory.members.get(GroupCode(incident.subject), ())
            flagged = sum(_is_flagged(draft, member) for member in members)
            return bool(flagged) and (flagged == len(members) or incident.cause in EXPECTED)
        case SubjectKind.CIRCUIT:
            spokes = draft.world.circuits.get(CircuitCode(incident.subject), ())
            return bool(spokes) and all(_is_flagged(draft, code) for code in spokes)
        case SubjectKind.BLOC:
            return bool(incident.impacted) and all(
                _is_flagged(draft, DeviceCode(code)) for code in incident.impacted
            )
        case SubjectKind.COLLECTOR:
            return False


def _is_flagged(draft: Draft, code: DeviceCode) -> bool:
    return code in draft.world.inventory.device and Flag.MAINTENANCE in draft.device(code).flags


def _release(draft: Draft, code: DeviceCode) -> None:
    """Let the ladders of the device, and of its group, circuit and bloc, go on from where they stood when the work
    began."""
    group, circuit = draft.world.inventory.device[code].ha_group, draft.world.circuit_of.get(code)
    subjects = (code, group, circuit, draft.world.inventory.bloc_of(code))
    began = _work_began(draft, code)
    for number, known in draft.world.incidents.items():
        incident = draft.incidents.get(number, known)
        about = incident.subject in subjects
        if about and incident.state.awaits_person and not is_quiet(draft, incident):
            waited = 0 if incident.ladder == 0 else max(0, began - incident.round_at)
            draft.put(replace(incident, round_at=EpochMs(draft.now - waited)))


def _work_began(draft: Draft, code: DeviceCode) -> int:
    """When the newest window that covered the device began; now if no window tells."""
    ended = [
        began
        for window in draft.world.windows or ()
        if code in devices_of(window, draft.world.inventory)
        for began in [window.began_before(draft.now)]
        if began is not None
    ]
    return max(ended, default=draft.now)
