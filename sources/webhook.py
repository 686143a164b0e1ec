"""What any other system pushes: live chat, tickets, surveys, exports of tools that have no API worth polling.

A push is a JSON object, an array of them, or JSON lines. It is believed by its signature or token, kept, and read
later; `map` says where the fields of a post stand in it. Without `map` they stand under their own names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from pydantic import Field

from sources.base import (
    JSON,
    Clock,
    Cursor,
    Duration,
    Inbox,
    Interval,
    Kept,
    Page,
    Post,
    PostKind,
    Pushed,
    Reply,
    SourceSettings,
)
from sources.feed_identity import stable_id
from sources.mapping import FIELDS, FieldName, Place, Shape, at, read_items
from sources.shape import whole
from sources.webhook_auth import AuthSettings, HeaderName, StandardSettings, refused

PAGE_BODIES = 20
PAGE_POSTS = 1000  # a page ends at the item that reaches it
NOTICES = 20  # per page; the rest is counted


class WebhookSettings(SourceSettings):
    """A place that another system pushes to: `/hooks/NAME` at `server.listen`."""

    type: Literal["webhook"]
    auth: AuthSettings = Field(description="how the sender proves who it is")
    map_: dict[FieldName, Place] = Field(
        default_factory=dict, alias="map", description="where the fields of a post stand: {text: message.body}"
    )
    items: Place | None = Field(None, description="where in the body the list of posts stands")
    kind: PostKind = Field(PostKind.MESSAGE, strict=False, description="what the posts are, unless one says it")
    key_header: HeaderName = Field(
        "Idempotency-Key", description="what tells a delivery that comes again; else its body does"
    )
    largest: int = Field(2**20, ge=1024, le=8 * 2**20, description="bytes that a body may have")
    every: Interval = Field(timedelta(minutes=1), description="a push is read at once; this is for what was left over")
    backlog: Duration | Literal["all"] = Field("all", description="what is pushed is meant, however old it is")


class WebhookSource:
    """Takes pushes and reads them from the inbox; a second look at the same delivery gives the same posts."""

    overlap = timedelta(0)
    methods = ("POST",)

    def __init__(self, config: WebhookSettings, inbox: Inbox, clock: Clock) -> None:
        self._config = config
        self._inbox = inbox
        self._clock = clock
        own_names: dict[FieldName, str] = {field: field for field in FIELDS}
        self._shape = Shape(source=config.name, places=config.map_ or own_names, kind=config.kind)

    @property
    def largest(self) -> int:
        return self._config.largest

    def accept(self, pushed: Pushed) -> Reply:
        reason = refused(self._config.auth, pushed, self._clock())
        if reason is not None:
            return Reply(status=401, text=reason)
        try:
            read_items(pushed.body)
        except ValueError as error:
            return Reply(status=400, text=str(error))
        return Reply(text="kept", key=self._key(pushed))

    def _key(self, pushed: Pushed) -> str:
        name = "webhook-id" if isinstance(self._config.auth, StandardSettings) else self._config.key_header.lower()
        named = pushed.headers.get(name, "").strip()
        return f"id {stable_id(named)}" if named else f"body {hashlib.sha256(pushed.body).hexdigest()}"

    async def fetch(self, cursor: Cursor) -> Page:
        after, row = whole(cursor, "after") or 0, whole(cursor, "row") or 0
        bodies = await self._inbox.read(self._config.name, after, PAGE_BODIES)
        posts: list[Post] = []
        notices: list[str] = []
        more = len(bodies) == PAGE_BODIES
        for kept in bodies:
            items = list(self._items(kept))
            chosen = items[row : row + PAGE_POSTS - len(posts)]
            for number, item in enumerate(chosen, row):
                self._take(kept, number, item, posts, notices)
            if row + len(chosen) < len(items):
                after, row, more = kept.id - 1, row + len(chosen), True
                break
            after, row = kept.id, 0
        posts.sort(key=lambda post: post.published_at)
        place: Cursor = {"after": after, "row": row} if row else {"after": after}
        return Page(posts=tuple(posts), cursor=place, more=more, body=bool(bodies), notices=_bounded(notices))

    async def probe(self) -> str:
        return f"waits for pushes at /hooks/{self._config.name}"

    def _items(self, kept: Kept) -> Iterator[JSON]:
        try:
            values = read_items(kept.body)
        except ValueError:  # accepted by other settings, or another version
            values = [None]
        for value in values:
            if self._config.items is None:
                yield value
                continue
            found = at(value, self._config.items)
            yield from found if isinstance(found, list) else [found]

    def _take(self, kept: Kept, number: int, item: JSON, posts: list[Post], notices: list[str]) -> None:
        post = self._shape.post(item, f"{kept.id} {number}", min(kept.received_at, self._clock()))
        if post is None:
            place = self._shape.places.get("text", "text")
            notices.append(f"item {number + 1} of delivery {kept.id} has no text at `{place}`: it stays in the inbox")
        else:
            posts.append(post)


def _bounded(notices: list[str]) -> tuple[str, ...]:
    left = len(notices) - NOTICES
    return (*notices[:NOTICES], *([f"and {left} more"] if left > 0 else []))
