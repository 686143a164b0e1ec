"""Questions, answers and comments of sites of the Stack Exchange network.

API 2.3 (api.stackexchange.com/docs): `/questions`, `/answers`, `/comments` and `/search/excerpts` by rising creation
date from `fromdate` on, 100 an answer. A pass goes forward, so its cursor has no top: `floor`, the newest position of
the last finished pass; `next`, where this one goes on, asked for inclusively; `page`, where more than one answer is of
that second. Positions are seconds since 1970. An answer may ask for a pause of its own (`backoff`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, SecretStr

from sources.api import Api
from sources.base import (
    BACKOFF_LONG,
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
    Response,
    SearchDialect,
    SearchTerms,
    SourceError,
    SourceSettings,
    searches,
)
from sources.http import based, web_link
from sources.shape import Item, changed, counted, flag, item, listed, moment, number, text, usable, whole
from sources.text import html_to_text

ENDPOINT = "https://api.stackexchange.com/2.3"
PAGE = 100
MOST_PAGES = 25  # of one second; more are for applications with a key
OWN_DOMAIN = {"stackoverflow", "superuser", "serverfault", "askubuntu", "stackapps"}
PASSING = {500, 503}  # error ids
WAIT = re.compile(r"more requests available in (\d{1,6}) seconds")

Kind: TypeAlias = Literal["questions", "answers", "comments"]
Site = Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=64)]


class StackExchangeSettings(SourceSettings):
    """One or several sites, read whole or searched."""

    DIALECT: ClassVar[SearchDialect] = SearchDialect(either="", without="-", has_brackets=False, longest=240)

    type: Literal["stackexchange"]
    sites: list[Site] = Field(min_length=1, description="api_site_parameter of each: stackoverflow, superuser, ...")
    read: list[Kind] = Field(["questions", "answers", "comments"], min_length=1, description="what of them")
    search: SearchTerms = Field((), description="only what these find, instead of everything; or {from: WATCHLIST}")
    key: SecretStr | None = Field(None, description="of an application: 10,000 requests a day instead of 300")
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(days=1), description="how far back a first pass reads")


@dataclass(frozen=True, slots=True)
class Method:
    """What one part asks for."""

    site: str
    path: str
    query: str = ""


def methods(config: StackExchangeSettings) -> dict[str, Method]:
    """The parts by name."""
    found = searches(config.search)
    if found:
        return {f"{site}/{query}": Method(site, "search/excerpts", query) for site in config.sites for query in found}
    return {f"{site}/{kind}": Method(site, kind) for site in config.sites for kind in config.read}


class StackExchangeSource:
    """One site's questions, answers or comments, or what one search finds there."""

    overlap = timedelta(minutes=15)

    def __init__(self, config: StackExchangeSettings, method: Method, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._method = method
        self._url = f"{based(config.base_url, ENDPOINT)}/{method.path}"
        self._key = config.key.get_secret_value() if config.key else None
        self._http = http
        self._clock = clock
        self._api = Api(http, clock, refusal=_refused, has_credentials=config.key is not None)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        floor = whole(cursor, "floor")
        if floor is None:
            floor = max(0, int((now - self._backlog).timestamp()))
            cursor = {"next": floor}  # nothing to overlap with
        start = whole(cursor, "next")
        start = floor - int(self.overlap.total_seconds()) if start is None else start
        page = whole(cursor, "page") or 1
        answer = await self._ask({"fromdate": str(start), "page": str(page), "order": "asc"})
        found = listed(answer, "items")
        if not found and flag(answer, "has_more"):
            raise changed("`has_more` without `items`")
        made = [self._post(each, now) for each in found]
        notices = tuple(usable(found, made, "items"))
        posts = [post for post in made if post is not None]
        last = max((int(post.published_at.timestamp()) for post in posts), default=start)
        after, gaps = _next(floor, start, page, last, bool(flag(answer, "has_more")))
        return Page(
            posts=tuple(sorted(posts, key=lambda post: post.published_at)),
            cursor=after,
            more="next" in after,
            gaps=gaps,
            notices=notices,
            left=_left(answer),
        )

    async def probe(self) -> str:
        answer = await self._ask({"page": "1", "order": "desc"})
        found = listed(answer, "items")
        newest = moment(number(found[0], "creation_date")) if found else None
        line = f"answers; newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "answers, but shows nothing"
        return "; ".join(filter(None, (line, _left(answer))))

    async def _ask(self, query: dict[str, str]) -> JSON:
        query |= {"site": self._method.site, "sort": "creation", "pagesize": str(PAGE), "filter": "withbody"}
        if self._method.query:
            query |= {"q": self._method.query, "filter": "default"}
        if self._key:
            query["key"] = self._key
        answer = await self._api.get(self._url, query)
        backoff = whole(answer, "backoff")
        if backoff:
            self._http.pause(self._url, backoff)
        return answer

    def _post(self, found: Item, now: datetime) -> Post | None:
        comment, answer, question = (whole(found, f"{each}_id") for each in ("comment", "answer", "question"))
        created = moment(whole(found, "creation_date"))
        identity = f"c{comment}" if comment else answer or question
        if not identity or created is None:
            return None
        site = self._method.site
        above = whole(found, "post_id") if comment else question if answer else None
        body = text(found, "body") or text(found, "excerpt")
        return Post(
            source=self._name,
            external_id=f"{site}/{identity}",
            url=web_link(text(found, "link")) or _link(site, comment, above or answer or question),
            # An answer bears its question's title, and no title of its own.
            title="" if comment or answer else html_to_text(text(found, "title")),
            text=html_to_text(body),
            author=html_to_text(text(item(found, "owner"), "display_name")) or None,
            kind=PostKind.COMMENT if comment or answer else PostKind.POST,
            parent=f"{site}/{above}" if above else None,
            thread=f"{site}/{question}" if question else None,
            engagement=counted(found, "score", "answer_count"),
            published_at=min(created, now),
            published_raw=str(whole(found, "creation_date")),
            raw=json.dumps(found),
        )


def _next(floor: int, start: int, page: int, last: int, follows: bool) -> tuple[Cursor, tuple[Gap, ...]]:
    """The cursor after an answer from `start` on whose newest position is `last`."""
    if not follows:
        return {"floor": max(floor, last)}, ()
    if last > start:
        return {"floor": floor, "next": last}, ()
    if page < MOST_PAGES:
        return {"floor": floor, "next": start, "page": page + 1}, ()
    gap = Gap(f"more than {PAGE * MOST_PAGES} items of second {start}: some of them may be lost")
    return {"floor": floor, "next": start + 1}, (gap,)


def _link(site: str, comment: int | None, post: int | None) -> str:
    domain = f"{site}.com" if site in OWN_DOMAIN else site if "." in site else f"{site}.stackexchange.com"
    return f"https://{domain}/q/{post}" + (f"#comment{comment}_{post}" if comment else "")


def _left(answer: JSON) -> str:
    left, most = whole(answer, "quota_remaining"), whole(answer, "quota_max")
    return "" if left is None or most is None else f"{left:,} of {most:,} requests today"


def _refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    """Errors carry a number of their own in the body (api.stackexchange.com/docs/error-handling), mostly with 400."""
    error, name, message = whole(said, "error_id"), text(said, "error_name"), text(said, "error_message")
    if error is None:
        return None
    line = f"Stack Exchange refuses (HTTP {response.status}, {error} {name}): {' '.join(message.split())[:200]}"
    if error == 502:  # throttle_violation
        found = WAIT.search(message)
        return SourceError(line, retry_after=float(found[1]) if found else 300.0, backoff_limit=BACKOFF_SHORT)
    is_key = "key" in message.lower() and error in (400, 403, 405)
    return SourceError(line, permanent=is_key, backoff_limit=BACKOFF_SHORT if error in PASSING else BACKOFF_LONG)
