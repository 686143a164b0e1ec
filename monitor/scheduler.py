"""The ticker: APScheduler 3 in process, with a memory job store and nothing worth keeping in it.

What is due stands in the store; a tick only looks. APScheduler ships no types, so it is wrapped here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta


class Ticker:
    """Calls coroutine functions at intervals; late ticks are coalesced, never dropped, never two at once."""

    def __init__(self) -> None:
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def every(self, interval: timedelta, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Add a job before `start`."""
        self._scheduler.add_job(work, "interval", seconds=interval.total_seconds(), id=name, name=name)

    def start(self) -> None:
        """Tick on the running event loop."""
        self._scheduler.start()

    def pause(self) -> None:
        """No further ticks; what a tick began goes on."""
        self._scheduler.pause()

    def stop(self) -> None:
        """End it. APScheduler cancels running jobs here, so pause and await them first."""
        self._scheduler.shutdown(wait=False)
