"""Service reviews of a company on Trustpilot.

`GET /v1/business-units/{id}/reviews` (developers.trustpilot.com, Business Units API, public): 100 reviews a page,
ordered by `createdat.desc`, pages by number. The key goes along in the header `apikey`. A company's answer is
`companyReply`. An edit changes `updatedAt`, but not the review's place.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import Clock, Cursor, Duration, Http, Interval, Page, Post, PostKind, SourceSettings
from sources.dates import published
from sources.feed_entry import language
from sources.http import based
from sources.pages import by_number, places
from sources.shape import Item, counted, find, listed, number, reference, text, usable
from sources.text import html_to_text, plain_text
from sources.walk import Walk

REVIEWS = "https://api.trustpilot.com/v1/business-units/{}/reviews"
REVIEW = "https://www.trustpilot.com/reviews/"
PAGE = 100


class TrustpilotSettings(SourceSettings):
    """One company."""

    type: Literal["trustpilot"]
    business_unit: str = Field(pattern="^[0-9a-f]{24}$", description="Trustpilot's id of the company")
    api_key: SecretStr = Field(description="API key of a Trustpilot business account")
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


class TrustpilotSource:
    """The reviews of one company."""

    overlap = timedelta(days=2)  # within which edits and answers are seen

    def __init__(self, config: TrustpilotSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._url = based(config.base_url, REVIEWS.format(config.business_unit))
        self._clock = clock
        self._api = Api(http, clock, {"apikey": config.api_key.get_secret_value()}, has_credentials=True)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        notices: dict[str, None] = {}

        async def ask(page: int) -> list[Post]:
            reviews = await self._ask(page)
            made = [self._post(review, now) for review in reviews]
            notices.update(dict.fromkeys(usable(reviews, made, "reviews")))
            return [post for post in made if post is not None]

        found = await by_number(walk, ask)
        overlap = int(self.overlap.total_seconds())
        standing, following = places(found.posts), found.number + 1
        after, more, gaps = walk.step(standing, overlap=overlap, follows=bool(standing), page=following)
        posts = {post.external_id: post for post in [*found.again, *found.posts]}
        ordered = sorted(posts.values(), key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=tuple(notices))

    async def probe(self) -> str:
        reviews = await self._ask(1)
        newest = text(reviews[0], "createdAt") if reviews else ""
        return f"answers; newest review of {newest[:16]}" if newest else "answers, but shows no review"

    async def _ask(self, page: int) -> list[Item]:
        query = {"perPage": str(PAGE), "page": str(page), "orderBy": "createdat.desc"}
        return listed(await self._api.get(self._url, query), "reviews")

    def _post(self, review: Item, now: datetime) -> Post | None:
        identity, when = reference(review, "id"), text(review, "createdAt")
        published_at, dated = published(when, now)
        if identity is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=identity,
            url=f"{REVIEW}{identity}" if identity.isalnum() else None,
            title=html_to_text(text(review, "title")),
            text=html_to_text(text(review, "text")),
            author=plain_text(text(review, "consumer", "displayName")) or None,
            lang=language(text(review, "language")),
            kind=PostKind.REVIEW,
            rating=number(review, "stars"),
            engagement=counted(review, "numberOfLikes"),
            answered=isinstance(find(review, "companyReply"), dict),
            published_at=published_at,
            published_raw=when,
            raw=json.dumps(review),
        )
