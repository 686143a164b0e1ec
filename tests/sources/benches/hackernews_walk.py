"""Hacker News's own API: maxitem, updates, items; after each comment an option of a poll and a number without item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aiohttp import web as aio

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "hackernews", "mode": "walk", "base_url": web.base}, page=300)

    async def newest(request: aio.Request) -> aio.Response:
        return aio.json_response(max((3 * item.number for item in bench.items), default=0))

    async def updates(request: aio.Request) -> aio.Response:
        changed = [3 * item.number for item in bench.newest_first()[:20]]
        return aio.json_response({"items": changed, "profiles": ["kim"]})

    async def show(request: aio.Request) -> aio.Response:
        number = int(request.path.removesuffix(".json").rpartition("/")[2])
        known = {3 * item.number: item for item in bench.items}
        if number in known:
            return aio.Response(body=json.dumps(_comment(number, known[number])).encode())
        return aio.json_response({"id": number, "type": "pollopt", "time": 1} if number % 3 == 1 else None)

    web["/v0/maxitem.json"] = newest
    web["/v0/updates.json"] = updates
    web["/v0/item/*"] = show
    return bench


def _comment(number: int, item: Item) -> dict[str, Any]:
    return {
        "id": number,
        "type": "comment",
        "by": "kim",
        "time": int(item.at.timestamp()),
        "text": item.text,
        "parent": 1,
    }
