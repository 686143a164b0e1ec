"""The receiver `email`: one message per address over SMTP.

Pages: RFC 5321 (replies), RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from alerts.base import SEND_TIMEOUT, Alert, Receipt, ReceiverError
from alerts.email_message import Writer
from alerts.email_settings import EmailSettings
from alerts.excerpt import clean
from alerts.links import NO_LINKS, Links
from sources.base import Clock

if TYPE_CHECKING:
    import aiosmtplib
    from aiosmtplib import SMTPResponseException

_REPLY_LIMIT = 200
_TOO_LARGE = 552
_LOGIN_REQUIRED = 530


class Email:
    """Sends over a connection of its own for every message; never in plain text unless `tls: none`.

    A server without STARTTLS or with a wrong certificate gets nothing and is tried again until somebody has mended it.
    """

    def __init__(self, settings: EmailSettings, clock: Clock, zone: tzinfo = UTC, links: Links = NO_LINKS) -> None:
        self._settings = settings
        self._writer = Writer(settings, clock, zone, links)

    async def send(self, alert: Alert) -> Receipt:
        message = self._writer.write(alert)
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
