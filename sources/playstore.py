"""Reviews of one's own app on Google Play.

`GET /androidpublisher/v3/applications/{package}/reviews` (developers.google.com/android-publisher, Reply to Reviews):
reviews with a text that were written or edited in the last seven days, the newest first, pages by token. A service
account signs (RS256) for access tokens, which live in memory.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

from pydantic import AfterValidator, Field, SecretStr

from sources.api import Api
from sources.base import JSON, Clock, Cursor, Duration, Gap, Http, Interval, Page, Post, PostKind, SourceSettings
from sources.bearer import Access, sign
from sources.feed_entry import language
from sources.google_reviews import TOKENS, explained, reviews
from sources.http import based
from sources.pages import by_token, places
from sources.shape import Item, counted, item, items, moment, number, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.walk import Walk

REVIEWS = "https://androidpublisher.googleapis.com/androidpublisher/v3/applications/{}/reviews"
REVIEW = "https://play.google.com/store/apps/details?id={}&reviewId={}"
SCOPE = "https://www.googleapis.com/auth/androidpublisher"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PAGE = 100
BESIDE = ("pageInfo", "tokenPagination")
SHOWN = timedelta(days=7)  # what Google gives
HINT = "the service account needs the permission to reply to reviews, in the Play Console"
LIFETIME = timedelta(hours=1)  # of what is signed


def _account(value: SecretStr) -> SecretStr:
    try:
        account = json.loads(value.get_secret_value())
    except (ValueError, RecursionError):
        account = None
    if not text(account, "client_email") or not text(account, "private_key"):
        raise ValueError("the JSON key of a service account, with client_email and private_key")
    return value


class PlayStoreSettings(SourceSettings):
    """One app."""

    type: Literal["playstore"]
    package: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)+$", description="such as com.example.app")
    service_account: Annotated[SecretStr, AfterValidator(_account)] = Field(
        description="the JSON key of a service account that may reply to reviews"
    )
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads; Google shows 7 days")


class PlayStoreSource:
    """The reviews of one app. The cursor has `read` too: when the last pass was finished, in seconds since 1970."""

    overlap = timedelta(days=2)  # within which answers are seen

    def __init__(self, config: PlayStoreSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._package = config.package
        self._backlog = config.backlog
        self._url = based(config.base_url, REVIEWS.format(config.package))
        self._account = item(json.loads(config.service_account.get_secret_value()))
        self._clock = clock
        api = Api(http, clock, refusal=explained(HINT), has_credentials=True)
        self._access = Access(api, based(config.base_url, TOKENS), self._proof, http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        answer = await by_token(walk, self._ask)
        found = reviews(answer, BESIDE)
        made = [self._post(review, now) for review in found]
        notices = tuple(usable(found, made, "reviews"))
        posts = [post for post in made if post is not None]
        token = text(answer, "tokenPagination", "nextPageToken") or None
        follows = token is not None and token != walk.page
        overlap = int(self.overlap.total_seconds())
        after, more, gaps = walk.step(places(posts), overlap=overlap, follows=follows, page=token)
        read = whole(cursor, "read")
        if walk.next is None:  # a pass begins
            gaps = (*_away(read, now), *gaps)
        after |= {"read": read if more else int(now.timestamp())}
        ordered = sorted(posts, key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=notices)

    async def probe(self) -> str:
        found = reviews(await self._ask(None), BESIDE)
        return f"answers; {len(found)} reviews on the first page" if found else "answers, but shows no review"

    async def _ask(self, token: str | None) -> JSON:
        query = {"maxResults": str(PAGE)}
        return await self._access.get(self._url, query if token is None else query | {"token": token})

    def _proof(self, now: datetime) -> dict[str, str]:
        key = SecretStr(text(self._account, "private_key"))
        claims: dict[str, JSON] = {"iss": text(self._account, "client_email"), "scope": SCOPE, "aud": TOKENS}
        claims |= {"iat": int(now.timestamp()), "exp": int((now + LIFETIME).timestamp())}
        named = {"kid": text(self._account, "private_key_id")}
        return {"grant_type": GRANT, "assertion": sign(claims, key, "RS256", named)}

    def _post(self, review: Item, now: datetime) -> Post | None:
        comments = items(review, "comments")
        said = next((item(comment, "userComment") for comment in comments if "userComment" in comment), {})
        identity, when = reference(review, "reviewId"), moment(_seconds(said))
        if identity is None or when is None:
            return None
        title, _, body = text(said, "text").rpartition("\t")
        return Post(
            source=self._name,
            external_id=identity,
            url=REVIEW.format(self._package, quote(identity, safe="", errors="replace")),
            title=html_to_text(title),
            text=html_to_text(body),
            author=plain_text(text(review, "authorName")) or None,
            lang=language(text(said, "reviewerLanguage")),
            kind=PostKind.REVIEW,
            rating=number(said, "starRating"),
            engagement=counted(said, "thumbsUpCount", "thumbsDownCount"),
            answered=any("developerComment" in comment for comment in comments),
            published_at=min(when, now),
            published_raw=str(_seconds(said)),
            raw=json.dumps(review),
        )


def _seconds(said: Item) -> int | None:
    return whole(said, "lastModified", "seconds")


def _away(read: int | None, now: datetime) -> tuple[Gap, ...]:
    """What came while nobody read: Google shows the last days only."""
    if read is None or now - datetime.fromtimestamp(read, UTC) <= SHOWN:
        return ()
    last = datetime.fromtimestamp(read, UTC)
    return (Gap(f"not read since {last:%Y-%m-%d %H:%M} UTC, and Google shows only the last {SHOWN.days} days"),)
