"""The watchdog: trouble is told once, its end too, that of the store past the store; a heartbeat while all is well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, Receipt, ReceiverError
from monitor import cursors, outbox
from monitor.figures import Figures, read_figures
from monitor.health import find_troubles
from monitor.metrics import Metrics
from monitor.opening import unrouted_case
from monitor.schema import alerts, channels
from monitor.schema import cursors as cursor_rows
from monitor.store import Store, StoreError
from monitor.watchdog import Watchdog
from tests.fakes import START, FixedClock

HOUR = timedelta(hours=1)
PART = ("news", "")


@dataclass(slots=True)
class Mouth:
    """A receiver that keeps what it was given."""

    said: list[str] = field(default_factory=list)
    error: ReceiverError | None = None

    async def send(self, alert: Alert) -> Receipt:
        if self.error:
            raise self.error
        self.said.append(alert.notice)
        return Receipt()

    async def probe(self) -> str:
        return "ok"


@dataclass(slots=True)
class Beats:
    """Counts heartbeats."""

    problem: str | None = None
    beats: int = 0

    async def __call__(self) -> str | None:
        self.beats += 1
        return self.problem


@dataclass(slots=True)
class Scene:
    """A watchdog over a store with one source and one receiver."""

    store: Store
    dog: Watchdog
    clock: FixedClock
    mouth: Mouth
    beats: Beats
    woken: list[str]

    def notices(self) -> list[str]:
        def read(connection: Connection) -> list[str]:
            return list(connection.scalars(sa.select(alerts.c.notice).order_by(alerts.c.id)))

        return self.store.write_now(read)

    def succeed(self, at: timedelta = timedelta(0)) -> None:
        values = {"finished_at": START + at, "body_at": START + at, "reached_at": START + at}
        self.store.write_now(lambda connection: connection.execute(sa.update(cursor_rows).values(values)))


@pytest.fixture
def scene(store: Store) -> Iterator[Scene]:
    clock, mouth, beats = FixedClock(), Mouth(), Beats()
    woken: list[str] = []
    store.write_now(lambda connection: cursors.register_parts(connection, {PART: "f"}, START))
    store.write_now(lambda connection: outbox.register_channels(connection, ["ops"], START))
    dog = Watchdog(store, clock, 6 * HOUR, beats, "ops", ["", "b"], mouth, woken.extend)
    yield Scene(store, dog, clock, mouth, beats, woken)


def figures(store: Store, clock: FixedClock) -> Figures:
    return store.write_now(lambda connection: read_figures(connection, clock()))


async def test_f40_a_source_that_is_silent_is_told_once_and_when_it_is_back(scene: Scene) -> None:
    scene.succeed()
    scene.clock.advance(5 * HOUR)
    await scene.dog.look()
    assert scene.notices() == []
    scene.clock.advance(2 * HOUR)
    await scene.dog.look()
    await scene.dog.look()
    told = scene.notices()
    assert len(told) == 4  # this source and all sources, to two recipients
    assert any("Source news has been silent since 2026-11-21 12:00" in text for text in told)
    assert any("every source is silent" in text for text in told)
    assert scene.woken
    scene.succeed(7 * HOUR)
    await scene.dog.look()
    assert [text for text in scene.notices()[4:] if text.startswith("Over: ")] != []


async def test_f40_after_a_restart_nothing_is_told_again(scene: Scene) -> None:
    scene.succeed()
    scene.clock.advance(7 * HOUR)
    await scene.dog.look()
    before = scene.notices()
    scene.dog.troubles = {}  # as a new process begins
    await scene.dog.look()
    assert scene.notices() == before


async def test_f40_the_heartbeat_stops_while_nothing_is_heard(scene: Scene) -> None:
    scene.succeed()
    await scene.dog.look()
    assert scene.beats.beats == 1
    scene.clock.advance(7 * HOUR)
    await scene.dog.look()
    assert (scene.beats.beats, scene.dog.is_well) == (1, False)
    scene.succeed(7 * HOUR)
    await scene.dog.look()
    assert (scene.beats.beats, scene.dog.is_well) == (2, True)


async def test_a_heartbeat_that_fails_harms_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.succeed()
    scene.beats.problem = "answered 500"
    await scene.dog.look()
    await scene.dog.look()
    assert [record.message for record in caplog.records] == ["heartbeat failing error=answered 500"]
    assert scene.dog.is_well


async def test_f8_a_broken_store_is_told_past_the_store(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.succeed()
    await scene.dog.look()

    async def fail(work: object) -> object:
        raise StoreError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Store, "read", lambda self, work: fail(work))
        await scene.dog.look()
        assert scene.mouth.said == []  # a restart of the database is no news
        scene.clock.advance(timedelta(minutes=1))
        scene.mouth.error = ReceiverError("no answer")
        await scene.dog.look()
        scene.mouth.error = None
        await scene.dog.look()
        await scene.dog.look()
        assert len(scene.mouth.said) == 2  # once to each recipient
        assert "disk is full" in scene.mouth.said[0]
        assert not scene.dog.is_well
    await scene.dog.look()
    assert scene.mouth.said[2:] == ["The store works again."] * 2
    assert scene.dog.is_well


def test_f40_alerts_that_are_stuck_and_stopped_channels_are_trouble(store: Store) -> None:
    clock = FixedClock()
    store.write_now(lambda connection: outbox.register_channels(connection, ["ops", "care"], START))
    store.write_now(lambda connection: outbox.owe_notice(connection, "care", [""], "x", "gone", START))
    clock.advance(timedelta(minutes=14))
    assert find_troubles(figures(store, clock), HOUR) == []
    clock.advance(timedelta(minutes=2))
    [stuck] = find_troubles(figures(store, clock), HOUR)
    assert stuck.text == "Receiver care is owed 1 alert since 12:00 UTC"
    stopped = sa.update(channels).where(channels.c.receiver == "care").values(stopped="invalid_auth")
    store.write_now(lambda connection: connection.execute(stopped))
    assert "receiver:care" in {trouble.subject for trouble in find_troubles(figures(store, clock), HOUR)}


def test_the_metrics_say_what_the_store_says(scene: Scene) -> None:
    scene.succeed()
    scene.store.write_now(lambda connection: outbox.owe_notice(connection, "ops", ["", "b"], "x", "gone", START))
    scene.clock.advance(timedelta(seconds=90))
    metrics = Metrics()
    metrics.sends.labels("ops", "sent").inc()
    page = metrics.show(figures(scene.store, scene.clock)).decode()
    assert 'mentiond_source_lag_seconds{part="",source="news"} 90.0' in page
    assert 'mentiond_alerts_owed{receiver="ops"} 2.0' in page
    assert 'mentiond_alerts_oldest_owed_seconds{receiver="ops"} 90.0' in page
    assert 'mentiond_sends_total{outcome="sent",receiver="ops"} 1.0' in page
    assert "mentiond_store_up 1.0" in page
    assert "mentiond_store_up 0.0" in metrics.show(None).decode()


def test_open_and_overdue_cases_are_counted(store: Store) -> None:
    from monitor.schema import cases, mentions, posts

    def fill(connection: Connection) -> None:
        post = {"source": "news", "content_hash": "h", "revision": 1, "title": "", "text": "Acme", "dated": True}
        post |= {"kind": "post", "raw": "", "matched": True, "published_at": START, "fetched_at": START}
        made = sa.insert(posts).returning(posts.c.id)
        ids = list(connection.scalars(made, [post | {"external_id": str(n)} for n in range(3)]))
        row = {"watchlist": "acme", "watchlist_kind": "brand", "revision": 1, "spans": [], "terms": []}
        rows = [row | {"post_id": id, "created_at": START} for id in ids]
        mentioned = list(connection.scalars(sa.insert(mentions).returning(mentions.c.id), rows))
        first, second, third = (unrouted_case(mention_id, "acme", "complaint", START) for mention_id in mentioned)
        second |= {"due_at": START + HOUR}
        third |= {"state": "answered", "due_at": START + HOUR}
        for case in (first, second, third):
            connection.execute(sa.insert(cases), [case])

    store.write_now(fill)
    clock = FixedClock()
    clock.advance(2 * HOUR)
    seen = figures(store, clock)
    assert (seen.open_cases["new"].count, seen.overdue_cases) == (2, 1)
    assert "mentiond_cases_overdue 1.0" in Metrics().show(seen).decode()
