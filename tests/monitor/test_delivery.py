"""The outbox worker: claim, send, mark; pauses, stops and drains. Time is the passed clock's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.base import Alert, ReceiverError
from monitor import delivery, outbox
from monitor.delivery import Delivery
from monitor.figures import read_figures
from monitor.schema import alerts, channels
from monitor.store import Store
from tests.fakes import FixedClock, ScriptedReceiver
from tests.monitor.builders import make_delivery, owe, rows_of

SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@asynccontextmanager
async def running(*workers: Delivery) -> AsyncIterator[None]:
    """These workers run; at the end they are asked to stop and do."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)


async def until(condition: Callable[[], bool], *workers: Delivery) -> None:
    """Wake the workers until it is so, half a minute at the most."""
    async with asyncio.timeout(30):
        while not condition():
            for worker in workers:
                worker.woken.set()
            await asyncio.sleep(0.01)


def ids(sent: list[Alert]) -> list[int]:
    return [alert.id for alert in sent]


def states(store: Store, **where: Any) -> list[str]:
    return [row.state for row in rows_of(store, alerts, **where)]


def leased(store: Store) -> list[int]:
    return [row.id for row in rows_of(store, alerts) if row.lease_token is not None]


async def test_what_is_owed_is_sent_once_in_order_and_marked(store: Store, clock: FixedClock) -> None:
    owed, receiver = owe(store, 45), ScriptedReceiver()
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.accepted) == 45, worker)
    assert ids(receiver.accepted) == owed
    rows = rows_of(store, alerts)
    assert {(row.state, row.lease_token, row.attempts) for row in rows} == {("sent", None, 1)}
    assert [row.reference for row in rows] == [f"ref-{number}" for number in range(1, 46)]


async def test_f31_asked_to_wait_nothing_is_sent_before_the_time_and_all_arrive_once_in_order(
    store: Store, clock: FixedClock
) -> None:
    owed = owe(store, 20)
    limited = ReceiverError("ratelimited", retry_after=30)
    times: list[datetime] = []

    async def note(alert: Alert) -> None:
        times.append(clock())

    receiver = ScriptedReceiver(*[None] * 7, limited, before=note)
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.tried) == 8, worker)
        clock.advance(29 * SECOND)
        worker.woken.set()
        await asyncio.sleep(0.1)
        assert len(receiver.tried) == 8
    again = make_delivery(store, receiver, clock)  # a restart changes nothing about the pause
    async with running(again):
        await asyncio.sleep(0.1)
        assert len(receiver.tried) == 8
        clock.advance(1 * SECOND)
        await until(lambda: len(receiver.accepted) == 20, again)
    assert ids(receiver.accepted) == owed
    assert times[8] - times[7] == 30 * SECOND
    assert not any(alert.possibly_sent_twice for alert in receiver.accepted)


async def test_a_transient_failure_keeps_the_order(store: Store, clock: FixedClock) -> None:
    owed = owe(store, 4)
    receiver = ScriptedReceiver(None, ReceiverError("503"))
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.tried) == 2, worker)
        await until(lambda: leased(store) == [])
        clock.advance(2 * SECOND)
        await until(lambda: len(receiver.accepted) == 4, worker)
    assert ids(receiver.tried) == [owed[0], owed[1], *owed[1:]]
    assert [alert.attempt for alert in receiver.accepted] == [1, 2, 1, 1]


async def test_a_channel_in_trouble_is_told_of_when_it_begins_and_when_it_ends(
    store: Store, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "mentiond")
    [late, *_] = owe(store, 2)
    worker = make_delivery(store, ScriptedReceiver(*[ReceiverError("503 busy")] * 3), clock)
    for _ in range(3):
        await worker.turn()
        clock.advance(timedelta(minutes=6))
    assert caplog.messages == [f"receiver failing receiver=console alert={late} attempt=1 error=503 busy"]
    [waiting] = store.write_now(lambda connection: read_figures(connection, clock())).owed.values()
    assert (waiting.count, waiting.oldest) == (2, clock.now - timedelta(minutes=18))
    caplog.clear()
    await worker.turn()
    assert caplog.messages == ["receiver recovered receiver=console"]


async def test_what_is_tried_again_later_is_owed_since_it_failed(store: Store, clock: FixedClock) -> None:
    owe(store, 1)
    began = clock.now
    worker = make_delivery(store, ScriptedReceiver(*[ReceiverError("503 busy")] * 9), clock)
    for _ in range(9):
        await worker.turn()
        clock.advance(timedelta(minutes=6))
    [row] = rows_of(store, alerts)
    assert row.due_at > began + timedelta(minutes=30)
    [waiting] = store.write_now(lambda connection: read_figures(connection, clock())).owed.values()
    assert (waiting.count, waiting.oldest) == (1, began)


