"""The query language, first cut: words, phrases, AND, OR, NOT and brackets.

    acme "acme phone"        words side by side mean AND, quotes hold words together
    a AND b, a OR b          upper case; both on one level need brackets
    NOT a, -a                without it; a query must also say what to find
    #tag @handle $ACME 🔥     literal, no operator needed

What the full language adds is refused by name until it is built, so that no query means something else later.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from rules.folding import tokenize

LONGEST = 100_000  # characters of a query
DEEPEST = 100  # brackets within one another: builder and matcher follow them by recursion


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word as written; punctuation within it splits it into words that must stand side by side."""

    text: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """What stands between quotes, as written, without them."""

    text: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Query


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Query, ...]  # at least two


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Query, ...]  # at least two


Query: TypeAlias = "Word | Phrase | Not | And | Or"


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


def parse(query: str) -> Query:
    """Read a query. Raises QueryError."""
    if len(query) > LONGEST:
        raise _error(query[:100], 0, f"the query has {len(query):,} characters, more than {LONGEST:,}")
    _check_comments(query)
    _check_depth(query)
    try:
        tree = _parser().parse(query)
    except UnexpectedInput as unexpected:
        raise _explain(query, unexpected) from None
    part = _Builder(query).build(_trees(tree)[0])
    if _holds_without_words(part):
        raise _error(query, 0, "the query says only what to leave out: every post without it would match")
    return part


@cache
def _parser() -> Lark:
    grammar = files("rules").joinpath("query.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", propagate_positions=True)


def format_query(query: Query) -> str:
    """The one canonical way to write a query: `parse(format_query(q)) == q`."""
    match query:
        case Word(text):
            return text
        case Phrase(text):
            return f'"{text}"'
        case Not(part):
            return f"NOT {_bracketed(part, (Not, And, Or))}"
        case And(parts):
            return " AND ".join(_bracketed(part, (And, Or)) for part in parts)
        case Or(parts):
            return " OR ".join(_bracketed(part, (Not, And, Or)) for part in parts)


def _bracketed(part: Query, kinds: tuple[type[Query], ...]) -> str:
    return f"({format_query(part)})" if isinstance(part, kinds) else format_query(part)


def _holds_without_words(query: Query) -> bool:
    """Whether a post that has none of the query's words would match."""
    match query:
        case Not(part):
            return not _holds_without_words(part)
        case And(parts):
            return all(map(_holds_without_words, parts))
        case Or(parts):
            return any(map(_holds_without_words, parts))
        case _:
            return False


def _error(query: str, position: int, message: str) -> QueryError:
    line = query.count("\n", 0, position) + 1
    start = query.rfind("\n", 0, position) + 1
    end = query.find("\n", position)
    return QueryError(message, line, position - start + 1, query[start : end if end >= 0 else len(query)])


def _check_comments(query: str) -> None:
    for sign in ("<<<", ">>>"):
        if sign in query:
            raise _error(query, query.index(sign), "comments `<<< >>>` are not built yet")


_BRACKETS = re.compile(r'["“”„][^"“”„]*["“”„]|[()]')


