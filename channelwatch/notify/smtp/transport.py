"""One alert, one mail, one try, over SMTP (RFC 5321) with STARTTLS (RFC 3207) or implicit TLS (RFC 8314)."""

from __future__ import annotations

from dataclasses import dataclass

import aiosmtplib

from channelwatch.base.secrets import Secret
from channelwatch.notify.smtp.template import mail
from channelwatch.notify.words import Words
from channelwatch.pipeline.ports import Alert, Dead, Outcome, Retry, Sent


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

    def __init__(self, config: SmtpConfig, words: Words, language: str) -> None:
        self._config = config
        self._words = words
        self._language = language

    async def send(self, alert: Alert, destination: str) -> Outcome:
        """Hand the mail to the relay. 5xx answers are final, 4xx and network trouble are not."""
        config = self._config
        message = mail(alert, config.sender, destination, config.domain, (self._words, self._language))
        try:
            await aiosmtplib.send(
                message,
                hostname=config.host,
                port=config.port,
                username=config.user,
                password=config.password.reveal() if config.password is not None else None,
                use_tls=config.tls == "implicit",
                start_tls=config.tls == "starttls",
                timeout=config.timeout_s,
                local_hostname=config.domain,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            return _refused(max(item.code for item in error.recipients))
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code)
        except aiosmtplib.SMTPTimeoutError:
            return Retry("timeout")
        except (aiosmtplib.SMTPException, OSError):
            return Retry("connection")
        return Sent()


def _refused(code: int) -> Outcome:
    return Dead(f"smtp_{code}") if code >= 500 else Retry(f"smtp_{code}")
