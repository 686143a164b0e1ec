"""What the brand's own accounts wrote: no mentions, but answers to those that they reply to.

Pages come newest first, so a reply is often read before the post that it answers: it is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.schema import insert_new, mentions, own_posts, posts
from sources.base import Post

CHUNK = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody answered at the source; `by` is the account, "" where only the source says so."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OwnPosts:
    """What is known of the brand's own posts around some posts."""

    written: frozenset[tuple[str, str]]  # (source, external id)
    replies: dict[tuple[str, str], Answer]  # the first to (source, parent)
    remarks: dict[tuple[str, str], Answer]  # the last in (source, thread) that answers nobody in particular

    def is_addressed(self, post: Post) -> bool:
        """Whether the post replies to the brand."""
        return post.parent is not None and (post.source, post.parent) in self.written

    def answer(self, post: Post) -> Answer | None:
        """How the post was answered before it was read."""
        if reply := self.replies.get((post.source, post.external_id)):
            return reply
        remark = self.remarks.get((post.source, post.thread or ""))
        if remark and remark.at >= post.published_at:
            return remark
        return Answer("", post.published_at) if post.answered else None


def keep(connection: Connection, own: Sequence[Post], now: datetime) -> list[Post]:
    """Store what is not stored yet, and return it."""
    rows = [
        {
            "source": post.source,
            "external_id": post.external_id,
            "parent": post.parent,
            "thread": post.thread,
            "author": post.author,
            "published_at": post.published_at,
            "fetched_at": now,
        }
        for post in own
    ]
    if not rows:
        return []
    inserted = insert_new(connection, own_posts).returning(own_posts.c.external_id)
    fresh = set(connection.scalars(inserted, rows))
    return [post for post in own if post.external_id in fresh]


def find(connection: Connection, around: Sequence[Post]) -> OwnPosts:
    """What bears on these posts."""
    written: set[tuple[str, str]] = set()
    replies: dict[tuple[str, str], Answer] = {}
    remarks: dict[tuple[str, str], Answer] = {}
    for source in {post.source for post in around}:
        here = [post for post in around if post.source == source]
        for row in _rows(connection, source, own_posts.c.external_id, (post.parent for post in here)):
            written.add((source, row.external_id))
        for row in _rows(connection, source, own_posts.c.parent, (post.external_id for post in here)):
            replies.setdefault((source, row.parent), Answer(row.author, row.published_at))
        for row in _rows(connection, source, own_posts.c.thread, (post.thread for post in here)):
            if row.parent is None:
                remarks[source, row.thread] = Answer(row.author, row.published_at)
    return OwnPosts(frozenset(written), replies, remarks)


def _rows(
    connection: Connection, source: str, column: sa.Column[str], values: Iterable[str | None]
) -> Iterator[sa.Row[tuple[str, str, str | None, str | None, datetime]]]:
    """The own posts with one of these values, oldest first."""
    wanted = sorted({value for value in values if value})
    for start in range(0, len(wanted), CHUNK):
        query = sa.select(own_posts).where(own_posts.c.source == source, column.in_(wanted[start : start + CHUNK]))
        yield from connection.execute(query.order_by(own_posts.c.published_at))


def answered_by(connection: Connection, own: Post) -> list[int]:
    """The mentions that this post answers: of its parent; without one, all before it in its thread."""
    here = posts.c.source == own.source
    if own.parent is not None:
        asked = posts.c.external_id == own.parent
    elif own.thread is not None:
        asked = sa.and_(posts.c.thread == own.thread, posts.c.published_at <= own.published_at)
    else:
        return []
    query = sa.select(mentions.c.id).join(posts, posts.c.id == mentions.c.post_id).where(here, asked)
    return list(connection.scalars(query.order_by(mentions.c.id)))
