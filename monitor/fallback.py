"""Who hears instead while a channel is stopped: what it is owed stays owed to it, and is owed to its fallback too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor.groups import close_all
from monitor.loading import held_for
from monitor.owed import owed_row
from monitor.schema import alerts, insert_new

KEPT = ("mention_id", "group_id", "intervals", "called", "notice", "held_for", "state")
NOT_HANDED_OVER = (Reason.UPDATE.value, Reason.REPEAT.value)  # of messages that are there, not here


@dataclass(frozen=True, slots=True)
class Fallback:
    """The receiver that hears instead."""

    receiver: str
    recipients: tuple[str, ...]


def waiting(
    connection: Connection, receiver: str, fallback: Fallback, since: datetime | None, now: datetime
) -> list[int]:
    """What became due for the stopped receiver since then and its fallback does not know."""
    copy = alerts.alias()
    same = (copy.c[name] == alerts.c[name] for name in ("subject", "reason", "n"))
    is_known = sa.select(copy.c.id).where(*same, copy.c.receiver == fallback.receiver).exists()
    query = sa.select(alerts.c.id).where(
        alerts.c.receiver == receiver,
        alerts.c.state == "owed",
        alerts.c.reason.not_in(NOT_HANDED_OVER),
        alerts.c.due_at <= now,
        ~is_known,
    )
    if since is not None:
        query = query.where(alerts.c.due_at > since)
    return list(connection.scalars(query.order_by(alerts.c.id)))


def hand_over(
    connection: Connection, ids: Sequence[int], fallback: Fallback, now: datetime, why: str = "which is stopped"
) -> None:
    """Owe these alerts to the fallback too, with what digests among them offer; what it was told is not doubled."""
    rows: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for start in range(0, len(ids), 500):
        query = sa.select(alerts).where(alerts.c.id.in_(ids[start : start + 500])).order_by(alerts.c.id)
        for row in connection.execute(query).all():
            rows.setdefault((row.subject, row.reason, row.n), _copies(connection, row, fallback, now, why))
    flat = [copy for copies in rows.values() for copy in copies]
    if flat:
        connection.execute(insert_new(connection, alerts), flat)


def _copies(
    connection: Connection, row: sa.Row[Any], fallback: Fallback, now: datetime, why: str
) -> list[dict[str, Any]]:
    told = [row]
    if row.reason == Reason.DIGEST:
        told += connection.execute(sa.select(alerts).where(held_for(row)).order_by(alerts.c.id)).all()
    return [_copy(one, fallback.receiver, recipient, now, why) for one in told for recipient in fallback.recipients]


def _copy(row: sa.Row[Any], receiver: str, recipient: str, now: datetime, why: str) -> dict[str, Any]:
    copy = owed_row(row.subject, receiver, recipient, Reason(row.reason), row.n, now)
    copy |= {name: getattr(row, name) for name in KEPT}
    return copy | {"routes": [f"instead of {row.receiver}, {why}", *row.routes]}


def take_over(
    connection: Connection, configured: Collection[str], fallback: Fallback | None, now: datetime
) -> dict[str, int]:
    """What receivers are owed that are configured no longer goes to the fallback; without one it is dead, and seen.

    Returns how many alerts each of them left behind.
    """
    owed = sa.and_(alerts.c.state.in_(("owed", "held")), alerts.c.receiver.not_in(configured))
    left = connection.execute(sa.select(alerts.c.receiver, sa.func.count()).where(owed).group_by(alerts.c.receiver))
    counts = {receiver: count for receiver, count in left}
    for receiver in counts:
        mine = sa.and_(owed, alerts.c.receiver == receiver)
        sendable = sa.and_(mine, alerts.c.state == "owed", alerts.c.reason.not_in(NOT_HANDED_OVER))
        if fallback:
            ids = list(connection.scalars(sa.select(alerts.c.id).where(sendable).order_by(alerts.c.id)))
            hand_over(connection, ids, fallback, now, "which is no longer configured")
        told = f"; {fallback.receiver} hears instead" if fallback else ""
        close_all(connection, receiver, now)
        ended = {"state": "dropped" if fallback else "dead", "error": f"the receiver is no longer configured{told}"}
        connection.execute(sa.update(alerts).where(mine).values(ended))
    return counts
