"""Write docs/metrics.md from the catalogue of metrics.

Usage: tools/metrics_doc.py [FILE] (docs/metrics.md). A test compares the document with what this prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from channelwatch.metrics import catalogue
from channelwatch.metrics.incidents import INCIDENTS_TOLD
from channelwatch.metrics.readings import READINGS_PER_DEVICE
from channelwatch.metrics.text import LABEL_VALUE_CHARS, Family

HEAD = f"""# Metrics

What `channelwatch` tells Prometheus. This document is made from the program (`tools/metrics_doc.py`).

| path | what it gives |
|---|---|
| `/metrics` | everything |
| `/metrics/process` | the process' own figures |
| `/metrics/fleet` | devices, pairs, units, blocs and incidents |
| `/metrics/fleet?bloc=gov&bloc=na` | these blocs only |
| `/metrics/fleet?unit=21548` | one unit only, without figures of blocs |
| `/metrics/fleet?signals=false` | without the readings of the devices: a sixth of the series or less |

Who may read: a bearer of `http.metrics_token`, a client whose certificate `http.tls.clients` vouches for, and an
account with its API token, which sees its own blocs alone ([configuration](configuration.md#http)). A scraper that
asks for OpenMetrics 1.0.0 gets it, others the text format 0.0.4. How Prometheus is set up stands in
[deployment](../deploy/README.md), how far it carries in [scale](scale.md).

Names follow the Prometheus conventions: base units (`_seconds`, `_bytes`, `_ratio` from 0 to 1, `_celsius`,
`_volts`), `_total` for what only grows, `_timestamp_seconds` for instants in Unix time, `_info` for identities that
are always 1. A state is a set: one series for each state it can have, 1 for the present one. `unknown` is a state
of its own and never counts as good. Rates of devices end in `_per_second`: the collector makes them from the
devices' counters, since it alone sees a counter wrap or a device restart.

Every label has a bound. Codes come from the inventory and words from the program. What a device says of itself
(`model`, `firmware`, `component`) is cut at {LABEL_VALUE_CHARS} characters, and what cannot be printed is replaced.
One device has at most {READINGS_PER_DEVICE} readings as series, and at most {INCIDENTS_TOLD} incidents have a
series of their own; what is left out is counted. No address, no serial number and no text of a message is ever
told. A family marked with * has no series as long as there is nothing to tell.
"""


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/metrics.md")
    path.write_text(document(), encoding="utf-8")


def document() -> str:
    """The whole document."""
    parts = [
        HEAD,
        "## The process\n",
        "\n".join(_table(catalogue.PROCESS)),
        "\nPython's client library adds `_bucket`, `_sum` and `_count` to a histogram.\n",
        "## The fleet\n",
        "\n".join(_table(catalogue.FLEET)),
    ]
    return "\n".join(parts) + "\n"


def _table(families: Iterable[Family]) -> Iterator[str]:
    yield "| metric | type | labels | meaning |"
    yield "|---|---|---|---|"
    for family in families:
        mark = "*" if family.optional else ""
        labels = "; ".join(f"`{name}`: {values}" for name, values in family.labels.items()) or "-"
        yield f"| `{family.name}`{mark} | {family.kind} | {labels} | {family.help} |"


if __name__ == "__main__":
    main()
