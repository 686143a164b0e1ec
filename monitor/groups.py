"""Groups: mentions that share a message. One that takes members is open, there is one for each receiver and key.

Joining and closing are updates under the condition that the group is open, and both lock its row, so that a mention is
in the message or in the next one, never in none or in two. A group of the storm brake at a receiver that edits its
messages stays open after its message is out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import GroupView
from monitor.schema import alerts, channels, group_members, groups, insert_new

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Which mentions share a message at one receiver."""

    receiver: str
    labels: Labels
    routes: tuple[str, ...] = ()
    is_storm: bool = False

    @property
    def text(self) -> str:
        """The same for the same labels and routes."""
        if self.is_storm:
            return json.dumps({"storm": dict(self.labels)}, ensure_ascii=False)
        return json.dumps({"routes": self.routes, "labels": self.labels}, ensure_ascii=False)


def join(connection: Connection, key: GroupKey) -> int | None:
    """Lock the open group and move its revision on; None: there is none."""
    is_open = (groups.c.receiver == key.receiver, groups.c.key == key.text, groups.c.closed_at.is_(None))
    moved = sa.update(groups).where(*is_open).values(revision=groups.c.revision + 1).returning(groups.c.id)
    joined: int | None = connection.scalar(moved)
    return joined


def open_group(connection: Connection, key: GroupKey, now: datetime) -> int:
    """A new group, locked; where another transaction has opened one at this very moment, that one."""
    row = {
        "receiver": key.receiver,
        "key": key.text,
        "labels": dict(key.labels),
        "is_storm": key.is_storm,
        "opened_at": now,
        "revision": 1,
    }
    while True:
        opened = connection.scalar(insert_new(connection, groups).values(row).returning(groups.c.id))
        group_id = opened if opened is not None else join(connection, key)
        if group_id is not None:
            return group_id


def closed_before(connection: Connection, key: GroupKey) -> datetime | None:
    """When the last group with this key was closed."""
    same = (groups.c.receiver == key.receiver, groups.c.key == key.text, groups.c.closed_at.is_not(None))
    return connection.scalar(sa.select(groups.c.closed_at).where(*same).order_by(groups.c.id.desc()).limit(1))


def flush(connection: Connection, group_id: int, receiver: str, now: datetime) -> None:
    """Freeze the members of a group that this receiver is about to be sent; a storm that it can edit stays open."""
    edits = sa.select(channels.c.receiver).where(channels.c.receiver == receiver, channels.c.updatable).exists()
    is_open = sa.and_(groups.c.id == group_id, groups.c.closed_at.is_(None))
    connection.execute(sa.update(groups).where(is_open, ~sa.and_(groups.c.is_storm, edits)).values(closed_at=now))


def close(connection: Connection, group_id: int, now: datetime) -> bool:
    """Nothing joins this storm any more; False: somebody has closed it before."""
    is_open = sa.and_(groups.c.id == group_id, groups.c.closed_at.is_(None))
    values: dict[str, Any] = {"closed_at": now, "revision": groups.c.revision + 1}
    return connection.execute(sa.update(groups).where(is_open).values(values)).rowcount == 1


def close_all(connection: Connection, receiver: str, now: datetime, *, storms_only: bool = False) -> None:
    """Nothing joins what is open at this receiver: its message will never show more."""
    is_open = sa.and_(groups.c.receiver == receiver, groups.c.closed_at.is_(None))
    which = sa.and_(is_open, groups.c.is_storm) if storms_only else is_open
    connection.execute(sa.update(groups).where(which).values(closed_at=now, revision=groups.c.revision + 1))


def add_members(connection: Connection, members: Sequence[tuple[int, int]], now: datetime) -> None:
    """Pairs of group and mention; one that is in there already stays."""
    rows = [{"group_id": group_id, "mention_id": mention_id, "joined_at": now} for group_id, mention_id in members]
    if rows:
        connection.execute(insert_new(connection, group_members), rows)


def remove_members(connection: Connection, group_id: int, mention_ids: Sequence[int]) -> None:
    """Take mentions out of a group."""
    here = group_members.c.group_id == group_id
    connection.execute(sa.delete(group_members).where(here, group_members.c.mention_id.in_(mention_ids)))


def count_members(connection: Connection, group_id: int) -> int:
    """How many mentions are in there."""
    return connection.scalar(sa.select(sa.func.count()).where(group_members.c.group_id == group_id)) or 0


def group_receivers(connection: Connection, mention_id: int) -> set[str]:
    """Who is told of a mention in a group."""
    query = sa.select(groups.c.receiver).join(group_members, group_members.c.group_id == groups.c.id)
    return set(connection.scalars(query.where(group_members.c.mention_id == mention_id)))


def leave_unsent(connection: Connection, mention_ids: sa.Select[tuple[int]]) -> None:
    """Take mentions out of every group whose message nobody has yet."""
    out = sa.select(alerts.c.group_id).where(alerts.c.group_id.is_not(None), alerts.c.state == "sent")
    here = group_members.c.mention_id.in_(mention_ids)
    connection.execute(sa.delete(group_members).where(here, group_members.c.group_id.not_in(out)))


def view_groups(connection: Connection, group_ids: Sequence[int]) -> Mapping[int, GroupView]:
    """By id, as people are shown them."""
    query = sa.select(groups).where(groups.c.id.in_(group_ids))
    return {
        row.id: GroupView(row.id, tuple(row.labels.items()), row.is_storm, row.closed_at is not None)
        for row in connection.execute(query)
    }
