"""Pushes to the real daemon: what it has acknowledged is never lost, and it listens only where it should."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import postgres
from tests.acceptance.running import CONSOLE, Feed, Installation, configuration, feed_source, ids, until
from tests.servers import Web

TOKEN = {"Authorization": "Bearer geheim"}
PUSHED: dict[str, Any] = {
    "name": "chat",
    "type": "webhook",
    "auth": {"type": "bearer", "token": "geheim"},
    "every": "1h",  # nothing but a push makes it due
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Place:
    """Where a daemon is to listen."""

    port: int
    client: aiohttp.ClientSession

    @property
    def server(self) -> dict[str, str]:
        return {"listen": f"127.0.0.1:{self.port}"}

    @property
    def is_open(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def push(self, number: int, text: str = "My Acme is broken", **headers: str) -> int:
        """The status; 0 where the daemon died over it."""
        body = json.dumps({"external_id": str(number), "text": text}).encode()
        try:
            async with self.client.post(
                f"http://127.0.0.1:{self.port}/hooks/chat", data=body, headers=TOKEN | headers
            ) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=30)) as client:
        yield Place(free_port(), client)


async def test_a_push_is_an_alert_within_seconds(installed: Installation, place: Place) -> None:
    installed.write(configuration([PUSHED], [CONSOLE], server=place.server))
    async with installed.daemon() as daemon:
        await until(lambda: place.is_open, "listening")
        assert await place.push(1) == 200
        await until(lambda: ids(daemon.alerts) == ["1"], "the alert of the first push", 10)
        assert await place.push(2) == 200
        seconds = await until(lambda: ids(daemon.alerts) == ["1", "2"], "the alert of the second push", 10)
        assert seconds < 5  # on a machine with other things to do
        assert await place.push(3, Authorization="Bearer guessed") == 401
        assert await daemon.ask(signal.SIGTERM) == 0
        assert not place.is_open
    [health] = await installed.listing("sources")
    assert (health["source"], health["posts"], health["error"]) == ("chat", 2, None)


async def test_kill_9_between_the_answer_and_the_reading_loses_nothing(installed: Installation, place: Place) -> None:
    installed.write(configuration([PUSHED], [CONSOLE], server=place.server))
    acknowledged: list[str] = []
    async with installed.daemon("after parse") as daemon:  # dies when it has read the inbox, before it stored anything
        await until(lambda: '"event":"ready"' in daemon.log.read_text(), "the first look at the inbox")
        for number in range(1000):
            status = await place.push(number)
            if status == 0:
                break
            assert status == 200
            acknowledged.append(str(number))
        assert await asyncio.wait_for(daemon.process.wait(), 30) == -signal.SIGKILL
    assert acknowledged
    assert daemon.alerts == []
    async with installed.daemon() as daemon:
        await until(lambda: set(acknowledged) <= set(ids(daemon.alerts)), "an alert of every push that was taken")
        told = ids(daemon.alerts)
        assert len(told) == len(set(told))
        assert len(set(told) - set(acknowledged)) <= 1  # kept, but the answer was lost


async def test_a_delivery_that_comes_again_after_a_restart_alerts_nobody(installed: Installation, place: Place) -> None:
    installed.write(configuration([PUSHED], [CONSOLE], server=place.server))
    for _ in range(2):
        async with installed.daemon() as daemon:
            await until(lambda: place.is_open, "listening")
            assert await place.push(1) == 200
            await until(lambda: ids(daemon.alerts) == ["1"], "the one alert")
            assert await daemon.ask(signal.SIGTERM) == 0
    assert ids(daemon.alerts) == ["1"]


async def test_run_once_reads_what_was_pushed_before(installed: Installation, place: Place) -> None:
    installed.write(configuration([PUSHED], [CONSOLE], server=place.server))
    async with installed.daemon("after parse") as daemon:
        await until(lambda: '"event":"ready"' in daemon.log.read_text(), "the first look at the inbox")
        assert await place.push(1) == 200
        await asyncio.wait_for(daemon.process.wait(), 30)
    ended = await installed.once()
    assert (ended.code, ids(ended.lines)) == (0, ["1"])


async def test_without_a_hook_nothing_is_taken(installed: Installation, place: Place, web: Web, feed: Feed) -> None:
    installed.write(configuration([feed_source(web)], [CONSOLE], server=place.server))
    async with installed.daemon() as daemon:
        await until(lambda: place.is_open, "listening")
        assert await place.push(1) == 404
        assert await daemon.ask(signal.SIGTERM) == 0


async def test_a_port_that_is_taken_ends_the_daemon_with_a_clear_message(installed: Installation, place: Place) -> None:
    installed.write(configuration([PUSHED], [CONSOLE], server=place.server))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place.port))
        taken.listen()
        async with installed.daemon() as daemon:
            assert await asyncio.wait_for(daemon.process.wait(), 60) == 1
        said = daemon.log.read_text()
    assert f"cannot listen on 127.0.0.1:{place.port}" in said
    assert "server.listen" in said
    assert "Traceback" not in said


async def test_a_standby_takes_pushes_when_it_becomes_the_active_daemon(
    postgres_server: str, tmp_path: Path, place: Place
) -> None:
    other = Place(free_port(), place.client)
    with postgres.database(postgres_server) as url:
        daemons = []
        for name, listens in (("first", place), ("second", other)):
            folder = tmp_path / name
            folder.mkdir()
            installed = Installation(folder)
            installed.write(configuration([PUSHED], [CONSOLE], server=listens.server, store={"url": url}))
            daemons.append(installed)
        async with daemons[0].daemon() as first:
            await until(lambda: place.is_open, "the first listens")
            async with daemons[1].daemon() as second:
                await until(lambda: "standby until" in second.log.read_text(), "the second stands by")
                await until(lambda: other.is_open, "the probes of the second")
                assert await other.push(1) == 404
                assert await place.push(1) == 200
                await until(lambda: ids(first.alerts) == ["1"], "its alert")
                assert await first.ask(signal.SIGKILL) == -signal.SIGKILL
                await until(lambda: '"event":"ready"' in second.log.read_text(), "the second takes over")
                assert await other.push(1) == 200  # comes again: the sender saw no answer, say
                assert await other.push(2) == 200
                await until(lambda: ids(second.alerts) == ["2"], "the alert of the new one")
                assert await second.ask(signal.SIGTERM) == 0
