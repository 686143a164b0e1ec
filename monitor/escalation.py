"""Escalation chains: who is called next where nobody takes a case on.

A chain is kept as it was configured when its mention was routed. A step moves it under the condition of its fence, in
one transaction with the alerts that the step owes; taking the case on ends it in a transaction of its own. Both lock
the case first: whoever comes second finds what the first has written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState, Reason
from monitor.calls import Callers, last_call, owe_call
from monitor.opening import event
from monitor.schema import case_events, cases, escalations
from monitor.updates import touch

BATCH = 200  # steps in one transaction
LATE: Final = timedelta(minutes=1)  # a step that is due for so long is stuck


def _going(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(escalations.c.next_at <= now, escalations.c.ended_by.is_(None))


def _awake(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(cases.c.snoozed_until.is_(None), cases.c.snoozed_until <= now)


def due_steps(connection: Connection, now: datetime) -> list[tuple[int, int]]:
    """(mention, fence) of the chains whose next step is due, the longest due first."""
    query = sa.select(escalations.c.mention_id, escalations.c.fence).join(
        cases, cases.c.mention_id == escalations.c.mention_id
    )
    due = query.where(_going(now), _awake(now)).order_by(escalations.c.next_at).limit(BATCH)
    return [(row.mention_id, row.fence) for row in connection.execute(due)]


def take_steps(
    connection: Connection, due: Sequence[tuple[int, int]], callers: Callers, now: datetime
) -> frozenset[str]:
    """Take the steps that are still due; return the receivers that are owed something."""
    fences, told = dict(due), set[str]()
    locked = sa.select(cases).where(cases.c.mention_id.in_(fences), _awake(now)).order_by(cases.c.mention_id)
    for case in connection.execute(locked.with_for_update()).all():
        told |= _take_step(connection, case, fences[case.mention_id], callers, now)
    return frozenset(told)


def _take_step(connection: Connection, case: sa.Row[Any], fence: int, callers: Callers, now: datetime) -> set[str]:
    here = sa.and_(escalations.c.mention_id == case.mention_id, escalations.c.fence == fence, _going(now))
    chain = connection.execute(sa.select(escalations).where(here)).one_or_none()
    if chain is None:
        return set()
    if case.state != CaseState.NEW:
        moved: dict[str, Any] = {"next_at": None, "ended_by": case.owner or case.state}
    else:
        moved = _next(chain)
    if not connection.execute(sa.update(escalations).where(here).values(**moved, fence=fence + 1)).rowcount:
        return set()
    return _call(connection, case, chain, callers, now) if case.state == CaseState.NEW else set()


def _next(chain: sa.Row[Any]) -> dict[str, Any]:
    step = chain.step + 1
    if step >= len(chain.chain):
        return {"step": step, "next_at": None, "ended_by": "its last step"}
    return {"step": step, "next_at": chain.started_at + timedelta(seconds=chain.chain[step]["after"])}


def _call(connection: Connection, case: sa.Row[Any], chain: sa.Row[Any], callers: Callers, now: datetime) -> set[str]:
    step = chain.chain[chain.step]
    receiver = step["receiver"]
    on_call = callers.teams.on_call(step["on_call"], now)
    n = last_call(connection, case.mention_id, Reason.ESCALATION) + 1
    to = {receiver: callers.recipients.get(receiver, ())}
    owe_call(connection, case, to, Reason.ESCALATION, n, [on_call] if on_call else [], now)
    note = f"{receiver}, {on_call.name}" if on_call else receiver
    connection.execute(sa.insert(case_events), [event(case.mention_id, now, "mentiond", "mentiond", "escalate", note)])
    return {receiver, *touch(connection, [case.mention_id], now)}


def stuck_chains(connection: Connection, now: datetime) -> list[int]:
    """The mentions whose chain has not moved though it should have: a step long due, or a case that was taken on."""
    is_late = sa.and_(cases.c.state == CaseState.NEW.value, escalations.c.next_at <= now - LATE, _awake(now))
    is_left_over = sa.and_(cases.c.state != CaseState.NEW.value, escalations.c.next_at.is_not(None))
    query = sa.select(escalations.c.mention_id).join(cases, cases.c.mention_id == escalations.c.mention_id)
    return list(connection.scalars(query.where(sa.or_(is_late, is_left_over)).order_by(escalations.c.mention_id)))
