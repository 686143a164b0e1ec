"""`mentiond alerts`: what is owed, sent, held, dropped and dead, and what became of each attempt."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import outbox
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK
from monitor.commands.output import print_rows, show_time
from monitor.commands.stored import in_store
from monitor.config import Config, load
from monitor.schema import alerts, attempts
from sources.base import JSON


def run(options: argparse.Namespace) -> int:
    """List alert rows, newest first; with --retry owe every dead letter once more."""
    config = load(options.config, os.environ)
    if options.retry:
        count = in_store(config, lambda connection: outbox.retry_dead(connection, utc_now()))
        print(json.dumps({"retried": count}) if options.json else f"{count} dead letters are owed again")
        return OK
    if options.id:
        return _show_one(config, options.id, as_json=options.json)
    rows, stopped = in_store(
        config, lambda tx: (_alert_rows(tx, dead=options.dead, limit=options.limit), outbox.stopped_channels(tx))
    )
    columns = ("id", "state", "receiver", "recipient", "reason", "subject", "attempts", "created", "error")
    print_rows(rows, columns, as_json=options.json, empty="no dead letters" if options.dead else "no alerts")
    for receiver, error in stopped.items():
        print(f"receiver {receiver} is stopped, its alerts stay owed: {error}", file=sys.stderr)
    return OK


def _alert_rows(connection: Connection, *, dead: bool, limit: int) -> list[dict[str, JSON]]:
    query = sa.select(alerts).order_by(alerts.c.id.desc()).limit(limit)
    if dead:
        query = query.where(alerts.c.state == "dead")
    return [_alert_row(row) for row in connection.execute(query)]


def _alert_row(row: sa.Row[Any]) -> dict[str, JSON]:
    return {
        "id": row.id,
        "state": row.state,
        "receiver": row.receiver,
        "recipient": row.recipient,
        "reason": row.reason,
        "subject": row.subject,
        "attempts": row.attempts,
        "created": show_time(row.created_at),
        "due": show_time(row.due_at),
        "sent": show_time(row.sent_at),
        "possibly_sent_twice": row.possibly_sent,
        "routes": row.routes,
        "error": row.error,
    }


def _show_one(config: Config, number: int, *, as_json: bool) -> int:
    """One alert with its log; exit 1 where there is none."""
    row, log = in_store(config, lambda tx: _read_one(tx, number))
    if row is None:
        print(f"alert {number} is unknown; `mentiond alerts` lists the last ones", file=sys.stderr)
        return FAILED
    tried: list[dict[str, JSON]] = [
        {
            "attempt": one.attempt,
            "at": show_time(one.at),
            "seconds": one.seconds,
            "outcome": one.outcome,
            "detail": one.detail,
        }
        for one in log
    ]
    shown = _alert_row(row)
    if as_json:
        print(json.dumps(shown | {"log": cast(JSON, tried)}, ensure_ascii=False))
        return OK
    shown["routes"] = "; ".join(row.routes)
    for name, value in shown.items():
        print(f"{name:20} {'-' if value is None or value == '' else value}")
    print_rows(tried, ("attempt", "at", "seconds", "outcome", "detail"), as_json=False, empty="not tried yet")
    return OK


def _read_one(connection: Connection, number: int) -> tuple[sa.Row[Any] | None, list[sa.Row[Any]]]:
    row = connection.execute(sa.select(alerts).where(alerts.c.id == number)).one_or_none()
    log = sa.select(attempts).where(attempts.c.alert_id == number).order_by(attempts.c.id)
    return row, list(connection.execute(log).all())
