"""Posts the whole way, beside obsei 1.1.1 from the package index doing what it can of it without a model.

    python -m benchmarks.obsei [FEEDS]        (100 feeds of 20 entries: 2,000 posts a round)

Three rounds of new posts into a store that keeps all of them. Ours: feeds are fetched and read, posts matched, hits
classified, everything stored, routed, and an alert owed, signed and delivered for each hit, one hit in a hundred posts
(what a monitor reads) and every post a hit. obsei has no watchlists: it fetches, reads, redacts, stores and posts every
record to its webhook by the page, with its redaction and without. Copies are not looked for, as the posts are made
of few sentences. Posts a second of CPU time of the process that
does it; the feeds and the receiver are servers of their own.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from benchmarks.feeds import ENTRIES
from benchmarks.machine import describe, peer, timed
from monitor import cursors, outbox
from monitor.assembly import (
    build_judge,
    build_parts,
    build_receivers,
    build_rules,
    build_surroundings,
    open_tools,
    utc_now,
)
from monitor.config import Config, load
from monitor.delivery import Delivery
from monitor.inbox import EmptyInbox
from monitor.model import load_classifier
from monitor.pipeline import Part, Pipeline
from monitor.schema import alerts, posts
from monitor.store import Store
from rules.base import View
from sources.tools import Tools

FEEDS, ROUNDS, CONCURRENT = 100, 3, 32
SHARES = (0.01, 1.0)

OBSEI = """
import json, sys, time, urllib.request
from pathlib import Path
from obsei.config import build_context, parse_config
from obsei.runner import run_pipelines
from obsei.store import Store
base, config, rounds = sys.argv[1], parse_config(Path(sys.argv[2]).read_text()), int(sys.argv[3])
feeds = len(config.pipelines[0].sources)
with build_context(config) as context, Store(config.store.path, allow_unencrypted=True) as store:
    for turn in range(rounds):
        if turn:
            urllib.request.urlopen(urllib.request.Request(f"{base}/turn?feeds={feeds}", method="POST")).read()
        begun = time.process_time()
        outcome, = run_pipelines(config, context, store, ["all"])
        took = time.process_time() - begun
        assert outcome.ok, outcome
        print(json.dumps([took, outcome.report.stored, sum(outcome.report.sent.values())]), flush=True)
