"""Reviews of one's own shops and products at Trusted Shops, from the eTrusted API.

`GET /reviews` (developers.etrusted.com, getReviews) gives the newest submitted first, 100 a page. A pass goes back by
`submittedBefore`, and as far as `submittedAfter`: times, in milliseconds. The parameters `before` and `after` would
page by review: they mean the reviews submitted *later* and *earlier* than that one, and the review may be withdrawn
meanwhile, so they are left alone. The token comes from OAuth 2 client credentials.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import Clock, Cursor, Duration, Http, Interval, Page, Post, PostKind, SourceSettings
from sources.bearer import Access
from sources.dates import published
from sources.feed_entry import language
from sources.http import based
from sources.shape import LATEST, Item, find, listed, number, reference, text, usable
from sources.text import html_to_text, plain_text
from sources.walk import Place, Walk

API = "https://api.etrusted.com"
TOKENS = "https://login.etrusted.com/oauth/token"
PAGE = 100
GONE = frozenset({"REJECTED", "DISCARDED"})  # states of reviews that nobody sees
# Where the shop did something about a review: it replied, or it asked for its removal.
ANSWERS = (("reply",), ("additionalInformation", "veto"))


class TrustedShopsSettings(SourceSettings):
    """The channels (shops) of one account."""

    type: Literal["trustedshops"]
    client_id: str = Field(min_length=1, description="of the credentials made for mentiond")
    client_secret: SecretStr = Field(description="of the credentials made for mentiond")
    channels: tuple[Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")], ...] = Field(
        (), description="ids of the channels to read; none: all of the account"
    )
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


class TrustedShopsSource:
    """All reviews of the channels; positions are milliseconds since 1970."""

    overlap = timedelta(days=2)  # within which edits, answers and decisions on a review are seen

    def __init__(self, config: TrustedShopsSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._channels = config.channels
        self._url = based(config.base_url, f"{API}/reviews")
        self._clock = clock
        proof = {"grant_type": "client_credentials", "client_id": config.client_id, "audience": API}
        proof |= {"client_secret": config.client_secret.get_secret_value()}
        api, tokens = Api(http, clock, has_credentials=True), based(config.base_url, TOKENS)
        self._access = Access(api, tokens, lambda now: proof, http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        overlap = int(self.overlap.total_seconds() * 1000)
        low = walk.since * 1000 if walk.floor is None else walk.floor - overlap
        reviews, follows = await self._ask(low, walk.next)
        made = [self._post(review, now) for review in reviews]
        notices = tuple(usable(reviews, made, "reviews"))
        found = [(review, post) for review, post in zip(reviews, made, strict=True) if post is not None]
        places = [Place(_milliseconds(post.published_at), int(post.published_at.timestamp())) for _, post in found]
        after, more, gaps = walk.step(places, overlap=overlap, follows=follows)
        gone = tuple(post.external_id for review, post in found if _state(review) in GONE)
        posts = [post for review, post in found if _state(review) not in GONE]
        ordered = tuple(sorted(posts, key=lambda post: post.published_at))
        return Page(posts=ordered, cursor=after, more=more, gaps=gaps, deleted=gone, notices=notices)

    async def probe(self) -> str:
        reviews, _ = await self._ask(0, None)
        newest = text(reviews[0], "submittedAt") if reviews else ""
        return f"answers; newest review of {newest[:16]}" if newest else "answers, but shows no review"

    async def _ask(self, low: int, upto: int | None) -> tuple[list[Item], bool]:
        """Reviews from `low` to `upto`, both inclusive; whether more follow."""
        query = {"count": str(PAGE), "orderBy": "submittedAt", "additionalInformation": "VETO"}
        query["submittedAfter"] = _written(low - 1)
        if upto is not None:
            query["submittedBefore"] = _written(upto + 1)
        if self._channels:
            query["channels"] = ",".join(self._channels)
        answer = await self._access.get(self._url, query)
        reviews = listed(answer, "items")
        return reviews, bool(text(answer, "paging", "cursor", "after")) or len(reviews) >= PAGE

    def _post(self, review: Item, now: datetime) -> Post | None:
        identity, when = reference(review, "id"), text(review, "submittedAt")
        published_at, dated = _moment(when, now)
        if identity is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=identity,
            title=html_to_text(text(review, "title")),
            text=html_to_text(text(review, "comment")),
            author=_author(review),
            lang=language(text(review, "questionnaire", "locale")),
            kind=PostKind.REVIEW,
            thread=reference(review, "channelRef") or reference(review, "channel", "id"),
            rating=number(review, "rating"),
            answered=any(isinstance(find(review, *path), dict) for path in ANSWERS),
            published_at=published_at,
            published_raw=when,
            raw=json.dumps(review),
        )


def _state(review: Item) -> str:
    return text(review, "state") or text(review, "status")


def _author(review: Item) -> str | None:
    names = [text(review, "customer", key) for key in ("firstName", "lastName")]
    return plain_text(text(review, "customer", "fullName") or " ".join(filter(None, names))) or None


def _moment(when: str, now: datetime) -> tuple[datetime, bool]:
    """As `published`, to the millisecond: what was submitted in one second is told apart."""
    rough, dated = published(when, now)
    try:
        exact = datetime.fromisoformat(when)
    except ValueError:
        return rough, dated
    if not dated or exact.tzinfo is None or abs(exact - rough) >= timedelta(seconds=1):
        return rough, dated
    return min(exact.astimezone(UTC), now), True


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def _written(milliseconds: int) -> str:
    seconds, rest = divmod(min(max(milliseconds, 0), LATEST * 1000), 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"
