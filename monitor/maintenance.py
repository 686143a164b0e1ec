"""What happens to stored rows by themselves: retention, and verdicts for mentions that went out without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.mentions import Draft, News, announce, store_verdict
from monitor.outbox import JOINED, read_mention
from monitor.schema import alerts, cursors, gaps, mentions, posts, seen, verdicts
from rules.base import Mention

LEAST_SEEN = timedelta(days=30)
GAPS_KEPT = timedelta(days=180)


def apply_retention(
    connection: Connection,
    overlaps: Mapping[str, timedelta],
    retention: timedelta,
    keep_unmatched: timedelta,
    now: datetime,
) -> None:
    """Delete what nobody needs any more. A `seen` row is measured against its source's last pass, never against now."""
    for source, overlap in overlaps.items():
        body_at = connection.scalar(sa.select(sa.func.min(cursors.c.body_at)).where(cursors.c.source == source))
        if body_at is not None:
            old = seen.c.last_seen < body_at - max(LEAST_SEEN, overlap)
            connection.execute(sa.delete(seen).where(seen.c.source == source, old))
    owed = sa.select(mentions.c.post_id).join(alerts, alerts.c.mention_id == mentions.c.id)
    owed = owed.where(alerts.c.state == "owed")
    for matched, age in ((True, retention), (False, keep_unmatched)):
        expired = sa.and_(posts.c.matched == matched, posts.c.fetched_at < now - age, posts.c.id.not_in(owed))
        connection.execute(sa.delete(posts).where(expired))
    finished = sa.and_(alerts.c.mention_id.is_(None), alerts.c.state != "owed", alerts.c.created_at < now - retention)
    connection.execute(sa.delete(alerts).where(finished))
    connection.execute(sa.delete(gaps).where(gaps.c.noticed_at < now - GAPS_KEPT))


def unclassified_mentions(connection: Connection, limit: int) -> list[tuple[int, int, Mention]]:
    """(post_id, revision, mention) of mentions that the classifier has not seen, oldest first."""
    query = (
        sa.select(posts, mentions, verdicts)
        .select_from(JOINED)
        .where(verdicts.c.unclassified, posts.c.deleted_at.is_(None))
        .order_by(mentions.c.id)
        .limit(limit)
    )
    found: list[tuple[int, int, Mention]] = []
    for row in connection.execute(query):
        values: Mapping[Any, Any] = row._mapping
        found.append((values[posts.c.id], values[mentions.c.revision], read_mention(row)))
    return found


def store_classified(
    connection: Connection,
    found: Sequence[tuple[int, int, Draft]],
    recipients: Mapping[str, Sequence[str]],
    now: datetime,
) -> None:
    """Keep late verdicts and route anew: the alert key lets only receivers hear that were not told yet."""
    news = []
    for post_id, revision, draft in found:
        store_verdict(connection, draft.mention.id, revision, draft.mention.verdict)
        news.append(News(draft, post_id, revision, Reason.FIRST, draft.mention.id))
    announce(connection, news, recipients, now)
