"""Messages that are out are edited in place: one `update` row for each of them, raised whenever what it shows changes.

A message shows the revision of its subject, that of the case of its mention or that of its group. The row of its update
carries the revision that the subject has reached, and is owed until that one has been shown: a thousand changes while
the channel is busy are one edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.chunks import chunks
from monitor.owed import owed_row
from monitor.schema import alerts, cases, channels, group_members, groups

UPDATE_EVERY = timedelta(seconds=3)  # at the soonest, between two edits of one message
MESSAGES: Final = tuple(  # what leaves a message that shows a case; notices show none, digests too many
    reason.value for reason in (Reason.FIRST, Reason.EDITED, Reason.ESCALATION, Reason.REPEAT, Reason.WARNING)
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is out at one receiver for a mention or for a group; one of the two ids is None."""

    subject: str
    receiver: str
    recipient: str
    mention_id: int | None
    group_id: int | None


def touch(connection: Connection, mention_ids: Sequence[int], now: datetime) -> frozenset[str]:
    """What messages show of these mentions has changed; to be called in the transaction that changes it.

    Moves the revisions of their cases and groups on, and owes an update to every message that is out for them, at
    receivers that can edit theirs. Returns these receivers, so that they can be woken.
    """
    touched: set[str] = set()
    for chunk in chunks(sorted(set(mention_ids))):
        connection.execute(sa.update(cases).where(cases.c.mention_id.in_(chunk)).values(revision=cases.c.revision + 1))
        around = sa.select(group_members.c.group_id).where(group_members.c.mention_id.in_(chunk))
        connection.execute(sa.update(groups).where(groups.c.id.in_(around)).values(revision=groups.c.revision + 1))
        touched |= owe_updates(connection, chunk, now)
    return frozenset(touched)


def owe_updates(connection: Connection, mention_ids: Sequence[int], now: datetime) -> set[str]:
    """Owe the updates of what is out for these mentions (one chunk at the most); return who is owed one.

    Where a mention is in a group, its own messages there are replies below that of the group, which shows the case.
    """
    around = sa.select(group_members.c.group_id).where(group_members.c.mention_id.in_(mention_ids))
    concerned = sa.or_(alerts.c.mention_id.in_(mention_ids), alerts.c.group_id.in_(around))
    messages = _messages(connection, concerned)
    pairs = sa.select(group_members.c.mention_id, group_members.c.group_id)
    members = {tuple(pair) for pair in connection.execute(pairs.where(group_members.c.mention_id.in_(mention_ids)))}
    grouped = {
        (mention_id, row.receiver, row.recipient)
        for row in messages
        for mention_id, group_id in members
        if group_id == row.group_id
    }
    own = [row for row in messages if (row.mention_id, row.receiver, row.recipient) not in grouped]
    return _raise(connection, own, now)


def is_out() -> sa.ColumnElement[bool]:
    """A message that can be edited: it was sent, and its receipt says how to find it."""
    updatable = sa.select(channels.c.receiver).where(channels.c.updatable)
    return sa.and_(
        alerts.c.state == "sent",
        alerts.c.reference.is_not(None),
        alerts.c.reference != "",
        alerts.c.reason.in_(MESSAGES),
        alerts.c.receiver.in_(updatable),
    )


def owe_group_update(connection: Connection, group_id: int, now: datetime) -> set[str]:
    """The same for the message of one group, whoever its members are."""
    return _raise(connection, _messages(connection, alerts.c.group_id == group_id), now)


def settle(connection: Connection, message: sa.Row[Any], shown: int, now: datetime) -> None:
    """A message went out that shows this revision of its subject: it is owed an update where that has moved on."""
    subject = (message.mention_id, message.group_id)
    if subject == (None, None) or revisions(connection, [subject])[subject] <= shown:
        return
    if message.group_id is not None:
        owe_group_update(connection, message.group_id, now)
    else:
        owe_updates(connection, [message.mention_id], now)


def _messages(connection: Connection, which: sa.ColumnElement[bool]) -> list[Message]:
    query = sa.select(*(alerts.c[name] for name in Message.__dataclass_fields__)).where(which, is_out()).distinct()
    return [Message(*row) for row in connection.execute(query)]


def _raise(connection: Connection, messages: Sequence[Message], now: datetime) -> set[str]:
    if not messages:
        return set()
    reached = revisions(connection, [(row.mention_id, row.group_id) for row in messages])
    rows = [
        owed_row(row.subject, row.receiver, row.recipient, Reason.UPDATE, 0, now)
        | {"mention_id": row.mention_id, "group_id": row.group_id}
        | {"revision": reached[row.mention_id, row.group_id]}
        for row in messages
    ]
    connection.execute(_upsert(connection, now), rows)
    return {row.receiver for row in messages}


def _upsert(connection: Connection, now: datetime) -> sqlite.Insert | postgresql.Insert:
    """A row that is owed already keeps its place and its failures; one that ended is owed anew, not too soon."""
    statement = sqlite.insert(alerts) if connection.dialect.name == "sqlite" else postgresql.insert(alerts)
    is_owed = alerts.c.state == "owed"
    values = {
        "state": "owed",
        "revision": statement.excluded.revision,
        "due_at": sa.case(
            (is_owed, alerts.c.due_at),
            (alerts.c.sent_at > now - UPDATE_EVERY, sa.literal(now + UPDATE_EVERY, alerts.c.due_at.type)),
            else_=statement.excluded.due_at,
        ),
        "attempts": sa.case((is_owed, alerts.c.attempts), else_=0),
        "failed_since": sa.case((is_owed, alerts.c.failed_since)),
        "error": sa.case((is_owed, alerts.c.error)),
    }
    key = ("subject", "receiver", "recipient", "reason", "n")
    return statement.on_conflict_do_update(index_elements=key, set_=values)


def revisions(
    connection: Connection, subjects: Iterable[tuple[int | None, int | None]]
) -> Mapping[tuple[int | None, int | None], int]:
    """By (mention, group), one of them None: what it has reached; 0 where there is no case."""
    wanted = set(subjects)
    found: dict[tuple[int | None, int | None], int] = dict.fromkeys(wanted, 0)
    mention_ids, group_ids = ([key[place] for key in wanted if key[place] is not None] for place in (0, 1))
    for chunk in chunks(mention_ids):
        query = sa.select(cases.c.mention_id, cases.c.revision).where(cases.c.mention_id.in_(chunk))
        found |= {(row.mention_id, None): row.revision for row in connection.execute(query)}
    for chunk in chunks(group_ids):
        query = sa.select(groups.c.id, groups.c.revision).where(groups.c.id.in_(chunk))
        found |= {(None, row.id): row.revision for row in connection.execute(query)}
    return found
