"""Lists of cases, the most pressing first, and the figures that leads report."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.schema import IS_QUIET, cases, mentions, posts, verdicts
from rules.base import NONE, UNSURE

_OF_CASE = (
    *("state", "owner", "label", "priority", "is_direct", "tags", "opened_at", "changed_at"),
    *("due_at", "responded_at", "snoozed_until"),
)
_MENTIONED = (
    *(mentions.c[name] for name in ("id", "watchlist", "created_at")),
    *(posts.c[name] for name in ("url", "title", "text")),
    verdicts.c.tags.label("labels"),
)
OPEN = (CaseState.NEW, CaseState.CLAIMED)
QUIET = (UNSURE, NONE)  # labels that only reach routes which spell them out
_MENTION = mentions.c.id == cases.c.mention_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases; every condition that is given must hold."""

    states: tuple[CaseState, ...] = tuple(CaseState)
    overdue_at: datetime | None = None  # promised until then
    owner: str | None = None
    label: str | None = None  # what it is first of all
    watchlist: str | None = None


def select_cases(wanted: Wanted, limit: int) -> sa.Select[Any]:
    """The most pressing first, of equal ones the newest.

    Each state is asked for by itself, so that an index gives its first rows in order, and then they are merged.
    """
    firsts = [_first_of(state, wanted, limit).subquery() for state in wanted.states]
    ranked = sa.union_all(*(sa.select(first) for first in firsts)).subquery("ranked")
    read = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    joined = ranked.join(cases, cases.c.mention_id == ranked.c.mention_id).join(mentions, _MENTION)
    joined = joined.join(posts, posts.c.id == mentions.c.post_id).outerjoin(verdicts, read)
    query = sa.select(*_MENTIONED, *(cases.c[name] for name in _OF_CASE)).select_from(joined)
    query = query.where(posts.c.deleted_at.is_(None))  # none of the open ones, and of the others the last in order
    return query.order_by(cases.c.priority.desc(), cases.c.mention_id.desc()).limit(limit)


def _first_of(state: CaseState, wanted: Wanted, limit: int) -> sa.Select[Any]:
    about = {"owner": wanted.owner, "label": wanted.label, "watchlist": wanted.watchlist}
    conditions = [cases.c[name] == value for name, value in about.items() if value is not None]
    if wanted.overdue_at:
        conditions.append(cases.c.due_at <= wanted.overdue_at)
    query = sa.select(cases.c.mention_id).where(cases.c.state == state.value, *conditions)
    return query.order_by(cases.c.priority.desc(), cases.c.mention_id.desc()).limit(limit)


def select_review(label: str, limit: int, watchlist: str | None = None) -> sa.Select[Any]:
    """What is of that label, one of QUIET, and nobody was told of, the newest first."""
    handled = sa.select(cases.c.mention_id).where(cases.c.mention_id == verdicts.c.mention_id)
    quiet = verdicts.join(mentions, mentions.c.id == verdicts.c.mention_id)
    nothing = (sa.null().label(name) for name in _OF_CASE)
    joined = quiet.join(posts, posts.c.id == mentions.c.post_id)
    query = sa.select(*_MENTIONED, *nothing).select_from(joined)
    query = query.where(IS_QUIET, verdicts.c.tags == [label], verdicts.c.revision == mentions.c.revision)
    query = query.where(posts.c.deleted_at.is_(None), ~handled.exists())
    if watchlist is not None:
        query = query.where(mentions.c.watchlist == watchlist)
    return query.order_by(verdicts.c.mention_id.desc()).limit(limit)


@dataclass(frozen=True, slots=True)
class Figures:
    """How cases of a span of time went. Shares are 0-1; None where there is nothing to take a share of."""

    opened: int
    states: Mapping[str, int]
    answered: int  # for the first time
    proactive: float | None  # of the answered, those that were not addressed to the brand
    median: timedelta | None  # from the mention to its first answer
    kept: float | None  # of the answered with a promise, those in time


def read_figures(connection: Connection, since: datetime, watchlist: str | None = None) -> Figures:
    """Of cases opened, and of those answered, since then."""
    joined = cases.join(mentions, mentions.c.id == cases.c.mention_id)
    about = [] if watchlist is None else [mentions.c.watchlist == watchlist]
    counted = (
        sa.select(cases.c.state, sa.func.count()).select_from(joined).where(mentions.c.created_at >= since, *about)
    )
    states = Counter({state: count for state, count in connection.execute(counted.group_by(cases.c.state))})
    columns = (mentions.c.created_at, cases.c.responded_at, cases.c.due_at, cases.c.is_direct)
    answers = sa.select(*columns).select_from(joined).where(cases.c.responded_at >= since, *about)
    rows = connection.execute(answers).all()
    promised = [row.responded_at <= row.due_at for row in rows if row.due_at is not None]
    waits = [max(row.responded_at - row.created_at, timedelta()) for row in rows]
    return Figures(
        opened=states.total(),
        states={state.value: states[state.value] for state in CaseState},
        answered=len(rows),
        proactive=sum(not row.is_direct for row in rows) / len(rows) if rows else None,
        median=statistics.median(waits) if waits else None,
        kept=sum(promised) / len(promised) if promised else None,
    )
