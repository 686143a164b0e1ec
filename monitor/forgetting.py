"""Erasure by author: everything that is stored of somebody goes, and a tombstone keeps it from coming back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, CursorResult

from monitor import inbox
from monitor.accounts import account_name
from monitor.chunks import chunks
from monitor.copies import hand_over
from monitor.digests import drop_empty_digests
from monitor.schema import (
    alerts,
    case_events,
    corrections,
    group_members,
    groups,
    mentions,
    own_posts,
    posts,
    revisions,
    seen,
    silences,
)
from monitor.store import Store
from monitor.tombstones import bury
from monitor.updates import owe_group_update

log = logging.getLogger("mentiond.forget")

POSTS = 100  # that one transaction erases


@dataclass(slots=True)
class Erased:
    """How many rows of what went."""

    posts: int = 0
    revisions: int = 0
    mentions: int = 0
    case_events: int = 0
    corrections: int = 0
    alerts: int = 0
    alerts_sent: int = 0  # of them; what they told lies with their receivers
    own_posts: int = 0
    silences: int = 0
    inbox: int = 0
    is_new: bool = True  # False: the author had been erased before

    @property
    def counts(self) -> dict[str, int]:
        """Without the flag."""
        return {name: int(count) for name, count in asdict(self).items() if name != "is_new"}


@dataclass(frozen=True, slots=True)
class Whom:
    """The account whose posts go: a name, where it holds, and the sources at which it stands."""

    name: str
    place: str
    sources: tuple[str, ...]


def count_posts(connection: Connection, whom: Whom) -> int:
    """How many posts are stored of the author."""
    query = sa.select(sa.func.count()).select_from(posts)
    return connection.scalar(query.where(_by(posts, whom, spellings(connection, posts, whom)))) or 0


def forget(store: Store, whom: Whom, now: datetime, count: Callable[[], None] = lambda: None) -> Erased:
    """Erase the author, blocking; `count` is called for every post.

    The tombstone comes first, in a transaction of its own: nothing new can come then, and whatever ends this early, the
    same again goes on where it was. Posts go in small transactions, between which a running daemon has its turn.
    """
    erased = Erased(is_new=store.write_now(partial(bury, place=whom.place, author=whom.name, now=now)))
    written = store.write_now(partial(spellings, table=posts, whom=whom))
    while ids := store.write_now(partial(_erase_posts, whom=whom, written=written, erased=erased, now=now)):
        for _ in range(ids):
            count()
    store.write_now(partial(_erase_rest, whom=whom, erased=erased))
    log.info("author erased posts=%d mentions=%d alerts=%d", erased.posts, erased.mentions, erased.alerts)
    return erased


def _erase_posts(connection: Connection, whom: Whom, written: Sequence[str], erased: Erased, now: datetime) -> int:
    """Some of them; how many."""
    _overwrite(connection)
    of = sa.select(posts.c.id, posts.c.source, posts.c.external_id).where(_by(posts, whom, written))
    rows = connection.execute(of.order_by(posts.c.id).limit(POSTS)).all()
    for row in rows:
        _erase_post(connection, row.id, erased, now)
        _delete_seen(connection, row.source, row.external_id)
    return len(rows)


def _erase_rest(connection: Connection, whom: Whom, erased: Erased) -> None:
    _overwrite(connection)
    own = _by(own_posts, whom, spellings(connection, own_posts, whom))
    for row in connection.execute(sa.select(own_posts).where(own)).all():
        _delete_seen(connection, row.source, row.external_id)
    erased.own_posts = _count(connection.execute(sa.delete(own_posts).where(own)))
    erased.silences = _delete_silences(connection, whom)
    for source in whom.sources:
        erased.inbox += inbox.blank_read(connection, source)
    drop_empty_digests(connection)


def _overwrite(connection: Connection) -> None:
    """What is deleted is overwritten in the file as well; PostgreSQL leaves that to its vacuum."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def _by(table: sa.Table, whom: Whom, written: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.source.in_(whom.sources), table.c.author.in_(written))


def spellings(connection: Connection, table: sa.Table, whom: Whom) -> list[str]:
    """The ways in which the author's name is stored; databases fold letters less thoroughly than account_name."""
    query = sa.select(table.c.author).where(table.c.source.in_(whom.sources), table.c.author.is_not(None)).distinct()
    name, rows = account_name(whom.name), connection.execute(query, execution_options={"yield_per": 10_000})
    return [row.author for row in rows if account_name(row.author) == name]


def _erase_post(connection: Connection, post_id: int, erased: Erased, now: datetime) -> None:
    """The post with all that hangs on it; a copy by somebody else takes over where nobody has heard of that."""
    of = mentions.c.post_id == post_id
    ids = list(connection.scalars(sa.select(mentions.c.id).where(of)))
    hand_over(connection, ids, now)
    around = sa.select(group_members.c.group_id).where(group_members.c.mention_id.in_(ids)).distinct()
    grouped = list(connection.scalars(around))
    erased.alerts += _how_many(connection, alerts, alerts.c.mention_id.in_(ids))
    erased.alerts_sent += _how_many(connection, alerts, alerts.c.mention_id.in_(ids), alerts.c.state == "sent")
    erased.case_events += _how_many(connection, case_events, case_events.c.mention_id.in_(ids))
    erased.revisions += _how_many(connection, revisions, revisions.c.post_id == post_id)
    erased.mentions += len(ids)
    gone = sa.delete(corrections).where(corrections.c.mention_id.in_(ids))
    erased.corrections += _count(connection.execute(gone))
    connection.execute(sa.delete(posts).where(posts.c.id == post_id))  # what hangs on it goes with it
    erased.posts += 1
    for group_id in grouped:
        _leave_group(connection, group_id, erased, now)


def _leave_group(connection: Connection, group_id: int, erased: Erased, now: datetime) -> None:
    """A message of several is shown without the author's; one of which nothing is left goes."""
    if connection.scalar(sa.select(group_members.c.mention_id).where(group_members.c.group_id == group_id).limit(1)):
        connection.execute(sa.update(groups).where(groups.c.id == group_id).values(revision=groups.c.revision + 1))
        owe_group_update(connection, group_id, now)
        return
    erased.alerts += _how_many(connection, alerts, alerts.c.group_id == group_id)
    erased.alerts_sent += _how_many(connection, alerts, alerts.c.group_id == group_id, alerts.c.state == "sent")
    connection.execute(sa.delete(groups).where(groups.c.id == group_id))


def _delete_seen(connection: Connection, source: str, external_id: str) -> None:
    here = sa.and_(seen.c.source == source, seen.c.external_id == external_id)
    connection.execute(sa.delete(seen).where(here))


def _delete_silences(connection: Connection, whom: Whom) -> int:
    """Those whose matchers name the author, whatever else they say."""
    named = [
        row.id
        for row in connection.execute(sa.select(silences.c.id, silences.c.matchers))
        if any(_names(matcher, whom.name) for matcher in row.matchers)
    ]
    for chunk in chunks(named):
        connection.execute(sa.delete(silences).where(silences.c.id.in_(chunk)))
    return len(named)


def _names(matcher: str, name: str) -> bool:
    return matcher.lstrip().startswith("author") and account_name(name) in matcher.casefold()


def _how_many(connection: Connection, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0


def _count(result: CursorResult[Any]) -> int:
    return max(0, result.rowcount)
