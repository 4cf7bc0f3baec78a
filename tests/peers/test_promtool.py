"""What `/metrics` shows, judged by Prometheus' own tool."""

from __future__ import annotations

import re
import subprocess

from channelwatch_collector.profiles.vocabulary import MEANING
from prometheus_client import generate_latest

from channelwatch.metrics.fleet import FAMILIES
from channelwatch.metrics.signals import NUMERIC
from channelwatch.status.signals import Reading, Signal, SignalState
from tests.support import require_binary
from tests.unit.metrics.test_fleet import text, world
from tests.unit.metrics.test_process import full_registry


def faults(metrics: bytes) -> tuple[int, str]:
    promtool = require_binary("promtool", package="prometheus")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=metrics,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=30,
    )
    return done.returncode, done.stdout.decode()


def test_it_finds_no_fault_with_the_fleet() -> None:
    readings = [
        Reading(signal, SignalState.OK, 1, unit=MEANING[signal].unit, component="c") for signal in NUMERIC
    ]
    whole = text(world(*readings, Reading(Signal.HA_ROLE, SignalState.OK, "active")))
    told = set(re.findall(r"^# TYPE (\S+)", whole, re.MULTILINE))
    assert {family.name for family in FAMILIES if not family.optional} <= told
    assert faults(whole.encode()) == (0, "")


def test_it_finds_no_fault_with_the_process() -> None:
    assert faults(generate_latest(full_registry())) == (0, "")
