"""Reads the text of a query into lark's tree, by rules/query.lark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from rules.query_errors import error_at, explain

LONGEST = 100_000  # characters of a query
DEEPEST = 100  # brackets within one another: who follows a query does so by recursion

_BROKEN = re.compile("[\ud800-\udfff]")  # lone surrogates, which RE2's UTF-8 has not


def read_tree(query: str) -> Tree[Token]:
    """The query as the grammar sees it. Raises QueryError."""
    if len(query) > LONGEST:
        raise error_at(query[:100], 0, f"the query has {len(query):,} characters, more than {LONGEST:,}")
    broken = _BROKEN.search(query)
    if broken:
        raise error_at(_BROKEN.sub("?", query), broken.start(), "this is half of a character: the text is damaged")
    try:
        return _parser().parse(query)
    except _TooDeep as deep:
        raise error_at(query, deep.position, f"more than {DEEPEST} brackets within one another") from None
    except UnexpectedInput as unexpected:
        raise explain(query, unexpected, _readable_tokens(query)) from None


class _TooDeep(Exception):
    def __init__(self, position: int) -> None:
        self.position = position


class _DepthGuard:
    """Watches the tokens on their way to the parser: brackets within quotes or regular expressions do not count."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = 0
        for token in stream:
            depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
            if depth > DEEPEST:
                raise _TooDeep(token.start_pos or 0)
            yield token


@cache
def _parser() -> Lark:
    grammar = files("rules").joinpath("query.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer="basic", postlex=_DepthGuard())


def _readable_tokens(query: str) -> list[Token]:
    tokens: list[Token] = []
    try:
        tokens.extend(_parser().lex(query))
    except UnexpectedInput as unexpected:
        end = unexpected.pos_in_stream or 0
        tokens.extend(_parser().lex(query[:end]))
    except _TooDeep:
        pass  # the mistake stands before the brackets
    return tokens


def trees_of(node: Tree[Token]) -> list[Tree[Token]]:
    """The trees directly within a tree."""
    return [child for child in node.children if isinstance(child, Tree)]


def tokens_of(node: Tree[Token]) -> list[Token]:
    """The tokens directly within a tree."""
    return [child for child in node.children if isinstance(child, Token)]


def rows_of(node: Tree[Token]) -> Iterator[tuple[Token | None, Tree[Token]]]:
    """The trees of a level, each with the operator written before it."""
    operator: Token | None = None
    for child in node.children:
        if isinstance(child, Token):
            operator = child
        else:
            yield operator, child
            operator = None


def start_of(node: Tree[Token]) -> int:
    """Where a tree begins in the query; only errors ask, so the parser does not keep count."""
    first = node.children[0]
    return (first.start_pos or 0) if isinstance(first, Token) else start_of(first)


def end_of(node: Tree[Token]) -> int:
    """Where a tree ends, exclusive."""
    last = node.children[-1]
    return (last.end_pos or 0) if isinstance(last, Token) else end_of(last)
