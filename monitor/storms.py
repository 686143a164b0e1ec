"""The storm brake: beyond so many messages about one watchlist in a time, one message takes all further mentions.

A storm is a group that grows. Where messages can be edited it stays open, its message shows the exact count, and it
ends when no more than half of the limit came within the time; elsewhere each of its messages is closed when it is sent,
and the next one follows no sooner than the time of the brake.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor import groups as grouping
from monitor.groups import GroupKey
from monitor.schema import alerts, channels, group_members, groups, mentions
from monitor.updates import owe_group_update


@dataclass(frozen=True, slots=True)
class Brake:
    """As configured for a receiver: more than `count` messages of a watchlist `within` this time are a storm."""

    count: int
    within: timedelta
    can_grow: bool  # its messages can be edited


def read_brakes(connection: Connection) -> Mapping[str, Brake]:
    """By receiver; those without one are left out."""
    query = sa.select(channels).where(channels.c.storm_count.is_not(None))
    return {
        row.receiver: Brake(row.storm_count, timedelta(seconds=row.storm_seconds), row.updatable)
        for row in connection.execute(query)
    }


def storm_key(receiver: str, watchlist: str) -> GroupKey:
    """The group of a storm."""
    return GroupKey(receiver, (("watchlist", watchlist),), is_storm=True)


def count_recent(connection: Connection, receiver: str, since: datetime) -> Counter[str]:
    """By watchlist: messages owed to the receiver since then, and mentions that joined its storms."""
    made = sa.and_(
        alerts.c.receiver == receiver,
        alerts.c.created_at > since,
        alerts.c.reason.in_((Reason.FIRST.value, Reason.EDITED.value)),
        alerts.c.state != "held",
    )
    watchlist = mentions.c.watchlist
    single = sa.select(watchlist, sa.func.count(alerts.c.subject.distinct())).join(
        alerts, alerts.c.mention_id == mentions.c.id
    )
    grouped = (
        sa.select(watchlist, sa.func.count(alerts.c.group_id.distinct()))
        .join(group_members, group_members.c.mention_id == mentions.c.id)
        .join(groups, sa.and_(groups.c.id == group_members.c.group_id, ~groups.c.is_storm))
        .join(alerts, alerts.c.group_id == groups.c.id)
    )
    found: Counter[str] = Counter()
    for query in (single, grouped):
        found.update({name: count for name, count in connection.execute(query.where(made).group_by(watchlist))})
    found.update(_count_storms(connection, receiver, since))
    return found


def _count_storms(connection: Connection, receiver: str, since: datetime) -> dict[str, int]:
    is_recent = sa.or_(groups.c.closed_at.is_(None), groups.c.closed_at > since)
    query = (
        sa.select(groups.c.key, sa.func.count())
        .join(group_members, group_members.c.group_id == groups.c.id)
        .where(groups.c.receiver == receiver, groups.c.is_storm, is_recent, group_members.c.joined_at > since)
        .group_by(groups.c.key)
    )
    return {_watchlist(key): count for key, count in connection.execute(query)}


def _watchlist(key: str) -> str:
    name: str = json.loads(key)["storm"]["watchlist"]
    return name


def is_calm(brake: Brake, recent: int) -> bool:
    """Whether a storm is over; half the limit, so that it does not begin and end all the time."""
    return recent <= brake.count // 2


def end_storms(connection: Connection, now: datetime) -> set[str]:
    """Close the storms whose rate has fallen, and owe their messages the last count; return who is owed one."""
    query = sa.select(groups.c.id, groups.c.receiver, groups.c.key).where(_is_open())
    brakes, told = read_brakes(connection), set()
    for row in connection.execute(query).all():
        brake = brakes.get(row.receiver)
        recent = count_recent(connection, row.receiver, now - brake.within) if brake else Counter()
        if brake is None or is_calm(brake, recent[_watchlist(row.key)]):
            told |= end_storm(connection, row.id, now)
    return told


def end_storm(connection: Connection, group_id: int, now: datetime) -> set[str]:
    """Close one; return who is owed its last count."""
    return owe_group_update(connection, group_id, now) if grouping.close(connection, group_id, now) else set()


def has_storms(connection: Connection) -> bool:
    """Whether any storm is open."""
    return connection.scalar(sa.select(groups.c.id).where(_is_open()).limit(1)) is not None


def _is_open() -> sa.ColumnElement[bool]:
    return sa.and_(groups.c.is_storm, groups.c.closed_at.is_(None))
