"""Test cases for rules, as operators write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from channelwatch.app.alertrules.cases import load_cases, play
from channelwatch.app.cli import main
from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.base.errors import InputError

RULES = load_rules(shipped_rules())

CASES = """\
version: 1
tests:
  - name: a temperature is confirmed and cleared
    rule: temperature-critical
    story:
      - {at: 10s, signals: {env.temp: failed}}
      - {at: 5m, signals: {env.temp: ok}}
    until: 10m
    live: [[70s, 6m]]
  - name: what keeps coming stays live until it comes less often
    rule: temperature-critical
    story:
      - {at: 0s, signals: {env.temp: failed}}
      - {at: 2m, signals: {env.temp: ok}}
      - {at: 150s, signals: {env.temp: failed}}
      - {at: 4m, signals: {env.temp: ok}}
      - {at: 270s, signals: {env.temp: failed}}
      - {at: 5m, signals: {env.temp: ok}}
    until: 40m
    live: [[1m, 30m]]
  - name: a graver rule speaks for the fault
    rule: power-impaired
    story:
      - {at: 1m, health: degraded, cause: power}
      - {at: 2m, signals: {power.runtime_min: failed}}
      - {at: 5m, signals: {power.runtime_min: ok}}
      - {at: 8m, health: up, cause: none}
    until: 10m
    live: [[1m, 2m], [5m, 8m]]
  - name: while nothing is known an incident stays as it is
    rule: device-down
    story:
      - {at: 1m, health: down, cause: tunnel_down}
      - {at: 2m, health: unknown, cause: monitoring}
      - {at: 3m, health: up, cause: none}
    until: 5m
    live: [[1m, 3m]]
  - name: five communes at once are one incident
    rule: communes-down-together
    communes: 100
    story:
      - {at: 1m, communes_down: 5}
      - {at: 5m, communes_down: 4}
    until: 10m
    live: [[90s, 330s]]
  - name: one after the other over hours they are not
    rule: communes-down-together
    communes: 100
    story:
      - {at: 1m, communes_down: 2}
      - {at: 40m, communes_down: 4}
      - {at: 80m, communes_down: 6}
    until: 2h
  - name: a fifth of them outranks five
    rule: communes-cut
    communes: 40
    story:
      - {at: 1m, communes_down: 8}
      - {at: 5m, communes_down: 7}
    until: 7m
    live: [[65s, 330s]]
  - name: a lost group
    rule: hub-lost
    story:
      - {at: 0s, pair: redundant}
      - {at: 60s, pair: lost}
      - {at: 90s, pair: redundant}
    until: 2m
    live: [[62s, 90s]]
  - name: alerts that cannot be delivered
    rule: alerts-unsent
    story:
      - {at: 1m, own: [unsent]}
      - {at: 2m, own: []}
    until: 5m
    live: [[1m, 3m]]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "cases.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_case_is_judged_by_the_pipeline_itself(tmp_path: Path) -> None:
    cases = load_cases(written(tmp_path, CASES), RULES)
    verdicts = {case.name: play(case, RULES) for case in cases}
    assert {name: found.live for name, found in verdicts.items() if not found.passed} == {}


def test_a_case_that_expects_something_else_fails_with_both_times(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = CASES.split("  - name: what keeps")[0]
    path = written(tmp_path, head.replace("live: [[70s, 6m]]", "live: [[10s, 5m]]"))
    assert main(["rules", "test", str(path)]) == 1
    told = capsys.readouterr().out
    assert "FAILED  a temperature is confirmed and cleared" in told
    assert "expected: [10s, 5m]" in told
    assert "live:     [70s, 6m]" in told


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("rule: temperature-critical", "rule: no-such-rule", "no rule 'no-such-rule'"),
        ("live: [[70s, 6m]]", "live: [[6m, 70s]]", "ends before it begins"),
        ("{at: 5m, signals", "{at: 1s, signals", "in the order of their time"),
        ("until: 10m", "until: 3d", "within two days"),
        ("env.temp: failed", "env.temperature: failed", "cases.yaml:6: tests[0].story[0].signals"),
    ],
)
def test_a_wrong_case_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        load_cases(written(tmp_path, CASES.replace(old, new, 1)), RULES)
    assert any(problem in line for line in caught.value.problems), caught.value.problems
