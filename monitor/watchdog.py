"""Who watches the daemon: tells the operator what is wrong, and somebody outside that all is well.

What is told goes through the outbox like any alert while the store works; trouble of the store itself goes straight to
the receiver, because the outbox is what is broken.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa

from alerts.base import Alert, Reason, Receiver, ReceiverError
from monitor.figures import Figures, read_figures
from monitor.health import Trouble, find_troubles
from monitor.outbox import owe_notice
from monitor.presence import record_alive
from monitor.store import Store, StoreError
from sources.base import Clock

log = logging.getLogger("mentiond.watchdog")

STORE_PATIENCE = timedelta(seconds=30)  # a database that restarts is no news
TOLD_BY_OTHERS = "receiver:"  # a stopped channel is told of by the delivery that stopped it


@dataclass(slots=True)
class Watchdog:
    """Looks at the installation whenever it is called. `direct`: the receiver of notices, by itself."""

    store: Store
    clock: Clock
    silent_after: timedelta
    beat: Callable[[], Awaitable[str | None]] | None  # tells somebody outside; what went wrong, None: nothing
    operations: str | None
    recipients: Sequence[str]
    direct: Receiver | None
    wake: Callable[[list[str]], None] = lambda receivers: None
    figures: Figures | None = None  # of the last look that succeeded
    troubles: dict[str, Trouble] = field(default_factory=dict)  # that were told and last
    store_failing_since: datetime | None = None
    is_store_told: bool = False
    is_heartbeat_failing: bool = False

    async def look(self) -> None:
        """Read the figures, tell what has begun and what has ended, beat."""
        try:
            figures = await self.store.read(lambda connection: read_figures(connection, self.clock()))
            await self.store.write(partial(record_alive, now=self.clock()))
            if self.store.failure:
                raise StoreError(self.store.failure)
            self.figures = figures
            await self._tell_store_works()
            await self._compare(find_troubles(self.figures, self.silent_after))
        except StoreError as error:
            await self._tell_store_fails(str(error))
        if self.is_well:
            await self._beat()

    async def outlast(self) -> bool:
        """Whether the store can be reached; what `look` does of it, for one that is no longer the active daemon's."""
        try:
            await self.store.read(lambda connection: connection.scalar(sa.select(1)))
        except StoreError as error:
            await self._tell_store_fails(str(error))
            return False
        await self._tell_store_works()
        return True

    @property
    def current(self) -> list[Trouble]:
        """What is wrong now, that of the store first."""
        failing = self.store_failing_since
        store = [Trouble("store", "the store cannot be used", failing, is_critical=True)] if failing else []
        return [*store, *self.troubles.values()]

    @property
    def is_well(self) -> bool:
        """Whether mentiond as a whole does its work."""
        is_read = self.figures is not None and self.store_failing_since is None
        return is_read and not any(trouble.is_critical for trouble in self.troubles.values())

    async def _compare(self, found: Sequence[Trouble]) -> None:
        now = {trouble.subject: trouble for trouble in found}
        for subject, trouble in now.items():
            if subject not in self.troubles:
                log.warning("trouble begins subject=%s text=%s", subject, trouble.text)
                await self._owe(subject, trouble.text, trouble.since)
        for subject, trouble in self.troubles.items():
            if subject not in now:
                log.info("trouble ends subject=%s", subject)
                await self._owe(f"{subject}:end", f"Over: {trouble.text}", self.clock())
        self.troubles = now

    async def _owe(self, subject: str, text: str, since: datetime) -> None:
        """Owe the notice; its key has the time of the beginning, so that a restart in between tells nothing twice."""
        if self.operations is None or subject.startswith(TOLD_BY_OTHERS):
            return
        to, recipients = self.operations, self.recipients
        await self.store.write(lambda tx: owe_notice(tx, to, recipients, subject, text, self.clock(), since=since))
        self.wake([to])

    async def _tell_store_fails(self, reason: str) -> None:
        now = self.clock()
        self.store_failing_since = self.store_failing_since or now
        if self.is_store_told or now - self.store_failing_since < STORE_PATIENCE:
            return
        text = f"The store cannot be used, nothing is polled or sent: {reason}"
        self.is_store_told = await self._send(text)

    async def _tell_store_works(self) -> None:
        if self.is_store_told:
            self.is_store_told = not await self._send("The store works again.")
        self.store_failing_since = None

    async def _send(self, text: str) -> bool:
        """Straight to the receiver; whether anybody got it."""
        if self.direct is None or self.operations is None:
            return True
        sent = [await self._try(self._notice(text, recipient)) for recipient in self.recipients]
        return any(sent)

    async def _try(self, notice: Alert) -> bool:
        assert self.direct is not None
        try:
            await self.direct.send(notice)
        except ReceiverError as error:
            log.warning("notice not delivered receiver=%s error=%s", self.operations, error)
            return False
        return True

    def _notice(self, text: str, recipient: str) -> Alert:
        now = self.clock()
        n = int(now.timestamp())
        return Alert(
            id=0,
            key=f"store|{self.operations}|{recipient}|notice|{n}",
            receiver=self.operations or "",
            recipient=recipient,
            reason=Reason.NOTICE,
            n=n,
            mentions=(),
            count=0,
            routes=(),
            url="",
            created_at=now,
            notice=text,
        )

    async def _beat(self) -> None:
        """A dead man's switch: whoever listens raises the alarm when it stops."""
        if self.beat is None:
            return
        problem = await self.beat()
        if problem and not self.is_heartbeat_failing:
            log.warning("heartbeat failing error=%s", problem)
        if not problem and self.is_heartbeat_failing:
            log.info("heartbeat recovered")
        self.is_heartbeat_failing = problem is not None
