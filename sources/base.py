"""The contract of every source: what it is given, what it returns, how it fails.

A source stores nothing and knows nothing of what is stored: it gets the cursor of its part and returns one page and
the cursor after it. Times are timezone-aware UTC datetimes; durations in configuration are `timedelta`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
Cursor: TypeAlias = dict[str, JSON]  # opaque outside its source; {} before the first page
Clock: TypeAlias = Callable[[], datetime]  # the present in UTC


class PostKind(StrEnum):
    """What kind of public item a post is."""

    POST = "post"
    COMMENT = "comment"
    REVIEW = "review"
    ARTICLE = "article"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One public item as fetched; `title` and `text` are cleaned to plain text, `raw` keeps the form it came in."""

    source: str  # the configured name of the source
    external_id: str  # unique within the source, stable over edits
    text: str
    published_at: datetime  # never later than the fetch; the fetch time where `dated` is False
    dated: bool = True  # False: the item gave no usable date
    published_raw: str | None = None
    title: str = ""
    url: str | None = None
    author: str | None = None
    lang: str | None = None  # ISO 639-1 as the source states it; None: unknown
    kind: PostKind = PostKind.POST
    parent: str | None = None  # external_id of what this answers
    thread: str | None = None
    rating: float | None = None
    engagement: int | None = None
    followers: int | None = None
    answered: bool | None = None  # whether the brand answered it at the source already; None: the source does not say
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Items that the source can no longer give: shown on its health, never silent."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a pass. `cursor` is the position after it; `more` = the pass goes on at once.

    `body` is False where the server said that nothing changed (304) or showed nothing at all: nothing was read, so
    nothing can be missed by it.
    `renamed` maps old external ids to new ones whose rows move along; `deleted` lists external ids that are gone.
    `edited` lists posts of a stream that stand for earlier ones: known ones are kept though nobody watches for them.
    `notices` are remarks for the operator (an address moved, the identity policy changed), logged once each.
    `articles` are addresses by external id: the article that a post announces, where its text is wanted too.
    `reached` is up to when the source has been read, by its own clock; None: up to the fetch. `left` says what is left
    of a budget (`9,870 of 10,000 requests until 2026-11-22 08:00 UTC`), for the operator.
    """

    posts: tuple[Post, ...]  # oldest first
    cursor: Cursor
    more: bool = False
    body: bool = True
    gaps: tuple[Gap, ...] = ()
    deleted: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    articles: Mapping[str, str] = field(default_factory=dict)
    reached: datetime | None = None
    left: str = ""


BACKOFF_SHORT = timedelta(minutes=15)  # 5xx, timeouts, resets: the server will be back
BACKOFF_LONG = timedelta(hours=24)  # 404, DNS, TLS, not a feed: somebody has to mend it


class SourceError(Exception):
    """A source could not give its page.

    permanent: the source is switched off until the operator enables it again (410 Gone, refused credentials).
    retry_after: seconds the server asked for, clamped to 0-24 h. backoff_limit: the longest pause between tries.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: float | None = None,
        backoff_limit: timedelta = BACKOFF_SHORT,
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after
        self.backoff_limit = backoff_limit


class Source(Protocol):
    """One part of a configured source (a feed, a subreddit, a search): the unit that has a cursor.

    `overlap` is how far back of the newest position a pass reads again, for items that appear late.
    """

    @property
    def overlap(self) -> timedelta: ...

    async def fetch(self, cursor: Cursor) -> Page:
        """Return the next page. Raises SourceError."""
        ...

    async def probe(self) -> str:
        """Ask the server once, store nothing; return one line for the operator. Raises SourceError."""
        ...


@runtime_checkable
class Stream(Protocol):
    """One part of a source that sends by itself. It waits with the next page until the last one is stored."""

    @property
    def overlap(self) -> timedelta: ...

    def listen(self, cursor: Cursor) -> AsyncGenerator[Page, None]:
        """Yield pages until the server ends it; `more` = behind the present. Raises SourceError.

        A page comes every few seconds, an empty one too, so that the cursor moves. Posts need not be matched: what no
        watchlist wants is dropped before it is stored.
        """
        ...

    async def probe(self) -> str:
        """As Source.probe."""
        ...


@runtime_checkable
class Inspectable(Protocol):
    """A source that can show how it reads a page, for whoever writes its configuration."""

    async def inspect(self) -> tuple[str, ...]:
        """Ask the server once; return lines for the operator. Raises SourceError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A request that another system sent to `/hooks/NAME`. Header names are lower case."""

    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to what was pushed. With a `key` the body is kept in the inbox first, once for each key."""

    status: int = 200
    text: str = ""
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One body in the inbox; ids rise."""

    id: int
    received_at: datetime
    content_type: str
    body: bytes


