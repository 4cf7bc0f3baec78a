"""What apprise is given: a title and a text."""

from __future__ import annotations

from channelwatch.notify.words import Voice, alert_text
from channelwatch.pipeline.ports import Alert


def message(alert: Alert, voice: Voice) -> tuple[str, str]:
    """Title and body. apprise carries no identity of a message: the body ends with it."""
    text = alert_text(alert, voice)
    return text.subject, "\n".join((*text.lines, alert.key))
