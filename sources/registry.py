"""Every source that can be configured, and how it is built. A new source adds its two lines here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, assert_never, get_args

from pydantic import Field

from sources.base import Clock, Http, Inbox, Source, Stream
from sources.discourse import DiscourseSettings, DiscourseSource
from sources.feed import FeedParser, FeedSettings, FeedSource
from sources.file import FileSettings, FileSource, StandardInput
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from sources.imap import ImapSettings, ImapSource
from sources.meta import MetaSettings, MetaSource, graph_of
from sources.meta_comments import MetaComments
from sources.webhook import WebhookSettings, WebhookSource

if TYPE_CHECKING:
    import aiohttp

SourceConfig = Annotated[
    FeedSettings
    | DiscourseSettings
    | HackerNewsSettings
    | FileSettings
    | ImapSettings
    | MetaSettings
    | WebhookSettings,
    Field(discriminator="type"),
]  # fmt: skip

SOURCE_TYPES = tuple(
    str(get_args(model.model_fields["type"].annotation)[0]) for model in get_args(get_args(SourceConfig)[0])
)
LASTING = ("policy",)  # keys of a cursor that outlive a change of the address: how entries are told apart
WHOLE = ""  # the part of a source that has only one


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources are given. `session_for` is the guarded session of a host, for streams."""

    http: Http
    parser: FeedParser
    clock: Clock
    inbox: Inbox
    session_for: Callable[[str], aiohttp.ClientSession]


def build(config: SourceConfig, tools: Tools) -> dict[str, Source | Stream]:
    """The parts of a configured source by name; each has a cursor of its own."""
    match config:
        case FeedSettings():
            return {WHOLE: FeedSource(config, tools.http, tools.parser, tools.clock)}
        case DiscourseSettings():
            return {WHOLE: DiscourseSource(config, tools.http, tools.clock)}
        case HackerNewsSettings():
            return {WHOLE: HackerNewsSource(config, tools.http, tools.clock)}
        case FileSettings(path="-"):
            return {WHOLE: StandardInput(config, tools.clock)}
        case FileSettings():
            return {WHOLE: FileSource(config, tools.clock)}
        case ImapSettings():
            return {mailbox: ImapSource(config, mailbox, tools.clock) for mailbox in config.mailboxes}
        case MetaSettings():
            return _meta(config, tools)
        case WebhookSettings():
            return {WHOLE: WebhookSource(config, tools.inbox, tools.clock)}
        case _:
            assert_never(config)


def _meta(config: MetaSettings, tools: Tools) -> dict[str, Source | Stream]:
    graph = graph_of(config, tools.http, tools.clock)
    parts: dict[str, Source | Stream] = {WHOLE: MetaSource(config, graph, tools.inbox, tools.clock)}
    if graph is not None and config.page_id is not None:
        bounds = {"backlog": config.backlog, "posts_within": config.posts_within}
        parts["comments"] = MetaComments(config.name, config.page_id, graph, tools.clock, **bounds)
    return parts


def fingerprint(config: SourceConfig, part: str) -> str:
    """What the cursor of this part points into; another value starts a first pass anew."""
    target: str | list[str]
    match config:
        case FeedSettings() | DiscourseSettings():
            target = config.url
        case HackerNewsSettings() | WebhookSettings():
            target = part
        case FileSettings():
            target = config.path
        case MetaSettings():
            target = [config.page_id or "", part] if part else part
        case ImapSettings():
            target = [config.account.place, config.username, part]
        case _:
            assert_never(config)
    return hashlib.sha256(json.dumps([config.type, config.base_url, target]).encode()).hexdigest()[:32]
