"""Polling many feeds with durable storage, beside lemon24/reader doing the same.

    python -m benchmarks.polling [FEEDS]        (500)

Three rounds: every feed is new (20 entries each), every feed answers 304, every feed has 20 new entries. All posts are
kept, as reader keeps its entries. Ours is the daemon's own source, pipeline, shipped classifier and SQLite store;
reader runs in a process of its own with its ten workers. Polls a second of wall time and of CPU time of the process
that polls.
"""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

import sqlalchemy as sa

from benchmarks.machine import Timed, describe, peer, timed
from monitor import cursors
from monitor.assembly import build_judge, build_parts, open_tools, utc_now
from monitor.config import Config, load
from monitor.inbox import EmptyInbox
from monitor.model import load_classifier
from monitor.pipeline import Part, Pipeline
from monitor.schema import posts
from monitor.store import Store

T = TypeVar("T")

FEEDS = 500
CONCURRENT = 32
ROUNDS = ("new", "304", "changed")

READER = """
import json, resource, sys, time, urllib.request
from reader import make_reader
base, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
reader = make_reader(path)
for number in range(count):
    reader.add_feed(f"{base}/feed/{number}")
for turn in ("new", "304", "changed"):
    if turn == "changed":
        urllib.request.urlopen(urllib.request.Request(f"{base}/turn?feeds={count}", method="POST")).read()
    wall, cpu = time.perf_counter(), time.process_time()
    reader.update_feeds(workers=10, scheduled=False)
    took = time.perf_counter() - wall, time.process_time() - cpu
    entries = reader.get_entry_counts().total
    print(json.dumps([turn, *took, entries]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round took, and how many entries the store has after it."""

    took: Timed
    stored: int


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FEEDS
    describe("aiohttp", "lxml", "sqlalchemy")
    print(f"{count} feeds of 20 entries\n")
    with tempfile.TemporaryDirectory() as folder:
        ours = _with_server(lambda base: asyncio.run(_poll_all(_config(Path(folder), base, count), base, count)))
        python = peer("reader", "reader>=3.26,<4", "sgmllib3k")
        theirs = _with_server(lambda base: _run_reader(python, base, count, Path(folder))) if python else {}
    print(f"{'round':10} {'polls/s':>9} {'polls/CPU-s':>12} {'reader':>9} {'reader CPU':>11} {'times (CPU)':>12}")
    for turn in ROUNDS:
        _show(turn, count, ours[turn], theirs.get(turn))
    return 0


def _with_server(work: Callable[[str], T]) -> T:
    """Feeds of which nothing stays from round to round: what a daemon would warn of."""
    logging.getLogger("mentiond").setLevel(logging.ERROR)
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.feeds"], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        return work(server.stdout.readline().decode().strip())
    finally:
        server.terminate()
        server.wait()


def _config(folder: Path, base: str, count: int) -> Config:
    sources = [{"name": f"feed{n}", "type": "feed", "url": f"{base}/feed/{n}", "backlog": "all"} for n in range(count)]
    path = folder / "config.yaml"
    content = {
        "http": {"allow_hosts": ["127.0.0.1"], "per_host": 16},
        "store": {"url": f"sqlite:///{folder}/mentiond.db", "keep_unmatched": "30d"},
        "watchlists": [{"name": "acme", "kind": "brand", "names": ["Acme"], "query": "acme"}],
        "sources": sources,
        "receivers": [{"name": "console", "type": "console"}],
        "routes": {"receiver": "none"},
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return load(path, {})


async def _poll_all(config: Config, base: str, count: int) -> dict[str, Round]:
    store = Store(config.store.url)
    store.migrate()
    judge = build_judge(config, load_classifier(config.languages))
    rounds: dict[str, Round] = {}
    async with open_tools(config) as tools:
        with ThreadPoolExecutor(1, "judge") as thread:
            pipeline = Pipeline(
                store=store,
                judge=judge,
                judge_thread=thread,
                recipients={"console": ("",)},
                operations=None,
                keep_unmatched=True,
                clock=utc_now,
                random=Random(1),
            )
            parts = build_parts(config, tools, EmptyInbox())
            fingerprints = {key: part.fingerprint for key, part in parts.items()}
            await store.write(lambda connection: cursors.register_parts(connection, fingerprints, utc_now()))
            for turn in ROUNDS:
                if turn == "changed":
                    await asyncio.to_thread(_turn, base, count)
                with timed() as took:
                    await _poll(pipeline, list(parts.values()))
                rounds[turn] = Round(took, store.write_now(_count))
    store.close()
    return rounds


async def _poll(pipeline: Pipeline, parts: list[Part]) -> None:
    slots = asyncio.Semaphore(CONCURRENT)

    async def one(part: Part) -> bool:
        async with slots:
            return await pipeline.poll(part)

    assert all(await asyncio.gather(*map(one, parts))), "a feed failed"


def _turn(base: str, count: int) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{base}/turn?feeds={count}", method="POST")).read()


def _count(connection: sa.Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(posts)) or 0


def _run_reader(python: Path, base: str, count: int, folder: Path) -> dict[str, Round]:
    command = [python, "-c", READER, base, str(count), str(folder / "reader.db")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {turn: Round(Timed(wall, cpu), entries) for turn, wall, cpu, entries in lines}


def _show(turn: str, count: int, ours: Round, theirs: Round | None) -> None:
    line = f"{turn:10} {count / ours.took.seconds:>9,.0f} {count / ours.took.cpu:>12,.0f}"
    if theirs is not None:
        assert ours.stored == theirs.stored, f"{turn}: {ours.stored} posts stored, by reader {theirs.stored}"
        times = theirs.took.cpu / ours.took.cpu
        line += f" {count / theirs.took.seconds:>9,.1f} {count / theirs.took.cpu:>11,.1f} {times:>12,.1f}"
    print(f"{line}   {ours.stored:,} entries stored")


if __name__ == "__main__":
    raise SystemExit(main())
