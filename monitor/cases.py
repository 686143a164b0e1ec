"""The rows of cases: what people, clocks and answers at the source make of them.

Every step locks its case first, so that of two at the same instant one comes before the other, whoever takes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Action, ActionKind, ActionRefusedError, CaseState, Reason
from monitor.opening import event, restart_chain, unrouted_case
from monitor.own_posts import Answer
from monitor.schema import alerts, case_events, cases, escalations, insert_new, mentions, posts, verdicts
from monitor.transitions import CLOSED, OPEN, Moment, decide
from monitor.updates import touch
from rules.base import UNCLASSIFIED

_CALLS: Final = (Reason.ESCALATION, Reason.WARNING, Reason.REPEAT)  # none of them once a case is closed


def lock(connection: Connection, mention_id: int) -> sa.Row[Any]:
    """The case, which nobody else changes until the end of the transaction.

    Raises ActionRefusedError where the mention is unknown or was withdrawn.
    """
    read = sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
    known = sa.select(mentions.c.watchlist, mentions.c.created_at, verdicts.c.tags, posts.c.deleted_at).join(posts)
    known = known.outerjoin(verdicts, read)
    mention = connection.execute(known.where(mentions.c.id == mention_id)).one_or_none()
    if mention is None:
        raise ActionRefusedError(f"mention {mention_id} is unknown; `mentiond cases` lists them")
    if mention.deleted_at is not None:
        raise ActionRefusedError(f"mention {mention_id} was withdrawn by its source")
    label = mention.tags[0] if mention.tags else UNCLASSIFIED
    fresh = unrouted_case(mention_id, mention.watchlist, label, mention.created_at)
    connection.execute(insert_new(connection, cases), [fresh])
    return connection.execute(_locked(cases.c.mention_id == mention_id)).one()


def _locked(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(cases).where(which).order_by(cases.c.mention_id).with_for_update()


def take_action(connection: Connection, mention_id: int, action: Action, moment: Moment) -> bool:
    """Take it, with its history; False where nothing changed: a key that the case knows, or what was done already.

    Raises ActionRefusedError.
    """
    case = lock(connection, mention_id)
    if action.key and _has_key(connection, mention_id, action.key):
        return False
    values = decide(case, action, moment)
    if values is None:
        return False
    write(connection, case, values, moment.now)
    if action.kind is ActionKind.SNOOZE and action.until:
        _postpone_chain(connection, case, action.until, moment.now)
    line = event(mention_id, moment.now, action.by, action.through, action.kind.value, _note(action))
    connection.execute(sa.insert(case_events), [line | {"key": action.key or None}])
    return True


def _has_key(connection: Connection, mention_id: int, key: str) -> bool:
    known = sa.select(case_events.c.id).where(case_events.c.mention_id == mention_id, case_events.c.key == key)
    return connection.scalar(known) is not None


def _note(action: Action) -> str:
    said = {
        ActionKind.SNOOZE: f"{action.until:%Y-%m-%dT%H:%M:%SZ}" if action.until else "",
        ActionKind.TAG: ", ".join(action.tags),
        ActionKind.CORRECT: ", ".join(action.labels or ()) or "none",
    }.get(action.kind, "")
    return ": ".join(filter(None, (said, action.note)))


def write(connection: Connection, case: sa.Row[Any], values: Mapping[str, Any], now: datetime) -> None:
    """Change the row of a locked case, and what hangs on its state."""
    mention_id, state = case.mention_id, values.get("state", case.state)
    is_moved = state != case.state or values.get("owner", case.owner) != case.owner
    changed = {**values, **({"changed_at": now} if is_moved else {})}
    if changed:
        connection.execute(sa.update(cases).where(cases.c.mention_id == mention_id).values(changed))
    if state == CaseState.NEW and case.state != CaseState.NEW:
        restart_chain(connection, mention_id, now)
    elif state != CaseState.NEW:
        by = values.get("owner") or case.owner or "the source"
        end_chain(connection, mention_id, by)
        drop_calls(connection, mention_id, _CALLS if state not in OPEN else (Reason.ESCALATION,), by)
    touch(connection, [mention_id], now)


def end_chain(connection: Connection, mention_id: int, by: str) -> None:
    """No further step is taken."""
    going = sa.and_(escalations.c.mention_id == mention_id, escalations.c.next_at.is_not(None))
    ended = {"next_at": None, "ended_by": by, "fence": escalations.c.fence + 1}
    connection.execute(sa.update(escalations).where(going).values(ended))


def drop_calls(connection: Connection, mention_id: int, reasons: Sequence[Reason], by: str) -> None:
    """What is owed and was not sent yet calls nobody any more."""
    about = sa.and_(alerts.c.mention_id == mention_id, alerts.c.reason.in_([reason.value for reason in reasons]))
    dropped = {"state": "dropped", "error": f"the case was taken on before, by {by}"}
    connection.execute(sa.update(alerts).where(about, alerts.c.state == "owed").values(dropped))


def _postpone_chain(connection: Connection, case: sa.Row[Any], until: datetime, now: datetime) -> None:
    """The whole chain moves by as long as the case is snoozed."""
    here = escalations.c.mention_id == case.mention_id
    row = connection.execute(sa.select(escalations).where(here)).one_or_none()
    if row is not None and row.next_at is not None:
        by = until - max(now, case.snoozed_until or now)
        moved = {"next_at": row.next_at + by, "started_at": row.started_at + by, "fence": row.fence + 1}
        connection.execute(sa.update(escalations).where(here).values(moved))


def answer_at_source(connection: Connection, ids: Sequence[int], answer: Answer, now: datetime) -> None:
    """The brand answered where the posts stand: cases that wait for it are closed."""
    waiting = sa.and_(cases.c.mention_id.in_(ids), cases.c.state.in_(OPEN))
    for case in connection.execute(_locked(waiting)).all():
        responded = case.responded_at or min(max(answer.at, case.opened_at), now)
        values = {"state": CaseState.ANSWERED.value, "responded_at": responded, **CLOSED}
        write(connection, case, values, now)
        connection.execute(sa.insert(case_events), [event(case.mention_id, now, answer.by, "source", "answer")])


def withdraw(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Their posts are gone: there is nothing left to answer, and no list begins with them."""
    for case in connection.execute(_locked(cases.c.mention_id.in_(ids))).all():
        is_open = case.state in OPEN
        closed = {"state": CaseState.DISMISSED.value, **CLOSED} if is_open else {}
        write(connection, case, {**closed, "priority": 0}, now)
        if is_open:
            connection.execute(sa.insert(case_events), [event(case.mention_id, now, "", "source", "withdraw")])
