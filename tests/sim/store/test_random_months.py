"""Random stories, cut into random months of which some are kept: adding up gives what the history itself gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channelwatch.base.clock import EpochMs
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.pipeline import snapshots
from channelwatch.pipeline.availability import ALL, Asked, Question, Terms, availability
from channelwatch.pipeline.snapshots import brief, make_month, wrong_months
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore
from channelwatch.uptime.corrections import CorrectedState, Correction, Decision
from channelwatch.uptime.ledger import Measured
from tests.sim.store.test_random_histories import acts, go_on, stores, tell
from tests.support.fast_store import FastStore
from tests.support.province import HUB_A, START, spoke
from tests.support.recorded import POLL_MS

__all__ = ["stores"]
QUESTIONS = [
    *(Question(asked, ALL) for asked in (Asked.DEVICE, Asked.PAIR, Asked.COMMUNE, Asked.BLOC)),
    Question(Asked.PROVINCE),
]
Story = list[tuple[str, int, tuple[str, ...]]]
OPENING = ("poll", 6, ("well", "active", "well", "aged"))
stories = st.lists(acts, min_size=3, max_size=6).map(lambda told: [OPENING, *told])
sequels = st.lists(acts, max_size=3)
works = st.tuples(st.integers(0, 40), st.integers(1, 30), st.sampled_from([HUB_A, spoke(1)]))


class Months:
    """Months of the test's own making in the place of the calendar's."""

    def __init__(self, cuts: Sequence[int]) -> None:
        self.all = [Interval(*pair) for pair in pairwise(cuts)]

    def within(self, period: Interval, now: int) -> tuple[Interval, ...]:
        last = min(period.end, now)
        return tuple(one for one in self.all if period.start <= one.start and one.end <= last)

    def longer(self, months: Sequence[Interval]) -> Iterator[tuple[Interval, ...]]:
        """Every two and every three that follow each other."""
        for length in (2, 3):
            runs = (tuple(self.all[at : at + length]) for at in range(len(self.all) - length + 1))
            yield from (run for run in runs if set(run) <= set(months))


def in_brief(rows: Sequence[Measured]) -> list[Measured]:
    """Direct answers without what does not add up."""
    return [row._replace(repair=None, outages=(), response=None, carried=False) for row in rows]


def plan_work(store: SqlStore, begins: int, minutes: int, code: str) -> None:
    start = EpochMs(START + begins * 30_000 + 1)
    window = Window(
        0, WindowScope.DEVICE, code, start, EpochMs(start + minutes * 30_000), "o", "r", "a", EpochMs(START)
    )
    number = store.plan_window(window, origin="test")
    store.approve_window(number, Act("b", EpochMs(START), "test"))


def correct(store: SqlStore, begins: int, minutes: int, code: str) -> None:
    start = START + begins * 30_000
    wanted = Correction(
        0,
        WindowScope.DEVICE,
        code,
        CorrectedState.DOWN,
        start,
        start + minutes * 30_000,
        "r",
        "a",
        START,
    )
    number = store.request_correction(wanted, origin="test")
    store.decide_correction(number, Decision.APPROVED, Act("b", EpochMs(START), "test"))


@settings(max_examples=40)
@given(
    stories,
    sequels,
    st.lists(st.integers(0, 40), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from([True, True, True, False]), min_size=5, max_size=5),
    st.one_of(st.just((0.0, 1.0)), st.tuples(st.floats(-0.1, 1), st.floats(0, 1.1))),
    st.lists(works, max_size=1),
    st.lists(works, max_size=1),
)
def test_months_add_up_to_what_the_history_says(
    stores: FastStore,
    story: Story,
    sequel: Story,
    cuts: list[int],
    kept: list[bool],
    ends: tuple[float, float],
    work: list[tuple[int, int, str]],
    corrections: list[tuple[int, int, str]],
) -> None:
    with stores.emptied() as store, pytest.MonkeyPatch.context() as patch:
        for item in work:
            plan_work(store, *item)
        recorder = tell(store, story)
        length = max(recorder.now - START, POLL_MS)
        months = Months(sorted({START + length * cut // 40 for cut in cuts}))
        patch.setattr(snapshots, "months_within", months.within)
        patch.setattr(snapshots, "longer_than_months", months.longer)
        patch.setattr(snapshots, "AFTER_MS", 3 * POLL_MS)
        period = Interval(START + int(length * min(ends)), START + int(length * max(ends)) + 1)
        terms = Terms(period, recorder.now, Fraction(999, 1000), POLL_MS)
        over = months.within(Interval(0, recorder.now), recorder.now)
        for one, keep in zip(over, kept, strict=False):
            if keep:
                assert make_month(store, one, terms)
        whole = replace(terms, period=Interval(0, recorder.now))
        for run in months.longer([one for one, keep in zip(over, kept, strict=False) if keep]):
            assert make_month(store, Interval(run[0].start, run[-1].end), whole)
        compare(store, terms)
        for item in corrections:
            correct(store, *item)
        go_on(recorder, sequel)
        compare(store, replace(terms, now=recorder.now))
        assert wrong_months(store, replace(whole, now=recorder.now)) == []


def compare(store: SqlStore, terms: Terms) -> None:
    for question in QUESTIONS:
        assert brief(store, question, terms) == in_brief(availability(store, question, terms)), question
