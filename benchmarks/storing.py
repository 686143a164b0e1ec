"""Storing posts in batches of 100 with the new ids returned, beside the bare drivers doing the same.

    python -m benchmarks.storing [POSTS]        (20,000)

The same rows of some 300 characters: `monitor.bulk` with SQLAlchemy Core, as a page is stored, and raw sqlite3 with
one INSERT ... RETURNING for each row; on PostgreSQL (a server of its own, started where Debian's binaries are) raw
asyncpg (`pip install -e .[bench]`) with `unnest`. Every batch is one transaction; synchronous=FULL on SQLite, fsync
off on the PostgreSQL of the tests. Rows a second of wall time, median of five runs.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.feeds import Feeds
from benchmarks.machine import describe
from monitor.bulk import insert_rows
from monitor.schema import posts
from monitor.store import Store
from sources.base import Post
from tests.postgres import server

POSTS, BATCH, REPEATS = 20_000, 100, 5
START = datetime(2026, 11, 1, tzinfo=UTC)
COLUMNS = [column.name for column in posts.columns if column.name not in ("id", "deleted_at", "story_id", "person")]


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else POSTS
    describe("sqlalchemy", "psycopg")
    rows = list(_rows(count))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        numbers = itertools.count()
        ours = _repeat(lambda: _store(f"sqlite:///{path / f'ours{next(numbers)}.db'}", rows))
        raw = _repeat(lambda: _sqlite(path / f"raw{next(numbers)}.db", rows))
        _show("SQLite", count, ours, raw, "sqlite3")
    with server() as address:
        with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE bench_storing")
        url = f"{address}/bench_storing"
        ours = _repeat(lambda: _store(url, rows))
        raw = _repeat(lambda: asyncio.run(_asyncpg(url, rows)))
        _show("PostgreSQL", count, ours, raw, "asyncpg")
    return 0


def _show(name: str, count: int, ours: float, raw: float, peer: str) -> None:
    print(f"{name:11} {count / ours:>8,.0f} rows/s, {peer} {count / raw:>8,.0f} rows/s: {raw / ours:.2f}")


def _rows(count: int) -> Iterator[dict[str, Any]]:
    sentences = Feeds()._sentences
    for number in range(count):
        text = " ".join(sentences[(number * 7 + place) % len(sentences)] for place in range(3))
        at = START + timedelta(seconds=number)
        url = f"https://news.example/{number}"
        post = Post(source="news", external_id=url, url=url, title="News", text=text, raw=text, published_at=at)
        more = {"content_hash": f"1:{number:032x}", "revision": 1, "matched": True, "fetched_at": at}
        yield asdict(post) | {"kind": post.kind.value} | more


def _batches(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def _repeat(work: Callable[[], float]) -> float:
    return statistics.median(work() for _ in range(REPEATS))


def _store(url: str, rows: list[dict[str, Any]]) -> float:
    store = Store(url)
    store.migrate()
    store.write_now(lambda connection: connection.execute(sa.delete(posts)))
    begun = perf_counter()
    for batch in _batches(rows):
        inserted = store.write_now(lambda connection, batch=batch: insert_rows(connection, posts, batch))
        assert len(inserted) == len(batch)
    took = perf_counter() - begun
    store.close()
    return took


def _sqlite(path: Path, rows: list[dict[str, Any]]) -> float:
    Store(f"sqlite:///{path}").migrate()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    marks = ", ".join("?" * len(COLUMNS))
    statement = f"INSERT INTO posts ({', '.join(COLUMNS)}) VALUES ({marks}) RETURNING external_id, id"
    begun = perf_counter()
    for batch in _batches(rows):
        connection.execute("BEGIN IMMEDIATE")
        inserted = [connection.execute(statement, _plain(row)).fetchone() for row in batch]
        connection.execute("COMMIT")
        assert len(inserted) == len(batch)
    took = perf_counter() - begun
    connection.close()
    return took


def _plain(row: dict[str, Any]) -> list[Any]:
    return [value.isoformat(" ") if isinstance(value, datetime) else value for value in map(row.get, COLUMNS)]


async def _asyncpg(url: str, rows: list[dict[str, Any]]) -> float:
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("DELETE FROM posts")
    types = [str(posts.c[name].type.compile(sa.dialects.postgresql.dialect())) for name in COLUMNS]
    marks = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 1))
    statement = f"INSERT INTO posts ({', '.join(COLUMNS)}) SELECT * FROM unnest({marks}) RETURNING external_id, id"
    begun = perf_counter()
    for batch in _batches(rows):
        inserted = await connection.fetch(statement, *([row.get(name) for row in batch] for name in COLUMNS))
        assert len(inserted) == len(batch)
    took = perf_counter() - begun
    await connection.close()
    return took


if __name__ == "__main__":
    raise SystemExit(main())
