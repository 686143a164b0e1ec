"""Streams in the pipeline and the daemon: what is kept of them, how they break off and go on, how they end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import cursors
from monitor.assembly import utc_now
from monitor.commands import OK
from monitor.config import load
from monitor.daemon import CONCURRENT_PASSES, Daemon
from monitor.node import run
from monitor.schema import alerts, mentions, posts, revisions, seen
from monitor.schema import cursors as cursor_rows
from monitor.store import Store
from sources import bluesky
from sources.base import Gap, Page, SourceError
from tests.fakes import START, ScriptedStream, WordClassifier
from tests.monitor.builders import (
    Works,
    build_works,
    column,
    in_transaction,
    make_attendant,
    make_page,
    make_post,
    make_watchdog,
    rows_of,
)
from tests.servers import Web
from tests.sources.benches.bench import Item
from tests.sources.benches.bluesky import make_stream

SECOND = timedelta(seconds=1)
LOST = SourceError("the connection was lost")


class Streaming:
    """Works whose part is a stream that is reconnected after five seconds."""

    def __init__(self, store: Store, *, keep_unmatched: bool = False) -> None:
        self.works = build_works(store, keep_unmatched=keep_unmatched)
        self.stream = ScriptedStream()
        self.works.part = replace(self.works.part, source=self.stream, every=5 * SECOND)

    async def hear(self, *sent: Page | Exception, once: bool = True) -> bool:
        """Poll until the stream breaks off, or is at the present."""
        self.stream.sent += sent
        return await asyncio.wait_for(self.works.pipeline.poll(self.works.part, once=once), 10)

    @property
    def wait(self) -> float:
        """Seconds until the part is due."""
        return (self.works.state.due_at - self.works.clock()).total_seconds()


@pytest.fixture
def streaming(store: Store) -> Streaming:
    return Streaming(store)


async def test_posts_that_nobody_watches_for_leave_nothing_behind(streaming: Streaming, store: Store) -> None:
    crowd = (make_post(str(number), "the weather is fine") for number in range(50))
    await streaming.hear(make_page(*crowd, make_post("hit"), cursor={"seq": 51}))
    assert column(store, seen.c.external_id) == column(store, posts.c.external_id) == ["hit"]
    assert streaming.works.state.cursor == {"seq": 51}
    assert streaming.works.state.posts == 1


async def test_posts_that_nobody_watches_for_are_kept_where_that_is_wanted(store: Store) -> None:
    await Streaming(store, keep_unmatched=True).hear(make_page(make_post("1", "the weather is fine"), make_post("2")))
    assert sorted(column(store, posts.c.external_id)) == ["1", "2"]


async def test_the_cursor_moves_with_empty_pages(streaming: Streaming) -> None:
    pages = (make_page(cursor={"seq": n}, more=n < 3, reached=START - (3 - n) * SECOND) for n in range(1, 4))
    assert await streaming.hear(*pages)
    state = streaming.works.state
    assert (state.cursor, state.reached_at, state.finished_at) == ({"seq": 3}, START, START)


async def test_gaps_of_a_stream_are_kept(streaming: Streaming) -> None:
    await streaming.hear(make_page(gaps=(Gap("event 7 is gone"),)))
    found = in_transaction(streaming.works.store, cursors.recent_gaps, START - SECOND)
    assert [detail for _, _, _, detail in found] == ["event 7 is gone"]


async def test_a_stream_that_breaks_off_is_resumed_where_it_was_after_a_growing_pause(streaming: Streaming) -> None:
    assert not await streaming.hear(make_page(make_post("1"), cursor={"seq": 1}), LOST, once=False)
    pauses = [streaming.wait]
    for _ in range(3):
        assert not await streaming.hear(LOST)
        pauses.append(streaming.wait)
    assert [0.9 * due <= pause <= due for due, pause in zip((5, 10, 20, 40), pauses, strict=True)] == [True] * 4
    assert await streaming.hear(make_page(make_post("2"), cursor={"seq": 2}))
    assert streaming.stream.resumed == [{}, *[{"seq": 1}] * 4]
    assert streaming.works.state.failures == 0
    assert len(rows_of(streaming.works.store, mentions)) == 2


async def test_a_page_that_was_stored_makes_the_pause_short_again(streaming: Streaming) -> None:
    for _ in range(4):
        await streaming.hear(LOST)
    await streaming.hear(make_page(more=True), LOST)
    assert streaming.wait <= 5


async def test_once_reads_up_to_the_present_and_leaves(streaming: Streaming) -> None:
    pages = [make_page(make_post(str(n)), cursor={"seq": n}, more=n < 2) for n in range(3)]
    assert await streaming.hear(*pages, make_page(make_post("later"), cursor={"seq": 9}))
    assert sorted(column(streaming.works.store, posts.c.external_id)) == ["0", "1", "2"]
    assert not streaming.stream.is_open


async def test_an_edit_that_says_nothing_of_the_brand_any_more_replaces_what_was_stored(
    streaming: Streaming, store: Store
) -> None:
    await streaming.hear(make_page(make_post("1", "Acme is broken")))
    edits = (make_post("1", "never mind"), make_post("unknown", "never heard of"))
    await streaming.hear(make_page(*edits, edited=("1", "unknown")))
    assert column(store, posts.c.text) == ["never mind"]
    assert column(store, revisions.c.text) == ["Acme is broken"]
    assert column(store, mentions.c.spans) == [[]]
    assert column(store, seen.c.external_id) == ["1"]


async def test_an_edit_that_brings_the_brand_in_is_a_mention(streaming: Streaming, store: Store) -> None:
    await streaming.hear(make_page(make_post("1", "my phone is broken")))
    await streaming.hear(make_page(make_post("1", "my Acme is broken"), edited=("1",)))
    assert column(store, posts.c.text) == ["my Acme is broken"]
    assert len(rows_of(store, alerts)) == 1


async def test_deletions_take_the_words_of_what_was_stored(streaming: Streaming, store: Store) -> None:
    long = "x" * 600  # is stored under its digest
    await streaming.hear(make_page(make_post("1"), make_post("2"), make_post(long)))
    gone = tuple(f"unknown-{number}" for number in range(1_200))
    await streaming.hear(make_page(deleted=(*gone, "1", long)))
    left = [row.external_id for row in rows_of(store, posts) if row.deleted_at is None]
    assert left == ["2"]
    assert sorted(column(store, posts.c.text)) == ["", "", "Acme is broken"]
    assert column(store, alerts.c.state).count("dropped") == 2


# -- in the daemon ---------------------------------------------------------------------------------------------------

CONFIG = """
store: {{url: "{url}"}}
http: {{allow_hosts: ["127.0.0.1"]}}
watchlists:
  - {{name: acme, kind: brand, names: [Acme], query: acme}}
