"""The receiver `email`: one message per address over SMTP.

Pages: RFC 5321 (replies), RFC 3207 (STARTTLS), RFC 5322 (Message-ID), RFC 3834 (Auto-Submitted), RFC 2919 (List-Id).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, tzinfo
from email.headerregistry import Address as MailAddress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import TYPE_CHECKING

from alerts.base import SEND_TIMEOUT, Alert, Receipt, ReceiverError
from alerts.email_body import html_body, subject, text_body
from alerts.email_settings import EmailSettings
from alerts.excerpt import clean
from alerts.wording import compose
from sources.base import Clock

if TYPE_CHECKING:
    import aiosmtplib
    from aiosmtplib import SMTPResponseException

_TEXT_LIMIT = 4000  # of one post in a mail
_REPLY_LIMIT = 200
_TOO_LARGE = 552
_LOGIN_REQUIRED = 530
_POLICY = SMTP_POLICY.clone(cte_type="7bit")  # no server need know 8BITMIME


class Email:
    """Sends over a connection of its own for every message; never in plain text unless `tls: none`.

    A server without STARTTLS or with a wrong certificate gets nothing and is tried again until somebody has mended it.
    """

    def __init__(self, settings: EmailSettings, clock: Clock, zone: tzinfo = UTC) -> None:
        self._settings = settings
        self._zone = zone
        self._clock = clock

    async def send(self, alert: Alert) -> Receipt:
        message = self._message(alert)
        smtp = self._client()
        deadline = _deadline()
        try:
            async with _told(deadline):
                await smtp.connect()
                await smtp.mail(self._settings.sender)
                await smtp.rcpt(alert.recipient)
            async with _told(deadline, maybe_sent=True):
                await smtp.data(message.as_bytes())
            with suppress(Exception):  # taken is taken, however the server says goodbye
                await smtp.quit(timeout=1)
        finally:
            smtp.close()
        return Receipt(str(message["Message-ID"]))

    async def probe(self) -> str:
        """Connect, encrypt and log in as for a message."""
        smtp = self._client()
        try:
            async with _told(_deadline()):
                await smtp.connect()
                await smtp.noop()
        finally:
            smtp.close()
        settings = self._settings.smtp
        return f"{settings.host}:{settings.tcp_port} answers ({settings.tls})"

    def _client(self) -> aiosmtplib.SMTP:
        import aiosmtplib

        smtp = self._settings.smtp
        return aiosmtplib.SMTP(
            hostname=smtp.host,
            port=smtp.tcp_port,
            use_tls=smtp.tls == "tls",
            start_tls=smtp.tls == "starttls",
            username=smtp.username,
            password=smtp.password.get_secret_value() if smtp.password else None,
            timeout=SEND_TIMEOUT,
        )

    def _message(self, alert: Alert) -> EmailMessage:
        words = compose(alert, self._settings.lang, _TEXT_LIMIT, zone=self._zone)
        sender = self._settings.sender
        domain = sender.rpartition("@")[2]
        message = EmailMessage(_POLICY)
        message["From"] = MailAddress("mentiond", addr_spec=sender)
        message["To"] = MailAddress(addr_spec=alert.recipient)
        message["Subject"] = subject(words)
        message["Date"] = self._clock()
        message["Message-ID"] = f"<{hashlib.sha256(alert.key.encode()).hexdigest()[:32]}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["List-Id"] = f"<{self._settings.name}.mentiond.{domain}>"
        message.set_content(text_body(words))
        message.add_alternative(html_body(words, self._settings.lang), subtype="html")
        return message


def _deadline() -> float:
    return asyncio.get_running_loop().time() + SEND_TIMEOUT


@asynccontextmanager
async def _told(deadline: float, *, maybe_sent: bool = False) -> AsyncIterator[None]:
    """Whatever aiosmtplib throws, as ReceiverError. `maybe_sent`: what a lost connection leaves open."""
    from aiosmtplib import SMTPResponseException

    try:
        async with asyncio.timeout_at(deadline):
            yield
    except SMTPResponseException as error:
        raise _refusal(error, maybe_sent and error.code < 200) from error
    except TimeoutError as error:
        raise ReceiverError(f"no answer within {SEND_TIMEOUT:g} s", maybe_sent=maybe_sent) from error
    except Exception as error:
        raise ReceiverError(clean(str(error))[:_REPLY_LIMIT], maybe_sent=maybe_sent) from error


def _refusal(error: SMTPResponseException, maybe_sent: bool) -> ReceiverError:
    """A reply: 4xx passes, 5xx lasts. On RCPT and DATA it concerns this message, anywhere else all of them.

    aiosmtplib gives an unreadable reply the code -1.
    """
    from aiosmtplib import SMTPDataError, SMTPRecipientRefused

    is_message = isinstance(error, SMTPRecipientRefused | SMTPDataError) or error.code == _TOO_LARGE
    is_permanent = error.code >= 500
    is_channel = is_permanent and (not is_message or error.code == _LOGIN_REQUIRED)
    reply = clean(f"{error.code} {error.message}")[:_REPLY_LIMIT]
    return ReceiverError(reply, permanent=is_permanent, channel=is_channel, maybe_sent=maybe_sent)
