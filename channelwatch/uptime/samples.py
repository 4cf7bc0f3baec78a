"""From poll results to a timeline: what lies between two samples, and how surely."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from channelwatch.base.intervals import Interval, Spans, normalise
from channelwatch.uptime.continuity import Continuity, CounterRules, Proof, Reading, judge
from channelwatch.uptime.timeline import SERVING, Change, State, Timeline, UnknownCause, from_changes


@dataclass(frozen=True, slots=True)
class Sample:
    """One poll result. `state` is UP, DEGRADED, DOWN, or UNKNOWN when the answer was of no use.

    `at`: wall clock, epoch ms. `monotonic_ms`: a clock that never steps, for the length of gaps; None when it
    cannot be compared with the neighbours'. `cause` names why an UNKNOWN sample is one.
    """

    at: int
    state: State
    reading: Reading = field(default_factory=Reading)
    monotonic_ms: int | None = None
    cause: UnknownCause = UnknownCause.SILENT


@dataclass(frozen=True, slots=True)
class SampleRules:
    """`poll_ms`: the device's poll period P; a gap of more than 2.5 P is unknown time."""

    poll_ms: int
    counter: CounterRules = field(default_factory=CounterRules)

    def is_wide(self, gap_ms: int) -> bool:
        """Is the gap longer than 2.5 poll periods?"""
        return 2 * gap_ms > 5 * self.poll_ms


@dataclass(frozen=True, slots=True)
class _Gap:
    """Two usable samples with nothing usable between them.

    `wide`: too long to join. `why`: the cause if it stays unknown. `marks`: losses reported inside, ascending.
    """

    before: Sample
    after: Sample
    wide: bool
    why: UnknownCause
    marks: Sequence[int]
    continuity: Continuity
    tick_ms: int

    @property
    def back_at(self) -> int | None:
        """When the service was up again at the latest, if its counter tells."""
        if self.continuity.proof is not Proof.RESTARTED or self.continuity.back_for_ms is None:
            return None
        return self.after.at - self.continuity.back_for_ms


@dataclass(frozen=True, slots=True)
class _Finding:
    changes: tuple[Change, ...] = ()
    attested: Spans = ()


def timeline_from_samples(
    samples: Iterable[Sample], rules: SampleRules, down_marks: Iterable[int] = ()
) -> Timeline:
    """The timeline that `samples` (in the order taken) prove, up to the last usable one.

    `down_marks` are the times, epoch ms, at which a trap or a syslog line reported the service lost; they
    sharpen the gap that they fall into. A wall clock that steps back is held at the latest time seen.
    """
    seen = _usable(samples)
    if not seen:
        return Timeline(())
    first = seen[0][0]
    changes = [Change(first.at, first.at, first.state)]
    attested: list[Interval] = []
    for gap in _gaps(seen, rules, sorted(down_marks)):
        finding = _explain(gap)
        changes += finding.changes
        attested += finding.attested
    return from_changes(changes, until=seen[-1][0].at, attested=normalise(attested))


def _usable(samples: Iterable[Sample]) -> list[tuple[Sample, UnknownCause]]:
    """The samples that say something, each with the cause of unknown time before it, should there be any."""
    seen: list[tuple[Sample, UnknownCause]] = []
    why = UnknownCause.BLIND
    for sample in samples:
        if sample.state is State.UNKNOWN:
            why = sample.cause
            continue
        at = max(sample.at, seen[-1][0].at) if seen else sample.at
        seen.append((replace(sample, at=at), why))
        why = UnknownCause.BLIND
    return seen


def _gaps(seen: list[tuple[Sample, UnknownCause]], rules: SampleRules, marks: list[int]) -> Iterable[_Gap]:
    last_good = seen[0][0]
    for (before, _), (after, why) in pairwise(seen):
        if before.state in SERVING:
            last_good = before
        inside = marks[bisect_right(marks, before.at) : bisect_right(marks, after.at)]
        yield _Gap(
            before=before,
            after=after,
            wide=rules.is_wide(_elapsed(before, after)),
            why=why,
            marks=inside,
            continuity=judge(last_good.reading, after.reading, _elapsed(last_good, after), rules.counter),
            tick_ms=rules.counter.tick_ms,
        )


