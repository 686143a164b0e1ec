"""Posts and comments of a Lemmy instance, and of every other one that it knows, over the API v3.

`/api/v3/post/list`, `/comment/list` and `/search` (join-lemmy.org/api; read in LemmyNet/lemmy 0.19.13 and in
lemmy-js-client 0.19.13) give the newest first, 50 at a time, by page number; posts also by a cursor that names the last
one. Positions are milliseconds since 1970. Identity is `ap_id`, the address at the instance where it was written, which
is the same on every instance.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import (
    BACKOFF_LONG,
    JSON,
    Clock,
    Cursor,
    Duration,
    Http,
    Interval,
    Page,
    Response,
    SearchDialect,
    SearchTerms,
    SourceError,
    SourceSettings,
    searches,
)
from sources.dates import parse_date
from sources.http import WebAddress, based, shown
from sources.lemmy_post import Maker, is_gone
from sources.page_number import PageNumber
from sources.shape import Item, listed, text, usable
from sources.walk import Place, Walk

PAGE = 50  # the most that one answer holds
RATE_PAUSE = 60.0  # seconds; the limits count per minute, that of searches per ten minutes
SEARCH_PAUSE = 600.0

Wanted = Literal["posts", "comments"]


class LemmySettings(SourceSettings):
    """One instance."""

    type: Literal["lemmy"]
    url: WebAddress = Field(description="address of the instance")
    communities: tuple[str, ...] = Field(
        (),
        description="such as `technology` or `technology@lemmy.world`; without them and `search` all of the instance",
    )
    search: SearchTerms = Field((), description="what the instance's search is asked for, one search each")
    listing: Literal["All", "Local"] = Field("All", description="Local: only what was written in its own communities")
    read: tuple[Wanted, ...] = Field(("posts", "comments"), min_length=1, description="posts, comments or both")
    token: SecretStr | None = Field(None, description="the login token (jwt), for a private instance")
    every: Interval = Field(timedelta(minutes=2), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    # The words of a search must stand in this order; there are no operators.
    DIALECT: ClassVar[SearchDialect] = SearchDialect(
        either="", without="", has_phrases=False, has_brackets=False, longest=100
    )


@dataclass(frozen=True, slots=True)
class Listing:
    """One list that is read by itself: of the instance, of a community, or what a search finds."""

    wanted: Wanted
    community: str = ""
    search: str = ""

    @property
    def part(self) -> str:
        """Its name among the parts of the source."""
        return " ".join(filter(None, (self.wanted, self.community and f"of {self.community}", self.search)))

    @property
    def path(self) -> str:
        if self.search:
            return "/api/v3/search"
        return "/api/v3/post/list" if self.wanted == "posts" else "/api/v3/comment/list"

    def query(self, listed: str) -> dict[str, str]:
        """`listed`: All or Local."""
        query = {"sort": "New", "limit": str(PAGE)}
        if self.search:
            return query | {"q": self.search, "type_": self.wanted.capitalize(), "listing_type": listed}
        return query | {"type_": listed} | ({"community_name": self.community} if self.community else {})


def listings(config: LemmySettings) -> tuple[Listing, ...]:
    """What is read, each with a cursor of its own."""
    places = [Listing("posts", community) for community in config.communities]
    places += [Listing("posts", "", query) for query in searches(config.search)]
    return tuple(
        Listing(wanted, place.community, place.search)
        for place in places or [Listing("posts")]
        for wanted in dict.fromkeys(config.read)
    )


class LemmySource:
    """One listing."""

    overlap = timedelta(hours=1)  # what comes from other instances is dated by them, and comes late

    def __init__(self, config: LemmySettings, listing: Listing, http: Http, clock: Clock) -> None:
        self._backlog = config.backlog
        self._listing = listing
        self._url = based(config.base_url, config.url.rstrip("/") + listing.path)
        self._query = listing.query(config.listing)
        self._clock = clock
        self._make = Maker(config.name, "post" if listing.wanted == "posts" else "comment")
        headers = {} if config.token is None else {"Authorization": f"Bearer {config.token.get_secret_value()}"}
        self._api = Api(http, clock, headers, self._refusal, has_credentials=bool(headers))

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        walk = Walk.resume(cursor, now, self._backlog)
        answer = await self._ask(walk.page, now)
        found = listed(answer, self._listing.wanted)
        gone = tuple(text(view, self._make.noun, "ap_id") for view in found if is_gone(view, self._make.noun))
        views = [view for view in found if not is_gone(view, self._make.noun)]
        made = [self._make.post(view, found, now) for view in views]
        notices = tuple(usable(views, made, self._listing.wanted))
        places = [place for view in found if (place := self._place(view, now)) is not None]
        overlap = int(self.overlap.total_seconds() * 1000)
        after, more, gaps = walk.step(
            places, overlap=overlap, follows=len(found) >= PAGE, page=self._following(answer, walk.page, now)
        )
        posts = sorted((post for post in made if post is not None), key=lambda post: post.published_at)
        return Page(posts=tuple(posts), cursor=after, more=more, gaps=gaps, deleted=gone, notices=notices)

    async def probe(self) -> str:
        found = listed(await self._ask(None, self._clock()), self._listing.wanted)
        newest = text(found[0], self._make.noun, "published") if found else ""
        return f"answers; newest of {newest[:16]}" if newest else "answers, but shows nothing"

    async def _ask(self, hint: JSON, now: datetime) -> JSON:
        if token := text(hint, "token"):
            try:
                return await self._api.get(self._url, self._query | {"page_cursor": token})
            except SourceError as error:
                # It names a post, which may be gone by now: then the pass begins at its top again.
                if error.permanent or error.retry_after or error.backoff_limit != BACKOFF_LONG:
                    raise
        return await self._api.get(self._url, self._query | {"page": str(PageNumber.resume(hint, now).number)})

    def _following(self, answer: JSON, hint: JSON, now: datetime) -> JSON:
        if token := text(answer, "next_page"):
            return {"token": token}
        return PageNumber.resume(hint, now).following(now)

    def _place(self, view: Item, now: datetime) -> Place | None:
        at = parse_date(text(view, self._make.noun, "published"), now)
        return None if at is None or at > now + self.overlap else Place(int(at.timestamp() * 1000), int(at.timestamp()))

    def _refusal(self, response: Response, said: JSON, now: datetime) -> SourceError | None:
        """Lemmy 0.19 says with a 400 that its rate limit is used up, and not until when."""
        if text(said, "error") != "rate_limit_error":
            return None
        pause = SEARCH_PAUSE if self._listing.search else RATE_PAUSE
        seconds = pause if response.retry_after is None else response.retry_after
        return SourceError(
            f"{shown(self._url)}: asks us to slow down (HTTP {response.status}): rate_limit_error", retry_after=seconds
        )
