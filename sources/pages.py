"""Pages of a walk that an API calls by number or by token, while posts stand at their time.

Numbers shift and tokens run out, so both are hints: what counts is the position that the walk goes on from.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sources.base import JSON, Post, Response, SourceError
from sources.http import refusal
from sources.shape import text
from sources.walk import Place, Walk


class StaleTokenError(SourceError):
    """The API refuses a request as malformed: where a token was sent, that has run out."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A page, and the posts of the pages before it that were read again."""

    number: int
    posts: list[Post]
    again: list[Post]


def places(posts: Iterable[Post]) -> list[Place]:
    """Where posts stand: at their time, in seconds since 1970."""
    seconds = [int(post.published_at.timestamp()) for post in posts]
    return [Place(second, second) for second in seconds]


async def by_number(walk: Walk, ask: Callable[[int], Awaitable[list[Post]]], last: int = 10**6) -> Numbered:
    """The page where the walk goes on. `last` is the highest number that the API knows.

    Where posts were withdrawn, later ones slid up over the edges of pages: those before are read again, as far up as
    the walk had come.
    """
    number = min(walk.page, last) if isinstance(walk.page, int) and walk.page > 1 else 1
    posts = await ask(number)
    above, again = number, [] if number == 1 else posts
    while above > 1 and not _reaches(again, walk.next):
        above -= 1
        again = await ask(above) + again
    return Numbered(number, posts, again)


def _reaches(posts: list[Post], position: int | None) -> bool:
    return position is None or any(place.position >= position for place in places(posts))


async def by_token(walk: Walk, ask: Callable[[str | None], Awaitable[JSON]]) -> JSON:
    """The page where the walk goes on; from the newest on where its token has run out, all of it known by then."""
    token = walk.page if isinstance(walk.page, str) else None
    try:
        return await ask(token)
    except StaleTokenError:
        if token is None:
            raise
        return await ask(None)


def stale(response: Response, said: JSON, now: datetime) -> SourceError | None:
    """The refusal of an API that pages by tokens (`Api.refusal`)."""
    if response.status != 400:
        return None
    reason = text(said, "error", "message") or text(said, "errors", 0, "detail")
    error = refusal(response, response.url, reason)
    return StaleTokenError(str(error), backoff_limit=error.backoff_limit)
