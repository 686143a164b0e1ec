"""Real servers on loopback for tests: HTTP here; it records what it was asked and says what the test tells it to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from monitor.web import open_listener, serve

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Request:
    """What one request said."""

    method: str
    path: str  # with query string
    headers: dict[str, str]  # lower-case names
    body: bytes


@dataclass(slots=True)
class Web:
    """`web["/path"] = handler or (status, headers, body)`; what was asked stands in `requests`."""

    base: str = ""
    requests: list[Request] = field(default_factory=list)
    fault: Handler | None = None  # answers everything in place of the routes
    _routes: dict[str, Handler] = field(default_factory=dict)

    def __setitem__(self, path: str, answer: Handler | tuple[int, dict[str, str], bytes]) -> None:
        if not isinstance(answer, tuple):
            self._routes[path] = answer
            return
        status, headers, body = answer

        async def fixed(request: web.Request) -> web.Response:
            return web.Response(status=status, headers=headers, body=body)

        self._routes[path] = fixed

    def url(self, path: str) -> str:
        return self.base + path

    def _prefix(self, path: str) -> Handler | None:
        """A route whose path ends in /* takes everything below it."""
        fitting = [route for route in self._routes if route.endswith("/*") and path.startswith(route[:-1])]
        return self._routes[max(fitting, key=len)] if fitting else None

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.method, request.path_qs, headers, await request.read()))
        handler = self.fault or self._routes.get(request.path) or self._prefix(request.path)
        return await handler(request) if handler else web.Response(status=404, text="no such page")


@asynccontextmanager
async def serve_web() -> AsyncIterator[Web]:
    """A Web on a free loopback port."""
    served = Web()
    application = web.Application(client_max_size=64 * 2**20)
    application.router.add_route("*", "/{path:.*}", served.dispatch)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = runner.addresses[0]
    served.base = f"http://127.0.0.1:{address[1]}"
    try:
        yield served
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serve_at_any_port(routes: Sequence[web.RouteDef]) -> AsyncIterator[str]:
    """The daemon's own HTTP server on a free port; gives its address."""
    with open_listener("127.0.0.1:0") as listener:
        async with serve(listener, routes) as address:
            yield address
