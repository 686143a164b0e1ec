"""Every source that can be configured, and how it is built. A new source adds its two lines here."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated, assert_never

from pydantic import Field

from sources.base import Clock, Http, Source
from sources.feed import FeedParser, FeedSettings, FeedSource
from sources.file import FileSettings, FileSource, StandardInput
from sources.hackernews import HackerNewsSettings, HackerNewsSource

SourceConfig = Annotated[FeedSettings | HackerNewsSettings | FileSettings, Field(discriminator="type")]

LASTING = ("policy",)  # keys of a cursor that outlive a change of the address: how entries are told apart
WHOLE = ""  # the part of a source that has only one


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources are given."""

    http: Http
    parser: FeedParser
    clock: Clock


def build(config: SourceConfig, tools: Tools) -> dict[str, Source]:
    """The parts of a configured source by name; each has a cursor of its own."""
    match config:
        case FeedSettings():
            return {WHOLE: FeedSource(config, tools.http, tools.parser, tools.clock)}
        case HackerNewsSettings():
            return {WHOLE: HackerNewsSource(config, tools.http, tools.clock)}
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
            target = config.url
        case HackerNewsSettings():
            target = part
        case FileSettings():
            target = config.path
        case _:
            assert_never(config)
    return hashlib.sha256(json.dumps([config.type, config.base_url, target]).encode()).hexdigest()[:32]
