"""The daemon: who polls when, who delivers, and how it starts and ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

from aiohttp.web import RouteDef
from sqlalchemy.engine import Connection

from alerts.base import ReceiverError, Updatable
from alerts.links import NO_LINKS
from monitor import cursors, inbox, maintenance, outbox, storms, web
from monitor.action_links import SignedLinks
from monitor.assembly import (
    Tools,
    build_authors,
    build_callers,
    build_desk,
    build_digests,
    build_fallbacks,
    build_judge,
    build_parts,
    build_receivers,
    build_rules,
    build_surroundings,
    find_hooks,
    open_tools,
    utc_now,
)
from monitor.attendant import Attendant
from monitor.commands import FAILED, OK, STILL_OWED, TROUBLE
from monitor.config import Config
from monitor.delivery import Delivery
from monitor.inbox import StoredInbox
from monitor.listening import Listening, build_listenings
from monitor.mentions import rename_watchlist
from monitor.pipeline import Part, Pipeline
from monitor.scheduler import Ticker
from monitor.serving import Serving, load_links
from monitor.store import Store, StoreBusyError, StoreError
from rules.base import Classifier
from sources.base import Stream
from sources.registry import LASTING

log = logging.getLogger("mentiond")

CONCURRENT_PASSES = 32
TICK = timedelta(seconds=1)
GROW_EVERY = timedelta(minutes=1)
RETENTION_EVERY = timedelta(hours=1)
RECLASSIFY_EVERY = timedelta(minutes=1)
RECLASSIFY_BATCH = 256
CALM_EVERY = timedelta(seconds=5)
STANDBY_EVERY = 2.0  # seconds between two tries to become the active daemon
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
    listeners: Sequence[Listening] = ()
    routes: Sequence[RouteDef] = ()  # of the HTTP server
    passes: dict[tuple[str, str], asyncio.Task[bool]] = field(default_factory=dict)
    is_store_failing: bool = False
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_PASSES))

    async def prepare(self) -> None:
        """Bring the rows of the store in line with the configuration; whoever calls this is the one daemon."""
        now = utc_now()
        fingerprints = {key: part.fingerprint for key, part in self.parts.items()}

        def work(connection: Connection) -> int:
            self._rename(connection)
            cursors.register_parts(connection, fingerprints, now, LASTING)
            outbox.register_channels(connection, list(self.deliveries), now, self.traits)
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
        ticker.every(TICK, "poll", self._start_due)
        ticker.every(TICK, "cases", self.attendant.tick)
        ticker.every(GROW_EVERY, "priorities", self.attendant.tidy)
        ticker.every(RETENTION_EVERY, "retention", self._apply_retention)
        ticker.every(RECLASSIFY_EVERY, "reclassify", self._reclassify)
        ticker.every(CALM_EVERY, "storms", self._end_storms)
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
            if isinstance(self.parts[key].source, Stream):  # its next page may be long in coming, and comes again
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
        await self._notify(f"receiver:{receiver}", text + meanwhile)

    async def tell_deaf(self, receiver: str, error: ReceiverError) -> None:
        """Owe the operator a notice that nobody hears any more what people press in a receiver's messages."""
        log.error("listener stopped receiver=%s error=%s", receiver, error)
        text = f"Buttons and commands of the receiver {receiver} do nothing: {error}. Mend it and restart mentiond."
        await self._notify(f"listener:{receiver}", text)

    async def _notify(self, subject: str, text: str) -> None:
        operations = self.pipeline.operations
        if operations is not None:
            to, now = self.pipeline.recipients[operations], utc_now()
            await self.store.write(lambda tx: outbox.owe_notice(tx, operations, to, subject, text, now))
            self.wake([operations])

    async def _start_due(self) -> None:
        try:
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
            if key in self.parts and key not in self.passes and not self.pipeline.stopping:
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
        async with nullcontext() if isinstance(part.source, Stream) else self.slots:
            return await self.pipeline.poll(part, once=once)

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


