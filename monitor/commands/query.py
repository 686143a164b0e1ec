"""`mentiond query`: how a query is read, what it finds, and what another query would find instead."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Sequence

from monitor.commands import OK, TROUBLE, CommandError
from monitor.commands.inputs import has_input, read_posts
from monitor.commands.marking import harmless, has_colour, show
from monitor.commands.progress import Progress, remark
from monitor.preview import Found, Group, Preview, everyday_words
from rules.lint import lint
from rules.query import QueryError, format_query, parse
from sources.base import JSON, SourceError

_ON_A_TERMINAL = 20  # matches that are shown unless --limit says otherwise
_SURROGATES = re.compile("[\udc80-\udcff]")
_KEYS_SHOWN = 12  # of those under which the index files the query


def run(options: argparse.Namespace) -> int:
    """Explain the query, print the posts that match with what matched, and sum up."""
    if options.suggest is not None:
        from monitor.commands import suggest

        return suggest.run(options)
    if options.query is None:
        raise CommandError("a QUERY is needed, or --suggest WATCHLIST")
    _prepare_output(as_json=options.json)
    query = _explain(options.query, options.dialect, "read as")
    old = None if options.compare is None else _explain(options.compare, options.dialect, "compared with")
    if options.dialect and not has_input(options):
        print(harmless(query))
        return OK
    preview = Preview(query, old)
    try:
        _look(preview, options)
    except SourceError as error:
        remark(str(error))
        return TROUBLE
    _sum_up(preview)
    return OK


def _prepare_output(*, as_json: bool) -> None:
    """JSON lines are UTF-8; a terminal that lacks a letter shows a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8" if as_json else None, errors="replace")


def _text(argument: str) -> str:
    """An argument of the shell; where the locale did not say that it is UTF-8, Python left its bytes as surrogates."""
    try:
        return os.fsencode(argument).decode() if _SURROGATES.search(argument) else argument
    except UnicodeError as error:
        raise CommandError("the query is not UTF-8: set LANG to a UTF-8 locale such as C.UTF-8") from error


def _explain(argument: str, dialect: str | None, what: str) -> str:
    """The query, translated where it is written in another dialect; say how it is read and what is odd about it."""
    query = _text(argument)
    try:
        query = _translated(query) if dialect else query
        read = parse(query)
    except QueryError as error:
        raise CommandError(str(error)) from error
    remark(f"{what}: {harmless(format_query(read))}")
    for finding in lint(read, query):
        remark(f"{finding.level}: line {finding.line}, column {finding.column}: {harmless(finding.message)}")
    return query


def _translated(query: str) -> str:
    from rules.translate import from_brandwatch

    translation = from_brandwatch(query)
    for note in translation.notes:
        remark(f"note: {harmless(note)}")
    return translation.query


def _look(preview: Preview, options: argparse.Namespace) -> None:
    limit = _limit(options)
    colour = has_colour()
    printed: Counter[Group] = Counter()
    with Progress(sys.stderr) as progress:
        for line, post in read_posts(options):
            found = preview.look(line, post)
            progress.count()
            if found is None or (limit is not None and printed[found.group] >= limit):
                continue
            printed[found.group] += 1
            progress.clear()
            print(_as_json(found) if options.json else show(found, colour=colour))
    if sys.stdout is not None:
        sys.stdout.flush()
    for group, shown in printed.items():
        if preview.count(group) > shown:
            remark(f"... and {preview.count(group) - shown} more {_MORE[group]} (--limit)")


_MORE = {Group.FOUND: "that match", Group.GAINED: "that are gained", Group.LOST: "that are lost"}


def _limit(options: argparse.Namespace) -> int | None:
    is_for_people = not options.json and sys.stdout is not None and sys.stdout.isatty()
    default = _ON_A_TERMINAL if is_for_people else None
    limit: int | None = options.limit
    return default if limit is None else limit


def _as_json(found: Found) -> str:
    spans: list[JSON] = [{"field": span.field, "start": span.start, "end": span.end} for span in found.match.spans]
    shape: dict[str, JSON] = {"line": found.line} if found.line else {}
    shape |= {"external_id": found.post.external_id, "spans": spans, "terms": list(found.match.terms)}
    if found.group is not Group.FOUND:
        shape["change"] = found.group.value
    return json.dumps(shape, ensure_ascii=False)


def _sum_up(preview: Preview) -> None:
    """Counts, and the words that stand out."""
    gained, lost, kept = (preview.count(group) for group in (Group.GAINED, Group.LOST, Group.KEPT))
    matching = preview.count(Group.FOUND) + gained + kept
    remark(f"{matching} of {preview.read} posts match{_share(matching, preview.read)}")
    if preview.compares:
        remark(f"{gained} gained, {lost} lost, {kept} found by both")
    remark(f"index: {_required(preview.required)}")
    groups = [group for group in _AMONG if preview.count(group) > 1]  # a word of one post says nothing
    everyday = everyday_words() if groups else []
    for group in groups:
        words = preview.words(group, everyday)
        if words:
            remark(f"often {_AMONG[group]}: {', '.join(f'{word.word} ({word.texts})' for word in words)}")


def _required(keys: Sequence[str]) -> str:
    """What the index requires of a post; `complain*` is a piece of a word, `site:acme.com` a value of a field."""
    if not keys:
        return "every post is looked at, because no word is required"
    more = f" or {len(keys) - _KEYS_SHOWN} others" if len(keys) > _KEYS_SHOWN else ""
    return f"only posts with {' or '.join(map(harmless, sorted(keys)[:_KEYS_SHOWN]))}{more} are looked at"


_AMONG = {
    Group.FOUND: "in what matches (exclude with NOT)",
    Group.GAINED: "in what is gained",
    Group.LOST: "in what is lost",
}


def _share(part: int, whole: int) -> str:
    if not whole:
        return ""
    percent = 100 * part / whole
    return " (under 0.1 %)" if 0 < percent < 0.1 else f" ({percent:.1f} %)"
