"""News articles of the world, and what was said on television, as GDELT finds them.

DOC 2.0 (blog.gdeltproject.org/gdelt-doc-2-0-api-debuts) lists the articles that were seen within a span of time, 250 at
the most, the newest first; TV 2.0 (gdelt-2-0-television-api-debuts) clips of 15 seconds with their captions. A pass
goes forward from the end of the last one, slice by slice; a slice that is full is halved and asked for again. The
cursor: `floor`, up to when the last finished pass has read; `next` and `span`, where this one goes on and how long its
next slice is. All are whole seconds; only `floor` is there between two passes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import urlencode

from pydantic import Field, field_validator

from sources.base import (
    FULL_TEXT,
    Clock,
    Cursor,
    Duration,
    Gap,
    Http,
    Interval,
    Name,
    Page,
    Post,
    PostKind,
    SearchDialect,
    SearchTerms,
    SourceError,
    SourceSettings,
    searches,
)
from sources.dates import published
from sources.feed_identity import canonical_link, stable_id
from sources.gdelt_answers import language_code, read
from sources.http import based, refusal, request, web_link
from sources.shape import Item, listed, text, usable, whole
from sources.text import html_to_text, plain_text

DOC = "https://api.gdeltproject.org/api/v2/doc/doc"
TV = "https://api.gdeltproject.org/api/v2/tv/tv"
ARTICLES, CLIPS = 250, 1000  # that one answer holds; the most that the DOC API gives
SHORTEST, SHORTEST_CLIPS = 900, 1800  # seconds of a slice that the APIs take
PACE = 6.0  # seconds between two requests; it asks for 5
BUSY_PAUSE = 60.0  # seconds, after it asked for less haste
LONGEST_BACKLOG = timedelta(days=90)  # as far back as it searches


class GdeltSettings(SourceSettings):
    """Searches of GDELT's articles, or of captions."""

    type: Literal["gdelt"]
    search: SearchTerms = Field(description="what to search for, a search each; or `{from: WATCHLIST}`")
    television: tuple[Name, ...] = Field((), description="stations whose captions are searched instead of articles")
    every: Interval = Field(default=timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(default=timedelta(days=1), description="how far back a first pass reads")
    full_text: bool = Field(False, description=FULL_TEXT)

    # Without NOT: the search sees whole articles, of which the answer gives a title.
    DIALECT: ClassVar[SearchDialect] = SearchDialect(without="", has_nesting=False, longest=250)

    @field_validator("search")
    @classmethod
    def _is_something(cls, value: SearchTerms) -> SearchTerms:
        if not value:
            raise ValueError("at least one search")
        return value


@dataclass(slots=True)
class Turns:
    """Keeps requests apart by PACE, those of all searches of a source together."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_at: float = 0.0

    async def wait(self) -> None:
        loop = asyncio.get_running_loop()
        async with self.lock:
            await asyncio.sleep(max(0.0, self.next_at - loop.time()))
            self.next_at = loop.time() + PACE


def gdelt_parts(config: GdeltSettings, http: Http, clock: Clock) -> dict[str, GdeltSource]:
    """Each search, by its words."""
    turns = Turns()
    return {search: GdeltSource(config, search, http, clock, turns) for search in searches(config.search)}


@dataclass(frozen=True, slots=True)
class Slice:
    """A span of time, both ends inclusive, in seconds since 1970."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        return self.end - self.start


class GdeltSource:
    """One search. Raises SourceError for what it refuses, also where it does so with status 200."""

    def __init__(self, config: GdeltSettings, search: str, http: Http, clock: Clock, turns: Turns) -> None:
        self._name = config.name
        self._backlog = min(config.backlog, LONGEST_BACKLOG)
        self._search = search
        self._stations = config.television
        # It reads the world every 15 minutes, some of it late; captions come by way of an archive.
        self.overlap = timedelta(days=3) if config.television else timedelta(hours=2)
        self._full_text = config.full_text and not config.television
        self._endpoint = based(config.base_url, TV if config.television else DOC)
        self._http = http
        self._clock = clock
        self._turns = turns

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        asked, floor = self._slice(cursor, now)
        found = await self._ask(asked)
        posts, notices = await asyncio.to_thread(self._posts, found, now)
        following, gaps = self._following(asked, len(found))
        more = following.start < int(now.timestamp())
        going_on: Cursor = {"floor": floor, "next": following.start, "span": following.seconds}
        return Page(
            posts=posts,
            cursor=going_on if more else {"floor": asked.end},
            more=more,
            gaps=gaps,
            notices=notices,
            articles={post.external_id: post.url for post in posts if post.url and self._full_text},
            reached=datetime.fromtimestamp(asked.end, UTC) if more else None,
        )

    async def probe(self) -> str:
        now = int(self._clock().timestamp())
        found = await self._ask(Slice(now - 24 * 3600, now))
        many = " or more" if len(found) >= self._most else ""
        return f"answers; {len(found)}{many} {self._kind} of the last day"

    @property
    def _kind(self) -> str:
        return "clips" if self._stations else "articles"

    @property
    def _most(self) -> int:
        return CLIPS if self._stations else ARTICLES

    @property
    def _shortest(self) -> int:
        return SHORTEST_CLIPS if self._stations else SHORTEST

    def _slice(self, cursor: Cursor, now: datetime) -> tuple[Slice, int]:
        """What to ask for now, and the floor. A floor in the future (the clock was wrong) would hide everything."""
        present, overlap = int(now.timestamp()), int(self.overlap.total_seconds())
        floor = whole(cursor, "floor")
        if floor is None or floor > present + overlap:
            floor = present - int(self._backlog.total_seconds())
        start = whole(cursor, "next") or floor - overlap
        end = min(present, start + (whole(cursor, "span") or present))
        return Slice(min(start, end - self._shortest), end), floor

    def _following(self, asked: Slice, found: int) -> tuple[Slice, tuple[Gap, ...]]:
        """The next slice: half of this one where it was full, twice as long where that should still fit."""
        if found < self._most:
            longer = asked.seconds * (2 if found < self._most // 3 else 1)
            return Slice(asked.end, asked.end + longer), ()
        if asked.seconds > self._shortest:
            return Slice(asked.start, asked.start + max(self._shortest, asked.seconds // 2)), ()
        begin = datetime.fromtimestamp(asked.start, UTC)
        minutes = self._shortest // 60
        gap = Gap(f"more {self._kind} within {minutes} minutes from {begin:%Y-%m-%d %H:%M} UTC than it shows")
        return Slice(asked.end, asked.end + self._shortest), (gap,)

    async def _ask(self, asked: Slice) -> list[Item]:
        begin, end = (datetime.fromtimestamp(second, UTC) for second in (asked.start, asked.end))
        query = {
            "query": self._query(),
            "mode": "ClipGallery" if self._stations else "ArtList",
            "format": "json",
            "maxrecords": str(self._most),
            "sort": "DateDesc",
            "startdatetime": f"{begin:%Y%m%d%H%M%S}",
            "enddatetime": f"{end:%Y%m%d%H%M%S}",
        }
        await self._turns.wait()
        response = await request(self._http, "GET", f"{self._endpoint}?{urlencode(query)}")
        if response.status != 200:
            raise refusal(response, self._endpoint, retry_after=BUSY_PAUSE if response.status == 429 else None)
        try:
            answer = await asyncio.to_thread(read, response.body, BUSY_PAUSE)
        except SourceError as error:
            if error.retry_after:
                self._http.pause(self._endpoint, error.retry_after)
            raise
        return listed(answer, "clips" if self._stations else "articles") if answer else []

    def _query(self) -> str:
        """The search, of these stations where there are any: brackets stand around several alternatives only."""
        named = [f"station:{station}" for station in self._stations]
        stations = f"({' OR '.join(named)})" if len(named) > 1 else "".join(named)
        return f"{self._search} {stations}".strip()

    def _posts(self, found: list[Item], now: datetime) -> tuple[tuple[Post, ...], tuple[str, ...]]:
        made = [self._clip(item, now) if self._stations else self._article(item, now) for item in found]
        notices = tuple(usable(found, made, self._kind))
        distinct = {post.external_id: post for post in reversed(made) if post is not None}
        return tuple(sorted(distinct.values(), key=lambda post: post.published_at)), notices

    def _article(self, item: Item, now: datetime) -> Post | None:
        url = web_link(text(item, "url").strip())
        title = html_to_text(text(item, "title"))
        if url is None:
            return None
        published_at, dated = published(text(item, "seendate"), now)
        return Post(
            source=self._name,
            external_id=stable_id(canonical_link(url)),
            url=url,
            title=title,
            text="",
            author=plain_text(text(item, "domain")) or None,
            lang=language_code(text(item, "language")),
            kind=PostKind.ARTICLE,
            published_at=published_at,
            published_raw=text(item, "seendate") or None,
            dated=dated,
        )

    def _clip(self, item: Item, now: datetime) -> Post | None:
        """`preview_url` names the show and the second where the clip begins."""
        url = web_link(text(item, "preview_url").strip())
        if url is None:
            return None
        published_at, dated = published(text(item, "date"), now)
        return Post(
            source=self._name,
            external_id=stable_id(url),
            url=url,
            title=html_to_text(text(item, "show")),
            text=html_to_text(text(item, "snippet")),
            author=plain_text(text(item, "station")) or None,
            kind=PostKind.ARTICLE,
            published_at=published_at,
            published_raw=text(item, "date") or None,
            dated=dated,
            raw=text(item, "snippet"),
        )
