"""A file of JSON lines that grows."""

from __future__ import annotations

import json
from pathlib import Path

from tests.servers import Web
from tests.sources.benches.bench import Bench


def make(web: Web, folder: Path) -> Bench:
    path = folder / "posts.jsonl"
    bench = Bench({"type": "file", "path": str(path)}, page=1000, shows_edits=False, shows_late=False, asks=False)

    def publish() -> None:
        lines = (
            json.dumps({"external_id": str(item.number), "text": item.text, "published_at": item.at.isoformat()})
            for item in sorted(bench.items, key=lambda item: item.number)
        )
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")

    bench.publish = publish
    return bench
