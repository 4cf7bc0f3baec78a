"""What a profile makes of recorded walks. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from channelwatch.base.clock import LOCAL_ZONE, EpochMs
from channelwatch.base.errors import InputError
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.expression import Absent, Unusable
from channelwatch_collector.profiles.match import IDENTITY, By, Recognised, identity, probes, recognise
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.recording import Recording
from channelwatch_collector.profiles.rows import Memory, Moment
from channelwatch_collector.profiles.shown import Shown
from channelwatch_collector.profiles.values import TypeRule, read
from channelwatch_collector.snmp.port import Oid, PollPlan

HR_SYSTEM_DATE: Oid = (1, 3, 6, 1, 2, 1, 25, 1, 2, 0)
AUTO = "auto"
"""The name that stands for whatever profile the device is recognised by."""

APART_MS = 60_000
"""What lies between two recordings."""


def recognise_recording(profiles: Mapping[str, Profile], recording: Recording) -> Recognised:
    """The profile that a collector would choose for this device."""
    device = identity(recording.answer(PollPlan(scalars=IDENTITY)).scalars)
    found = recognise(profiles, device, None)
    if found is None:
        found = recognise(profiles, device, recording.answer(PollPlan(scalars=probes(profiles))).scalars)
    assert found is not None, "with the probes asked there is always a profile"
    return found


def recorded_at(recording: Recording) -> EpochMs | None:
    """When it was made, by the device's own clock (hrSystemDate); None where that is not in it."""
    try:
        found = read(recording.get(HR_SYSTEM_DATE), TypeRule.DATE, LOCAL_ZONE)
    except (Absent, Unusable):
        return None
    assert isinstance(found, int)
    return EpochMs(found)


def replay(
    profiles: Mapping[str, Profile],
    walks: Sequence[Recording],
    *,
    name: str,
    profile: str = AUTO,
    now: EpochMs,
    expected: Sequence[str] = (),
) -> Shown:
    """Decode `walks`, a minute apart, as a collector would; `name` is what the device is called.

    A single one is taken as two equal answers, so that counters give rates, of zero. Each is of the instant that
    the device's own clock shows, else of `now`. InputError if there is no such profile.
    """
    first, several = walks[0], walks if len(walks) > 1 else [walks[0], walks[0]]
    if profile == AUTO:
        recognised = recognise_recording(profiles, first)
    elif profile in profiles:
        recognised = Recognised(profiles[profile], By.SET, profile)
    else:
        raise InputError([f"there is no profile {profile!r}; there are {', '.join(sorted(profiles))}"])
    memory, chosen = Memory(), recognised.profile
    for number, walk in enumerate(several):
        # Two equal answers are of the same instant by the device's clock; only ours went on.
        at = recorded_at(walk) or now
        moment = Moment(at, at, number * APART_MS)
        decoded = decode(chosen, walk.answer(chosen.plan), memory, moment, expected=expected)
        memory = decoded.memory
    return Shown(
        target=name,
        asked_at=EpochMs(at),
        identity=identity(first.answer(PollPlan(scalars=IDENTITY)).scalars),
        recognised=recognised,
        decoded=decoded,
        notes=tuple(_notes(walks)),
    )


def _notes(walks: Sequence[Recording]) -> Iterator[str]:
    for walk in walks:
        if walk.unusable:
            yield f"{len(walk.unusable)} lines could not be read, the first of them line {walk.unusable[0]}"
    if len(walks) == 1:
        yield "a single recording: rates are those of two equal answers a minute apart"
