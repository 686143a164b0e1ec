"""Searches on Bluesky, for whoever does not want the whole stream: `bluesky` misses less and needs no account.

`GET /xrpc/app.bsky.feed.searchPosts` (lexicon of that name, bluesky-social/atproto) through the PDS of an account.
Posts come newest first, by the time that is called `sortAt`: when they were written, or indexed where that was earlier.
Its `cursor` "may not allow scrolling through the entire result set", so a pass goes back by `until`, second by second.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from sources.base import (
    Clock,
    Cursor,
    Duration,
    Http,
    Interval,
    Page,
    Post,
    SearchDialect,
    SearchTerms,
    SourceSettings,
)
from sources.bluesky_post import COLLECTION, instant, read_post
from sources.bluesky_session import Session
from sources.http import WebAddress, based
from sources.shape import Item, counted, find, item, listed, text, usable
from sources.text import plain_text
from sources.walk import Place, Walk

LIMIT = 100  # posts of one answer
COUNTS = ("replyCount", "repostCount", "likeCount", "quoteCount")


class BlueskySearchSettings(SourceSettings):
    """Some searches."""

    DIALECT: ClassVar[SearchDialect] = SearchDialect(either="", has_brackets=False)

    type: Literal["bluesky_search"]
    url: WebAddress = Field("https://bsky.social", description="the PDS of the account")
    identifier: str = Field(min_length=1, description="handle of the account")
    password: SecretStr = Field(description="an app password of it")
    search: SearchTerms = Field(description="searches, in the words of Bluesky's own")
    every: Interval = Field(timedelta(minutes=2), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @field_validator("search")
    @classmethod
    def _asks_for_something(cls, value: SearchTerms) -> SearchTerms:
        if not value:
            raise ValueError("at least one search")
        return value


def search_parts(
    config: BlueskySearchSettings, terms: tuple[str, ...], http: Http, clock: Clock
) -> dict[str, BlueskySearchSource]:
    """Each search by itself, all of them in one session."""
    site = based(config.base_url, config.url.rstrip("/"))
    session = Session(http, clock, site, config.identifier, config.password.get_secret_value())
    return {term: BlueskySearchSource(config, term, session, clock) for term in terms}


class BlueskySearchSource:
    """One search."""

    overlap = timedelta(minutes=15)  # that the index may lag

    def __init__(self, config: BlueskySearchSettings, term: str, session: Session, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._url = f"{based(config.base_url, config.url.rstrip('/'))}/xrpc/app.bsky.feed.searchPosts"
        self._term = term
        self._session = session
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        found, follows = await self._ask(walk.next)
        made = [self._post(view, now) for view in found]
        notices = tuple(usable(found, made, "posts"))
        posts = sorted((post for post in made if post is not None), key=lambda post: post.published_at)
        places = [Place(at, at) for post in reversed(posts) if (at := int(post.published_at.timestamp()))]
        overlap = int(self.overlap.total_seconds())
        after, more, gaps = walk.step(places, overlap=overlap, follows=follows)
        return Page(posts=tuple(posts), cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        found, _ = await self._ask(None)
        newest = text(found[0], "indexedAt") if found else ""
        return f"answers; newest post of {newest[:16]}" if newest else "answers, but finds no post"

    async def _ask(self, upto: int | None) -> tuple[list[Item], bool]:
        """Posts up to this second, newest first, and whether there are more."""
        query = {"q": self._term, "sort": "latest", "limit": str(LIMIT)}
        if upto is not None:
            query["until"] = datetime.fromtimestamp(upto + 1, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = await self._session.get(self._url, query)
        return listed(answer, "posts"), bool(find(answer, "cursor"))

    def _post(self, view: Item, now: datetime) -> Post | None:
        did, _, path = text(view, "uri").removeprefix("at://").partition("/")
        collection, _, rkey = path.partition("/")
        if collection != COLLECTION or not did or not rkey:
            return None
        return read_post(
            item(view, "record"),
            source=self._name,
            did=did,
            rkey=rkey,
            seen_at=min(instant(view.get("indexedAt")) or now, now),
            author=plain_text(text(view, "author", "handle")) or None,
            engagement=counted(view, *COUNTS),
        )
