"""Two daemons on one PostgreSQL, one active, one warm standby: a kill -9, a stop, a restart of the server."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiohttp.web import Request, Response

from tests import postgres
from tests.acceptance import hasty
from tests.acceptance.running import Feed, Installation, Running, configuration, feed_source, item, until, webhook
from tests.servers import Web

TAKEOVER = 10.0  # seconds


@dataclass(slots=True)
class Gate:
    """Holds answers back while it is closed; counts who waits."""

    opened: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0

    def __post_init__(self) -> None:
        self.opened.set()

    def close(self) -> None:
        self.opened.clear()
        self.waiting = 0

    async def __call__(self) -> None:
        self.waiting += 1
        await self.opened.wait()


@dataclass(slots=True)
class Scene:
    """A feed, a webhook and a database for two nodes. `arrived`: (external id, possibly twice) in order."""

    web: Web
    url: str
    folder: Path
    feed: Feed
    fetching: Gate = field(default_factory=Gate)
    sending: Gate = field(default_factory=Gate)
    arrived: list[tuple[str, bool]] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)

    def plant(self, count: int) -> None:
        for _ in range(count):
            number = len(self.feed.items)
            self.feed.items.append(item(number, "My Acme is broken"))
            self.planted.append(f"https://news.example/{number}")

    async def show(self, request: Request) -> Response:
        answer = await self.feed(request)  # what it shows now, however late it arrives
        await self.fetching()
        return answer

    async def hook(self, request: Request) -> Response:
        alert = json.loads(await request.read())
        await self.sending()
        self.arrived.append((alert["mention"]["post"]["external_id"], alert["possibly_sent_twice"]))
        return Response(status=204)

    @asynccontextmanager
    async def node(self, name: str) -> AsyncIterator[Running]:
        installed = Installation(self.folder / name)
        installed.folder.mkdir()
        installed.write(configuration([feed_source(self.web)], [webhook(self.web)], store={"url": self.url}))
        async with installed.daemon(program=hasty.run) as daemon:
            yield daemon

    def all_arrived(self) -> bool:
        return set(self.planted) <= {key for key, _ in self.arrived}

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def check(self, extra: int) -> None:
        """Each mention and each alert once; at most `extra` copies more, each marked."""
        copies = Counter(key for key, _ in self.arrived)
        assert copies.keys() == set(self.planted)
        assert copies.total() - len(copies) <= extra
        unmarked = Counter(key for key, twice in self.arrived if not twice)
        assert max(unmarked.values()) == 1
        count = len(self.planted)
        assert self.rows("SELECT count(*) FROM mentions") == [(count,)]
        assert self.rows("SELECT state, count(*) FROM alerts GROUP BY state") == [("sent", count)]
        assert self.rows("SELECT count(*) FROM alerts WHERE lease_token IS NOT NULL") == [(0,)]
        assert self.rows("SELECT failures FROM channels") == [(0,)]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    """A server that may be restarted."""
    with postgres.own_server() as started:
        yield started


@pytest.fixture
def scene(server: postgres.Server, web: Web, tmp_path: Path) -> Iterator[Scene]:
    with postgres.database(server.address) as url:
        made = Scene(web, url, tmp_path, Feed())
        web["/feed.xml"], web["/hook"] = made.show, made.hook
        yield made


async def test_the_standby_takes_over_within_ten_seconds_of_a_kill(scene: Scene) -> None:
    scene.plant(3)
    async with scene.node("one") as one:
        await until(scene.all_arrived, "the first alerts")
        async with scene.node("two") as two:
            await until(two.said("standby until"), "the standby")
            scene.sending.close()
            scene.plant(5)
            await until(lambda: scene.sending.waiting > 0, "a send in flight")
            one.process.kill()
            await one.process.wait()
            scene.sending.opened.set()
            took = await until(two.said('"ready"'), "the takeover")
            assert took < TAKEOVER
            scene.plant(2)
            await until(scene.all_arrived, "everything, what was in flight after its lease")
            assert await two.ask(signal.SIGTERM) == 0
    scene.check(extra=1)


async def test_f6_a_node_that_was_stopped_past_its_lease_changes_nothing(scene: Scene) -> None:
    scene.plant(3)
    async with scene.node("one") as one, scene.node("two") as two:
        await until(scene.all_arrived, "the first alerts")
        active, standby = (one, two) if two.said("standby until")() else (two, one)
        await until(standby.said("standby until"), "the standby")
        scene.sending.close()
        scene.plant(1)
        await until(lambda: scene.sending.waiting > 0, "a send in flight")
        scene.fetching.close()
        scene.plant(4)
        await until(lambda: scene.fetching.waiting > 0, "a poll in flight")
        active.process.send_signal(signal.SIGSTOP)
        await until(standby.said('"ready"'), "the takeover")
        late = scene.fetching.waiting
        await until(lambda: scene.fetching.waiting > late, "a poll of the other node")
        scene.fetching.opened.set()
        scene.sending.opened.set()
        await until(lambda: scene.all_arrived() and any(twice for _, twice in scene.arrived), "all, one of them again")
        active.process.send_signal(signal.SIGCONT)
        await until(lambda: active.log.read_text().count("standby until") == 1, "that it is the standby now")
        assert active.said("page dropped")() or active.said("source failing")()  # the page came, or came too late
        assert scene.rows("SELECT attempts FROM alerts WHERE possibly_sent") == [(2,)]
        for node in (one, two):
            assert await node.ask(signal.SIGTERM) == 0
    scene.check(extra=1)


async def test_f7_the_server_restarts_while_alerts_are_claimed_and_sent(scene: Scene, server: postgres.Server) -> None:
    scene.plant(3)
    async with scene.node("one") as one:
        await until(scene.all_arrived, "the first alerts")
        scene.sending.close()
        scene.plant(40)
        await until(lambda: scene.sending.waiting > 0, "a send in flight, many claimed")
        await asyncio.to_thread(server.stop, "immediate")
        scene.sending.opened.set()
        await until(one.said("mark waits for the store"), "a reply that cannot be marked")
        await asyncio.to_thread(server.start)
        scene.plant(5)
        await until(scene.all_arrived, "everything")
        await until(lambda: not scene.rows("SELECT 1 FROM alerts WHERE state = 'owed'"), "all marks")
        assert one.process.returncode is None
        assert await one.ask(signal.SIGTERM) == 0
    scene.check(extra=20)


async def test_f7_while_the_database_is_away_the_operator_hears_of_it(scene: Scene, server: postgres.Server) -> None:
    told: list[str] = []

    async def operator(request: Request) -> Response:
        told.append(json.loads(await request.read())["notice"])
        return Response(status=204)

    scene.web["/ops"] = operator
    installed = Installation(scene.folder)
    receivers = [webhook(scene.web), webhook(scene.web, "ops")]
    operations = {"receiver": "ops"}
    installed.write(
        configuration([feed_source(scene.web)], receivers[:1], store={"url": scene.url}, operations=operations)
        | {"receivers": receivers}
    )
    scene.plant(1)
    async with installed.daemon(program=hasty.run) as daemon:
        await until(scene.all_arrived, "the first alert")
        await asyncio.to_thread(server.stop, "fast")
        await until(lambda: bool(told), "the notice")
        await asyncio.to_thread(server.start)
        await until(lambda: len(told) == 2, "that it is over")
        scene.plant(1)
        await until(scene.all_arrived, "the second alert")
        assert await daemon.ask(signal.SIGTERM) == 0
    assert "The store cannot be used, nothing is polled or sent" in told[0]
    assert told[1:] == ["The store works again."]