async def test_a_refused_message_is_dead_at_once_and_the_next_goes_on(store: Store, clock: FixedClock) -> None:
    owe(store, 3)
    receiver = ScriptedReceiver(ReceiverError("msg_too_long", permanent=True))
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.accepted) == 2, worker)
    assert states(store) == ["dead", "sent", "sent"]
    assert rows_of(store, channels)[0].next_at == clock.now


async def test_f32_a_refused_channel_stops_and_somebody_is_told(store: Store, clock: FixedClock) -> None:
    owe(store, 3)
    receiver = ScriptedReceiver(ReceiverError("invalid_auth", permanent=True, channel=True))
    stopped: list[tuple[str, str]] = []

    async def on_stop(name: str, error: ReceiverError) -> None:
        stopped.append((name, str(error)))

    worker = make_delivery(store, receiver, clock, on_stop=on_stop)
    async with running(worker):
        await until(lambda: bool(stopped), worker)
        clock.advance(timedelta(hours=1))
        worker.woken.set()
        await asyncio.sleep(0.05)
    assert len(receiver.tried) == 1
    assert stopped == [("console", "invalid_auth")]
    assert states(store) == ["owed"] * 3
    assert leased(store) == []


async def test_f38_one_receivers_trouble_touches_no_other(store: Store, clock: FixedClock) -> None:
    for name in ("console", "slow", "broken"):
        owe(store, 5, receiver=name)
    forever = asyncio.Event()

    async def hang(alert: Alert) -> None:
        await forever.wait()

    fine, slow = ScriptedReceiver(), ScriptedReceiver(before=hang)
    broken = ScriptedReceiver(KeyError("broke its contract"))
    workers = [
        make_delivery(store, fine, clock),
        make_delivery(store, slow, clock, name="slow"),
        make_delivery(store, broken, clock, name="broken"),
    ]
    async with running(*workers):
        await until(lambda: len(fine.accepted) == 5 and bool(slow.tried) and bool(broken.tried), *workers)
        assert slow.accepted == []
        assert fine.accepted[0].receiver == "console"
        forever.set()
    assert states(store, receiver="console") == ["sent"] * 5


async def test_f4_a_drain_finishes_what_is_being_sent_and_leaves_no_lease(store: Store, clock: FixedClock) -> None:
    owe(store, 20)
    go_on = asyncio.Event()

    async def wait(alert: Alert) -> None:
        await go_on.wait()

    receiver = ScriptedReceiver(before=wait)
    worker = make_delivery(store, receiver, clock)
    task = asyncio.create_task(worker.run())
    await until(lambda: len(receiver.tried) == 1)
    assert len(leased(store)) == 20
    worker.stop()
    go_on.set()
    await asyncio.wait_for(task, 3)
    assert states(store) == ["sent"] + ["owed"] * 19
    assert leased(store) == []
    assert {(row.attempts, row.possibly_sent) for row in rows_of(store, alerts, state="owed")} == {(0, False)}


async def test_no_answer_in_time_is_a_lost_reply(
    store: Store, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SEND_TIMEOUT", 0.02)
    owe(store, 1)

    async def hang(alert: Alert) -> None:
        if alert.attempt == 1:
            await asyncio.Event().wait()

    receiver = ScriptedReceiver(before=hang)
    worker = make_delivery(store, receiver, clock)
    assert await worker.run_once() == 1
    assert "no answer" in rows_of(store, alerts)[0].error
    clock.advance(2 * SECOND)
    assert await worker.run_once() == 0
    assert [(alert.attempt, alert.possibly_sent_twice) for alert in receiver.accepted] == [(2, True)]


async def test_f3_killed_while_sending_the_row_goes_again_flagged_after_its_lease(
    store: Store, clock: FixedClock
) -> None:
    owe(store, 1)

    async def hang(alert: Alert) -> None:
        if alert.attempt == 1:
            await asyncio.Event().wait()

    receiver = ScriptedReceiver(before=hang)
    task = asyncio.create_task(make_delivery(store, receiver, clock).run())
    await until(lambda: len(receiver.tried) == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await asyncio.sleep(0.05)
        assert len(receiver.tried) == 1
        clock.advance(outbox.LEASE)
        await until(lambda: len(receiver.accepted) == 1, worker)
    assert receiver.accepted[0].possibly_sent_twice
    assert receiver.accepted[0].key == receiver.tried[0].key


async def test_a_send_begins_only_with_fifteen_seconds_of_its_lease_left(store: Store, clock: FixedClock) -> None:
    owe(store, 12)
    left: list[timedelta] = []

    async def slow(alert: Alert) -> None:
        left.append(rows_of(store, alerts, id=alert.id)[0].lease_until - clock())
        clock.advance(6 * SECOND)

    receiver = ScriptedReceiver(before=slow)
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.accepted) == 12, worker)
    assert min(left) >= delivery.LEAST_LEASE
    assert {(alert.attempt, alert.possibly_sent_twice) for alert in receiver.accepted} == {(1, False)}


