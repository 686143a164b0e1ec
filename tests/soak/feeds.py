"""Five hundred local feeds, one in four of them hostile, and the webhook that hears of what the others say."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from random import Random
from typing import Any

from aiohttp import web

FEEDS = 500
PORTS = 8  # servers of healthy feeds
LORIS_SECONDS = 1.0  # between two bytes
HOSTILE = {"loris": 40, "bomb": 12, "entities": 12, "flapping": 24, "page": 20, "broken": 20, "limited": 12}
Handler = Callable[["Feeds", web.Request, int], Awaitable[web.StreamResponse]]

_BOMB = gzip.compress(b"<rss>" + b"\0" * (64 * 2**20))
_ENTITIES = (
    "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a '"
    + "a" * 100
    + "'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 20}'>" for n in range(8))
    + "]><rss version='2.0'><channel><item><title>&i;</title></item></channel></rss>"
)
_PAGE = "<!doctype html><html><body><h1>Please log in</h1>" + "<p>Acme</p>" * 500 + "</body></html>"


@dataclass(slots=True)
class Feeds:
    """Numbers from 0; those from `healthy` on are hostile. `arrived` counts what the webhook took, by link."""

    random: Random
    items: dict[int, list[str]] = field(default_factory=dict)
    planted: dict[str, float] = field(default_factory=dict)  # link -> monotonic time
    arrived: Counter[str] = field(default_factory=Counter)
    unmarked: Counter[str] = field(default_factory=Counter)  # of these, without "possibly sent twice"
    waits: list[float] = field(default_factory=list)  # seconds from planting to the webhook
    notices: list[str] = field(default_factory=list)
    refuses: bool = False  # the webhook, at the moment
    refused: int = 0
    polls: Counter[str] = field(default_factory=Counter)  # by kind
    kinds: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        hostile = [kind for kind, count in HOSTILE.items() for _ in range(count)]
        self.kinds = ["healthy"] * (FEEDS - len(hostile)) + hostile
        self.items = {
            number: [_item(f"https://news.example/{number}", "Nothing of interest")] for number in self.healthy
        }

    @property
    def healthy(self) -> range:
        return range(self.kinds.count("healthy"))

    def plant(self) -> None:
        """One more post about Acme, in one of the healthy feeds."""
        number, link = self.random.choice(self.healthy), f"https://news.example/planted/{len(self.planted)}"
        self.items[number] = [*self.items[number][-30:], _item(link, "My Acme phone is broken, who can help me?")]
        self.planted[link] = time.monotonic()

    @property
    def missing(self) -> int:
        """Planted and not told of."""
        return len(self.planted.keys() - self.arrived.keys())

    async def show(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        kind = self.kinds[number]
        self.polls[kind] += 1
        return await _HANDLERS[kind](self, request, number)

    async def take(self, request: web.Request) -> web.Response:
        alert: dict[str, Any] = json.loads(await request.read())
        if self.refuses:
            self.refused += 1
            return web.Response(status=503)
        if alert["notice"]:
            self.notices.append(alert["notice"])
            return web.Response(status=204)
        for mention in alert["mentions"]:
            link = mention["post"]["url"]
            if link in self.planted and link not in self.arrived:
                self.waits.append(time.monotonic() - self.planted[link])
            self.arrived[link] += 1
            self.unmarked[link] += not alert["possibly_sent_twice"]
        return web.Response(status=204)


def _item(link: str, text: str) -> str:
    date = format_datetime(datetime.now(UTC))
    return (
        f"<item><guid isPermaLink='true'>{link}</guid><link>{link}</link><title>Entry</title>"
        f"<description>{text}</description><pubDate>{date}</pubDate></item>"
    )


async def _healthy(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    """With an ETag, as most feeds have one."""
    items = feeds.items[number]
    tag = f'"{number}-{hash(items[-1])}"'
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers={"ETag": tag})
    body = f"<rss version='2.0'><channel><title>Feed {number}</title>{''.join(reversed(items))}</channel></rss>"
    return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": tag})


async def _loris(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/rss+xml"})
    await answer.prepare(request)
    try:
        for letter in "<rss version='2.0'>" * 10:
            await answer.write(letter.encode())
            await asyncio.sleep(LORIS_SECONDS)
    except ConnectionError:
        pass  # the daemon has gone, as it should
    return answer


async def _bomb(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    headers = {"Content-Type": "application/rss+xml", "Content-Encoding": "gzip"}
    return web.Response(body=_BOMB, headers=headers)


async def _entities(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    return web.Response(text=_ENTITIES, content_type="application/rss+xml")


async def _flapping(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    if feeds.polls["flapping"] % 2:
        return web.Response(status=500)
    body = f"<rss version='2.0'><channel>{_item(f'https://flap.example/{number}', 'Nothing')}</channel></rss>"
    return web.Response(text=body, content_type="application/rss+xml")


async def _page(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    return web.Response(text=_PAGE, content_type="text/html")


async def _broken(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    if number % 2 and request.transport is not None:
        request.transport.abort()
    return web.Response(status=(500, 502, 503, 504)[number % 4])


async def _limited(feeds: Feeds, request: web.Request, number: int) -> web.StreamResponse:
    return web.Response(status=429, headers={"Retry-After": "20"})


_HANDLERS: dict[str, Handler] = {
    "healthy": _healthy,
    "loris": _loris,
    "bomb": _bomb,
    "entities": _entities,
    "flapping": _flapping,
    "page": _page,
    "broken": _broken,
    "limited": _limited,
}
