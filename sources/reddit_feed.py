"""Reddit without credentials: the Atom feeds of its listings, read as a feed and named as the API names things.

`/r/NAME/new/.rss`, `/r/NAME/comments/.rss` and `/search.rss` show the newest items only, without scores. Since June
2026 they answer about one request a minute and address, some addresses not at all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

from sources.base import Clock, Cursor, Http, Page, Post, PostKind
from sources.document import FeedParser
from sources.feed import FeedSettings, FeedSource
from sources.reddit import PAGE, Listing, RedditSettings
from sources.reddit_client import WWW

BEST_EFFORT = "read from Reddit's feeds, best effort: set client_id and client_secret to miss nothing"

_PERMALINK = re.compile(r"https?://[^/]+/(?:r|user)/[^/]+/comments/([a-z0-9]+)/[^/]*/(?:([a-z0-9]+)/)?")


def feed_address(config: RedditSettings, listing: Listing) -> str:
    """Where the feed of a listing is."""
    query = {**listing.query, "limit": str(PAGE)}
    if config.feed_token is not None:
        query |= {"feed": config.feed_token.get_secret_value(), "user": config.feed_user or ""}
    path = f"{listing.path}.rss" if listing.query else f"{listing.path}/.rss"
    return f"{WWW}{path}?{urlencode(query)}"


class RedditFeedSource:
    """One listing as a feed. Its cursor is the feed's."""

    overlap = timedelta(0)

    def __init__(self, config: RedditSettings, listing: Listing, http: Http, parser: FeedParser, clock: Clock) -> None:
        keys = {"name": config.name, "type": "feed", "url": feed_address(config, listing), "base_url": config.base_url}
        self._feed = FeedSource(FeedSettings.model_validate(keys), http, parser, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        page = await self._feed.fetch(cursor)
        posts = tuple(_named(post) for post in page.posts)
        # Names come from permalinks here, so that how the feed tells its entries apart does not matter.
        return replace(page, posts=posts, renamed={}, notices=(BEST_EFFORT, *page.notices))

    async def probe(self) -> str:
        return f"{await self._feed.probe()}; {BEST_EFFORT}"


def _named(post: Post) -> Post:
    """The post with the ids that the API would give it."""
    found = _PERMALINK.match(post.url or "")
    if found is None:
        return post
    thread, comment = f"t3_{found[1]}", found[2]
    return replace(
        post,
        external_id=f"t1_{comment}" if comment else thread,
        title="" if comment else post.title,
        author=(post.author or "").removeprefix("/u/") or None,
        kind=PostKind.COMMENT if comment else PostKind.POST,
        thread=thread,
    )
