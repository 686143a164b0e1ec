"""What the killed daemon listens to and talks to: a feed, a Hacker-News-shaped API, a webhook. And the final count."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import sqlalchemy as sa
from aiohttp.web import Request, Response, json_response

from monitor.schema import alerts, mentions, posts
from monitor.store import Store
from tests.crash import entry
from tests.servers import Web, serve_web
from tests.starting import Process, Program, start

START_TIMEOUT = 60.0  # seconds for a point to be reached
FEED_WINDOW = 200  # entries that the feed shows
SERVER_POINTS = ("while fetching", "while sending")  # here it is the server that kills, before it answers

CONFIG = """
store: {{url: "{store}"}}
http: {{allow_hosts: ["127.0.0.1"], per_host: 8}}
watchlists:
  - {{name: acme, kind: brand, names: [Acme], query: acme}}
  - {{name: globex, kind: competitor, names: [Globex], query: globex}}
sources:
  - {{name: news, type: feed, url: "{base}/feed.xml", every: 1s}}
  - {{name: hn, type: hackernews, base_url: "{base}", every: 1s}}
receivers:
  - {{name: hook, type: webhook, url: "{base}/hook", secret: "whsec_bWVudGlvbmQtY3Jhc2gtdGVzdA=="}}
routes:
  receiver: none
  routes:
    - {{matchers: ['label =~ "crisis|complaint|question|purchase_signal|suggestion|praise|unsure|none|unclassified"'],
       receiver: hook}}
