"""How long the lists of cases take over many mentions, on SQLite and on PostgreSQL.

    python -m benchmarks.cases [--rows 1000000]

Builds a store of that many mentions on each database (PostgreSQL: tests/postgres.py starts one, or
MENTIOND_TEST_POSTGRES names one): one post and one verdict each, nine of ten with a case, 60 % of these answered,
15 % dismissed, 20 % new, 5 % claimed. Of twelve watchlists the first has half of the mentions, each further one half of
what is left, so that the last has one of 2,000. Prints the median and the slowest of 30 runs of what `mentiond cases`
asks.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles

from alerts.base import CaseState
from benchmarks.machine import describe
from monitor.case_list import OPEN, Wanted, select_cases, select_review
from monitor.case_views import load_cases
from monitor.schema import cases, mentions, posts, verdicts
from monitor.store import Store
from tests import postgres

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
numbers = sa.Table("numbers", sa.MetaData(), sa.Column("n", sa.BigInteger, primary_key=True))
Number: TypeAlias = sa.ColumnElement[int]
Columns: TypeAlias = Callable[[Number, int], dict[str, Any]]
RUNS = 30
BATCH = 100_000
OWNERS = ("Kim", "Sascha", "Robin", "Alex", "Jo", "Toni", "Chris", "Luca")
LABELS = (
    *(("complaint", 30), ("question", 25), ("praise", 22)),
    *(("purchase_signal", 12), ("suggestion", 10), ("crisis", 1)),
)
STATES = (("answered", 60), ("dismissed", 15), ("new", 20), ("claimed", 5))
WATCHLISTS = 12


def main() -> int:
    """Print the machine and the figures of both databases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cases", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="mentions in each store")
    options = parser.parse_args()
    describe("sqlalchemy")
    with tempfile.TemporaryDirectory() as folder:
        measure(f"sqlite:///{folder}/cases.db", options.rows)
    with postgres.server() as server, postgres.database(server) as url:
        measure(url, options.rows)
    return 0


