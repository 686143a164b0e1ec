"""Turns the tree that was read into the tree that is held against posts; equal terms share one finder."""

from __future__ import annotations

import math

from rules.evaluate import (
    AndNode,
    FieldNode,
    NearNode,
    Node,
    NotNode,
    OrNode,
    Pairing,
    RangeNode,
    Side,
    TermNode,
    WholeNode,
)
from rules.fields import fold_whole
from rules.folding import SYMBOL, tokenize
from rules.passage import Finder
from rules.query import TEXT_FIELDS, And, Field, Near, Not, Or, Phrase, Query, Range, Regex, Term, Value, Wildcard, Word
from rules.query import term_of as name_of
from rules.slop import SlopFinder
from rules.terms import compile_re2, compile_regex, finder_of, glob

_BOTH = ("title", "text")


class Preparation:
    """Prepares many queries; keeps what they share."""

    def __init__(self) -> None:
        self._finders: dict[tuple[type, object], Finder] = {}

    def prepare(self, query: Query, is_negated: bool = False) -> Node:
        """The node of a query. NOT is pushed down to the terms, so that NOT of a NOT brings its terms again."""
        match query:
            case Not(part):
                return self.prepare(part, not is_negated)
            case And(parts) | Or(parts):
                prepared = tuple(self.prepare(part, is_negated) for part in parts)
                return AndNode(prepared) if isinstance(query, And) != is_negated else OrNode(prepared)
            case _:
                return NotNode(self._leaf(query)) if is_negated else self._leaf(query)

    def _leaf(self, query: Near | Field | Range | Term) -> Node:
        match query:
            case Near():
                return self._near(query, _BOTH)
            case Field(name):
                return self._field(query) if name in TEXT_FIELDS else _whole(query)
            case Range(field, low, high):
                bounds = (-math.inf if low is None else low, math.inf if high is None else high)
                return RangeNode(name_of(query), field, *bounds)
            case _:
                return TermNode(name_of(query), self._finder(query), _BOTH)

    def _near(self, near: Near, fields: tuple[str, ...]) -> NearNode:
        return NearNode(self._pairing(near), tuple(dict.fromkeys(_names(near))), fields)

    def _pairing(self, near: Near) -> Pairing:
        left, right = tuple(self._side(near.left)), tuple(self._side(near.right))
        return Pairing(left, right, near.distance, near.is_ordered)

    def _side(self, operand: Query) -> list[Side]:
        match operand:
            case Or(parts):
                return [side for part in parts for side in self._side(part)]
            case Near():
                return [self._pairing(operand)]
            case And() | Not() | Field() | Range():
                raise TypeError("NEAR holds terms, NEARs and ORs of them only")
            case _:
                return [(name_of(operand), self._finder(operand))]

    def _field(self, field: Field) -> Node:
        match field.part:
            case Near():
                return FieldNode(name_of(field), self._near(field.part, (field.name,)))
            case Value():
                raise TypeError(f"{field.name}: is no field with values")
            case _:
                return TermNode(name_of(field), self._finder(field.part), (field.name,))

    def _finder(self, term: Term) -> Finder:
        key = (type(term), term)
        found = self._finders.get(key)
        if found is None:
            found = self._finders[key] = self._slop(term) if isinstance(term, Phrase) else finder_of(term)
        return found

    def _slop(self, phrase: Phrase) -> Finder:
        if phrase.slop is None:
            return finder_of(phrase)
        words = tuple(self._finder(Word(word)) for word in phrase.text.split())
        length = sum(token.kind != SYMBOL for token in tokenize(phrase.text))
        return SlopFinder(words, phrase.slop + length)


def _names(operand: Query) -> list[str]:
    """The terms of a NEAR as they are named."""
    match operand:
        case Near(left, right):
            return [*_names(left), *_names(right)]
        case Or(parts):
            return [name for part in parts for name in _names(part)]
        case _:
            return [name_of(operand)]


def _whole(field: Field) -> WholeNode:
    name = name_of(field)
    match field.part:
        case Value(text):
            return WholeNode(name, field.name, fold_whole(field.name, text))
        case Wildcard(pattern):
            return WholeNode(name, field.name, None, compile_re2(glob(fold_whole(field.name, pattern))))
        case Regex(pattern):
            return WholeNode(name, field.name, None, compile_regex(pattern), False)
        case _:
            raise TypeError(f"{field.name}: takes a value, a wildcard or a regular expression")
