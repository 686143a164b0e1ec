"""How commands print rows: a table for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sources.base import JSON


def show_time(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if value is None else value.strftime("%Y-%m-%dT%H:%M:%SZ")


def show_lag(since: datetime | None, now: datetime) -> str | None:
    """How long ago, in the largest unit that says enough: `45s`, `12m`, `5h`, `3d`."""
    if since is None:
        return None
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def print_rows(rows: Sequence[dict[str, JSON]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print `columns` of the rows, or with `as_json` everything in them; `empty` where there are none."""
    if as_json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        print(empty)
        return
    table = [list(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[position]) for line in table) for position in range(len(columns))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: JSON) -> str:
    return "-" if value is None or value == "" else " ".join(str(value).split())
