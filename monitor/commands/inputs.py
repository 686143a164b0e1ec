"""The posts that a command looks at: from a file, from standard input, from the store, or from one feed."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.commands import CommandError
from monitor.commands.files import open_input
from monitor.config import HttpSettings, load
from sources.base import Page, Post, parse_duration

_SINCE = "7d"
_CONFIG = Path("config.yaml")


def read_posts(options: argparse.Namespace) -> Iterator[tuple[int, Post]]:
    """(line, post) of FILE, --feed or the store; the line is 0 where there is none. Raises SourceError for a feed."""
    if sum(given is not None for given in (options.file, options.feed, options.since)) > 1:
        raise CommandError("one of FILE.jsonl, --feed and --since is enough")
    if options.file is not None:
        return _file(options.file)
    if options.feed is not None:
        return _feed(options.feed, options.config)
    return _store(options.since or _SINCE, options.config or _CONFIG)


def has_input(options: argparse.Namespace) -> bool:
    """Whether the arguments name posts at all."""
    return any(given is not None for given in (options.file, options.feed, options.since))


def _file(name: str) -> Iterator[tuple[int, Post]]:
    from sources.json_lines import read_post

    with open_input(name) as lines:
        for number, content in enumerate(lines, 1):
            if not content.strip():
                continue
            try:
                yield number, read_post(content, number, "input", datetime.now(UTC))
            except ValueError as error:
                print(f"{name}:{number}: left out: {error}", file=sys.stderr)


def _store(since: str, config: Path) -> Iterator[tuple[int, Post]]:
    from monitor.commands.stored import stored_posts

    duration = _duration(since)
    yield from ((0, post) for post in stored_posts(load(config, os.environ), duration))


def _duration(value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise CommandError(f"--since {value}: expected {error}") from error


def _feed(url: str, config: Path | None) -> Iterator[tuple[int, Post]]:
    settings = load(config, os.environ).http if config else HttpSettings()
    page = asyncio.run(_fetch(url, settings))
    for notice in page.notices:
        print(f"{url}: {notice}", file=sys.stderr)
    yield from ((0, post) for post in page.posts)


async def _fetch(url: str, settings: HttpSettings) -> Page:
    """One page of the feed, through the same guards as in the daemon."""
    from pydantic import ValidationError

    from monitor.assembly import utc_now
    from monitor.http import GuardedHttp
    from sources.feed import FeedSettings, FeedSource
    from sources.feed_parser import FeedParser

    try:
        feed = FeedSettings.model_validate({"name": "feed", "type": "feed", "url": url})
    except ValidationError as error:
        raise CommandError(f"--feed {url}: expected an address that starts with https:// or http://") from error
    parser = FeedParser()
    guarded = GuardedHttp(
        contact=settings.contact, per_host=settings.per_host, allow_hosts=settings.allow_hosts, clock=utc_now
    )
    async with guarded as http:
        try:
            return await FeedSource(feed, http, parser, utc_now).fetch({})
        finally:
            await parser.close()
