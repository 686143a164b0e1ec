"""`mentiond status`: the installation on one screen."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.excerpt import clean
from monitor.assembly import utc_now
from monitor.commands import OK, TROUBLE
from monitor.commands.output import show_lag, show_time
from monitor.commands.stored import in_store
from monitor.config import Config, load
from monitor.explain.shapes import Suspect
from monitor.explain.unseen import find_suspects
from monitor.figures import Figures, read_figures
from monitor.health import Trouble, find_troubles
from monitor.presence import ALIVE_EVERY, Presence, read_presence
from sources.base import JSON

DEAD_AFTER = timedelta(seconds=3 * ALIVE_EVERY)  # without a sign of life
LISTED = 10  # lines of one kind


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that is shown."""

    place: str
    presence: Presence | None
    figures: Figures
    troubles: Sequence[Trouble]
    behind: Sequence[Suspect]

    @property
    def is_running(self) -> bool:
        """Whether the active node has shown that it lives, not long ago."""
        one = self.presence
        if one is None or one.ended_at is not None or one.alive_at is None:
            return False
        return self.figures.at - one.alive_at < DEAD_AFTER


def run(options: argparse.Namespace) -> int:
    """Print it; exit 4 where something is wrong."""
    config = load(options.config, os.environ)
    status = in_store(config, lambda connection: _read(connection, config, utc_now()))
    if options.json:
        print(json.dumps(_shape(status), ensure_ascii=False))
    else:
        print("\n".join(_lines(status)))
    return OK if status.is_running and not status.troubles else TROUBLE


def _read(connection: Connection, config: Config, now: datetime) -> Status:
    figures = read_figures(connection, now)
    return Status(
        sa.engine.make_url(config.store.url).render_as_string(hide_password=True),
        read_presence(connection),
        figures,
        find_troubles(figures, config.operations.silent_after),
        find_suspects(connection, config.sources, now),
    )


def _lines(status: Status) -> Iterator[str]:
    figures, now = status.figures, status.figures.at
    yield f"store     {status.place}, {figures.store_bytes / 1e6:,.1f} MB"
    yield f"daemon    {_daemon(status)}"
    yield from _of_config(status)
    yield from _listed("troubles", [f"{clean(one.text)} (for {show_lag(one.since, now)})" for one in status.troubles])
    yield from _listed("owed", list(_owed(figures)), "nothing")
    dead = [f"{receiver}: {count} dead letters" for receiver, count in figures.dead.items()]
    yield from _listed("dead", dead, "nothing")
    yield from _listed("behind", [f"{one.source} {clean(one.what)}" for one in status.behind], "no source")
    open_cases = figures.open_cases.items()
    waiting = [f"{one.count} {state}, the oldest for {show_lag(one.oldest, now)}" for state, one in open_cases]
    overdue = [f"{figures.overdue_cases} overdue"] if figures.overdue_cases else []
    yield from _listed("cases", [*waiting, *overdue], "none is open")


def _daemon(status: Status) -> str:
    one, now = status.presence, status.figures.at
    if one is None:
        return "none has ever been active on this store: start it with `mentiond run`"
    who = f"{one.host}, process {one.pid}, active since {show_time(one.since)}"
    if one.ended_at is not None:
        return f"not running: it ended at {show_time(one.ended_at)} ({who})"
    life = f"last sign of life {show_lag(one.alive_at, now)} ago"
    return f"{who}, {life}" if status.is_running else f"not running, or stuck: {life} ({who})"


def _of_config(status: Status) -> Iterator[str]:
    one = status.presence
    if one is None:
        return
    yield f"config    loaded at {show_time(one.loaded_at)}"
    if one.reloaded_at is not None:
        changed = clean("; ".join(one.changes)) or "nothing"
        yield f"          the last reload, at {show_time(one.reloaded_at)}, changed {changed}"
    if one.refused:
        yield f"          refused at {show_time(one.refused_at)}: {clean(one.refused)}"


def _owed(figures: Figures) -> Iterator[str]:
    for receiver, waiting in figures.owed.items():
        channel = figures.channels.get(receiver)
        error = (channel.stopped or channel.error) if channel else None
        why = f"; it {'is stopped' if channel and channel.stopped else 'fails'}: {clean(error)}" if error else ""
        yield f"{receiver}: {waiting.count}, the oldest for {show_lag(waiting.oldest, figures.at)}{why}"


def _listed(name: str, lines: Sequence[str], none: str = "none") -> Iterator[str]:
    shown = [*lines[:LISTED], *([f"... and {len(lines) - LISTED} more"] if len(lines) > LISTED else [])]
    for number, line in enumerate(shown or [none]):
        yield f"{'' if number else name:10}{line}"


def _node(one: Presence) -> dict[str, JSON]:
    return {"host": one.host, "pid": one.pid, "since": show_time(one.since), "ended": show_time(one.ended_at)}


def _shape(status: Status) -> dict[str, JSON]:
    one, figures = status.presence, status.figures
    return {
        "store": status.place,
        "store_bytes": figures.store_bytes,
        "running": status.is_running,
        "node": _node(one) if one else None,
        "alive": show_time(one.alive_at) if one else None,
        "loaded": show_time(one.loaded_at) if one else None,
        "reloaded": show_time(one.reloaded_at) if one else None,
        "changes": [*one.changes] if one else [],
        "refused": one.refused if one else "",
        "troubles": [
            {"subject": trouble.subject, "text": trouble.text, "since": show_time(trouble.since)}
            for trouble in status.troubles
        ],
        "owed": {name: {"count": of.count, "oldest": show_time(of.oldest)} for name, of in figures.owed.items()},
        "stopped": {name: channel.stopped for name, channel in figures.channels.items() if channel.stopped},
        "dead": dict(figures.dead),
        "behind": [{"source": suspect.source, "what": suspect.what} for suspect in status.behind],
        "cases": {name: {"count": of.count, "oldest": show_time(of.oldest)} for name, of in figures.open_cases.items()},
        "overdue": figures.overdue_cases,
    }
