"""A Page's feed as Meta pushes it: one comment a delivery, again when it was edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.servers import Web
from tests.sources.benches.bench import Bench, Item


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "meta", "app_secret": "s", "verify_token": "v", "base_url": web.base}, asks=False)
    pushed: dict[int, str] = {}

    def publish() -> None:
        if not bench.items:
            bench.inbox.kept.clear()
            pushed.clear()
        for item in bench.items:
            if pushed.get(item.number) != item.text:
                change = _change(item, "edited" if item.number in pushed else "add")
                entry = {"id": "100", "time": int(item.at.timestamp()), "changes": [change]}
                bench.inbox.push(json.dumps({"object": "page", "entry": [entry]}).encode())
                pushed[item.number] = item.text

    bench.publish = publish
    return bench


def _change(item: Item, verb: str) -> dict[str, Any]:
    value = {
        "item": "comment",
        "verb": verb,
        "comment_id": f"7_{item.number}",
        "post_id": "100_7",
        "parent_id": "100_7",
        "from": {"id": "55", "name": "Kim"},
        "message": item.text,
        "created_time": int(item.at.timestamp()),
    }
    return {"field": "feed", "value": value}
