"""The mail of an alert (RFC 5322). Its Message-ID is the alert's key, so a second copy is recognised as one."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from channelwatch.incidents.model import PageKind
from channelwatch.notify.words import Words, alert_text
from channelwatch.pipeline.ports import Alert


def mail(alert: Alert, sender: str, to: str, domain: str, speech: tuple[Words, str]) -> EmailMessage:
    """The complete message; all mails of one incident form one thread."""
    words, language = speech
    text = alert_text(alert, words, language)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, text.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(alert.created_at / 1000, UTC))
    message["Message-ID"] = f"<{alert.key}@{domain}>"
    message["References"] = f"<{alert.number}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if alert.severity == "p1" and alert.kind is not PageKind.RESTORED:
        message["Importance"] = "high"
    message.set_content("\n".join(text.lines) + "\n", charset="utf-8", cte="quoted-printable")
    return message
