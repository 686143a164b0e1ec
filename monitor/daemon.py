"""The daemon: who polls when, who delivers, and how it starts and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from aiohttp.web import RouteDef
from sqlalchemy.engine import Connection

from alerts.base import ReceiverError, Updatable
from monitor import cursors, inbox, maintenance, outbox, storms
from monitor.assembly import (
    build_digests,
    find_hooks,
    utc_now,
)
from monitor.attendant import Attendant
from monitor.commands import FAILED, OK, STILL_OWED, TROUBLE
from monitor.config import Config
from monitor.delivery import Delivery
from monitor.fallback import Fallback, take_over
from monitor.listening import Listening
from monitor.mentions import rename_watchlist
from monitor.pipeline import Part, Pipeline
from monitor.scheduler import Ticker
from monitor.store import Store, StoreError
from monitor.watchdog import Watchdog
from sources.registry import LASTING

log = logging.getLogger("mentiond")

CONCURRENT_PASSES = 32
TICK = timedelta(seconds=1)
GROW_EVERY = timedelta(minutes=1)
RETENTION_EVERY = timedelta(hours=1)
RECLASSIFY_EVERY = timedelta(minutes=1)
RECLASSIFY_BATCH = 256
CALM_EVERY = timedelta(seconds=5)
WATCH_EVERY = timedelta(seconds=30)
GRACE = 25.0  # seconds for deliveries in flight at shutdown
PASS_GRACE = 5.0  # seconds for passes: a page that is cancelled is simply read again


@dataclass(slots=True)
class Daemon:
    """One assembled configuration on an open store."""

    config: Config
    store: Store
    pipeline: Pipeline
    parts: dict[tuple[str, str], Part]
    deliveries: dict[str, Delivery]
    attendant: Attendant
    watchdog: Watchdog
    listeners: Sequence[Listening] = ()
    routes: Sequence[RouteDef] = ()  # of the HTTP server
    passes: dict[tuple[str, str], asyncio.Task[bool]] = field(default_factory=dict)
    is_store_failing: bool = False
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_PASSES))
    gates: dict[str, asyncio.Semaphore] = field(default_factory=dict)  # by host

    async def prepare(self) -> None:
        """Bring the rows of the store in line with the configuration; whoever calls this is the one daemon."""
        now = utc_now()
        fingerprints = {key: part.fingerprint for key, part in self.parts.items()}

        def work(connection: Connection) -> int:
            self._rename(connection)
            cursors.register_parts(connection, fingerprints, now, LASTING)
            self._take_over(connection)
            outbox.register_channels(connection, list(self.deliveries), now, self.traits)
            if self.pipeline.stories is not None:
                self.pipeline.stories.read(connection, now)
            return outbox.release_all(connection) if self.store.is_sqlite else 0

        released = await self.store.write(work)
        if released:
            log.warning("alerts go again because their reply was lost count=%d", released)

    def _rename(self, connection: Connection) -> None:
        for source in self.config.sources:
            if source.was:
                cursors.rename_source(connection, source.was, source.name)
        for receiver in self.config.receivers:
            if receiver.was:
                outbox.rename_receiver(connection, receiver.was, receiver.name)
        for watchlist in self.config.watchlists:
            if watchlist.was:
                rename_watchlist(connection, watchlist.was, watchlist.name)

    def _take_over(self, connection: Connection) -> None:
        """What receivers are owed that are gone goes to the root's."""
        root = self.deliveries.get(self.config.routes.receiver)
        heir = Fallback(root.name, tuple(self.pipeline.recipients[root.name])) if root else None
        for receiver, count in take_over(connection, list(self.deliveries), heir, utc_now()).items():
            log.warning("receiver gone, its alerts go to the root's receiver=%s count=%d", receiver, count)

    @property
    def traits(self) -> dict[str, outbox.Traits]:
        """By receiver."""
        brakes = {settings.name: settings.storm for settings in self.config.receivers}
        digests = build_digests(self.config)
        return {
            name: outbox.Traits(isinstance(delivery.receiver, Updatable), brakes[name], digests.get(name))
            for name, delivery in self.deliveries.items()
        }

    async def serve(self, stop: asyncio.Event) -> None:
        """Poll and deliver until `stop` is set, then finish what is in flight."""
        ticker = Ticker()
        ticker.every(TICK, "poll", self._start_due, at_once=True)
        ticker.every(TICK, "cases", self.attendant.tick, at_once=True)
        ticker.every(GROW_EVERY, "priorities", self.attendant.tidy)
        ticker.every(RETENTION_EVERY, "retention", self._apply_retention)
        ticker.every(RECLASSIFY_EVERY, "reclassify", self._reclassify)
        ticker.every(CALM_EVERY, "storms", self._end_storms)
        ticker.every(WATCH_EVERY, "watchdog", self.watchdog.look, at_once=True)
        workers = [asyncio.create_task(delivery.run()) for delivery in self.deliveries.values()]
        listeners = [asyncio.create_task(listener.run()) for listener in self.listeners]
        ticker.start()
        log.info("ready sources=%d watchlists=%d receivers=%d", *self._sizes())
        await stop.wait()
        self._wind_down()
        await ticker.stop(GRACE)
        passes = list(self.passes.values())
        await asyncio.gather(_finish(workers, GRACE), _finish(listeners, 0), _finish(passes, PASS_GRACE))

    async def once(self, stop: asyncio.Event) -> int:
        """Every source, all pages, then every owed alert tried once; return the exit code. `stop` ends it early."""
        watch = asyncio.create_task(self._wind_down_on(stop))
        try:
            code = await self._once()
        finally:
            watch.cancel()
        return FAILED if stop.is_set() and code != STILL_OWED else code

    async def _once(self) -> int:
        states, now = await self.store.read(cursors.all_parts), utc_now()
        left_out = {(state.source, state.part) for state in states if state.disabled or state.is_waiting(now)}
        polled = [self._pass(part, once=True) for key, part in self.parts.items() if key not in left_out]
        succeeded = await asyncio.gather(*polled)
        await self._apply_retention()
        owed = sum(await asyncio.gather(*(delivery.run_once() for delivery in self.deliveries.values())))
        fallbacks = {one.fallback.receiver for one in self.deliveries.values() if one.fallback and one.handed_over_at}
        owed += sum([await self.deliveries[receiver].run_once() for receiver in sorted(fallbacks)])
        if owed:
            log.warning("alerts still owed count=%d", owed)
            return STILL_OWED
        return OK if all(succeeded) and not left_out & self.parts.keys() else TROUBLE

    async def _wind_down_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wind_down()

    def _wind_down(self) -> None:
        """Passes end after the page that they are at, deliveries after the message."""
        log.info("stopping passes=%d", len(self.passes))
        self.pipeline.stopping = True
        for key, task in self.passes.items():
            if self.parts[key].is_stream:  # its next page may be long in coming, and comes again
                task.cancel()
        for delivery in self.deliveries.values():
            delivery.stop()

    def wake(self, receivers: Iterable[str]) -> None:
        """Tell deliveries that something is owed."""
        for receiver in receivers:
            self.deliveries[receiver].woken.set()

    async def tell_operator(self, receiver: str, error: ReceiverError) -> None:
        """Owe the operator a notice that a channel was stopped, through another channel."""
        log.error("channel stopped receiver=%s error=%s", receiver, error)
        if receiver == self.pipeline.operations:
            return
        fallback = self.deliveries[receiver].fallback
        meanwhile = f" Until then {fallback.receiver} hears instead." if fallback else ""
        text = f"Receiver {receiver} is stopped, its alerts stay owed: {error}. Mend it and restart mentiond."
        await self.notify(f"receiver:{receiver}", text + meanwhile)

    async def tell_deaf(self, receiver: str, error: ReceiverError) -> None:
        """Owe the operator a notice that nobody hears any more what people press in a receiver's messages."""
        log.error("listener stopped receiver=%s error=%s", receiver, error)
        text = f"Buttons and commands of the receiver {receiver} do nothing: {error}. Mend it and restart mentiond."
        await self.notify(f"listener:{receiver}", text)

    async def notify(self, subject: str, text: str) -> None:
        """Owe the operator a notice."""
        operations = self.pipeline.operations
        if operations is not None:
            to, now = self.pipeline.recipients[operations], utc_now()
            await self.store.write(lambda tx: outbox.owe_notice(tx, operations, to, subject, text, now))
            self.wake([operations])

    async def _start_due(self) -> None:
        under_way = set(self.passes)  # what ends while the store is read is still among what was due
        try:
            if self.store.failure:  # nothing is fetched that cannot be kept
                await self.store.prove()
            due = await self.store.read(partial(cursors.due_parts, now=utc_now()))
        except StoreError as error:
            if not self.is_store_failing:
                log.error("store failing error=%s", error)
            self.is_store_failing = True
            return
        if self.is_store_failing:
            log.info("store recovered")
        self.is_store_failing = False
        for key in due:
            if key in self.parts and key not in under_way and not self.pipeline.stopping:
                task = asyncio.create_task(self._pass(self.parts[key]))
                self.passes[key] = task
                task.add_done_callback(partial(self._forget_pass, key))

    def _forget_pass(self, key: tuple[str, str], task: asyncio.Task[bool]) -> None:
        del self.passes[key]
        if (
            not task.cancelled() and task.exception() is not None
        ):  # the store; the tick says so once, the part stays due
            log.debug("pass broken off source=%s error=%s", key[0], task.exception())

    async def _pass(self, part: Part, *, once: bool = False) -> bool:
        """A pass waits for its host first, without a slot: a slow server of many feeds keeps nobody else waiting."""
        if part.is_stream:
            return await self.pipeline.poll(part, once=once)
        async with self._gate(part), self.slots:
            return await self.pipeline.poll(part, once=once)

    def _gate(self, part: Part) -> AbstractAsyncContextManager[object]:
        """As many passes at a time as the host may have connections."""
        if not part.host:
            return nullcontext()
        return self.gates.setdefault(part.host, asyncio.Semaphore(self.config.http.per_host))

    async def _apply_retention(self) -> None:
        overlaps: dict[str, timedelta] = {}
        for part in self.parts.values():
            overlaps[part.name] = max(part.source.overlap, overlaps.get(part.name, timedelta()))
        settings, now = self.config.store, utc_now()
        for name in find_hooks(self.parts.values()):
            await self.store.write(partial(inbox.forget_read, source=name, now=now))
        await self.store.write(
            partial(
                maintenance.apply_retention,
                overlaps=overlaps,
                retention=settings.retention,
                keep_unmatched=settings.keep_unmatched,
                now=now,
            )
        )

    async def _reclassify(self) -> None:
        watchlists = list(self.pipeline.judge.watchlists)
        waiting = partial(maintenance.unclassified_mentions, watchlists=watchlists, limit=RECLASSIFY_BATCH)
        found = await self.store.read(waiting)
        if not found:
            return
        mentions = [mention for _, _, mention in found]
        loop = asyncio.get_running_loop()
        drafts = await loop.run_in_executor(self.pipeline.judge_thread, self.pipeline.judge.reclassify, mentions)
        places = {mention.id: (post_id, revision) for post_id, revision, mention in found}
        classified = [(*places[draft.mention.id], draft) for draft in drafts]
        work = partial(
            maintenance.store_classified, found=classified, recipients=self.pipeline.recipients, now=utc_now()
        )
        await self.store.write(work)
        self.wake({decision.receiver for draft in drafts for decision in draft.decisions})

    async def _end_storms(self) -> None:
        if await self.store.read(storms.has_storms):
            self.wake(await self.store.write(partial(storms.end_storms, now=utc_now())))

    def _sizes(self) -> tuple[int, int, int]:
        return len(self.parts), len(self.config.watchlists), len(self.deliveries)


async def _finish(tasks: Sequence[asyncio.Task[Any]], grace: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=grace)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
