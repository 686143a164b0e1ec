"""The human side of mentions: who has taken one on, who has answered it, what was not worth an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.schema import case_events, cases, insert_new, mentions, posts, verdicts


class CaseAction(StrEnum):
    """What somebody does with a case."""

    CLAIM = "claim"
    ANSWER = "answer"
    DISMISS = "dismiss"
    REOPEN = "reopen"


_LEADS_TO = {
    CaseAction.CLAIM: CaseState.CLAIMED,
    CaseAction.ANSWER: CaseState.ANSWERED,
    CaseAction.DISMISS: CaseState.DISMISSED,
    CaseAction.REOPEN: CaseState.NEW,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Somebody's action, with a note ("" for none)."""

    action: CaseAction
    by: str
    at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A case after a step: `owner` is who has it, None while it is new. `known` is False where there is no mention."""

    mention_id: int
    known: bool
    state: CaseState = CaseState.NEW
    owner: str | None = None


def take_step(connection: Connection, mention_id: int, step: Step) -> Taken:
    """Write the step and its history. A claim of what somebody else has claimed changes nothing: `owner` says who."""
    if connection.scalar(sa.select(mentions.c.id).where(mentions.c.id == mention_id)) is None:
        return Taken(mention_id, known=False)
    connection.execute(insert_new(connection, cases), [new_case(mention_id, step.at)])
    change = sa.update(cases).where(cases.c.mention_id == mention_id)
    if step.action is CaseAction.CLAIM:
        change = change.where(sa.or_(cases.c.state != CaseState.CLAIMED, cases.c.owner == step.by))
    owner = None if step.action is CaseAction.REOPEN else step.by
    changed = connection.execute(change.values(state=_LEADS_TO[step.action], owner=owner, changed_at=step.at))
    if changed.rowcount:
        event = {"mention_id": mention_id, "at": step.at, "by": step.by, "action": step.action, "note": step.note}
        connection.execute(sa.insert(case_events), [event])
    row = connection.execute(sa.select(cases.c.state, cases.c.owner).where(cases.c.mention_id == mention_id)).one()
    return Taken(mention_id, True, CaseState(row.state), row.owner)


def new_case(mention_id: int, at: datetime) -> dict[str, Any]:
    """The row of a case that nobody has touched."""
    return {
        "mention_id": mention_id,
        "state": CaseState.NEW,
        "changed_at": at,
        "opened_at": at,
        "is_direct": False,
        "priority": 0,
        "tags": [],
        "revision": 0,
    }


STATE = sa.func.coalesce(cases.c.state, CaseState.NEW.value)


def select_cases(states: Sequence[CaseState], limit: int) -> sa.Select[Any]:
    """Mentions with their case, the newest first; every state where `states` is empty."""
    read = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    query = (
        sa.select(
            mentions.c.id,
            STATE.label("state"),
            cases.c.owner,
            mentions.c.watchlist,
            verdicts.c.tags,
            posts.c.url,
            posts.c.title,
            posts.c.text,
            mentions.c.created_at,
            cases.c.changed_at,
        )
        .join(posts, posts.c.id == mentions.c.post_id)
        .outerjoin(verdicts, read)
        .outerjoin(cases, cases.c.mention_id == mentions.c.id)
        .where(posts.c.deleted_at.is_(None))
        .order_by(mentions.c.id.desc())
        .limit(limit)
    )
    return query.where(STATE.in_([state.value for state in states])) if states else query
