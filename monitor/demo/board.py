"""What is published at the moment, and the loopback servers that show it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from monitor.demo.story import Place, Scene

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Posted:
    """A post as it stands; both moments are UTC."""

    scene: Scene
    published_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Board:
    """Everything that was published so far, by place and id."""

    _posts: dict[Place, dict[str, Posted]] = field(default_factory=dict)

    def publish(self, scene: Scene, now: datetime) -> None:
        """A new post, or a new form of the one that has its id."""
        place = self._posts.setdefault(scene.place, {})
        before = place.get(scene.id)
        place[scene.id] = Posted(scene, before.published_at if before else now, now)

    def newest_first(self, place: Place) -> list[Posted]:
        posts = self._posts.get(place, {}).values()
        return sorted(posts, key=lambda posted: posted.published_at, reverse=True)


@asynccontextmanager
async def serve(routes: Iterable[web.RouteDef]) -> AsyncIterator[str]:
    """Serve on a free loopback port; gives the address without a slash at its end."""
    application = web.Application()
    application.add_routes(routes)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
