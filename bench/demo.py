"""Figures of the demonstration: how soon the board knows, and how soon a trap is a webhook.

Runs `channelwatch demo` for three minutes and prints one JSON line a figure. It has no peer: the classic chain's
figures stand in `bench/README.md` once they are measured beside it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SECONDS = 180
PORT = 18088
AT_ONCE = ("device-down", "plaintext-bypass", "tamper")
"""Rules that do not wait before they speak: their time is the product's own."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        command = [
            sys.executable,
            "-m",
            "channelwatch.app",
            "demo",
            "--port",
            str(PORT),
            "--for",
            str(SECONDS),
        ]
        subprocess.run([*command, "--json", str(out)], check=True, stdout=sys.stderr, timeout=SECONDS + 120)
        figures = json.loads(out.read_text(encoding="utf-8"))
    show("first device state on the board", "s", figures["first_state_s"], floor=60.0, target=10.0)
    for rule in AT_ONCE:
        latency = figures["latency_ms_by_rule"].get(rule)
        if latency is not None:
            show(f"packet to webhook, {rule}, p50 of {latency['count']}", "ms", latency["p50"])
            show(
                f"packet to webhook, {rule}, p95 of {latency['count']}",
                "ms",
                latency["p95"],
                floor=500,
                target=250,
            )


def show(
    figure: str, unit: str, value: float, *, floor: float | None = None, target: float | None = None
) -> None:
    """One figure as a JSON line."""
    line: dict[str, Any] = {
        "figure": figure, "unit": unit, "value": value, "peer": None, "peer_value": None, "ratio": None,
        "floor": floor, "target": target, "measure": "value", "better": "lower",
    }  # fmt: skip
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
