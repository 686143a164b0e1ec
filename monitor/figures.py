"""How the installation fares, read from the store at one moment: for /metrics, /healthz and the watchdog."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.cursors import PartState, all_parts
from monitor.outbox import Channel
from monitor.schema import alerts, cases, channels, escalations, gaps

LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits: how many, and since when the oldest does."""

    count: int
    oldest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts and times of one moment."""

    at: datetime
    parts: tuple[PartState, ...]  # of sources that are configured
    gaps: Mapping[tuple[str, str], int]  # by source and part, as far back as they are kept
    channels: Mapping[str, Channel]
    owed: Mapping[str, Waiting]  # by receiver; due, or waiting to be tried again, since it first was
    dead: Mapping[str, int]  # by receiver
    open_cases: Mapping[str, Waiting]  # new and claimed
    overdue_cases: int  # open, and their SLA is broken
    late_escalations: int  # steps that should have been taken a minute ago
    store_bytes: int


def read_figures(connection: Connection, now: datetime) -> Figures:
    """Every query here has an index; nothing counts rows that are done."""
    counted = sa.select(gaps.c.source, gaps.c.part, sa.func.count()).group_by(gaps.c.source, gaps.c.part)
    late = sa.select(sa.func.count()).where(escalations.c.next_at < now - LATE)
    is_open = cases.c.state.in_([CaseState.NEW.value, CaseState.CLAIMED.value])
    overdue = sa.select(sa.func.count()).where(is_open, cases.c.due_at < now)
    dead = sa.select(alerts.c.receiver, sa.func.count()).where(alerts.c.state == "dead").group_by(alerts.c.receiver)
    return Figures(
        at=now,
        parts=tuple(all_parts(connection)),
        gaps={(source, part): count for source, part, count in connection.execute(counted)},
        channels=_channels(connection),
        owed=_owed(connection, now),
        dead={receiver: count for receiver, count in connection.execute(dead)},
        open_cases=_waiting(connection, cases.c.state, cases.c.opened_at, is_open),
        overdue_cases=connection.scalar(overdue) or 0,
        late_escalations=connection.scalar(late) or 0,
        store_bytes=_size(connection),
    )


def _channels(connection: Connection) -> dict[str, Channel]:
    columns = (channels.c[name] for name in Channel.__dataclass_fields__)
    return {row.receiver: Channel(*row) for row in connection.execute(sa.select(*columns))}


def _owed(connection: Connection, now: datetime) -> dict[str, Waiting]:
    """Not what waits for its time, such as a digest; what failed and is tried again later has been due since then."""
    due = sa.or_(alerts.c.due_at <= now, alerts.c.failed_since.is_not(None))
    since = sa.func.coalesce(alerts.c.failed_since, alerts.c.due_at, type_=alerts.c.due_at.type)
    return _waiting(connection, alerts.c.receiver, since, alerts.c.state == "owed", due)


def _waiting(
    connection: Connection, by: sa.Column[Any], since: sa.ColumnElement[datetime], *where: sa.ColumnElement[bool]
) -> dict[str, Waiting]:
    oldest = sa.func.min(since, type_=since.type)
    rows = connection.execute(sa.select(by, sa.func.count(), oldest).where(*where).group_by(by))
    return {name: Waiting(count, moment) for name, count, moment in rows}


def _size(connection: Connection) -> int:
    """Bytes of the database; of SQLite with its write-ahead log."""
    if connection.dialect.name != "sqlite":
        return connection.scalar(sa.text("SELECT pg_database_size(current_database())")) or 0
    database = Path(str(connection.engine.url.database))
    files = (database, database.with_name(database.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
