"""Stories and comments of Hacker News over Algolia's search API.

`GET /api/v1/search_by_date` (hn.algolia.com/api) gives the newest items first and at most 1,000 of them, whatever page
is asked for, so a pass goes back window by window. Positions are `created_at_i`: seconds since 1970. The cursor:
`floor`, newest position of the last finished pass; `top`, newest position seen in this one; `next`, where this pass
goes on, asked for inclusively. All three are whole seconds; `next` is missing between two passes.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote, urlencode

from pydantic import Field

from sources.base import (
    BACKOFF_LONG,
    Clock,
    Cursor,
    Duration,
    Gap,
    Http,
    Page,
    Post,
    PostKind,
    SourceError,
    SourceSettings,
)
from sources.feed_identity import stable_id
from sources.http import based, get
from sources.text import html_to_text, plain_text

ENDPOINT = "https://hn.algolia.com/api/v1/search_by_date"
ITEM = "https://news.ycombinator.com/item?id="
WINDOW = 1000  # the most hits that one answer holds
TAILS = (10, 100, WINDOW)  # the last tenth of an answer, the last hundredth, the last hit: see _next


class HackerNewsSettings(SourceSettings):
    """All stories and comments of Hacker News."""

    type: Literal["hackernews"]
    every: Duration = Field(timedelta(minutes=1), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


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
        self._endpoint = based(config.base_url, ENDPOINT)
        self._http = http
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        floor, top, upto = self._positions(cursor, now)
        bound = floor - int(self.overlap.total_seconds())
        window = await self._ask(bound, upto)
        newest = min(max(window.positions, default=floor), int(now.timestamp()))
        top = max(top, newest)
        following, gaps = _next(window, bound, upto)
        ended = following is None or following < bound
        return Page(
            posts=await asyncio.to_thread(self._posts, window, now),
            cursor={"floor": top} if ended else {"floor": floor, "top": top, "next": following},
            more=not ended,
            gaps=gaps,
            notices=window.notices,
        )

    async def probe(self) -> str:
        now = self._clock()
        window = await self._ask(int((now - timedelta(days=1)).timestamp()), None)
        if not window.hits:
            return "answers, but shows nothing of the last day"
        newest = datetime.fromtimestamp(max(window.positions), UTC)
        return f"answers; newest item of {newest:%Y-%m-%d %H:%M} UTC"

    def _positions(self, cursor: Cursor, now: datetime) -> tuple[int, int, int | None]:
        """floor, top and next. A floor in the future (the clock was wrong) would hide everything: anew then."""
        floor = _whole(cursor.get("floor"))
        if floor is None or floor > (now + self.overlap).timestamp():
            floor = int((now - self._backlog).timestamp())
            return floor, floor, None
        return floor, max(floor, _whole(cursor.get("top")) or 0), _whole(cursor.get("next"))

    async def _ask(self, bound: int, upto: int | None) -> Window:
        """Items from `bound` to `upto`, both inclusive."""
        filters = [f"created_at_i>{bound - 1}"] + ([] if upto is None else [f"created_at_i<{upto + 1}"])
        query = {"tags": "(story,comment)", "hitsPerPage": str(WINDOW), "numericFilters": ",".join(filters)}
        response = await get(self._http, f"{self._endpoint}?{urlencode(query, safe='(),')}")
        return _window(response.body, upto)

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


def _next(window: Window, bound: int, upto: int | None) -> tuple[int | None, tuple[Gap, ...]]:
    """Where the pass goes on, None where it ends.

    What the server holds back comes after the last hit of its order. That order may be broken here and there (an old
    item pinned on top, items dated back), so the newest of several last hits is taken, fewer where that gains nothing.
    """
    if not window.follows or all(position < bound for position in window.positions):
        return None, ()
    asked = [position for position in window.positions if upto is None or position <= upto]
    for share in TAILS:
        following = max(asked[-max(1, len(asked) // share) :])
        if upto is None or following < upto:
            return following, ()
    assert upto is not None
    second = f"{datetime.fromtimestamp(upto, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return upto - 1, (Gap(f"more items of {second} than one answer holds: some of them may be lost"),)


def _window(body: bytes, upto: int | None) -> Window:
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
    if upto is not None and usable and all(hit["created_at_i"] > upto for hit in usable):
        raise SourceError("the answer ignores `numericFilters`", backoff_limit=BACKOFF_LONG)
    held = min(WINDOW, _whole(answer.get("hitsPerPage")) or WINDOW)  # the server may show fewer than it is asked for
    skipped = len(hits) - len(usable)
    notices = (f"{skipped} hits without objectID or created_at_i were left out",) if skipped else ()
    return Window(usable, follows=len(hits) >= held > 0, notices=notices)


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
