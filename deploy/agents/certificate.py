#!/usr/bin/python3
"""Print how long certificates are valid as JSON, for net-snmp's `extend`. Python 3.9 or newer and openssl.

Usage: certificate.py FILE_OR_FOLDER... A folder stands for its files named *.pem, *.crt and *.cer. Of a file with
several certificates the first counts. What cannot be read is told on standard error; the others are printed.
"""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TIMEOUT_S = 4.0
DAY_S = 86_400
SUFFIXES = (".pem", ".crt", ".cer")


def files(places: list[str]) -> Iterator[Path]:
    """The files that `places` stand for."""
    for place in map(Path, places):
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if path.suffix in SUFFIXES)
        else:
            yield place


def validity(path: Path) -> tuple[int, int]:
    """From when and until when the certificate in `path` is valid, epoch s."""
    form = "DER" if b"-----BEGIN" not in path.read_bytes() else "PEM"
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-startdate", "-enddate", "-inform", form, "-in", path],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    dates = dict(line.split("=", 1) for line in done.stdout.splitlines())
    return ssl.cert_time_to_seconds(dates["notBefore"]), ssl.cert_time_to_seconds(dates["notAfter"])


def main() -> int:
    """Print one JSON document; the exit status is 0 if every certificate could be read."""
    now = time.time()
    rows = []
    failed = 0
    for path in files(sys.argv[1:]):
        try:
            begins, ends = validity(path)
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as problem:
            print(f"certificate: {path}: {problem}", file=sys.stderr)
            failed = 1
            continue
        # Rounded down: a certificate that ended an hour ago has -1 days left, not 0.
        days = {"age": int((now - begins) // DAY_S), "remaining_days": int((ends - now) // DAY_S)}
        rows.append({"cert_name": path.name, **days})
    print(json.dumps({"version": 1, "error": 0, "errorString": "", "data": rows}, separators=(",", ":")))
    return failed


if __name__ == "__main__":
    sys.exit(main())
