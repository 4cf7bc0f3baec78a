"""The same random history in both databases: every report, every kept month and every incident is the same."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from channelwatch.base.clock import EpochMs
from channelwatch.base.intervals import Interval
from channelwatch.inventory.maintenance import Window, WindowScope
from channelwatch.inventory.model import Bloc
from channelwatch.pipeline.availability import ALL, Asked, Question, Terms, availability
from channelwatch.pipeline.snapshots import EVERYTHING, make_month, shares
from channelwatch.store.desk import Act
from channelwatch.store.sqlstore import SqlStore, open_store
from channelwatch.uptime.ledger import ScopeKind
from tests.contract.store.conftest import postgresql_url, sqlite_url
from tests.sim.store.test_random_histories import DEVICES, TALKS, tell
from tests.support.province import START, spoke
from tests.support.recorded import POLL_MS, Recorder

QUESTIONS = (*EVERYTHING, Question(Asked.CHANNEL, ALL), Question(Asked.PROVINCE))
Story = list[tuple[str, int, tuple[str, ...]]]


def story(seed: int) -> Story:
    """Polls, deaths of the collector, a clock that is set, devices that leave and return."""
    chance = random.Random(seed)
    told: Story = [("poll", 6, ("well", "active", "well", "aged"))]
    for _ in range(12):
        talks = tuple(chance.choice(list(TALKS)) for _ in DEVICES)
        told.append(("poll", chance.randint(1, 8), talks))
        told.append(
            chance.choice(
                [
                    ("poll", 2, talks),
                    ("sleep", chance.choice([5_000, 26_000, 900_000]), ()),
                    ("suspend", chance.randint(0, 3), ()),
                    ("serve", chance.randint(0, 3), ()),
                    ("leave", 2, ()),
                    ("return", 2, ()),
                    ("clock", chance.choice([-3_000, 40_000]), ()),
                ]
            )
        )
    return told


def live(store: SqlStore, seed: int) -> Recorder:
    """Tell the story of `seed`, with maintenance in it."""
    recorder = tell(store, story(seed))
    start = EpochMs(START + 45_000)
    work = Window(
        0, WindowScope.DEVICE, spoke(1), start, EpochMs(start + 120_000), "o", "r", "a", EpochMs(START)
    )
    store.approve_window(store.plan_window(work, origin="test"), Act("b", EpochMs(START), "test"))
    return recorder


def reports(store: SqlStore, terms: Terms) -> dict[str, Any]:
    """All that can be asked of a history."""
    begins, ends = terms.period.start, terms.period.end
    middle = (begins + ends) // 2
    months = [Interval(begins, middle), Interval(middle, ends)]
    kept = [make_month(store, one, terms) for one in months]
    kinds = [ScopeKind.DEVICE, ScopeKind.PAIR, ScopeKind.CHANNEL, ScopeKind.COMMUNE, ScopeKind.BLOC]
    return {
        "differences": store.differences(),
        "rows": [availability(store, question, terms) for question in QUESTIONS],
        "ever": [availability(store, question, replace(terms, since_ever=True)) for question in QUESTIONS],
        "kept": kept,
        "months": [sorted(map(repr, store.shares_of(one))) for one in months],
        "measured": [
            sorted(map(repr, shares(store, EVERYTHING, replace(terms, period=one)))) for one in months
        ],
        "added": sorted(map(repr, store.added_up(months, kinds, ALL))),
        "transitions": store.transitions(subjects=DEVICES, limit=10_000),
        "incidents": store.incidents(blocs=list(Bloc), limit=1_000),
        "pages": [store.pages(item.id) for item in store.incidents(blocs=list(Bloc), limit=1_000)],
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_same_history_gives_the_same_reports_in_either_database(
    request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    found = []
    for url in (sqlite_url(request), postgresql_url(request)):
        store = open_store(url, tmp_path)
        recorder = live(store, seed)
        period = Interval(START + 7_000, recorder.now - POLL_MS)
        found.append(reports(store, Terms(period, recorder.now, Fraction(999, 1000), POLL_MS)))
        store.close()
    sqlite, postgresql = found
    assert sqlite["transitions"] and sqlite["incidents"] and sqlite["kept"] == [True, True]
    assert sqlite["differences"] == [] and sqlite["months"] == sqlite["measured"]
    for what, answer in sqlite.items():
        assert postgresql[what] == answer, what
