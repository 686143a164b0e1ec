"""The feeds of a site: those that its page declares, and where feeds usually are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from sources.document import FeedLink
from sources.feed_entry import absolute
from sources.http import is_web_address
from sources.page_reader import PageReader, Question, Selector, decode_page
from sources.text import html_to_text

TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml")
MOST = 20  # links of one page
USUAL = ("feed", "feed.xml", "rss.xml", "atom.xml", "index.xml", "rss", "feed.json")

_QUESTION = Question(
    item='link[rel~="alternate" i][type][href]',
    fields={"type": Selector.of("@type"), "url": Selector.of("@href"), "title": Selector.of("@title")},
    page={"base": Selector.of("base@href")},
)


async def read_links(pages: PageReader, body: bytes, content_type: str | None, url: str) -> tuple[FeedLink, ...]:
    """The feeds that a page declares, each once, in its order. Raises PageError."""
    caught = await pages.read(await asyncio.to_thread(decode_page, body, content_type), _QUESTION)
    base = absolute(caught.page.get("base"), url) or url
    links: dict[str, FeedLink] = {}
    for item in caught.items:
        found = absolute(item["url"], base) or ""
        if is_web_address(found) and item["type"].partition(";")[0].strip().lower() in TYPES and len(links) < MOST:
            title = " ".join(html_to_text(item.get("title", "")).split())[:80]
            links.setdefault(found, FeedLink(found, title))
    return tuple(links.values())


def usual_places(url: str) -> Iterator[FeedLink]:
    """Where the feed of a site may be: below its address, or beside a page of it."""
    address = url.partition("?")[0].partition("#")[0]
    is_folder = "." not in urlsplit(address).path.rpartition("/")[2]
    for place in USUAL:
        yield FeedLink(urljoin(f"{address.rstrip('/')}/" if is_folder else address, place))


def by_promise(links: tuple[FeedLink, ...]) -> list[FeedLink]:
    """Feeds of posts before feeds of comments."""
    return sorted(links, key=lambda link: link.is_of_comments)


def named(links: tuple[FeedLink, ...]) -> str:
    """The feeds in one line, for the operator."""
    return ", ".join(f"{link.url} ({link.title})" if link.title else link.url for link in links)
