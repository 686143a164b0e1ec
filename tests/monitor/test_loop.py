"""An event loop that is blocked: late ticks are coalesced, leases hold, and the metric says so (fault 12)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from functools import partial

from monitor.assembly import utc_now
from monitor.metrics import Metrics
from monitor.scheduler import Ticker
from monitor.schema import alerts
from monitor.store import Store, StoreError
from tests.fakes import FixedClock, ScriptedReceiver
from tests.monitor.builders import make_delivery, owe, rows_of

BLOCKED = 5.0  # seconds
TICK = timedelta(milliseconds=200)


def _lag(metrics: Metrics) -> float:
    page = metrics.show(None).decode()
    return float(page.partition("\nmentiond_loop_lag_seconds ")[2].split()[0])


async def test_f12_a_loop_blocked_for_five_seconds_drops_no_tick_and_loses_no_lease(store: Store) -> None:
    metrics, ticker, ticks, ticked = Metrics(), Ticker(), [0], asyncio.Event()
    receiver = ScriptedReceiver()
    receiver.before = partial(_block, receiver)
    delivery = replace(make_delivery(store, receiver, FixedClock()), clock=utc_now)
    owe(store, 3, utc_now())

    async def tick() -> None:
        ticks[0] += 1
        ticked.set()

    ticker.every(TICK, "tick", tick)
    ticker.start()
    watching = asyncio.create_task(metrics.watch_loop())
    await asyncio.wait_for(ticked.wait(), 10)
    before = ticks[0]
    await delivery.turn()
    await asyncio.sleep(0)
    during = ticks[0] - before
    ticked.clear()
    await asyncio.wait_for(ticked.wait(), 10)
    await asyncio.sleep(0.5)  # the watch of the loop looks four times a second
    watching.cancel()
    await ticker.stop(1)
    assert during < BLOCKED / TICK.total_seconds() / 2
    assert _lag(metrics) > BLOCKED - 1
    assert [(row.state, row.attempts, row.possibly_sent) for row in rows_of(store, alerts)] == [("sent", 1, False)] * 3


async def _block(receiver: ScriptedReceiver, alert: object) -> None:
    if not receiver.accepted:
        time.sleep(BLOCKED)  # noqa: ASYNC251  # the fault itself


async def test_a_tick_that_finds_the_store_away_is_followed_by_the_next() -> None:
    ticker, ticks, done = Ticker(), [0], asyncio.Event()

    async def tick() -> None:
        ticks[0] += 1
        if ticks[0] == 2:
            done.set()
        raise StoreError("away")

    ticker.every(TICK, "tick", tick)
    ticker.start()
    await asyncio.wait_for(done.wait(), 10)
    await ticker.stop(1)
