"""docs/query-language.md: every line of its tables is true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rules.base import Watchlist, WatchlistKind
from rules.lint import lint
from rules.matching import QueryMatcher
from rules.query import RANGE_FIELDS, TEXT_FIELDS, WHOLE_FIELDS, QueryError, format_query, parse
from rules.translate import from_brandwatch
from sources.base import Post, PostKind

PAGE = (Path(__file__).parents[2] / "docs" / "query-language.md").read_text(encoding="utf-8")
_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def _rows(*head: str) -> Iterator[list[str]]:
    """The rows of all tables with these columns."""
    for table in re.findall(rf"^\| {re.escape(' | '.join(head))} \|\n[|-]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE):
        for line in table.splitlines():
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _spans(cell: str) -> list[str]:
    spans = [(found[1], found[2]) for found in _SPAN.finditer(cell)]
    return [text[1:-1] if len(ticks) > 1 else text for ticks, text in spans]


def _post(written: str) -> Post:
    row: dict[str, Any] = json.loads(written) if written.startswith('{"') else {"text": written}
    if "kind" in row:
        row["kind"] = PostKind(row["kind"])
    return Post(**{"source": "s", "external_id": "1", "published_at": datetime(2026, 11, 21, tzinfo=UTC), **row})


def _is_found(query: str, post: Post) -> bool:
    return bool(QueryMatcher([Watchlist("w", WatchlistKind.BRAND, query)]).match(post))


EXAMPLES = [
    (_spans(query)[0], post, wanted)
    for query, *cells in _rows("query", "finds", "not")
    for cell, wanted in zip(cells, (True, False), strict=True)
    for post in _spans(cell)
]


@pytest.mark.parametrize(("query", "post", "wanted"), EXAMPLES)
def test_examples(query: str, post: str, wanted: bool) -> None:
    assert _is_found(query, _post(post)) == wanted


def test_each_form_has_a_post_that_it_finds_and_one_that_it_does_not() -> None:
    found = {query for query, _, wanted in EXAMPLES if wanted}
    assert found == {query for query, _, wanted in EXAMPLES if not wanted}
    assert len(found) > 60


@pytest.mark.parametrize("field", [*TEXT_FIELDS, *WHOLE_FIELDS, *RANGE_FIELDS])
def test_each_field_has_an_example(field: str) -> None:
    assert any(f"{field}:" in query for query, _, _ in EXAMPLES)


@pytest.mark.parametrize(
    ("query", "message"), [(_spans(query)[0], said) for query, said in _rows("written", "what is said")]
)
def test_mistakes(query: str, message: str) -> None:
    with pytest.raises(QueryError, match=re.escape(message)):
        parse(query)


@pytest.mark.parametrize(
    ("query", "level", "message"), [(_spans(query)[0], *rest) for query, *rest in _rows("query", "level", "finding")]
)
def test_findings(query: str, level: str, message: str) -> None:
    assert [found.level for found in lint(parse(query), query) if message in found.message] == [level]


@pytest.mark.parametrize(
    ("query", "canonical"), [(_spans(a)[0], _spans(b)[0]) for a, b in _rows("written", "canonical")]
)
def test_the_canonical_form(query: str, canonical: str) -> None:
    assert format_query(parse(query)) == canonical


@pytest.mark.parametrize(("query", "ours"), [(_spans(a)[0], _spans(b)[0]) for a, b in _rows("Brandwatch", "here")])
def test_translations(query: str, ours: str) -> None:
    assert from_brandwatch(query).query == ours


def test_the_error_that_is_shown_reads_so() -> None:
    query, error = re.findall(r"mentiond query '(.*)'\n    (line .*)", PAGE)[0]
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert str(raised.value).split("\n")[0] == error
