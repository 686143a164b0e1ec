"""What other systems push, kept until its source has read it: a body is stored before it is acknowledged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.schema import cursors, inbox, insert_new
from monitor.store import Store
from sources.base import Kept
from sources.tools import WHOLE

REMEMBERED = timedelta(days=7)  # how long a delivery that comes again is recognised
LONGEST_QUEUE = 10_000  # bodies that may wait for a source that cannot be read


class InboxFullError(Exception):
    """Too much waits already: the sender has to come again."""


@dataclass(frozen=True, slots=True)
class StoredInbox:
    """The inbox as sources see it."""

    store: Store

    async def read(self, source: str, after: int, limit: int) -> tuple[Kept, ...]:
        columns = (inbox.c.id, inbox.c.received_at, inbox.c.content_type, inbox.c.body)
        query = sa.select(*columns).where(inbox.c.source == source, inbox.c.id > after).order_by(inbox.c.id)
        rows = await self.store.read(lambda connection: connection.execute(query.limit(limit)).all())
        return tuple(
            Kept(id=row.id, received_at=row.received_at, content_type=row.content_type, body=bytes(row.body))
            for row in rows
        )


class EmptyInbox:
    """An inbox for commands that look at sources without the store."""

    async def read(self, source: str, after: int, limit: int) -> tuple[Kept, ...]:
        return ()


def keep(connection: Connection, source: str, key: str, content_type: str, body: bytes, now: datetime) -> bool:
    """Store a body and make its source due; False where this delivery was kept before. Raises InboxFullError.

    The row of the cursor is locked first, so that ids are committed in their order: none appears behind a reader.
    """
    read = _read_up_to(connection, source, lock=True)
    waiting = sa.select(sa.func.count()).where(inbox.c.source == source, inbox.c.id > read)
    if (connection.scalar(waiting) or 0) >= LONGEST_QUEUE:
        raise InboxFullError(f"{LONGEST_QUEUE} deliveries wait already")
    row = {"source": source, "key": key, "received_at": now, "content_type": content_type, "body": body}
    is_new = connection.scalar(insert_new(connection, inbox).values(row).returning(inbox.c.id)) is not None
    if is_new:
        due = sa.and_(*_part(source), cursors.c.error.is_(None), cursors.c.due_at > now)
        connection.execute(sa.update(cursors).where(due).values(due_at=now))
    return is_new


def stay_due(connection: Connection, source: str, after: int, now: datetime) -> None:
    """Keep the source due where something came while its last page was read."""
    came = sa.select(inbox.c.id).where(inbox.c.source == source, inbox.c.id > after).exists()
    connection.execute(sa.update(cursors).where(*_part(source), came).values(due_at=now))


def forget_read(connection: Connection, source: str, now: datetime) -> None:
    """Delete what was read long enough ago."""
    read = sa.and_(inbox.c.source == source, inbox.c.id <= _read_up_to(connection, source))
    connection.execute(sa.delete(inbox).where(read, inbox.c.received_at < now - REMEMBERED))


def blank_read(connection: Connection, source: str) -> int:
    """Delete the bodies that were read; that these deliveries came is still known. Return how many there were."""
    read = sa.and_(inbox.c.source == source, inbox.c.id <= _read_up_to(connection, source), inbox.c.body != b"")
    return connection.execute(sa.update(inbox).where(read).values(body=b"")).rowcount


def _part(source: str) -> tuple[sa.ColumnElement[bool], ...]:
    """A source is pushed to in the part that bears no name; its others poll."""
    return cursors.c.source == source, cursors.c.part == WHOLE


def _read_up_to(connection: Connection, source: str, *, lock: bool = False) -> int:
    """The id that the cursor of a push source names under `after`."""
    query = sa.select(cursors.c.cursor).where(*_part(source))
    cursor = connection.scalar(query.with_for_update() if lock else query) or {}
    return int(cursor.get("after", 0))
