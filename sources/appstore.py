"""Customer reviews of an app, one country after another, from the App Store's public feed.

`/{country}/rss/customerreviews/page={1-10}/id={app}/sortby=mostrecent/json`: 50 reviews a page, newest first. Apple
documents it nowhere. `entry` is an object where there is one review, missing where there is none; the app itself may
be the first entry. At times a feed shows nothing, or ends early: that is never taken for reviews that are gone.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from sources.api import Api
from sources.base import (
    BACKOFF_SHORT,
    JSON,
    Clock,
    Cursor,
    Duration,
    Gap,
    Http,
    Interval,
    Page,
    Post,
    PostKind,
    SourceError,
    SourceSettings,
)
from sources.dates import published
from sources.http import based, web_link
from sources.pages import Numbered, by_number, places
from sources.shape import Item, changed, counted, find, item, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.walk import Walk

FEED = "https://itunes.apple.com/{}/rss/customerreviews/page={}/id={}/sortby=mostrecent/json"
LAST = 10  # pages that the feed has
SHOWN = 500  # reviews that are on them
Country = Annotated[str, Field(pattern="^[a-z]{2}$")]


class AppStoreSettings(SourceSettings):
    """One app: of anybody by country, or one's own with a key of App Store Connect, all countries at once."""

    type: Literal["appstore"]
    app: str = Field(pattern=r"^\d{1,20}$", description="number of the app: the digits after `id` in its address")
    countries: tuple[Country, ...] = Field((), description="stores to read: two letters each, as in the address")
    key: SecretStr | None = Field(None, description="private key of App Store Connect, for one's own app")
    key_id: str | None = Field(None, description="id of that key")
    issuer: str | None = Field(None, description="issuer id, the same for all keys of a team")
    every: Interval = Field(timedelta(minutes=30), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @model_validator(mode="after")
    def _one_way(self) -> AppStoreSettings:
        if self.key is None and not self.countries:
            raise ValueError("countries, or key, key_id and issuer for one's own app")
        if self.key is not None and (self.countries or not self.key_id or not self.issuer):
            raise ValueError("key needs key_id and issuer, and no countries: it reads all of them")
        if len(set(self.countries)) < len(self.countries):
            raise ValueError("a country is named twice")
        return self


class AppStoreSource:
    """The reviews of one country."""

    overlap = timedelta(days=2)  # the feed is served from caches, and reviews are looked at before they appear

    def __init__(self, config: AppStoreSettings, country: str, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._app = config.app
        self._country = country
        self._base_url = config.base_url
        self._backlog = config.backlog
        self._clock = clock
        self._api = Api(http, clock)

    async def fetch(self, cursor: Cursor) -> Page:
        walk = Walk.resume(cursor, self._clock(), self._backlog)
        notices: list[str] = []

        async def ask(number: int) -> list[Post]:
            posts, remarks = await self._ask(number)
            notices.extend(remarks)
            return posts

        found = await by_number(walk, ask, LAST)
        if not found.posts and found.number == 1 and walk.floor is not None:
            raise SourceError(
                f"the {self._country} store shows no reviews, but it did before", backoff_limit=BACKOFF_SHORT
            )
        after, more, gaps = self._step(walk, found)
        posts = {post.external_id: post for post in [*found.again, *found.posts]}
        ordered = sorted(posts.values(), key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, gaps=gaps, notices=tuple(dict.fromkeys(notices)))

    async def probe(self) -> str:
        posts, _ = await self._ask(1)
        return (
            f"answers; newest review of {posts[0].published_at:%Y-%m-%d}" if posts else "answers, but shows no review"
        )

    async def _ask(self, number: int) -> tuple[list[Post], tuple[str, ...]]:
        url = based(self._base_url, FEED.format(self._country, number, self._app))
        reviews = _reviews(await self._api.get(url))
        made = [self._post(review) for review in reviews]
        notices = tuple(usable(reviews, made, "reviews"))
        return [post for post in made if post is not None], notices

    def _step(self, walk: Walk, found: Numbered) -> tuple[Cursor, bool, tuple[Gap, ...]]:
        """As Walk.step. A feed that ends above what was read before leaves the floor where it is: asked again."""
        if not found.posts and walk.floor is not None and walk.next is not None and walk.next > walk.floor:
            return {"floor": walk.floor}, False, ()
        standing = places(found.posts)
        overlap = int(self.overlap.total_seconds())
        follows = found.number < LAST
        after, more, gaps = walk.step(standing, overlap=overlap, follows=follows, page=found.number + 1)
        lowest = walk.since if walk.floor is None else walk.floor
        if not follows and standing and min(place.position for place in standing) > lowest:
            gaps = (Gap(f"the {self._country} store shows only the newest {SHOWN} reviews: older ones were missed"),)
        return after, more, gaps

    def _post(self, review: Item) -> Post | None:
        number = reference(review, "id", "label")
        when = text(review, "updated", "label")
        published_at, dated = published(when, self._clock())
        if number is None or not dated:
            return None
        return Post(
            source=self._name,
            external_id=number,
            url=web_link(_link(review)),
            title=html_to_text(text(review, "title", "label")),
            text=html_to_text(text(review, "content", "label")),
            author=plain_text(text(review, "author", "name", "label")) or None,
            kind=PostKind.REVIEW,
            rating=_stars(review),
            engagement=counted(item(review, "im:voteCount"), "label"),
            published_at=published_at,
            published_raw=when,
            raw=json.dumps(review),
        )


def _reviews(answer: JSON) -> list[Item]:
    feed = find(answer, "feed")
    if not isinstance(feed, dict) or not isinstance(feed.get("id") or feed.get("entry"), dict | list):
        raise changed("no `feed`")
    entries = [feed["entry"]] if isinstance(feed.get("entry"), dict) else feed.get("entry", [])
    if not isinstance(entries, list):
        raise changed("`entry` is no list")
    return [entry for entry in entries if isinstance(entry, dict) and not _is_app(entry)]


def _is_app(entry: Item) -> bool:
    return "im:rating" not in entry and "im:name" in entry


def _stars(review: Item) -> float | None:
    stars = whole(review, "im:rating", "label")
    return float(stars) if stars is not None and 1 <= stars <= 5 else None


def _link(review: Item) -> str:
    return text(review, "link", "attributes", "href") or text(review, "link", 0, "attributes", "href")
