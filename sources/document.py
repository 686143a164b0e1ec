"""What a feed document says, whatever its format: the form between the feed parsers and the feed source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, raw as the document gives it: HTML and entities still in, dates as written, links made absolute."""

    id: str | None = None  # guid, atom:id, rdf:about, JSON Feed id
    link: str | None = None
    title: str = ""  # HTML or text
    content: str = ""  # HTML or text: the longest of content, description and summary, children included
    date: str | None = None  # published, else updated, as written
    author: str | None = None
    lang: str | None = None
    thread: str | None = None  # thr:in-reply-to ref, or the comments page
    publisher: str | None = None  # where the entry came from, as feeds of several publishers say


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A parsed feed. `damaged`: the document was broken, entries before the damage are kept."""

    format: str  # "rss", "rdf", "atom", "json"
    entries: tuple[Entry, ...]  # in document order
    title: str = ""
    lang: str | None = None
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed that a page says it has. The title is plain text."""

    url: str
    title: str = ""

    @property
    def is_of_comments(self) -> bool:
        return bool(re.search("comment|kommentar", f"{self.title} {urlsplit(self.url).path}", re.IGNORECASE))


class NotAFeed(Exception):
    """The body is no feed; the message says what it is instead (an HTML page, empty, a bomb).

    is_page: it is an HTML page, which may say where the feed is. is_barred: one that asks for a login or checks for
    robots, at first sight.
    """

    def __init__(self, message: str, *, is_page: bool = False, is_barred: bool = False) -> None:
        super().__init__(message)
        self.is_page = is_page
        self.is_barred = is_barred


class FeedParser(Protocol):
    """Turns the body of an answer into a document. `url` is where the body came from."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        """Raises NotAFeed."""
        ...

    async def links(self, body: bytes, *, content_type: str | None, url: str) -> tuple[FeedLink, ...]:
        """The feeds that an HTML page declares, in its order."""
        ...
