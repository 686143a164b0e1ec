"""What commands read from the store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.assembly import build_desk, utc_now
from monitor.config import Config
from monitor.desk import StoreDesk
from monitor.loading import POST_FIELDS
from monitor.schema import posts
from monitor.store import Store
from sources.base import Post, PostKind

T = TypeVar("T")


def stored_posts(config: Config, since: timedelta) -> list[Post]:
    """Posts that were fetched within `since`, oldest first."""
    query = sa.select(posts).where(posts.c.fetched_at >= utc_now() - since, posts.c.deleted_at.is_(None))
    rows = in_store(config, lambda connection: connection.execute(query.order_by(posts.c.id)).all())
    return [_post(row) for row in rows]


def _post(row: sa.Row[Any]) -> Post:
    values = {field: getattr(row, field) for field in POST_FIELDS}
    return Post(**values | {"kind": PostKind(row.kind)})


def at_desk(config: Config, work: Callable[[StoreDesk], Awaitable[T]]) -> T:
    """What people do, done by the same desk as in the daemon. Raises StoreError."""
    store = Store(config.store.url)
    try:
        store.migrate(check=False)
        desk = build_desk(config, store)
        return asyncio.run(_run(work, desk))
    finally:
        store.close()


async def _run(work: Callable[[StoreDesk], Awaitable[T]], desk: StoreDesk) -> T:
    return await work(desk)


def in_store(config: Config, work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction on the configured store. Raises StoreError."""
    store = Store(config.store.url)
    try:
        store.migrate(check=False)
        return store.write_now(work)
    finally:
        store.close()
