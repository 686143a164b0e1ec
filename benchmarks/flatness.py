"""Whether work costs the same however much is stored.

    python -m benchmarks.flatness [--rows 10000 100000 300000] [--postgres]

Each store is filled by itself (benchmarks/cases.py: one mention and one verdict a post, nine of ten with a case; a row
in `seen` for each). Then 50 feeds are polled through the daemon's source, pipeline and classifier: 20 new entries each,
all of them kept, four times, and once unchanged. Milliseconds of CPU time of this process a page, the median of the
rounds; milliseconds of wall time of `mentiond cases --open`, of the rarest watchlist's cases and of finding a post by
its address, median of 30. PostgreSQL's own CPU time is not in these.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from benchmarks.cases import _asking, _times, build
from benchmarks.machine import describe, timed
from benchmarks.polling import _config, _poll, _turn, _with_server
from monitor import cursors
from monitor.assembly import build_judge, build_parts, open_tools, utc_now
from monitor.case_list import OPEN, Wanted, select_cases
from monitor.config import Config
from monitor.explain.finding import find_places
from monitor.inbox import EmptyInbox
from monitor.model import load_classifier
from monitor.pipeline import Part, Pipeline
from monitor.schema import posts, seen
from monitor.store import Store
from rules.base import View
from sources.tools import Tools
from tests.postgres import server

FEEDS, ROUNDS = 50, 4
RARE = Wanted(states=(CaseState.NEW,), watchlist="watchlist-12")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flatness", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 300_000], help="stored posts")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL as well, one started for this")
    options = parser.parse_args()
    describe("aiohttp", "lxml", "sqlalchemy", "psycopg")
    print(f"{'stored':>24} {'new page':>10} {'304':>8} {'open cases':>11} {'rare cases':>11} {'by address':>11}   ms")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            _measure("SQLite", f"sqlite:///{folder}/mentiond.db", rows)
    if options.postgres:
        with server() as address:
            for rows in options.rows:
                with _database(address, f"flatness_{rows}") as url:
                    _measure("PostgreSQL", url, rows)
    return 0


@contextmanager
def _database(address: str, name: str) -> Iterator[str]:
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield f"{address}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _measure(name: str, url: str, rows: int) -> None:
    store = Store(url)
    store.migrate()
    build(store, rows)
    store.write_now(_see)
    with tempfile.TemporaryDirectory() as folder:
        polled = _with_server(
            lambda base: asyncio.run(_pages(_config(Path(folder), base, FEEDS), store, partial(_turn, base, FEEDS)))
        )
    asked = [
        _asking(select_cases(Wanted(states=OPEN), 50)),
        _asking(select_cases(RARE, 50)),
        lambda connection: find_places(connection, f"https://example.com/{rows // 2}"),
    ]
    waited = [statistics.median(_times(store, question)[0]) for question in asked]
    store.close()
    changed, same = polled
    print(
        f"{name:10} {rows:>13,} {changed:>10.1f} {same:>8.2f}" + "".join(f"{time:>12.1f}" for time in waited),
        flush=True,
    )


def _see(connection: Connection) -> None:
    columns = ("source", "external_id", "content_hash", "first_seen", "last_seen")
    rows = sa.select(posts.c.source, posts.c.external_id, posts.c.content_hash, posts.c.fetched_at, posts.c.fetched_at)
    connection.execute(sa.insert(seen).from_select(columns, rows))


async def _pages(config: Config, store: Store, turn: partial[None]) -> tuple[float, float]:
    """Milliseconds of CPU for a page of new entries, and for one that has not changed."""
    async with open_tools(config) as tools:
        with ThreadPoolExecutor(1, "judge") as thread:
            pipeline, parts = _pipeline(config, store, tools, thread)
            fingerprints = {key: part.fingerprint for key, part in parts.items()}
            await store.write(lambda connection: cursors.register_parts(connection, fingerprints, utc_now()))
            await _poll(pipeline, list(parts.values()))
            rounds = []
            for _ in range(ROUNDS):
                await asyncio.to_thread(turn)
                with timed() as took:
                    await _poll(pipeline, list(parts.values()))
                rounds.append(1000 * took.cpu / FEEDS)
            with timed() as same:
                await _poll(pipeline, list(parts.values()))
    return statistics.median(rounds), 1000 * same.cpu / FEEDS


def _pipeline(
    config: Config, store: Store, tools: Tools, thread: ThreadPoolExecutor
) -> tuple[Pipeline, dict[tuple[str, str], Part]]:
    classifier = load_classifier(config.languages)
    classifier.classify([View("", "Acme is broken", None)])  # the first loads what finds the language
    pipeline = Pipeline(
        store=store,
        judge=build_judge(config, classifier),
        judge_thread=thread,
        recipients={"console": ("",)},
        operations=None,
        keep_unmatched=True,
        clock=utc_now,
        random=Random(1),
    )
    return pipeline, build_parts(config, tools, EmptyInbox())


if __name__ == "__main__":
    raise SystemExit(main())