def _check_depth(query: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(query):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > DEEPEST:
            raise _error(query, found.start(), f"more than {DEEPEST} brackets within one another")


def _explain(query: str, unexpected: UnexpectedInput) -> QueryError:
    if not query.strip():
        return _error(query, 0, "the query is empty")
    token = getattr(unexpected, "token", None)
    if token is None:  # the lexer reads everything but a lone quote
        return _error(query, unexpected.pos_in_stream or 0, "this quote is never closed")
    if token.type == "$END":
        return _error(query, *_unfinished(query))
    return _error(query, token.start_pos, _unexpected(query, token))


def _unexpected(query: str, token: Token) -> str:
    if token.type == "RPAR":
        is_empty = query[: token.start_pos].rstrip().endswith("(")
        return "nothing stands in these brackets" if is_empty else "this bracket closes nothing"
    if token.type in ("NOT", "MINUS"):
        return "one NOT is enough"
    return f"`{token}` needs a word, a phrase or brackets on either side"


def _unfinished(query: str) -> tuple[int, str]:
    """Where and why a query ends too early: an operator without its right side, or an open bracket."""
    last = re.search(r"(AND|OR|NOT)\s*$", query)
    if last:
        return last.start(), f"`{last[1]}` needs something after it"
    stack: list[int] = []
    for found in _BRACKETS.finditer(query):
        if found[0] == "(":
            stack.append(found.start())
        elif found[0] == ")":
            stack.pop()
    return stack[-1], "this bracket is never closed"


_FIELDS = (
    *("title", "text", "author", "site", "url", "links", "source", "lang", "kind", "thread", "subreddit"),
    *("rating", "followers", "engagement"),
)
_LATER = (
    (re.compile(r"NEAR(/.*)?$"), "`NEAR` is"),
    (re.compile(r"~"), "`~` is"),
    (re.compile(r"/.+"), "regular expressions `/.../` are"),
    (re.compile(r".*\{|.*\}"), "exact words in `{}` are"),
    (re.compile(r".*`"), "exact characters in backticks are"),
    (re.compile(r".*[\[\]]"), "ranges in `[]` are"),
    (re.compile(r".*[*?]"), "wildcards `*` and `?` are"),
)
_FIELD = re.compile(r"([A-Za-z_]+):(?!//)")


def _trees(node: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in node.children if isinstance(child, Tree)]


class _Builder:
    """Turns lark's tree into the query, and refuses what the grammar alone cannot see."""

    def __init__(self, query: str) -> None:
        self._query = query

    def build(self, node: Tree[Token]) -> Query:
        match node.data:
            case "term":
                (token,) = node.scan_values(lambda value: isinstance(value, Token))
                return self._phrase(token) if token.type == "QUOTED" else self._word(token)
            case "negation":
                return Not(self.build(_trees(node)[0]))
            case "bracket":
                return self.build(_trees(node)[0])
            case _:
                return self._group(node)

    def _word(self, token: Token) -> Word:
        start = token.start_pos or 0
        field = _FIELD.match(token)
        if field:
            raise _error(self._query, start, _about_field(field[1]))
        for pattern, what in _LATER:
            if pattern.match(token):
                raise _error(self._query, start, f"{what} not built yet")
        self._check_searchable(str(token), start)
        return Word(str(token))

    def _phrase(self, token: Token) -> Phrase:
        start, inner = token.start_pos or 0, token[1:-1]
        found = re.search(r"[*?{}`]", inner)
        if found:
            raise _error(self._query, start + 1 + found.start(), f"`{found[0]}` within quotes is not built yet")
        self._check_searchable(inner, start)
        return Phrase(inner)

    def _check_searchable(self, text: str, start: int) -> None:
        if not tokenize(text):
            raise _error(self._query, start, f"no letter, digit or symbol to look for in `{text[:40]}`")

    def _group(self, node: Tree[Token]) -> Query:
        items = _trees(node)
        ors = [child for child in node.children if isinstance(child, Token) and child.type == "OR"]
        if not ors:
            return And(tuple(map(self.build, items)))
        if len(ors) < len(items) - 1 or any(item.data == "negation" for item in items):
            raise self._mixed(node, ors[0])
        return Or(tuple(map(self.build, items)))

    def _mixed(self, node: Tree[Token], operator: Token) -> QueryError:
        pieces = self._pieces(node)
        readings = dict.fromkeys((_bind(pieces, tight="AND"), _bind(pieces, tight="OR")))
        shown = " or ".join(f"`{reading}`" if len(reading) <= 200 else f"`{reading[:200]}...`" for reading in readings)
        message = f"AND (or NOT) and OR on one level need brackets: {shown}"
        return _error(self._query, operator.start_pos or 0, message)

    def _pieces(self, node: Tree[Token]) -> list[tuple[str, str]]:
        """The items of a level as written, each with the operator before it."""
        pieces: list[tuple[str, str]] = []
        operator = "AND"
        for child in node.children:
            if isinstance(child, Token):
                operator = child.type
            else:
                written = self._query[child.meta.start_pos : child.meta.end_pos]
                pieces.append((operator, " ".join(written.split())))
                operator = "AND"
        return pieces


def _bind(pieces: list[tuple[str, str]], *, tight: str) -> str:
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


def _about_field(name: str) -> str:
    if name in _FIELDS:
        return f"the field `{name}:` is not built yet"
    near = difflib.get_close_matches(name.lower(), _FIELDS, 1)
    hint = f"did you mean `{near[0]}:`? " if near else ""
    return f"`{name}:` is no field; {hint}put it in quotes to look for the characters"
