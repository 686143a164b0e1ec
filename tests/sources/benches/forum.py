"""A board's list of posts in HTML: 20 a page, a link to the next one, robots.txt without rules."""

from __future__ import annotations

import html
from pathlib import Path

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item

SELECTORS = {
    "item": "div.post",
    "id": "@id",
    "date": "time@datetime",
    "body": "div.content",
    "author": "a.username",
    "next": "a[rel=next]",
    "empty": "p.none",
}


def make(web: Web, folder: Path) -> Bench:
    bench = Bench(
        {"type": "forum", "urls": ("https://board.test/new.php",), "base_url": web.base, "pause": "0s"} | SELECTORS
    )
    bench.strange += (b"<html><body><article class=post id=p1>A new layout</article></body></html>",)

    async def show(request: aio.Request) -> aio.Response:
        start = int(request.query.get("start", 0))
        body = page(bench.newest_first()[start : start + bench.page])
        if len(bench.items) > start + bench.page:
            body += f'<a rel="next" href="new.php?sid={"0" * 32}&amp;start={start + bench.page}">Nächste</a>'
        return aio.Response(body=body.encode("utf-8", "replace"), content_type="text/html", charset="utf-8")

    web["/new.php"] = show
    return bench


def page(shown: list[Item]) -> str:
    """A page with these posts on it."""
    return "<!DOCTYPE html><html lang=de><title>Neue Beiträge</title>" + (
        "".join(map(post, shown)) or "<p class=none>Keine neuen Beiträge</p>"
    )


def post(item: Item) -> str:
    """One post as the board prints it."""
    return (
        f'<div class="post" id="p{item.number}"><a class="username">kim</a>'
        f'<time datetime="{item.at.isoformat()}">gerade eben</time>'
        f'<div class="content">{html.escape(item.text)}</div></div>'
    )
