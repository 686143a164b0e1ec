"""robots.txt (RFC 9309): whether a host lets programs read a page. Asked once a day and host, kept in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakValueDictionary

from sources.base import Clock, Http, HttpError

if TYPE_CHECKING:
    from protego import Protego

AGENT = "mentiond"
KEPT = timedelta(days=1)
KEPT_UNREACHABLE = timedelta(hours=1)  # while it cannot be had, nothing is read
LARGEST = 500 * 1024  # bytes that are read, as the RFC has it
HOSTS = 500  # that are kept, the last ones asked for


@dataclass(slots=True)
class Robots:
    """The rules of the hosts that were asked about. `agent`: the name that rules are looked up for."""

    http: Http
    clock: Clock
    agent: str = AGENT
    _kept: OrderedDict[str, tuple[datetime, Protego | None]] = field(default_factory=OrderedDict)
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def allows(self, url: str) -> bool:
        """Whether the page may be read; not where the host's rules cannot be had (5xx, no answer)."""
        parts = urlsplit(url)
        host = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        lock = self._locks.setdefault(host, asyncio.Lock())
        async with lock:
            rules = await self._rules(host)
        return rules is not None and bool(rules.can_fetch(url, self.agent))

    async def _rules(self, host: str) -> Protego | None:
        now = self.clock()
        until, rules = self._kept.get(host, (now, None))
        if now >= until:
            rules = await self._read(host)
            until = now + (KEPT_UNREACHABLE if rules is None else KEPT)
        self._kept[host] = until, rules
        self._kept.move_to_end(host)
        if len(self._kept) > HOSTS:
            self._kept.popitem(last=False)
        return rules

    async def _read(self, host: str) -> Protego | None:
        """The rules; None where they cannot be had. A host without a robots.txt (4xx) allows everything."""
        from protego import Protego

        try:
            response = await self.http.request("GET", f"{host}/robots.txt")
        except HttpError:
            return None
        if response.status == 429 or not 200 <= response.status < 500:
            return None
        written = response.body[:LARGEST].decode("utf-8-sig", "replace") if response.status < 300 else ""
        return await asyncio.to_thread(Protego.parse, written)
