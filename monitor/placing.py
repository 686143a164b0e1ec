"""Where a mention is told: in a message of its own, in that of a group, or in that of a storm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from monitor import groups as grouping
from monitor import storms
from monitor.groups import GroupKey, Labels
from monitor.schema import alerts
from monitor.updates import owe_group_update
from rules.routing import Decision, Intervals


@dataclass(frozen=True, slots=True)
class Place:
    """A message, or the one that a mention joins. `is_new`: it is yet to be owed, `due_at` then."""

    group_id: int | None
    is_new: bool
    due_at: datetime


@dataclass(slots=True)
class Placing:
    """The places of one transaction's mentions. `finish` writes what was put together."""

    connection: Connection
    now: datetime
    _brakes: Mapping[str, storms.Brake] = field(init=False)
    _recent: dict[str, Counter[str]] = field(default_factory=dict)  # by receiver, by watchlist: messages
    _open: dict[tuple[str, str], int] = field(default_factory=dict)  # groups that this transaction has locked
    _storm: dict[tuple[str, str], int | None] = field(default_factory=dict)  # the one that takes all, if any does
    _members: list[tuple[int, int]] = field(default_factory=list)
    _heard: set[tuple[int, tuple[Intervals, ...]]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._brakes = storms.read_brakes(self.connection)

    def place(self, mention_id: int, watchlist: str, decision: Decision, labels: Labels | None) -> Place:
        """Find the place of a mention at the receiver of the decision; `labels` are those of its group, if it has one.

        Only what would make a message of its own counts for the storm brake and is stopped by it.
        """
        key = None if labels is None else GroupKey(decision.receiver, labels, decision.routes)
        if key and (joined := self._join(key)) is not None:
            return self._member(joined, mention_id, is_new=False)
        brake = self._brakes.get(decision.receiver)
        if brake and self._is_stormy(brake, decision.receiver, watchlist):
            return self._place_in_storm(brake, mention_id, watchlist, decision)
        if key is None:
            return Place(None, True, self.now)
        group_id = self._open_group(key)
        return self._member(group_id, mention_id, True, self._due(key, decision.group_wait, decision.group_interval))

    def finish(self) -> set[str]:
        """Write who is where; return the receivers whose storm messages have to show more."""
        grouping.add_members(self.connection, self._members, self.now)
        grown = sorted({group_id for group_id in self._storm.values() if group_id is not None})
        return set().union(*(owe_group_update(self.connection, group_id, self.now) for group_id in grown))

    def _member(self, group_id: int, mention_id: int, is_new: bool, due_at: datetime | None = None) -> Place:
        self._members.append((group_id, mention_id))
        return Place(group_id, is_new, due_at or self.now)

    def _join(self, key: GroupKey) -> int | None:
        here = (key.receiver, key.text)
        if here not in self._open:
            joined = grouping.join(self.connection, key)
            if joined is None:
                return None
            self._open[here] = joined
        return self._open[here]

    def _open_group(self, key: GroupKey) -> int:
        group_id = grouping.open_group(self.connection, key, self.now)
        self._open[key.receiver, key.text] = group_id
        return group_id

    def _due(self, key: GroupKey, wait: timedelta, interval: timedelta) -> datetime:
        """`wait` after the first member, and no sooner than `interval` after the last message about the same."""
        last = grouping.closed_before(self.connection, key)
        return max(self.now + wait, min(last, self.now) + interval) if last else self.now + wait

    def _is_stormy(self, brake: storms.Brake, receiver: str, watchlist: str) -> bool:
        """Counts one message more. A storm that is over is ended here, before the daemon notices."""
        if receiver not in self._recent:
            self._recent[receiver] = storms.count_recent(self.connection, receiver, self.now - brake.within)
        recent, here = self._recent[receiver], (receiver, watchlist)
        if here not in self._storm:
            self._storm[here] = grouping.join(self.connection, storms.storm_key(receiver, watchlist))
        raging = self._storm[here]
        if raging is not None and storms.is_calm(brake, recent[watchlist]):
            storms.end_storm(self.connection, raging, self.now)
            raging = self._storm[here] = None
        is_over = recent[watchlist] >= brake.count
        recent[watchlist] += 1
        return raging is not None or is_over

    def _place_in_storm(self, brake: storms.Brake, mention_id: int, watchlist: str, decision: Decision) -> Place:
        here = (decision.receiver, watchlist)
        raging = self._storm[here]
        if raging is not None:
            self._keep_audible(raging, decision.intervals)
            return self._member(raging, mention_id, is_new=False)
        key = storms.storm_key(*here)
        due_at = self._due(key, decision.group_wait, timedelta() if brake.can_grow else brake.within)
        self._storm[here] = group_id = grouping.open_group(self.connection, key, self.now)
        return self._member(group_id, mention_id, True, due_at)

    def _keep_audible(self, group_id: int, routes: tuple[Intervals, ...]) -> None:
        """A storm is muted only while every route that leads into it is."""
        if (group_id, routes) in self._heard:
            return
        self._heard.add((group_id, routes))
        more = intervals_of(routes)
        first = sa.and_(alerts.c.group_id == group_id, alerts.c.reason == Reason.FIRST.value, alerts.c.state == "owed")
        for row in self.connection.execute(sa.select(alerts.c.id, alerts.c.intervals).where(first)):
            merged = [*row.intervals, *(one for one in more if one not in row.intervals)] if more else []
            if row.intervals and merged != row.intervals:
                self.connection.execute(sa.update(alerts).where(alerts.c.id == row.id).values(intervals=merged))


def intervals_of(routes: Sequence[Intervals]) -> list[dict[str, Any]]:
    """As an alert keeps them: those of each route; none where a route is never quiet."""
    if not all(route.mute or route.active for route in routes):
        return []
    return [{"mute": list(route.mute), "active": list(route.active)} for route in routes]
