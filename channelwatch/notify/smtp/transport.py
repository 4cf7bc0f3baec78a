"""One alert, one mail, one try, over SMTP (RFC 5321) with STARTTLS (RFC 3207) or implicit TLS (RFC 8314)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from email.mime.text import MIMEText

import aiosmtplib

from channelwatch.base.secrets import Secret
from channelwatch.notify.smtp.template import mail
from channelwatch.notify.words import Voice
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent, Unsure

QUIT_S = 1.0
"""A relay that has taken the mail is given so long to say goodbye."""


@dataclass(frozen=True, slots=True)
class SmtpConfig:
    """The relay. `tls` is none, starttls or implicit; `domain` names this instance in HELO and Message-ID."""

    host: str
    port: int
    sender: str
    tls: str
    user: str | None
    password: Secret | None
    timeout_s: float
    domain: str


class SmtpChannel:
    """Delivery channel `smtp`; a destination is a mail address."""

    name = "smtp"

    def __init__(self, config: SmtpConfig, voice: Voice) -> None:
        self._config = config
        self._voice = voice

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Hand the mail to the relay. Only what it says of this mail or its recipient is final."""
        config = self._config
        message = mail(alert, config.sender, destination, config.domain, self._voice)
        client = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            username=config.user,
            password=config.password.reveal() if config.password is not None else None,
            use_tls=config.tls == "implicit",
            start_tls=config.tls == "starttls",
            timeout=config.timeout_s,
            local_hostname=config.domain,
        )
        try:
            outcome = await _hand_over(client, message, config.timeout_s)
            if isinstance(outcome, Sent):
                await _take_leave(client)
            return outcome
        finally:
            client.close()


async def _hand_over(client: aiosmtplib.SMTP, message: MIMEText, timeout_s: float) -> Outcome:
    is_welcome = False
    try:
        async with asyncio.timeout(timeout_s):
            await client.connect()
            is_welcome = True
            await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        return _of_this_mail(max(item.code for item in error.recipients))
    except aiosmtplib.SMTPDataError as error:
        return _of_this_mail(error.code)
    except aiosmtplib.SMTPResponseException as error:
        # The relay refuses us (a login, a sender): people can mend that, and the mail must go out then.
        return Retry(f"smtp_{error.code}")
    except aiosmtplib.SMTPNotSupported:
        return Retry("not_supported")
    except TimeoutError:
        # It may have the mail by then and not have said so; a second copy has the same Message-ID.
        return Unsure("timeout") if is_welcome else Retry("timeout")
    except (aiosmtplib.SMTPException, OSError):
        return Unsure("connection") if is_welcome else Retry("connection")
    return Sent()


async def _take_leave(client: aiosmtplib.SMTP) -> None:
    with suppress(aiosmtplib.SMTPException, OSError):
        async with asyncio.timeout(QUIT_S):
            await client.quit()


def _of_this_mail(code: int) -> Outcome:
    return Dead(f"smtp_{code}") if code >= 500 else Retry(f"smtp_{code}")
