"""The mail of an alert (RFC 5322). Its Message-ID is the alert's key, so a second copy is recognised as one."""

from __future__ import annotations

from datetime import UTC, datetime
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime

from channelwatch.incidents.model import OVER
from channelwatch.notify.words import Voice, alert_text
from channelwatch.pipeline.ports import Alert


def mail(alert: Alert, sender: str, to: str, domain: str, voice: Voice) -> MIMEText:
    """The complete message; all mails of one incident form one thread."""
    text = alert_text(alert, voice)
    message = MIMEText("\n".join(text.lines) + "\n", "plain", "utf-8")
    # Not EmailMessage: in Python 3.11 it loses the space where it breaks a long header between encoded words.
    message["Subject"] = Header(text.subject, "utf-8", header_name="Subject").encode()
    message["From"], message["To"] = sender, to
    message["Date"] = format_datetime(datetime.fromtimestamp(alert.created_at / 1000, UTC))
    message["Message-ID"] = f"<{alert.key}@{domain}>"
    message["References"] = f"<{alert.number}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if alert.severity == "p1" and alert.kind not in OVER:
        message["Importance"] = "high"
    return message
