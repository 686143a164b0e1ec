"""The rows of alerts that are owed: claimed by conditional update, never lost and never guessed about.

A lease lasts LEASE seconds. A claim that finds a lease run out flags the row `possibly_sent`: its reply was lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from alerts.storm import Storm
from monitor.digests import Digest
from monitor.groups import close_all
from monitor.owed import owed_row
from monitor.schema import alerts, channels, groups, insert_new

LEASE = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=24)  # that a receiver may ask for
ATTEMPTS_IN_ORDER = 5  # failures of one row before the next one is tried


@dataclass(frozen=True, slots=True)
class Channel:
    """One receiver's row: nothing is sent before `next_at`, nothing at all while `stopped`."""

    receiver: str
    next_at: datetime
    failures: int
    error: str | None
    error_since: datetime | None
    stopped: str | None


@dataclass(frozen=True, slots=True)
class Traits:
    """What a configured receiver is like, for whoever writes alerts without a configuration."""

    is_updatable: bool = False  # its messages can be edited
    storm: Storm | None = None
    digest: Digest | None = None


def register_channels(
    connection: Connection, receivers: Sequence[str], now: datetime, traits: Mapping[str, Traits] | None = None
) -> None:
    """A row for every configured receiver; one that was stopped gets another chance, with each start of the daemon."""
    rows = [{"receiver": receiver, "next_at": now, "failures": 0} for receiver in receivers]
    connection.execute(insert_new(connection, channels), rows)
    connection.execute(sa.update(channels).where(channels.c.receiver.in_(receivers)).values(stopped=None))
    for receiver, one in (traits or {}).items():
        values: dict[str, object] = {"updatable": one.is_updatable, "storm_count": one.storm and one.storm.count}
        values["storm_seconds"] = one.storm and one.storm.within.total_seconds()
        values["digest"] = one.digest and asdict(one.digest)
        connection.execute(sa.update(channels).where(channels.c.receiver == receiver).values(values))
        if not one.is_updatable:  # a storm that grew under another configuration can show no more
            close_all(connection, receiver, now, storms_only=True)


def restart_channel(connection: Connection, receiver: str) -> None:
    """Switch a stopped channel on again."""
    connection.execute(sa.update(channels).where(channels.c.receiver == receiver).values(stopped=None))


def read_channel(connection: Connection, receiver: str) -> Channel:
    """The row as it stands now."""
    columns = (channels.c[name] for name in Channel.__dataclass_fields__)
    return Channel(*connection.execute(sa.select(*columns).where(channels.c.receiver == receiver)).one())


def has_due(connection: Connection, receiver: str, now: datetime) -> bool:
    """Whether an owed row may go, lease and pause aside."""
    return connection.scalar(sa.select(alerts.c.id).where(_due(receiver, now)).limit(1)) is not None


def _due(receiver: str, now: datetime) -> sa.ColumnElement[bool]:
    """A row made later than now, or one that waits longer than any can, shows that the clock was set back.

    A row that was made for a later time keeps to it, unless it was made more than LONGEST_WAIT from now.
    """
    is_scheduled = alerts.c.due_at > alerts.c.created_at
    has_waited = alerts.c.attempts >= ATTEMPTS_IN_ORDER
    is_set_back = sa.or_(
        sa.and_(alerts.c.created_at > now, ~has_waited, ~is_scheduled),
        sa.and_(alerts.c.due_at > now + LONGEST_WAIT, has_waited),
        alerts.c.created_at > now + LONGEST_WAIT,
    )
    return sa.and_(_owed(receiver), sa.or_(alerts.c.due_at <= now, is_set_back))


def _at_once(receiver: str, now: datetime, after: int) -> sa.ColumnElement[bool]:
    """What `run --once` sends: groups and updates before their time, what failed before its pause is over."""
    is_group = sa.and_(alerts.c.group_id.is_not(None), alerts.c.reason == Reason.FIRST.value)
    is_early = sa.or_(is_group, alerts.c.reason == Reason.UPDATE.value, alerts.c.failed_since.is_not(None))
    return sa.and_(_owed(receiver), alerts.c.id > after, sa.or_(alerts.c.due_at <= now, is_early))


def _owed(receiver: str) -> sa.ColumnElement[bool]:
    return sa.and_(alerts.c.receiver == receiver, alerts.c.state == "owed")


