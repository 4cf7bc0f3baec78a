"""What a profile makes of a device, for a person or a program to read. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from channelwatch.base.clock import EpochMs, iso_utc
from channelwatch.status.signals import Reading, Signal, SignalState
from channelwatch_collector.profiles.decode import Decoded
from channelwatch_collector.profiles.match import Identity, Recognised
from channelwatch_collector.profiles.values import dotted
from channelwatch_collector.snmp.port import AgentClock, Oid, PollFailure

NOT_FROM_POLLS = frozenset(
    {Signal.REACH_SNMP, Signal.REACH_LAST_SEEN_AGE, Signal.PAIR_STATE, Signal.SYS_RESTART}
)
"""Signals that no profile reads."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that asking a device, or a recording of one, brought.

    `rtt_ms` is None for a recording. `not_read` are objects that spoilt only themselves. `notes` are further remarks.
    """

    target: str
    asked_at: EpochMs
    identity: Identity
    recognised: Recognised
    decoded: Decoded
    agent: AgentClock | None = None
    rtt_ms: float | None = None
    not_read: Mapping[Oid, PollFailure] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def unsupported(self) -> list[Signal]:
        """Signals without a reading, in the vocabulary's order."""
        seen = {reading.signal for reading in self.decoded.readings}
        return [signal for signal in Signal if signal not in seen and signal not in NOT_FROM_POLLS]


def as_json(shown: Shown) -> str:
    """The whole as a JSON document."""
    agent = shown.agent
    document = {
        "target": shown.target,
        "asked_at": iso_utc(shown.asked_at),
        "sys_object_id": dotted(shown.identity.object_id),
        "sys_descr": shown.identity.descr,
        "engine_id": None if agent is None else agent.engine_id.hex(),
        "engine_boots": None if agent is None else agent.boots,
        "rtt_ms": None if shown.rtt_ms is None else round(shown.rtt_ms, 3),
        "profile": shown.recognised.profile.name,
        "recognised_by": shown.recognised.by.name.lower(),
        "evidence": shown.recognised.evidence,
        "readings": [
            {
                "signal": reading.signal.value,
                "component": reading.component,
                "state": reading.state.value,
                "value": reading.value,
                "unit": reading.unit,
                "source": reading.source,
                "raw": reading.raw,
            }
            for reading in shown.decoded.readings
        ],
        "unsupported": [signal.value for signal in shown.unsupported],
        "not_read": {dotted(oid): why.value for oid, why in shown.not_read.items()},
        "notes": list(shown.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2)


def as_text(shown: Shown) -> str:
    """The whole as lines: who it is, every signal, and what is missing."""
    recognised, agent = shown.recognised, shown.agent
    answered = "" if shown.rtt_ms is None else f"  answered in {shown.rtt_ms:.1f} ms"
    lines = [
        shown.target + answered,
        f"  sysObjectID  {dotted(shown.identity.object_id) or '-'}",
        f"  sysDescr     {shown.identity.descr or '-'}",
    ]
    if agent is not None:
        lines.append(f"  engine       {agent.engine_id.hex()}, {agent.boots} boots, up {agent.time_s} s")
    lines.append(f"  profile      {recognised.profile.name}, by {recognised.by.value}: {recognised.evidence}")
    rows = [("STATE", "SIGNAL", "COMPONENT", "VALUE", "SOURCE"), *map(_row, shown.decoded.readings)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines.append("")
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join((*cells, row[4])).rstrip())
    lines += ["", f"not offered: {', '.join(signal.value for signal in shown.unsupported)}"]
    lines += [f"not read: {dotted(oid)} ({why.value})" for oid, why in shown.not_read.items()]
    lines += [f"note: {note}" for note in shown.notes]
    return "\n".join(lines)


def _row(reading: Reading) -> tuple[str, str, str, str, str]:
    value = "-" if reading.value is None else f"{reading.value} {reading.unit}".strip()
    if reading.state is SignalState.UNKNOWN and reading.raw is not None:
        value += f" (raw {reading.raw})"
    return reading.state.value, reading.signal.value, reading.component, value, reading.source
