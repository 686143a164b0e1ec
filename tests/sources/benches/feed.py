"""A feed with a window of 20 entries, as the document that JsonParser reads."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, json_answer


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "feed", "url": "https://x.test/feed", "base_url": web.base}, lossless=False)
    bench.strange = ()  # what is no feed at all is the parser's business

    async def show(request: aio.Request) -> aio.Response:
        entries = [
            {"id": f"tag:{item.number}", "title": f"T{item.number}", "content": item.text, "date": item.at.isoformat()}
            for item in bench.newest_first()[: bench.page]
        ]
        status, headers, body = json_answer({"entries": entries})
        return aio.Response(status=status, headers=headers, body=body)

    web["/feed"] = show
    return bench
