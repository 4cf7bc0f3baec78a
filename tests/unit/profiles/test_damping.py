"""Hysteresis: how often, and how long; and the limits of a single device."""

from __future__ import annotations

import pytest
from channelwatch_collector.profiles.damping import Damping, Held, damped, limited, rules_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from channelwatch.inventory.model import SignalLimit
from channelwatch.status.signals import Reading, Signal
from tests.unit.profiles.answers import DEGRADED, FAILED, OK, UNKNOWN

WORDS = {"o": OK, "d": DEGRADED, "f": FAILED, "?": UNKNOWN}


def told(story: str, rule: Damping) -> str:
    """What counts after each poll of `story`."""
    letters, held, found = {state: word for word, state in WORDS.items()}, Held(), ""
    for word in story:
        reading, held = damped(Reading(Signal.PLATFORM_CPU, WORDS[word]), held, rule)
        found += letters[reading.state]
    return found


@pytest.mark.parametrize(
    ("rule", "story", "counts"),
    [
        (Damping(), "odfo", "odfo"),
        (Damping(3, 3), "dddoddd", "oodoood"),
        (Damping(3, 3), "dfo", "ooo"),
        (Damping(2, 4), "doodooo", "ooodooo"),
        (Damping(2, 4), "dofdoooo", "oofdddoo"),
        (Damping(1, 1, 3), "doooo", "dddoo"),
        (Damping(1, 1, 3), "dodoo", "dddoo"),
        (Damping(1, 1, 3), "dfooo", "dffoo"),
        (Damping(2, 2), "d?d", "o?d"),
    ],
)
def test_a_signal_worsens_and_recovers_by_its_rule(rule: Damping, story: str, counts: str) -> None:
    assert told(story, rule) == counts


@settings(max_examples=50)
@example("oddo", (1, 1, 3))
@given(
    st.text("odf", max_size=40),
    st.integers(1, 5).flatmap(lambda hold: st.tuples(st.just(hold), st.integers(hold, 8), st.integers(1, 6))),
)
def test_no_worsening_is_sooner_and_no_recovery_is_earlier_than_the_rule_allows(
    story: str, numbers: tuple[int, int, int]
) -> None:
    rule = Damping(*numbers)
    counts = told(story, rule)
    for index, word in enumerate(counts):
        bad = sum(item != "o" for item in story[max(0, index + 1 - rule.of) : index + 1])
        if bad >= rule.hold:
            assert word != "o"
        elif word != "o":
            assert counts[index - 1 : index] == word, "only what counted as worse stays so"
            assert index < rule.stays or "o" in counts[index - rule.stays : index], "for so many polls"


def test_a_device_may_have_limits_of_its_own() -> None:
    cpu = SignalLimit("platform.cpu", degraded=90, failed=98)
    skew = SignalLimit("time.skew", degraded=5)
    battery = SignalLimit("hsm.battery", failed=2.5, at_most=True)
    readings = [
        Reading(Signal.PLATFORM_CPU, DEGRADED, 85),
        Reading(Signal.PLATFORM_CPU, DEGRADED, 98.5, component="2"),
        Reading(Signal.TIME_SKEW, OK, -7),
        Reading(Signal.HSM_BATTERY, OK, 2.5),
        Reading(Signal.PLATFORM_MEM, DEGRADED, 85),
        Reading(Signal.PLATFORM_CPU, UNKNOWN, component="3"),
    ]
    judged = [reading.state for reading in limited(readings, [cpu, skew, battery])]
    assert judged == [OK, FAILED, DEGRADED, FAILED, DEGRADED, UNKNOWN]
    assert limited(readings, [SignalLimit("platform.cpu", hold=2)]) is readings


def test_what_a_limit_leaves_out_stays_the_profiles() -> None:
    profile = {Signal.PLATFORM_CPU: Damping(3, 3, 2)}
    assert rules_of(profile, []) is profile
    assert rules_of(profile, [SignalLimit("platform.cpu", degraded=9)]) == profile
    assert rules_of(profile, [SignalLimit("platform.cpu", hold=2)]) == {Signal.PLATFORM_CPU: Damping(2, 2, 2)}
    own = rules_of(profile, [SignalLimit("env.temp", hold=2, of=5, stays=9)])
    assert own[Signal.ENV_TEMP] == Damping(2, 5, 9)
    assert own[Signal.PLATFORM_CPU] == Damping(3, 3, 2)
