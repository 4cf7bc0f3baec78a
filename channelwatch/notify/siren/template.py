"""What the command is told, in its environment: facts of the product's own vocabulary, one a variable."""

from __future__ import annotations

from channelwatch.notify.words import Voice, headline
from channelwatch.pipeline.ports import Alert


def environment(alert: Alert, voice: Voice) -> dict[str, str]:
    """`CHANNELWATCH_...` variables; nothing of the service's own environment, where secrets may be."""
    facts = {
        "KEY": alert.key,
        "INCIDENT": alert.number,
        "KIND": alert.kind,
        "SEVERITY": alert.severity,
        "TEXT": headline(alert, voice),
        "DRILL": "1" if alert.drill else "0",
    }
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | {
        f"CHANNELWATCH_{name}": value for name, value in facts.items()
    }
