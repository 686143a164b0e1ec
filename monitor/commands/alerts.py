"""`mentiond alerts`: what is owed, sent, held and dead."""

from __future__ import annotations

import argparse
import json
import os
import sys

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import outbox
from monitor.assembly import utc_now
from monitor.commands import OK
from monitor.commands.output import print_rows, show_time
from monitor.commands.stored import in_store
from monitor.config import load
from monitor.schema import alerts
from sources.base import JSON


def run(options: argparse.Namespace) -> int:
    """List alert rows, newest first; with --retry owe every dead letter once more."""
    config = load(options.config, os.environ)
    if options.retry:
        count = in_store(config, lambda connection: outbox.retry_dead(connection, utc_now()))
        print(json.dumps({"retried": count}) if options.json else f"{count} dead letters are owed again")
        return OK
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
    return [
        {
            "id": row.id,
            "state": row.state,
            "receiver": row.receiver,
            "recipient": row.recipient,
            "reason": row.reason,
            "subject": row.subject,
            "attempts": row.attempts,
            "created": show_time(row.created_at),
            "sent": show_time(row.sent_at),
            "possibly_sent_twice": row.possibly_sent,
            "error": row.error,
        }
        for row in connection.execute(query)
    ]
