"""One loop per receiver claims what is owed, sends it, marks it. The retry policy of the project stands here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import TypeVar
from uuid import uuid4

from sqlalchemy.engine import Connection

from alerts.base import Alert, Reason, Receipt, Receiver, ReceiverError, Updatable
from monitor import marks, outbox
from monitor.fallback import Fallback, hand_over, waiting
from monitor.loading import NOTHING_AROUND, Surroundings, load_alerts
from monitor.metrics import Metrics
from monitor.screening import take
from monitor.store import Store, StoreError
from monitor.suppression import NO_RULES, Rules
from sources.base import Clock

log = logging.getLogger("mentiond.delivery")

T = TypeVar("T")

SEND_TIMEOUT = 10.0  # seconds for one send
LEAST_LEASE = timedelta(seconds=15)  # that must be left of a lease before a send
BATCH = 20  # rows that a channel without pace claims at once
LONGEST_BACKOFF = 300.0  # seconds
JITTER = 1.25  # the most that a backoff is stretched by
POLL = 1.0  # seconds between two looks at the store when nobody wakes the loop
HANDED_OVER_TWICE = timedelta(minutes=1)  # is looked at again: rows that were committed late
MARK_TRIES = 30  # one a second: a reply that we have is worth waiting for the database


@dataclass(slots=True)
class Delivery:
    """The outbox worker of one receiver."""

    name: str
    receiver: Receiver
    pace: float  # least seconds between two messages
    retry_for: timedelta
    public_url: str
    store: Store
    clock: Clock
    random: Random
    around: Surroundings = NOTHING_AROUND
    rules: Rules = NO_RULES
    fallback: Fallback | None = None  # who hears while the channel is stopped
    on_stop: Callable[[str, ReceiverError], Awaitable[None]] | None = None  # told when the channel is switched off
    wake: Callable[[Iterable[str]], None] | None = None  # tells other receivers that they are owed something
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    handed_over_at: datetime | None = None
    is_failing: bool = False
    metrics: Metrics | None = None

    async def run(self) -> None:
        """Deliver until `stop`."""
        while not self.stopping:
            self.woken.clear()
            try:
                wait = await self.turn()
            except StoreError as error:  # the daemon says so once
                log.debug("delivery waits for the store receiver=%s error=%s", self.name, error)
                wait = POLL
            except Exception:  # one channel in trouble: the others go on and this one tries again
                log.exception("delivery broke receiver=%s", self.name)
                wait = LONGEST_BACKOFF
            await self._rest(wait)

    def stop(self) -> None:
        """Let what is being sent finish, give back what was only claimed, and return."""
        self.stopping = True
        self.woken.set()

    async def run_once(self) -> int:
        """Try every owed alert once, within the pace; return how many are still owed.

        Five failures in a row, or a request to wait, end it: the channel is down.
        """
        tried, failures, channel = 0, 0, await self._channel()
        wait = self._pause(channel)
        was_asked_to_wait = wait > self.pace and not channel.failures
        while failures < outbox.ATTEMPTS_IN_ORDER and not (channel.stopped or was_asked_to_wait or self.stopping):
            await asyncio.sleep(max(0.0, min(wait, self.pace)))
            token, claimed, last = await self._claim(limit=1, after=tried)
            if last is None:
                break
            tried = last
            error = await self._deliver(claimed[0], token) if claimed else None
            failures = failures + 1 if error else 0
            was_asked_to_wait = error is not None and error.retry_after is not None
            channel = await self._channel()
            wait = self._pause(channel)
        if channel.stopped:
            await self._hand_over()
        owed = await self.store.read(partial(outbox.owed_counts, now=self.clock()))
        return owed.get(self.name, 0)

    async def turn(self) -> float:
        """Send what may go now; return the seconds until the next look is worth it."""
        channel = await self._channel()
        wait = self._pause(channel)
        if channel.stopped:
            await self._hand_over()
            return POLL
        if wait > 0:
            return wait
        if not await self.store.read(partial(outbox.has_due, receiver=self.name, now=self.clock())):
            return POLL
        begun = self.clock()
        token, claimed, last = await self._claim(limit=1 if self.pace else BATCH)
        for alert in claimed:
            is_late = self.clock() - begun > outbox.LEASE - LEAST_LEASE
            if self.stopping or is_late or await self._deliver(alert, token):
                await self._release(token)
                break
        return POLL if last is None else 0.0

    async def _rest(self, seconds: float) -> None:
        """Wait, but no longer than until somebody wakes the loop; a pause of the channel is not cut short by that."""
        try:
            await asyncio.wait_for(self.woken.wait(), seconds)
        except TimeoutError:
            return

    async def _channel(self) -> outbox.Channel:
        return await self.store.read(partial(outbox.read_channel, receiver=self.name))

    def _pause(self, channel: outbox.Channel) -> float:
        """Seconds until the channel may send, 0 or less: now. Longer than a pause can be, the clock was set back."""
        wait = (channel.next_at - self.clock()).total_seconds()
        if channel.error is None:
            longest = self.pace
        else:  # asked to wait, unless it failed
            longest = LONGEST_BACKOFF * JITTER if channel.failures else outbox.LONGEST_WAIT.total_seconds()
        return wait if wait <= longest else 0.0

    async def _claim(self, *, limit: int, after: int | None = None) -> tuple[str, list[Alert], int | None]:
        """The token, what may be sent, and the last id that was looked at; None: nothing is due."""
        token, now = uuid4().hex, self.clock()
        work = partial(
            take, receiver=self.name, token=token, now=now, rules=self.rules, limit=limit, pace=self.pace, after=after
        )
        taken = await self.store.write(work)
        load = partial(load_alerts, ids=taken.ids, public_url=self.public_url, around=self.around)
        return token, await self.store.read(load) if taken.ids else [], taken.last

    async def _hand_over(self) -> None:
        """What became due for this stopped channel goes to its fallback too."""
        if self.fallback is None:
            return
        fallback, now, since = self.fallback, self.clock(), self.handed_over_at
        look = partial(
            waiting, receiver=self.name, fallback=fallback, since=since and since - HANDED_OVER_TWICE, now=now
        )
        ids = await self.store.read(look)
        if ids:
            await self.store.write(partial(hand_over, ids=ids, fallback=fallback, now=now))
            log.info("alerts handed over receiver=%s to=%s count=%d", self.name, fallback.receiver, len(ids))
            if self.wake:
                self.wake([fallback.receiver])
        self.handed_over_at = now

    async def _release(self, token: str) -> None:
        """Give back what was claimed and not begun."""
        await self.store.write(partial(outbox.release, token=token))

    async def _deliver(self, alert: Alert, token: str) -> ReceiverError | None:
        """Send and mark; return what went wrong for a while (a dead message is no trouble of the channel)."""
        if alert.reason is Reason.UPDATE and not (alert.reference and isinstance(self.receiver, Updatable)):
            await self._mark(
                partial(marks.drop, alert_id=alert.id, token=token, why="no message to edit", now=self.clock())
            )
            return None
        begun = asyncio.get_running_loop().time()
        error = await self._send(alert, token)
        if error is None:
            return None
        self._log_failure(alert, error)
        failure = marks.Failure(error, self.clock(), asyncio.get_running_loop().time() - begun)
        if self.metrics:
            outcome = "failed" if not error.permanent else "stopped" if error.channel else "dead"
            self.metrics.count_send(self.name, outcome, failure.seconds)
        if error.permanent and error.channel:
            await self._mark(partial(marks.stop_channel, alert=alert, token=token, failure=failure))
            if self.on_stop:
                await self.on_stop(self.name, error)
            return error
        if error.permanent:
            await self._mark(partial(marks.mark_dead, alert=alert, token=token, failure=failure))
            return None
        mark = partial(marks.mark_failed, alert=alert, token=token, failure=failure)
        await self._mark(partial(mark, backoff=self._backoff, retry_for=self.retry_for))
        return error

    def _log_failure(self, alert: Alert, error: ReceiverError) -> None:
        """A dead message is a failure of its own; trouble of the channel is said when it begins, and when it ends."""
        if error.permanent and error.channel:
            return  # whoever hears of the stop says so
        if error.permanent:
            log.warning("alert dead receiver=%s alert=%d error=%s", self.name, alert.id, error)
            return
        level = logging.DEBUG if self.is_failing else logging.WARNING
        log.log(
            level,
            "receiver failing receiver=%s alert=%d attempt=%d error=%s",
            *(self.name, alert.id, alert.attempt),
            error,
        )
        self.is_failing = True

    async def _send(self, alert: Alert, token: str) -> ReceiverError | None:
        begun = asyncio.get_running_loop().time()
        try:
            receipt = await asyncio.wait_for(self._ask(alert), SEND_TIMEOUT)
        except ReceiverError as error:
            return error
        except TimeoutError:
            return ReceiverError(f"no answer within {SEND_TIMEOUT:.0f} s", maybe_sent=True)
        except Exception as error:  # a receiver that breaks its contract is a transient failure of this row
            log.exception("receiver broke receiver=%s alert=%d", self.name, alert.id)
            return ReceiverError(f"{type(error).__name__}: {error}", maybe_sent=True)
        if self.is_failing:
            log.info("receiver recovered receiver=%s", self.name)
            self.is_failing = False
        sent = marks.Sent(receipt.reference, self.clock(), asyncio.get_running_loop().time() - begun)
        if self.metrics:
            self.metrics.count_send(self.name, "sent", sent.seconds)
        can_edit = isinstance(self.receiver, Updatable)
        await self._mark(partial(marks.mark_sent, alert=alert, token=token, sent=sent, is_updatable=can_edit))
        return None

    async def _ask(self, alert: Alert) -> Receipt:
        if alert.reason is Reason.UPDATE and isinstance(self.receiver, Updatable):
            return await self.receiver.update(alert)
        return await self.receiver.send(alert)

    async def _mark(self, work: Callable[[Connection], bool]) -> bool:
        """Write down how a send ended, waiting for a database that is away for a moment."""
        for tried in range(MARK_TRIES):
            try:
                return await self.store.write(work)
            except StoreError as error:
                if not tried:
                    log.warning("mark waits for the store receiver=%s error=%s", self.name, error)
                await asyncio.sleep(1)
        return await self.store.write(work)

    def _backoff(self, failures: int) -> timedelta:
        """1 s doubling to 5 min, with up to a quarter of jitter."""
        seconds = min(2.0 ** min(failures, 20), LONGEST_BACKOFF)
        return timedelta(seconds=seconds * self.random.uniform(1.0, JITTER))
