"""The one canonical way to write a query: `parse(format_query(q)) == q` for every query that was parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rules.query_nodes import (
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

_BARE_VALUE = re.compile(r"(?!(?:AND|OR|NOT|NEAR)(?:/|$))(?![A-Za-z_]+:)[\w@#][\w@#./:+-]*")


def format_query(query: Query) -> str:
    """The query in its canonical form: operators written out, brackets where a group stands within another."""
    match query:
        case And(parts):
            return " AND ".join(_bracketed(part, And, Or, Near) for part in parts)
        case Or(parts):
            return _format_or(parts)
        case Not(part):
            return f"NOT {_bracketed(part, Not, And, Or, Near)}"
        case Near(left, right, distance, is_ordered):
            operator = f"NEAR/{distance}{'f' if is_ordered else ''}"
            return f"{_bracketed(left, Or, Near)} {operator} {_bracketed(right, Or, Near)}"
        case Field(name, part):
            return f"{name}:{_format_value(part)}"
        case Range(field, low, high):
            return f"{field}:[{_format_number(low)} TO {_format_number(high)}]"
        case _:
            return _format_term(query)


def term_of(part: Query) -> str:
    """How a single term, Field or Range is named among the terms found: a term as written, without its signs."""
    match part:
        case Word(text) | Domain(text) | Phrase(text) | Exact(text) | Literal(text):
            return text
        case _:
            return format_query(part)


def _bracketed(part: Query, *kinds: type[Query]) -> str:
    """In brackets where it is a group of these kinds."""
    is_group = isinstance(part, kinds) and not (isinstance(part, Or) and _field_of(part.parts))
    return f"({format_query(part)})" if is_group else format_query(part)


def _format_or(parts: Sequence[Query]) -> str:
    field = _field_of(parts)
    if field:
        values = (_format_value(part.part) for part in parts if isinstance(part, Field))
        return f"{field}:({' OR '.join(values)})"
    return " OR ".join(_bracketed(part, Not, And, Or, Near) for part in parts)


def _field_of(parts: Sequence[Query]) -> str | None:
    """The field that all parts of a group are in: `site:(a.com OR b.com)`."""
    names = {part.name if isinstance(part, Field) else None for part in parts}
    return names.pop() if len(names) == 1 else None


def _format_value(part: Term | Near | Value) -> str:
    match part:
        case Value(text):
            return text if _BARE_VALUE.fullmatch(text) else f'"{text}"'
        case Near():
            return f"({format_query(part)})"
        case _:
            return _format_term(part)


def _format_term(part: Term) -> str:
    match part:
        case Word(text) | Domain(text) | Wildcard(text):
            return text
        case Phrase(text, slop):
            return f'"{text}"' if slop is None else f'"{text}"~{slop}'
        case Exact(text):
            return f"{{{text}}}"
        case Literal(text):
            return f"`{text}`"
        case Regex(pattern):
            return f"/{pattern}/"


def _format_number(number: float | None) -> str:
    if number is None:
        return "*"
    return f"{number:.6f}".rstrip("0").rstrip(".")
