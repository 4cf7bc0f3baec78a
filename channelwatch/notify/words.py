"""What every template says: the alert in words of the glossary, in one language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from channelwatch.base.clock import local_text
from channelwatch.incidents.model import PageKind
from channelwatch.pipeline.ports import Alert

Words = Callable[[str], str]
"""The word for a glossary key in the instance's language."""


@dataclass(frozen=True, slots=True)
class AlertText:
    """A subject line, and the body's lines."""

    subject: str
    lines: tuple[str, ...]


def alert_text(alert: Alert, words: Words, language: str) -> AlertText:
    """Subject and body. Nothing here that a device said: codes, unit names and glossary words only."""
    title = alert.title[language]
    subject = words("alert.subject").format(severity=alert.severity.upper(), unit=alert.unit, cause=title)
    if alert.kind is PageKind.RESTORED:
        subject = words("alert.recovered").format(unit=alert.unit, duration=_duration(alert, words))
    if alert.drill:
        subject = f"{words('alert.drill_prefix')} {subject}"
    return AlertText(subject, tuple(_lines(alert, words, title)))


def _lines(alert: Alert, words: Words, title: str) -> list[str]:
    lines = [
        f"{words('inc.number')}: {alert.number}",
        f"{words(f'sev.{alert.severity}')}: {title}",
        f"{words('entity.site')}: {alert.unit} ({alert.subject})",
    ]
    if alert.bloc is not None:
        lines.append(f"{words('bloc.label')}: {words(f'bloc.{alert.bloc}')}")
    lines.append(f"{words('inc.t0')}: {local_text(alert.t0)}")
    if alert.restored_at is not None:
        lines.append(f"{words('inc.restored')}: {local_text(alert.restored_at)}")
    if alert.impacted:
        lines.append(f"{words('flag.impacted')}: {alert.impacted}")
    if alert.kind is PageKind.REOPENED:
        lines.append(words("inc.reopened"))
    if alert.kind is PageKind.REPEATED:
        lines.append(words("alert.repeat").format(n=alert.step))
    if alert.runbook:
        lines.append(f"{words('inc.runbook')}: docs/runbooks/{alert.runbook}.md")
    return lines


def _duration(alert: Alert, words: Words) -> str:
    seconds = max(0, (alert.restored_at or alert.created_at) - alert.t0) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "unit_time.h"), (minutes, "unit_time.m"), (left, "unit_time.s")]
    return (
        " ".join(f"{number} {words(key)}" for number, key in parts if number) or f"0 {words('unit_time.s')}"
    )
