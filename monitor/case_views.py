"""Cases as people are shown them: with their history and the earlier ones of the same person or thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import EVENTS_SHOWN, CaseEvent, CaseState, CaseView, Found
from monitor.chunks import chunks
from monitor.corrected import with_corrections
from monitor.linking import Earlier, find_earlier
from monitor.loading import JOINED, read_mention
from monitor.schema import case_events, cases, mentions, posts, verdicts
from rules.base import Watchlist


def load_cases(connection: Connection, ids: Sequence[int]) -> dict[int, CaseView]:
    """By mention; one that nobody was told of and nobody acted on has no case."""
    found: dict[int, CaseView] = {}
    for chunk in chunks(ids):
        history, earlier = _history(connection, chunk), find_earlier(connection, chunk)
        for row in connection.execute(sa.select(cases).where(cases.c.mention_id.in_(chunk))):
            found[row.mention_id] = _view(row, history.get(row.mention_id, []), earlier.get(row.mention_id, Earlier()))
    return found


def _view(row: sa.Row[Any], events: Sequence[CaseEvent], earlier: Earlier) -> CaseView:
    return CaseView(
        mention_id=row.mention_id,
        state=CaseState(row.state),
        owner=row.owner,
        changed_at=row.changed_at,
        opened_at=row.opened_at,
        is_direct=row.is_direct,
        priority=row.priority,
        due_at=row.due_at,
        responded_at=row.responded_at,
        snoozed_until=row.snoozed_until,
        tags=tuple(row.tags),
        events=tuple(events),
        earlier=tuple(earlier.shown),
        earlier_count=earlier.count,
        earlier_by_person=earlier.by_person,
        earlier_since=earlier.since,
    )


def _history(connection: Connection, ids: Sequence[int]) -> dict[int, list[CaseEvent]]:
    """The last EVENTS_SHOWN of each case, oldest first."""
    case, newest_first = case_events.c.mention_id, case_events.c.id.desc()
    ranked = (
        sa.select(*case_events.c, sa.func.row_number().over(partition_by=case, order_by=newest_first).label("rank"))
        .where(case_events.c.mention_id.in_(ids))
        .subquery()
    )
    found: dict[int, list[CaseEvent]] = {}
    for row in connection.execute(sa.select(ranked).where(ranked.c.rank <= EVENTS_SHOWN).order_by(ranked.c.id)):
        line = CaseEvent(row.at, row.by, row.through, row.action, row.note)
        found.setdefault(row.mention_id, []).append(line)
    return found


def find_mentions(connection: Connection, ids: Sequence[int], watchlists: Mapping[str, Watchlist]) -> tuple[Found, ...]:
    """Mentions with their cases, in the order of `ids`; those that are unknown or were withdrawn are left out."""
    known = load_cases(connection, ids)
    stored = sa.select(posts, mentions, verdicts).select_from(JOINED).where(posts.c.deleted_at.is_(None))
    rows = connection.execute(stored.where(mentions.c.id.in_(ids))).all()
    told = with_corrections(connection, [read_mention(row, watchlists) for row in rows])
    found: dict[int, Found] = {}
    for row, mention in zip(rows, told, strict=True):
        created_at: datetime = row._mapping[mentions.c.created_at]
        found[mention.id] = Found(mention, known.get(mention.id) or _untouched(mention.id, created_at))
    return tuple(found[mention_id] for mention_id in ids if mention_id in found)


def _untouched(mention_id: int, at: datetime) -> CaseView:
    """Of a mention that nobody was told of."""
    return CaseView(
        mention_id=mention_id,
        state=CaseState.NEW,
        owner=None,
        changed_at=at,
        opened_at=at,
        is_direct=False,
        priority=0,
    )
