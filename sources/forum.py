"""Any board or comment page on the web, read by the CSS selectors that its configuration gives.

Where the newest stand first, a pass goes from page to page by the link to the next one, as sources.walk does; positions
are dates in seconds, or where there are none the numbers in the posts' identities. Where the oldest stand first, the
cursor holds the page at which the last pass ended, and the next one goes on there. Lists of threads are followed to the
pages of their last posts. The cursor holds besides: `robots`, what the host's robots.txt asks, for a day; within a pass
`pages`, how many were read, and `ids`, a digest of the last one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from sources.base import Clock, Cursor, Http, Page
from sources.forum_inspection import inspection
from sources.forum_passes import OVERLAP, downwards, threads_on, through_threads, upwards
from sources.forum_reader import BoardReader
from sources.forum_settings import OLDEST_FIRST, ForumSettings
from sources.page_reader import PageReader
from sources.robots import Robots, read_robots


class ForumSource:
    """One list. Raises SourceError too where the selectors catch nothing, or robots.txt forbids the page."""

    overlap = OVERLAP

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
        self._http = http
        self._clock = clock
        self._reader = BoardReader(config, url, http, pages, wait)

    async def fetch(self, cursor: Cursor) -> Page:
        now, start = self._clock(), self._reader.start
        kept = Robots.remembered(cursor.get("robots"), start, now)
        robots = kept or await read_robots(self._http, start, now)
        state: Cursor = {key: value for key, value in cursor.items() if key != "robots"}
        if self._config.follow is not None:
            page = await through_threads(self._reader, state, robots, now)
        elif self._config.order == OLDEST_FIRST:
            page = await upwards(self._reader, state, robots, now)
        else:
            page = await downwards(self._reader, state, robots, now)
        rules = robots.to_remember()
        return page if rules is None else replace(page, cursor=page.cursor | {"robots": rules})

    async def probe(self) -> str:
        now = self._clock()
        robots = await read_robots(self._http, self._reader.start, now)
        if self._config.follow is not None:
            return f"a list of {len(await threads_on(self._reader, robots))} threads"
        page = await self._reader.read(self._reader.start, robots, now)
        newest = max((post.published_at for post in page.posts if post.dated), default=None)
        return f"{len(page.posts)} posts" + (f", the newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "")

    async def inspect(self) -> tuple[str, ...]:
        now, url = self._clock(), self._reader.start
        robots = await read_robots(self._http, url, now)
        if self._config.follow is not None:
            url = (await threads_on(self._reader, robots))[0]
        response, caught = await self._reader.caught(url, robots, self._config.question)
        return inspection(self._config, caught, response.url, now)
