"""What the HTTP server tells operators and machines, whatever a node does: /livez, /readyz, /healthz, /metrics."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from aiohttp import web

from monitor.figures import Figures, read_figures
from monitor.metrics import CONTENT_TYPE, Metrics
from monitor.store import Store, StoreError
from monitor.watchdog import Watchdog
from sources.base import JSON, Clock


@dataclass(slots=True)
class Probes:
    """One process. `watchdog` is that of the active daemon, or of one whose database is away; None while it starts or
    stands by.
    """

    store: Store
    metrics: Metrics
    clock: Clock
    watchdog: Watchdog | None = None
    is_active: bool = False
    loaded_at: datetime | None = None  # when the configuration that runs was taken up
    changes: tuple[str, ...] = ()  # what it changed
    refused: str = ""  # why the file as it is now is not taken up

    def routes(self) -> list[web.RouteDef]:
        """Everything here is GET."""
        return [
            web.get("/livez", self._live),
            web.get("/readyz", self._ready),
            web.get("/healthz", self._health),
            web.get("/metrics", self._metrics),
        ]

    async def _live(self, request: web.Request) -> web.Response:
        """The event loop answers; whether it can do its work is another question."""
        return web.Response(text="alive\n")

    async def _ready(self, request: web.Request) -> web.Response:
        """Whether this is the active daemon: who pushes to it is heard."""
        return web.Response(status=200 if self.is_active else 503, text="active\n" if self.is_active else "standby\n")

    async def _health(self, request: web.Request) -> web.Response:
        """200 while mentiond does its work or stands by for another that does."""
        is_well = self.watchdog is None or self.watchdog.is_well
        text = json.dumps(self.state(), ensure_ascii=False, indent=1) + "\n"
        return web.Response(status=200 if is_well else 503, text=text, content_type="application/json")

    def state(self) -> dict[str, JSON]:
        """What is wrong, and what the last reload changed."""
        watchdog = self.watchdog
        troubles: list[JSON] = []
        if watchdog is not None:
            troubles = [
                {"subject": trouble.subject, "text": trouble.text, "since": trouble.since.isoformat()}
                for trouble in watchdog.current
            ]
        status = "standby" if watchdog is None else "ok" if watchdog.is_well else "trouble"
        config: dict[str, JSON] = {
            "loaded_at": self.loaded_at.isoformat() if self.loaded_at else None,
            "changed": list(self.changes),
            "refused": self.refused,
        }
        return {"status": status, "troubles": troubles, "config": config}

    async def _metrics(self, request: web.Request) -> web.Response:
        figures: Figures | None = None
        with suppress(StoreError):  # the page says mentiond_store_up 0
            figures = await self.store.read(partial(read_figures, now=self.clock()))
        self.metrics.tasks.set(len(asyncio.all_tasks()))
        return web.Response(body=self.metrics.show(figures, self.store.failure), headers={"Content-Type": CONTENT_TYPE})
