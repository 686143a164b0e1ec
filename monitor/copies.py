"""Copies alert once: what a story has been told of is not told again, but shown in the message that is out.

A copy that carries a label of which the receiver has not heard yet is told like any other mention. When the original
is deleted at its source while nobody has taken its case on, one of its copies takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import GATHERED, CaseState, Reason
from monitor.owed import owed_row
from monitor.schema import (
    alerts,
    cases,
    escalations,
    group_members,
    insert_new,
    mentions,
    posts,
    verdicts,
)
from monitor.stories import story_of
from rules.base import Label

if TYPE_CHECKING:
    from monitor.mentions import News

Told = tuple[int, str, str]  # story, watchlist, receiver
_TELLS: Final = (Reason.FIRST.value, Reason.EDITED.value)
_LABELS: Final = frozenset(Label)


def leave_out_told(connection: Connection, news: Sequence[News]) -> tuple[list[News], list[int]]:
    """The news without the receivers who know of it from a copy, and the mentions of those copies."""
    stories = _stories(connection, [one.post_id for one in news])
    if not stories:
        return list(news), []
    told, originals = _told(connection, set(stories.values()))
    left: list[News] = []
    shown: list[int] = []
    for one in news:
        story, watchlist = stories.get(one.post_id), one.draft.mention.watchlist.name
        if story is None:
            left.append(one)
            continue
        shown += originals.get((story, watchlist), [])
        labels = _LABELS.intersection(one.draft.mention.verdict.tags)
        kept = []
        for decision in one.draft.decisions:
            known = told.setdefault((story, watchlist, decision.receiver), {})
            if not _is_told(known, labels, is_held=one.held_for is not None):
                kept.append(decision)
                known.setdefault("held" if one.held_for else "told", set()).update(labels)
        left.append(replace(one, draft=replace(one.draft, decisions=tuple(kept))))
    return left, shown


def _is_told(known: dict[str, set[str]], labels: Iterable[str], *, is_held: bool) -> bool:
    """Whether somebody heard of these labels; what is held for the summary of a pass only keeps others out of it."""
    states = [state for state in known if state != "held" or is_held]
    return bool(states) and set(labels) <= set().union(*(known[state] for state in states))


def _stories(connection: Connection, post_ids: Sequence[int]) -> dict[int, int]:
    """post -> story, for the copies among them and for what they are copies of."""
    query = sa.select(posts.c.id, posts.c.story_id).where(posts.c.id.in_(post_ids))
    rows = connection.execute(query).all()
    copied = {row.story_id for row in rows if row.story_id is not None}
    return {row.id: row.story_id or row.id for row in rows if row.story_id is not None or row.id in copied}


def _told(
    connection: Connection, stories: set[int]
) -> tuple[dict[Told, dict[str, set[str]]], dict[tuple[int, str], list[int]]]:
    """By story, watchlist and receiver the labels told in each state; by story and watchlist the mentions told."""
    member = group_members.c.mention_id == mentions.c.id
    by_itself = sa.and_(alerts.c.mention_id == mentions.c.id, alerts.c.reason.in_(_TELLS))
    in_group = alerts.c.group_id.in_(sa.select(group_members.c.group_id).where(member))
    joined = (
        mentions.join(posts, posts.c.id == mentions.c.post_id)
        .join(alerts, sa.or_(by_itself, in_group))
        .join(verdicts, sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision))
    )
    is_waiting = sa.and_(alerts.c.state == "held", ~alerts.c.held_for.startswith(GATHERED))
    state = sa.case((is_waiting, "held"), else_="told").label("state")
    columns = (mentions.c.id, story_of().label("story"), mentions.c.watchlist, alerts.c.receiver, state)
    belongs = sa.or_(posts.c.id.in_(stories), posts.c.story_id.in_(stories))
    is_told = alerts.c.state.in_(("owed", "sent", "held"))
    query = sa.select(*columns, verdicts.c.tags).select_from(joined).where(belongs, is_told).order_by(mentions.c.id)
    told: dict[Told, dict[str, set[str]]] = {}
    originals: dict[tuple[int, str], list[int]] = {}
    for row in connection.execute(query):
        known = told.setdefault((row.story, row.watchlist, row.receiver), {})
        known.setdefault(row.state, set()).update(row.tags)
        ids = originals.setdefault((row.story, row.watchlist), [])
        if row.id not in ids:
            ids.append(row.id)
    return told, originals


def hand_over(connection: Connection, mention_ids: Sequence[int], now: datetime) -> None:
    """Before these mentions go with their posts: cases that nobody has taken on live on with a copy, and who was told
    of the original, or was about to be, hears of the copy.
    """
    for mention_id in mention_ids:
        heir = _heir(connection, mention_id)
        if heir is not None and _is_open(connection, mention_id):
            _bequeath(connection, mention_id, heir)
            rows = [_alert_of(connection, row, heir, now) for row in _alerts_about(connection, mention_id)]
            if rows:
                connection.execute(insert_new(connection, alerts), rows)


def _heir(connection: Connection, mention_id: int) -> int | None:
    """The first living copy, for the same watchlist, of which nobody has heard by itself."""
    of = sa.select(story_of().label("story"), mentions.c.watchlist, posts.c.id)
    row = connection.execute(
        of.join(mentions, mentions.c.post_id == posts.c.id).where(mentions.c.id == mention_id)
    ).one()
    belongs = sa.or_(posts.c.id == row.story, posts.c.story_id == row.story)
    lives = sa.and_(posts.c.deleted_at.is_(None), posts.c.id != row.id)
    heard = sa.select(cases.c.mention_id).where(cases.c.mention_id == mentions.c.id)
    query = sa.select(mentions.c.id).join(posts, posts.c.id == mentions.c.post_id)
    query = query.where(belongs, lives, mentions.c.watchlist == row.watchlist, ~heard.exists())
    found: int | None = connection.scalar(query.order_by(mentions.c.id).limit(1))
    return found


def _is_open(connection: Connection, mention_id: int) -> bool:
    """Whether there is a case that nobody has taken on."""
    state = connection.scalar(sa.select(cases.c.state).where(cases.c.mention_id == mention_id))
    return state == CaseState.NEW.value


def _bequeath(connection: Connection, mention_id: int, heir: int) -> None:
    """The heir's case has the clocks and the chain of the first, where that one stands."""
    for table in (cases, escalations):
        row = connection.execute(sa.select(table).where(table.c.mention_id == mention_id)).one_or_none()
        if row is not None:
            connection.execute(insert_new(connection, table), dict(row._mapping) | {"mention_id": heir})


