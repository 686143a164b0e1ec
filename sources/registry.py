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
from sources.gdelt import GdeltSettings, gdelt_parts
from sources.hackernews import HackerNewsSettings, HackerNewsSource
from sources.news import NewsSettings, news_parts, news_target

if TYPE_CHECKING:
    import aiohttp

SourceConfig = Annotated[
    FeedSettings
    | DiscourseSettings
    | GdeltSettings
    | HackerNewsSettings
    | NewsSettings
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
        case GdeltSettings():
            return {**gdelt_parts(config, tools.http, tools.clock)}
        case NewsSettings():
            return {**news_parts(config, tools.http, tools.parser, tools.clock)}
        case FileSettings(path="-"):
            return {WHOLE: StandardInput(config, tools.clock)}
        case FileSettings():
            return {WHOLE: FileSource(config, tools.clock)}
        case _:
            assert_never(config)


def fingerprint(config: SourceConfig, part: str) -> str:
    """What the cursor of this part points into; another value starts a first pass anew."""
    match config:
        case FeedSettings() | DiscourseSettings():
            target = config.url
        case HackerNewsSettings():
            target = part
        case GdeltSettings():
            target = " ".join([part, *config.television])
        case NewsSettings():
            target = news_target(config, part)
        case FileSettings():
            target = config.path
        case _:
            assert_never(config)
    return hashlib.sha256(json.dumps([config.type, config.base_url, target]).encode()).hexdigest()[:32]
