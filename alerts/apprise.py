"""The receiver `apprise`: every service that Apprise knows, Microsoft Teams among them, by its address.

An address is a secret. People and the store know it by its place in the list and its scheme, such as `2:workflows`.
Addresses: https://github.com/caronc/apprise/wiki
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, SecretStr, field_validator

from alerts.base import SEND_TIMEOUT, Alert, Receipt, ReceiverError, ReceiverSettings
from alerts.console import PLAIN, plain_lines
from alerts.excerpt import cut
from alerts.wording import Message, compose
from alerts.words import Lang

if TYPE_CHECKING:
    from apprise import NotifyBase

_TEXT_LIMIT: Final = 600  # of one post
_BODY_LIMIT: Final = 8_000  # where a service allows more


def _check_address(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", value.get_secret_value()):
        raise ValueError("an Apprise address such as workflows://... or discord://...")
    return value


class AppriseSettings(ReceiverSettings):
    """`type: apprise`. Each address has alerts of its own."""

    type: Literal["apprise"]
    urls: tuple[Annotated[SecretStr, AfterValidator(_check_address)], ...] = Field(
        min_length=1, description="Apprise addresses; each gets a message of its own"
    )
    lang: Lang = Field("en", description="the language of the words around a post")

    @field_validator("base_url")
    @classmethod
    def _has_its_addresses(cls, value: str | None) -> None:
        if value is not None:
            raise ValueError("apprise takes its addresses from `urls`: leave base_url out")

    @property
    def addresses(self) -> dict[str, str]:
        """By recipient: place and scheme, which tell nothing of what else stands in an address."""
        urls = [url.get_secret_value() for url in self.urls]
        return {f"{place}:{url.partition(':')[0].lower()}": url for place, url in enumerate(urls, 1)}

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(self.addresses)


class Apprise:
    """Sends with Apprise's library, which blocks: each address has at most one thread that is at it.

    The library says yes or no. What it knows beyond that stands in what it logs: the HTTP status, or that nobody was
    reached.
    """

    def __init__(self, settings: AppriseSettings, zone: tzinfo = UTC) -> None:
        self._settings = settings
        self._addresses = settings.addresses
        self._zone = zone
        self._busy: set[str] = set()

    async def send(self, alert: Alert) -> Receipt:
        address = self._addresses.get(alert.recipient)
        if address is None:
            raise ReceiverError(f"there is no address {alert.recipient!r} any more", permanent=True)
        settings = self._settings
        message = compose(alert, settings.lang, _TEXT_LIMIT, zone=self._zone, show_personal=settings.show_personal)
        await self._run(alert.recipient, partial(_notify, alert.recipient, address, message))
        return Receipt()

    async def probe(self) -> str:
        """Apprise reads each address; it has no way of asking a service without posting."""
        for recipient, address in self._addresses.items():
            await self._run(recipient, partial(_service, recipient, address))
        return f"read {', '.join(self._addresses)}; nothing was posted, so nobody was asked"

    async def _run(self, recipient: str, work: Callable[[], object]) -> None:
        """`work` on a thread of its own, which nobody waits for longer than SEND_TIMEOUT or when the daemon ends."""
        if recipient in self._busy:
            raise ReceiverError(f"{recipient} is still at the attempt before")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[ReceiverError | None] = loop.create_future()

        def finish(error: ReceiverError | None) -> None:
            self._busy.discard(recipient)
            if not done.done():
                done.set_result(error)

        def run() -> None:
            error = _trouble(recipient, work)
            with suppress(RuntimeError):  # the loop is gone: nobody wants to know any more
                loop.call_soon_threadsafe(finish, error)

        self._busy.add(recipient)
        threading.Thread(target=run, name=f"apprise {recipient}", daemon=True).start()
        try:
            error = await asyncio.wait_for(done, SEND_TIMEOUT)
        except TimeoutError:
            raise ReceiverError(f"{recipient}: no answer within {SEND_TIMEOUT:g} s", maybe_sent=True) from None
        if error:
            raise error


def _trouble(recipient: str, work: Callable[[], object]) -> ReceiverError | None:
    """What came of it; the text of what a plug-in throws may hold the address and is not told."""
    try:
        work()
    except ReceiverError as error:
        return error
    except Exception as error:
        return ReceiverError(f"{recipient}: {type(error).__name__} in Apprise", maybe_sent=True)
    return None


def _service(recipient: str, address: str) -> NotifyBase:
    """The plug-in that an address asks for. Raises ReceiverError."""
    import apprise

    asset = apprise.AppriseAsset(
        async_mode=False,
        http_redirects=False,
        default_service_retry=0,
        interpret_escapes=False,
        interpret_emojis=False,
        allow_templates=False,
        service_timeout=0,  # no thread of its own
    )
    logging.getLogger("apprise").propagate = False  # its lines hold addresses and texts: for _Overhearing alone
    logging.getLogger("urllib3").setLevel(logging.INFO)  # below it tells what it asks for
    service = apprise.Apprise.instantiate(address, asset=asset)
    if not isinstance(service, apprise.NotifyBase):
        raise ReceiverError(f"{recipient} is no address that Apprise knows", permanent=True, channel=True)
    service.socket_connect_timeout = service.socket_read_timeout = SEND_TIMEOUT / 2 - 1
    return service


def _notify(recipient: str, address: str, message: Message) -> None:
    """Send one message, blocking. Raises ReceiverError."""
    import apprise

    service = _service(recipient, address)
    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    is_markdown = service.notify_format is apprise.NotifyFormat.MARKDOWN
    title, body = _texts(message, min(service.body_maxlen, _BODY_LIMIT), is_markdown)
    form = apprise.NotifyFormat.MARKDOWN if is_markdown else apprise.NotifyFormat.TEXT
    with _Overhearing() as heard:
        sent = sender.notify(body=body, title=title, body_format=form)
    if not sent:
        raise heard.error(recipient)


def _texts(message: Message, limit: int, is_markdown: bool) -> tuple[str, str]:
    """Title and body. Where little may be said the links are kept: they lead to the rest."""
    links = [*message.links, *message.seen_at]
    title, *lines = plain_lines(replace(message, links=(), seen_at=()), PLAIN)
    said = [_inert(line.strip()) for line in lines if line.strip()]
    body, foot = "\n".join(said), "\n".join(f"{link.label}: {link.url}" for link in links)
    if is_markdown:
        body = "\n\n".join(_MARKUP.sub(r"\\\1", line) for line in said)
        foot = "\n\n".join(f"[{link.label}]({quote(link.url, safe=_IN_BRACKETS)})" for link in links)
    room = limit - len(foot) - 2
    if room < limit // 2:
        return _inert(title), cut(body, limit)
    return _inert(title), "\n\n".join(part for part in (cut(body, room), foot) if part)


_MARKUP = re.compile(r"([\\`*_\[\]~#|])")
_IN_BRACKETS: Final = "%/:?#@!$&*+,;=~-._'"  # what a link keeps within ( )


def _inert(text: str) -> str:
    """What calls nobody, links nowhere and is no markup in any of the services; to the eye it stays the same."""
    text = re.sub(r"(?<!\w)@(?=\w)", "@\u2060", text).replace("](", "]\u2060(").replace("```", "'''")
    return text.replace("<", "‹").replace(">", "›")


class _Overhearing(logging.Handler):
    """What Apprise logs on this thread; of it only a status or the kind of trouble is told, the rest may be secret."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._thread = threading.get_ident()
        self._heard: list[str] = []

    def __enter__(self) -> _Overhearing:
        logger = logging.getLogger("apprise")
        logger.setLevel(logging.DEBUG)
        logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("apprise").removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._heard.append(record.getMessage())

    def error(self, recipient: str) -> ReceiverError:
        """Why it was not sent, as far as can be told."""
        heard = "\n".join(self._heard)
        if status := re.search(r"\berror=(\d{3})\b", heard):
            return ReceiverError(f"{recipient}: answered {status[1]}", maybe_sent=status[1] >= "500")
        if re.search(r"Connection refused|ConnectTimeout|NameResolution|SSLError|NewConnectionError", heard):
            return ReceiverError(f"{recipient}: cannot be reached")
        return ReceiverError(f"{recipient}: Apprise could not send", maybe_sent=True)
