"""`mentiond rematch`: watchlists applied to what is stored already."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from monitor.assembly import build_judge, utc_now
from monitor.commands import OK, CommandError
from monitor.commands.chosen import chosen_in
from monitor.commands.progress import Progress
from monitor.config import Config, build_watchlists, load
from monitor.config_errors import suggest
from monitor.model import load_classifier
from monitor.rematching import ClassifierFailedError, Rematch, Rematched
from monitor.store import Store
from rules.base import Classifier
from rules.matching import QueryMatcher
from sources.base import parse_duration


def run(options: argparse.Namespace) -> int:
    """Store what the watchlists find, and print counts. Raises CommandError where the classifier fails."""
    config = load(options.config, os.environ)
    names = _names(config, options.watchlist or ())
    done = rematch(config, load_classifier(*chosen_in(config)), names, options.since, tells=options.alert)
    _report(done, tells=options.alert, as_json=options.json)
    return OK


def rematch(config: Config, classifier: Classifier, names: Sequence[str], since: str, *, tells: bool) -> Rematched:
    """The run as configured."""
    now = utc_now()
    try:
        begin = now - parse_duration(since)
    except ValueError as error:
        raise CommandError(f"--since {since}: {error}") from error
    meant = [watchlist for watchlist in build_watchlists(config) if watchlist.name in names]
    store = Store(config.store.url)
    try:
        store.migrate()
        with Progress(sys.stderr, what="posts searched") as progress:
            return Rematch(
                store=store,
                judge=replace(build_judge(config, classifier), matcher=QueryMatcher(meant)),
                recipients={receiver.name: receiver.recipients for receiver in config.receivers},
                since=begin,
                now=now,
                tells=tells,
                count=progress.count,
            ).run()
    except ClassifierFailedError as error:
        raise CommandError(str(error)) from error
    finally:
        store.close()


def _names(config: Config, wanted: Sequence[str]) -> list[str]:
    known = [watchlist.name for watchlist in config.watchlists]
    for name in wanted:
        if name not in known:
            raise CommandError(f"--watchlist {name}: no such watchlist is configured{suggest(name, known)}")
    return list(wanted or known)


def _report(done: Rematched, *, tells: bool, as_json: bool) -> None:
    total = sum(done.mentions.values())
    if as_json:
        told = {"told": sorted(done.receivers)}
        print(json.dumps({"posts": done.posts, "mentions": total, "watchlists": dict(done.mentions)} | told))
        return
    of = f" ({', '.join(f'{name} {count:,}' for name, count in sorted(done.mentions.items()))})" if total else ""
    print(f"{done.posts:,} posts searched, {total:,} new mentions{of}")
    if done.receivers:
        print(f"told in one summary each: {', '.join(sorted(done.receivers))}")
    elif total:
        print("nobody is told: no route leads to anybody" if tells else "nobody is told; `mentiond cases` lists them")
