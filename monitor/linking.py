"""Cases that belong together: of one person, across sources where identities are mapped, or of one thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import EARLIER_SHOWN, CaseState, EarlierCase
from monitor.chunks import chunks
from monitor.schema import cases, mentions, posts


@dataclass(slots=True)
class Earlier:
    """The cases before a case: the newest EARLIER_SHOWN, how many there are, how many and since when of its person."""

    count: int = 0
    by_person: int = 0
    since: datetime | None = None
    shown: list[EarlierCase] = field(default_factory=list)


def find_earlier(connection: Connection, ids: Sequence[int]) -> dict[int, Earlier]:
    """By mention; those without earlier cases are left out."""
    found: dict[int, Earlier] = {}
    for chunk in chunks(ids):
        for row in connection.execute(_ranked(chunk)):
            earlier = found.setdefault(row.later, Earlier(row.total, row.by_person, row.since))
            earlier.shown.append(EarlierCase(row.mention_id, row.opened_at, CaseState(row.state), row.owner))
    return found


def find_owners(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """By mention who had the last of the earlier cases; those that nobody had are left out."""
    owners: dict[int, str] = {}
    for chunk in chunks(ids):
        linked = _links(chunk)
        query = sa.select(linked.c.later, cases.c.owner).join(cases, cases.c.mention_id == linked.c.earlier)
        query = query.where(cases.c.owner.is_not(None)).order_by(linked.c.later, cases.c.mention_id)
        owners |= {row.later: row.owner for row in connection.execute(query)}
    return owners


def _links(ids: Sequence[int]) -> sa.Subquery:
    """Pairs (later, earlier) of mentions of different posts, and whether one person wrote both; `later` are these."""
    post, other = posts.alias("post"), posts.alias("other")
    later, earlier = mentions.alias("later"), mentions.alias("earlier")
    same_person = other.c.person == post.c.person
    same_thread = sa.and_(other.c.source == post.c.source, other.c.thread == post.c.thread)
    pairs = [
        sa.select(later.c.id.label("later"), earlier.c.id.label("earlier"), sa.literal(by_person).label("by_person"))
        .join(post, post.c.id == later.c.post_id)
        .join(other, sa.and_(same, other.c.id != post.c.id))
        .join(earlier, sa.and_(earlier.c.post_id == other.c.id, earlier.c.id < later.c.id))
        .where(later.c.id.in_(ids))
        for same, by_person in ((same_person, 1), (same_thread, 0))
    ]
    found = sa.union_all(*pairs).subquery()
    ids_of = (found.c.later, found.c.earlier)
    once = sa.select(*ids_of, sa.func.max(found.c.by_person).label("by_person")).group_by(*ids_of)
    return once.subquery("linked")


def _ranked(ids: Sequence[int]) -> sa.Select[Any]:
    linked = _links(ids)
    newest_first = cases.c.mention_id.desc()
    of_person = sa.case((linked.c.by_person == 1, cases.c.opened_at))
    ranked = (
        sa.select(
            linked.c.later,
            *(cases.c[name] for name in ("mention_id", "opened_at", "state", "owner")),
            sa.func.count().over(partition_by=linked.c.later).label("total"),
            sa.func.sum(linked.c.by_person).over(partition_by=linked.c.later).label("by_person"),
            sa.func.min(of_person, type_=cases.c.opened_at.type).over(partition_by=linked.c.later).label("since"),
            sa.func.row_number().over(partition_by=linked.c.later, order_by=newest_first).label("rank"),
        )
        .join(cases, cases.c.mention_id == linked.c.earlier)
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.rank <= EARLIER_SHOWN).order_by(ranked.c.later, ranked.c.rank)
