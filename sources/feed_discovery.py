"""From the address of a site to its feed: what the page declares, else the usual places; the first that is one wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sources.base import BACKOFF_LONG, Http, Response, SourceError
from sources.document import Document, FeedLink, FeedParser, NotAFeed
from sources.feed_links import by_promise, named, usual_places
from sources.http import get, shown

MOST_TRIES = 8  # requests for one discovery


@dataclass(frozen=True, slots=True)
class Found:
    """The feed that a site's address led to, read, and the feeds that the page names besides.

    `address` is where it was asked for.
    """

    link: FeedLink
    address: str
    response: Response
    document: Document
    others: tuple[FeedLink, ...]

    def __str__(self) -> str:
        besides = f"; it also names {named(self.others)}" if self.others else ""
        return f"its feed {named((self.link,))}{besides}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """Asks a site for its feed. `to_base` puts an address of the site's host below base_url."""

    http: Http
    parser: FeedParser
    to_base: Callable[[str], str]

    async def find(self, page: Response, refusal: NotAFeed, headers: Mapping[str, str]) -> Found:
        """Raises SourceError: what the page is, where it leads to no feed; or that a server asks for patience."""
        failure = not_a_feed(page, refusal)
        if not refusal.is_page:
            raise failure
        links = await self.parser.links(page.body, content_type=page.headers.get("content-type"), url=page.url)
        # What bars the way may be the form in the corner of every page; a real barrier declares no feed.
        candidates = by_promise(links) or ([] if refusal.is_barred else list(usual_places(page.url)))
        for link in candidates[:MOST_TRIES]:
            address = self.to_base(link.url)
            if (answer := await self._read(address, headers)) is not None:
                return Found(link, address, *answer, tuple(other for other in links if other != link))
        raise failure from refusal

    async def _read(self, address: str, headers: Mapping[str, str]) -> tuple[Response, Document] | None:
        try:
            response = await get(self.http, address, headers)
            return response, await read(self.parser, response)
        except NotAFeed:
            return None
        except SourceError as error:
            if error.retry_after is not None:
                raise
            return None


async def read(parser: FeedParser, response: Response) -> Document:
    """The feed in an answer. Raises NotAFeed."""
    return await parser.parse(response.body, content_type=response.headers.get("content-type"), url=response.url)


def not_a_feed(response: Response, refusal: NotAFeed) -> SourceError:
    """The error for an answer that is none."""
    return SourceError(f"{shown(response.url)}: not a feed: {refusal}", backoff_limit=BACKOFF_LONG)
