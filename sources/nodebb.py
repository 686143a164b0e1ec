"""Every public post of a NodeBB forum, topics and replies alike.

`GET /api/recent/posts?page=N` (NodeBB's public/openapi/read/recent/posts) gives 20 posts by falling time, and of those
only the ones that the reader may see, which may be none. So a short page does not end a pass. Positions are
milliseconds since 1970: ids of posts that came over ActivityPub are addresses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import Clock, Cursor, Duration, Gap, Http, Page, Post, PostKind, SourceSettings
from sources.dates import published
from sources.http import WebAddress, based, web_link
from sources.page_number import PageNumber
from sources.shape import Item, changed, counted, flag, listed, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.walk import Place, Walk

MOST_EMPTY = 3  # pages in a row without a post that may be seen, after which there are no more


class NodeBBSettings(SourceSettings):
    """One forum."""

    type: Literal["nodebb"]
    url: WebAddress = Field(description="address of the forum")
    token: SecretStr | None = Field(None, description="an API token, for a forum that guests may not read")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


class NodeBBSource:
    """All posts of one forum that its reader may see."""

    overlap = timedelta(hours=1)

    def __init__(self, config: NodeBBSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._site = based(config.base_url, config.url.rstrip("/"))
        self._clock = clock
        headers = {} if config.token is None else {"Authorization": f"Bearer {config.token.get_secret_value()}"}
        self._api = Api(http, clock, headers, has_credentials=bool(headers))

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        asked = PageNumber.resume(walk.page, now)
        found = await self._ask(asked.number)
        deleted = tuple(str(item["pid"]) for item in found if _is_deleted(item))
        shown = [item for item in found if not _is_deleted(item)]
        made = [self._post(item, now) for item in shown]
        notices = tuple(usable(shown, made, "posts"))
        after, more, gaps = _step(walk, asked, [place for item in found if (place := _place(item))], now)
        posts = sorted((post for post in made if post is not None), key=lambda post: post.published_at)
        return Page(posts=tuple(posts), cursor=after, more=more, gaps=gaps, deleted=deleted, notices=notices)

    async def probe(self) -> str:
        found = await self._ask(1)
        newest = text(found[0], "timestampISO") if found else ""
        return f"answers; newest post of {newest[:16]}" if newest else "answers, but shows no post"

    async def _ask(self, page: int) -> list[Item]:
        answer = await self._api.get(f"{self._site}/api/recent/posts", {"page": str(page)})
        found = listed(answer)
        if answer and not found:
            raise changed("a list of something else than posts")
        return found

    def _post(self, item: Item, now: datetime) -> Post | None:
        number = reference(item, "pid")
        if number is None or _place(item) is None:
            return None
        published_at, dated = published(str(whole(item, "timestamp")), now)
        is_first = flag(item, "isMainPost") or False
        return Post(
            source=self._name,
            external_id=number,
            url=web_link(text(item, "url")) or f"{self._site}/post/{number}",
            title=html_to_text(text(item, "topic", "title")) if is_first else "",
            text=html_to_text(text(item, "content")),
            author=plain_text(text(item, "user", "username")) or None,
            kind=PostKind.POST if is_first else PostKind.COMMENT,
            thread=reference(item, "tid"),
            parent=reference(item, "toPid"),
            engagement=counted(item, "upvotes", "replies"),
            published_at=published_at,
            published_raw=text(item, "timestampISO") or None,
            dated=dated,
            raw=text(item, "content"),
        )


def _place(item: Item) -> Place | None:
    at = whole(item, "timestamp")
    return Place(at, at // 1000) if at is not None and at > 0 else None


def _is_deleted(item: Item) -> bool:
    gone = flag(item, "deleted") or flag(item, "topic", "deleted") or whole(item, "topic", "deleted") == 1
    return gone and reference(item, "pid") is not None


def _step(walk: Walk, asked: PageNumber, places: list[Place], now: datetime) -> tuple[Cursor, bool, tuple[Gap, ...]]:
    """As Walk.step; a page that shows nothing is stepped over a few times."""
    if not places and asked.empty + 1 < MOST_EMPTY:
        return walk.beyond(asked.following(now, is_empty=True)), True, ()
    overlap = int(NodeBBSource.overlap.total_seconds() * 1000)
    return walk.step(places, overlap=overlap, follows=bool(places), page=asked.following(now))
