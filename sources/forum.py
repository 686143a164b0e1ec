"""Any board or comment page on the web, read by the CSS selectors that its configuration gives.

Where the newest stand first, a pass goes from page to page by the link to the next one, as sources.walk does; positions
are dates in seconds, or where there are none the numbers in the posts' identities. Where the oldest stand first, the
cursor holds the page at which the last pass ended, and the next one goes on there. In both cases it holds `robots`,
what the host's robots.txt asks, for a day; and within a pass `pages`, how many were read, and `ids`, a digest of the
last one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

from sources.base import BACKOFF_LONG, JSON, Clock, Cursor, Gap, Http, Page, Response, SourceError
from sources.feed_identity import digest
from sources.forum_inspection import inspection
from sources.forum_page import BoardPage, PageMaker
from sources.forum_settings import OLDEST_FIRST, ForumSettings
from sources.http import based, refusal, request, shown
from sources.page_reader import Caught, PageError, PageReader, decode_page
from sources.robots import Robots, read_robots
from sources.shape import text, whole
from sources.walk import Walk

MOST_PAGES = 200  # of one pass
MOST_PAGES_UPWARDS = 2000  # there a pass that is cut short goes on where it was
REREAD = 50  # numbers below the last position that are read again, where there are no dates
FRESH = 600  # seconds after which a pass that was broken off begins at its first page again: pages shift
BUSY_PAUSE = 60.0  # seconds, where a server asks for less haste without saying how much less


class ForumSource:
    """One list of posts. Raises SourceError too where the selectors catch nothing, or robots.txt forbids the page."""

    overlap = timedelta(hours=1)

    def __init__(
        self,
        config: ForumSettings,
        url: str,
        http: Http,
        pages: PageReader,
        clock: Clock,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._config = config
        self._url = based(config.base_url, url)
        self._http = http
        self._pages = pages
        self._clock = clock
        self._wait = wait
        self._maker = PageMaker(config, url)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        robots = Robots.remembered(cursor.get("robots"), self._url, now) or await read_robots(
            self._http, self._url, now
        )
        state: Cursor = {key: value for key, value in cursor.items() if key != "robots"}
        if self._config.order == OLDEST_FIRST:
            page = await self._upwards(state, robots, now)
        else:
            page = await self._downwards(state, robots, now)
        kept = robots.to_remember()
        return page if kept is None else replace(page, cursor=page.cursor | {"robots": kept})

    async def probe(self) -> str:
        now = self._clock()
        page = await self._read(self._url, await read_robots(self._http, self._url, now), now)
        newest = max((post.published_at for post in page.posts if post.dated), default=None)
        return f"{len(page.posts)} posts" + (f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "")

    async def inspect(self) -> tuple[str, ...]:
        now = self._clock()
        response, caught = await self._caught(self._url, await read_robots(self._http, self._url, now))
        return inspection(self._config, caught, response.url, now)

    async def _downwards(self, state: Cursor, robots: Robots, now: datetime) -> Page:
        """The newest first: down to where the last pass began."""
        walk = Walk.resume(state, now, self._config.backlog)
        count = (whole(state, "pages") or 0) + 1
        is_fresh = now.timestamp() - (whole(walk.page, "at") or 0) <= FRESH
        address = text(walk.page, "url") if is_fresh else ""
        page = await self._read(address or self._url, robots, now, paused=count > 1)
        ids = digest("\n".join(post.external_id for post in page.posts))
        is_again = bool(address) and ids == text(state, "ids")  # some boards show their last page for all after it
        is_last = page.next in (None, page.url, address) or is_again or not page.posts
        hint: JSON = {"url": page.next, "at": int(now.timestamp())}
        overlap = int(self.overlap.total_seconds()) if self._config.date else REREAD
        after, more, gaps = walk.step(
            page.places, overlap=overlap, follows=not is_last and count < MOST_PAGES, page=hint
        )
        if more:
            after |= {"pages": count, "ids": ids}
        elif count >= MOST_PAGES and not is_last:
            gaps = (*gaps, Gap(f"a pass ends after {MOST_PAGES} pages: what stands on later ones may be lost"))
        elif self._is_torn(page, walk):
            gaps = (*gaps, Gap("every item on the page is newer than the last pass: what came between is lost"))
        # Undated posts have all been "published" now: there the order of the page decides.
        posts = tuple(sorted(reversed(page.posts), key=lambda post: post.published_at))
        return Page(posts=posts, cursor=after, more=more, gaps=gaps, notices=page.notices)

    def _is_torn(self, page: BoardPage, walk: Walk) -> bool:
        """Whether a list without pages to turn has moved on by more than it shows."""
        oldest = min((place.position for place in page.places), default=None)
        return self._config.next is None and None not in (walk.floor, oldest) and (oldest or 0) > (walk.floor or 0)

    async def _upwards(self, state: Cursor, robots: Robots, now: datetime) -> Page:
        """The oldest first: from the page where the last pass ended."""
        kept, count = text(state, "page"), (whole(state, "pages") or 0) + 1
        notices: tuple[str, ...] = ()
        try:
            page = await self._read(kept or self._url, robots, now, paused=count > 1)
        except SourceError as error:
            if not kept or count > 1 or error.retry_after or error.backoff_limit != BACKOFF_LONG:
                raise
            page = await self._read(self._url, robots, now, paused=True)
            notices = (f"{error}; the pass begins at {shown(self._url)} again",)
            kept = ""
        follows = page.next is not None and page.next not in (page.url, kept) and bool(page.posts)
        following = page.next if follows else kept
        more = follows and count < MOST_PAGES_UPWARDS
        after: Cursor = ({"page": following} if following else {}) | ({"pages": count} if more else {})
        posts = tuple(sorted(page.posts, key=lambda post: post.published_at))
        return Page(posts=posts, cursor=after, more=more, notices=(*notices, *page.notices))

    async def _read(self, url: str, robots: Robots, now: datetime, *, paused: bool = False) -> BoardPage:
        response, caught = await self._caught(url, robots, paused=paused)
        return await asyncio.to_thread(self._maker.read, caught, response.url, now)

    async def _caught(self, url: str, robots: Robots, *, paused: bool = False) -> tuple[Response, Caught]:
        delay = await asyncio.to_thread(robots.check, url)
        if paused and (seconds := max(delay, self._config.pause.total_seconds())):
            await self._wait(seconds)
        response = await request(self._http, "GET", url, headers={"Accept": "text/html, application/xhtml+xml"})
        if response.status != 200:
            raise refusal(response, url, retry_after=BUSY_PAUSE if response.status == 429 else None)
        written = await asyncio.to_thread(decode_page, response.body, response.headers.get("content-type"))
        try:
            return response, await self._pages.read(written, self._config.question)
        except PageError as error:
            raise SourceError(f"{shown(url)}: {error}", backoff_limit=BACKOFF_LONG) from error