"""


def main() -> int:
    feeds = int(sys.argv[1]) if len(sys.argv) > 1 else FEEDS
    describe("aiohttp", "lxml", "spacy", "sqlalchemy")
    print(f"{feeds * ENTRIES:,} posts a round")
    print(f"{'':28}" + "".join(f"{f'round {number + 1}':>10}" for number in range(ROUNDS)) + "   posts/CPU-s")
    for share in SHARES:
        with tempfile.TemporaryDirectory() as folder, _server("feeds", str(share)) as base, _receiver() as sink:
            rates, sent = asyncio.run(_ours(_config(Path(folder), base, sink, feeds), base, feeds))
        _show(f"mentiond, {share:.0%} are hits", rates, f"{sent:,} alerts delivered")
    python = peer("obsei", "obsei==1.1.1")
    for redact in (True, False) if python else ():
        with tempfile.TemporaryDirectory() as folder, _server("feeds") as base, _receiver() as sink:
            rates = _obsei(python, Path(folder), base, sink, feeds, redact)
        _show(f"obsei, {'redacting' if redact else 'not redacting'}", rates, "every record delivered, 20 at once")
    return 0


def _show(name: str, rates: list[float], more: str) -> None:
    print(f"{name:28}" + "".join(f"{rate:>10,.0f}" for rate in rates) + f"   {more}", flush=True)


@contextmanager
def _server(module: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().decode().strip()
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


@contextmanager
def _receiver() -> Iterator[str]:
    """The address of something that takes every webhook."""
    with _server("alerts", "--serve") as port:
        yield f"http://127.0.0.1:{port}/hook"


def _config(folder: Path, base: str, sink: str, feeds: int) -> Config:
    sources = [{"name": f"feed{n}", "type": "feed", "url": f"{base}/feed/{n}", "backlog": "all"} for n in range(feeds)]
    hook = {"name": "hook", "type": "webhook", "url": sink, "secret": "benchmark", "storm": "off"}
    content = {
        "http": {"allow_hosts": ["127.0.0.1"], "per_host": 16},
        "store": {"url": f"sqlite:///{folder}/mentiond.db", "keep_unmatched": "30d"},
        "watchlists": [{"name": "acme", "kind": "brand", "names": ["Acme"], "query": "acme"}],
        "sources": sources,
        "receivers": [hook],
        "routes": {"receiver": "hook"},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    return load(path, {})


async def _ours(config: Config, base: str, feeds: int) -> tuple[list[float], int]:
    store = Store(config.store.url)
    store.migrate()
    rates = []
    async with open_tools(config) as tools:
        with ThreadPoolExecutor(1, "judge") as thread:
            pipeline, delivery = _workers(config, store, tools, thread)
            parts = build_parts(config, tools, EmptyInbox())
            fingerprints = {key: part.fingerprint for key, part in parts.items()}
            await store.write(lambda tx: cursors.register_parts(tx, fingerprints, utc_now()))
            await store.write(lambda tx: outbox.register_channels(tx, ["hook"], utc_now()))
            for turn in range(ROUNDS):
                if turn:
                    await asyncio.to_thread(_turn, base, feeds)
                with timed() as took:
                    await _poll(pipeline, list(parts.values()))
                    while await delivery.turn() <= 0:
                        pass
                rates.append(feeds * ENTRIES / took.cpu)
                stored = feeds * ENTRIES * (turn + 1)
                sent = store.write_now(lambda tx, stored=stored: _check(tx, stored))  # type: ignore[misc]
    store.close()
    return rates, sent


def _workers(config: Config, store: Store, tools: Tools, thread: ThreadPoolExecutor) -> tuple[Pipeline, Delivery]:
    classifier = load_classifier(config.languages)
    classifier.classify([View("", "Acme is broken", None)])  # the first loads what finds the language
    pipeline = Pipeline(
        store=store,
        judge=build_judge(config, classifier),
        judge_thread=thread,
        recipients={"hook": ("",)},
        operations=None,
        keep_unmatched=True,
        clock=utc_now,
        random=Random(1),
    )
    delivery = Delivery(
        name="hook",
        receiver=build_receivers(config, tools)["hook"],
        pace=0.0,
        retry_for=timedelta(days=3),
        public_url="",
        store=store,
        clock=utc_now,
        random=Random(1),
        around=build_surroundings(config),
        rules=build_rules(config),
    )
    return pipeline, delivery


async def _poll(pipeline: Pipeline, parts: list[Part]) -> None:
    slots = asyncio.Semaphore(CONCURRENT)

    async def one(part: Part) -> bool:
        async with slots:
            return await pipeline.poll(part)

    assert all(await asyncio.gather(*map(one, parts))), "a feed failed"


def _turn(base: str, feeds: int) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{base}/turn?feeds={feeds}", method="POST")).read()


def _check(connection: sa.Connection, expected: int) -> int:
    """Every post is stored and every alert delivered; return how many: `none` and `unsure` alert nobody."""
    stored = connection.scalar(sa.select(sa.func.count()).select_from(posts))
    states = connection.execute(sa.select(alerts.c.state, sa.func.count()).group_by(alerts.c.state)).all()
    assert stored == expected and [state for state, _ in states] == ["sent"], (stored, states)
    return int(states[0][1])


def _obsei(python: Path, folder: Path, base: str, sink: str, feeds: int, redact: bool) -> list[float]:
    sources = [{"key": f"feed{n}", "type": "rss", "config": {"url": f"{base}/feed/{n}"}} for n in range(feeds)]
    content = {
        "store": {"path": f"{folder}/obsei.duckdb", "unencrypted": True},
        "privacy": {"redact": redact},
        "pipelines": [
            {"name": "all", "sources": sources, "sinks": [{"type": "webhook", "config": {"url": sink}}]},
        ],
    }
    path = folder / "obsei.yaml"
    path.write_text(json.dumps(content), encoding="utf-8")
    done = subprocess.run([python, "-c", OBSEI, base, path, str(ROUNDS)], stdout=subprocess.PIPE, check=True)
    rates = []
    for line in done.stdout.splitlines():
        took, stored, sent = json.loads(line)
        assert stored == sent == feeds * ENTRIES, (stored, sent)
        rates.append(stored / took)
    return rates


if __name__ == "__main__":
    raise SystemExit(main())
