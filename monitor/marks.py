"""How an attempt to send ended: written on the condition of the lease's token, with a line in the log of attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, Reason, ReceiverError
from monitor import groups, updates
from monitor.outbox import ATTEMPTS_IN_ORDER, LONGEST_WAIT, read_channel
from monitor.owed import owed_row
from monitor.schema import alerts, attempts, channels, insert_new

DETAIL = 500  # characters of an error or a receipt that the log keeps


def hold(connection: Connection, alert_id: int, token: str, until: datetime, why: str) -> bool:
    """Nobody may hear of it before `until`: it is given back as if it had not been claimed."""
    values = {"due_at": until, "error": why, "attempts": alerts.c.attempts - 1}
    return _end_lease(connection, alert_id, token, values) is not None


def drop(connection: Connection, alert_id: int, token: str, why: str, now: datetime) -> bool:
    """It is not sent, and its row says why."""
    row = _end_lease(connection, alert_id, token, {"state": "dropped", "error": why})
    if row is not None:
        _close_group(connection, row, now)
    return row is not None


def _close_group(connection: Connection, row: sa.Row[Any], now: datetime) -> None:
    """A storm whose message is not there, or shows nothing new, takes nobody any more: the next one begins another."""
    if row.group_id is not None and row.reason != Reason.REPEAT:
        groups.close(connection, row.group_id, now)


@dataclass(frozen=True, slots=True)
class Sent:
    """A receiver took it: its reference to the message, when, after so many seconds."""

    reference: str
    at: datetime
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A receiver did not take it, as far as we know."""

    error: ReceiverError
    at: datetime
    seconds: float = 0.0


def mark_sent(connection: Connection, alert: Alert, token: str, sent: Sent, *, is_updatable: bool = False) -> bool:
    """The reply counts under the condition of the token alone, however late; False: somebody else has the row.

    An update stays owed where its subject has moved on since it was rendered, and a message that can be edited is owed
    an update then. What is to be repeated is owed again.
    """
    values: dict[str, Any] = {"state": "sent", "sent_at": sent.at, "reference": sent.reference, "error": None}
    if alert.reason is Reason.UPDATE:
        has_moved = alerts.c.revision > alert.revision
        values |= {
            "state": sa.case((has_moved, "owed"), else_="sent"),
            "attempts": sa.case((has_moved, 0), else_=alerts.c.attempts),
            "due_at": sa.case((has_moved, later(sent.at + updates.UPDATE_EVERY)), else_=alerts.c.due_at),
            "failed_since": None,
        }
    row = _end_lease(connection, alert.id, token, values)
    if row is None:
        return False
    _log(connection, alert, "sent", sent.reference, sent.at, sent.seconds)
    _clear_channel(connection, alert.receiver)
    if row.repeat_every is not None:
        owe_repeat(connection, alert.id, sent.at)
    if not sent.reference:  # nobody will find it again to edit it
        _close_group(connection, row, sent.at)
    if is_updatable and alert.reason is not Reason.UPDATE:
        updates.settle(connection, row, alert.revision, sent.at)
    return True


def later(at: datetime) -> sa.ColumnElement[datetime]:
    """A moment as a value of SQL."""
    return sa.literal(at, alerts.c.due_at.type)


def owe_repeat(connection: Connection, alert_id: int, now: datetime) -> None:
    """It speaks up again after its interval; whether its case is still open is seen then."""
    row = connection.execute(sa.select(alerts).where(alerts.c.id == alert_id)).one()
    n = row.n + 1 if row.reason == Reason.REPEAT else 1
    again = owed_row(row.subject, row.receiver, row.recipient, Reason.REPEAT, n, now)
    again |= {name: getattr(row, name) for name in ("mention_id", "group_id", "routes", "intervals", "repeat_every")}
    again["due_at"] = now + timedelta(seconds=row.repeat_every)
    connection.execute(insert_new(connection, alerts), [again])


def mark_dead(connection: Connection, alert: Alert, token: str, failure: Failure) -> bool:
    """Nobody will try this message again by itself."""
    row = _end_lease(connection, alert.id, token, {"state": "dead"} | _trace(failure.error))
    if row is None:
        return False
    _close_group(connection, row, failure.at)
    _log_failure(connection, alert, "dead", failure)
    return True


def _log_failure(connection: Connection, alert: Alert, outcome: str, failure: Failure) -> None:
    _log(connection, alert, outcome, str(failure.error), failure.at, failure.seconds)


def _log(connection: Connection, alert: Alert, outcome: str, detail: str, at: datetime, seconds: float) -> None:
    row = {"alert_id": alert.id, "attempt": alert.attempt, "at": at, "seconds": round(seconds, 3)}
    connection.execute(sa.insert(attempts), [row | {"outcome": outcome, "detail": detail[:DETAIL]}])


def mark_failed(
    connection: Connection,
    alert: Alert,
    token: str,
    failure: Failure,
    *,
    backoff: Callable[[int], timedelta],
    retry_for: timedelta,
) -> bool:
    """A transient failure: the channel pauses for `backoff` of its failures in a row, or as long as it was asked to.

    A row that failed ATTEMPTS_IN_ORDER times lets the next one through first. Too old a failure is dead.
    """
    channel, error, now = read_channel(connection, alert.receiver), failure.error, failure.at
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
    row = _end_lease(connection, alert.id, token, values)
    if row is None:
        return False
    if "state" in values:
        _close_group(connection, row, now)
    _log_failure(connection, alert, "dead" if "state" in values else "failed", failure)
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
    has_waited = alerts.c.attempts >= ATTEMPTS_IN_ORDER
    waiting = sa.and_(alerts.c.receiver == receiver, alerts.c.state == "owed", alerts.c.due_at > at, has_waited)
    connection.execute(sa.update(alerts).where(waiting).values(due_at=at))


def stop_channel(connection: Connection, alert: Alert, token: str, failure: Failure) -> bool:
    """The channel itself is refused: its alerts stay owed until somebody mends it. What storms took is shown then."""
    error = str(failure.error)
    stopped = _end_lease(connection, alert.id, token, _trace(failure.error)) is not None
    if stopped:
        _log_failure(connection, alert, "stopped", failure)
    groups.close_all(connection, alert.receiver, failure.at, storms_only=True)  # what comes now is owed anew
    _set_channel(connection, alert.receiver, stopped=error, error=error, error_since=failure.at)
    return stopped


def _end_lease(connection: Connection, alert_id: int, token: str, values: dict[str, Any]) -> sa.Row[Any] | None:
    """What the row is about; None: somebody else has it."""
    about = (alerts.c.reason, alerts.c.mention_id, alerts.c.group_id, alerts.c.repeat_every)
    mine = sa.and_(alerts.c.id == alert_id, alerts.c.lease_token == token)
    free = {"lease_token": None, "lease_until": None}
    return connection.execute(sa.update(alerts).where(mine).values(values | free).returning(*about)).one_or_none()


def _trace(error: ReceiverError) -> dict[str, Any]:
    return {"error": str(error)} | ({"possibly_sent": True} if error.maybe_sent else {})


def _clear_channel(connection: Connection, receiver: str) -> None:
    """It works; a row that says so already is left alone."""
    fails = sa.or_(channels.c.failures != 0, channels.c.error.is_not(None))
    cleared = {"failures": 0, "error": None, "error_since": None}
    connection.execute(sa.update(channels).where(channels.c.receiver == receiver, fails).values(cleared))


def _set_channel(connection: Connection, receiver: str, **values: Any) -> None:
    connection.execute(sa.update(channels).where(channels.c.receiver == receiver).values(values))
