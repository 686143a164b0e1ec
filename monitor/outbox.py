"""The rows of alerts that are owed: claimed by conditional update, marked by token, never lost and never guessed about.

A lease lasts LEASE seconds. A claim that finds a lease run out flags the row `possibly_sent`: its reply was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import DIGEST_CARRIED, Alert, Reason, ReceiverError
from monitor.mentions import insert_new, owed_row
from monitor.schema import alerts, channels, mentions, posts, verdicts
from rules.base import Label, Match, Mention, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from sources.base import Post, PostKind

LEASE = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=24)  # that a receiver may ask for
ATTEMPTS_IN_ORDER = 5  # failures of one row before the next one is tried
NO_WATCHLISTS: Mapping[str, Watchlist] = MappingProxyType({})
POST_FIELDS = tuple(Post.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Channel:
    """One receiver's row: nothing is sent before `next_at`, nothing at all while `stopped`."""

    receiver: str
    next_at: datetime
    failures: int
    error: str | None
    error_since: datetime | None
    stopped: str | None


def register_channels(connection: Connection, receivers: Sequence[str], now: datetime) -> None:
    """A row for every configured receiver; one that was stopped gets another chance, with each start of the daemon."""
    rows = [{"receiver": receiver, "next_at": now, "failures": 0} for receiver in receivers]
    connection.execute(insert_new(connection, channels), rows)
    connection.execute(sa.update(channels).where(channels.c.receiver.in_(receivers)).values(stopped=None))


def read_channel(connection: Connection, receiver: str) -> Channel:
    """The row as it stands now."""
    row = connection.execute(sa.select(channels).where(channels.c.receiver == receiver)).one()
    return Channel(**row._mapping)


def has_due(connection: Connection, receiver: str, now: datetime) -> bool:
    """Whether an owed row may go, lease and pause aside."""
    return connection.scalar(sa.select(alerts.c.id).where(_due(receiver, now)).limit(1)) is not None


def _due(receiver: str, now: datetime) -> sa.ColumnElement[bool]:
    """A row made later than now, or one that waits longer than any can, shows that the clock was set back."""
    is_fresh = sa.and_(alerts.c.created_at > now, alerts.c.attempts < ATTEMPTS_IN_ORDER)
    is_set_back = sa.or_(is_fresh, alerts.c.due_at > now + LONGEST_WAIT)
    return sa.and_(_owed(receiver), sa.or_(alerts.c.due_at <= now, is_set_back))


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
    """Lease up to `limit` due rows in commit order and return their ids; with `after`: owed ones above it, due or not.

    A paced channel claims one row and is closed for `pace` seconds by the same transaction.
    """
    free = sa.or_(
        alerts.c.lease_token.is_(None),
        alerts.c.lease_until <= now,
        alerts.c.lease_until > now + LEASE,  # the clock was set back: no lease can be that long
    )
    due = _due(receiver, now) if after is None else sa.and_(_owed(receiver), alerts.c.id > after)
    head = (
        sa.select(alerts.c.id).where(due, free).order_by(alerts.c.id).limit(limit).with_for_update(skip_locked=True)
    ).cte("head")  # a plain sub-select may run twice and lock other rows each time
    lost = sa.or_(alerts.c.possibly_sent, alerts.c.lease_token.is_not(None))
    leased = {
        "lease_token": token,
        "lease_until": now + LEASE,
        "attempts": alerts.c.attempts + 1,
        "possibly_sent": lost,
    }
    claimed = connection.scalars(
        sa.update(alerts).where(alerts.c.id.in_(sa.select(head.c.id))).values(leased).returning(alerts.c.id)
    )
    ids = sorted(claimed)
    if ids:  # whatever pause stood there is over, or was passed over on purpose
        open_at = now + timedelta(seconds=pace)
        other = sa.and_(channels.c.receiver == receiver, channels.c.next_at != open_at)
        connection.execute(sa.update(channels).where(other).values(next_at=open_at))
    return ids


def release(connection: Connection, token: str) -> None:
    """Give back what was claimed and never begun."""
    values = {"lease_token": None, "lease_until": None, "attempts": alerts.c.attempts - 1}
    connection.execute(sa.update(alerts).where(alerts.c.lease_token == token).values(values))


