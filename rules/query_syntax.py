"""Builds a query from its text: lark's trees become nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lark import Token, Tree

from rules import query_terms
from rules.query_errors import (
    QueryError,
    about_mixed,
    about_operand,
    about_unknown_field,
    error_at,
    shorten,
)
from rules.query_format import format_query
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
    Operand,
    Or,
    Phrase,
    Query,
    Regex,
    Value,
    Wildcard,
    Word,
)
from rules.query_terms import TermError
from rules.query_tree import LONGEST, end_of, read_tree, rows_of, start_of, tokens_of, trees_of

_T = TypeVar("_T")
_GROWS_AT_MOST = 8  # times, what format_query writes out: `title:(a b)` becomes `title:a AND title:b`


def parse(query: str) -> Query:
    """Read a query. Raises QueryError."""
    part = _Builder(query).build(trees_of(read_tree(query))[0])
    if _holds_without_words(part):
        message = "the query says only what to leave out: every post without it would match; add what to find"
        raise error_at(query, 0, message)
    if len(query) * _GROWS_AT_MOST > LONGEST and (size := len(format_query(part))) > LONGEST:
        message = f"the query has {size:,} characters with all its operators written out, more than {LONGEST:,}"
        raise error_at(query[:100], 0, message)
    return part


def _holds_without_words(query: Query) -> bool:
    """Whether a post that has none of what the query names would match."""
    match query:
        case Not(part):
            return not _holds_without_words(part)
        case And(parts):
            return all(map(_holds_without_words, parts))
        case Or(parts):
            return any(map(_holds_without_words, parts))
        case _:
            return False


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing that stands on a level, with the operator before it: AND, OR, or "" for side by side."""

    operator: str
    trees: list[Tree[Token]]  # several: adjacent terms of one field
    position: int  # of the operator

    @property
    def is_negation(self) -> bool:
        return self.trees[0].data == "negation"


