"""A server of feeds: `python -m benchmarks.feeds [SHARE]` prints its address.

/feed/N is RSS with 20 entries (some 30 KB) with an ETag; POST /turn gives every feed 20 new entries. Texts are
sentences of the project's corpus; SHARE of the entries, one in a hundred by default, name Acme.
"""

from __future__ import annotations

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from aiohttp import web

from monitor.examples import SHIPPED_CORPUS, read_corpus

ENTRIES = 20
PARAGRAPHS = 10  # sentences in one entry


class Feeds:
    """Writes feeds; the same number and turn give the same bytes."""

    def __init__(self, share: float = 0.01) -> None:
        self._share = share
        self._sentences = [example.text for rows in read_corpus(SHIPPED_CORPUS).values() for example in rows]
        self._start = datetime.now(UTC).replace(microsecond=0) - timedelta(days=7)
        self.turn = 0

    def write(self, number: int) -> bytes:
        choose = random.Random(number * 1_000_003 + self.turn)
        items = "".join(self._item(number, ENTRIES * self.turn + place, choose) for place in range(ENTRIES))
        channel = f"<title>Feed {number}</title><link>https://feed{number}.example/</link>{items}"
        return f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel>{channel}</channel></rss>'.encode()

    def _item(self, number: int, entry: int, choose: random.Random) -> str:
        link = f"https://feed{number}.example/{entry}"
        title, *sentences = choose.choices(self._sentences, k=PARAGRAPHS + 1)
        if choose.random() < self._share:
            title = f"Acme: {title}"
        html = "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
        date = format_datetime(self._start + timedelta(minutes=entry))
        return (
            f"<item><title>{escape(title)}</title><link>{link}</link><guid>{link}</guid><pubDate>{date}</pubDate>"
            f"<description>{escape(html)}</description></item>"
        )


def application(share: float = 0.01) -> web.Application:
    feeds = Feeds(share)
    written: dict[tuple[int, int], bytes] = {}

    async def show(request: web.Request) -> web.Response:
        number = int(request.match_info["number"])
        tag = f'"{number}-{feeds.turn}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        key = (number, feeds.turn)
        if key not in written:
            written[key] = feeds.write(number)
        return web.Response(body=written[key], headers={"ETag": tag, "Content-Type": "application/rss+xml"})

    async def turn(request: web.Request) -> web.Response:
        feeds.turn += 1
        for number in range(int(request.query["feeds"])):  # written ahead, so that the server is not measured
            written[number, feeds.turn] = feeds.write(number)
        return web.Response(text=str(feeds.turn))

    app = web.Application()
    app.router.add_get("/feed/{number}", show)
    app.router.add_post("/turn", turn)
    return app


async def main() -> None:
    runner = web.AppRunner(application(*map(float, sys.argv[1:])), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    print(f"http://{host}:{port}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
