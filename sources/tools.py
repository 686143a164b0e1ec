"""What sources are built with, and what a source is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from sources.base import Clock, Http, Inbox, Source, Stream
from sources.document import FeedParser
from sources.page_reader import PageReader

if TYPE_CHECKING:
    import aiohttp

WHOLE = ""  # the part of a source that has only one
Parts: TypeAlias = dict[str, Source | Stream]  # by name; each has a cursor of its own


@dataclass(frozen=True, slots=True)
class Tools:
    """What sources are given. `session_for` is the guarded session of a host, for streams."""

    http: Http
    parser: FeedParser
    pages: PageReader
    clock: Clock
    inbox: Inbox
    session_for: Callable[[str], aiohttp.ClientSession]
