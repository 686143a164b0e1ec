"""Google News' search: 100 results at the most, in an order that is not that of time, of the days asked for."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from aiohttp import web as aio

from tests.fakes import START
from tests.servers import Web
from tests.sources.benches.bench import Bench, json_answer


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "news", "search": ("acme",), "base_url": web.base}, page=100, lossless=False)
    bench.strange = ()  # what is no feed at all is the parser's business

    async def show(request: aio.Request) -> aio.Response:
        days = re.search(r"when:(\d+)d", request.query["q"])
        since = START - timedelta(days=int(days[1]) if days else 10_000)
        found = [item for item in bench.newest_first() if item.at >= since][: bench.page]
        entries = [
            {"id": f"CBM{item.number}", "title": f"T{item.number}", "content": item.text, "date": item.at.isoformat()}
            for item in sorted(found, key=lambda item: item.number % 7)
        ]
        status, headers, body = json_answer({"entries": entries})
        return aio.Response(status=status, headers=headers, body=body)

    web["/rss/search"] = show
    return bench
