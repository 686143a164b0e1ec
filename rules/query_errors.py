"""What is said where a query cannot be read: place, reason, proposal."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from lark import Token
from lark.exceptions import UnexpectedInput

from rules.query_nodes import (
    RANGE_FIELDS,
    TEXT_FIELDS,
    WHOLE_FIELDS,
    And,
    Field,
    Not,
    Or,
    Phrase,
    Query,
    Range,
    Regex,
)


class QueryError(ValueError):
    """A query that cannot be read. `line` and `column` count from 1; the text ends with the line and a caret."""

    def __init__(self, message: str, line: int, column: int, excerpt: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.excerpt = excerpt

    def __str__(self) -> str:
        start = max(0, self.column - 61)
        shown = re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]", " ", self.excerpt[start : start + 100])
        caret = " " * (self.column - 1 - start) + "^"
        return f"line {self.line}, column {self.column}: {self.message}\n  {shown}\n  {caret}"


def error_at(query: str, position: int, message: str) -> QueryError:
    """The error at a character of the query, counted from 0."""
    line = query.count("\n", 0, position) + 1
    start = query.rfind("\n", 0, position) + 1
    end = query.find("\n", position)
    excerpt = query[start : end if end >= 0 else len(query)]
    return QueryError(message, line, position - start + 1, excerpt)


def shorten(text: str, longest: int = 40) -> str:
    """A piece of a query as it is shown within a message."""
    return text if len(text) <= longest else f"{text[:longest]}..."


_LONE = {
    "{": "this brace is never closed: exact words stand as `{BT}`",
    "}": "this brace closes nothing: exact words stand as `{BT}`",
    "`": "this backtick is never closed: exact characters stand as `` `C++` ``",
    "<": "this comment is never closed: write `<<< note >>>`",
}


def explain(query: str, unexpected: UnexpectedInput, tokens: Sequence[Token]) -> QueryError:
    """What is wrong, from the parser's complaint and the tokens that could be read."""
    if not query.strip():
        return error_at(query, 0, "the query is empty")
    token = getattr(unexpected, "token", None)
    if token is None:
        position = unexpected.pos_in_stream or 0
        return error_at(query, position, _LONE.get(query[position], "this quote is never closed"))
    if token.type == "$END":
        return error_at(query, *_unfinished(tokens))
    return error_at(query, token.start_pos, _unexpected(token, tokens))


def _unfinished(tokens: Sequence[Token]) -> tuple[int, str]:
    """Where and why a query ends too early: an operator without its right side, or an open bracket."""
    if not tokens:
        return 0, "the query holds nothing but a comment"
    last = tokens[-1]
    if last.type in ("AND", "OR", "NOT", "NEAR", "FIELD"):
        return last.start_pos or 0, f"`{shorten(last)}` needs something after it"
    stack: list[int] = []
    for token in tokens:
        if token.type == "LPAR":
            stack.append(token.start_pos or 0)
        elif token.type == "RPAR":
            stack.pop()
    return stack[-1], "this bracket is never closed"


def _unexpected(token: Token, tokens: Sequence[Token]) -> str:
    before = next((other for other in reversed(tokens) if (other.start_pos or 0) < (token.start_pos or 0)), None)
    kind = before.type if before else ""
    if token.type == "RPAR":
        return _lone_bracket(kind, str(before))
    if token.type == "RANGE":
        return "a range needs its field before it: `rating:[1 TO 2]`"
    if token.type == "FIELD":
        return f"a field cannot stand within another: write `{before} ... AND {token}...`"
    if token.type in ("NOT", "MINUS"):
        if kind in ("NEAR", "FIELD", "OR"):
            return f"`{shorten(str(before))}` cannot be followed by NOT: write `NOT` before the whole or in brackets"
        return "one NOT is enough"
    if token.type == "NEAR" and kind in ("NOT", "MINUS"):
        return "`NEAR` needs a word, a phrase or a group on either side"
    return f"`{shorten(token)}` needs a word, a phrase or brackets on either side"


def _lone_bracket(kind: str, before: str) -> str:
    if kind == "LPAR":
        return "nothing stands in these brackets"
    if kind in ("AND", "OR", "NOT", "NEAR", "FIELD"):
        return f"`{shorten(before)}` needs something after it"
    return "this bracket closes nothing"


def about_mixed(pieces: Sequence[tuple[str, str]]) -> str:
    """The readings of a level that mixes AND and OR; pieces are operators with what was written after them."""
    readings = dict.fromkeys((_bind(pieces, tight="AND"), _bind(pieces, tight="OR")))
    shown = " or ".join(f"`{shorten(reading, 200)}`" for reading in readings)
    return f"AND (or NOT) and OR on one level need brackets: {shown}"


def _bind(pieces: Sequence[tuple[str, str]], *, tight: str) -> str:
    """The level with brackets, as it reads when the operator `tight` binds more than the other."""
    loose = "OR" if tight == "AND" else "AND"
    groups: list[list[str]] = []
    for operator, written in pieces:
        if groups and operator == tight:
            groups[-1].append(written)
        else:
            groups.append([written])
    whole = len(groups) == 1
    return _join([_join(group, tight, bracket=not whole and len(group) > 1) for group in groups], loose)


def _join(items: list[str], operator: str, *, bracket: bool = False) -> str:
    if operator == "OR" and len(items) > 1:
        items = [f"({item})" if item.startswith(("NOT ", "NOT(", "-")) else item for item in items]
    joined = f" {operator} ".join(items)
    return f"({joined})" if bracket else joined


def about_operand(part: Query) -> str | None:
    """Why something cannot stand beside NEAR."""
    match part:
        case Or(parts):
            return next(filter(None, map(about_operand, parts)), None)
        case And() | Not():
            return "only words, phrases and ORs of them can stand: write AND and NOT around the NEAR"
        case Field(name) | Range(name):
            return f"no field can stand: write `{name}:(a NEAR/5 b)`" if name in TEXT_FIELDS else "no field can stand"
        case Regex():
            return "no regular expression can stand: write words, phrases or wildcards"
        case Phrase(_, slop) if slop is not None:
            return "no phrase with `~` can stand"
        case _:
            return None


_OTHER_NAMES = {
    "language": "lang",
    "domain": "site",
    "host": "site",
    "body": "text",
    "content": "text",
    "stars": "rating",
}


def about_unknown_field(name: str) -> str:
    """An unknown field, and the nearest that there is."""
    names = (*TEXT_FIELDS, *WHOLE_FIELDS, *RANGE_FIELDS)
    near = _OTHER_NAMES.get(name.lower()) or next(iter(difflib.get_close_matches(name.lower(), names, 1)), None)
    hint = f"did you mean `{near}:`? " if near else ""
    return f"`{name}:` is no field; {hint}put it in quotes to look for the characters"
