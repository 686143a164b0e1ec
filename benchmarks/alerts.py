"""Alerts a second to ten receivers at once: `python -m benchmarks.alerts [--mentions 1000] [--url postgresql://...]`.

Every mention goes to ten webhooks, signed, each with a worker, a channel and a row of its own, as the daemon has them:
claimed, loaded, screened, sent, marked and logged. The other side is an HTTP server in a process of its own on this
machine that answers at once. Without `--url` it measures SQLite in a fresh folder.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.engine import Connection

from alerts.base import Reason
from alerts.registry import Tools as ReceiverTools
from alerts.registry import build as build_receiver
from alerts.webhook import WebhookSettings
from benchmarks.machine import describe
from monitor import outbox
from monitor.assembly import utc_now
from monitor.delivery import Delivery
from monitor.http import GuardedHttp
from monitor.mentions import Draft, News, announce
from monitor.schema import alerts, posts
from monitor.store import Store
from rules.base import Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from rules.routing import Decision
from sources.base import Post

RECEIVERS = tuple(f"crm{number}" for number in range(10))
PAGE = 50  # mentions in one transaction
TEXT = "Acme Phone ist nach dem Update kaputt, der Akku haelt keine Stunde und der Support antwortet seit Tagen nicht. "


async def _serve() -> None:
    """A server that takes everything; its first line says where."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    application = web.Application()
    application.router.add_post("/{name}", take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    command = (sys.executable, "-m", "benchmarks.alerts", "--serve")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


def _announce(connection: Connection, first: int) -> None:
    """One page of mentions, each owed to every receiver."""
    now = utc_now()
    watchlist = Watchlist("acme", WatchlistKind.BRAND, "acme", ("Acme",))
    decisions = tuple(Decision(name, ("default",)) for name in RECEIVERS)
    verdict = Verdict({Label.COMPLAINT: 0.93}, ("complaint",), Sentiment.NEGATIVE, "de", model="benchmark")
    news = []
    for number in range(first, first + PAGE):
        post = Post(source="news", external_id=str(number), text=TEXT * 3, published_at=now)
        row = {name: getattr(post, name) for name in Post.__dataclass_fields__} | {"kind": post.kind.value}
        row |= {"content_hash": str(number), "revision": 1, "matched": True, "fetched_at": now}
        post_id = connection.execute(sa.insert(posts).values(row).returning(posts.c.id)).scalar_one()
        mention = Mention(post, watchlist, Match("acme", (Span("text", 0, 4),), ("acme",)), verdict)
        news.append(News(Draft(mention, decisions, "feed"), post_id, 1, Reason.FIRST))
    announce(connection, news, dict.fromkeys(RECEIVERS, ("",)), now)


def _delivery(store: Store, name: str, base: str, tools: ReceiverTools) -> Delivery:
    settings = WebhookSettings.model_validate(
        {"name": name, "type": "webhook", "url": f"{base}/{name}", "secret": "benchmark"}
    )
    return Delivery(
        name=name,
        receiver=build_receiver(settings, tools),
        pace=0.0,
        retry_for=timedelta(days=3),
        public_url="",
        store=store,
        clock=utc_now,
        random=Random(1),
    )


async def _measure(url: str, mentions: int) -> dict[str, object]:
    store = Store(url)
    store.migrate()
    store.write_now(lambda tx: outbox.register_channels(tx, RECEIVERS, utc_now()))
    for first in range(0, mentions, PAGE):
        await store.write(lambda tx, first=first: _announce(tx, first))  # type: ignore[misc]
    guarded = GuardedHttp(contact="", per_host=10, allow_hosts=("127.0.0.1",), clock=utc_now)
    async with _server() as base, guarded as http:
        session = http.session_for
        tools = ReceiverTools(
            http=http, session_for=session, lasting_session_for=session, clock=utc_now, write_line=print
        )
        deliveries = [_delivery(store, name, base, tools) for name in RECEIVERS]
        begun, used = time.perf_counter(), time.process_time()
        owed = await asyncio.gather(*(_drain(delivery) for delivery in deliveries))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    states = dict(
        store.write_now(
            lambda tx: tx.execute(sa.select(alerts.c.state, sa.func.count()).group_by(alerts.c.state)).all()
        )
    )
    store.close()
    count = mentions * len(RECEIVERS)
    assert states == {"sent": count}, (states, owed)
    return {
        "database": store.url.get_backend_name(),
        "alerts": count,
        "seconds": round(seconds, 1),
        "alerts_per_second": round(count / seconds),
        "processor_ms_per_alert": round(1000 * cpu / count, 2),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


async def _drain(delivery: Delivery) -> None:
    while await delivery.turn() <= 0:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=1000, help=f"a multiple of {PAGE}")
    parser.add_argument("--url", help="a database to fill, postgresql://USER:PASSWORD@HOST/NAME")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve())
        return
    describe("aiohttp", "sqlalchemy")
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder)}/alerts.db"
        print(json.dumps(asyncio.run(_measure(url, options.mentions))))


if __name__ == "__main__":
    main()