def measure(url: str, rows: int) -> None:
    """Build one store and time the lists."""
    store = Store(url)
    try:
        store.migrate()
        started = time.monotonic()
        build(store, rows)
        release = store.write_now(_release)
        print(f"\n{release}: {rows:,} mentions, built in {time.monotonic() - started:.0f} s")
        for name, query in _questions().items():
            _report(name, *_times(store, query))
        some = list(range(1, rows, max(1, rows // 20)))[:20]
        _report("20 cases with history", *_times(store, lambda connection: load_cases(connection, some)))
    finally:
        store.close()


def _release(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        return f"SQLite {connection.exec_driver_sql('SELECT sqlite_version()').scalar()}"
    return str(connection.exec_driver_sql("SELECT version()").scalar()).partition(" on ")[0]


def _questions() -> dict[str, Callable[[Connection], Any]]:
    rare = f"watchlist-{WATCHLISTS}"
    wanted = {
        "cases": Wanted(),
        "--open": Wanted(states=OPEN),
        "--mine": Wanted(states=OPEN, owner="Kim"),
        "--overdue": Wanted(states=OPEN, overdue_at=NOW),
        "--owner Kim": Wanted(owner="Kim"),
        "--state answered": Wanted(states=(CaseState.ANSWERED,)),
        "--open --label crisis": Wanted(states=OPEN, label="crisis"),
        "--label crisis": Wanted(label="crisis"),
        "--open --watchlist, half of all": Wanted(states=OPEN, watchlist="watchlist-1"),
        "--open --watchlist, 1 of 2,000": Wanted(states=OPEN, watchlist=rare),
        "--watchlist, 1 of 2,000": Wanted(watchlist=rare),
    }
    questions = {name: _asking(select_cases(one, 50)) for name, one in wanted.items()}
    return questions | {"--review": _asking(select_review("unsure", 50))}


def _asking(query: sa.Select[Any]) -> Callable[[Connection], Any]:
    return lambda connection: connection.execute(query).all()


def _times(store: Store, work: Callable[[Connection], Any]) -> tuple[list[float], int]:
    """Milliseconds of each run, and how much it found."""
    store.write_now(work)
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        found = store.write_now(work)
        times.append(1000 * (time.perf_counter() - started))
    return times, len(found) if isinstance(found, list | dict) else 1


def _report(name: str, times: list[float], found: int) -> None:
    print(f"  {name:34} {statistics.median(times):8.1f} ms   slowest {max(times):8.1f} ms   {found:3} rows")
    sys.stdout.flush()


def build(store: Store, rows: int) -> None:
    """Fill the store by itself, the oldest mention first: it makes rows faster than a client can send them."""
    store.write_now(_make_numbers)
    for table, columns in ((posts, _post), (mentions, _match), (verdicts, _verdict), (cases, _case)):
        for start in range(0, rows, BATCH):
            store.write_now(partial(_fill, table=table, columns=columns, start=start, rows=rows))
    if not store.is_sqlite:  # as autovacuum does by itself; SQLite is left without, as mentiond leaves it
        store.write_now(lambda connection: connection.exec_driver_sql("ANALYZE"))


class AfterNow(sa.sql.functions.FunctionElement[datetime]):
    """NOW plus so many minutes."""

    inherit_cache = True


@compiles(AfterNow, "sqlite")
def _after_now_sqlite(element: AfterNow, compiler: Any, **options: Any) -> str:
    minutes = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%S.000000', '{NOW:%Y-%m-%d %H:%M:%S}', ({minutes}) || ' minutes')"


@compiles(AfterNow, "postgresql")
def _after_now_postgresql(element: AfterNow, compiler: Any, **options: Any) -> str:
    minutes = compiler.process(element.clauses, **options)
    return f"timestamptz '{NOW.isoformat()}' + ({minutes}) * interval '1 minute'"


def _make_numbers(connection: Connection) -> None:
    numbers.create(connection)
    connection.execute(sa.insert(numbers), [{"n": n} for n in range(1000)])


def _fill(connection: Connection, table: sa.Table, columns: Columns, start: int, rows: int) -> None:
    """BATCH rows of a table, numbered from `start` + 1."""
    thousands, ones = numbers.alias(), numbers.alias()
    number = (start + 1 + thousands.c.n * 1000 + ones.c.n).label("number")
    counted = sa.select(number).join_from(thousands, ones, sa.true())
    made = counted.where(thousands.c.n < BATCH // 1000, number <= rows).subquery()
    values = columns(made.c.number, rows)
    query = sa.select(*(sa.type_coerce(value, table.c[name].type) for name, value in values.items())).select_from(made)
    if table is cases:
        query = query.where(_is_routed(made.c.number))
    connection.execute(sa.insert(table).from_select(list(values), query))


def _chance(number: Number, salt: int) -> Number:
    """0-999, as good as any for this purpose."""
    return (number * (7919 + 2 * salt) + number // (97 + salt) * 31 + salt * 131) % 1000


def _is_routed(number: Number) -> sa.ColumnElement[bool]:
    return _chance(number, 1) < 900


def _text(*parts: Any) -> sa.ColumnElement[str]:
    joined: sa.ColumnElement[str] = sa.literal("", sa.Text)
    for part in parts:
        joined = joined.concat(sa.cast(part, sa.Text))
    return joined


def _at(number: Number, rows: int, later: Any = 0) -> sa.ColumnElement[Any]:
    """When the mention was stored, and `later` minutes after that; the last one at NOW."""
    return AfterNow((number - rows) * sa.literal(180 * 24 * 60 / rows, sa.Float) + later)


def _weighted(weights: Sequence[tuple[str, int]], chance: Number) -> sa.ColumnElement[str]:
    """One of the names, each as often as its weight of 100 says."""
    bound, choices = 0, []
    for name, weight in weights:
        bound += 10 * weight
        choices.append((chance < bound, name))
    return sa.case(*choices, else_=weights[0][0])


def _post(number: Number, rows: int) -> dict[str, Any]:
    said = ("acme is broken again, why", "thanks acme support", "which acme phone is it")
    texts = [f"{words} " * 6 for words in said]
    return {
        "id": number,
        "source": _text("source-", number % 20),
        "external_id": _text(number),
        "content_hash": _text("1:", number),
        "revision": 1,
        "url": _text("https://example.com/", number),
        "author": _text("author ", number % 200_003),
        "title": "",
        "text": sa.case((number % 3 == 0, texts[0]), (number % 3 == 1, texts[1]), else_=texts[2]),
        "published_at": _at(number, rows),
        "dated": sa.true(),
        "kind": "comment",
        "thread": _text("thread ", number % 300_007),
        "person": _text("reddit:author ", number % 200_003),
        "raw": "",
        "matched": sa.true(),
        "fetched_at": _at(number, rows),
    }


def _match(number: Number, rows: int) -> dict[str, Any]:
    about = {"id": number, "post_id": number, "watchlist": _watchlist(number)}
    return about | {
        "watchlist_kind": "brand",
        "revision": 1,
        "spans": [["text", 0, 4]],
        "terms": ["acme"],
        "personal": [],
        "created_at": _at(number, rows),
    }


def _watchlist(number: Number) -> sa.ColumnElement[str]:
    """Half of them in the first, half of the rest in the second, ..."""
    places = [((number * 61) % 4096 < 4096 >> one, f"watchlist-{one + 1}") for one in range(WATCHLISTS - 1, 0, -1)]
    return sa.case(*places, else_="watchlist-1")


def _verdict(number: Number, rows: int) -> dict[str, Any]:
    unrouted = sa.case((number % 2 == 0, "unsure"), else_="none")
    tag = sa.case((_is_routed(number), _label(number)), else_=unrouted)
    return {
        "mention_id": number,
        "revision": 1,
        "probabilities": {"crisis": 0.1, "complaint": 0.9, "question": 0.1, "purchase_signal": 0.1},
        "tags": _text('["', tag, '"]'),
        "sentiment": "negative",
        "lang": "en",
        "cues": {},
        "sure": sa.true(),
        "model": "benchmark",
        "unclassified": sa.false(),
    }


def _label(number: Number) -> sa.ColumnElement[str]:
    return _weighted(LABELS, _chance(number, 2))


def _case(number: Number, rows: int) -> dict[str, Any]:
    state = _weighted(STATES, _chance(number, 3))
    owner = sa.case(*((number % len(OWNERS) == place, name) for place, name in enumerate(OWNERS)))
    return {
        "mention_id": number,
        "watchlist": _watchlist(number),
        "label": _label(number),
        "state": state,
        "owner": sa.case((state != "new", owner)),
        "changed_at": _at(number, rows),
        "opened_at": _at(number, rows),
        "is_direct": _chance(number, 4) < 400,
        "priority": 10 + _chance(number, 5) % 80,
        "waited": 4,
        "due_at": sa.case((_label(number).in_(("crisis", "complaint", "question")), _at(number, rows, 24 * 60))),
        "responded_at": sa.case((state == "answered", _at(number, rows, 5 + _chance(number, 6) * 3))),
        "tags": [],
        "revision": 1,
    }


if __name__ == "__main__":
    sys.exit(main())
