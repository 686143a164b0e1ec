"""Customer reviews of one's own app, of all countries, from the App Store Connect API.

`GET /v1/apps/{id}/customerReviews` (developer.apple.com, App Store Connect API, Customer Reviews): 200 reviews a page
by falling `createdDate`, paged by the cursor in `links.next`. A review's `response` is there where the developer
answered. Requests bear a token that we sign with the key (ES256), good for 20 minutes at the most.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from pydantic import SecretStr

from sources.api import Api
from sources.appstore import AppStoreSettings
from sources.base import JSON, Clock, Cursor, Http, Page, Post, PostKind
from sources.bearer import sign
from sources.dates import published
from sources.http import based
from sources.pages import by_token, places, stale
from sources.shape import Item, find, listed, number, reference, text, usable
from sources.text import html_to_text, plain_text
from sources.walk import Walk

REVIEWS = "https://api.appstoreconnect.apple.com/v1/apps/{}/customerReviews"
PAGE = 200
LIFETIME = timedelta(minutes=10)  # of a token


class AppStoreConnectSource:
    """All reviews of one app."""

    overlap = timedelta(days=2)  # within which edits and answers are seen: `createdDate` stays

    def __init__(self, config: AppStoreSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._url = based(config.base_url, REVIEWS.format(config.app))
        self._backlog = config.backlog
        self._clock = clock
        self._key = config.key or SecretStr("")
        self._key_id = config.key_id or ""
        self._issuer = config.issuer or ""
        self._api = Api(http, clock, refusal=stale, has_credentials=True)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        answer = await by_token(walk, self._ask)
        reviews = listed(answer, "data")
        made = [self._post(review, now) for review in reviews]
        notices = tuple(usable(reviews, made, "reviews"))
        posts = [post for post in made if post is not None]
        token = _next(answer)
        follows = token is not None and token != walk.page
        overlap = int(self.overlap.total_seconds())
        after, more, gaps = walk.step(places(posts), overlap=overlap, follows=follows, page=token)
        ordered = sorted(posts, key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        reviews = listed(await self._ask(None), "data")
        newest = text(reviews[0], "attributes", "createdDate") if reviews else ""
        return f"answers; newest review of {newest[:10]}" if newest else "answers, but shows no review"

    async def _ask(self, token: str | None) -> JSON:
        query = {"sort": "-createdDate", "limit": str(PAGE), "include": "response"}
        bearer = {"Authorization": f"Bearer {self._sign()}"}
        return await self._api.get(self._url, query if token is None else query | {"cursor": token}, bearer)

    def _sign(self) -> str:
        now = self._clock()
        claims: dict[str, JSON] = {"iss": self._issuer, "aud": "appstoreconnect-v1"}
        claims |= {"iat": int(now.timestamp()), "exp": int((now + LIFETIME).timestamp())}
        return sign(claims, self._key, "ES256", {"kid": self._key_id})

    def _post(self, review: Item, now: datetime) -> Post | None:
        said = find(review, "attributes")
        identity, when = reference(review, "id"), text(said, "createdDate")
        published_at, dated = published(when, now)
        if identity is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=identity,
            title=html_to_text(text(said, "title")),
            text=html_to_text(text(said, "body")),
            author=plain_text(text(said, "reviewerNickname")) or None,
            kind=PostKind.REVIEW,
            rating=number(said, "rating"),
            answered=isinstance(find(review, "relationships", "response", "data"), dict),
            published_at=published_at,
            published_raw=when,
            raw=json.dumps(said),
        )


def _next(answer: JSON) -> str | None:
    """The cursor of the next page; its address is not followed."""
    try:
        found = parse_qs(urlsplit(text(answer, "links", "next")).query).get("cursor")
    except ValueError:
        return None
    return found[0] if found else None
