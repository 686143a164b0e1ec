"""The HTTP server of the daemon: where other systems push to sources, at `/hooks/NAME`.

Behind a reverse proxy that ends TLS. A body is in the store before its sender gets a 2xx.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientPayloadError, web

from monitor import inbox
from monitor.store import Store, StoreError
from sources.base import Clock, Hook, Pushed, Reply

log = logging.getLogger("mentiond.web")

BODY_SECONDS = 20.0  # for a whole body to arrive
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

    async def handle(self, request: web.Request) -> web.Response:
        """Any request to /hooks/NAME."""
        name = request.match_info["name"]
        hook = self.hooks.get(name)
        if hook is None:
            return web.Response(status=404, text="no such hook")
        if request.method not in hook.methods:
            allowed = ", ".join(hook.methods)
            return web.Response(status=405, text=f"only {allowed}", headers={"Allow": allowed})
        pushed = await _read(request, hook.largest)
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


async def _read(request: web.Request, largest: int) -> Pushed | Reply:
    """What was pushed, its body byte for byte as it was sent; or why it is not taken."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return Reply(status=415, text="only bodies without a Content-Encoding")
    try:
        body = await asyncio.wait_for(_read_body(request, largest), BODY_SECONDS)
    except TimeoutError:
        return Reply(status=408, text="the body came too slowly")
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError):
        return Reply(status=400, text="the body broke off")
    if body is None:
        return Reply(status=413, text=f"a body may have {largest:,} bytes")
    headers = {key.lower(): value for key, value in request.headers.items()}
    return Pushed(method=request.method, query=dict(request.query), headers=headers, body=body)


async def _read_body(request: web.Request, largest: int) -> bytes | None:
    """The body; None where it is too large."""
    if (request.content_length or 0) > largest:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > largest:
            return None
    return bytes(body)


@asynccontextmanager
async def serve(host: str, port: int, hooks: Hooks) -> AsyncIterator[str]:
    """Listen while the context lasts; gives the address. Raises ListenError."""
    application = web.Application(client_max_size=0)
    application.router.add_route("*", "/hooks/{name}", hooks.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=5, auto_decompress=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or error
            raise ListenError(f"cannot listen on {host}:{port}: {reason}; change `server.listen`") from error
        bound = runner.addresses[0]
        yield f"http://{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()
