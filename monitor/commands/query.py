"""`mentiond query`: how a query is read, and what it finds in a file or in the store."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from monitor.commands import OK, CommandError
from monitor.commands.files import open_input
from monitor.config import load
from rules.base import Match, Span, Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from rules.query import QueryError, format_query, parse
from sources.base import JSON, Post, parse_duration


@dataclass(frozen=True, slots=True)
class Found:
    """A post that matches; `line` is 0 for one from the store."""

    line: int
    post: Post
    match: Match


def run(options: argparse.Namespace) -> int:
    """Explain the query, print the posts that match with what matched."""
    try:
        read_as = format_query(parse(options.query))
    except QueryError as error:
        raise CommandError(str(error)) from error
    matcher = QueryMatcher([Watchlist("query", WatchlistKind.TOPIC, options.query)])
    if not options.json:
        print(f"read as: {read_as}", file=sys.stderr)
    read = matched = 0
    for line, post in _posts(options):
        read += 1
        for match in matcher.match(post):
            matched += 1
            _print_found(Found(line, post, match), as_json=options.json)
    print(f"{matched} of {read} posts match", file=sys.stderr)
    return OK


def _posts(options: argparse.Namespace) -> Iterator[tuple[int, Post]]:
    if options.file is None:
        from monitor.commands.stored import stored_posts

        since = _duration(options.since)
        yield from ((0, post) for post in stored_posts(load(options.config, os.environ), since))
        return
    from monitor.assembly import utc_now
    from sources.json_lines import read_post

    with open_input(options.file) as lines:
        for number, content in enumerate(lines, 1):
            if not content.strip():
                continue
            try:
                yield number, read_post(content, number, "input", utc_now())
            except ValueError as error:
                print(f"{options.file}:{number}: left out: {error}", file=sys.stderr)


def _print_found(found: Found, *, as_json: bool) -> None:
    post, match = found.post, found.match
    if as_json:
        spans: list[JSON] = [{"field": span.field, "start": span.start, "end": span.end} for span in match.spans]
        shape: dict[str, JSON] = {"line": found.line} if found.line else {}
        shape |= {"external_id": post.external_id, "spans": spans, "terms": list(match.terms)}
        print(json.dumps(shape, ensure_ascii=False))
        return
    where = f"line {found.line}" if found.line else post.url or post.external_id
    parts = [
        mark(getattr(post, field), [span for span in match.spans if span.field == field]) for field in ("title", "text")
    ]
    print(f"{where}: {' | '.join(filter(None, parts))}")


def mark(text: str, spans: list[Span]) -> str:
    """The text on one line with the matched words in brackets."""
    pieces, position = [], 0
    for span in spans:
        if span.start >= position:
            pieces += [text[position : span.start], "[", text[span.start : span.end], "]"]
            position = span.end
    return " ".join("".join([*pieces, text[position:]]).split())


def _duration(value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise CommandError(f"--since {value}: expected {error}") from error