async def test_a_pace_is_kept_and_outlives_a_restart(store: Store, clock: FixedClock) -> None:
    owe(store, 3)
    receiver = ScriptedReceiver()
    for sent in (1, 2, 3):
        worker = make_delivery(store, receiver, clock, pace=1.0)
        async with running(worker):
            await until(lambda sent=sent: len(receiver.accepted) == sent, worker)  # type: ignore[misc]
            worker.woken.set()
            await asyncio.sleep(0.03)
            assert len(receiver.accepted) == sent
        clock.advance(1 * SECOND)


async def test_being_woken_does_not_cut_a_pause_short(store: Store, clock: FixedClock) -> None:
    owe(store, 1)
    receiver = ScriptedReceiver(ReceiverError("down"))
    worker = make_delivery(store, receiver, clock)
    async with running(worker):
        await until(lambda: len(receiver.tried) == 1, worker)
        for _ in range(5):
            worker.woken.set()
            await asyncio.sleep(0.01)
    assert len(receiver.tried) == 1


async def test_backoff_is_jittered_and_ends_at_five_minutes(store: Store, clock: FixedClock) -> None:
    owe(store, 1)
    worker = make_delivery(store, ScriptedReceiver(*[ReceiverError("down")] * 12), clock)
    pauses = []
    for _ in range(12):
        await worker.run_once()
        pauses.append((rows_of(store, channels)[0].next_at - clock()).total_seconds())
        clock.advance(timedelta(minutes=15))
    assert all(2**n <= pause <= 1.25 * 2**n for n, pause in enumerate(pauses[:9]))
    assert all(300 <= pause <= 375 for pause in pauses[9:])
    assert len({pause / 2**n for n, pause in enumerate(pauses[:9])}) == 9


# -- run --once ------------------------------------------------------------------------------------------------------


async def test_once_tries_every_owed_alert_once(store: Store, clock: FixedClock) -> None:
    owed = owe(store, 6)
    receiver = ScriptedReceiver(None, ReceiverError("500"), None, ReceiverError("no", permanent=True))
    assert await make_delivery(store, receiver, clock).run_once() == 1
    assert ids(receiver.tried) == owed
    assert states(store) == ["sent", "owed", "sent", "dead", "sent", "sent"]
    assert leased(store) == []


async def test_once_leaves_no_pause_behind_a_channel_that_works(store: Store, clock: FixedClock) -> None:
    owe(store, 2)
    await make_delivery(store, ScriptedReceiver(ReceiverError("500")), clock).run_once()
    assert rows_of(store, channels)[0].next_at == clock.now


async def test_once_gives_up_on_a_channel_that_is_down(store: Store, clock: FixedClock) -> None:
    owe(store, 9)
    receiver = ScriptedReceiver(*[ReceiverError("down")] * 9)
    assert await make_delivery(store, receiver, clock).run_once() == 9
    assert len(receiver.tried) == 5


async def test_once_does_not_wait_where_it_was_asked_to(store: Store, clock: FixedClock) -> None:
    owe(store, 3)
    receiver = ScriptedReceiver(None, ReceiverError("ratelimited", retry_after=30))
    worker = make_delivery(store, receiver, clock, pace=0.01)
    assert await asyncio.wait_for(worker.run_once(), 3) == 2
    assert await asyncio.wait_for(worker.run_once(), 3) == 2
    assert len(receiver.tried) == 2


async def test_once_leaves_a_stopped_channel_alone(store: Store, clock: FixedClock) -> None:
    owe(store, 2)
    receiver = ScriptedReceiver(ReceiverError("invalid_auth", permanent=True, channel=True))
    worker = make_delivery(store, receiver, clock)
    assert (await worker.run_once(), await worker.run_once()) == (2, 2)
    assert len(receiver.tried) == 1


@pytest.mark.parametrize("pace", [0.0, 1.0])
async def test_f11_a_clock_set_back_by_days_stops_no_channel(store: Store, clock: FixedClock, pace: float) -> None:
    owe(store, 2)
    receiver = ScriptedReceiver(None, ReceiverError("503"))
    worker = make_delivery(store, receiver, clock, pace=pace)
    async with running(worker):
        await until(lambda: len(receiver.accepted) == 1, worker)
        clock.advance(timedelta(minutes=1))  # past the pace, also where that is noted only now
        await until(lambda: len(receiver.tried) == 2, worker)
        clock.advance(timedelta(days=-3))
        await until(lambda: len(receiver.accepted) == 2, worker)


async def test_f11_a_clock_set_back_shortens_no_pause_that_was_asked_for(store: Store, clock: FixedClock) -> None:
    owe(store, 1)
    receiver = ScriptedReceiver(ReceiverError("ratelimited", retry_after=1800))
    await make_delivery(store, receiver, clock).run_once()
    clock.advance(timedelta(hours=-1))
    assert await make_delivery(store, receiver, clock).run_once() == 1
    assert len(receiver.tried) == 1
