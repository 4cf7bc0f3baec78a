"""The same rules in Prometheus: promtool checks them, tests them, and judges one story as our engine does."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from channelwatch.app.alertrules.prometheus import annotations_of, expression, is_followed, labels_of
from channelwatch.app.cli import main
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode
from channelwatch.incidents.model import SubjectKind
from channelwatch.incidents.worktime import WorkCalendar
from channelwatch.inventory.model import Bloc
from channelwatch.metrics.fleet import FleetText, FleetView, Selection
from channelwatch.metrics.rollup import Posts
from channelwatch.status.events import (
    EventKind,
    EventReceived,
    LatchCleared,
    Observation,
    RogueSource,
    Transport,
)
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.support.peers import require_binary
from tests.support.province import (
    HUB_A,
    HUB_B,
    START,
    answer,
    bypass,
    encrypting,
    miss,
    role,
    small_inventory,
    small_world,
    spoke,
    tunnel_down,
)
from tests.support.story import RULES, Story

STEP_S = 15
POLL_S = 10
MINUTES = 75
COMMUNES = 40


@pytest.fixture(scope="module")
def promtool() -> Path:
    return require_binary("promtool", package="prometheus")


def run(promtool: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(promtool), *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def export(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The compiled rules and their unit tests; the path of the rules."""
    for name, form in (("channelwatch.rules.yml", "prometheus"), ("tests.yml", "promtool")):
        assert main(["rules", "export", "--format", form]) == 0
        (folder / name).write_text(capsys.readouterr().out, encoding="utf-8")
    return folder / "channelwatch.rules.yml"