class _Builder:
    """Turns lark's tree into nodes, and refuses what the grammar alone cannot see."""

    def __init__(self, query: str) -> None:
        self._query = query

    def build(self, node: Tree[Token], field: str = "") -> Query:
        """The node; `field` is the one in whose brackets it stands."""
        match node.data:
            case "term":
                return self._term(node, field)
            case "negation":
                return Not(self.build(trees_of(node)[0], field))
            case "bracket":
                return self.build(trees_of(node)[0], field)
            case "field":
                return self._field(node, field)
            case "near":
                return self._near(node, field)
            case _:
                return self._group(node, field)

    def _at(self, token: Token, read: Callable[[], _T]) -> _T:
        try:
            return read()
        except TermError as error:
            raise self._error(token, error.message, error.offset) from None

    def _error(self, token: Token, message: str, offset: int = 0) -> QueryError:
        return error_at(self._query, (token.start_pos or 0) + offset, message)

    def _term(self, node: Tree[Token], field: str) -> Query:
        token = tokens_of(node)[0]
        if field in RANGE_FIELDS:
            return self._at(token, lambda: query_terms.read_range(field, str(token)))
        if field in WHOLE_FIELDS:
            return Field(field, self._at(token, lambda: _read_value(field, token)))
        part = self._at(token, lambda: _read_term(token))
        return Field(field, part) if field else part

    def _field(self, node: Tree[Token], outer: str) -> Query:
        token = tokens_of(node)[0]
        name = token[:-1].lower()
        value = trees_of(node)[0]
        if outer:
            raise self._error(token, f"`{token}` cannot stand within `{outer}:`; put one after the other")
        if name not in (*TEXT_FIELDS, *WHOLE_FIELDS, *RANGE_FIELDS):
            raise self._error(token, about_unknown_field(token[:-1]))
        if value.data != "range":
            return self.build(value, name)
        if name not in RANGE_FIELDS:
            raise self._error(token, f"`{token}` has no range; `rating:`, `followers:` and `engagement:` have")
        (written,) = tokens_of(value)
        return self._at(written, lambda: query_terms.read_range(name, str(written)))

    def _near(self, node: Tree[Token], field: str) -> Query:
        left, right, *more = trees_of(node)
        operator, *others = tokens_of(node)
        if more:
            names = [shorten(self._written(tree)) for tree in (left, right, more[0])]
            within = f"`({names[0]} {operator} {names[1]}) {others[0]} {names[2]}`"
            beside = f"`({names[0]} {operator} {names[1]}) AND ({names[1]} {others[0]} {names[2]})`"
            raise self._error(others[0], f"NEAR joins two sides, not three: write {within} or {beside}")
        if field and field not in TEXT_FIELDS:
            raise self._error(operator, f"NEAR has no meaning within `{field}:`; write OR")
        distance, is_ordered = self._at(operator, lambda: query_terms.read_near(str(operator)))
        part = Near(self._operand(left), self._operand(right), distance, is_ordered)
        return Field(field, part) if field else part

    def _operand(self, node: Tree[Token]) -> Operand:
        part = self.build(node)
        problem = about_operand(part)
        if problem:
            raise error_at(self._query, start_of(node), f"beside NEAR {problem}")
        assert isinstance(part, Word | Domain | Phrase | Wildcard | Exact | Literal | Near | Or)
        return part

    def _group(self, node: Tree[Token], field: str) -> Query:
        items = list(self._items(node, field))
        operators = {item.operator or "AND" for item in items[1:]}
        if operators == {"AND", "OR"} or ("OR" in operators and any(item.is_negation for item in items)):
            first = next(item for item in items[1:] if item.operator == "OR")
            raise self._mixed(items, first)
        parts = tuple(self._item(item, field) for item in items)
        if len(parts) == 1:
            return parts[0]
        return Or(parts) if operators == {"OR"} else And(parts)

    def _item(self, item: _Item, field: str) -> Query:
        parts = tuple(self.build(tree, field) for tree in item.trees)
        return Or(parts) if len(parts) > 1 else parts[0]

    def _items(self, node: Tree[Token], field: str) -> Iterator[_Item]:
        """What stands on this level; terms of one field side by side are one item, an OR group of their own."""
        rows = list(rows_of(node))
        starts = [number for number, (_, tree) in enumerate(rows) if not _continues(rows, number, field)]
        for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
            operator = rows[start][0]
            trees = [tree for _, tree in rows[start:end]]
            yield _Item(operator.type, trees, operator.start_pos or 0) if operator else _Item("", trees, 0)

    def _mixed(self, items: list[_Item], operator: _Item) -> QueryError:
        pieces = [(item.operator or "AND", self._item_written(item)) for item in items]
        return error_at(self._query, operator.position, about_mixed(pieces))

    def _item_written(self, item: _Item) -> str:
        joined = " OR ".join(map(self._written, item.trees))
        return f"({joined})" if len(item.trees) > 1 else joined

    def _written(self, tree: Tree[Token]) -> str:
        return " ".join(self._query[start_of(tree) : end_of(tree)].split())


def _continues(rows: list[tuple[Token | None, Tree[Token]]], number: int, field: str) -> bool:
    """Whether a row is of the same field as the one before, and nothing stands between them."""
    operator, tree = rows[number]
    before = rows[number - 1][1] if number else None
    if operator is not None or before is None:
        return False
    if field in (*WHOLE_FIELDS, *RANGE_FIELDS):  # `site:(a.com b.com)`; in `title:(a b)` side by side is AND
        return "negation" not in (before.data, tree.data)
    if not (before.data == tree.data == "field"):
        return False
    return tokens_of(before)[0].lower() == tokens_of(tree)[0].lower()


def _read_term(token: Token) -> Word | Domain | Phrase | Wildcard | Exact | Literal | Regex:
    match token.type:
        case "QUOTED":
            return query_terms.read_phrase(str(token))
        case "BRACED":
            return query_terms.read_exact(str(token))
        case "BACKTICKED":
            return query_terms.read_literal(str(token))
        case "REGEX":
            return query_terms.read_regex(str(token))
        case _:
            return query_terms.read_word(str(token))


def _read_value(field: str, token: Token) -> Value | Wildcard | Regex:
    match token.type:
        case "WORD":
            return query_terms.read_value(field, str(token), is_quoted=False)
        case "QUOTED" if token[-1] in '"“”„':
            return query_terms.read_value(field, token[1:-1], is_quoted=True)
        case "REGEX" if field not in ("site", "lang", "kind"):
            return query_terms.read_regex(str(token))
        case _:
            raise TermError(f"`{field}:` takes a plain value: `{field}:{_EXAMPLES[field]}`")


_EXAMPLES = {
    "author": '"Jo Doe"',
    "site": "acme.com",
    "source": "heise",
    "lang": "de",
    "kind": "review",
    "thread": "12345",
    "subreddit": "acme",
}
