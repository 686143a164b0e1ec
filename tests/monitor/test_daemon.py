"""The daemon: how it starts, who may be active, how it ends, what the operator hears."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, ReceiverError
from monitor import cursors as cursors_of
from monitor import node, outbox
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK, STILL_OWED, TROUBLE
from monitor.config import Config, load
from monitor.daemon import Daemon
from monitor.listening import build_listenings
from monitor.loading import load_alerts
from monitor.node import run
from monitor.schema import alerts, cursors, mentions, seen
from monitor.store import Store, StoreBusyError
from sources.base import SourceError
from tests.fake_desk import MemoryDesk
from tests.fakes import ScriptedListener, ScriptedReceiver, WordClassifier
from tests.monitor.builders import (
    Works,
    build_works,
    column,
    in_transaction,
    make_attendant,
    make_delivery,
    make_page,
    make_post,
    make_watchdog,
    owe,
    rows_of,
)

CONFIG = """
store: {{url: "{url}"}}
watchlists:
  - {{name: {watchlist}, kind: brand, names: [Acme], query: acme}}
sources:
  - {{name: {source}, type: file, path: posts.jsonl, every: 1s}}
receivers:
  - {{name: {receiver}, type: console, format: json}}
routes:
  receiver: none
  routes: [{{matchers: ['label =~ "complaint|unclassified"'], receiver: {receiver}}}]
