"""Much at once: hundreds of sources that are overdue, dozens of passes and sends when the daemon is asked to end."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp.web import Request, Response
from sqlalchemy.engine import Connection

from monitor.daemon import CONCURRENT_PASSES
from monitor.schema import alerts, cursors, mentions
from monitor.store import Store
from tests.acceptance.running import SECRET, Feed, Installation, configuration, item, until
from tests.servers import Web, serve_web

DOWN = timedelta(hours=8)
FEEDS = 500
WIDE = 16  # connections to one server at a time


@dataclass(slots=True)
class Servers:
    """Feeds at /feed/N and webhooks at /hook/N of several servers, because one is asked little at a time."""

    webs: list[Web]
    feeds: dict[int, Feed] = field(default_factory=dict)
    polls: Counter[int] = field(default_factory=Counter)
    under_way: int = 0
    most: int = 0
    received: list[Any] = field(default_factory=list)
    feeds_open: asyncio.Event = field(default_factory=asyncio.Event)
    hooks_open: asyncio.Event = field(default_factory=asyncio.Event)
    sending: int = 0

    def __post_init__(self) -> None:
        for web in self.webs:
            web["/feed/*"], web["/hook/*"] = self._show, self._take
        self.feeds_open.set()
        self.hooks_open.set()

    def url(self, path: str, number: int) -> str:
        return self.webs[number % len(self.webs)].url(f"{path}{number}")

    def source(self, number: int, every: str) -> dict[str, Any]:
        self.feeds[number] = Feed()
        return {"name": f"feed{number}", "type": "feed", "url": self.url("/feed/", number), "every": every}

    def receiver(self, number: int, **more: Any) -> dict[str, Any]:
        url = self.url("/hook/", number)
        return {"name": f"hook{number}", "type": "webhook", "url": url, "secret": SECRET} | more

    async def _show(self, request: Request) -> Response:
        number = int(request.path.rpartition("/")[2])
        self.polls[number] += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.feeds_open.wait()
            return await self.feeds[number](request)
        finally:
            self.under_way -= 1

    async def _take(self, request: Request) -> Response:
        alert = json.loads(await request.read())
        self.sending += 1
        await self.hooks_open.wait()
        self.received.append(alert)
        return Response(status=204)


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    async with AsyncExitStack() as stack:
        yield Servers([await stack.enter_async_context(serve_web()) for _ in range(4)])


def configured(sources: list[Any], receivers: list[Any]) -> dict[str, Any]:
    return configuration(sources, receivers) | {"http": {"allow_hosts": ["127.0.0.1"], "per_host": WIDE}}


async def test_f4_asked_to_end_with_fifty_passes_and_ten_sends_under_way(
    installed: Installation, servers: Servers
) -> None:
    sources, receivers = [servers.source(n, "1s") for n in range(51)], [servers.receiver(n) for n in range(10)]
    installed.write(configured(sources, receivers))
    servers.feeds[50].items = [item(0, "My Acme is broken"), item(1, "My Acme is broken")]
    servers.hooks_open.clear()
    async with installed.daemon() as daemon:
        await until(lambda: servers.sending == 10, "ten sends")
        servers.feeds_open.clear()
        await until(lambda: servers.under_way == CONCURRENT_PASSES, "as many passes as may be under way")
        ending = asyncio.create_task(daemon.ask(signal.SIGTERM))
        await until(daemon.said("stopping"), "the end to begin")
        servers.hooks_open.set()
        assert await ending == 0
        assert "Traceback" not in daemon.log.read_text()
    assert len(servers.received) == 10
    kinds = (alerts.c.state, alerts.c.lease_token, alerts.c.attempts)
    counted = sa.select(*kinds, sa.func.count()).group_by(*kinds).order_by(alerts.c.state)
    found = _in_store(installed, lambda connection: connection.execute(counted).all())
    assert found == [("owed", None, 0, 10), ("sent", None, 1, 10)]
    servers.feeds_open.set()
    async with installed.daemon() as daemon:
        await until(lambda: len(servers.received) == 20, "the other ten")
        assert await daemon.ask(signal.SIGTERM) == 0
    assert set(Counter(alert["key"] for alert in servers.received).values()) == {1}
    assert not any(alert["possibly_sent_twice"] for alert in servers.received)


async def test_f13_after_eight_hours_each_source_is_polled_once_and_nobody_is_flooded(
    installed: Installation, servers: Servers
) -> None:
    sources = [servers.source(n, "1h") for n in range(FEEDS)]
    installed.write(configured(sources, [servers.receiver(0, storm="20/10s")]))
    assert (await installed.once()).code == 0
    _age(installed, DOWN)
    servers.polls.clear()
    servers.most = 0
    for number, feed in servers.feeds.items():
        feed.items = [item(number, "My Acme is broken", age=DOWN * (number + 1) / (FEEDS + 1))]
    archive = [item(FEEDS + n, "My Acme was broken", age=timedelta(days=3)) for n in range(60)]
    servers.feeds[0].items = archive + servers.feeds[0].items
    async with installed.daemon() as daemon:
        await until(lambda: _mentions(installed) == FEEDS + 60, "every post")
        await until(lambda: _told(servers) == FEEDS + 60, "every post to be told of")
        assert await daemon.ask(signal.SIGTERM) == 0
    assert servers.polls == {number: 1 for number in range(FEEDS)}
    assert servers.most <= CONCURRENT_PASSES
    digests = [alert["count"] for alert in servers.received if alert["reason"] == "digest"]
    assert digests == [60]
    assert len(servers.received) <= 25


def _age(installed: Installation, by: timedelta) -> None:
    """As if the daemon had been down for so long."""
    moments = (cursors.c.finished_at, cursors.c.body_at, cursors.c.pass_started_at, cursors.c.due_at)
    parts = (cursors.c.source, cursors.c.part)

    def work(connection: Connection) -> None:
        for row in connection.execute(sa.select(*parts, *moments)).all():
            aged = {each.name: value - by for each in moments if (value := getattr(row, each.name))}
            here = (cursors.c.source == row.source, cursors.c.part == row.part)
            connection.execute(sa.update(cursors).where(*here).values(aged))

    _in_store(installed, work)


def _mentions(installed: Installation) -> int:
    counted = sa.select(sa.func.count()).select_from(mentions)
    return int(_in_store(installed, lambda connection: connection.scalar(counted)))


def _in_store(installed: Installation, work: Callable[[Connection], Any]) -> Any:
    store = Store(f"sqlite:///{installed.folder}/mentiond.db")
    try:
        return store.write_now(work)
    finally:
        store.close()


def _told(servers: Servers) -> int:
    return sum(alert["count"] for alert in servers.received)
