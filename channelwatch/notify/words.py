"""What every template says: the alert in words of the glossary, in one language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from channelwatch.base.clock import local_text
from channelwatch.incidents.model import PageKind
from channelwatch.notify.acks import Acks
from channelwatch.pipeline.ports import Alert

Words = Callable[[str], str]
"""The word for a glossary key in the instance's language."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a channel speaks. One whose messages leave the instance's network (`inside` false) names no place and no
    fault; `acks` lets a message say how to take the incident."""

    words: Words
    language: str
    inside: bool = True
    acks: Acks | None = None

    def heard(self, *, inside: bool) -> Voice:
        """The same voice to a receiver in or outside of the network."""
        return replace(self, inside=inside)


@dataclass(frozen=True, slots=True)
class AlertText:
    """A subject line, and the body's lines."""

    subject: str
    lines: tuple[str, ...]


def alert_text(alert: Alert, voice: Voice) -> AlertText:
    """Subject and body. Nothing here that a device said: codes, unit names and glossary words only."""
    return AlertText(headline(alert, voice), (*_lines(alert, voice), *_how_to_take(alert, voice)))


def headline(alert: Alert, voice: Voice) -> str:
    """The subject line."""
    text = _told_inside(alert, voice) if voice.inside else _told_outside(alert, voice.words)
    if alert.others:
        text = f"{text} (+{alert.others})"
    return f"{voice.words('alert.drill_prefix')} {text}" if alert.drill else text


def _told_inside(alert: Alert, voice: Voice) -> str:
    words = voice.words
    if alert.kind is PageKind.RESTORED:
        return words("alert.recovered").format(unit=alert.unit, duration=_duration(alert, words))
    title = alert.title[voice.language]
    if alert.kind is PageKind.PASSED:
        return words("alert.passed").format(
            severity=alert.severity.upper(), unit=alert.unit, cause=title, duration=_duration(alert, words)
        )
    return words("alert.subject").format(severity=alert.severity.upper(), unit=alert.unit, cause=title)


def _told_outside(alert: Alert, words: Words) -> str:
    """Severity and number, no place (domain model, section 3.6)."""
    if alert.kind is PageKind.RESTORED:
        return words("alert.over_no_detail").format(number=alert.number)
    if alert.kind is PageKind.PASSED:
        return words("alert.passed_no_detail").format(number=alert.number, severity=alert.severity.upper())
    return f"{alert.number}: " + words("alert.no_detail").format(severity=alert.severity.upper())


def _lines(alert: Alert, voice: Voice) -> list[str]:
    words = voice.words
    if not voice.inside:
        told = [f"{words('inc.number')}: {alert.number}", f"{words('inc.t0')}: {local_text(alert.t0)}"]
        return [*told, *_reminder(alert, words), *_others(alert, words)]
    title = alert.title[voice.language]
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
    if alert.kind is PageKind.RAISED:
        lines.append(words("alert.raised"))
    lines += [*_reminder(alert, words), *_others(alert, words)]
    if alert.runbook:
        lines.append(f"{words('inc.runbook')}: docs/runbooks/{alert.runbook}.md")
    return lines


def _reminder(alert: Alert, words: Words) -> list[str]:
    if alert.kind is PageKind.LAPSED:
        return [words("alert.lapsed")]
    if alert.kind is PageKind.ESCALATED:
        return [words("alert.unanswered")]
    return [words("alert.repeat").format(n=alert.step)] if alert.kind is PageKind.REPEATED else []


def _others(alert: Alert, words: Words) -> list[str]:
    return [words("alert.others").format(n=alert.others)] if alert.others else []


def _how_to_take(alert: Alert, voice: Voice) -> list[str]:
    if voice.acks is None:
        return []
    link, code = voice.acks.link(alert), voice.acks.code(alert)
    said = [voice.words("alert.ack_link").format(url=link)] if link is not None else []
    return [*said, voice.words("alert.ack_code").format(code=code)] if code is not None else said


def _duration(alert: Alert, words: Words) -> str:
    seconds = max(0, (alert.restored_at or alert.created_at) - alert.t0) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "unit_time.h"), (minutes, "unit_time.m"), (left, "unit_time.s")]
    return (
        " ".join(f"{number} {words(key)}" for number, key in parts if number) or f"0 {words('unit_time.s')}"
    )
