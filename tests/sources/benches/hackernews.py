"""Algolia's search of Hacker News: newest first, numeric filters, 1,000 hits at the most."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item, json_answer


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "hackernews", "base_url": web.base}, page=1000)

    async def show(request: aio.Request) -> aio.Response:
        filters = request.query["numericFilters"]
        above, below = re.search(r">(\d+)", filters), re.search(r"<(\d+)", filters)
        low, high = int(above[1]) if above else 0, int(below[1]) if below else 2**40
        hits = [_hit(item) for item in bench.newest_first() if low < int(item.at.timestamp()) < high]
        status, headers, body = json_answer({"hits": hits[:1000], "hitsPerPage": 1000})
        return aio.Response(status=status, headers=headers, body=body)

    web["/api/v1/search_by_date"] = show
    return bench


def _hit(item: Item) -> dict[str, Any]:
    at = int(item.at.timestamp())
    return {"objectID": str(item.number), "created_at_i": at, "comment_text": item.text, "_tags": ["comment"]}
