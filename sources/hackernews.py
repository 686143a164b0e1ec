"""Stories and comments of Hacker News over Algolia's search API (item by item: sources/hackernews_walk.py).

`GET /api/v1/search_by_date` (hn.algolia.com/api) gives the newest items first and at most 1,000 of them, whatever page
is asked for, so a pass goes back window by window. Positions are `created_at_i`: seconds since 1970. The cursor:
`floor`, newest position of the last finished pass; `top`, newest position seen in this one; `next`, where this pass
goes on, asked for inclusively; `low`, how far back the next answer may go, where that is not floor - overlap. All are
whole seconds; only `floor` is there between two passes.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from sources.base import (
    BACKOFF_LONG,
    FULL_TEXT,
    Clock,
    Cursor,
    Duration,
    Gap,
    Http,
    Interval,
    Page,
    Post,
    PostKind,
    SourceError,
    SourceSettings,
)
from sources.feed_identity import stable_id
from sources.http import based, get, web_link
from sources.text import html_to_text, plain_text

ENDPOINT = "https://hn.algolia.com/api/v1/search_by_date"
ITEM = "https://news.ycombinator.com/item?id="
WINDOW = 1000  # the most hits that one answer holds


class HackerNewsSettings(SourceSettings):
    """All stories and comments of Hacker News."""

    type: Literal["hackernews"]
    mode: Literal["search", "walk"] = Field("search", description="search: over Algolia; walk: item by item")
    every: Interval = Field(timedelta(minutes=1), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")
    full_text: bool = Field(False, description=FULL_TEXT)


@dataclass(frozen=True, slots=True)
class Span:
    """Positions that are asked for, both ends inclusive; `upto` None: to the newest."""

    low: int
    upto: int | None = None

    def holds(self, position: int) -> bool:
        return self.low <= position and (self.upto is None or position <= self.upto)


@dataclass(frozen=True, slots=True)
class Window:
    """One answer, in the order of the server. `follows`: the server holds more than it showed."""

    hits: list[dict[str, Any]]  # each with objectID and created_at_i
    follows: bool
    notices: tuple[str, ...]

    @property
    def positions(self) -> list[int]:
        return [hit["created_at_i"] for hit in self.hits]


class HackerNewsSource:
    """All stories and comments. Raises SourceError as sources.http.get does, and when the answer's shape changed."""

    overlap = timedelta(minutes=15)  # the index lags by seconds to minutes

    def __init__(self, config: HackerNewsSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._full_text = config.full_text
        self._endpoint = based(config.base_url, ENDPOINT)
        self._http = http
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        floor, top, span = self._resume(cursor, now)
        window = await self._ask(span)
        newest = min(max(window.positions, default=floor), int(now.timestamp()))
        top = max(top, newest)
        bound = floor - int(self.overlap.total_seconds())
        following, gaps = _next(window, span, bound)
        return Page(
            posts=await asyncio.to_thread(self._posts, window, now),
            cursor={"floor": top} if following is None else _cursor(floor, top, following, bound),
            more=following is not None,
            gaps=gaps,
            notices=window.notices,
            articles=_articles(window) if self._full_text else {},
        )

    async def probe(self) -> str:
        now = self._clock()
        window = await self._ask(Span(int((now - timedelta(days=1)).timestamp())))
        if not window.hits:
            return "answers, but shows nothing of the last day"
        newest = datetime.fromtimestamp(max(window.positions), UTC)
        return f"answers; newest item of {newest:%Y-%m-%d %H:%M} UTC"

    def _resume(self, cursor: Cursor, now: datetime) -> tuple[int, int, Span]:
        """Floor, top and what to ask for. A floor in the future (the clock was wrong) would hide everything: anew."""
        overlap = int(self.overlap.total_seconds())
        floor = _whole(cursor.get("floor"))
        if floor is None or floor > now.timestamp() + overlap:
            floor = max(overlap + 1, int(now.timestamp() - self._backlog.total_seconds()))
            return floor, floor, Span(floor - overlap)
        low = _whole(cursor.get("low"))
        span = Span(floor - overlap if low is None else low, _whole(cursor.get("next")))
        return floor, max(floor, _whole(cursor.get("top")) or 0), span

    async def _ask(self, span: Span) -> Window:
        filters = [f"created_at_i>{span.low - 1}"] + ([] if span.upto is None else [f"created_at_i<{span.upto + 1}"])
        query = {"tags": "(story,comment)", "hitsPerPage": str(WINDOW), "numericFilters": ",".join(filters)}
        response = await get(self._http, f"{self._endpoint}?{urlencode(query, safe='(),')}")
        return await asyncio.to_thread(_window, response.body, span)

    def _posts(self, window: Window, now: datetime) -> tuple[Post, ...]:
        hits = sorted(window.hits, key=lambda hit: int(hit["created_at_i"]))
        return tuple(self._post(hit, now) for hit in hits)

    def _post(self, hit: dict[str, Any], now: datetime) -> Post:
        is_comment = "comment" in (hit.get("_tags") or ())
        markup = _string(hit, "comment_text" if is_comment else "story_text") or ""
        link = None if is_comment else _string(hit, "url")
        counts = [count for count in (hit.get("points"), hit.get("num_comments")) if isinstance(count, int)]
        return Post(
            source=self._name,
            external_id=stable_id(hit["objectID"]),
            url=ITEM + quote(hit["objectID"], safe="", errors="replace"),
            # A comment bears no title: its story's would make every comment a mention of what the story names.
            title="" if is_comment else plain_text(_string(hit, "title") or ""),
            text="\n\n".join(filter(None, (html_to_text(markup), plain_text(link or "")))),
            author=plain_text(_string(hit, "author") or "") or None,
            kind=PostKind.COMMENT if is_comment else PostKind.POST,
            parent=_reference(hit, "parent_id"),
            thread=_reference(hit, "story_id"),
            engagement=sum(counts) if counts else None,
            published_at=min(datetime.fromtimestamp(hit["created_at_i"], UTC), now),
            published_raw=str(hit["created_at_i"]),
            raw=json.dumps({key: value for key, value in hit.items() if not key.startswith("_")}),
        )


def _articles(window: Window) -> dict[str, str]:
    """The pages that stories link to."""
    stories = [hit for hit in window.hits if "comment" not in (hit.get("_tags") or ())]
    links = {stable_id(hit["objectID"]): web_link(_string(hit, "url")) for hit in stories}
    return {story: link for story, link in links.items() if link}


def _cursor(floor: int, top: int, span: Span, bound: int) -> Cursor:
    cursor: Cursor = {"floor": floor, "top": top}
    if span.upto is not None:
        cursor["next"] = span.upto
    if span.low > bound:
        cursor["low"] = span.low
    return cursor


def _next(window: Window, span: Span, bound: int) -> tuple[Span | None, tuple[Gap, ...]]:
    """What to ask for next, None where the pass ends.

    What the server holds back comes after the last hit of its order. Where that is the order of positions, but for
    items pinned on top, the pass goes on from the last tenth, so that a few dated back at its end do no harm. Where it
    is not, what is held back may be anywhere: the span is narrowed until all of it is shown.
    """
    asked = [position for position in window.positions if span.holds(position)]
    if not window.follows or not asked:
        return _back_to(span.low - 1, bound), ()
    if span.low == span.upto:
        second = f"{datetime.fromtimestamp(span.low, UTC):%Y-%m-%d %H:%M:%S} UTC"
        gap = Gap(f"more items of {second} than one answer holds: some of them may be lost")
        return _back_to(span.low - 1, bound), (gap,)
    following = asked[-max(1, len(asked) // 10)]
    if _is_ordered(asked) and (span.upto is None or following < span.upto):
        return _back_to(following, bound), ()
    above = sorted(position for position in asked if position > span.low)
    return Span(above[len(above) // 4] if above else span.low + 1, span.upto), ()


def _back_to(position: int, bound: int) -> Span | None:
    return Span(bound, position) if position >= bound else None


def _is_ordered(positions: list[int]) -> bool:
    """Newest first, whatever the first tenth is like."""
    rest = positions[len(positions) // 10 :]
    return all(newer >= older for newer, older in pairwise(rest))


def _window(body: bytes, span: Span) -> Window:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("the answer is no JSON", backoff_limit=BACKOFF_LONG) from error
    hits = answer.get("hits") if isinstance(answer, dict) else None
    if not isinstance(hits, list):
        raise SourceError("the answer has changed its shape: no list `hits`", backoff_limit=BACKOFF_LONG)
    usable = [hit for hit in hits if _is_usable(hit)]
    if hits and not usable:
        message = "the answer has changed its shape: hits without objectID or created_at_i"
        raise SourceError(message, backoff_limit=BACKOFF_LONG)
    held = min(WINDOW, _whole(answer.get("hitsPerPage")) or WINDOW)  # the server may show fewer than it is asked for
    follows = len(hits) >= held > 0
    # A few that nobody asked for are pinned; a whole answer of them, with more to come, is none to ours.
    if span.upto is not None and follows and usable and all(hit["created_at_i"] > span.upto for hit in usable):
        raise SourceError("the answer ignores `numericFilters`", backoff_limit=BACKOFF_LONG)
    skipped = len(hits) - len(usable)
    notices = (f"{skipped} hits without objectID or created_at_i were left out",) if skipped else ()
    return Window(usable, follows=follows, notices=notices)


LATEST = 253402300799  # the last second that a datetime can hold


def _is_usable(hit: object) -> bool:
    if not isinstance(hit, dict) or not isinstance(hit.get("objectID"), str) or not hit["objectID"]:
        return False
    position = _whole(hit.get("created_at_i"))
    return position is not None and 0 <= position <= LATEST


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _string(hit: dict[str, Any], key: str) -> str | None:
    value = hit.get(key)
    return value if isinstance(value, str) and value else None


def _reference(hit: dict[str, Any], key: str) -> str | None:
    value = hit.get(key)
    return stable_id(str(value)) if isinstance(value, int | str) and value else None
