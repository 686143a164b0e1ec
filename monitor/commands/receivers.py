"""`mentiond receivers`: how the receivers fare, a test message through one, and switching one on again."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, Reason, Receiver, ReceiverError
from monitor import outbox
from monitor.assembly import build_receivers, open_tools, utc_now
from monitor.commands import OK, TROUBLE, CommandError
from monitor.commands.output import print_rows, show_lag, show_time
from monitor.commands.stored import in_store
from monitor.config import Config, load
from monitor.schema import alerts, channels
from sources.base import JSON

_TEST = "This is a test of mentiond: if you can read it, alerts reach you here."


def run(options: argparse.Namespace) -> int:
    """List every configured receiver with what it is owed."""
    config = load(options.config, os.environ)
    now = utc_now()
    stored = in_store(config, _stored)
    rows = [_row(name, kind, stored.get(name, {}), now) for name, kind in _types(config).items()]
    columns = ("receiver", "type", "state", "owed", "oldest_owed", "dead", "sent", "last_sent", "error")
    print_rows(rows, columns, as_json=options.json, empty="no receivers")
    return OK


def _types(config: Config) -> dict[str, str]:
    return {receiver.name: receiver.type for receiver in config.receivers}


def _stored(connection: Connection) -> dict[str, dict[str, Any]]:
    """By receiver: the channel's row, and what its alerts come to."""
    found: dict[str, dict[str, Any]] = {}
    for channel in connection.execute(sa.select(channels)):
        found[channel.receiver] = {"stopped": channel.stopped, "error": channel.error}
    counted = sa.select(
        alerts.c.receiver,
        alerts.c.state,
        sa.func.count().label("count"),
        sa.func.min(alerts.c.created_at, type_=alerts.c.created_at.type).label("oldest"),
        sa.func.max(alerts.c.sent_at, type_=alerts.c.sent_at.type).label("last"),
    ).group_by(alerts.c.receiver, alerts.c.state)
    for row in connection.execute(counted):
        found.setdefault(row.receiver, {})[row.state] = row
    return found


def _row(name: str, kind: str, stored: dict[str, Any], now: datetime) -> dict[str, JSON]:
    owed, dead, sent = (stored.get(state) for state in ("owed", "dead", "sent"))
    stopped, error = stored.get("stopped"), stored.get("error")
    return {
        "receiver": name,
        "type": kind,
        "state": "stopped" if stopped else "failing" if error else "ok" if sent else "new",
        "owed": owed.count if owed else 0,
        "oldest_owed": show_lag(owed.oldest, now) if owed else None,
        "dead": dead.count if dead else 0,
        "sent": sent.count if sent else 0,
        "last_sent": show_time(sent.last) if sent else None,
        "error": stopped or error,
    }


def test(options: argparse.Namespace) -> int:
    """Send one message to the receiver, not through the store, and try it once."""
    config = load(options.config, os.environ)
    settings = next((one for one in config.receivers if one.name == options.name), None)
    if settings is None:
        raise CommandError(f"no receiver is called {options.name!r}; there are {', '.join(_types(config))}")
    results = asyncio.run(_send(config, options.name, settings.recipients))
    for result in results:
        if options.json:
            print(json.dumps(result, ensure_ascii=False))
        else:
            to = f" to {result['recipient']}" if result["recipient"] else ""
            print(f"{'sent  ' if result['ok'] else 'FAILED'} {options.name}{to}: {result['detail']}")
    return OK if all(result["ok"] for result in results) else TROUBLE


async def _send(config: Config, name: str, recipients: tuple[str, ...]) -> list[dict[str, JSON]]:
    now = utc_now()
    notice = Alert(
        id=0,
        key=f"test|{name}||notice|{int(now.timestamp())}",
        receiver=name,
        recipient="",
        reason=Reason.NOTICE,
        n=int(now.timestamp()),
        mentions=(),
        count=0,
        routes=(),
        url="",
        created_at=now,
        notice=_TEST,
    )
    async with open_tools(config) as tools:
        receiver = build_receivers(config, tools)[name]
        return [await _try(receiver, replace(notice, recipient=to, key=f"{notice.key}|{to}")) for to in recipients]


async def _try(receiver: Receiver, alert: Alert) -> dict[str, JSON]:
    try:
        receipt = await receiver.send(alert)
    except ReceiverError as error:
        return {"recipient": alert.recipient, "ok": False, "detail": str(error)}
    return {"recipient": alert.recipient, "ok": True, "detail": receipt.reference or "no error"}


def enable(options: argparse.Namespace) -> int:
    """Switch a stopped receiver on again: what it is owed goes out."""
    config = load(options.config, os.environ)
    if options.name not in _types(config):
        raise CommandError(f"no receiver is called {options.name!r}; there are {', '.join(_types(config))}")
    in_store(config, lambda connection: outbox.restart_channel(connection, options.name))
    print(f"{options.name} is on")
    return OK
