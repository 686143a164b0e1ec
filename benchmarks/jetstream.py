"""How many posts a second go the whole way: Jetstream, matching, classification of hits, SQLite.

    python -m benchmarks.jetstream [POSTS] [WATCHLISTS]        (1,000,000 and 1,000)

A server in a process of its own (benchmarks/network.py) sends as fast as it is read; this process is the daemon's own
source, pipeline, shipped classifier and store, with the watchlists of benchmarks/watchlists.py. Memory is printed on
the way: it should not grow.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa

from benchmarks.machine import describe
from benchmarks.network import BRANDS, Writer
from benchmarks.watchlists import Vocabulary, mixed_queries
from monitor import cursors
from monitor.assembly import build_judge, build_parts, open_tools, utc_now
from monitor.config import Config, load
from monitor.inbox import StoredInbox
from monitor.model import load_classifier
from monitor.pipeline import Part, Pipeline
from monitor.schema import mentions, posts, seen
from monitor.store import Store
from sources.base import Cursor, Page, Stream

POSTS, WATCHLISTS = 1_000_000, 1_000
SAMPLE = 20_000  # texts from which the vocabulary of the watchlists is taken
SHOWN = (0.1, 0.25, 0.5, 0.75, 1.0)
PACKAGES = ("aiohttp", "ahocorasick-rs", "google-re2", "spacy", "sqlalchemy")


@dataclass(slots=True)
class Measured:
    """The stream of the source, up to its last post; says on the way how it goes."""

    stream: Stream
    posts: int
    pages: int = 0

    @property
    def overlap(self) -> timedelta:
        return self.stream.overlap

    async def listen(self, cursor: Cursor) -> AsyncGenerator[Page, None]:
        shown = [int(share * self.posts) for share in SHOWN]
        started, worked = time.perf_counter(), time.process_time()
        async with aclosing(self.stream.listen(cursor)) as pages:
            async for page in pages:
                yield page  # stored when it is asked for the next one
                self.pages += 1
                seq = page.cursor.get("seq", 0)
                assert isinstance(seq, int)
                while shown and seq >= shown[0]:
                    _show(shown.pop(0), self.posts, time.perf_counter() - started, time.process_time() - worked)
                if not shown:
                    return

    async def probe(self) -> str:
        return await self.stream.probe()


def _show(done: int, of: int, seconds: float, worked: float) -> None:
    rates = f"{done / seconds:>7,.0f} posts/s {done / worked:>7,.0f} posts/CPU-s"
    print(f"{done:>10,} posts {done / of:>5.0%} {seconds:>7.1f} s {worked:>7.1f} CPU-s {rates} {_resident():>5,} MB")
    sys.stdout.flush()


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else POSTS
    watchlists = int(sys.argv[2]) if len(sys.argv) > 2 else WATCHLISTS
    describe(*PACKAGES)
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.network", str(count)], stdout=subprocess.PIPE)
    assert server.stdout is not None
    try:
        address = server.stdout.readline().decode().strip()
        with tempfile.TemporaryDirectory() as folder:
            config = _config(Path(folder), address, watchlists)
            asyncio.run(_run(config, count))
    finally:
        server.terminate()
    return 0


def _config(folder: Path, address: str, watchlists: int) -> Config:
    writer, languages = Writer(seed=2), ("en", "en", "de")
    words = Vocabulary.of([writer.text(languages[number % 3]) for number in range(SAMPLE)])
    lines = [
        "http: {allow_hosts: [127.0.0.1]}",
        f"sources: [{{name: sky, type: bluesky, base_url: '{address}', backlog: 0s}}]",
        "receivers: [{name: console, type: console}]",
        "routes: {receiver: none}",
        f"store: {{url: 'sqlite:///{folder}/mentiond.db'}}",
        "watchlists:",
    ]
    queries = [*BRANDS, *mixed_queries(watchlists - len(BRANDS), words)]
    for number, query in enumerate(queries):
        name = BRANDS[number % len(BRANDS)]
        quoted = query.replace("'", "''")
        lines.append(f"  - {{name: w{number:05}, kind: brand, names: [{name}], query: '{quoted}'}}")
    path = folder / "config.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(path, {})


async def _run(config: Config, count: int) -> None:
    store = Store(config.store.url)
    store.migrate()
    judge = build_judge(config, load_classifier(config.languages))
    async with open_tools(config) as tools:
        with ThreadPoolExecutor(1, "judge") as thread:
            pipeline = Pipeline(
                store=store,
                judge=judge,
                judge_thread=thread,
                recipients={"console": ("",)},
                operations=None,
                keep_unmatched=False,
                clock=utc_now,
                random=Random(1),
            )
            (part,) = build_parts(config, tools, StoredInbox(store)).values()
            assert isinstance(part.source, Stream)
            measured = Measured(part.source, count)
            await _poll(pipeline, replace(part, source=measured))
    rows = store.write_now(_count)
    print(f"{rows[0]:,} posts ({rows[0] / count:.2%}) matched, {rows[1]:,} mentions, {rows[2]:,} rows in `seen`")
    print(f"{measured.pages:,} pages of {count / measured.pages:,.0f} events on average; {_peak():,} MB at the most")
    store.close()


async def _poll(pipeline: Pipeline, part: Part) -> None:
    fingerprints = {(part.name, part.part): part.fingerprint}
    await pipeline.store.write(lambda connection: cursors.register_parts(connection, fingerprints, utc_now()))
    assert await pipeline.poll(part), "the stream broke off"


def _count(connection: sa.Connection) -> list[int]:
    tables = (posts, mentions, seen)
    return [connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]


def _resident() -> int:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    raise SystemExit(main())
