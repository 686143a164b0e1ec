"""The query language: reading and writing queries.

    acme "acme phone"          words side by side mean AND, quotes hold words together
    a AND b, a OR b, NOT a     upper case; AND and OR on one level need brackets
    (a OR b) NEAR/5 c          at most five words between
    complain*, {BT}, `C++`     beginnings of words, exact words, exact characters
    title:a, rating:[1 TO 2]   fields of the post

docs/query-language.md shows all forms, `rules.query_nodes` says exactly what each means.
"""

from __future__ import annotations

from rules.query_errors import QueryError
from rules.query_format import format_query, term_of
from rules.query_nodes import (
    RANGE_FIELDS,
    TEXT_FIELDS,
    WHOLE_FIELDS,
    And,
    Domain,
    Exact,
    Field,
    Literal,
    Near,
    Not,
    Or,
    Phrase,
    Query,
    Range,
    Regex,
    Term,
    Value,
    Wildcard,
    Word,
)
from rules.query_syntax import parse

__all__ = [
    "RANGE_FIELDS",
    "TEXT_FIELDS",
    "WHOLE_FIELDS",
    "And",
    "Domain",
    "Exact",
    "Field",
    "Literal",
    "Near",
    "Not",
    "Or",
    "Phrase",
    "Query",
    "QueryError",
    "Range",
    "Regex",
    "Term",
    "Value",
    "Wildcard",
    "Word",
    "format_query",
    "parse",
    "term_of",
]
