"""Reviews of one's own places on Google (Business Profile), one location after another.

`GET /v4/accounts/*/locations/*/reviews` (developers.google.com/my-business, accounts.locations.reviews.list): 50 a
page by falling `updateTime`, so that an edited review comes first again; pages by token. A refresh token is exchanged
for access tokens, which live in memory.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import JSON, Clock, Cursor, Duration, Http, Interval, Page, Post, PostKind, SourceSettings
from sources.bearer import Access
from sources.dates import published
from sources.google_reviews import TOKENS, explained, reviews
from sources.http import based
from sources.pages import by_token, places
from sources.shape import Item, find, reference, text, usable
from sources.text import html_to_text, plain_text
from sources.walk import Walk

REVIEWS = "https://mybusiness.googleapis.com/v4/accounts/{}/locations/{}/reviews"
PAGE = 50
BESIDE = ("averageRating", "totalReviewCount", "nextPageToken")
STARS = {"ONE": 1.0, "TWO": 2.0, "THREE": 3.0, "FOUR": 4.0, "FIVE": 5.0}
TRANSLATED, ORIGINAL = "(Translated by Google)", "(Original)"
HINT = "a project may ask nothing, its quota is 0, until Google has approved its access form"
Digits = Annotated[str, Field(pattern=r"^\d{1,30}$")]


class GoogleBusinessSettings(SourceSettings):
    """The places of one account."""

    type: Literal["googlebusiness"]
    account: Digits = Field(description="number of the account: what follows `accounts/` in its name")
    locations: tuple[Digits, ...] = Field(min_length=1, description="numbers of the places: what follows `locations/`")
    client_id: str = Field(min_length=1, description="of the OAuth client")
    client_secret: SecretStr = Field(description="of the OAuth client")
    refresh_token: SecretStr = Field(description="of a person who manages the places")
    every: Interval = Field(timedelta(minutes=10), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


def open_access(config: GoogleBusinessSettings, http: Http, clock: Clock) -> Access:
    """What all places of the account are asked with: they share the token."""
    proof = {"grant_type": "refresh_token", "client_id": config.client_id}
    proof |= {"client_secret": config.client_secret.get_secret_value()}
    proof |= {"refresh_token": config.refresh_token.get_secret_value()}
    api = Api(http, clock, refusal=explained(HINT), has_credentials=True)
    return Access(api, based(config.base_url, TOKENS), lambda now: proof, http, clock)


class GoogleBusinessSource:
    """The reviews of one place."""

    overlap = timedelta(days=2)  # within which answers are seen

    def __init__(self, config: GoogleBusinessSettings, location: str, access: Access, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._url = based(config.base_url, REVIEWS.format(config.account, location))
        self._location = location
        self._access = access
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        answer = await by_token(walk, self._ask)
        found = reviews(answer, BESIDE)
        made = [self._post(review, now) for review in found]
        notices = tuple(usable(found, made, "reviews"))
        posts = [post for post in made if post is not None]
        token = text(answer, "nextPageToken") or None
        follows = token is not None and token != walk.page
        overlap = int(self.overlap.total_seconds())
        after, more, gaps = walk.step(places(posts), overlap=overlap, follows=follows, page=token)
        ordered = sorted(posts, key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        found = reviews(await self._ask(None), BESIDE)
        newest = text(found[0], "updateTime") if found else ""
        return f"answers; newest review of {newest[:16]}" if newest else "answers, but shows no review"

    async def _ask(self, token: str | None) -> JSON:
        query = {"pageSize": str(PAGE), "orderBy": "updateTime desc"}
        return await self._access.get(self._url, query if token is None else query | {"pageToken": token})

    def _post(self, review: Item, now: datetime) -> Post | None:
        identity = reference(review, "reviewId") or reference(text(review, "name").rpartition("/")[2])
        when = text(review, "updateTime") or text(review, "createTime")
        published_at, dated = published(when, now)
        if identity is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=identity,
            text=html_to_text(_original(text(review, "comment"))),
            author=plain_text(text(review, "reviewer", "displayName")) or None,
            kind=PostKind.REVIEW,
            thread=self._location,
            rating=STARS.get(text(review, "starRating")),
            answered=isinstance(find(review, "reviewReply"), dict),
            published_at=published_at,
            published_raw=when,
            raw=json.dumps(review),
        )


def _original(comment: str) -> str:
    """What the customer wrote: Google puts a translation before it, or after it."""
    if ORIGINAL in comment:
        return comment.partition(ORIGINAL)[2]
    return comment.partition(TRANSLATED)[0] or comment