def _alerts_about(connection: Connection, mention_id: int) -> Sequence[sa.Row[Any]]:
    """What tells, or told, of the mention: one row for each receiver and recipient."""
    around = sa.select(group_members.c.group_id).where(group_members.c.mention_id == mention_id)
    about = sa.or_(
        sa.and_(alerts.c.mention_id == mention_id, alerts.c.reason.in_(_TELLS)), alerts.c.group_id.in_(around)
    )
    query = sa.select(alerts).where(about, alerts.c.state.in_(("owed", "sent", "held")))
    told: dict[tuple[str, str], sa.Row[Any]] = {}
    for row in connection.execute(query.order_by(alerts.c.id)):
        told[row.receiver, row.recipient] = row
    return list(told.values())


def _alert_of(connection: Connection, row: sa.Row[Any], heir: int, now: datetime) -> dict[str, Any]:
    owed = owed_row(f"mention:{heir}", row.receiver, row.recipient, Reason.FIRST, 0, now)
    owed |= {"mention_id": heir, "routes": row.routes, "intervals": row.intervals}
    if row.state == "held" and _is_yet_to_come(connection, row):
        return owed | {"state": "held", "held_for": row.held_for}
    return owed


def _is_yet_to_come(connection: Connection, row: sa.Row[Any]) -> bool:
    """Whether nobody has begun to send the summary that the alert waits for."""
    summary = sa.select(alerts.c.id).where(
        alerts.c.subject == row.held_for,
        alerts.c.receiver == row.receiver,
        alerts.c.recipient == row.recipient,
        alerts.c.reason == Reason.DIGEST.value,
        sa.or_(alerts.c.state != "owed", alerts.c.attempts > 0),
    )
    return connection.scalar(summary) is None