sources:
  - {{name: sky, type: bluesky, base_url: "{base}", every: 1s}}
receivers:
  - {{name: screen, type: console, format: json}}
routes:
  receiver: none
  routes: [{{matchers: ['label =~ "complaint|unclassified"'], receiver: screen}}]
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PAGE_SECONDS": 0.1, "SETTLED_SECONDS": 0.3}.items():
        monkeypatch.setattr(bluesky, name, value)


def minutes_ago(number: int, text: str, minutes: float = 1) -> Item:
    return Item(number, utc_now() - timedelta(minutes=minutes), text)


@pytest.mark.usefixtures("quick")
async def test_run_once_reads_a_stream_up_to_the_present_tells_and_ends(
    web: Web, tmp_path: Path, store: Store, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = make_stream(web, tmp_path)
    bench.post(minutes_ago(1, "Acme is broken"), minutes_ago(2, "the weather is fine"))
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=store_url, base=web.base))
    config = load(tmp_path / "config.yaml", {})
    for _ in range(2):
        assert await asyncio.wait_for(run(config, WordClassifier(), asyncio.Event(), once=True), 20) == OK
    bench.post(minutes_ago(3, "Acme is broken again", 0))
    assert await asyncio.wait_for(run(config, WordClassifier(), asyncio.Event(), once=True), 20) == OK
    said = [json.loads(line)["mention"]["post"]["text"] for line in capsys.readouterr().out.splitlines()]
    assert said == ["Acme is broken", "Acme is broken again"]
    assert len(rows_of(store, seen)) == 2


@pytest.mark.usefixtures("quick")
async def test_a_daemon_listens_reconnects_and_stops_at_once_though_the_stream_is_silent(
    web: Web, tmp_path: Path, store: Store, store_url: str
) -> None:
    bench = make_stream(web, tmp_path)
    bench.post(minutes_ago(1, "Acme is broken"))
    bench.tail = "close"
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=store_url, base=web.base))
    stop = asyncio.Event()
    daemon = asyncio.create_task(run(load(tmp_path / "config.yaml", {}), WordClassifier(), stop, once=False))
    await until_mentions(store, 1)
    bench.tail = "hold"
    bench.post(minutes_ago(2, "Acme is broken again"))
    await until_mentions(store, 2)
    stop.set()
    started = asyncio.get_running_loop().time()
    assert await asyncio.wait_for(daemon, 20) == OK
    assert asyncio.get_running_loop().time() - started < 5
    assert len(bench.asked) == 2


async def until_mentions(store: Store, count: int) -> None:
    async with asyncio.timeout(15):
        while await store.read(_count_mentions) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _count_mentions(connection: Connection) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(mentions)) or 0


async def make_due(store: Store) -> None:
    await store.write(lambda connection: connection.execute(sa.update(cursor_rows).values(due_at=utc_now())))


@pytest.fixture
async def daemon(streaming: Streaming, tmp_path: Path, store_url: str) -> AsyncIterator[Daemon]:
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=store_url, base="http://127.0.0.1:1"))
    works: Works = streaming.works
    config = load(tmp_path / "config.yaml", {})
    yield Daemon(
        config, works.store, works.pipeline, {("news", ""): works.part}, {}, make_attendant(works), make_watchdog(works)
    )


async def test_a_stream_takes_no_place_of_those_that_are_polled(streaming: Streaming, daemon: Daemon) -> None:
    for _ in range(CONCURRENT_PASSES):
        await daemon.slots.acquire()
    streaming.stream.sent = [make_page(make_post("1", published_at=utc_now()), cursor={"seq": 1})]
    await make_due(streaming.works.store)
    await daemon._start_due()
    await until_mentions(streaming.works.store, 1)
    daemon._wind_down()
    await asyncio.wait(daemon.passes.values(), timeout=5)
    assert not streaming.stream.is_open


async def test_a_stream_that_listens_is_not_started_twice(streaming: Streaming, daemon: Daemon) -> None:
    streaming.stream.sent = [make_page(make_post("1"))]
    await make_due(streaming.works.store)
    await daemon._start_due()
    await until_mentions(streaming.works.store, 1)
    await make_due(streaming.works.store)
    await daemon._start_due()
    assert len(daemon.passes) == len(streaming.stream.resumed) == 1
    daemon._wind_down()
    await asyncio.wait(daemon.passes.values(), timeout=5)
