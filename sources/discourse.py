"""Every public post of a Discourse forum, topics and replies alike.

`GET /posts.json?before=ID` (docs.discourse.org, Posts) gives posts by falling id, `before` included: 50 of them, or, on
older servers, those of the 50 ids up to there that are public, which may be none. So a short page does not end a pass.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import Clock, Cursor, Duration, Gap, Http, Page, Post, PostKind, SourceSettings
from sources.dates import published
from sources.http import WebAddress, based
from sources.shape import Item, counted, listed, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.walk import Place, Walk

PAGE = 50  # posts, or ids, that one answer covers
REREAD = 50  # ids before the last position that are read again: edits, posts that were approved late


class DiscourseSettings(SourceSettings):
    """One forum."""

    type: Literal["discourse"]
    url: WebAddress = Field(description="address of the forum")
    api_key: SecretStr | None = Field(None, description="for a forum that asks for one")
    api_user: str | None = Field(None, description="the user whose key it is")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


class DiscourseSource:
    """All public posts of one forum."""

    overlap = timedelta(hours=1)

    def __init__(self, config: DiscourseSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._site = based(config.base_url, config.url.rstrip("/"))
        self._clock = clock
        headers = {}
        if config.api_key is not None:
            headers = {"Api-Key": config.api_key.get_secret_value(), "Api-Username": config.api_user or "system"}
        self._api = Api(http, clock, headers, has_credentials=bool(headers))

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        found = await self._ask(walk.next)
        made = [self._post(item, now) for item in found]
        notices = tuple(usable(found, made, "posts"))
        posts = [post for post in made if post is not None]
        places = [Place(int(post.external_id), int(post.published_at.timestamp())) for post in posts]
        after, more, gaps = _step(walk, places)
        ordered = sorted(posts, key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        found = await self._ask(None)
        newest = text(found[0], "created_at") if found else ""
        return f"answers; newest post of {newest[:16]}" if newest else "answers, but shows no post"

    async def _ask(self, before: int | None) -> list[Item]:
        query = {} if before is None else {"before": str(before)}
        return listed(await self._api.get(f"{self._site}/posts.json", query), "latest_posts")

    def _post(self, item: Item, now: datetime) -> Post | None:
        number = whole(item, "id")
        if number is None or number < 1:
            return None
        published_at, dated = published(text(item, "created_at"), now)
        topic = whole(item, "topic_id")
        place = f"/t/{text(item, 'topic_slug') or '-'}/{topic}/{whole(item, 'post_number') or 1}"
        is_first = whole(item, "post_number") == 1
        answers = whole(item, "reply_to_post_number")
        return Post(
            source=self._name,
            external_id=str(number),
            url=f"{self._site}{place}" if topic else None,
            title=plain_text(text(item, "topic_title")) if is_first else "",
            text=html_to_text(text(item, "cooked") or text(item, "raw")),
            author=plain_text(text(item, "username")) or None,
            kind=PostKind.POST if is_first else PostKind.COMMENT,
            thread=reference(item, "topic_id"),
            parent=f"{topic}/{answers}" if topic and answers else None,
            engagement=counted(item, "reply_count", "incoming_link_count"),
            published_at=published_at,
            published_raw=text(item, "created_at") or None,
            dated=dated,
            raw=text(item, "cooked"),
        )


def _step(walk: Walk, places: list[Place]) -> tuple[Cursor, bool, tuple[Gap, ...]]:
    """As Walk.step, with what a short page covers taken for read: the ids of `PAGE` before the one asked for."""
    asked = walk.next or max((place.position for place in places), default=0)
    if asked and len(places) < PAGE:
        oldest = min((place.at for place in places), default=walk.since)
        places = [*places, Place(max(asked - PAGE, 0), oldest)]
    return walk.step(places, overlap=REREAD, follows=bool(places) and places[-1].position > 1)
