"""How cases begin: with their mention, in its transaction, or anew when an edit brings something to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor import linking, own_posts
from monitor.schema import case_events, cases, escalations, insert_new
from monitor.sla import Promise, Times
from rules.priority import HIGHEST
from rules.routing import EscalationStep
from sources.base import Post

CHUNK = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a case when its mention is routed."""

    is_direct: bool = False
    priority: int = 0
    promise: Promise | None = None
    times: Times | None = None  # of the promise
    chain: tuple[EscalationStep, ...] = ()

    @property
    def without_clocks(self) -> Opening:
        """Of what nobody waits for any more: held back, or answered already."""
        return replace(self, promise=None, times=None, chain=())


UNKNOWN = Opening()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mention that somebody is to hear of. `is_held`: by a summary only; `is_edit`: because an edit brought news."""

    mention_id: int
    post: Post
    watchlist: str
    label: str  # what the mention is first of all
    opening: Opening
    is_routed: bool  # False: it gets no case, but one that it has may change
    is_held: bool
    is_edit: bool


def open_cases(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> dict[int, str]:
    """Give every mention its case; return by mention who has had the earlier ones of that person or thread."""
    known = _known(connection, [one.mention_id for one in arrivals])
    fresh = [one for one in arrivals if one.is_routed and one.mention_id not in known]
    _begin(connection, fresh, now)
    for one in arrivals:
        if one.mention_id in known:
            _renew(connection, one, now)
    return linking.find_owners(connection, [one.mention_id for one in fresh])


def _begin(connection: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    found = own_posts.find(connection, [one.post for one in arrivals])
    rows: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    chains: list[dict[str, Any]] = []
    for one in arrivals:
        answer, opening = found.answer(one.post), one.opening
        if found.is_addressed(one.post):
            opening = replace(opening, is_direct=True)
        if answer:
            events.append(event(one.mention_id, now, answer.by, "source", "answer"))
        if answer or one.is_held:
            opening = opening.without_clocks
        if opening.chain:
            chains.append(chain_row(one.mention_id, opening.chain, now))
        rows.append({**_row(one.mention_id, opening, answer, now), "watchlist": one.watchlist, "label": one.label})
    for table, values in ((cases, rows), (case_events, events), (escalations, chains)):
        if values:
            connection.execute(insert_new(connection, table), values)


def _known(connection: Connection, ids: Sequence[int]) -> set[int]:
    """Those that have a case, locked: nobody acts on them meanwhile."""
    found: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        query = sa.select(cases.c.mention_id).where(cases.c.mention_id.in_(sorted(ids)[start : start + CHUNK]))
        found |= set(connection.scalars(query.order_by(cases.c.mention_id).with_for_update()))
    return found


def _row(mention_id: int, opening: Opening, answer: own_posts.Answer | None, now: datetime) -> dict[str, Any]:
    return {
        "mention_id": mention_id,
        "state": (CaseState.ANSWERED if answer else CaseState.NEW).value,
        "owner": None,
        "changed_at": now,
        "opened_at": now,
        "is_direct": opening.is_direct,
        "priority": opening.priority,
        "waited": 0,
        "responded_at": min(answer.at, now) if answer else None,
        "tags": [],
        "revision": 0,
    } | clock_values(opening.promise, opening.times)


def clock_values(promise: Promise | None, times: Times | None) -> dict[str, Any]:
    """The columns of an SLA that begins."""
    return {
        "sla": promise and promise.stored(),
        "due_at": times and times.due_at,
        "clock_at": times and times.speaks_at,
    }


def unrouted_case(mention_id: int, watchlist: str, label: str, now: datetime) -> dict[str, Any]:
    """The case of a mention that nobody was told of, once somebody acts on it."""
    return {**_row(mention_id, UNKNOWN, None, now), "watchlist": watchlist, "label": label}


def event(mention_id: int, at: datetime, by: str, through: str, action: str, note: str = "") -> dict[str, Any]:
    """A line of a case's history."""
    return {
        "mention_id": mention_id,
        "at": at,
        "by": by,
        "through": through,
        "action": action,
        "note": note,
        "key": None,
    }


def chain_row(mention_id: int, chain: Sequence[EscalationStep], now: datetime) -> dict[str, Any]:
    """A chain as it is configured now: a later edit of the file does not touch it."""
    ordered = sorted(chain, key=lambda step: step.after)
    return {
        "mention_id": mention_id,
        "chain": [
            {"after": step.after.total_seconds(), "receiver": step.receiver, "on_call": step.on_call}
            for step in ordered
        ],
        "step": 0,
        "next_at": now + ordered[0].after,
        "fence": 0,
        "started_at": now,
        "ended_by": None,
    }


def restart_chain(connection: Connection, mention_id: int, now: datetime) -> None:
    """From its first step, as it was snapshotted."""
    row = connection.execute(sa.select(escalations).where(escalations.c.mention_id == mention_id)).one_or_none()
    if row is None:
        return
    next_at = now + timedelta(seconds=row.chain[0]["after"])
    anew = {"step": 0, "next_at": next_at, "fence": row.fence + 1, "started_at": now, "ended_by": None}
    connection.execute(sa.update(escalations).where(escalations.c.mention_id == mention_id).values(anew))


def _renew(connection: Connection, arrival: Arrival, now: datetime) -> None:
    """An edit that is news, or a verdict that came late, may matter more, promise an answer, open the case again."""
    mention_id, opening = arrival.mention_id, arrival.opening
    row = connection.execute(sa.select(cases).where(cases.c.mention_id == mention_id)).one()
    is_closed = row.state in (CaseState.ANSWERED, CaseState.DISMISSED)
    if is_closed and not arrival.is_edit:
        return
    values: dict[str, Any] = {
        "label": arrival.label,
        "priority": min(HIGHEST, max(row.priority, opening.priority)),
        "is_direct": row.is_direct or opening.is_direct,
    }
    if is_closed:
        values |= {"state": CaseState.NEW.value, "owner": None, "opened_at": now, "changed_at": now, "waited": 0}
        connection.execute(sa.insert(case_events), [event(mention_id, now, "mentiond", "source", "reopen", "edited")])
        restart_chain(connection, mention_id, now)
    if opening.promise and (is_closed or row.due_at is None) and not arrival.is_held:
        values |= clock_values(opening.promise, opening.times)
    connection.execute(sa.update(cases).where(cases.c.mention_id == mention_id).values(values))
    if opening.chain and not arrival.is_held and (is_closed or row.state == CaseState.NEW):
        connection.execute(insert_new(connection, escalations), [chain_row(mention_id, opening.chain, now)])
