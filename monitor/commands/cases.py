"""`mentiond cases`: what waits for an answer, the most pressing first, and how fast answers came."""

from __future__ import annotations

import argparse
import getpass
import json
import os
from typing import Any

import sqlalchemy as sa

from alerts.base import CaseState
from alerts.excerpt import clean
from monitor.assembly import utc_now
from monitor.case_list import OPEN, QUIET, Figures, Wanted, read_figures, select_cases, select_review
from monitor.commands import OK, CommandError
from monitor.commands.output import print_rows, show_lag, show_time
from monitor.commands.stored import in_store
from monitor.config import Config, load
from rules.base import UNSURE
from sources.base import JSON, parse_duration

_TEXT_SHOWN = 60  # characters of the post in the table


def run(options: argparse.Namespace) -> int:
    """List cases, or print their figures."""
    config = load(options.config, os.environ)
    if options.figures:
        return _print_figures(config, options)
    query = _review(options) if options.review else select_cases(_wanted(options), options.limit)
    rows = in_store(config, lambda connection: connection.execute(query).all())
    shown = [_row(row, whole=options.json) for row in rows]
    columns = ("id", "priority", "state", "owner", "watchlist", "labels", "waits", "due", "text")
    print_rows(shown, columns, as_json=options.json, empty="no cases")
    return OK


def _wanted(options: argparse.Namespace) -> Wanted:
    named = tuple(map(CaseState, options.state or ()))
    return Wanted(
        states=named or (OPEN if options.open or options.mine or options.overdue else tuple(CaseState)),
        overdue_at=utc_now() if options.overdue else None,
        owner=_me(options) if options.mine else options.owner,
        label=options.label,
        watchlist=options.watchlist,
    )


def _review(options: argparse.Namespace) -> sa.Select[Any]:
    label = options.label or UNSURE
    if label not in QUIET:
        raise CommandError(f"--label {label}: what waits for review is {' or '.join(QUIET)}")
    return select_review(label, options.limit, options.watchlist)


def _me(options: argparse.Namespace) -> str:
    return options.by or getpass.getuser()


def _row(row: sa.Row[Any], *, whole: bool) -> dict[str, JSON]:
    text = clean(f"{row.title} {row.text}").strip()
    return {
        "id": row.id,
        "state": row.state,
        "owner": row.owner,
        "priority": row.priority,
        "watchlist": row.watchlist,
        "labels": row.labels if whole else ", ".join(row.labels or ()),
        "direct": row.is_direct,
        "tags": row.tags or [],
        "created": show_time(row.created_at),
        "waits": show_lag(row.opened_at, utc_now()) if row.state in ("new", "claimed") else None,
        "due": show_time(row.due_at) if row.responded_at is None else None,
        "responded": show_time(row.responded_at),
        "snoozed": show_time(row.snoozed_until),
        "changed": show_time(row.changed_at),
        "url": row.url,
        "text": text if whole or len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…",
    }


def _print_figures(config: Config, options: argparse.Namespace) -> int:
    since = utc_now() - _span(options.since)
    figures = in_store(config, lambda connection: read_figures(connection, since, options.watchlist))
    if options.json:
        print(json.dumps({"since": show_time(since), "watchlist": options.watchlist, **_shape(figures)}))
        return OK
    states = ", ".join(f"{count} {state}" for state, count in figures.states.items() if count)
    print(f"{figures.opened} cases since {show_time(since)}" + (f": {states}" if states else ""))
    print(f"{figures.answered} answered for the first time")
    print(f"share of proactive answers: {_percent(figures.proactive)}")
    print(f"median time to the first answer: {_minutes(figures)}")
    print(f"answered in time, of those with a promise: {_percent(figures.kept)}")
    return OK


def _span(written: str) -> Any:
    try:
        return parse_duration(written)
    except ValueError as error:
        raise CommandError(f"--since {written}: {error}") from error


def _shape(figures: Figures) -> dict[str, JSON]:
    return {
        "opened": figures.opened,
        "states": dict(figures.states),
        "answered": figures.answered,
        "proactive": figures.proactive,
        "median_seconds": None if figures.median is None else round(figures.median.total_seconds()),
        "kept": figures.kept,
    }


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"


def _minutes(figures: Figures) -> str:
    return "-" if figures.median is None else f"{figures.median.total_seconds() / 60:.0f} min"
