"""What happens to stored rows by themselves: retention, and verdicts for mentions that went out without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.calls import told_before
from monitor.digests import is_slot
from monitor.groups import group_receivers
from monitor.loading import JOINED, read_mention
from monitor.mentions import Draft, News, announce, brings_label, offer_held, verdict_row
from monitor.schema import (
    alerts,
    attempts,
    cursors,
    gaps,
    group_members,
    groups,
    mentions,
    own_posts,
    posts,
    seen,
    verdicts,
)
from monitor.updates import touch
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
    digests = sa.select(alerts.c.subject).where(alerts.c.reason == Reason.DIGEST.value, alerts.c.state == "owed")
    owed = owed.where(sa.or_(alerts.c.state == "owed", alerts.c.held_for.in_(digests)))
    grouped = (
        sa.select(mentions.c.post_id)
        .join(group_members, group_members.c.mention_id == mentions.c.id)
        .join(alerts, alerts.c.group_id == group_members.c.group_id)
        .where(alerts.c.state == "owed")
    )
    for matched, age in ((True, retention), (False, keep_unmatched)):
        is_old = sa.and_(posts.c.matched == matched, posts.c.fetched_at < now - age)
        expired = sa.and_(is_old, posts.c.id.not_in(owed), posts.c.id.not_in(grouped))
        connection.execute(sa.delete(posts).where(expired))
    finished = sa.and_(alerts.c.mention_id.is_(None), alerts.c.state != "owed", alerts.c.created_at < now - retention)
    connection.execute(sa.delete(alerts).where(finished))
    empty = sa.and_(groups.c.opened_at < now - retention, groups.c.closed_at.is_not(None))
    told = sa.select(alerts.c.id).where(alerts.c.group_id == groups.c.id).exists()
    connection.execute(sa.delete(groups).where(empty, ~told))
    connection.execute(sa.delete(attempts).where(attempts.c.at < now - retention))
    connection.execute(sa.delete(own_posts).where(own_posts.c.fetched_at < now - retention))
    connection.execute(sa.delete(gaps).where(gaps.c.noticed_at < now - GAPS_KEPT))


def unclassified_mentions(
    connection: Connection, watchlists: Sequence[str], limit: int
) -> list[tuple[int, int, Mention]]:
    """(post_id, revision, mention) of these watchlists' mentions that the classifier has not seen, oldest first."""
    query = (
        sa.select(posts, mentions, verdicts)
        .select_from(JOINED)
        .where(verdicts.c.unclassified, posts.c.deleted_at.is_(None), mentions.c.watchlist.in_(watchlists))
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
    """Keep late verdicts and route anew: only receivers hear that were not told of the mention yet."""
    judged = [one for one in found if _replace_verdict(connection, one[1], one[2].mention)]
    late = [_late_news(connection, *one) for one in judged]
    news = [one for one in late if one is not None]
    announce(connection, news, recipients, now)
    touch(connection, [draft.mention.id for _, _, draft in judged], now)
    for subject in {one.held_for for one in news if one.held_for}:
        digest = sa.select(alerts.c.id).where(alerts.c.subject == subject, alerts.c.reason == Reason.DIGEST.value)
        if connection.scalar(digest.limit(1)) is not None:  # the pass is over, nobody else offers what is held for it
            offer_held(connection, subject, now)


def announce_anew(
    connection: Connection,
    routed: Sequence[tuple[int, int, Draft]],
    recipients: Mapping[str, Sequence[str]],
    now: datetime,
) -> None:
    """Mentions that people routed anew: only receivers hear that were not told yet."""
    news = []
    for post_id, revision, draft in routed:
        told = told_before(connection, draft.mention.id)
        left = tuple(decision for decision in draft.decisions if decision.receiver not in told)
        news.append(News(replace(draft, decisions=left), post_id, revision, Reason.FIRST, draft.mention.id))
    announce(connection, news, recipients, now)


def _replace_verdict(connection: Connection, revision: int, mention: Mention) -> bool:
    """False where the mention was edited, deleted or classified since it was read."""
    current = sa.select(mentions.c.id).join(posts).where(mentions.c.id == mention.id, mentions.c.revision == revision)
    waiting = sa.and_(
        verdicts.c.mention_id.in_(current.where(posts.c.deleted_at.is_(None))),
        verdicts.c.revision == revision,
        verdicts.c.unclassified,
    )
    values = verdict_row(mention.id, revision, mention.verdict)
    return connection.execute(sa.update(verdicts).where(waiting).values(values)).rowcount == 1


def _late_news(connection: Connection, post_id: int, revision: int, draft: Draft) -> News | None:
    mention = draft.mention
    earlier = (verdicts.c.mention_id == mention.id, verdicts.c.revision < revision, ~verdicts.c.unclassified)
    tags = connection.scalars(sa.select(verdicts.c.tags).where(*earlier)).all()
    if tags:  # it is the verdict on an edit that came late
        is_news = brings_label(mention.verdict, tags)
        return News(draft, post_id, revision, Reason.EDITED, mention.id) if is_news else None
    told = connection.execute(
        sa.select(alerts.c.receiver, alerts.c.held_for).where(alerts.c.mention_id == mention.id)
    ).all()
    receivers = {receiver for receiver, _ in told} | group_receivers(connection, mention.id)
    left = tuple(decision for decision in draft.decisions if decision.receiver not in receivers)
    held_for = next((subject for _, subject in told if subject and not is_slot(subject)), None)
    return News(replace(draft, decisions=left), post_id, revision, Reason.FIRST, mention.id, held_for)
