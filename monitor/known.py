"""Which posts of a source are known: `seen` has a row for each that was ever fetched.

The look-up only saves work. In the transaction of the page uniqueness decides what is new, and an update under the
condition of the old hash what is edited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.bulk import insert_rows
from monitor.chunks import chunks
from monitor.schema import posts, seen


def _these(table: sa.Table) -> sa.ColumnElement[bool]:
    ids = table.c.external_id.in_(sa.bindparam("ids", expanding=True))
    return sa.and_(table.c.source == sa.bindparam("of_source"), ids)


def _change(table: sa.Table) -> sa.Update:
    row = sa.and_(table.c.source == sa.bindparam("of_source"), table.c.external_id == sa.bindparam("of_id"))
    return sa.update(table).where(row, table.c.content_hash == sa.bindparam("old_hash"))


# Statements of every page: to build one anew takes longer than to run it.
_HASHES = sa.union_all(
    *(sa.select(table.c.external_id, table.c.content_hash).where(_these(table)) for table in (seen, posts))
)
_STORED = sa.select(posts.c.external_id).where(_these(posts))
_SEEN = sa.select(seen.c.external_id, seen.c.last_seen).where(_these(seen))
_SEEN_AGAIN = sa.update(seen).where(_these(seen), seen.c.last_seen < sa.bindparam("before"))
_CHANGES = tuple(map(_change, (seen, posts)))


def known_hashes(connection: Connection, source: str, ids: Sequence[str]) -> dict[str, str]:
    """external_id -> content hash of every post that was ever fetched; one that still has a `posts` row is known
    whatever `seen` says.
    """
    found: dict[str, str] = {}
    for chunk in chunks(ids):
        for external_id, content_hash in connection.execute(_HASHES, {"of_source": source, "ids": chunk}):
            found.setdefault(external_id, content_hash)
    return found


def insert_seen(connection: Connection, source: str, hashes: Mapping[str, str], now: datetime) -> set[str]:
    """Keep what the look-up took for new; return the ids that were in neither `seen` nor `posts`."""
    if not hashes:
        return set()
    inserted = {row.external_id for row in insert_rows(connection, seen, _rows(source, hashes, now))}
    for chunk in chunks(sorted(inserted)):
        inserted.difference_update(connection.scalars(_STORED, {"of_source": source, "ids": chunk}))
    return inserted


def change_hash(connection: Connection, source: str, external_id: str, old: str, new: str) -> bool:
    """Whether the stored hash was the old one; it is the new one then."""
    values = {"of_source": source, "of_id": external_id, "old_hash": old, "content_hash": new}
    return any([connection.execute(statement, values).rowcount for statement in _CHANGES])


def keep_seen(connection: Connection, source: str, hashes: Mapping[str, str], now: datetime) -> None:
    """What is known was seen again; a row is rewritten at most once a day."""
    before = now - timedelta(days=1)
    for chunk in chunks(list(hashes)):
        these = {"of_source": source, "ids": chunk}
        there: dict[str, datetime] = {name: last_seen for name, last_seen in connection.execute(_SEEN, these)}
        if any(last_seen < before for last_seen in there.values()):
            connection.execute(_SEEN_AGAIN, these | {"before": before, "last_seen": now})
        lacking = {key: hashes[key] for key in chunk if key not in there}
        if lacking:  # known by its `posts` row alone, which retention will take
            insert_rows(connection, seen, _rows(source, lacking, now))


def _rows(source: str, hashes: Mapping[str, str], now: datetime) -> list[dict[str, Any]]:
    return [
        {"source": source, "external_id": key, "content_hash": value, "first_seen": now, "last_seen": now}
        for key, value in hashes.items()
    ]