class Inbox(Protocol):
    """What was pushed to a source and waits to be read."""

    async def read(self, source: str, after: int, limit: int) -> tuple[Kept, ...]:
        """Bodies with ids above `after`, in their order."""
        ...


@runtime_checkable
class Hook(Protocol):
    """A source that others push to: it decides over each request, and fetches from the inbox later.

    It is the part of its source that has no name, and its cursor says under `after` up to which id it has read.
    """

    @property
    def methods(self) -> tuple[str, ...]:
        """The HTTP methods that it takes."""
        ...

    @property
    def largest(self) -> int:
        """Bytes that a body may have."""
        ...

    def accept(self, pushed: Pushed) -> Reply:
        """Decide by the raw bytes, quickly and without I/O. Never raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchDialect:
    """What a source's own search understands, for watchlists that are translated into it.

    `either` and `without` are the signs for OR and NOT; an empty `either` makes one search of each alternative.
    Leave `without` empty where the search sees more of a post than it gives: it would take away what belongs here.
    `has_nesting`: brackets may hold more than single alternatives. `longest` is in characters of one search.
    """

    either: str = "OR"
    without: str = "-"
    has_phrases: bool = True
    has_brackets: bool = True
    has_nesting: bool = True
    longest: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An HTTP answer, whole and decompressed. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str  # where the answer came from, after redirects
    moved_to: str | None = None  # where only permanent redirects (301, 308) led, else None
    retry_after: float | None = None  # seconds, from 429 and 503, clamped to 0-24 h


class HttpError(Exception):
    """No usable answer.

    refused: the address, scheme or size is not allowed, trying again cannot help (the message says why).
    unreachable: name or certificate trouble, somebody has to mend it. maybe_sent: the request may have been acted on.
    retry_after: seconds for which this host is being left alone.
    """

    def __init__(
        self,
        message: str,
        *,
        refused: bool = False,
        unreachable: bool = False,
        maybe_sent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.refused = refused
        self.unreachable = unreachable
        self.maybe_sent = maybe_sent
        self.retry_after = retry_after


class Http(Protocol):
    """The guarded HTTP session: limits, redirects, addresses and per-host politeness are its business."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        """Return any answer, 4xx and 5xx included. Redirects are followed for GET only. Raises HttpError.

        once: never ask a second time after a lost connection, not even for GET: for answers that are paid for.
        """
        ...

    def pause(self, url: str, seconds: float) -> None:
        """Leave the host of `url` alone for so long: for limits that a server states in a form of its own."""
        ...


LONGEST_DURATION = timedelta(days=36500)  # what can be taken from any date that is near the present
_DURATION = re.compile(r"(\d+)(s|m|h|d)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(value: object) -> timedelta:
    """`30s`, `5m`, `4h`, `1d` as a timedelta. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration such as 30s, 5m, 4h or 1d")
    try:
        duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    except (ValueError, OverflowError):  # more digits than a number or a timedelta may have
        duration = timedelta.max
    if duration > LONGEST_DURATION:
        raise ValueError(f"a duration of {LONGEST_DURATION.days}d at the most")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+[smhd]$", "examples": ["30s", "5m", "4h", "1d"]}),
]


def _not_nothing(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("a duration of 1s or more")
    return value


Interval = Annotated[Duration, AfterValidator(_not_nothing)]


class Settings(BaseModel):
    """Strict configuration: unknown keys are errors, values never appear in error texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=64)]


@dataclass(frozen=True, slots=True)
class PathKey:
    """Marks a string in a configuration model as a path: `path: Annotated[str, PathKey()]`.

    The configuration loader makes a marked path absolute, counted from the folder of the YAML file; `-` stays as it is.
    """


class SourceSettings(Settings):
    """The keys that every source has."""

    name: Name
    was: Name | None = Field(default=None, description="the former name, so that a rename loses no state")
    every: Interval = Field(default=timedelta(minutes=5), description="pause between two passes")
    backlog: Duration | Literal["all"] = Field(
        timedelta(days=1),
        description="how far back a first pass alerts; older posts are held for one summary",
    )
    base_url: str | None = Field(default=None, description="replaces scheme, host, port and an optional prefix")


FULL_TEXT = "fetch the articles that posts link to, and read their text too"


class FromWatchlist(Settings):
    """A search that is made of a watchlist's query."""

    from_: Name = Field(alias="from", description="the watchlist")


# What a source's own search is asked for: its own syntax, one search each, or a watchlist. The daemon puts the searches
# of a watchlist in its place before a source is built.
SearchTerms: TypeAlias = tuple[Annotated[str, Field(min_length=1)], ...] | FromWatchlist


def searches(terms: SearchTerms) -> tuple[str, ...]:
    """What a source asks for. Raises ValueError for a watchlist that was not translated."""
    if isinstance(terms, FromWatchlist):
        raise ValueError(f"the watchlist {terms.from_!r} was not translated into searches")
    return terms
