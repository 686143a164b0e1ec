"""News that Google News or Bing News finds for a search, and the feeds of Google Alerts.

None of them is documented by who runs it. `news.google.com/rss/search` shows up to 100 results by relevance, of the
last day with `when:1d`; `www.bing.com/news/search?format=rss` about a dozen, the newest first; a feed of Google Alerts
some 20. What they say of the publisher stands as the author. The links of Bing and of Google Alerts lead through a
counter and are unwrapped; those of Google News are tokens that only Google can read, and stay.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field, model_validator

from sources.base import (
    FULL_TEXT,
    Clock,
    Cursor,
    Http,
    Interval,
    Page,
    SearchDialect,
    SearchTerms,
    Source,
    SourceSettings,
    searches,
)
from sources.document import Entry, FeedParser
from sources.feed import FeedSettings, FeedSource, State
from sources.http import WebAddress, web_link
from sources.text import html_to_text

GOOGLE = "https://news.google.com/rss/search"
BING = "https://www.bing.com/news/search"
MOST = 100  # results of Google News
DAY = timedelta(days=1)
LATE = timedelta(hours=4)  # before a day without an answer is over, the next one asks for two
REGIONAL = frozenset({"en", "pt", "zh"})  # languages that Google knows by their country only: en-GB


class NewsSettings(SourceSettings):
    """What a news search finds, or the feeds of Google Alerts."""

    type: Literal["news"]
    provider: Literal["google", "bing"] = Field("google", description="whose search is asked")
    search: SearchTerms = Field((), description="what to search for, a search each; or `{from: WATCHLIST}`")
    alerts: tuple[WebAddress, ...] = Field((), description="addresses of Google Alerts' feeds")
    language: str = Field("de", pattern="^[a-z]{2}$", description="of the edition that is searched")
    country: str = Field("DE", pattern="^[A-Z]{2}$", description="of the edition that is searched")
    every: Interval = Field(timedelta(minutes=15), description="pause between two passes")
    full_text: bool = Field(False, description=FULL_TEXT)

    # Without NOT: the search sees whole articles, of which the feed gives a title.
    DIALECT: ClassVar[SearchDialect] = SearchDialect(without="", has_nesting=False, longest=250)

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.search and not self.alerts:
            raise ValueError("nothing to look for: give it a `search` or the addresses of `alerts`")
        if self.full_text and self.provider == "google" and not self.alerts:
            raise ValueError(
                "`full_text` needs `provider: bing` or `alerts`: the links of Google News lead to no article"
            )
        return self


def news_parts(config: NewsSettings, http: Http, parser: FeedParser, clock: Clock) -> dict[str, Source]:
    """Each search and each alert, by what it is called."""
    parts: dict[str, Source] = {}
    for search in searches(config.search):
        if config.provider == "google":
            parts[search] = GoogleNews(config, search, http, parser, clock)
        else:
            parts[search] = _listing(_feed(config, _bing(config, search)), http, parser, clock)
    for name, address in _alerts(config):
        parts[name] = _listing(_feed(config, address), http, parser, clock)
    return parts


def news_target(config: NewsSettings, part: str) -> str:
    """What the part points into, for its fingerprint."""
    alert = dict(_alerts(config)).get(part)
    return alert or f"{config.provider} {config.language}-{config.country} {part}"


class GoogleNews:
    """One search of Google News, which answers by relevance: what it holds back is unknown while an answer is full."""

    overlap = timedelta(0)  # every answer is read whole

    def __init__(self, config: NewsSettings, search: str, http: Http, parser: FeedParser, clock: Clock) -> None:
        self._config = config
        self._search = search
        self._http = http
        self._parser = parser
        self._clock = clock

    async def fetch(self, cursor: Cursor) -> Page:
        days = self._days(State.of(cursor))
        if days != 1:  # another address: what was said of the usual one does not hold for it
            cursor = {key: value for key, value in cursor.items() if key not in ("etag", "modified")}
        return await self._feed(days).fetch(cursor)

    async def probe(self) -> str:
        return await self._feed(1).probe()

    def _days(self, state: State) -> int:
        """How far back to ask: so far that a search that was not asked for days misses nothing for that; 0: all."""
        if state.full_at:
            silent = self._clock() - datetime.fromisoformat(state.full_at)
            return 1 + max(0, (silent + LATE) // DAY)
        if self._config.backlog == "all":
            return 0
        return max(1, -(-self._config.backlog // DAY))

    def _feed(self, days: int) -> FeedSource:
        settings = _feed(self._config, _google(self._config, self._search, days), full_text=False)
        return _listing(settings, self._http, self._parser, self._clock, most=MOST)


def _feed(config: NewsSettings, address: str, *, full_text: bool | None = None) -> FeedSettings:
    return FeedSettings(
        name=config.name,
        type="feed",
        url=address,
        preset=None,
        base_url=config.base_url,
        backlog=config.backlog,
        full_text=config.full_text if full_text is None else full_text,
    )


def _listing(settings: FeedSettings, http: Http, parser: FeedParser, clock: Clock, most: int = 0) -> FeedSource:
    return FeedSource(settings, http, parser, clock, refine=refined, most=most, discovers=False)


def _google(config: NewsSettings, search: str, days: int) -> str:
    edition = f"{config.language}-{config.country}" if config.language in REGIONAL else config.language
    words = f"{search} when:{days}d" if days else search
    query = {"q": words, "hl": edition, "gl": config.country, "ceid": f"{config.country}:{config.language}"}
    return f"{GOOGLE}?{urlencode(query)}"


def _bing(config: NewsSettings, search: str) -> str:
    market = f"{config.language}-{config.country}"
    query = {"q": search, "format": "rss", "qft": 'sortbydate="1"', "mkt": market, "setlang": config.language}
    return f"{BING}?{urlencode(query | {'cc': config.country})}"


def _alerts(config: NewsSettings) -> Iterator[tuple[str, str]]:
    for number, address in enumerate(config.alerts, 1):
        yield f"alert {urlsplit(address).path.rstrip('/').rpartition('/')[2] or number}", address


def refined(entry: Entry) -> Entry:
    """The entry with the link of the article, its publisher as author, and the publisher's words only."""
    title, publisher = entry.title, " ".join((entry.publisher or "").split())
    said = html_to_text(title)
    if publisher and said.endswith(f" - {publisher}"):
        title = html.escape(said.removesuffix(f" - {publisher}"), quote=False)
    content = "" if _LIST_OF_LINKS.match(entry.content) else entry.content
    return replace(entry, link=unwrapped(entry.link), title=title, content=content, author=publisher or entry.author)


# Google's own text of a result: its title once more, or a list of related ones.
_LIST_OF_LINKS = re.compile(r"""\s*(?:<ol>\s*<li>\s*)?<a\s+href=["']https://news\.google\.com/""", re.IGNORECASE)
_GOOGLE_HOST = re.compile(r"(?:www\.)?google\.[a-z.]{2,6}")
_BING_HOST = re.compile(r"(?:[a-z]+\.)?bing\.com")


def unwrapped(link: str | None) -> str | None:
    """Where a link of Bing or Google Alerts leads; any other link as it is."""
    try:
        parts = urlsplit(link or "")
        host = (parts.hostname or "").lower()
        is_google = _GOOGLE_HOST.fullmatch(host) and parts.path == "/url"
        is_bing = _BING_HOST.fullmatch(host) and parts.path.lower() == "/news/apiclick.aspx"
        target = parse_qs(parts.query).get("url", [""])[0] if is_google or is_bing else ""
    except ValueError:
        return link
    return web_link(target) or link