def _elapsed(before: Sample, after: Sample) -> int:
    """The length of the gap in ms: monotonic time, but never less wall time than will be accounted for."""
    wall = after.at - before.at
    if before.monotonic_ms is None or after.monotonic_ms is None:
        return wall
    return max(wall, after.monotonic_ms - before.monotonic_ms)


def _explain(gap: _Gap) -> _Finding:
    match gap.before.state in SERVING, gap.after.state in SERVING:
        case True, True:
            return _good_to_good(gap)
        case True, False:
            return _lost(gap) if gap.wide else _falling(gap)
        case False, True:
            return _rising(gap)
        case _:
            return _lost(gap) if gap.wide else _Finding()


def _good_to_good(gap: _Gap) -> _Finding:
    before, after = gap.before, gap.after
    if gap.continuity.proof is Proof.RESTARTED:
        return _hidden_outage(gap)
    if gap.continuity.proof is Proof.CONTINUOUS:
        return _Finding(_shift(gap), normalise([(before.at, after.at)]))
    if gap.wide:
        return _lost(gap)
    if gap.marks:
        down = Change(gap.marks[0], gap.marks[-1], State.DOWN)
        return _Finding((down, Change(down.t_hi, after.at, after.state)))
    return _Finding(_shift(gap))


def _hidden_outage(gap: _Gap) -> _Finding:
    """Both samples were good, yet the service restarted between them: an outage of unknown length."""
    before, after = gap.before, gap.after
    back = after.at if gap.back_at is None else max(before.at, gap.back_at)
    attested = normalise([(back, after.at)])
    if gap.wide:
        unknown = Change(before.at, before.at, State.UNKNOWN, gap.why)
        return _Finding((unknown, Change(back, back, State.DOWN), Change(back, back, after.state)), attested)
    marks = [mark for mark in gap.marks if mark <= back]
    if not marks:
        return _Finding((Change(before.at, back, State.DOWN), Change(back, back, after.state)), attested)
    down = Change(marks[0], marks[-1], State.DOWN)
    return _Finding((down, _recovery(gap, down.t_hi, back)), attested)


def _falling(gap: _Gap) -> _Finding:
    if gap.marks:
        return _Finding((Change(gap.marks[0], gap.marks[-1], State.DOWN),))
    return _Finding((Change(gap.before.at, gap.after.at, State.DOWN),))


def _rising(gap: _Gap) -> _Finding:
    before, after, back = gap.before, gap.after, gap.back_at
    if back is None or back < before.at:
        # No counter, or one that contradicts the bad sample: the gap is all that is known.
        return _lost(gap) if gap.wide else _Finding((Change(before.at, after.at, after.state),))
    attested = normalise([(back, after.at)])
    if gap.wide:
        unknown = Change(before.at, before.at, State.UNKNOWN, gap.why)
        return _Finding((unknown, Change(back, back, after.state)), attested)
    return _Finding((_recovery(gap, before.at, back),), attested)


def _recovery(gap: _Gap, floor: int, back: int) -> Change:
    """Up again at `back`, or up to a tick before, as the counter reads whole ticks."""
    return Change(max(floor, back - gap.tick_ms + 1), back, gap.after.state)


def _lost(gap: _Gap) -> _Finding:
    before, after = gap.before, gap.after
    return _Finding(
        (
            Change(before.at, before.at, State.UNKNOWN, gap.why),
            Change(after.at, after.at, after.state),
        )
    )


def _shift(gap: _Gap) -> tuple[Change, ...]:
    """The change between two serving states, if there was one."""
    if gap.before.state is gap.after.state:
        return ()
    return (Change(gap.before.at, gap.after.at, gap.after.state),)
