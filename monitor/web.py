"""The HTTP server of the daemon: other systems push to sources at `/hooks/NAME` and to receivers at `/receivers/NAME`,
people open the pages behind links in mails.

Behind a reverse proxy that ends TLS. What is pushed to a source is in the store before its sender gets a 2xx.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from alerts.base import Answerable, Desk
from monitor import inbox
from monitor.pushing import read_pushed
from monitor.store import Store, StoreError
from sources.base import Clock, Hook, Pushed, Reply

log = logging.getLogger("mentiond.web")

Route = web.RouteDef

LARGEST_ANSWER = 2**20  # bytes of what is pushed to a receiver
BUSY = Reply(status=503, text="the store cannot be reached, please come again")


class ListenError(Exception):
    """The address of `server.listen` cannot be had."""


@dataclass(slots=True)
class Hooks:
    """Takes what is pushed to the sources of one configuration."""

    hooks: Mapping[str, Hook]
    store: Store
    clock: Clock
    failing: set[str] = field(default_factory=set)  # logged already
    refused: set[tuple[str, int]] = field(default_factory=set)  # source and status, logged already

    def routes(self) -> list[web.RouteDef]:
        """Where it is pushed to."""
        return [web.route("*", "/hooks/{name}", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        hook = self.hooks.get(name)
        if hook is None:
            return web.Response(status=404, text="no such hook")
        if request.method not in hook.methods:
            allowed = ", ".join(hook.methods)
            return web.Response(status=405, text=f"only {allowed}", headers={"Allow": allowed})
        pushed = await read_pushed(request, hook.largest)
        reply = hook.accept(pushed) if isinstance(pushed, Pushed) else pushed
        if reply.status >= 400:
            self._tell_refused(name, reply)
        elif reply.key is not None and isinstance(pushed, Pushed):
            reply = await self._keep(name, pushed, reply, reply.key)
        again = {"Retry-After": "30"} if reply.status == 503 else {}
        return web.Response(status=reply.status, text=reply.text, headers=again)

    async def _keep(self, name: str, pushed: Pushed, reply: Reply, key: str) -> Reply:
        content_type, now = pushed.headers.get("content-type", ""), self.clock()
        try:
            await self.store.write(lambda tx: inbox.keep(tx, name, key, content_type, pushed.body, now))
        except (StoreError, inbox.InboxFullError) as error:
            if name not in self.failing:
                log.error("pushed body refused source=%s error=%s", name, error)
            self.failing.add(name)
            return BUSY
        self.failing.discard(name)
        self.refused -= {told for told in self.refused if told[0] == name}
        return reply

    def _tell_refused(self, name: str, reply: Reply) -> None:
        """Once for each status until something is accepted again: anybody can send rubbish, and a lot of it."""
        if (name, reply.status) not in self.refused:
            log.warning("push refused source=%s status=%d reason=%s", name, reply.status, reply.text)
        self.refused.add((name, reply.status))


@dataclass(frozen=True, slots=True)
class Answers:
    """Hands actions that are pushed over HTTP to the receivers that know how to read them."""

    receivers: Mapping[str, Answerable]
    desk: Desk

    def routes(self) -> list[web.RouteDef]:
        """Where they are pushed to."""
        return [web.post("/receivers/{name}", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        receiver = self.receivers.get(request.match_info["name"])
        if receiver is None:
            return web.Response(status=404, text="no such receiver")
        pushed = await read_pushed(request, LARGEST_ANSWER)
        if not isinstance(pushed, Pushed):
            return web.Response(status=pushed.status, text=pushed.text)
        answer = await receiver.answer(pushed, self.desk)
        return web.Response(status=answer.status, text=answer.body, content_type=answer.content_type)


def open_listener(address: str) -> socket.socket:
    """A listening socket at HOST:PORT. Raises ListenError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, int(port)), family=family, backlog=128)
    except OSError as error:
        reason = error.strerror or error
        raise ListenError(f"cannot listen on {address}: {reason}; change `server.listen`") from error


@asynccontextmanager
async def serve(listener: socket.socket, routes: Sequence[Route]) -> AsyncIterator[str]:
    """Answer what comes in at the socket while the context lasts, which leaves it open; gives the address."""
    application = web.Application(client_max_size=0)
    application.router.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=5, auto_decompress=False)
    await runner.setup()
    try:
        await web.SockSite(runner, listener.dup()).start()
        host, port = listener.getsockname()[:2]
        paths = dict.fromkeys(route.path.split("{")[0] for route in routes)
        log.info("listening address=%s paths=%s", f"http://{host}:{port}", ",".join(paths))
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
