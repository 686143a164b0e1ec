"""Minds the cases of a running daemon: every second it looks what is due, and writes only where something is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.engine import Connection

from monitor.calls import Callers
from monitor.clocks import due_wakings, due_warnings, grow, wake, warn
from monitor.escalation import due_steps, stuck_chains, take_steps
from monitor.store import Store, StoreError
from sources.base import Clock

log = logging.getLogger("mentiond.cases")


@dataclass(slots=True)
class Attendant:
    """Takes escalation steps, warns of promises, ends snoozes. `wake` is told which receivers are owed something."""

    store: Store
    callers: Callers
    clock: Clock
    wake: Callable[[Iterable[str]], None] = lambda receivers: None
    stuck: list[int] = field(default_factory=list)  # mentions whose chain should have moved, at the last look

    async def tick(self) -> None:
        """Do what is due."""
        try:
            await self._wake_up()
        except StoreError as error:  # the daemon says so once
            log.debug("cases wait for the store error=%s", error)

    async def _wake_up(self) -> None:
        now = self.clock()
        steps, warnings, wakings = await self.store.read(
            lambda connection: (due_steps(connection, now), due_warnings(connection, now), due_wakings(connection, now))
        )
        if not (steps or warnings or wakings):
            return

        def work(connection: Connection) -> frozenset[str]:
            told = wake(connection, wakings, self.callers, now) if wakings else frozenset()
            told |= warn(connection, warnings, self.callers, now) if warnings else frozenset()
            return told | take_steps(connection, steps, self.callers, now) if steps else told

        self.wake(await self.store.write(work))

    async def tidy(self) -> None:
        """Let priorities grow, and look for chains that are stuck."""
        try:
            await self.store.write(partial(grow, now=self.clock()))
            stuck = await self.store.read(partial(stuck_chains, now=self.clock()))
        except StoreError as error:
            log.debug("cases wait for the store error=%s", error)
            return
        if stuck and not self.stuck:
            log.error("escalations are stuck count=%d mentions=%s", len(stuck), stuck[:10])
        elif self.stuck and not stuck:
            log.info("escalations move again")
        self.stuck = stuck
