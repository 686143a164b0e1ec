"""robots.txt (RFC 9309): what a host asks of programs that read its pages.

Only the groups that are meant for us are kept, for a day: in the cursor of a source that reads one host, or in memory.
A robots.txt that is not there (4xx) allows everything; one that cannot be had (5xx, no connection) allows nothing for
the time being.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakValueDictionary

from sources.base import BACKOFF_LONG, JSON, Clock, Http, SourceError
from sources.http import refusal, request
from sources.shape import text, whole

AGENT = "mentiond"
LASTS = 24 * 3600  # seconds
LARGEST = 500 * 1024  # characters that are read, as the RFC has it
LARGEST_KEPT = 64 * 1024  # characters that a cursor holds; larger ones are asked for every time
LONGEST_DELAY = 60.0  # seconds between two pages that a host may ask for
HOSTS = 500  # that are kept in memory, the last ones asked about
UNREACHABLE = timedelta(hours=1)  # for which a host that gave no rules is not asked again

_RULES = ("allow", "disallow", "crawl-delay")


@dataclass(frozen=True, slots=True)
class Robots:
    """The rules of one host that concern us. `at`: when they were read, in seconds since 1970."""

    host: str
    at: int
    rules: str

    @classmethod
    def remembered(cls, kept: JSON, url: str, now: datetime) -> Robots | None:
        """What a cursor holds, if it is of this host and not older than a day."""
        host, at = text(kept, "host"), whole(kept, "at") or 0
        if host != urlsplit(url).netloc or not 0 <= now.timestamp() - at < LASTS:
            return None
        return cls(host, at, text(kept, "rules"))

    def to_remember(self) -> JSON:
        return {"host": self.host, "at": self.at, "rules": self.rules} if len(self.rules) <= LARGEST_KEPT else None

    def check(self, url: str) -> float:
        """Return the seconds that the host wants between two pages. Raises SourceError where `url` is not allowed."""
        from protego import Protego

        rules = Protego.parse(self.rules)
        if not rules.can_fetch(url, AGENT):
            place = urlunsplit(("", "", *urlsplit(url)[2:4], ""))
            raise SourceError(
                f"robots.txt of {self.host} does not allow {place} to programs ({self._rule_against(url)})",
                backoff_limit=BACKOFF_LONG,
            )
        return min(float(rules.crawl_delay(AGENT) or 0), LONGEST_DELAY)

    def _rule_against(self, url: str) -> str:
        from protego import Protego

        lines = sorted((line for line in self.rules.splitlines() if line.startswith("disallow")), key=len, reverse=True)
        for line in lines:
            if not Protego.parse(f"user-agent: *\n{line}").can_fetch(url, AGENT):
                return line.capitalize()
        return "Disallow"


async def read_robots(http: Http, url: str, now: datetime) -> Robots:
    """Ask the host of `url` for its rules. Raises SourceError."""
    parts = urlsplit(url)
    address = urlunsplit((parts.scheme, parts.netloc, "/robots.txt", "", ""))
    response = await request(http, "GET", address)
    if response.status == 429 or response.status >= 500:
        raise refusal(response, address, retry_after=60.0 if response.status == 429 else None)
    written = response.body[:LARGEST].decode("utf-8-sig", "replace") if response.status == 200 else ""
    rules = await asyncio.to_thread(lambda: "\n".join(_for_us(written)))
    return Robots(parts.netloc, int(now.timestamp()), rules)


def _for_us(written: str) -> Iterator[str]:
    """The groups for us, or else those for everybody, as one group for everybody."""
    groups: dict[str, list[str]] = {AGENT: [], "*": []}
    named: set[str] = set()
    agents: set[str] = set()
    is_head = False  # within the lines that say whom a group is for
    for line in written.splitlines():
        key, _, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if key == "user-agent":
            agents = {value.lower()} | (agents if is_head else set())
            named |= agents
            is_head = True
        elif key in _RULES:
            is_head = False
            for agent in agents & groups.keys():
                groups[agent].append(f"{key}: {value}")
    chosen = groups[AGENT if AGENT in named else "*"]
    if chosen:
        yield "user-agent: *"
        yield from chosen


class RobotsMemory:
    """The rules of many hosts, for whoever reads a page here and a page there."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._kept: OrderedDict[tuple[str, str], tuple[datetime, Robots | None]] = OrderedDict()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def allows(self, url: str) -> bool:
        """Whether the page may be read; not where the host's rules cannot be had."""
        host = urlsplit(url)[:2]
        lock = self._locks.setdefault(host, asyncio.Lock())
        async with lock:
            rules = await self._rules(host, url)
        return rules is not None and await asyncio.to_thread(_is_allowed, rules, url)

    async def _rules(self, host: tuple[str, str], url: str) -> Robots | None:
        now = self._clock()
        until, rules = self._kept.get(host, (now, None))
        if now >= until:
            try:
                rules = await read_robots(self._http, url, now)
                until = now + timedelta(seconds=LASTS)
            except SourceError:
                rules, until = None, now + UNREACHABLE
        self._kept[host] = until, rules
        self._kept.move_to_end(host)
        if len(self._kept) > HOSTS:
            self._kept.popitem(last=False)
        return rules


def _is_allowed(rules: Robots, url: str) -> bool:
    try:
        rules.check(url)
    except SourceError:
        return False
    return True
