"""`mentiond sources`: how the sources fare, and switching one on again."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from monitor import cursors
from monitor.assembly import utc_now
from monitor.commands import OK, CommandError
from monitor.commands.output import print_rows, show_lag, show_time
from monitor.commands.stored import in_store
from monitor.config import load
from sources.base import JSON

GAPS_SHOWN = timedelta(days=7)


def run(options: argparse.Namespace) -> int:
    """List every part of every source with its health, then the gaps of the last week."""
    config = load(options.config, os.environ)
    now = utc_now()
    since = now - GAPS_SHOWN

    def read(connection: Connection) -> tuple[list[cursors.PartState], list[tuple[str, str, datetime, str]]]:
        states = [state for state in cursors.all_parts(connection) if state.disabled != cursors.RETIRED]
        return states, cursors.recent_gaps(connection, since)

    states, gaps = in_store(config, read)
    types = {source.name: source.type for source in config.sources}
    known = {state.source for state in states}
    rows = [_source_row(state, types.get(state.source, "(not configured)"), gaps, now) for state in states]
    rows += [
        {"source": name, "part": "", "type": kind, "state": "new"} for name, kind in types.items() if name not in known
    ]
    columns = ("source", "part", "type", "state", "last_pass", "lag", "next", "posts", "gaps", "left", "error")
    print_rows(rows, columns, as_json=options.json, empty="no sources")
    if not options.json:
        for source, part, noticed_at, detail in gaps:
            print(f"gap {show_time(noticed_at)} {source}{'/' + part if part else ''}: {detail}")
    return OK


def _source_row(
    state: cursors.PartState, kind: str, gaps: Sequence[tuple[str, str, datetime, str]], now: datetime
) -> dict[str, JSON]:
    health = "off" if state.disabled else "failing" if state.error else "ok" if state.finished_at else "first pass"
    return {
        "source": state.source,
        "part": state.part,
        "type": kind,
        "state": health,
        "last_pass": show_time(state.finished_at),
        "lag": show_lag(state.reached_at, now),
        "next": None if state.disabled else show_time(state.due_at),
        "posts": state.posts,
        "gaps": sum(1 for source, part, *_ in gaps if (source, part) == (state.source, state.part)),
        "left": state.left,
        "failures": state.failures,
        "error": state.disabled or state.error,
    }


def enable(options: argparse.Namespace) -> int:
    """Switch a source on again, due at once."""
    config = load(options.config, os.environ)
    if not in_store(config, lambda connection: cursors.enable(connection, options.name, utc_now())):
        names = ", ".join(source.name for source in config.sources)
        raise CommandError(f"source {options.name!r} has never been polled; configured are {names}")
    print(f"{options.name} is on and due now")
    return OK
