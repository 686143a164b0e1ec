"""A process on a store: active or warm standby, with an HTTP server throughout, taking up changed configurations.

A new configuration is read, checked and assembled beside the running one. Only then is the running one drained, as at
a shutdown, and the new one goes on with the same store, lock, classifier and listening socket: what is pushed meanwhile
waits in the socket's queue.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy.engine import Connection

from monitor import web
from monitor.assembly import build_judge, open_tools, utc_now
from monitor.commands import OK
from monitor.config import Config
from monitor.daemon import Daemon
from monitor.daemon_assembly import assemble
from monitor.health import Trouble
from monitor.metrics import Metrics
from monitor.presence import record_end, record_refusal, record_reload, record_start
from monitor.probes import Probes
from monitor.reload import Changes, Reloader, next_config
from monitor.serving import load_links
from monitor.store import Store, StoreBusyError, StoreError
from monitor.watchdog import Watchdog
from rules.base import Classifier

log = logging.getLogger("mentiond")

STANDBY_EVERY = 2.0  # seconds between two tries to become the active daemon


async def run(
    config: Config, classifier: Classifier, stop: asyncio.Event, *, once: bool, reloader: Reloader | None = None
) -> int:
    """Open the store, become its one daemon and run; return the exit code. Raises StoreError and ListenError.

    On PostgreSQL a second daemon waits as a warm standby; whoever loses the lock stops at once and waits again.
    """
    store = Store(config.store.url)
    try:
        node = Node(config, store, classifier, stop, reloader)
        return await (node.once() if once else node.serve())
    finally:
        store.close()


@dataclass(slots=True)
class Assembled:
    """A configuration with everything that was built for it; `stack` closes what was opened."""

    config: Config
    daemon: Daemon
    stack: AsyncExitStack


@dataclass(slots=True)
class Node:
    """One process."""

    config: Config
    store: Store
    classifier: Classifier
    stop: asyncio.Event
    reloader: Reloader | None = None
    metrics: Metrics = field(default_factory=Metrics)
    probes: Probes = field(init=False)
    listener: socket.socket | None = None  # None: nothing listens
    has_reached_store: bool = False  # a database that goes away later is waited for
    notices: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.probes = Probes(self.store, self.metrics, utc_now)

    async def once(self) -> int:
        """Everything once. Raises StoreBusyError beside a running daemon."""
        async with self.store.exclusive():
            await asyncio.to_thread(self.store.migrate)
            with ThreadPoolExecutor(1, "judge") as thread:
                assembled = await self._assemble(self.config, thread)
                async with assembled.stack:
                    await assembled.daemon.prepare()
                    return await assembled.daemon.once(self.stop)

    async def serve(self) -> int:
        """Be active, or stand by until the active one is gone."""
        watching = asyncio.create_task(self.metrics.watch_loop())
        try:
            while not self.stop.is_set():
                try:
                    return await self._be_active()
                except StoreError as error:
                    if self.store.is_sqlite or not (isinstance(error, StoreBusyError) or self.has_reached_store):
                        raise
                    self.has_reached_store = True
                    self._open_listener()
                    log.info("standby until the active daemon is gone reason=%s", error)
                    async with self._listening(self.probes.routes()):
                        await _stand_by(self.store, self.stop)
            return OK
        finally:
            watching.cancel()
            if self.listener is not None:
                self.listener.close()

    def _open_listener(self) -> None:
        """Bind `server.listen`; a port that is taken matters only where the configuration names one."""
        if self.listener is not None:
            return
        try:
            self.listener = web.open_listener(self.config.server.listen)
        except web.ListenError as error:
            if "listen" in self.config.server.model_fields_set:
                raise
            log.warning("nothing listens: no pushes, pages, metrics and probes error=%s", error)

    @asynccontextmanager
    async def _listening(self, routes: list[web.Route]) -> AsyncIterator[None]:
        if self.listener is None:
            yield
            return
        async with web.serve(self.listener, routes):
            yield

    async def _be_active(self) -> int:
        """Serve one configuration after the other. Raises StoreBusyError where another daemon is, or takes over."""
        async with self.store.exclusive() as lost:
            await asyncio.to_thread(self.store.migrate)
            self._open_listener()
            with ThreadPoolExecutor(1, "judge") as thread:
                assembled: Assembled | None = await self._assemble(self.config, thread)
                await self.store.write(partial(record_start, now=utc_now()))
                self._took_up(())
                while assembled is not None:
                    async with assembled.stack:
                        await assembled.daemon.prepare()
                        self.has_reached_store, watchdog = True, assembled.daemon.watchdog
                        assembled = await self._serve_one(assembled, lost, thread)
                        if lost.is_set():
                            await self._outlast(watchdog)
            if lost.is_set():
                raise StoreBusyError("the connection that made this daemon the active one was lost")
            with suppress(StoreError):
                await self.store.write(partial(record_end, now=utc_now()))
            return OK

    async def _serve_one(
        self, assembled: Assembled, lost: asyncio.Event, thread: ThreadPoolExecutor
    ) -> Assembled | None:
        """Serve until the end, or until another configuration is ready: that one."""
        daemon, ended = assembled.daemon, asyncio.Event()
        if daemon.routes and self.listener is None:
            raise web.ListenError(f"`server.listen` {self.config.server.listen} is needed and cannot be had")
        self._turn_active(daemon.watchdog)
        following = asyncio.create_task(self._next(daemon, thread)) if self.reloader else None
        waits = [asyncio.create_task(event.wait()) for event in (self.stop, lost)]
        async with self._listening([*self.probes.routes(), *daemon.routes]):
            serving = asyncio.create_task(daemon.serve(ended))
            tasks = [serving, *waits, *([following] if following else [])]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            ended.set()
            await serving
        self._turn_active(None)
        for wait in waits:
            wait.cancel()
        if following is None:
            return None
        is_over = self.stop.is_set() or lost.is_set()
        if not following.done() or is_over:
            following.cancel()
            for ready in await asyncio.gather(following, return_exceptions=True):
                if isinstance(ready, Assembled):  # the end came just then
                    await ready.stack.aclose()
            return None
        return following.result()

    def _turn_active(self, watchdog: Watchdog | None) -> None:
        self.probes.is_active, self.probes.watchdog = watchdog is not None, watchdog
        self.metrics.active.set(float(self.probes.is_active))

    async def _outlast(self, watchdog: Watchdog) -> None:
        """The lock is lost. Where that is because the database is away, tell of it until it is back."""
        self.probes.watchdog = watchdog
        async with self._listening(self.probes.routes()):
            while not self.stop.is_set() and not await watchdog.outlast():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stop.wait(), STANDBY_EVERY)
        self.probes.watchdog = None

    async def _next(self, daemon: Daemon, thread: ThreadPoolExecutor) -> Assembled:
        """The next configuration that is valid, assembled beside the running one."""
        assert self.reloader is not None
        while True:
            config, changes = await next_config(self.reloader, partial(self._hear, daemon))
            troubles = daemon.watchdog.troubles
            try:
                assembled = await self._assemble(config, thread, troubles)
            except Exception as error:  # whatever it is, the running configuration goes on
                log.exception("reload refused, the old configuration keeps running")
                self._refuse(daemon, f"The changed configuration cannot be built, the old one keeps running: {error}")
                continue
            self.config = self.reloader.current = config
            self._report(daemon, changes)
            return assembled

    def _hear(self, daemon: Daemon, refusal: str) -> None:
        """Why the file is refused; "": it says again what runs."""
        if refusal:
            self._refuse(daemon, refusal)
        elif self.probes.refused:
            self.probes.refused = ""
            text = "The configuration file says again what runs."
            self._tell(daemon, text, partial(record_refusal, text="", now=utc_now()))

    def _refuse(self, daemon: Daemon, text: str) -> None:
        self.metrics.reloads.labels("refused").inc()
        self.probes.refused = text
        self._tell(daemon, text, partial(record_refusal, text=text, now=utc_now()))

    def _report(self, daemon: Daemon, changes: Changes) -> None:
        self.metrics.reloads.labels("taken").inc()
        for line in changes.lines:
            log.info("reloaded %s", line)
        text = "The configuration was reloaded: " + "; ".join(changes.lines)
        if changes.to_rematch:
            names = " ".join(f"--watchlist {name}" for name in changes.to_rematch)
            hint = f"mentiond rematch --since 30d {names}"
            log.info("what is stored was not searched anew, this does it: %s", hint)
            text += f". What is stored was not searched anew; `{hint}` does it."
        self._took_up(changes.lines)
        self._tell(daemon, text, partial(record_reload, changes=changes.lines, now=utc_now()))

    def _took_up(self, changes: tuple[str, ...]) -> None:
        self.probes.loaded_at, self.probes.changes, self.probes.refused = utc_now(), changes, ""

    def _tell(self, daemon: Daemon, text: str, record: Callable[[Connection], None]) -> None:
        """Write it down and owe the operator a notice, while the daemon goes on."""
        task = asyncio.create_task(_notify(daemon, text, record))
        self.notices.add(task)
        task.add_done_callback(self.notices.discard)

    async def _assemble(
        self, config: Config, thread: ThreadPoolExecutor, troubles: dict[str, Trouble] | None = None
    ) -> Assembled:
        """Everything that the configuration asks for; nothing is polled or sent yet."""
        async with AsyncExitStack() as stack:
            tools = await stack.enter_async_context(open_tools(config))
            judge = await asyncio.to_thread(build_judge, config, self.classifier)
            links = await load_links(config, self.store)
            daemon = assemble(config, self.store, judge, tools, thread, links, self.metrics)
            daemon.watchdog.troubles = dict(troubles or {})
            return Assembled(config, daemon, stack.pop_all())


async def _notify(daemon: Daemon, text: str, record: Callable[[Connection], None]) -> None:
    with suppress(StoreError):
        await daemon.store.write(record)
        await daemon.notify("config", text)


async def _stand_by(store: Store, stop: asyncio.Event) -> None:
    """Return when the lock of the active daemon is free, as far as one can see, or `stop` is set."""
    while not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), STANDBY_EVERY)
        except TimeoutError:
            with suppress(StoreError):  # a database that is away is waited for
                async with store.exclusive():
                    return
