"""Every receiver there is: the union of their settings and the one place that builds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Annotated, TypeAlias, assert_never

from pydantic import Field

from alerts.apprise import Apprise, AppriseSettings
from alerts.base import Receiver
from alerts.console import Console, ConsoleSettings
from alerts.email import Email
from alerts.email_settings import EmailSettings
from alerts.links import NO_LINKS, Links
from alerts.slack import Slack, SlackSettings
from alerts.webhook import UpdatedWebhook, Webhook, WebhookSettings
from sources.base import Clock, Http

if TYPE_CHECKING:
    import aiohttp

ReceiverConfig: TypeAlias = Annotated[
    ConsoleSettings | SlackSettings | EmailSettings | WebhookSettings | AppriseSettings, Field(discriminator="type")
]


@dataclass(frozen=True, slots=True)
class Tools:
    """What receivers are given: the guarded HTTP, a client session for an address, the clock and standard output.

    `session_for` gets scheme, host and port of an operations address, `lasting_session_for` the same for connections
    that stay open; `write_line` adds the line end and flushes; `is_terminal`: standard output is one, so that colour is
    wanted. `zone` is that of the times people read, `links` lead to mentiond's own pages.
    """

    http: Http
    session_for: Callable[[str], aiohttp.ClientSession]
    lasting_session_for: Callable[[str], aiohttp.ClientSession]
    clock: Clock
    write_line: Callable[[str], None]
    is_terminal: bool = False
    zone: tzinfo = UTC
    links: Links = NO_LINKS


def build(config: ReceiverConfig, tools: Tools) -> Receiver:
    """The receiver that the settings describe; nothing is connected yet."""
    match config:
        case ConsoleSettings():
            return Console(config, tools.write_line, tools.is_terminal, tools.zone)
        case SlackSettings():
            return Slack(config, tools.session_for, tools.lasting_session_for, tools.clock, tools.zone)
        case EmailSettings():
            return Email(config, tools.clock, tools.zone, tools.links)
        case WebhookSettings():
            webhook = Webhook(config, tools.http, tools.clock)
            return UpdatedWebhook(webhook) if config.updates else webhook
        case AppriseSettings():
            return Apprise(config, tools.zone)
    assert_never(config)
