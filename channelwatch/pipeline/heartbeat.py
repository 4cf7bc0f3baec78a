"""Evidence of life, and what whoever waits for it makes of it. Pure.

A process that answers but no longer evaluates, polls or delivers is dead to those who rely on it: each beat carries the
ages of what matters, and a beat with an age beyond its limit counts as none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

EVALUATED_LIMIT_MS = 30_000
UNSENT_LIMIT_MS = 120_000
POLL_GRACE_MS = 30_000
POLL_PERIODS = 3
FAR_MS = 2 * 3600_000
"""A beat whose own clock is so far from ours is an old one, sent again."""


class Stale(StrEnum):
    """Why a beat proves nothing."""

    NOT_EVALUATING = "not_evaluating"
    NOT_POLLING = "not_polling"
    NOT_DELIVERING = "not_delivering"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one beat says. `started_at` and `at` are epoch ms of the sender's clock; ages are milliseconds.

    `seq` grows with every beat of one start. `evaluated_ms`: since the rules were last evaluated and the result
    committed. `polled_ms`: since a poll last ended, whatever its outcome, 0 where nothing is to be polled;
    `poll_period_ms` is the shortest period of a device. `log_seq`: how far the log of changes has got.
    """

    instance: str
    started_at: int
    seq: int
    at: int
    evaluated_ms: int
    polled_ms: int
    poll_period_ms: int
    unsent_ms: int
    log_seq: int
    problems: int

    def stale(self) -> tuple[Stale, ...]:
        """What is too old in it; nothing: it proves that the sender does its work."""
        found = {
            Stale.NOT_EVALUATING: self.evaluated_ms > EVALUATED_LIMIT_MS,
            Stale.NOT_POLLING: self.polled_ms > POLL_PERIODS * self.poll_period_ms + POLL_GRACE_MS,
            Stale.NOT_DELIVERING: self.unsent_ms > UNSENT_LIMIT_MS,
        }
        return tuple(reason for reason, is_so in found.items() if is_so)


class Cry(StrEnum):
    """What has to be told."""

    DEAD = "dead"
    STILL_DEAD = "still_dead"
    ALIVE_AGAIN = "alive_again"


@dataclass(frozen=True, slots=True)
class Vigil:
    """What the second process knows. Times are monotonic milliseconds of its own.

    `newest` is (started_at, seq) of the newest beat, and `newest_at` what its clock said. `episode` counts how often it
    was found dead, `cries` how often that was told.
    """

    alive_at: int
    newest: tuple[int, int] = (0, 0)
    newest_at: int = 0
    is_dead: bool = False
    told_at: int = 0
    episode: int = 0
    cries: int = 0
    stale: tuple[Stale, ...] = ()


def heard(vigil: Vigil, beat: Evidence, now: int) -> Vigil:
    """After a beat that came at `now`. One that proves nothing changes only why it is held for dead."""
    known = replace(
        vigil, newest=(beat.started_at, beat.seq), newest_at=max(vigil.newest_at, beat.at), stale=beat.stale()
    )
    return known if known.stale else replace(known, alive_at=now)


def is_replayed(vigil: Vigil, beat: Evidence, clock_ms: int) -> bool:
    """Was this beat, or a later one, heard before, or is it from long ago?

    Another start is told by the present time of its beats: after a power cut it may have begun with a clock that was
    far behind.
    """
    if abs(beat.at - clock_ms) > FAR_MS:
        return True
    started_at, seq = vigil.newest
    return beat.seq <= seq if beat.started_at == started_at else beat.at <= vigil.newest_at


def watch(vigil: Vigil, now: int, *, dead_after_ms: int, repeat_ms: int) -> tuple[Vigil, Cry | None]:
    """What time has brought: found dead, dead for long, or alive again."""
    is_dead = now - vigil.alive_at > dead_after_ms
    if is_dead and not vigil.is_dead:
        found = replace(vigil, is_dead=True, told_at=now, episode=vigil.episode + 1, cries=1)
        return found, Cry.DEAD
    if is_dead and now - vigil.told_at >= repeat_ms:
        return replace(vigil, told_at=now, cries=vigil.cries + 1), Cry.STILL_DEAD
    if not is_dead and vigil.is_dead:
        return replace(vigil, is_dead=False), Cry.ALIVE_AGAIN
    return vigil, None
