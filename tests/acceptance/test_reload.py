"""A running daemon takes up a changed configuration, or refuses it whole; what it says of itself over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.running import (
    ACME,
    CONSOLE,
    GLOBEX,
    Installation,
    Running,
    configuration,
    free_port,
    get,
    until,
)

FILE = {"name": "export", "type": "file", "path": "posts.jsonl", "every": "1s"}
MORE = {**CONSOLE, "name": "second"}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def write(installed: Installation, port: int) -> Callable[..., None]:
    """Writes a configuration: keys of it, and the watchlists and receivers."""

    def put(*watchlists: dict[str, Any], receivers: tuple[dict[str, Any], ...] = (CONSOLE,), **more: Any) -> None:
        server = {"listen": f"127.0.0.1:{port}"}
        content = configuration([FILE], receivers, watchlists=list(watchlists), server=server, **more)
        part = installed.folder / "config.new"
        part.write_text(json.dumps(content, indent=1))
        os.replace(part, installed.config)

    return put


def post(installed: Installation, number: int, text: str) -> None:
    with (installed.folder / "posts.jsonl").open("a") as file:
        file.write(json.dumps({"external_id": str(number), "text": text}) + "\n")


def told(daemon: Running, *words: str) -> Callable[[], bool]:
    return lambda: all(word in daemon.log.read_text() for word in words)


async def health(port: int) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((await get(port, "/healthz"))[1])
    return state


async def test_f39_a_changed_file_is_taken_up_and_a_broken_one_refused(
    installed: Installation, write: Callable[..., None], port: int
) -> None:
    write(ACME)
    post(installed, 1, "My Acme is broken")
    async with installed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first alert")
        post(installed, 2, "My Globex is broken")
        await until(lambda: daemon.log.read_text().count("page stored") == 2, "a post that nobody wants")
        write(ACME, GLOBEX)
        await until(told(daemon, "globex added", "rematch --since 30d --watchlist globex"), "the reload")
        post(installed, 3, "My Globex is broken again")
        await until(lambda: len(daemon.alerts) == 2, "an alert of the new watchlist")
        assert daemon.alerts[1]["mention"]["watchlist"] == "globex"
        assert (await health(port))["config"]["changed"] == ["watchlists: globex added"]

        write(ACME | {"query": "acme OR ("}, GLOBEX)
        await until(told(daemon, "reload refused", "watchlists[0].query"), "the refusal")
        assert "the old one keeps running" in (await health(port))["config"]["refused"]
        post(installed, 4, "My Acme is broken as well")
        await until(lambda: len(daemon.alerts) == 3, "an alert by the old configuration")
        assert daemon.process.returncode is None
        assert await daemon.ask(signal.SIGTERM) == 0
        assert "Traceback" not in daemon.log.read_text()


async def test_f39_a_watchlist_that_is_renamed_keeps_its_mentions(
    installed: Installation, write: Callable[..., None]
) -> None:
    write(ACME)
    post(installed, 1, "My Acme is broken")
    async with installed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first alert")
        write(ACME | {"name": "brand", "was": "acme"})
        await until(told(daemon, "acme is now brand"), "the reload")
        await until(lambda: daemon.log.read_text().count('"event":"ready"') == 2, "the new configuration at work")
        assert await daemon.ask(signal.SIGTERM) == 0
    assert [case["watchlist"] for case in await installed.listing("cases")] == ["brand"]
    assert len(daemon.alerts) == 1


async def test_what_a_removed_receiver_is_owed_goes_to_the_root(
    installed: Installation, write: Callable[..., None]
) -> None:
    dead: dict[str, Any] = {"name": "mail", "type": "email", "to": ["a@example.com"], "from": "m@example.com"}
    dead["smtp"] = {"host": "127.0.0.1", "port": 9, "tls": "none"}
    routes = {"receiver": "screen", "routes": [{"matchers": ['label =~ ".+"'], "receiver": "mail"}]}
    write(ACME, receivers=(CONSOLE, dead), routes=routes)
    post(installed, 1, "My Acme is broken")
    async with installed.daemon() as daemon:
        await until(told(daemon, "receiver failing"), "a try")
        write(ACME, receivers=(CONSOLE,), routes={"receiver": "screen"})
        await until(lambda: len(daemon.alerts) == 1, "the alert by the root's receiver")
        assert daemon.alerts[0]["routes"][0] == "instead of mail, which is no longer configured"
        assert await daemon.ask(signal.SIGTERM) == 0
    states = {row["receiver"]: row["state"] for row in await installed.listing("alerts")}
    assert states == {"mail": "dropped", "screen": "sent"}


async def test_what_needs_a_restart_is_said(installed: Installation, write: Callable[..., None]) -> None:
    write(ACME)
    async with installed.daemon() as daemon:
        await until(told(daemon, "ready"), "the start")
        write(ACME, store={"url": "sqlite:///other.db"})
        await until(told(daemon, "reload refused", "store.url"), "the refusal")
        assert await daemon.ask(signal.SIGTERM) == 0
    assert not (installed.folder / "other.db").exists()


async def test_a_file_that_says_again_what_runs_is_refused_no_longer(
    installed: Installation, write: Callable[..., None], port: int
) -> None:
    write(ACME)
    async with installed.daemon() as daemon:
        await until(told(daemon, "ready"), "the start")
        write(ACME | {"query": "acme OR ("})
        await until(told(daemon, "reload refused", "watchlists[0].query"), "the refusal")
        assert (await health(port))["config"]["refused"]
        write(ACME)
        await until(told(daemon, "nothing has changed"), "the mend")
        assert not (await health(port))["config"]["refused"]
        assert "refused at" not in (await installed.mentiond("status", "-c", installed.config)).out
        assert await daemon.ask(signal.SIGTERM) == 0


async def test_a_hangup_signal_reads_the_file_again(installed: Installation, write: Callable[..., None]) -> None:
    write(ACME)
    async with installed.daemon() as daemon:
        await until(told(daemon, "ready"), "the start")
        daemon.process.send_signal(signal.SIGHUP)
        await until(told(daemon, "nothing has changed"), "the look")
        assert await daemon.ask(signal.SIGTERM) == 0


async def test_the_probes_and_metrics_of_a_running_daemon(
    installed: Installation, write: Callable[..., None], port: int
) -> None:
    write(ACME)
    post(installed, 1, "My Acme is broken")
    async with installed.daemon() as daemon:
        await until(lambda: len(daemon.alerts) == 1, "the first alert")
        assert (await get(port, "/livez"))[0] == 200
        assert await get(port, "/readyz") == (200, "active\n")
        status, page = await get(port, "/metrics")
        assert status == 200
        assert 'mentiond_sends_total{outcome="sent",receiver="screen"} 1.0' in page
        assert 'mentiond_mentions_total{tag="complaint",watchlist="acme"} 1.0' in page
        assert 'mentiond_source_posts_total{part="",source="export"} 1.0' in page
        assert "mentiond_active 1.0" in page
        assert "broken" not in page
        assert await daemon.ask(signal.SIGTERM) == 0


async def test_a_port_that_is_taken_is_an_error_where_it_was_asked_for(
    installed: Installation, write: Callable[..., None], port: int
) -> None:
    write(ACME)
    with socket.create_server(("127.0.0.1", port)):
        (await installed.mentiond("run", "-c", installed.config)).said_plainly(1, "cannot listen", "server.listen")
