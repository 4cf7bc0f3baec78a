#!/usr/bin/python3
"""Print WireGuard's peers as JSON, for net-snmp's `extend`. Python 3.9 or newer and `wg`, nothing else.

Usage: wireguard.py [NAMES]. NAMES is a file with a public key and a name in each line; a peer without a name there is
called by its public key. Keys that are secret are never asked for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

WG = "wg"
TIMEOUT_S = 4.0

Peers = dict[str, dict[str, dict[str, "int | None"]]]


def ask(what: str) -> list[list[str]]:
    """The fields of each line of `wg show all WHAT`."""
    done = subprocess.run(
        [WG, "show", "all", what], capture_output=True, text=True, timeout=TIMEOUT_S, check=True
    )
    return [line.split("\t") for line in done.stdout.splitlines()]


def names_in(path: str) -> dict[str, str]:
    """Names by public key."""
    lines = (line.split(maxsplit=1) for line in Path(path).read_text(encoding="utf-8").splitlines())
    return {fields[0]: fields[1].strip() for fields in lines if len(fields) == 2}


def peers(names: dict[str, str], now: float) -> Peers:
    """By interface and peer: minutes since the last handshake (None: never), octets received and sent."""
    found: Peers = {}
    for interface, key, at in ask("latest-handshakes"):
        minutes = max(0, int(now - int(at)) // 60) if int(at) else None
        found.setdefault(interface, {})[names.get(key, key)] = {"minutes_since_last_handshake": minutes}
    for interface, key, received, sent in ask("transfer"):
        counters = {"bytes_rcvd": int(received), "bytes_sent": int(sent)}
        found.setdefault(interface, {}).setdefault(names.get(key, key), {}).update(counters)
    return found


def main() -> int:
    """Print one JSON document; the exit status is 0 if it tells the truth."""
    try:
        names = names_in(sys.argv[1]) if len(sys.argv) > 1 else {}
        document = {"version": 1, "error": 0, "errorString": "", "data": peers(names, time.time())}
    except (OSError, ValueError, subprocess.SubprocessError) as problem:
        print(f"wireguard: {problem}", file=sys.stderr)
        return 1
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