def claim(
    connection: Connection,
    receiver: str,
    token: str,
    now: datetime,
    *,
    limit: int,
    pace: float,
    after: int | None = None,
) -> list[int]:
    """Lease up to `limit` due rows and return their ids; with `after`: the owed ones above it that need not wait.

    In commit order, updates last: what nobody has heard of goes before what somebody can read anew. A paced channel
    claims one row and is closed for `pace` seconds by the same transaction.
    """
    if after is not None:
        ids = _lease(connection, _at_once(receiver, now, after), token, now, limit)
    else:
        due, is_update = _due(receiver, now), alerts.c.reason == Reason.UPDATE.value
        ids = _lease(connection, sa.and_(due, ~is_update), token, now, limit)
        if len(ids) < limit:
            ids += _lease(connection, sa.and_(due, is_update), token, now, limit - len(ids))
    if ids:  # whatever pause stood there is over, or was passed over on purpose
        open_channel(connection, receiver, now + timedelta(seconds=pace))
    return ids


def _lease(connection: Connection, which: sa.ColumnElement[bool], token: str, now: datetime, limit: int) -> list[int]:
    free = sa.or_(
        alerts.c.lease_token.is_(None),
        alerts.c.lease_until <= now,
        alerts.c.lease_until > now + LEASE,  # the clock was set back: no lease can be that long
    )
    head = (
        sa.select(alerts.c.id).where(which, free).order_by(alerts.c.id).limit(limit).with_for_update(skip_locked=True)
    ).cte("head")  # a plain sub-select may run twice and lock other rows each time
    leased = {
        "lease_token": token,
        "lease_until": now + LEASE,
        "attempts": alerts.c.attempts + 1,
        "possibly_sent": sa.or_(alerts.c.possibly_sent, alerts.c.lease_token.is_not(None)),
    }
    claimed = connection.scalars(
        sa.update(alerts).where(alerts.c.id.in_(sa.select(head.c.id))).values(leased).returning(alerts.c.id)
    )
    return sorted(claimed)


def open_channel(connection: Connection, receiver: str, at: datetime) -> None:
    """Nothing is sent before that."""
    other = sa.and_(channels.c.receiver == receiver, channels.c.next_at != at)
    connection.execute(sa.update(channels).where(other).values(next_at=at))


def release(connection: Connection, token: str) -> None:
    """Give back what was claimed and never begun."""
    values = {"lease_token": None, "lease_until": None, "attempts": alerts.c.attempts - 1}
    connection.execute(sa.update(alerts).where(alerts.c.lease_token == token).values(values))


def release_all(connection: Connection) -> int:
    """At start on SQLite, where the file lock proves every owner dead: what was claimed goes again, flagged."""
    held = alerts.c.lease_token.is_not(None)
    values = {"lease_token": None, "lease_until": None, "possibly_sent": True}
    return connection.execute(sa.update(alerts).where(held).values(values)).rowcount


def owe_notice(
    connection: Connection,
    receiver: str,
    recipients: Sequence[str],
    subject: str,
    notice: str,
    now: datetime,
    since: datetime | None = None,
) -> None:
    """Owe the operator a notice; one about the same subject `since` the same moment (now) is owed once."""
    n = int((since or now).timestamp())
    rows = [owed_row(subject, receiver, to, Reason.NOTICE, n, now) | {"notice": notice} for to in recipients]
    connection.execute(insert_new(connection, alerts), rows)


def retry_dead(connection: Connection, now: datetime) -> int:
    """Every dead letter is owed once more; return how many."""
    again = {"state": "owed", "due_at": now, "failed_since": None, "attempts": 0, "error": None}
    return connection.execute(sa.update(alerts).where(alerts.c.state == "dead").values(again)).rowcount


def rename_receiver(connection: Connection, old: str, new: str) -> None:
    """Move owed alerts and the channel of a receiver that has a new name."""
    if connection.scalar(sa.select(channels.c.receiver).where(channels.c.receiver == new)) is None:
        for table in (alerts, channels, groups):
            connection.execute(sa.update(table).where(table.c.receiver == old).values(receiver=new))


def stopped_channels(connection: Connection) -> dict[str, str]:
    """receiver -> why its channel is switched off."""
    query = sa.select(channels.c.receiver, channels.c.stopped).where(channels.c.stopped.is_not(None))
    return {receiver: error for receiver, error in connection.execute(query)}


def owed_counts(connection: Connection, now: datetime) -> dict[str, int]:
    """receiver -> rows still owed, without digests that still gather and repeats whose time has not come."""
    waits = sa.and_(alerts.c.reason.in_((Reason.DIGEST.value, Reason.REPEAT.value)), alerts.c.due_at > now)
    is_owed = sa.and_(alerts.c.state == "owed", ~waits)
    owed = sa.select(alerts.c.receiver, sa.func.count()).where(is_owed).group_by(alerts.c.receiver)
    return {receiver: count for receiver, count in connection.execute(owed)}
