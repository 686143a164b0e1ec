"""`make soak`: SOAK_MINUTES (30) of the real daemon, with the real model, against 500 feeds, 140 of them hostile.

Schedule, in parts of the time: .15, .4 and .7 a changed configuration, .45 a broken one; .25 and .6 the webhook refuses
everything for a fifteenth of it; on PostgreSQL the active daemon is killed at a third and a warm standby takes over.
Fails unless every planted post was told of exactly once (copies of what a kill left unanswered are marked), and unless
memory, descriptors and tasks are late in the time what they were after half of it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import web

from tests import postgres
from tests.acceptance.running import ACME, SECRET, configuration, free_port
from tests.soak.feeds import PORTS, Feeds
from tests.soak.watching import Watch

EVERY = "30s"  # a feed is polled
PLANTS = 2.0  # a second
LOOKS = 100  # at each daemon
LAST_PATIENCE = 180.0  # seconds for the last alerts
STEADY = 0.5  # of the time: from then on nothing may grow


@dataclass(slots=True)
class Node:
    """A running daemon."""

    name: str
    process: Process
    watch: Watch


@dataclass(slots=True)
class Soak:
    """One run. `seconds`: how long posts are planted."""

    seconds: float
    folder: Path
    store_url: str
    feeds: Feeds
    ports: dict[str, str] = field(default_factory=dict)  # kind or number of a server -> base address
    nodes: list[Node] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    kills: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def at(self) -> float:
        return time.monotonic() - self.begun

    def content(self, **more: Any) -> dict[str, Any]:
        sources = [self._source(number, kind) for number, kind in enumerate(self.feeds.kinds)]
        hook = {"name": "hook", "type": "webhook", "url": f"{self.ports['hook']}/hook", "secret": SECRET}
        settings: dict[str, Any] = {"store": {"url": self.store_url}, "operations": {"receiver": "hook"}}
        settings["stories"] = "0d"  # every post says the same: each is to be told of by itself
        return configuration(sources, [hook], **settings | more)

    def _source(self, number: int, kind: str) -> dict[str, Any]:
        base = self.ports[str(number % PORTS) if kind == "healthy" else kind]
        return {"name": f"feed{number}", "type": "feed", "url": f"{base}/feed/{number}", "every": EVERY}

    def write(self, node: str, content: dict[str, Any] | str) -> Path:
        """As an operator's tools do it: the whole file at once."""
        path = self.folder / node / "config.yaml"
        text = content if isinstance(content, str) else json.dumps(content, indent=1)
        path.with_suffix(".new").write_text(text, encoding="utf-8")
        os.replace(path.with_suffix(".new"), path)
        return path

    async def start(self, name: str) -> None:
        (self.folder / name).mkdir()
        port = free_port()
        config = self.write(name, self.content(server={"listen": f"127.0.0.1:{port}"}))
        with (self.folder / name / "log").open("wb") as log:
            command = [sys.executable, "-m", "monitor.cli", "run", "-c", str(config)]
            process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        self.nodes.append(Node(name, process, Watch(process.pid, port)))
        self.say(f"{name} started")

    def say(self, text: str) -> None:
        print(f"{self.at:6.0f} s  {text}", file=sys.stderr, flush=True)

    async def reload(self, number: int) -> None:
        """Another query each time, which finds the same, and a source that comes and goes."""
        for node in self._running():
            watchlists = [ACME | {"query": f'acme OR "acme number {number}"'}]
            listen = {"listen": f"127.0.0.1:{node.watch.port}"}
            self.write(node.name, self.content(watchlists=watchlists, server=listen))
        self.say("configuration changed")

    async def spoil(self) -> None:
        for node in self._running():
            self.write(node.name, "watchlists: [")
        self.say("configuration broken")

    async def refuse(self) -> None:
        self.feeds.refuses = True
        self.say("webhook refuses")
        await asyncio.sleep(self.seconds / 15)
        self.feeds.refuses = False
        self.say("webhook takes again")

    async def kill(self) -> None:
        """The active daemon, without a word; another one becomes the next standby."""
        active = self._running()[0]
        active.process.kill()
        await active.process.wait()
        self.kills += 1
        self.say(f"{active.name} killed")
        await self.start(f"node{len(self.nodes)}")

    def _running(self) -> list[Node]:
        return [node for node in self.nodes if node.process.returncode is None]

    async def run(self) -> None:
        """Start, follow the schedule, wait for the last alerts, end."""
        takes_over = self.store_url.startswith("postgresql")
        await self.start("node0")
        if takes_over:
            await asyncio.sleep(3)  # node0 is to be the active one
            await self.start("node1")
        schedule: list[tuple[float, Callable[[], Awaitable[None]]]] = [
            (0.15, lambda: self.reload(1)),
            (0.25, self.refuse),
            (0.4, lambda: self.reload(2)),
            (0.45, self.spoil),
            (0.6, self.refuse),
            (0.7, lambda: self.reload(3)),
        ]
        schedule += [(1 / 3, self.kill)] if takes_over else []
        tasks = [asyncio.create_task(self._later(part, work)) for part, work in schedule]
        tasks += [asyncio.create_task(self._plant()), asyncio.create_task(self._look())]
        await asyncio.gather(*tasks)
        self.say("waiting for the last alerts")
        until = self.at + LAST_PATIENCE
        while self.feeds.missing and self.at < until:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        for node in self._running():
            node.process.send_signal(signal.SIGTERM)
        for node in self._running():
            code = await asyncio.wait_for(node.process.wait(), 60)
            if code:
                self.failures.append(f"{node.name} ended with {code}")

    async def _later(self, part: float, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(part * self.seconds - self.at)
        await work()

    async def _plant(self) -> None:
        while self.at < self.seconds:
            self.feeds.plant()
            await asyncio.sleep(1 / PLANTS)

    async def _look(self) -> None:
        while self.at < self.seconds:
            for node in self._running():
                await node.watch.look(self.at)
            await asyncio.sleep(self.seconds / LOOKS)

    def report(self) -> bool:
        """Print the figures; whether nothing was lost, doubled or leaked."""
        feeds = self.feeds
        extra = sum(feeds.arrived[link] - 1 for link in feeds.planted if feeds.arrived[link] > 1)
        unmarked = sum(feeds.unmarked[link] > 1 for link in feeds.planted)
        waits = sorted(feeds.waits) or [0.0]
        p50, p95 = waits[len(waits) // 2], waits[len(waits) * 95 // 100]
        store, minutes = self.store_url.partition(":")[0], self.seconds / 60
        print(f"{store}, {minutes:.0f} minutes, {os.cpu_count()} cores, {len(feeds.kinds)} feeds every {EVERY}")
        print(f"posts planted {len(feeds.planted)}, told of {len(feeds.planted) - feeds.missing}, lost {feeds.missing}")
        print(
            f"copies beyond the first {extra} of {self.kills} kills, unmarked {unmarked}; refused sends {feeds.refused}"
        )
        print(f"from publication to the webhook: median {p50:.1f} s, 95 % {p95:.1f} s, most {waits[-1]:.1f} s")
        print("polls: " + ", ".join(f"{kind} {count}" for kind, count in sorted(feeds.polls.items())))
        longest = max(self.nodes, key=lambda node: len(node.watch.samples))
        growth = longest.watch.growth(self.seconds * STEADY)
        for line in growth:
            print(f"{longest.name} {line}")
        self.failures += [line for line in growth if line.startswith("LEAK")]
        self.failures += [f"{feeds.missing} posts lost"] if feeds.missing else []
        self.failures += [f"{unmarked} posts doubled"] if unmarked or extra > self.kills else []
        self.failures += [f"{len(feeds.notices)} notices"] if not any("reloaded" in n for n in feeds.notices) else []
        print("FAILED: " + "; ".join(self.failures) if self.failures else "passed")
        return not self.failures


@asynccontextmanager
async def serving(soak: Soak) -> AsyncIterator[None]:
    """Each kind of feed on a port of its own, the healthy ones on several: a host that asks to wait is one port."""
    runners = []
    for name in [*map(str, range(PORTS)), *sorted(set(soak.feeds.kinds) - {"healthy"}), "hook"]:
        application = web.Application()
        application.router.add_get("/feed/{number}", soak.feeds.show)
        application.router.add_post("/hook", soak.feeds.take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        soak.ports[name] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    try:
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


async def run(soak: Soak) -> bool:
    async with serving(soak):
        soak.begun = time.monotonic()
        try:
            await soak.run()
        finally:
            for node in soak.nodes:
                if node.process.returncode is None:
                    node.process.kill()
    return soak.report()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES") or 30))
    parser.add_argument("--store", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave configurations and logs there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        feeds, seconds = Feeds(Random(options.seed)), options.minutes * 60
        if options.store == "sqlite":
            return not asyncio.run(run(Soak(seconds, folder, f"sqlite:///{scratch}/mentiond.db", feeds)))
        with postgres.own_server() as server, postgres.database(server.address) as url:
            return not asyncio.run(run(Soak(seconds, folder, url, feeds)))


if __name__ == "__main__":
    sys.exit(main())
