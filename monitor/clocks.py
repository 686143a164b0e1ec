"""What happens to cases by themselves: warnings of a promise, the end of a snooze, a priority that grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.calls import Callers, hurry_repeats, last_call, owe_call, told_before
from monitor.opening import event
from monitor.schema import IS_NEW, case_events, cases
from monitor.sla import Promise
from monitor.transitions import OPEN
from monitor.updates import touch
from rules.priority import HIGHEST

BATCH = 200  # cases in one transaction
GROWN = 5000  # cases whose priority grows in one transaction
WAITS: Final = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1), timedelta(days=3))
POINTS: Final = 4  # that a case gains with each of them


def _speaks(now: datetime) -> sa.ColumnElement[bool]:
    awake = sa.or_(cases.c.snoozed_until.is_(None), cases.c.snoozed_until <= now)
    return sa.and_(cases.c.clock_at <= now, awake)


def _wakes(now: datetime) -> sa.ColumnElement[bool]:
    return cases.c.snoozed_until <= now


def due_warnings(connection: Connection, now: datetime) -> list[int]:
    """Cases whose promise is about to be broken, or is."""
    return _due(connection, _speaks(now), cases.c.clock_at)


def due_wakings(connection: Connection, now: datetime) -> list[int]:
    """Cases whose snooze is over."""
    return _due(connection, _wakes(now), cases.c.snoozed_until)


def _due(connection: Connection, which: sa.ColumnElement[bool], order: sa.Column[datetime]) -> list[int]:
    return list(connection.scalars(sa.select(cases.c.mention_id).where(which).order_by(order).limit(BATCH)))


def warn(connection: Connection, ids: Sequence[int], callers: Callers, now: datetime) -> frozenset[str]:
    """Owe the warnings that are still due; return the receivers that are owed something."""
    return _each(connection, ids, _speaks(now), lambda case: _warn(connection, case, callers, now))


def wake(connection: Connection, ids: Sequence[int], callers: Callers, now: datetime) -> frozenset[str]:
    """End the snoozes that are still over; return the receivers that are owed something."""
    return _each(connection, ids, _wakes(now), lambda case: _wake(connection, case, callers, now))


def _each(
    connection: Connection,
    ids: Sequence[int],
    which: sa.ColumnElement[bool],
    work: Callable[[sa.Row[Any]], set[str]],
) -> frozenset[str]:
    query = sa.select(cases).where(cases.c.mention_id.in_(ids), which).order_by(cases.c.mention_id).with_for_update()
    told = [work(case) for case in connection.execute(query).all()]
    return frozenset().union(*told)


def _warn(connection: Connection, case: sa.Row[Any], callers: Callers, now: datetime) -> set[str]:
    """Odd numbers say that a promise is about to be broken, even ones that it is; a case opened again counts on."""
    is_broken = case.due_at is None or case.due_at <= now
    _set(connection, case, clock_at=None if is_broken else case.due_at)
    if case.state not in OPEN or case.due_at is None or not case.sla:
        return set()
    last = last_call(connection, case.mention_id, Reason.WARNING)
    n = last + 1 if (last % 2 == 1) == is_broken else last + 2
    receivers = Promise.read(case.sla).receivers
    to = {receiver: callers.recipients.get(receiver, ()) for receiver in receivers}
    return _call(connection, case, to, callers, Reason.WARNING, n, now)


def _wake(connection: Connection, case: sa.Row[Any], callers: Callers, now: datetime) -> set[str]:
    """The case speaks up again, unless a warning is due that does."""
    _set(connection, case, snoozed_until=None)
    if case.state not in OPEN or (case.clock_at is not None and case.clock_at <= now):
        return set(touch(connection, [case.mention_id], now))
    n = last_call(connection, case.mention_id, Reason.REPEAT) + 1
    hurried = hurry_repeats(connection, case.mention_id, now)
    told = {name: to for name, to in told_before(connection, case.mention_id).items() if name in callers.recipients}
    to = {name: recipients for name, recipients in told.items() if name not in hurried}
    return hurried | _call(connection, case, to, callers, Reason.REPEAT, n, now)


def _set(connection: Connection, case: sa.Row[Any], **values: datetime | None) -> None:
    connection.execute(sa.update(cases).where(cases.c.mention_id == case.mention_id).values(values))


def _call(
    connection: Connection,
    case: sa.Row[Any],
    to: Mapping[str, Sequence[str]],
    callers: Callers,
    reason: Reason,
    n: int,
    now: datetime,
) -> set[str]:
    responsible = callers.responsible(connection, case, now)
    owe_call(connection, case, to, reason, n, [responsible] if responsible else [], now)
    action = {Reason.REPEAT: "wake", Reason.WARNING: "warn" if n % 2 else "breach"}[reason]
    note = responsible.name if responsible else ""
    connection.execute(sa.insert(case_events), [event(case.mention_id, now, "mentiond", "mentiond", action, note)])
    return {*to, *touch(connection, [case.mention_id], now)}


def grow(connection: Connection, now: datetime) -> None:
    """Who waits matters more: a few points after each of WAITS, while nobody has taken the case on."""
    for waited, span in enumerate(WAITS):
        due = sa.and_(IS_NEW, cases.c.waited == waited, cases.c.opened_at <= now - span)
        ids = sa.select(cases.c.mention_id).where(due).limit(GROWN).scalar_subquery()
        grown = sa.case((cases.c.priority > HIGHEST - POINTS, HIGHEST), else_=cases.c.priority + POINTS)
        change = sa.update(cases).where(cases.c.mention_id.in_(ids), cases.c.waited == waited)
        connection.execute(change.values(waited=waited + 1, priority=grown))
