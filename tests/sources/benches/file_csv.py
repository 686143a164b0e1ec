"""An export as a German spreadsheet writes it, replaced as a whole each time."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tests.servers import Web
from tests.sources.benches.bench import Bench

COLUMNS = {"text": "Bewertung", "published_at": "Datum", "external_id": "Nr."}


def make(web: Web, folder: Path) -> Bench:
    path = folder / "export.csv"
    keys = {"type": "file", "path": str(path), "columns": COLUMNS, "backlog": "1d"}
    bench = Bench(keys, page=1000, shows_late=False, asks=False)

    def publish() -> None:
        written = io.StringIO()
        rows = csv.writer(written, delimiter=";")
        rows.writerow(["Nr.", "Datum", "Sterne", "Bewertung"])
        for item in sorted(bench.items, key=lambda item: item.number):
            text = item.text.encode("cp1252", "replace").decode("cp1252")
            rows.writerow([item.number, f"{item.at:%d.%m.%Y %H:%M:%S}", "4,5", text])
        path.write_bytes(written.getvalue().encode("cp1252"))

    bench.publish = publish
    return bench
