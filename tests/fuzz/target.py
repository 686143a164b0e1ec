"""One input of the fuzzer: a query is read, written again, linted and held against a post, within a time.

An input is UTF-8 (what is none comes out as lone surrogates, which posts may hold) of three parts between \\x1f: query,
title, text.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # ships no types, may be missing

with atheris.instrument_imports(include=["rules"]):
    from rules.base import Match, Watchlist, WatchlistKind
    from rules.lint import lint
    from rules.matching import QueryMatcher
    from rules.query import QueryError, format_query, parse

from sources.base import Post
from tests.fuzz import SEPARATOR
from tests.rules.posts import post

SLOWEST = 5.0  # CPU seconds for one input of 4 kB under the fuzzer's instruments, which cost up to ten times


class Broken(Exception):
    """An answer that cannot be right."""


def check(data: bytes) -> None:
    """Raises whatever goes wrong with one input; a query that is refused is none of that."""
    query, title, text, *_ = [*data.decode("utf-8", "surrogateescape").split(SEPARATOR), "", ""]
    started = time.process_time()
    try:
        tree = parse(query)
    except QueryError as refused:
        str(refused)
    else:
        written = format_query(tree)
        if parse(written) != tree:
            raise Broken(f"{written!r} is not read as it was written")
        lint(tree, query)
        asked = post(text, title, url=title, author=title)
        for found in QueryMatcher([Watchlist("w", WatchlistKind.BRAND, query)]).match(asked):
            check_match(found, asked)
    took = time.process_time() - started
    if took > SLOWEST:
        raise Broken(f"took {took:.1f} CPU seconds")


def check_match(found: Match, asked: Post) -> None:
    """Spans lie within their text, in order, each once, and none without a term."""
    sizes = {"title": len(asked.title), "text": len(asked.text)}
    if not all(0 <= span.start < span.end <= sizes[span.field] for span in found.spans):
        raise Broken(f"spans beyond their text: {found.spans}")
    ordered = sorted(set(found.spans), key=lambda span: (span.field != "title", span))
    if list(found.spans) != ordered or (found.spans and not found.terms):
        raise Broken(f"spans out of order, twice or without a term: {found}")


class Recorder:
    """Keeps the first input of each kind of failure and goes on: the fuzzer alone would stop at the first."""

    def __init__(self, findings: Path) -> None:
        self._findings = findings
        self._known: set[str] = set()

    def __call__(self, data: bytes) -> None:
        try:
            check(data)
        except Exception as failure:  # the fuzzer looks for any
            self._record(failure, data)

    def _record(self, failure: Exception, data: bytes) -> None:
        last = traceback.extract_tb(failure.__traceback__)[-1]
        kind = f"{type(failure).__name__} at {Path(last.filename).name}:{last.lineno}"
        if kind not in self._known:
            self._known.add(kind)
            with self._findings.open("a", encoding="utf-8") as file:
                print(json.dumps({"kind": kind, "message": str(failure)[:500], "input": repr(data)}), file=file)


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[2:]], Recorder(Path(sys.argv[1])))
    atheris.Fuzz()
