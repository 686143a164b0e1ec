"""What a post must have for a query to match: sets of keys, of each of which it has at least one.

Keys are folded words, pieces of words (`complain*`, `*versicherung`, `*pflicht*`; `*` says on which side the word may
go on), and values of fields (`site:acme.com`, and `url:word` for the words of an address). A post can have the
keys without matching, but never match without them. The words of a phrase or a NEAR are required one by one; of an OR
every branch gives its rarest set; of a regular expression a fixed piece is required, of a range that there is a number
(`rating:*`); NOT requires nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from rules.fields import fold_whole
from rules.folding import SYMBOL, fold, tokenize
from rules.literals import literals
from rules.passage import read_pattern
from rules.query import (
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
    Value,
    Wildcard,
    Word,
)
from rules.terms import wildcard_pieces

Keys: TypeAlias = frozenset[str]
Rarity: TypeAlias = Callable[[Keys], float]  # the share of posts, 0-1, that have one of the keys

_SHORTEST_PIECE = 2  # letters, a side where the word ends counting as one: shorter ones stand in nearly every post
_SHORTEST_LITERAL = 3  # letters of a regular expression
_FOLDS_ALONE = re.compile("[A-Za-z0-9äöüÄÖÜß]*")  # letters whose plain form depends on nothing around them


def requirements(query: Query, share: Rarity, is_negated: bool = False) -> list[Keys]:
    """The sets of keys that a post must have, in no order; none where the query requires nothing."""
    match query:
        case Not(part):
            return requirements(part, share, not is_negated)
        case And(parts) | Or(parts):
            each = [requirements(part, share, is_negated) for part in parts]
            if isinstance(query, And) != is_negated:
                return list(dict.fromkeys(keys for sets in each for keys in sets))
            return _either(each, share)
        case _:
            return [] if is_negated else _of_leaf(query, share)


def _either(branches: Sequence[list[Keys]], share: Rarity) -> list[Keys]:
    if not all(branches):
        return []
    return [frozenset().union(*(min(sets, key=share) for sets in branches))]


def _of_leaf(query: Query | Value, share: Rarity) -> list[Keys]:
    match query:
        case Word() | Domain() | Phrase() | Exact() | Literal():
            return _of_words(query)
        case Wildcard(pattern):
            return _of_wildcard(pattern)
        case Regex(pattern):
            return _of_regex(pattern)
        case Range(field):
            return [frozenset({f"{field}:*"})]
        case Near(left, right):
            return [*requirements(left, share), *requirements(right, share)]
        case Field(name, part):
            return _of_field(name, part, share)
        case _:
            return []


def _of_words(term: Word | Domain | Phrase | Exact | Literal) -> list[Keys]:
    match term:
        case Exact(text):
            return [frozenset({key}) for key in _keys_of(text)]
        case Literal(text):
            return [frozenset({token.forms.plain}) for token in tokenize(text) if token.kind != SYMBOL]
        case Phrase(text, int()):
            return [keys for word in text.split() for keys in _of_words(Word(word))]
        case Domain(text):
            together = _together(text) | _together(text.replace(".", " dot "))
        case Word(text) | Phrase(text):
            together = _together(text)
    return [frozenset({key}) | together for key in _keys_of(text)]


def _keys_of(text: str) -> list[str]:
    return [key for element in read_pattern(text).elements if (key := _searchable(element.key))]


def _searchable(key: str) -> str:
    """Symbols within ASCII, also with a mark, are no words of `spellings`."""
    return "" if key[:1].isascii() and not key[:1].isalnum() else key


def _together(text: str) -> Keys:
    compound = read_pattern(text).compound
    return frozenset({compound.key}) if compound else frozenset()


def _of_wildcard(pattern: str) -> list[Keys]:
    return [frozenset({piece})] if (piece := longest_piece(pattern)) else []


def _of_regex(pattern: str) -> list[Keys]:
    found = literals(pattern)
    are_telling = all(len(literal) >= _SHORTEST_LITERAL and _FOLDS_ALONE.fullmatch(literal) for literal in found)
    return [frozenset(f"*{fold(literal).plain}*" for literal in found)] if are_telling else []


def longest_piece(pattern: str) -> str:
    """The most telling piece of a wildcard, as a key; empty where none tells enough."""
    pieces = wildcard_pieces(pattern)
    found = []
    for number, piece in enumerate(pieces):
        before = "*" if number else ""
        after = "*" if number < len(pieces) - 1 else ""
        if piece and piece not in ("*", "?"):
            found.append((len(piece) + (not before) + (not after), f"{before}{piece}{after}"))
    size, key = max(found, default=(0, ""))
    return key if size >= _SHORTEST_PIECE else ""


def _of_field(name: str, part: Query | Value, share: Rarity) -> list[Keys]:
    match part:
        case Value(text):
            return [frozenset({f"{name}:{fold_whole(name, text)}"})]
        case Wildcard() | Regex() if name not in ("title", "text", "url", "links"):
            return []
        case _ if name in ("title", "text"):
            return _of_leaf(part, share)
        case Wildcard() | Regex() | Near() | Range():
            return []
        case _:
            return [frozenset(f"{name}:{key}" for key in keys) for keys in _of_leaf(part, share)]
