"""Alerts that call somebody to a case: the next step of an escalation, a warning, a case that speaks up again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Member, Reason
from monitor.owed import owed_row
from monitor.people import Teams
from monitor.schema import alerts, group_members, insert_new, mentions


@dataclass(frozen=True, slots=True)
class Callers:
    """Whom alerts can be owed to, as the configuration says now. `team_of`: watchlist -> its team."""

    recipients: Mapping[str, Sequence[str]]  # receiver -> addresses
    teams: Teams
    team_of: Mapping[str, str | None]

    def responsible(self, connection: Connection, case: sa.Row[Any], at: datetime) -> Member | None:
        """The owner of the case, else who is on call in the team of its watchlist; None: nobody that is known."""
        if owner := self.teams.member(case.owner):
            return owner
        query = sa.select(mentions.c.watchlist).where(mentions.c.id == case.mention_id)
        return self.teams.on_call(self.team_of.get(connection.scalar(query) or ""), at)


def last_call(connection: Connection, mention_id: int, reason: Reason) -> int:
    """The n of the last call for this reason, however long ago; 0 before the first."""
    about = (alerts.c.mention_id == mention_id, alerts.c.reason == reason.value)
    return connection.scalar(sa.select(sa.func.max(alerts.c.n)).where(*about)) or 0


def told_before(connection: Connection, mention_id: int) -> dict[str, list[str]]:
    """The receivers and recipients who heard of the mention first, by itself or in a group."""
    groups = sa.select(group_members.c.group_id).where(group_members.c.mention_id == mention_id)
    about = sa.or_(alerts.c.mention_id == mention_id, alerts.c.group_id.in_(groups))
    is_news = alerts.c.reason.in_((Reason.FIRST.value, Reason.EDITED.value))
    query = sa.select(alerts.c.receiver, alerts.c.recipient).where(about, is_news, alerts.c.state != "dropped")
    found: dict[str, list[str]] = {}
    for receiver, recipient in connection.execute(query.distinct().order_by(alerts.c.receiver, alerts.c.recipient)):
        found.setdefault(receiver, []).append(recipient)
    return found


def hurry_repeats(connection: Connection, mention_id: int, now: datetime) -> set[str]:
    """What was to be said again later is said now; return the receivers that are owed it."""
    here = sa.and_(alerts.c.mention_id == mention_id, alerts.c.reason == Reason.REPEAT.value, alerts.c.state == "owed")
    return set(connection.scalars(sa.update(alerts).where(here).values(due_at=now).returning(alerts.c.receiver)))


def owe_call(
    connection: Connection,
    case: sa.Row[Any],
    to: Mapping[str, Sequence[str]],
    reason: Reason,
    n: int,
    called: Iterable[Member],
    now: datetime,
) -> None:
    """Owe it to these receivers and recipients."""
    names = [member.name for member in called]
    rows = [
        owed_row(f"mention:{case.mention_id}", receiver, recipient, reason, n, now)
        | {"mention_id": case.mention_id, "called": names}
        for receiver, recipients in to.items()
        for recipient in recipients
    ]
    if rows:
        connection.execute(insert_new(connection, alerts), rows)