"""
NAMES = {"watchlist": "acme", "source": "news", "receiver": "screen"}


def write_config(folder: Path, url: str, **names: str) -> Config:
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(url=url, **NAMES | names))
    return load(path, {})


def write_posts(folder: Path, count: int) -> None:
    lines = [json.dumps({"external_id": str(number), "text": "Acme is broken"}) for number in range(count)]
    (folder / "posts.jsonl").write_text("".join(line + "\n" for line in lines))


async def run_once(config: Config) -> int:
    return await asyncio.wait_for(run(config, WordClassifier(), asyncio.Event(), once=True), 20)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """External ids of the alerts on standard output."""
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line)["mention"]["post"]["external_id"] for line in lines if line.startswith("{")]


@pytest.fixture
def config(tmp_path: Path, store_url: str) -> Config:
    write_posts(tmp_path, 3)
    return write_config(tmp_path, store_url)


# -- starting --------------------------------------------------------------------------------------------------------


async def test_once_tells_every_mention_once_and_the_second_time_nothing(
    tmp_path: Path, empty_store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_posts(tmp_path, 3)
    config = write_config(tmp_path, empty_store_url)
    assert await run_once(config) == OK
    assert said(capsys) == ["0", "1", "2"]
    assert await run_once(config) == OK
    assert said(capsys) == []
    write_posts(tmp_path, 4)
    assert await run_once(config) == OK
    assert said(capsys) == ["3"]


async def test_new_names_lose_nothing(
    config: Config, tmp_path: Path, store_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_once(config) == OK
    assert len(said(capsys)) == 3
    renamed = {name: f"new-{old}, was: {old}" for name, old in NAMES.items()}
    text = CONFIG.format(url=store_url, **renamed).replace("receiver: new-screen, was: screen", "receiver: new-screen")
    (tmp_path / "config.yaml").write_text(text)
    for _ in range(2):
        assert await run_once(load(tmp_path / "config.yaml", {})) == OK
    assert said(capsys) == []
    store = Store(store_url)
    assert set(column(store, seen.c.source)) == {"new-news"}
    assert set(column(store, mentions.c.watchlist)) == {"new-acme"}
    assert set(column(store, alerts.c.receiver)) == {"new-screen"}
    assert set(column(store, cursors.c.source)) == {"new-news"}
    store.close()


async def test_what_was_claimed_when_the_daemon_died_goes_again_at_once_only_on_sqlite(
    config: Config, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    owe(store, 1, utc_now(), receiver="screen")
    in_transaction(store, outbox.claim, "screen", "dead", utc_now(), limit=1, pace=0.0)
    assert await run_once(config) == (OK if store.is_sqlite else STILL_OWED)
    row = rows_of(store, alerts, reason="notice")[0]
    assert (row.state, row.possibly_sent) == (("sent", True) if store.is_sqlite else ("owed", False))


async def test_f5_once_is_refused_beside_a_running_daemon(config: Config, store: Store) -> None:
    async with store.exclusive():
        with pytest.raises(StoreBusyError, match="another mentiond daemon"):
            await run_once(config)


async def test_a_second_daemon_waits_on_postgresql_and_is_refused_on_sqlite(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "STANDBY_EVERY", 0.05)
    stop = asyncio.Event()
    async with store.exclusive():
        second = asyncio.create_task(run(config, WordClassifier(), stop, once=False))
        if store.is_sqlite:
            with pytest.raises(StoreBusyError):
                await asyncio.wait_for(second, 5)
            return
        await asyncio.sleep(0.3)
        assert not second.done()
        assert not rows_of(store, cursors)
    await until_rows(store, alerts, 3)
    stop.set()
    assert await asyncio.wait_for(second, 10) == OK


async def test_f4_asked_to_stop_it_drains_and_leaves_no_lease(config: Config, store: Store) -> None:
    stop = asyncio.Event()
    daemon = asyncio.create_task(run(config, WordClassifier(), stop, once=False))
    await until_rows(store, alerts, 3)
    stop.set()
    assert await asyncio.wait_for(daemon, 10) == OK
    assert [row.lease_token for row in rows_of(store, alerts)] == [None] * 3
    async with store.exclusive():
        pass


async def until_rows(store: Store, table: sa.Table, count: int) -> None:
    async with asyncio.timeout(10):
        while len(rows_of(store, table)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


# -- a daemon built by hand ------------------------------------------------------------------------------------------


def build_daemon(config: Config, works: Works, operations: str | None = "ops", **receivers: ScriptedReceiver) -> Daemon:
    """A daemon with one scripted source and scripted receivers."""
    works.pipeline.operations = operations
    deliveries = {
        name: make_delivery(works.store, receiver, works.clock, name=name) for name, receiver in receivers.items()
    }
    daemon = Daemon(
        config,
        works.store,
        works.pipeline,
        {("news", ""): works.part},
        deliveries,
        make_attendant(works),
        make_watchdog(works),
    )
    works.pipeline.wake = daemon.wake
    for delivery in deliveries.values():
        delivery.on_stop = daemon.tell_operator
    return daemon


@pytest.fixture
def works(store: Store) -> Works:
    built = build_works(store, recipients={"console": ("",), "ops": ("",)})
    built.clock.now = utc_now()
    return built


def fresh(works: Works, external_id: str = "1", text: str = "Acme is broken") -> Any:
    return make_page(make_post(external_id, text, published_at=works.clock.now))


async def test_f32_a_stopped_channel_is_told_through_another(config: Config, works: Works) -> None:
    refused = ReceiverError("invalid_auth", permanent=True, channel=True)
    console, ops = ScriptedReceiver(refused), ScriptedReceiver()
    daemon = build_daemon(config, works, console=console, ops=ops)
    await works.poll(fresh(works))
    assert await daemon.deliveries["console"].run_once() == 1
    works.clock.now = utc_now()
    assert await daemon.deliveries["ops"].run_once() == 0
    notice = next(alert for alert in ops.accepted if alert.notice)
    assert notice.notice.startswith("Receiver console is stopped, its alerts stay owed: invalid_auth")


async def test_listeners_listen_while_the_daemon_serves(config: Config, works: Works) -> None:
    listener, stop = ScriptedListener(ReceiverError("invalid_auth", permanent=True)), asyncio.Event()
    other = ScriptedListener()
    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    receivers = {"console": listener, "ops": other}
    daemon.listeners = build_listenings(receivers, MemoryDesk(clock=works.clock), Random(1), daemon.tell_deaf)
    serving = asyncio.create_task(daemon.serve(stop))
    await asyncio.wait_for(other.listens.wait(), 10)
    await until_rows(works.store, alerts, 1)
    stop.set()
    await asyncio.wait_for(serving, 10)
    assert "Buttons and commands of the receiver console do nothing: invalid_auth" in str(rows_of(works.store, alerts))
    assert other.is_cancelled


@pytest.mark.parametrize("operations", [None, "console"])
async def test_nobody_is_told_where_there_is_no_other_channel(
    config: Config, works: Works, operations: str | None
) -> None:
    daemon = build_daemon(config, works, operations, console=ScriptedReceiver())
    await daemon.tell_operator("console", ReceiverError("invalid_auth"))
    assert not rows_of(works.store, alerts)


async def test_exit_codes_of_once(config: Config, works: Works) -> None:
    down = ReceiverError("down")
    daemon = build_daemon(config, works, console=ScriptedReceiver(down), ops=ScriptedReceiver())
    works.source.answers = [fresh(works)]
    assert await daemon.once(asyncio.Event()) == STILL_OWED
    works.clock.now = works.state.due_at
    assert await daemon.once(asyncio.Event()) == OK
    works.source.answers = [SourceError("502")]
    assert await daemon.once(asyncio.Event()) == TROUBLE


async def test_once_ends_early_when_asked_and_what_is_left_stays_owed(config: Config, works: Works) -> None:
    stop = asyncio.Event()

    async def interrupt(_: Alert) -> None:
        stop.set()
        await asyncio.sleep(0)

    console = ScriptedReceiver(before=interrupt)
    daemon = build_daemon(config, works, console=console, ops=ScriptedReceiver())
    works.source.answers = [make_page(*(make_post(each, published_at=works.clock.now) for each in "12345"))]
    assert await daemon.once(stop) == STILL_OWED
    assert len(console.accepted) == 1
    assert {row.lease_token for row in rows_of(works.store, alerts)} == {None}


async def test_once_interrupted_before_it_began_has_failed(config: Config, works: Works) -> None:
    stop = asyncio.Event()
    stop.set()
    assert await run(config, WordClassifier(), stop, once=True) == FAILED
    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    assert await daemon.once(stop) == FAILED


async def test_a_source_that_is_switched_off_is_left_alone_and_is_trouble(config: Config, works: Works) -> None:
    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    in_transaction(works.store, Connection.execute, sa.update(cursors).values(disabled="410 Gone"))
    assert await daemon.once(asyncio.Event()) == TROUBLE
    assert works.source.asked == []


async def test_one_failing_source_delays_no_other_and_each_is_polled_once_at_a_time(
    config: Config, works: Works
) -> None:
    forever = asyncio.Event()

    async def hang(cursor: Any) -> Any:
        await forever.wait()
        return make_page()

    works.source.fetch = hang  # type: ignore[method-assign]  # a server that does not answer
    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    in_transaction(works.store, Connection.execute, sa.update(cursors).values(due_at=works.clock.now))
    await daemon._start_due()
    first = dict(daemon.passes)
    await daemon._start_due()
    assert daemon.passes == first
    assert len(first) == 1
    works.pipeline.stopping = True
    forever.set()
    await asyncio.gather(*first.values())
    await asyncio.sleep(0)
    assert daemon.passes == {}
    await daemon._start_due()
    assert daemon.passes == {}


async def test_a_pass_that_ends_while_the_due_ones_are_read_is_not_repeated(
    config: Config, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    in_transaction(works.store, Connection.execute, sa.update(cursors).values(due_at=works.clock.now))
    answers = asyncio.Event()

    async def answer(cursor: Any) -> Any:
        await answers.wait()
        return make_page()

    works.source.fetch = answer  # type: ignore[method-assign]
    await daemon._start_due()
    (first,) = daemon.passes.values()
    read = works.store.read

    async def read_and_be_late(work: Callable[[Connection], Any]) -> Any:
        found = await read(work)
        if found == [("news", "")]:
            answers.set()
            await first
            await asyncio.sleep(0)
        return found

    monkeypatch.setattr(Store, "read", lambda store, work: read_and_be_late(work))
    await daemon._start_due()
    assert first.done()
    assert daemon.passes == {}


async def test_a_slow_host_of_many_sources_keeps_no_other_waiting(config: Config, works: Works) -> None:
    forever, other = asyncio.Event(), asyncio.Event()

    class Slow:
        overlap = works.source.overlap

        async def fetch(self, cursor: Any) -> Any:
            await forever.wait()
            return make_page()

        async def probe(self) -> str:
            return ""

    class Quick(Slow):
        async def fetch(self, cursor: Any) -> Any:
            other.set()
            return make_page()

    daemon = build_daemon(config, works, console=ScriptedReceiver(), ops=ScriptedReceiver())
    slow = [replace(works.part, part=str(n), source=Slow(), host="slow.example") for n in range(40)]
    quick = replace(works.part, part="quick", source=Quick(), host="quick.example")
    daemon.parts = {(part.name, part.part): part for part in [*slow, quick]}
    fingerprints = {key: part.fingerprint for key, part in daemon.parts.items()}
    in_transaction(works.store, cursors_of.register_parts, fingerprints, works.clock.now - timedelta(seconds=1))
    await daemon._start_due()
    await asyncio.wait_for(other.wait(), 10)
    works.pipeline.stopping = True
    forever.set()
    await asyncio.gather(*daemon.passes.values())


async def test_f29_a_late_verdict_reaches_those_who_were_not_told(config: Config, works: Works) -> None:
    console = ScriptedReceiver()
    daemon = build_daemon(config, works, console=console, ops=ScriptedReceiver())
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(fresh(works))
    await daemon.deliveries["console"].run_once()
    works.classifier.failure = None
    await daemon._reclassify()
    await daemon.deliveries["console"].run_once()
    assert [alert.mentions[0].verdict.tags for alert in console.accepted] == [("unclassified",)]
    loaded: list[Alert] = in_transaction(works.store, load_alerts, [console.accepted[0].id], "")
    assert loaded[0].mentions[0].verdict.tags == ("complaint",)