def _assemble(
    config: Config,
    store: Store,
    classifier: Classifier,
    tools: Tools,
    thread: ThreadPoolExecutor,
    links: SignedLinks | None,
) -> Daemon:
    random = Random()
    pipeline = Pipeline(
        store=store,
        judge=build_judge(config, classifier),
        judge_thread=thread,
        recipients={receiver.name: receiver.recipients for receiver in config.receivers},
        operations=config.operations.receiver,
        keep_unmatched=bool(config.store.keep_unmatched),
        clock=utc_now,
        random=random,
        articles=tools.articles,
        authors=build_authors(config),
    )
    receivers = build_receivers(config, tools, links or NO_LINKS)
    rules, fallbacks, around = build_rules(config), build_fallbacks(config), build_surroundings(config)
    deliveries = {
        settings.name: Delivery(
            name=settings.name,
            receiver=receivers[settings.name],
            pace=settings.pace,
            retry_for=settings.retry_for,
            public_url=config.server.public_url or "",
            store=store,
            clock=utc_now,
            random=random,
            around=around,
            rules=rules,
            fallback=fallbacks.get(settings.name),
        )
        for settings in config.receivers
    }
    attendant = Attendant(store, build_callers(config), utc_now)
    parts = build_parts(config, tools, StoredInbox(store))
    daemon = Daemon(config, store, pipeline, parts, deliveries, attendant)
    attendant.wake = daemon.wake
    pipeline.wake = daemon.wake
    for delivery in deliveries.values():
        delivery.on_stop, delivery.wake = daemon.tell_operator, daemon.wake
    desk = build_desk(config, store, daemon.wake)
    daemon.listeners = build_listenings(receivers, desk, random, daemon.tell_deaf)
    daemon.routes = Serving(config, store, parts.values(), receivers, desk, links, around).routes()
    return daemon


async def run(config: Config, classifier: Classifier, stop: asyncio.Event, *, once: bool) -> int:
    """Open the store, become its one daemon and run; return the exit code. Raises StoreError.

    On PostgreSQL a second daemon waits as a warm standby; whoever loses the lock stops at once and waits again.
    """
    store = Store(config.store.url)
    try:
        while not stop.is_set():
            try:
                return await _run_exclusively(config, store, classifier, stop, once=once)
            except StoreBusyError as error:
                if once or store.is_sqlite:
                    raise
                log.info("standby until the active daemon is gone reason=%s", error)
                await _stand_by(store, stop)
        return FAILED if once else OK
    finally:
        store.close()


async def _run_exclusively(
    config: Config, store: Store, classifier: Classifier, stop: asyncio.Event, *, once: bool
) -> int:
    async with store.exclusive() as lost, open_tools(config) as tools:
        await asyncio.to_thread(store.migrate)
        with ThreadPoolExecutor(1, "judge") as thread:
            daemon = _assemble(config, store, classifier, tools, thread, await load_links(config, store))
            await daemon.prepare()
            if once:
                return await daemon.once(stop)
            async with _listening(daemon):
                return await _serve(daemon, stop, lost)


@asynccontextmanager
async def _listening(daemon: Daemon) -> AsyncIterator[None]:
    """The HTTP server, where anything needs it. Raises ListenError."""
    if not daemon.routes:
        yield
        return
    host, _, port = daemon.config.server.listen.rpartition(":")
    async with web.serve(host.strip("[]"), int(port), daemon.routes) as address:
        paths = dict.fromkeys(route.path.split("{")[0] for route in daemon.routes)
        log.info("listening address=%s paths=%s", address, ",".join(paths))
        yield


async def _serve(daemon: Daemon, stop: asyncio.Event, lost: asyncio.Event) -> int:
    ended = asyncio.Event()
    waiting = [asyncio.create_task(event.wait()) for event in (stop, lost)]
    for task in waiting:
        task.add_done_callback(lambda _: ended.set())
    await daemon.serve(ended)
    for task in waiting:
        task.cancel()
    if lost.is_set():
        raise StoreBusyError("the connection that made this daemon the active one was lost")
    return OK


async def _stand_by(store: Store, stop: asyncio.Event) -> None:
    """Return when the lock of the active daemon is free, as far as one can see, or `stop` is set."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), STANDBY_EVERY)
        except TimeoutError:
            with suppress(StoreError):  # a database that is away is waited for
                async with store.exclusive():
                    return
