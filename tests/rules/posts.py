"""Posts for the tests of queries, and the engine asked about one query and one post."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from rules.base import Match, Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from sources.base import Post, PostKind


class Fields(TypedDict, total=False):
    """What a query may ask of a post beside its title and text."""

    source: str
    url: str | None
    author: str | None
    lang: str | None
    kind: PostKind
    thread: str | None
    rating: float | None
    engagement: int | None
    followers: int | None


def post(text: str, title: str = "", **fields: Unpack[Fields]) -> Post:
    """A post of a fixed day."""
    day = datetime(2026, 11, 21, tzinfo=UTC)
    return replace(Post(source="s", external_id="1", title=title, text=text, published_at=day), **fields)


def find(query: str, asked: Post) -> Match | None:
    """What the engine answers."""
    found = QueryMatcher([Watchlist("w", WatchlistKind.BRAND, query)]).match(asked)
    return found[0] if found else None
