"""How many tunnels should work, how many do, and what the inventory's expectation changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from channelwatch_collector.profiles.decode import decode
from channelwatch_collector.profiles.profile import Profile
from channelwatch_collector.profiles.rows import Memory

from channelwatch.status.signals import Reading, Signal, SignalState
from tests.unit.profiles.answers import (
    DEGRADED,
    FAILED,
    OK,
    UNKNOWN,
    Cells,
    Given,
    answer,
    moment,
    profile_of,
    state_of,
    table,
    value_of,
)

BASE = "1.3.9.1"

TUNNELS = f"""
name: own
description: Tunnels of a test, of which one that carries nothing may be idle.
scalars:
  offers: '1.3.9.2.1.0'
tables:
  - name: tunnels
    when: not present(offers) or offers == 1
    columns: {{peer: '{BASE}.1', state: '{BASE}.2'}}
    component: peer
    peers: [peer]
    signals:
      - signal: channel.state
        value: "state if state != 9 else 2 if expected else 10"
        enum: {{1: up, 2: down, 3: disabled, 10: {{word: down, state: ok}}}}
"""


@pytest.fixture
def tunnels(tmp_path: Path) -> Profile:
    return profile_of(tmp_path, TUNNELS)


def read(
    profile: Profile, *states: int, expected: tuple[str, ...] = (), offers: int | None = None
) -> tuple[Reading, ...]:
    cells: list[Cells] = [{1: f"p{number}", 2: state} for number, state in enumerate(states, 1)]
    rows = table(BASE, *cells)
    objects: Given = rows if offers is None else {**rows, "1.3.9.2.1.0": offers}
    return decode(profile, answer(profile, objects), Memory(), moment(), expected=expected).readings


@pytest.mark.parametrize(
    ("states", "due", "working", "state"),
    [
        ((1, 1), 2, 2, OK),
        ((1, 2), 2, 1, DEGRADED),
        ((2, 2), 2, 0, FAILED),
        ((1, 3), 1, 1, OK),
        ((1, 9), 2, 1, OK),
        ((9, 9), 2, 0, OK),
        ((1, 7), 2, 1, UNKNOWN),
        ((2, 7), 2, 0, DEGRADED),
    ],
    ids=["all", "half", "none", "disabled", "idle", "all idle", "one unsure", "one down, one unsure"],
)
def test_tunnels_are_counted(
    tunnels: Profile, states: tuple[int, ...], due: int, working: int, state: SignalState
) -> None:
    readings = read(tunnels, *states)
    assert value_of(readings, Signal.CHANNEL_EXPECTED_COUNT) == due
    assert value_of(readings, Signal.CHANNEL_UP_COUNT) == working
    assert state_of(readings, Signal.CHANNEL_UP_COUNT) is state


def test_tunnels_of_which_nothing_is_known_are_not_counted(tunnels: Profile) -> None:
    readings = read(tunnels, 7, 7)
    assert state_of(readings, Signal.CHANNEL_STATE, "p1") is UNKNOWN
    assert state_of(readings, Signal.CHANNEL_UP_COUNT) is None


def test_an_idle_tunnel_that_the_inventory_expects_is_down(tunnels: Profile) -> None:
    readings = read(tunnels, 9, 9, expected=("p2",))
    assert state_of(readings, Signal.CHANNEL_STATE, "p1") is OK
    assert state_of(readings, Signal.CHANNEL_STATE, "p2") is FAILED


@pytest.mark.parametrize(("offers", "told"), [(None, True), (1, True), (0, False)])
def test_a_table_may_depend_on_what_the_device_offers(
    tunnels: Profile, offers: int | None, told: bool
) -> None:
    readings = read(tunnels, 1, expected=("p1", "p2"), offers=offers)
    assert (state_of(readings, Signal.CHANNEL_STATE, "p1") is OK) is told
    missing = state_of(readings, Signal.CHANNEL_STATE, "p2")
    assert missing is (FAILED if told else None)
