"""Posts that recent search of X finds, within a monthly budget.

API v2, `GET /2/tweets/search/recent` (docs.x.com): the last seven days, newest first, 100 an answer, paid for by post
and author read. A pass asks for what is newer than `since_id`, page by page with the same `since_id`, and takes the
`newest_id` of its first page for the next one. Every call is prepared by a page without posts (sources/x_budget.py).
All searches share the budget, so they are one part. The cursor: the account, `query`, the search that this pass is at,
and `walks`: by search `since_id` or, before anything was found, `start`; within a pass `top` and `token`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field, SecretStr, field_validator

from sources.api import Api
from sources.base import (
    BACKOFF_LONG,
    JSON,
    Clock,
    Cursor,
    Duration,
    FromWatchlist,
    Gap,
    Http,
    HttpError,
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
from sources.dates import published
from sources.feed_entry import language
from sources.http import based
from sources.shape import Item, changed, counted, find, item, items, listed, reference, text, usable, whole
from sources.text import html_to_text, plain_text
from sources.x_budget import Account, process_of, used_up

ENDPOINT = "https://api.x.com/2"
LARGEST, SMALLEST = 100, 10  # posts that an answer may be asked to hold
AUTHOR = 2  # an author costs what so many posts cost
LONGEST_QUERY = 512
NO_COPIES = " -is:retweet"  # they say nothing new, and cost as much
WINDOW = timedelta(days=7) - timedelta(hours=1)  # how far back may be asked for, with room for slow clocks
SNOWFLAKE = 1288834974657  # milliseconds since 1970 at which ids begin
FIELDS = "created_at,lang,author_id,conversation_id,public_metrics,referenced_tweets,note_tweet"


class XSettings(SourceSettings):
    """Searches of recent posts."""

    DIALECT: ClassVar[SearchDialect] = SearchDialect(longest=LONGEST_QUERY - len(f"(){NO_COPIES}"))

    type: Literal["x"]
    token: SecretStr = Field(description="bearer token of an app")
    search: SearchTerms = Field(description="searches in X's syntax; or {from: WATCHLIST}")
    budget: int = Field(ge=30, description="reads a month at the most: one a post, two more for its author")
    authors: bool = Field(True, description="read who wrote a post: name and followers; false: a third of the cost")
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    backlog: Duration = Field(timedelta(hours=1), description="how far back a first pass reads, seven days at the most")

    @field_validator("search")
    @classmethod
    def _fits(cls, value: SearchTerms) -> SearchTerms:
        if not isinstance(value, FromWatchlist):
            if not value:
                raise ValueError("at least one search")
            if any(len(_narrowed(query)) > LONGEST_QUERY for query in value):
                raise ValueError(f"a search of {LONGEST_QUERY - len(f'(){NO_COPIES}')} characters at the most")
        return value


class XSource:
    """All searches of one app."""

    overlap = timedelta(0)

    def __init__(self, config: XSettings, http: Http, clock: Clock) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._queries = searches(config.search)
        self._budget = config.budget
        self._has_authors = config.authors
        self._cost = 1 + AUTHOR if config.authors else 1  # of one post, at the most
        self._endpoint = based(config.base_url, ENDPOINT)
        self._clock = clock
        self._process = process_of(http)
        headers = {"Authorization": f"Bearer {config.token.get_secret_value()}"}
        self._api = Api(http, clock, headers, refusal=_refused, once=True, has_credentials=True)

    async def fetch(self, cursor: Cursor) -> Page:
        now = self._clock()
        account = Account.of(cursor, now)
        if not account.is_usable(self._process, self._name):
            return self._prepare(cursor, account.written_off(), now)
        index = (whole(cursor, "query") or 0) % len(self._queries)
        query = self._queries[index]
        walks = {each: walk for each, walk in item(cursor, "walks").items() if each in self._queries}
        walk, gaps = _within_window(item(walks, query) or self._first(now), now)
        try:
            answer = await self._ask(query, walk, account)
        except _TooOld:
            walks[query] = {"start": int((now - WINDOW).timestamp())}
            return self._prepare({**cursor, "walks": walks}, account.settled(0), now, (_lost(now),))
        posts, notices, cost = self._read(answer, now)
        walks[query] = _step(walk, answer)
        index = index if "token" in item(walks, query) else index + 1
        after = {**account.settled(cost).cursor(), "walks": walks}
        if index < len(self._queries):
            after["query"] = index
        return Page(
            posts=tuple(sorted(reversed(posts), key=lambda post: post.published_at)),
            cursor=after,
            more="query" in after,
            gaps=gaps,
            notices=notices,
            left=account.settled(cost).left(self._budget),
        )

    async def probe(self) -> str:
        """Costs nothing: it asks what was used."""
        answer = await self._api.get(f"{self._endpoint}/usage/tweets")
        used = whole(answer, "data", "project_usage")
        if used is None:
            raise changed("no number `data.project_usage`")
        return f"the token works; X has counted {used:,} posts in its month; the budget is {self._budget:,} reads"

    def _first(self, now: datetime) -> Item:
        return {"start": int((now - self._backlog).timestamp())}

    def _prepare(self, cursor: Cursor, account: Account, now: datetime, gaps: tuple[Gap, ...] = ()) -> Page:
        """The page before an answer: it sets aside what that may cost. Raises SourceError where nothing is left."""
        most = SMALLEST if account.is_wary else LARGEST
        size = min(most, (self._budget - account.spent) // self._cost)
        if size < SMALLEST:
            raise used_up(now, self._budget)
        kept = {key: cursor[key] for key in ("query", "walks") if key in cursor}
        account = account.reserve(size * self._cost, self._process)
        after = account.cursor() | kept
        return Page(posts=(), cursor=after, more=True, body=False, gaps=gaps, left=account.left(self._budget))

    async def _ask(self, query: str, walk: Item, account: Account) -> JSON:
        asked = {"query": _narrowed(query), "max_results": str(account.reserved // self._cost), "tweet.fields": FIELDS}
        if self._has_authors:
            asked |= {"expansions": "author_id", "user.fields": "username,public_metrics"}
        if "since_id" in walk:
            asked["since_id"] = text(walk, "since_id")
        else:
            start = datetime.fromtimestamp(whole(walk, "start") or 0, UTC)
            asked["start_time"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        if "token" in walk:
            asked["next_token"] = text(walk, "token")
        self._process.used[self._name] = account.ticket
        try:
            return await self._api.get(f"{self._endpoint}/tweets/search/recent", asked)
        except SourceError as error:
            if _is_free(error):
                del self._process.used[self._name]
            raise

    def _read(self, answer: JSON, now: datetime) -> tuple[list[Post], tuple[str, ...], int]:
        """Posts, notices, and what they cost."""
        count = whole(answer, "meta", "result_count")
        if count is None:
            raise changed("no number `meta.result_count`")
        found = listed(answer, "data") if count else []
        authors = {text(user, "id"): user for user in items(answer, "includes", "users")}
        made = [self._post(each, authors, now) for each in found]
        notices = tuple(usable(found, made, "posts"))
        return [post for post in made if post is not None], notices, max(count, len(found)) + AUTHOR * len(authors)

    def _post(self, found: Item, authors: Mapping[str, Item], now: datetime) -> Post | None:
        number = text(found, "id")
        published_at, dated = published(text(found, "created_at"), now)
        if not number.isascii() or not number.isdigit() or len(number) > 20 or not dated:
            return None
        author = authors.get(text(found, "author_id"), {})
        name = plain_text(text(author, "username"))
        answered = [each for each in items(found, "referenced_tweets") if text(each, "type") == "replied_to"]
        counts = item(found, "public_metrics")
        return Post(
            source=self._name,
            external_id=text(found, "edit_history_tweet_ids", 0) or number,  # an edit has a number of its own
            url=f"https://x.com/{name if name.isascii() and name.isidentifier() else 'i/web'}/status/{number}",
            text=html_to_text(text(found, "note_tweet", "text") or text(found, "text")),
            author=name or None,
            lang=language(text(found, "lang")),
            kind=PostKind.COMMENT if answered else PostKind.POST,
            parent=reference(answered[0], "id") if answered else None,
            thread=reference(found, "conversation_id"),
            engagement=counted(counts, "like_count", "reply_count", "retweet_count", "quote_count"),
            followers=whole(author, "public_metrics", "followers_count"),
            published_at=published_at,
            published_raw=text(found, "created_at"),
            raw=json.dumps(found),
        )


class _TooOld(SourceError):
    """`since_id` is older than what may be searched."""


def _narrowed(query: str) -> str:
    return query if "is:retweet" in query else f"({query}){NO_COPIES}"


def _step(walk: Item, answer: JSON) -> JSON:
    """Where the search goes on: the newest of the first page bounds the next pass, not this one."""
    top = text(walk, "top") or text(answer, "meta", "newest_id")
    token = text(answer, "meta", "next_token")
    if token and token != text(walk, "token"):
        return {**walk, "top": top, "token": token}
    return (
        {"since_id": top}
        if top.isascii() and top.isdigit()
        else {key: walk[key] for key in ("since_id", "start") if key in walk}
    )


def _within_window(walk: Item, now: datetime) -> tuple[Item, tuple[Gap, ...]]:
    """The walk with a bound that X accepts; what lies before that is lost."""
    earliest = (now - WINDOW).timestamp()
    since, start = text(walk, "since_id"), whole(walk, "start")
    if since and ((int(since) >> 22) + SNOWFLAKE) / 1000 < earliest:
        return {"start": int(earliest)}, (_lost(now),)
    if not since and (start is None or start < earliest):
        return {**walk, "start": int(earliest)}, ()
    return walk, ()


def _lost(now: datetime) -> Gap:
    return Gap(f"X shows seven days: posts before {now - WINDOW:%Y-%m-%d %H:%M} UTC are lost")


def _is_free(error: SourceError) -> bool:
    """Whether X has surely read no post for us: it refused, or was never asked."""
    cause = error.__cause__
    return cause is None or (isinstance(cause, HttpError) and not cause.maybe_sent)


def _refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    """Problems in X's form (docs.x.com, Response codes and errors)."""
    title = text(said, "title")
    reasons = [text(each, "message") for each in items(said, "errors")]
    line = (
        f"X refuses (HTTP {response.status}): " + " ".join(filter(None, (title, text(said, "detail"), *reasons)))[:300]
    )
    if response.status == 400 and any("since_id" in reason and "created after" in reason for reason in reasons):
        return _TooOld(line, backoff_limit=BACKOFF_LONG)
    if title == "UsageCapExceeded" or find(said, "type") == "https://api.twitter.com/2/problems/usage-capped":
        return SourceError(line, retry_after=BACKOFF_LONG.total_seconds(), backoff_limit=BACKOFF_LONG)
    if response.status in (400, 402):
        return SourceError(line, backoff_limit=BACKOFF_LONG)
    return None
