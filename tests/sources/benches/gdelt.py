"""GDELT's DOC 2.0 API: articles of a span of time, the newest first, 250 at the most; nothing found is `{}`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer

LIMIT = b"Please limit requests to one every 5 seconds or contact us for larger queries."
SHAPES = (b"[]", b"null", b'{"surprise": 1}', b"[1, 2]", b'{"articles": 5}', b'{"articles": [{"title": "no url"}]}')


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "gdelt", "search": ("acme",), "base_url": web.base}, page=250)
    bench.lossless = False  # a burst within a quarter of an hour
    bench.strange = SHAPES  # `{}` means that nothing was found
    bench.refusals = {429: (429, {"Content-Type": "text/html"}, LIMIT)}

    async def show(request: aio.Request) -> aio.Response:
        low, high = (_moment(request.query[name]) for name in ("startdatetime", "enddatetime"))
        found = [_article(item) for item in bench.newest_first() if low <= item.at <= high][:250]
        status, headers, body = json_answer({"articles": found} if found else {})
        return aio.Response(status=status, headers=headers, body=body)

    web["/api/v2/doc/doc"] = show
    return bench


def _moment(written: str) -> datetime:
    return datetime.strptime(written, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _article(item: Item) -> dict[str, Any]:
    return {
        "url": f"https://www.example.com/news/{item.number}",
        "url_mobile": "",
        "title": item.text,
        "seendate": f"{item.at:%Y%m%dT%H%M%SZ}",
        "socialimage": "",
        "domain": "example.com",
        "language": "German",
        "sourcecountry": "Germany",
    }
