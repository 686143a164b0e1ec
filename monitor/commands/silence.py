"""`mentiond silence`: who keeps what quiet, until when and why."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from datetime import datetime, timedelta

from monitor import silences
from monitor.assembly import utc_now
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.output import print_rows, show_time
from monitor.commands.stored import in_store
from monitor.config import Config, build_hours, load
from monitor.silences import Silence
from rules.matchers import MatcherError
from sources.base import JSON, parse_duration


def add(options: argparse.Namespace) -> int:
    """Silence what matches; the daemon takes it up with the next alert."""
    config, now = load(options.config, os.environ), utc_now()
    _check(options.matchers, config)
    ends_at = now + _duration(options.duration) if options.duration else None
    by = options.by or getpass.getuser()
    number = in_store(config, lambda tx: silences.add_silence(tx, options.matchers, ends_at, by, options.comment, now))
    silence = Silence(number, tuple(options.matchers), now, ends_at, by, options.comment)
    until = f"until {show_time(ends_at)}" if ends_at else "until it is expired"
    print(json.dumps(_row(silence, now), ensure_ascii=False) if options.json else f"silence {number}, {until}")
    return OK


def _check(matchers: list[str], config: Config) -> None:
    hours = build_hours(config)
    for text in matchers:
        try:
            silences.read_matchers([text, "watchlist = any"], hours)
        except MatcherError as error:
            raise CommandError(f"{text}\n{' ' * (error.column - 1)}^ {error}") from error
    try:
        silences.read_matchers(matchers, hours)
    except MatcherError as error:
        raise CommandError(f"this {error}") from error


def _duration(text: str) -> timedelta:
    try:
        duration = parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--for {text}: expected {error}") from error
    if not duration:
        raise CommandError(f"--for {text}: expected a time such as 30m, 2h or 7d")
    return duration


def listing(options: argparse.Namespace) -> int:
    """List the silences that hold, or with --all those that are over too."""
    config, now = load(options.config, os.environ), utc_now()
    if options.all:
        found = in_store(config, lambda tx: silences.all_silences(tx, options.limit))
    else:
        found = in_store(config, lambda tx: silences.active_silences(tx, now))[::-1][: options.limit]
    columns = ("id", "matchers", "ends", "by", "comment")
    rows = [
        _row(silence, now) | ({} if options.json else {"matchers": ", ".join(silence.matchers)}) for silence in found
    ]
    print_rows(rows, columns, as_json=options.json, empty="no silences")
    return OK


def _row(silence: Silence, now: datetime) -> dict[str, JSON]:
    return {
        "id": silence.id,
        "matchers": list(silence.matchers),
        "starts": show_time(silence.starts_at),
        "ends": show_time(silence.ends_at),
        "active": silence.ends_at is None or silence.ends_at > now,
        "by": silence.by,
        "comment": silence.comment,
    }


def expire(options: argparse.Namespace) -> int:
    """End silences now; exit 1 where one is unknown or over."""
    config, now = load(options.config, os.environ), utc_now()
    ended = in_store(config, lambda tx: {number: silences.expire_silence(tx, number, now) for number in options.ids})
    for number, is_ended in ended.items():
        if is_ended:
            print(f"silence {number} is over")
        else:
            print(f"silence {number} is unknown or over already; `mentiond silence list`", file=sys.stderr)
    return OK if all(ended.values()) else FAILED