def release_all(connection: Connection) -> int:
    """At start on SQLite, where the file lock proves every owner dead: what was claimed goes again, flagged."""
    held = alerts.c.lease_token.is_not(None)
    values = {"lease_token": None, "lease_until": None, "possibly_sent": True}
    return connection.execute(sa.update(alerts).where(held).values(values)).rowcount


def mark_sent(connection: Connection, alert: Alert, token: str, reference: str, now: datetime) -> bool:
    """The reply counts under the condition of the token alone, however late; False: somebody else has the row."""
    sent = {"state": "sent", "sent_at": now, "reference": reference, "error": None}
    if not _end_lease(connection, alert.id, token, sent):
        return False
    _set_channel(connection, alert.receiver, failures=0, error=None, error_since=None)
    return True


def mark_dead(connection: Connection, alert: Alert, token: str, error: ReceiverError) -> bool:
    """Nobody will try this message again by itself."""
    return _end_lease(connection, alert.id, token, {"state": "dead"} | _trace(error))


def mark_failed(
    connection: Connection,
    alert: Alert,
    token: str,
    error: ReceiverError,
    *,
    backoff: Callable[[int], timedelta],
    retry_for: timedelta,
    now: datetime,
) -> bool:
    """A transient failure: the channel pauses for `backoff` of its failures in a row, or as long as it was asked to.

    A row that failed ATTEMPTS_IN_ORDER times lets the next one through first. Too old a failure is dead.
    """
    channel = read_channel(connection, alert.receiver)
    asked = error.retry_after is not None
    pause = (
        timedelta(seconds=min(error.retry_after, LONGEST_WAIT.total_seconds()))
        if error.retry_after is not None
        else backoff(channel.failures)
    )
    since = connection.scalar(sa.select(alerts.c.failed_since).where(alerts.c.id == alert.id)) or now
    values: dict[str, Any] = {"failed_since": since} | _trace(error)
    if now - since > retry_for:
        values["state"] = "dead"
    elif alert.attempt >= ATTEMPTS_IN_ORDER and not asked:
        values["due_at"] = now + pause + backoff(alert.attempt - ATTEMPTS_IN_ORDER)
    if not _end_lease(connection, alert.id, token, values):
        return False
    if channel.failures >= ATTEMPTS_IN_ORDER and alert.attempt < ATTEMPTS_IN_ORDER:
        _restore_order(connection, alert.receiver, now + pause)
    failures = 0 if asked else channel.failures + 1  # being asked to wait is no failure
    error_since = channel.error_since or now
    _set_channel(
        connection, alert.receiver, next_at=now + pause, failures=failures, error=str(error), error_since=error_since
    )
    return True


def _restore_order(connection: Connection, receiver: str, at: datetime) -> None:
    """The row let through failed as well: it is the channel that is down, so commit order holds again."""
    waiting = sa.and_(alerts.c.receiver == receiver, alerts.c.state == "owed", alerts.c.due_at > at)
    connection.execute(sa.update(alerts).where(waiting).values(due_at=at))


def stop_channel(connection: Connection, alert: Alert, token: str, error: ReceiverError, now: datetime) -> bool:
    """The channel itself is refused: its alerts stay owed until somebody mends it."""
    stopped = _end_lease(connection, alert.id, token, _trace(error))
    _set_channel(connection, alert.receiver, stopped=str(error), error=str(error), error_since=now)
    return stopped


def _end_lease(connection: Connection, alert_id: int, token: str, values: dict[str, Any]) -> bool:
    mine = sa.and_(alerts.c.id == alert_id, alerts.c.lease_token == token)
    free = {"lease_token": None, "lease_until": None}
    return connection.execute(sa.update(alerts).where(mine).values(values | free)).rowcount == 1


def _trace(error: ReceiverError) -> dict[str, Any]:
    return {"error": str(error)} | ({"possibly_sent": True} if error.maybe_sent else {})


def _set_channel(connection: Connection, receiver: str, **values: Any) -> None:
    connection.execute(sa.update(channels).where(channels.c.receiver == receiver).values(values))


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
        for table in (alerts, channels):
            connection.execute(sa.update(table).where(table.c.receiver == old).values(receiver=new))


def stopped_channels(connection: Connection) -> dict[str, str]:
    """receiver -> why its channel is switched off."""
    query = sa.select(channels.c.receiver, channels.c.stopped).where(channels.c.stopped.is_not(None))
    return {receiver: error for receiver, error in connection.execute(query)}