def test_promtool_finds_the_exported_rules_right_and_passes_their_tests(
    promtool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = export(tmp_path, capsys)
    checked = run(promtool, "check", "rules", rules.name, folder=tmp_path)
    expected = 1 + sum(1 + (rule.flap is not None) for rule in RULES.rules if is_followed(rule))
    assert f"SUCCESS: {expected} rules found" in checked.stdout, checked.stderr
    tested = run(promtool, "test", "rules", "tests.yml", folder=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_generated_tests_notice_a_rule_that_was_changed(
    promtool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = export(tmp_path, capsys)
    changed = rules.read_text(encoding="utf-8").replace('state=~"lost"', 'state=~"redundant"')
    rules.write_text(changed, encoding="utf-8")
    tested = run(promtool, "test", "rules", "tests.yml", folder=tmp_path)
    assert tested.returncode != 0
    assert "hub-lost" in tested.stdout + tested.stderr


# One story, two engines --------------------------------------------------------------------------------------


class Tale:
    """What happens in each second of the story."""

    def __init__(self) -> None:
        world = small_world(RULES, small_inventory(COMMUNES), frozenset(Bloc))
        world.calendar = WorkCalendar(ends=time(13, 50))
        self.story = Story(world)
        self.communes = [spoke(number) for number in range(1, COMMUNES + 1)]

    def observe(self, second: int) -> list[Observation]:
        """The polls of this second."""
        if second % POLL_S or self._within(second, 36, 39):
            return []
        at = START + second * 1000
        lost = self._within(second, 30, 34)
        seen: list[Observation] = []
        for code, claim in ((HUB_A, "active"), (HUB_B, "standby")):
            alone = self._within(second, 9, 27)
            # The standby takes over as the other is counted out: what lies between is no matter of the rules.
            leads = alone and second >= 9 * 60 + 2 * POLL_S
            if lost or (alone and code == HUB_A):
                seen.append(miss(code, at))
            else:
                seen.append(answer(code, at, encrypting(role("active" if leads else claim))))
        seen += [self._poll(code, number, at) for number, code in enumerate(self.communes, 1)]
        seen += self._events(second, EpochMs(at))
        if second == 52 * 60:
            seen.append(LatchCleared(self.communes[4], Signal.CRYPTO_TAMPER, "truc", EpochMs(at)))
        return seen

    def _poll(self, code: DeviceCode, number: int, at: int) -> Observation:
        second = (at - START) // 1000
        readings = list(self._readings(second, number))
        if (number <= 6 and self._within(second, 56, 60)) or (number <= 9 and self._within(second, 63, 67)):
            return miss(code, at)
        return answer(code, at, encrypting(*readings))

    def _events(self, second: int, at: EpochMs) -> Iterator[Observation]:
        """What unproven lines say: in the first fifty minutes people are at work."""

        def line(number: int, kind: EventKind) -> EventReceived:
            return EventReceived(spoke(number), kind, Transport.SYSLOG_UDP, at, trusted=False)

        if self._within(second, 10, 12) or self._within(second, 24, 26):
            yield line(20, EventKind.LOGIN_FAIL)
        if self._within(second, 15, 25) and second % 120 == 0:
            yield line(21, EventKind.LOGIN_FAIL)
        if second in (20 * 60, 55 * 60):
            yield line(22, EventKind.CONFIG_CHANGE)
            yield line(23, EventKind.LOGIN_OK)
        if second == 5 * 60:
            yield line(24, EventKind.TAMPER)
        if second in (41 * 60, 42 * 60):
            yield RogueSource("192.0.2.9", Transport.SYSLOG_UDP, at, 100)

    def _readings(self, second: int, number: int) -> Iterator[Reading]:
        if self._within(second, 30, 34) or (number == 1 and self._within(second, 3, 6)):
            yield tunnel_down()
        if number == 8 and self._within(second, 35, 41):
            yield tunnel_down()
        if number == 2 and self._within(second, 7, 8):
            yield bypass()
        if number == 3 and self._within(second, 40, 43):
            yield Reading(Signal.ENV_TEMP, SignalState.FAILED, 90, component="board", unit="C")
        if number == 12 and any(self._within(second, first, first + 2) for first in (4, 9, 14, 44)):
            yield Reading(Signal.ENV_TEMP, SignalState.FAILED, 90, component="board", unit="C")
        if number == 4 and self._within(second, 44, 50):
            state = SignalState.FAILED if second >= 47 * 60 else SignalState.DEGRADED
            yield Reading(Signal.KEY_EXPIRES_IN, state, 1, component="k1", unit="days")
            yield Reading(Signal.KEY_EXPIRES_IN, SignalState.DEGRADED, 5, component="k2", unit="days")
        if number == 5 and self._within(second, 49, 50):
            yield Reading(Signal.CRYPTO_TAMPER, SignalState.FAILED, "detected")

    @staticmethod
    def _within(second: int, first: int, last: int) -> bool:
        return first * 60 <= second < last * 60


LOOKED_AT = {
    name
    for rule in filter(is_followed, RULES.rules)
    for name in re.findall(r"channelwatch_\w+", expression(rule, RULES))
}
Series = dict[str, list[str | None]]
Alerts = list[set[tuple[str, str]]]


def told() -> tuple[Series, Alerts]:
    """The series that Prometheus would have scraped at each step, and what our engine held for an incident then."""
    tale, text, fleet = Tale(), defaultdict[str, list[str | None]](list), FleetText()
    live: Alerts = []
    for second in range(MINUTES * 60 + 1):
        tale.story.now = START + second * 1000
        batch = tale.observe(second)
        if batch:
            tale.story.see(*batch)
        tale.story.wait(1000, step=1000) if second else None
        tale.story.now = START + second * 1000
        take_events(tale.story)
        if second % STEP_S == 0:
            live.append(tale.story.live)
            for name, value in scrape(fleet, tale.story).items():
                values = text[name]
                values += [None] * (len(live) - 1 - len(values)) + [value]
    return dict(text), live


def take_events(story: Story) -> None:
    """Somebody is there: what events have opened is taken at once, so that it ends with them."""
    for incident in story.incidents:
        if RULES.by_id[incident.rule].when.events and incident.state.awaits_person:
            story.take(incident.id)


def scrape(fleet: FleetText, story: Story) -> dict[str, str]:
    """Every sample of the exposition that the rules may look at, and those of the process itself."""
    view = FleetView.of(story.world, Posts.of(story.world.inventory), EpochMs(story.now))
    page = fleet.page(view, Selection(tuple(Bloc))).decode()
    found = {
        "channelwatch_outbox_oldest_unsent_age_seconds": "0",
        "channelwatch_incidents_unheard": "0",
        'channelwatch_queue_length{queue="observations"}': "0",
        'channelwatch_queue_limit{queue="observations"}': "100",
        "channelwatch_start_time_seconds": "0",
        "channelwatch_heartbeat_timestamp_seconds": str((story.now - START) // 1000),
    }
    for line in page.splitlines():
        name, _, value = line.rpartition(" ")
        if name.partition("{")[0] in LOOKED_AT:
            if "timestamp" in name:
                value = str(max(0.0, float(value) - START / 1000))
            found[name] = value
    return found


def as_values(values: list[str | None]) -> str:
    """promtool's notation: what is no longer scraped goes stale at once."""
    written, gone = [], True
    for value in values:
        written.append(value if value is not None else "_" if gone else "stale")
        gone = value is None
    return " ".join(written if gone else [*written, "stale"])


def expectations(live: Alerts, subjects: Callable[[str, str], dict[str, str]]) -> Iterator[dict[str, Any]]:
    """What each rule must say at each step that is not within one step of a change of ours."""
    for rule in filter(is_followed, RULES.rules):
        states = [frozenset(subject for name, subject in now if name == rule.id) for now in live]
        fires = any(states)
        for number in range(1, len(states) - 1, 1 if fires else 12):
            if not states[number - 1] == states[number] == states[number + 1]:
                continue
            yield {
                "eval_time": f"{number * STEP_S}s",
                "alertname": rule.id,
                "exp_alerts": [
                    {
                        "exp_labels": {**subjects(rule.subject, subject), **labels_of(rule)},
                        "exp_annotations": annotations_of(rule),
                    }
                    for subject in sorted(states[number])
                ],
            }


def labels_of_subject(kind: str, subject: str) -> dict[str, str]:
    inventory = small_inventory(COMMUNES)
    match kind:
        case SubjectKind.DEVICE:
            unit = inventory.unit_of(DeviceCode(subject)).code
            return {"device": subject, "bloc": Bloc.PARTY, "unit": unit}
        case SubjectKind.GROUP:
            return {"group": subject, "bloc": Bloc.PARTY, "unit": inventory.unit_of(HUB_A).code}
        case SubjectKind.BLOC:
            return {"bloc": subject}
        case _:
            return {}


def test_both_engines_fire_over_the_same_intervals(
    promtool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The oracle: what our engine holds for an incident, Prometheus fires over our metrics, within one step."""
    rules = export(tmp_path, capsys)
    series, live = told()
    fired = {name for now in live for name, _ in now}
    assert fired >= {
        *("device-down", "plaintext-bypass", "redundancy-lost-party", "hub-lost", "collector-blind"),
        *("temperature-critical", "key-expiring", "key-expired", "tamper"),
        *("communes-down-together", "communes-cut"),
        *("sign-ins-refused", "sign-in-after-hours", "configuration-changed", "tamper-reported"),
        *("configuration-changed-after-hours", "unknown-sources"),
    }
    flaps = ("temperature-critical", spoke(12))
    assert flaps in live[30 * 60 // STEP_S], "after its third coming it counts as one that lasts"
    assert flaps not in live[36 * 60 // STEP_S]
    test = {
        "interval": f"{STEP_S}s",
        "input_series": [{"series": name, "values": as_values(found)} for name, found in series.items()],
        "alert_rule_test": list(expectations(live, labels_of_subject)),
    }
    content = {"rule_files": [rules.name], "evaluation_interval": f"{STEP_S}s", "tests": [test]}
    (tmp_path / "story.yml").write_text(
        yaml.dump(json.loads(json.dumps(content)), Dumper=yaml.CSafeDumper, allow_unicode=True),
        encoding="utf-8",
    )
    judged = run(promtool, "test", "rules", "story.yml", folder=tmp_path)
    assert judged.returncode == 0, (judged.stdout + judged.stderr)[:6000]


def test_every_metric_of_the_exported_rules_is_one_that_the_product_exports() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("channelwatch/metrics", "channelwatch/app")
        for path in (Path(__file__).resolve().parents[2] / folder).rglob("*.py")
        if "alertrules" not in path.parts
    )
    asked = {
        name
        for rule in filter(is_followed, RULES.rules)
        for name in re.findall(r"channelwatch_(\w+)", expression(rule, RULES))
    }
    assert len(asked) > 5
    assert {name for name in asked if not re.search(rf'"(channelwatch_)?{name}"', source)} == set()
