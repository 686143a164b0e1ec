"""Asks for the pages of one board: as robots.txt allows, with pauses between them, read by the configured selectors."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from sources.base import BACKOFF_LONG, Http, Response, SourceError
from sources.forum_page import BoardPage, PageMaker
from sources.forum_settings import ForumSettings
from sources.http import based, refusal, request, shown
from sources.page_reader import Caught, PageError, PageReader, Question, decode_page
from sources.robots import Robots

BUSY_PAUSE = 60.0  # seconds, where a server asks for less haste without saying how much less


@dataclass(frozen=True, slots=True)
class BoardReader:
    """`site` is the configured address of the part."""

    config: ForumSettings
    site: str
    http: Http
    pages: PageReader
    wait: Callable[[float], Awaitable[None]]

    @property
    def start(self) -> str:
        """Where its first page is asked for."""
        return based(self.config.base_url, self.site)

    async def read(self, url: str, robots: Robots, now: datetime, *, paused: bool = False) -> BoardPage:
        """The posts of a page. Raises SourceError, also where its layout changed."""
        response, caught = await self.caught(url, robots, self.config.question, paused=paused)
        return await asyncio.to_thread(PageMaker(self.config, self.site).read, caught, response.url, now)

    async def caught(
        self, url: str, robots: Robots, question: Question, *, paused: bool = False
    ) -> tuple[Response, Caught]:
        """What is found on a page. paused: it is not the first of its pass. Raises SourceError."""
        delay = await asyncio.to_thread(robots.check, url)
        if paused and (seconds := max(delay, self.config.pause.total_seconds())):
            await self.wait(seconds)
        response = await request(self.http, "GET", url, headers={"Accept": "text/html, application/xhtml+xml"})
        if response.status != 200:
            raise refusal(response, url, retry_after=BUSY_PAUSE if response.status == 429 else None)
        written = await asyncio.to_thread(decode_page, response.body, response.headers.get("content-type"))
        try:
            return response, await self.pages.read(written, question)
        except PageError as error:
            raise SourceError(f"{shown(url)}: {error}", backoff_limit=BACKOFF_LONG) from error
