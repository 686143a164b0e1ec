"""What a feed document says, whatever its format: the form between the feed parsers and the feed source."""

from __future__ import annotations

from dataclasses import dataclass


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


class NotAFeed(Exception):
    """The body is no feed; the message says what it is instead (an HTML page, empty, a bomb)."""
