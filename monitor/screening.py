"""From rows that are due to alerts that are sent: claimed, then held, dropped, thinned out or let through.

All in one transaction, so that what is decided is what is sent. A group is closed here, before anything of it is sent;
its members are screened before its message is out for anybody, and stay as they are from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState, Reason
from monitor import groups as grouping
from monitor import marks, outbox
from monitor.loading import held_for
from monitor.owed import owed_row
from monitor.schema import alerts, cases, group_members, groups, insert_new, mentions
from monitor.suppression import Quiet, Rules

ROUNDS: Final = 50  # claims in one transaction, where nothing of what was claimed may be sent


@dataclass(frozen=True, slots=True)
class Taken:
    """What was claimed and may be sent; `last` is the highest id that was looked at, None: there was nothing."""

    ids: tuple[int, ...]
    last: int | None


def take(
    connection: Connection,
    receiver: str,
    token: str,
    now: datetime,
    rules: Rules,
    *,
    limit: int,
    pace: float,
    after: int | None = None,
) -> Taken:
    """Claim until something may be sent or nothing is due; what is held back costs the channel no time."""
    last, quiet = None, Quiet(connection, rules, now)
    for _ in range(ROUNDS):
        claimed = outbox.claim(connection, receiver, token, now, limit=limit, pace=pace, after=after)
        if not claimed:
            break
        last = max(claimed)
        after = last if after is not None else None
        ids = _Screen(connection, token, now, quiet).pass_through(claimed)
        if ids:
            return Taken(ids, last)
    if last is not None:
        outbox.open_channel(connection, receiver, now)
    return Taken((), last)


@dataclass(slots=True)
class _Screen:
    connection: Connection
    token: str
    now: datetime
    quiet: Quiet

    def pass_through(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Those of the claimed rows that are to be sent."""
        rows = self.connection.execute(sa.select(alerts).where(alerts.c.id.in_(ids)).order_by(alerts.c.id)).all()
        kept = {row.id for row in rows if self._passes(row)}
        return tuple(alert_id for alert_id in ids if alert_id in kept)

    def _passes(self, row: sa.Row[Any]) -> bool:
        if row.reason == Reason.NOTICE:
            return True
        if row.reason == Reason.UPDATE:
            self._thin_out_storm(row)
            return True
        if row.reason == Reason.REPEAT and not self._speaks_up(row):
            return False
        until = self.quiet.muted_until(self._intervals(row))
        if until is not None:
            return self._hold(row, until, f"muted until {until:%Y-%m-%d %H:%M} UTC")
        if row.group_id is not None:
            return self._flush(row)
        if not self.quiet:
            return True
        return self._digest_is_left(row) if row.reason == Reason.DIGEST else self._is_heard(row)

    def _is_heard(self, row: sa.Row[Any]) -> bool:
        reason = self.quiet.find(mentions.c.id == row.mention_id).get(row.mention_id)
        return reason is None or self._drop(row, reason)

    # -- repeats: while the case is open, and not before somebody wanted to hear of it

    def _speaks_up(self, row: sa.Row[Any]) -> bool:
        members = sa.select(group_members.c.mention_id).where(group_members.c.group_id == row.group_id)
        which = mentions.c.id.in_(members) if row.group_id is not None else mentions.c.id == row.mention_id
        state = sa.func.coalesce(cases.c.state, CaseState.NEW.value)
        is_open = state.in_([CaseState.NEW.value, CaseState.CLAIMED.value])
        here = mentions.outerjoin(cases, cases.c.mention_id == mentions.c.id)
        snoozed = self.connection.scalars(
            sa.select(cases.c.snoozed_until).select_from(here).where(which, is_open)
        ).all()
        if not snoozed:
            return self._drop(row, "its case is closed", is_over=True)
        until = [at for at in snoozed if at is not None and at > self.now]
        if len(until) == len(snoozed):
            return self._hold(row, min(until), "snoozed")
        return True

    # -- groups

    def _flush(self, row: sa.Row[Any]) -> bool:
        grouping.flush(self.connection, row.group_id, row.receiver, self.now)
        members = grouping.count_members(self.connection, row.group_id)
        if not members:
            return self._drop(row, "nothing is left of it", is_over=True)
        is_first = row.reason == Reason.FIRST
        if not self.quiet or (is_first and self._is_out(row.group_id)):
            return True
        quiet = self._quiet_members(row.group_id)
        if is_first:
            self._take_out(row, quiet)
        return len(quiet) < members or self._drop(row, next(iter(quiet.values())))

    def _is_out(self, group_id: int) -> bool:
        """Whether somebody has its message, for all we know."""
        out = sa.and_(alerts.c.group_id == group_id, sa.or_(alerts.c.state == "sent", alerts.c.possibly_sent))
        return self.connection.scalar(sa.select(alerts.c.id).where(out).limit(1)) is not None

    def _quiet_members(self, group_id: int, since: datetime | None = None) -> dict[int, str]:
        of = sa.select(group_members.c.mention_id).where(group_members.c.group_id == group_id)
        if since is not None:
            of = of.where(group_members.c.joined_at > since)
        return self.quiet.find(mentions.c.id.in_(of))

    def _take_out(self, row: sa.Row[Any], quiet: Mapping[int, str]) -> None:
        if not quiet:
            return
        dropped = [self._dropped(row, mention_id, reason) for mention_id, reason in quiet.items()]
        self.connection.execute(insert_new(self.connection, alerts), dropped)
        grouping.remove_members(self.connection, row.group_id, sorted(quiet))

    def _dropped(self, row: sa.Row[Any], mention_id: int, reason: str) -> dict[str, Any]:
        """What shows that a member of a group was kept quiet, and why."""
        trace = owed_row(f"mention:{mention_id}", row.receiver, row.recipient, Reason.FIRST, 0, self.now)
        return trace | {"mention_id": mention_id, "routes": row.routes, "state": "dropped", "error": reason}

    def _thin_out_storm(self, row: sa.Row[Any]) -> None:
        """What joined a storm since its message was last sent is screened now."""
        is_storm = sa.select(groups.c.is_storm).where(groups.c.id == row.group_id)
        if not self.quiet or row.group_id is None or not self.connection.scalar(is_storm):
            return
        first = sa.and_(alerts.c.group_id == row.group_id, alerts.c.receiver == row.receiver)
        out = row.sent_at or self.connection.scalar(sa.select(sa.func.min(alerts.c.sent_at)).where(first))
        self._take_out(row, self._quiet_members(row.group_id, (out or self.now) - outbox.LEASE))

    # -- digests

    def _intervals(self, row: sa.Row[Any]) -> list[dict[str, list[str]]]:
        """Of the routes that owe it; a digest is quiet only while every route is that led into it."""
        if row.reason != Reason.DIGEST:
            return list(row.intervals)
        of_held = self.connection.scalars(sa.select(alerts.c.intervals).where(held_for(row)).distinct()).all()
        return [one for intervals in of_held for one in intervals] if all(of_held) else []

    def _digest_is_left(self, row: sa.Row[Any]) -> bool:
        """Drop what it holds and is to be quiet now; False: nothing is left, the digest is dropped as well."""
        held = sa.select(alerts.c.mention_id).where(held_for(row))
        quiet = self.quiet.find(mentions.c.id.in_(held))
        for mention_id, reason in quiet.items():
            mine = sa.and_(held_for(row), alerts.c.mention_id == mention_id)
            self.connection.execute(sa.update(alerts).where(mine).values(state="dropped", error=reason))
        if not quiet or self.connection.scalar(held.limit(1)) is not None:
            return True
        return self._drop(row, next(iter(quiet.values())))

    # -- ends

    def _hold(self, row: sa.Row[Any], until: datetime, why: str) -> bool:
        marks.hold(self.connection, row.id, self.token, until, why)
        return False

    def _drop(self, row: sa.Row[Any], why: str, *, is_over: bool = False) -> bool:
        """A repeat that was kept quiet comes again; one that `is_over` does not."""
        marks.drop(self.connection, row.id, self.token, why, self.now)
        if row.repeat_every is not None and row.reason == Reason.REPEAT and not is_over:
            marks.owe_repeat(self.connection, row.id, self.now)
        return False