"""


@dataclass(frozen=True, slots=True)
class Count:
    """What came of a run. `extra` are deliveries beyond the first of an alert, `unmarked` those that do not say so.

    `lost` are replies that a kill took: what had been delivered when the daemon died and was not marked as sent.
    """

    planted: int
    mentions: int
    delivered: int
    extra: int
    lost: int
    unmarked: int
    unsent: int

    @property
    def is_exact(self) -> bool:
        """Every mention once, every alert at least once, an extra copy only for a lost reply and marked as one."""
        is_whole = self.planted == self.mentions == self.delivered and self.unsent == 0
        return is_whole and self.extra <= self.lost and self.unmarked == 0

    def __str__(self) -> str:
        return (
            f"{self.planted} mentions planted, {self.mentions} stored once, {self.delivered} alerts delivered, "
            f"{self.lost} replies lost, {self.extra} extra copies ({self.unmarked} unmarked), {self.unsent} unsent"
        )


@dataclass(slots=True)
class Scene:
    """The servers, what was planted on them, and what arrived."""

    web: Web
    folder: Path
    store_url: str
    config: str = CONFIG
    program: Program = entry.run_hastily
    arrived: Callable[[], set[tuple[str, str]]] | None = None  # where it is not the webhook that is told
    planted: set[tuple[str, str]] = field(default_factory=set)  # (external id, watchlist)
    entries: list[str] = field(default_factory=list)
    hits: list[dict[str, object]] = field(default_factory=list)
    received: list[tuple[tuple[str, str], bool]] = field(default_factory=list)  # ((id, watchlist), possibly twice)
    process: Process | None = None
    fuse: str = ""  # the server point that is armed
    lost: int = 0  # replies

    def plant(self, entries: int, items: int, matching: int) -> None:
        """Add feed entries that all match, one of three twice, and API items of which `matching` do."""
        now = int(time.time())
        for _ in range(entries):
            number = len(self.entries)
            text = "Acme is broken & Globex, too" if number % 3 == 0 else "My Acme is broken"
            address = f"{self.web.base}/post/{number}"
            date = datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
            self.entries.append(
                f"<item><guid>{address}</guid><link>{address}</link><title>Entry {number}</title>"
                f"<description>{escape(text)}</description><pubDate>{date}</pubDate></item>"
            )
            self.planted |= {(address, name) for name in ("acme", "globex") if name in text.lower()}
        for index in range(items):
            number = len(self.hits)
            text = "Globex is broken" if index < matching else "nothing of interest"
            self.hits.append(_hit(number, text, now - index % 300))
            if index < matching:
                self.planted.add((str(number), "globex"))

    def write_config(self) -> Path:
        path = self.folder / "config.yaml"
        path.write_text(self.config.format(store=self.store_url, base=self.web.base), encoding="utf-8")
        return path

    def _reach(self, point: str) -> None:
        if point == self.fuse and self.process is not None:
            self.fuse = ""
            self.process.kill()

    async def feed(self, request: Request) -> Response:
        self._reach("while fetching")
        items = "".join(reversed(self.entries[-FEED_WINDOW:]))
        body = f"<rss version='2.0'><channel><title>news</title>{items}</channel></rss>"
        return Response(body=body.encode(), content_type="application/rss+xml")

    async def search(self, request: Request) -> Response:
        """Newest first, 1,000 at the most, bounded by created_at_i as Algolia does it."""
        filters = request.query.get("numericFilters", "")
        found = self.hits
        for operator, bound in re.findall(r"created_at_i(<=|>=|<|>)(\d+)", filters):
            found = [hit for hit in found if _COMPARE[operator](_created(hit), int(bound))]
        newest = sorted(found, key=_created, reverse=True)[:1000]
        return json_response({"hits": newest, "nbHits": len(found), "page": 0, "nbPages": 1, "hitsPerPage": 1000})

    async def hook(self, request: Request) -> Response:
        alert = json.loads(await request.read())
        mention = alert["mention"]
        key = (mention["post"]["external_id"], mention["watchlist"])
        self.received.append((key, alert["possibly_sent_twice"]))
        self._reach("while sending")
        return Response(status=204)

    async def run_until_killed(self, point: str, count: int, model: str = "words") -> None:
        """Start the daemon with a fuse and wait until it was killed."""
        self.fuse, before = point, len(self.received)
        process = self._start(point, count, model)
        code = await asyncio.wait_for(process.wait(), START_TIMEOUT)
        assert code == -signal.SIGKILL, f"{point}: exit code {code}"
        self._count_lost(before)

    async def run_for(self, seconds: float, model: str) -> None:
        """Start the daemon and kill it after that time, wherever it is."""
        before = len(self.received)
        process = self._start("never", 1, model)
        await asyncio.sleep(seconds)
        process.kill()
        await process.wait()
        self._count_lost(before)

    def _count_lost(self, before: int) -> None:
        marked = {tuple(row) for row in self._rows(_SENT)}
        self.lost += sum(1 for key, _ in self.received[before:] if key not in marked)

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        store = Store(self.store_url)
        try:
            store.migrate()  # an early kill may have left no tables
            return store.write_now(lambda tx: tx.execute(query).all())
        finally:
            store.close()

    async def run_until_drained(self, model: str = "words") -> None:
        """Start the daemon, wait until everything planted has arrived, and ask it to end."""
        log = self.folder / "daemon.log"
        before = log.stat().st_size if log.exists() else 0
        process = self._start("never", 1, model)
        deadline = time.monotonic() + 90
        while not self._is_done(log, before) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        await asyncio.sleep(2 / entry.HASTE if self.program is entry.run_hastily else 2)  # a copy would still arrive
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 40) == 0

    def _is_done(self, log: Path, before: int) -> bool:
        """Everything arrived, what a kill left unmarked went again when its lease had run out, and the daemon is ready:
        asked to end before that, it would just die.
        """
        arrived = self.arrived() if self.arrived else {key for key, _ in self.received}
        is_marked = not (self.lost and self._rows(_OWED))
        return self.planted <= arrived and is_marked and b'"event":"ready"' in log.read_bytes()[before:]

    def _start(self, point: str, count: int, model: str) -> Process:
        arguments = [point, str(count), model, "run", "-c", str(self.write_config())]
        log = self.folder / "daemon.log"
        self.process = start(self.program, arguments, os.environ, Path(os.devnull), log, log)
        return self.process

    def count(self) -> Count:
        """Compare what was planted with what is stored and what arrived."""
        stored = self._rows(_STORED)
        copies = Counter(key for key, _ in self.received)
        unmarked = Counter(key for key, twice in self.received if not twice)
        return Count(
            planted=len(self.planted),
            mentions=len(stored) if {tuple(row) for row in stored} == self.planted else -1,
            delivered=len(self.planted & copies.keys()),
            extra=copies.total() - len(copies),
            lost=self.lost,
            unmarked=sum(max(0, unmarked[key] - 1) for key in copies),
            unsent=len(self._rows(_UNSENT)),
        )


_STORED = sa.select(posts.c.external_id, mentions.c.watchlist).join(mentions, mentions.c.post_id == posts.c.id)
_UNSENT = sa.select(alerts.c.id).where(alerts.c.state != "sent")
_OWED = sa.select(alerts.c.id).where(alerts.c.state.in_(("owed", "leased")))
_SENT = _STORED.join(alerts, alerts.c.mention_id == mentions.c.id).where(alerts.c.state == "sent")
_COMPARE = {
    "<": int.__lt__,
    "<=": int.__le__,
    ">": int.__gt__,
    ">=": int.__ge__,
}


def _created(hit: dict[str, object]) -> int:
    created = hit["created_at_i"]
    assert isinstance(created, int)
    return created


def _hit(number: int, text: str, created: int) -> dict[str, object]:
    """A comment as the API gives it (documented shape)."""
    return {
        "objectID": str(number),
        "author": "someone",
        "comment_text": text,
        "story_id": 1,
        "parent_id": 1,
        "story_title": "A story",
        "created_at_i": created,
        "created_at": datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "_tags": ["comment", "author_someone", "story_1"],
    }


@asynccontextmanager
async def open_scene(folder: Path, store_url: str) -> AsyncIterator[Scene]:
    """The servers on loopback."""
    async with serve_web() as served:
        scene = Scene(served, folder, store_url)
        served["/feed.xml"] = scene.feed
        served["/api/v1/search_by_date"] = scene.search
        served["/hook"] = scene.hook
        try:
            yield scene
        finally:
            if scene.process is not None and scene.process.returncode is None:
                scene.process.kill()
