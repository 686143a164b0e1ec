"""Videos that searches find: `search.list` of YouTube's Data API v3, within its daily bucket of 100 calls.

All searches share the bucket, so they are one part. The cursor: `day`, in Pacific time, and the calls `spent` of it;
`walks`, the position of each search; `query`, the one that this pass is at; `due`, when the next pass may begin, so
that the calls last for a day. A call whose page is lost in a crash is not counted.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from sources.base import JSON, Clock, Cursor, Gap, Http, Page, Post, SourceError, searches
from sources.dates import published
from sources.http import based
from sources.shape import Item, item, listed, text, usable, whole
from sources.text import html_to_text
from sources.walk import Place, Walk
from sources.youtube import ENDPOINT, PACIFIC, USED_UP, WATCH, Refused, YouTubeSettings, api, midnight

DAY = 86400


class YouTubeSearch:
    """All searches of one project."""

    overlap = timedelta(hours=6)  # the index is late by hours

    def __init__(self, config: YouTubeSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._queries = searches(config.search)
        self._calls = config.search_calls
        self._key = config.key.get_secret_value()
        self._endpoint = based(config.base_url, ENDPOINT)
        self._clock = clock
        self._api = api(config, http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        today = now.astimezone(PACIFIC).date().isoformat()
        spent = (whole(cursor, "spent") or 0) if cursor.get("day") == today else 0
        index, due = whole(cursor, "query") or 0, whole(cursor, "due") or 0
        is_under_way = "query" in cursor and index < len(self._queries)
        if not is_under_way and now.timestamp() < due:
            return Page(posts=(), cursor=cursor, body=False, left=self._left(spent))
        if spent >= self._calls:
            raise self._used_up(now, "the searches of today are used up")
        index = index if is_under_way else 0
        query = self._queries[index]
        walks = dict(item(cursor, "walks"))
        walk = Walk.resume(item(walks, query), now, self._backlog)
        found, token = await self._ask(query, walk, now)
        made = [self._post(each, now) for each in found]
        notices = tuple(usable(found, made, "videos"))
        posts = [post for post in made if post is not None]
        walks[query], follows, gaps = self._step(walk, posts, token)
        index = index if follows else index + 1
        after: Cursor = {"day": today, "spent": spent + 1, "walks": {each: walks[each] for each in walks}}
        after["due"] = due if is_under_way else int(now.timestamp()) + len(self._queries) * DAY // self._calls
        if index < len(self._queries):
            after["query"] = index
        return Page(
            posts=tuple(sorted(reversed(posts), key=lambda post: post.published_at)),
            cursor=after,
            more="query" in after,
            gaps=gaps,
            notices=notices,
            left=self._left(spent + 1),
        )

    async def probe(self) -> str:
        listed(await self._api.get(f"{self._endpoint}/i18nLanguages", {"part": "snippet", "key": self._key}), "items")
        return f"the key works; {len(self._queries)} searches share {self._calls} calls a day"

    async def _ask(self, query: str, walk: Walk, now: datetime) -> tuple[list[Item], str]:
        bound = walk.since if walk.floor is None else walk.floor - int(self.overlap.total_seconds())
        after = f"{datetime.fromtimestamp(max(bound, 0), UTC):%Y-%m-%dT%H:%M:%SZ}"
        asked = {"part": "snippet", "type": "video", "order": "date", "maxResults": "50", "publishedAfter": after}
        asked |= {"q": query, "key": self._key} | ({"pageToken": str(walk.page)} if walk.page else {})
        try:
            answer = await self._api.get(f"{self._endpoint}/search", asked)
        except Refused as error:
            if error.reason in USED_UP:  # its own bucket: the host is not to be left alone for it
                raise self._used_up(now, str(error)) from error
            raise
        found = listed(answer, "items")
        if not found and text(answer, "nextPageToken"):
            return [], ""
        return found, text(answer, "nextPageToken")

    def _step(self, walk: Walk, posts: list[Post], token: str) -> tuple[JSON, bool, tuple[Gap, ...]]:
        places = [Place(at, at) for at in (int(post.published_at.timestamp()) for post in posts)]
        after, more, gaps = walk.step(
            places, overlap=int(self.overlap.total_seconds()), follows=bool(token), page=token or None
        )
        return after, more, gaps

    def _used_up(self, now: datetime, message: str) -> SourceError:
        return SourceError(message, retry_after=midnight(now))

    def _left(self, spent: int) -> str:
        return f"{max(self._calls - spent, 0):,} of {self._calls:,} searches until midnight Pacific time"

    def _post(self, found: Item, now: datetime) -> Post | None:
        video, said = text(found, "id", "videoId"), item(found, "snippet")
        published_at, dated = published(text(said, "publishedAt"), now)
        if not video or len(video) > 40 or not video.isascii() or not video.isprintable() or not dated:
            return None
        return Post(
            source=self._name,
            external_id=video,
            url=f"{WATCH}{video}",
            title=html_to_text(text(said, "title")),
            text=html_to_text(text(said, "description")),
            author=html_to_text(text(said, "channelTitle")) or None,
            thread=video,
            published_at=published_at,
            published_raw=text(said, "publishedAt"),
            raw=json.dumps(said),
        )
