"""A system that pushes each of its items when it is new or edited."""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers import Web
from tests.sources.benches.bench import Bench


def make(web: Web, folder: Path) -> Bench:
    bench = Bench({"type": "webhook", "auth": {"type": "bearer", "token": "t"}}, asks=False)
    pushed: dict[int, str] = {}

    def publish() -> None:
        if not bench.items:
            bench.inbox.kept.clear()
            pushed.clear()
        for item in bench.items:
            if pushed.get(item.number) != item.text:
                written = {"external_id": item.number, "text": item.text, "published_at": item.at.isoformat()}
                bench.inbox.push(json.dumps(written).encode())
                pushed[item.number] = item.text

    bench.publish = publish
    return bench
