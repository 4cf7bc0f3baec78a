"""Pairs that fail over, change over, fall whole or split while each member is polled once a minute, at its own time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from channelwatch.base.ids import DeviceCode
from channelwatch.status.events import Observation
from tests.support.province import HUB_A, HUB_B, answer, encrypting, miss, role, small_world
from tests.support.story import RULES, SPOKES, Story

PERIOD_S, RETRY_S, LASTS_S = 60, 5, 330
Truth = Callable[[bool, float], str | None]
"""What the planned member, or else the other, says so many seconds after it happened (or before); None: nothing."""


def failover(planned: bool, after: float) -> str | None:
    if after < 0 or (not planned and after < 2):
        return "active" if planned else "standby"
    return None if planned else "active"


def change_over(planned: bool, after: float) -> str | None:
    return "active" if planned == (after < 0) else "standby"


def total_loss(planned: bool, after: float) -> str | None:
    return None if after >= 0 else "active" if planned else "standby"


def split(planned: bool, after: float) -> str | None:
    return "active" if planned or after >= 0 else "standby"


class Pair:
    """Polls both members as a collector does: again soon after a miss, until three are missed."""

    def __init__(self, truth: Truth, chance: random.Random, start: int) -> None:
        self.truth, self.start = truth, start
        self.happens_s = chance.uniform(PERIOD_S, 2 * PERIOD_S)
        self.due_s = {code: chance.uniform(0, PERIOD_S) for code in (HUB_A, HUB_B)}
        self.misses = dict.fromkeys(self.due_s, 0)

    def polled(self, second: int) -> list[Observation]:
        found: list[Observation] = []
        for code in self.due_s:
            while self.due_s[code] <= second:
                found.append(self._poll(code, self.due_s[code]))
                retried = 0 < self.misses[code] < 3
                self.due_s[code] += RETRY_S if retried else PERIOD_S
        return found

    def _poll(self, code: DeviceCode, at_s: float) -> Observation:
        said, at = self.truth(code == HUB_A, at_s - self.happens_s), self.start + int(at_s * 1000)
        if said is None:
            self.misses[code] += 1
            return miss(code, at + 2000)
        return answer(code, at, encrypting(role(said)))


def grave(truth: Truth, seed: int) -> list[tuple[str, float]]:
    """Which P1 and P2 incidents of the pair opened, and how many seconds after it happened."""
    story = Story(small_world(RULES))
    story.world.policy = replace(story.world.policy, poll_ms=PERIOD_S * 1000)
    story.world.set_inventory(story.world.inventory)
    start = story.now
    pair = Pair(truth, random.Random(seed), start)
    for second in range(LASTS_S):
        rest = [answer(code, start + second * 1000) for code in SPOKES] if second % 30 == 0 else []
        story.now = start + second * 1000
        story.see(*pair.polled(second), *rest)
        story.now -= 1000
        story.wait(1000)
    wanted = ("hub-lost", "split-brain")
    return [
        (item.rule, (item.opened_at - start) / 1000 - pair.happens_s)
        for item in story.incidents
        if item.rule in wanted
    ]


@pytest.mark.parametrize("truth", [failover, change_over])
def test_nobody_is_called_to_a_pair_that_goes_on_serving(truth: Truth) -> None:
    assert [found for seed in range(10) for found in grave(truth, seed)] == []


@pytest.mark.parametrize(("truth", "rule"), [(total_loss, "hub-lost"), (split, "split-brain")])
def test_a_pair_that_fails_is_told_within_two_periods(truth: Truth, rule: str) -> None:
    for seed in range(10):
        ((opened, after_s),) = grave(truth, seed)
        assert opened == rule
        assert after_s <= 2 * PERIOD_S
