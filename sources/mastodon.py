"""Hashtags and searches on instances of Mastodon, and of servers that speak its API.

`GET /api/v1/timelines/tag/TAG` (docs.joinmastodon.org, methods/timelines) with `min_id` gives the statuses that follow
an id, oldest first to be shown: a pass goes forward until an answer is empty, however much was posted. A first pass has
no id yet and goes back by `max_id` as far as `backlog`. `GET /api/v2/search` (methods/search) only goes back. What an
instance sends by itself is read by `mastodon_stream`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

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
    Settings,
    SourceError,
    SourceSettings,
)
from sources.http import WebAddress, based, refusal
from sources.mastodon_cursor import Mark, Trail
from sources.mastodon_status import read_status
from sources.shape import Item, find, listed, text, usable

LIMIT = 40  # statuses of one answer
ASK_AGAIN = 3600  # seconds between two questions whether a timeline that shows nothing is closed


class Instance(Settings):
    """An instance with a token for it."""

    url: WebAddress
    token: SecretStr = Field(description="access token of an application, with read:statuses and read:search")


class MastodonSettings(SourceSettings):
    """Some hashtags and searches, each on all of the instances."""

    DIALECT: ClassVar[SearchDialect] = SearchDialect(either="", has_brackets=False)

    type: Literal["mastodon"]
    instances: tuple[WebAddress | Instance, ...] = Field(min_length=1, description="addresses, each may have a token")
    hashtags: tuple[str, ...] = Field((), description="hashtags, with or without #")
    search: SearchTerms = Field((), description="full-text searches, on the instances that have a token")
    streaming: bool = Field(default=False, description="listen to the hashtags too, on the instances that have a token")
    every: Interval = Field(timedelta(minutes=1), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")

    @field_validator("hashtags")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(name.removeprefix("#").lower() for name in value))
        if not all(name and name.replace("_", "a").isalnum() for name in names):
            raise ValueError("hashtags of letters, digits and _")
        return names

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        has_token = any(isinstance(each, Instance) for each in self.instances)
        if not self.hashtags and not (self.search and has_token):
            raise ValueError("needs `hashtags`, or `search` with a token for one of the `instances`")
        if self.streaming and not (self.hashtags and has_token):
            raise ValueError("`streaming` needs `hashtags` and a token for one of the `instances`")
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """What one part asks for: a hashtag, a search, or neither, for the stream of all hashtags."""

    instance: WebAddress | Instance
    hashtag: str = ""
    search: str = ""

    @property
    def site(self) -> str:
        return (self.instance.url if isinstance(self.instance, Instance) else self.instance).rstrip("/")

    @property
    def host(self) -> str:
        return urlsplit(self.site).hostname or ""

    @property
    def headers(self) -> dict[str, str]:
        """With the token, where there is one."""
        if not isinstance(self.instance, Instance):
            return {}
        return {"Authorization": f"Bearer {self.instance.token.get_secret_value()}"}

    @property
    def part(self) -> str:
        if self.hashtag:
            return f"{self.host}#{self.hashtag}"
        return f"{self.host}?{self.search}" if self.search else f"{self.host}/stream"


def parts(config: MastodonSettings, terms: tuple[str, ...]) -> list[Asked]:
    """Each hashtag on each instance, each search on those that have a token."""
    hashtags = [Asked(instance, hashtag=name) for instance in config.instances for name in config.hashtags]
    members = [instance for instance in config.instances if isinstance(instance, Instance)]
    return [*hashtags, *(Asked(instance, search=term) for instance in members for term in terms)]


def streams(config: MastodonSettings) -> list[Asked]:
    """The instances that have a token, where they are to be listened to."""
    return [Asked(each) for each in config.instances if isinstance(each, Instance)] if config.streaming else []


class MastodonSource:
    """One hashtag or one search on one instance."""

    overlap = timedelta(minutes=15)  # that a status may take from instance to instance

    def __init__(self, config: MastodonSettings, asked: Asked, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._asked = asked
        self._site = based(config.base_url, asked.site)
        self._clock = clock
        headers = asked.headers
        self._api = Api(http, clock, headers, _no_refusal if headers else _refused, has_credentials=bool(headers))

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        trail = Trail.resume(cursor, now, self._backlog, self.overlap)
        start = trail.start if self._asked.hashtag and trail.max_id is None else None
        found = await self._ask({"min_id": start} if start else {"max_id": trail.max_id} if trail.max_id else {})
        made = [read_status(status, source=self._name, host=self._asked.host, now=now) for status in found]
        notices = tuple(usable(found, made, "statuses"))
        posts = {text(status, "id"): post for status, post in zip(found, made, strict=True) if post is not None}
        met = [Mark(int(post.published_at.timestamp()), number) for number, post in posts.items()]
        after, more = trail.forward(met) if start else trail.back(met)
        if not found and "min_id" not in cursor:
            after |= {"asked": await self._ask_why(cursor, now)}
        ordered = sorted(posts.values(), key=lambda post: post.published_at)
        return Page(posts=tuple(ordered), cursor=after, more=more, notices=notices)

    async def probe(self) -> str:
        found = await self._ask({})
        if not found:
            await self._check_access()
            return "answers, but shows no status"
        return f"answers; newest status of {text(found[0], 'created_at')[:16]}"

    async def _ask(self, query: Mapping[str, str]) -> list[Item]:
        asked = {"limit": str(LIMIT), **query}
        if self._asked.hashtag:
            return listed(await self._api.get(f"{self._site}/api/v1/timelines/tag/{quote(self._asked.hashtag)}", asked))
        asked |= {"type": "statuses", "q": self._asked.search}
        return listed(await self._api.get(f"{self._site}/api/v2/search", asked), "statuses")

    async def _ask_why(self, cursor: Cursor, now: datetime) -> int:
        """Nothing is shown: there is nothing, or it is not for us. When it was asked, in seconds since 1970."""
        last, present = cursor.get("asked"), int(now.timestamp())
        if isinstance(last, int) and present - ASK_AGAIN < last <= present:
            return last
        await self._check_access()
        return present

    async def _check_access(self) -> None:
        """Raises SourceError where the instance says that it shows hashtags to nobody, or only to its members."""
        if not self._asked.hashtag:
            return
        said = await self._api.get(f"{self._site}/api/v2/instance")
        access = find(said, "configuration", "timelines_access", "hashtag_feeds")
        closed = {text(access, which) for which in ("local", "remote")} - {"", "public"}
        if "disabled" in closed or (closed and not self._api.has_credentials):
            raise SourceError(f"{self._asked.host}: {CLOSED}", backoff_limit=BACKOFF_LONG)


CLOSED = "the instance shows hashtags only to its members, or to nobody: give it a token, or ask another instance"


def _no_refusal(response: Response, said: JSON, now: datetime) -> None:
    return None


def _refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    if response.status not in (401, 403, 422):
        return None
    return refusal(response, response.url, f"{CLOSED} ({text(said, 'error')})")
