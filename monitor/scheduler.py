"""The ticker: APScheduler 3 in process, with a memory job store and nothing worth keeping in it.

What is due stands in the store; a tick only looks. APScheduler ships no types, so it is wrapped here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from monitor.store import StoreError

log = logging.getLogger("mentiond")


class Ticker:
    """Calls coroutine functions at intervals; late ticks are coalesced, never dropped, never two at once."""

    def __init__(self) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._running: set[asyncio.Task[None]] = set()

    def every(
        self, interval: timedelta, name: str, work: Callable[[], Awaitable[None]], *, at_once: bool = False
    ) -> None:
        """Add a job before `start`; its first tick comes after one interval, or at the start."""
        job, first = partial(self._run, work), {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(job, "interval", seconds=interval.total_seconds(), id=name, name=name, **first)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await work()
        except StoreError as error:  # the daemon says so once; the next tick tries again
            log.debug("tick waits for the store error=%s", error)
        finally:
            self._running.discard(task)

    def start(self) -> None:
        """Tick on the running event loop."""
        self._scheduler.start()

    async def stop(self, grace: float) -> None:
        """No further ticks; what one began has `grace` seconds to end, then APScheduler cancels it."""
        self._scheduler.pause()
        await asyncio.sleep(0)  # what was handed out and has not begun begins
        if self._running:
            await asyncio.wait(set(self._running), timeout=grace)
        self._scheduler.shutdown(wait=False)
