"""What one reading costs in the state machine, and what a nation's readings weigh in memory."""

from __future__ import annotations

import gc
import time
from pathlib import Path

from channelwatch.app.rulefile import load_rules, shipped_rules
from channelwatch.base.clock import EpochMs
from channelwatch.base.ids import DeviceCode, LogId
from channelwatch.pipeline.ingest import ingest
from channelwatch.pipeline.world import World, WorldPolicy
from channelwatch.status.device import DeviceState, StepPolicy, answered
from channelwatch.status.events import PollAnswered
from channelwatch.status.signals import Reading, Signal, SignalState
from history import province

SIGNALS = 40
START = 1_767_200_400_000
POLL_MS = 60_000
BATCH = 512
ROUNDS = 7
_KINDS = (
    Signal.CRYPTO_SA_AGE, Signal.CRYPTO_SA_REMAINING, Signal.CHANNEL_RX_BYTES, Signal.CHANNEL_TX_BYTES,
    Signal.CRYPTO_AUTH_FAIL, Signal.IF_OPER, Signal.IF_ERR, Signal.ENV_TEMP, Signal.PLATFORM_CPU,
)  # fmt: skip


_TEXTS = {index: (f"{index}", f"1.3.6.1.2.1.{index}") for index in range(SIGNALS)}
"""Names and sources: a decoder makes each once, the poller's cache of texts shares them between devices."""


def readings(device: int, round_number: int) -> tuple[Reading, ...]:
    """Forty readings of one answer, each made anew with its value."""
    number = 7 * device + round_number
    own = [
        Reading(Signal.CRYPTO_MODE, SignalState.OK, "encrypting", source="1.3.6.1.4.1.32473.1.1"),
        Reading(Signal.CRYPTO_TAMPER, SignalState.OK, "clear", source="1.3.6.1.4.1.32473.1.2"),
        Reading(Signal.CHANNEL_STATE, SignalState.OK, "up", component="hub"),
        Reading(Signal.SYS_UPTIME, SignalState.OK, 86_400.0 + number, unit="s"),
    ]
    for index in range(SIGNALS - len(own)):
        component, source = _TEXTS[index // len(_KINDS) + 1][0], _TEXTS[index][1]
        kind = _KINDS[index % len(_KINDS)]
        own.append(Reading(kind, SignalState.OK, float(number + index), component, "s", source))
    return tuple(own)


def answer(device: DeviceCode, number: int, round_number: int) -> PollAnswered:
    """One answer with forty readings."""
    at = EpochMs(START + POLL_MS * round_number)
    return PollAnswered(device, EpochMs(at - 5), at, readings(number, round_number), "reference-encryptor")


def step_us() -> float:
    """Microseconds of processor time for each reading: the median of several rounds over a hundred devices."""
    policy = StepPolicy()
    states = [DeviceState(DeviceCode(f"51-D-{number:05d}-1")) for number in range(100)]
    took = []
    for round_number in range(ROUNDS):
        polls = [answer(state.device, number, round_number) for number, state in enumerate(states)]
        began = time.process_time()
        states = [answered(state, poll, policy).state for state, poll in zip(states, polls, strict=True)]
        took.append(time.process_time() - began)
    return sorted(took)[ROUNDS // 2] / (len(states) * SIGNALS) * 1e6


def memory_mb(devices: int) -> tuple[float, float]:
    """The resident memory of this process with a world of so many devices, and what of it the world takes. MB.

    To be run in a process of its own. Every device has answered three times.
    """
    estate = province.estate(devices).inventory
    rules = load_rules(shipped_rules())
    gc.collect()
    before = _resident()
    world = World(estate, rules, LogId("bench"), WorldPolicy(poll_ms=POLL_MS))
    for round_number in range(3):
        for start in range(0, devices, BATCH):
            some = estate.devices[start : start + BATCH]
            batch = [answer(item.code, start + i, round_number) for i, item in enumerate(some)]
            draft = ingest(world, batch, EpochMs(START + POLL_MS * round_number))
            draft.effects()
            draft.adopt()
    gc.collect()
    after = _resident()
    return after, after - before


def _resident() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