def owed_counts(connection: Connection) -> dict[str, int]:
    """receiver -> rows still owed."""
    owed = sa.select(alerts.c.receiver, sa.func.count()).where(alerts.c.state == "owed").group_by(alerts.c.receiver)
    return {receiver: count for receiver, count in connection.execute(owed)}


def load_alerts(
    connection: Connection, ids: Sequence[int], public_url: str, watchlists: Mapping[str, Watchlist] = NO_WATCHLISTS
) -> list[Alert]:
    """Rows with everything that rendering needs, in the order of their ids; `watchlists` as configured now, by name."""
    rows = connection.execute(sa.select(alerts).where(alerts.c.id.in_(ids)).order_by(alerts.c.id)).all()
    return [_alert(connection, row, public_url, watchlists) for row in rows]


def _alert(connection: Connection, row: sa.Row[Any], public_url: str, watchlists: Mapping[str, Watchlist]) -> Alert:
    about: sa.ColumnElement[bool] = alerts.c.id == row.id
    if row.reason == Reason.DIGEST:
        to = sa.and_(alerts.c.receiver == row.receiver, alerts.c.recipient == row.recipient)
        about = sa.and_(alerts.c.held_for == row.subject, to, alerts.c.state == "held")
    told = _mentions(connection, about, watchlists)
    count = len(told)
    if count == DIGEST_CARRIED:
        held = alerts.join(mentions, alerts.c.mention_id == mentions.c.id)
        count = connection.scalar(sa.select(sa.func.count()).select_from(held).where(about)) or count
    key = "|".join((row.subject, row.receiver, row.recipient, row.reason, str(row.n)))
    path = f"/mentions/{row.mention_id}" if row.mention_id else f"/alerts/{row.id}"
    return Alert(
        id=row.id,
        key=key,
        receiver=row.receiver,
        recipient=row.recipient,
        reason=Reason(row.reason),
        n=row.n,
        mentions=told,
        count=count,
        routes=tuple(row.routes),
        url=public_url.rstrip("/") + path if public_url else "",
        created_at=row.created_at,
        attempt=max(1, row.attempts),
        possibly_sent_twice=row.possibly_sent,
        notice=row.notice,
    )


JOINED = mentions.join(posts, posts.c.id == mentions.c.post_id).join(
    verdicts, sa.and_(verdicts.c.mention_id == mentions.c.id, verdicts.c.revision == mentions.c.revision)
)


def _mentions(
    connection: Connection, about: sa.ColumnElement[bool], watchlists: Mapping[str, Watchlist]
) -> tuple[Mention, ...]:
    query = (
        sa.select(posts, mentions, verdicts)
        .select_from(JOINED.join(alerts, alerts.c.mention_id == mentions.c.id))
        .where(about)
        .order_by(posts.c.published_at, mentions.c.id)
        .limit(DIGEST_CARRIED)
    )
    return tuple(read_mention(row, watchlists) for row in connection.execute(query))


def read_mention(row: sa.Row[Any], watchlists: Mapping[str, Watchlist] = NO_WATCHLISTS) -> Mention:
    """A mention from a row of posts, mentions and verdicts (JOINED)."""
    values = row._mapping
    post = {field: values[posts.c[field]] for field in POST_FIELDS}
    name, kind = values[mentions.c.watchlist], WatchlistKind(values[mentions.c.watchlist_kind])
    spans = tuple(Span(*span) for span in values[mentions.c.spans])
    return Mention(
        post=Post(**post | {"kind": PostKind(post["kind"])}),
        watchlist=watchlists.get(name, Watchlist(name, kind, query="")),
        match=Match(name, spans, tuple(values[mentions.c.terms])),
        verdict=_verdict(values),
        id=values[mentions.c.id],
    )


def _verdict(values: Mapping[Any, Any]) -> Verdict:
    return Verdict(
        probabilities={Label(label): p for label, p in values[verdicts.c.probabilities].items()},
        tags=tuple(values[verdicts.c.tags]),
        sentiment=Sentiment(values[verdicts.c.sentiment]),
        lang=values[verdicts.c.lang],
        cues={Label(label): tuple(words) for label, words in values[verdicts.c.cues].items()},
        sure=values[verdicts.c.sure],
        model=values[verdicts.c.model],
    )
