"""Comments on videos and channels of YouTube, and videos that a search finds (sources/youtube_search.py).

Data API v3, `commentThreads.list` (developers.google.com/youtube/v3/docs): with `order=time` the newest threads first,
100 an answer, each with up to five of its replies. Positions are seconds since 1970. A page token that is no longer
valid ends the pass, and the next one begins anew. A day's quota is 10,000 calls of this kind, from midnight to
midnight Pacific time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, model_validator

from sources.api import DEFAULT_PAUSE, Api
from sources.base import (
    BACKOFF_LONG,
    BACKOFF_SHORT,
    JSON,
    Clock,
    Cursor,
    Duration,
    Http,
    Interval,
    Page,
    Post,
    PostKind,
    Response,
    SearchDialect,
    SearchTerms,
    SourceError,
    SourceSettings,
)
from sources.dates import published
from sources.http import based
from sources.shape import Item, counted, find, item, items, listed, reference, text, usable
from sources.text import html_to_text, plain_text
from sources.walk import Place, Walk

ENDPOINT = "https://www.googleapis.com/youtube/v3"
WATCH = "https://www.youtube.com/watch?v="
PACIFIC = ZoneInfo("America/Los_Angeles")
USED_UP = {"quotaExceeded", "dailyLimitExceeded"}
TOO_FAST = {"rateLimitExceeded", "userRateLimitExceeded"}
BAD_KEY = {"keyInvalid", "keyExpired", "API_KEY_INVALID"}

Channel = Annotated[str, Field(pattern=r"^UC[A-Za-z0-9_-]{22}$")]
Video = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{11}$")]


class YouTubeSettings(SourceSettings):
    """Channels and videos whose comments are read, and searches for videos."""

    # No sign for NOT: the search sees more of a video than the shortened description that it returns.
    DIALECT: ClassVar[SearchDialect] = SearchDialect(either="|", without="", has_brackets=False, longest=500)

    type: Literal["youtube"]
    key: SecretStr = Field(description="API key of a Google Cloud project with the YouTube Data API")
    channels: list[Channel] = Field([], description="ids (UC...): comments on all their videos")
    videos: list[Video] = Field([], description="ids: comments on these videos")
    search: SearchTerms = Field((), description="searches for videos, title and description; or {from: WATCHLIST}")
    search_calls: int = Field(90, ge=1, description="calls of the search a day; a project has 100")
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @model_validator(mode="after")
    def _is_complete(self) -> YouTubeSettings:
        if not self.channels and not self.videos and not self.search:
            raise ValueError("say what to read: channels, videos, search or several of them")
        return self


class Refused(SourceError):
    """An error answer of the API; `reason` is its own word for it."""

    reason = ""


def midnight(now: datetime) -> float:
    """Seconds until the quota is renewed."""
    local = now.astimezone(PACIFIC)
    return (datetime.combine(local.date() + timedelta(days=1), time(), PACIFIC) - now).total_seconds()


def api(config: YouTubeSettings, http: Http, clock: Clock) -> Api:
    """The API with its own form of errors."""
    return Api(http, clock, refusal=_refused, has_credentials=True)


class YouTubeComments:
    """The comments of one channel or video."""

    overlap = timedelta(minutes=15)

    def __init__(self, config: YouTubeSettings, about: Mapping[str, str], http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._url = f"{based(config.base_url, ENDPOINT)}/commentThreads"
        self._query = {"part": "snippet,replies", "order": "time", "maxResults": "100", "textFormat": "plainText"}
        self._query |= {**about, "key": config.key.get_secret_value()}
        self._http = http
        self._clock = clock
        self._api = api(config, http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        try:
            answer = await self._ask(str(walk.page or ""))
        except Refused as error:
            if not walk.page or error.reason != "invalidPageToken":
                raise
            anew: Cursor = {"since": walk.since} if walk.floor is None else {"floor": walk.floor}
            return Page(posts=(), cursor=anew, body=False, notices=("a page token ran out: the pass begins anew",))
        threads = listed(answer, "items")
        made = [self._thread(thread, now) for thread in threads]
        notices = tuple(usable(threads, made, "comments"))
        posts = [post for each in made if each for post in each]
        places = [Place(at, at) for each in made if each for at in [int(each[0].published_at.timestamp())]]
        token = text(answer, "nextPageToken")
        after, more, gaps = walk.step(
            places, overlap=int(self.overlap.total_seconds()), follows=bool(token), page=token or None
        )
        ordered = tuple(sorted(reversed(posts), key=lambda post: post.published_at))
        return Page(posts=ordered, cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        threads = listed(await self._ask(""), "items")
        newest = text(threads[0], "snippet", "topLevelComment", "snippet", "publishedAt") if threads else ""
        return f"answers; newest comment of {newest[:16]}" if newest else "answers, but shows no comment"

    async def _ask(self, token: str) -> JSON:
        try:
            return await self._api.get(self._url, self._query | ({"pageToken": token} if token else {}))
        except Refused as error:
            if error.reason in USED_UP:
                error.retry_after = midnight(self._clock())
                self._http.pause(self._url, error.retry_after)
            raise

    def _thread(self, thread: Item, now: datetime) -> list[Post] | None:
        """The first comment of a thread and the replies that the API shows with it; None without the first."""
        first = item(thread, "snippet", "topLevelComment")
        video = text(thread, "snippet", "videoId") or text(first, "snippet", "videoId")
        made = [self._comment(each, video, now) for each in (first, *items(thread, "replies", "comments"))]
        if made[0] is None:
            return None
        return [post for post in made if post is not None]

    def _comment(self, found: Item, video: str, now: datetime) -> Post | None:
        said = item(found, "snippet")
        identity = reference(found, "id")
        published_at, dated = published(text(said, "publishedAt"), now)
        if identity is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=identity,
            url=f"{WATCH}{video}&lc={identity}" if video.isascii() and video.isprintable() and video else None,
            text=html_to_text(text(said, "textDisplay") or text(said, "textOriginal")),
            author=plain_text(text(said, "authorDisplayName")) or None,
            kind=PostKind.COMMENT,
            parent=reference(said, "parentId") or video or None,
            thread=video or None,
            engagement=counted(said, "likeCount"),
            published_at=published_at,
            published_raw=text(said, "publishedAt"),
            raw=json.dumps(said),
        )


def _refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    """Errors in Google's form: developers.google.com/youtube/v3/docs/errors."""
    reasons = [text(each, "reason") for key in ("errors", "details") for each in items(said, "error", key)]
    reason = next(filter(None, reversed(reasons)), "")
    if not reason or find(said, "error", "message") is None:
        return None
    message = html_to_text(text(said, "error", "message"))[:200]
    passing = response.status >= 500 or reason in USED_UP | TOO_FAST
    error = Refused(
        f"YouTube refuses (HTTP {response.status}, {reason}): {' '.join(message.split())}",
        permanent=reason in BAD_KEY or response.status in (401, 410),
        retry_after=DEFAULT_PAUSE if reason in TOO_FAST else None,
        backoff_limit=BACKOFF_SHORT if passing else BACKOFF_LONG,
    )
    error.reason = reason
    return error
