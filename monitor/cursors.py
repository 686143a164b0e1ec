"""The row of each part of a source: where it stands, when it is due, how it fares."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor.mentions import offer_held
from monitor.schema import alerts, cursors, gaps, inbox, own_posts, posts, seen
from monitor.tombstones import rename_place
from sources.base import Cursor

LONGEST_PAUSE = timedelta(hours=24)  # after a failure
LONGEST_LEASE = timedelta(minutes=5)  # of a part that one of several nodes polls
RETIRED = "no longer configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """One row of `cursors`."""

    source: str
    part: str
    fingerprint: str
    cursor: Cursor
    version: int
    pass_number: int
    pass_started_at: datetime | None
    finished_at: datetime | None
    body_at: datetime | None
    reached_at: datetime | None
    left: str | None
    due_at: datetime
    posts: int
    asked_until: datetime | None
    failures: int
    error: str | None
    error_since: datetime | None
    disabled: str | None
    lease_until: datetime | None = None
    lease_token: str | None = None

    def is_waiting(self, now: datetime) -> bool:
        """Whether the server asked to be left alone for longer."""
        return self.asked_until is not None and now < self.asked_until


def pass_subject(state: PartState) -> str:
    """The subject of the summary that the pass under way may owe."""
    return f"pass:{state.source}/{state.part}/{state.pass_number}"


_READ = sa.select(cursors).where(
    cursors.c.source == sa.bindparam("of_source"), cursors.c.part == sa.bindparam("of_part")
)


def _where(source: str, part: str) -> tuple[sa.ColumnElement[bool], ...]:
    return cursors.c.source == source, cursors.c.part == part


def read_part(connection: Connection, source: str, part: str) -> PartState:
    """The row as it stands now."""
    row = connection.execute(_READ, {"of_source": source, "of_part": part}).one()
    return PartState(**row._mapping)


def all_parts(connection: Connection) -> list[PartState]:
    """Every row, by name."""
    rows = connection.execute(sa.select(cursors).order_by(cursors.c.source, cursors.c.part))
    return [PartState(**row._mapping) for row in rows]


def due_parts(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """(source, part) of everything that is to be polled now and that nobody has leased, longest due first.

    What happened later than now, or a pause or lease longer than any can be, shows that the clock was set back.
    """
    happened = sa.or_(cursors.c.finished_at > now, cursors.c.pass_started_at > now)
    is_failing = cursors.c.error.is_not(None)
    is_set_back = sa.or_(sa.and_(~is_failing, happened), sa.and_(is_failing, cursors.c.due_at > now + LONGEST_PAUSE))
    is_leased = sa.func.coalesce(cursors.c.lease_until.between(now, now + LONGEST_LEASE), False)
    due = sa.and_(sa.or_(cursors.c.due_at <= now, is_set_back), cursors.c.disabled.is_(None), ~is_leased)
    rows = connection.execute(sa.select(cursors.c.source, cursors.c.part).where(due).order_by(cursors.c.due_at))
    return [(source, part) for source, part in rows]


def register_parts(
    connection: Connection, fingerprints: Mapping[tuple[str, str], str], now: datetime, lasting: Collection[str] = ()
) -> None:
    """A row for every configured part; one whose fingerprint changed starts a first pass anew but keeps `seen`.

    `lasting` are keys of a cursor that a new address does not change. Parts that a configured source has no longer (a
    search of a query that changed) rest, and go on where they were should they come again.
    """
    existing = {(state.source, state.part): state for state in all_parts(connection)}
    sources = {source for source, _ in fingerprints}
    for gone in existing.keys() - fingerprints.keys():
        if gone[0] in sources:
            _retire(connection, existing[gone], now)
    for (source, part), fingerprint in fingerprints.items():
        anew: dict[str, Any] = {"fingerprint": fingerprint, "cursor": {}, "finished_at": None, "pass_started_at": None}
        anew |= {
            "due_at": now,
            "asked_until": None,
            "failures": 0,
            "error": None,
            "error_since": None,
            "disabled": None,
        }
        state = existing.get((source, part))
        if state is None:
            counters = {"version": 0, "pass_number": 1, "posts": 0}
            connection.execute(sa.insert(cursors).values(source=source, part=part, **anew, **counters))
        elif state.fingerprint != fingerprint:
            kept = {key: state.cursor[key] for key in lasting if key in state.cursor}
            moved = {
                "cursor": kept,
                "version": state.version + 1,
            }  # the number stays: what a broken-off pass held is still offered
            connection.execute(sa.update(cursors).where(*_where(source, part)).values(anew | moved))
        elif state.disabled == RETIRED:
            back = {"disabled": None, "due_at": now}
            connection.execute(sa.update(cursors).where(*_where(source, part)).values(back))


def _retire(connection: Connection, state: PartState, now: datetime) -> None:
    """Offer what its first pass held; without `body_at` it keeps no `seen` rows of its source from leaving."""
    offer_held(connection, pass_subject(state), now)
    values = {"disabled": RETIRED, "body_at": None}
    connection.execute(sa.update(cursors).where(*_where(state.source, state.part)).values(values))


def record_failure(
    connection: Connection,
    state: PartState,
    error: str,
    due_at: datetime,
    now: datetime,
    *,
    disable: bool,
    is_asked: bool = False,
) -> None:
    """Count a failed poll and say when the next one is due; `is_asked`: the server named that time itself."""
    values = {"failures": state.failures + 1, "error": error, "error_since": state.error_since or now}
    values |= {
        "due_at": due_at,
        "asked_until": due_at if is_asked else None,
        "disabled": error if disable else state.disabled,
    }
    connection.execute(sa.update(cursors).where(*_where(state.source, state.part)).values(values))


def enable(connection: Connection, source: str, now: datetime) -> int:
    """Switch a source on again, due at once; return how many parts there are."""
    anew = {"disabled": None, "asked_until": None, "failures": 0, "error": None, "error_since": None, "due_at": now}
    return connection.execute(sa.update(cursors).where(cursors.c.source == source).values(anew)).rowcount


def rename_source(connection: Connection, old: str, new: str) -> None:
    """Move everything that is kept under a source's former name, unless the new one has rows already."""
    if connection.scalar(sa.select(cursors.c.source).where(cursors.c.source == new).limit(1)) is None:
        for state in [state for state in all_parts(connection) if state.source == old]:
            held = sa.update(alerts).where(alerts.c.held_for == pass_subject(state))
            connection.execute(held.values(held_for=pass_subject(replace(state, source=new))))
        for table in (cursors, gaps, inbox, seen, posts, own_posts):
            connection.execute(sa.update(table).where(table.c.source == old).values(source=new))
        rename_place(connection, old, new)


def recent_gaps(connection: Connection, since: datetime) -> list[tuple[str, str, datetime, str]]:
    """(source, part, noticed_at, detail) of every gap since then, newest first."""
    columns = (gaps.c.source, gaps.c.part, gaps.c.noticed_at, gaps.c.detail)
    query = sa.select(*columns).where(gaps.c.noticed_at >= since).order_by(gaps.c.noticed_at.desc())
    return [(row.source, row.part, row.noticed_at, row.detail) for row in connection.execute(query)]
