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
from sources.document import FeedParser
from sources.feed import FeedSettings, FeedSource
from sources.file import FileSettings, FileSource, StandardInput
from sources.forum import ForumSource
from sources.forum_settings import ForumSettings
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from sources.lemmy import LemmySettings, LemmySource, listings
from sources.nodebb import NodeBBSettings, NodeBBSource
from sources.page_reader import PageReader

if TYPE_CHECKING:
    import aiohttp

SourceConfig = Annotated[
    FeedSettings
    | DiscourseSettings
    | HackerNewsSettings
    | ForumSettings
    | LemmySettings
    | NodeBBSettings
    | FileSettings,
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
    pages: PageReader
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
        case ForumSettings():
            return {url: ForumSource(config, url, tools.http, tools.pages, tools.clock) for url in config.urls}
        case LemmySettings():
            return {each.part: LemmySource(config, each, tools.http, tools.clock) for each in listings(config)}
        case NodeBBSettings():
            return {WHOLE: NodeBBSource(config, tools.http, tools.clock)}
        case FileSettings(path="-"):
            return {WHOLE: StandardInput(config, tools.clock)}
        case FileSettings():
            return {WHOLE: FileSource(config, tools.clock)}
        case _:
            assert_never(config)


def fingerprint(config: SourceConfig, part: str) -> str:
    """What the cursor of this part points into; another value starts a first pass anew."""
    match config:
        case FeedSettings():
            target = config.address
        case DiscourseSettings() | NodeBBSettings():
            target = config.url
        case LemmySettings():
            target = f"{config.url} {part}"
        case ForumSettings():
            target = f"{part} {config.positions}"
        case HackerNewsSettings():
            target = part
        case FileSettings():
            target = config.path
        case _:
            assert_never(config)
    return hashlib.sha256(json.dumps([config.type, config.base_url, target]).encode()).hexdigest()[:32]
