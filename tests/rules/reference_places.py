"""Where the terms of a query stand in one text: every place and every pair is tried. Part of the reference."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from typing import TypeAlias

import re2

from rules.query import Query, term_of
from rules.query_nodes import Domain, Exact, Literal, Near, Or, Phrase, Regex, Value, Wildcard, Word
from tests.rules.reference_words import Place, accented, cut, german, has_accents, is_letter, is_nothing, plain

Where: TypeAlias = tuple[int, int]
Same: TypeAlias = Callable[[str, str], bool]  # whether a token of the query is a token of the text
Found: TypeAlias = dict[str, set[Where]]  # the places of each term by its name


def places(query: Query | Value, text: str) -> Found:
    """The places of each term that is found in the text."""
    match query:
        case Near():
            return near(query, text)
        case Or(parts):
            together: Found = {}
            for part in parts:
                for term, each in places(part, text).items():
                    together.setdefault(term, set()).update(each)
            return together
        case Value():
            raise TypeError("a value is compared as a whole")
        case _:
            each = occurrences(query, text)
            return {term_of(query): each} if each else {}


def occurrences(query: Query, text: str) -> set[Where]:
    match query:
        case Word(term) | Phrase(term, None):
            return in_order(term, text, same_folded) | after_hash(term, text)
        case Domain(name):
            spelt = name.replace(".", " dot ")
            return occurrences(Word(name), text) | in_order(spelt, text, same_folded) | after_hash(spelt, text)
        case Phrase(term, int(slop)):
            return close_together(term.split(), slop, text)
        case Exact(term):
            return in_order(term, text, same_exactly)
        case Wildcard(pattern):
            return {(t.start, t.end) for t in cut(text) if t.kind == "word" and fits(pattern, t.letters)}
        case Literal(term):
            return {(at, at + len(term)) for at in range(len(text)) if stands_alone(term, text, at)}
        case Regex(pattern):
            options = re2.Options()
            options.case_sensitive = False
            found = re2.compile(pattern, options).finditer(text)
            return {one.span() for one in found if one.start() < one.end()}
        case _:
            raise TypeError(f"{query} is no term")


def same_folded(term: str, word: str) -> bool:
    if has_accents(term):
        return accented(term) == accented(word)
    return plain(term) in (plain(word), german(word))


def same_exactly(term: str, word: str) -> bool:
    return unicodedata.normalize("NFC", term) == unicodedata.normalize("NFC", word)


def in_order(term: str, text: str, same: Same) -> set[Where]:
    """Where the tokens of a term stand side by side."""
    wanted, there = cut(term), cut(text)
    found = set()
    for first in range(len(there)):
        last = follow(term, wanted, text, there, first, same)
        if last is not None and wanted:
            found.add((there[first].start, there[last].end))
    return found


def follow(term: str, wanted: Sequence[Place], text: str, there: Sequence[Place], first: int, same: Same) -> int | None:
    """The token of the text with which the term ends when it begins at the token `first`."""
    is_name = term[wanted[0].start] in "#@"
    at = first
    for number, token in enumerate(wanted):
        if number:
            gap = term[wanted[number - 1].end : token.start]
            moved = step(token, gap, is_name, text, there, at, same)
            if moved is None:
                return None
            at = moved
        elif not is_same(token, there[at], same):
            return None
    if not all(token.is_symbol for token in wanted):
        if wanted[0].is_symbol and first and touches(text, there[first - 1], there[first], there[first - 1]):
            return None
        is_last = at + 1 == len(there)
        if wanted[-1].is_symbol and not is_last and touches(text, there[at], there[at + 1], there[at + 1]):
            return None
    return None if is_name and goes_on(text, there, at) else at


def is_same(token: Place, other: Place, same: Same) -> bool:
    return token.is_symbol == other.is_symbol and same(token.letters, other.letters)


def step(token: Place, gap: str, is_name: bool, text: str, there: Sequence[Place], at: int, same: Same) -> int | None:
    """The place of the next token of a term, after the one at `at`."""
    if is_nothing(gap) or (is_name and gap == "_"):
        if at + 1 == len(there) or not is_same(token, there[at + 1], same):
            return None
        between = text[there[at].end : there[at + 1].start]
        return at + 1 if (between == "_" if gap == "_" else is_nothing(between)) else None
    for following in range(at + 1, len(there)):
        if is_same(token, there[following], same):
            return following
        if not there[following].is_symbol:
            return None
    return None


def touches(text: str, left: Place, right: Place, neighbour: Place) -> bool:
    """Whether a word stands directly beside a symbol."""
    return neighbour.kind == "word" and is_nothing(text[left.end : right.start])


def goes_on(text: str, there: Sequence[Place], at: int) -> bool:
    return at + 1 < len(there) and text[there[at].end : there[at + 1].start] == "_"


def after_hash(term: str, text: str) -> set[Where]:
    """Where the words of a term stand run together after #."""
    wanted, there = cut(term), cut(text)
    gaps = [term[one.end : other.start] for one, other in pairwise(wanted)]
    if len(wanted) < 2 or any(token.is_symbol for token in wanted) or any(map(is_nothing, gaps)):
        return set()
    together = "".join(token.letters for token in wanted)
    return {
        (token.start, token.end)
        for token in there
        if not token.is_symbol and text[: token.start].endswith("#") and same_folded(together, token.letters)
    }


def fits(pattern: str, word: str) -> bool:
    """Whether a wildcard fits a whole word, letter by letter."""
    if has_accents(pattern):
        return fits_letters(accented(pattern), accented(word))
    return fits_letters(list(plain(pattern)), list(plain(word))) or fits_letters(
        list(plain(pattern)), list(german(word))
    )


def fits_letters(pattern: Sequence[str], letters: Sequence[str]) -> bool:
    if not pattern:
        return not letters
    if pattern[0] == "*":
        return any(fits_letters(pattern[1:], letters[skipped:]) for skipped in range(len(letters) + 1))
    return bool(letters) and pattern[0] in ("?", letters[0]) and fits_letters(pattern[1:], letters[1:])


def stands_alone(term: str, text: str, at: int) -> bool:
    if text[at : at + len(term)] != term:
        return False
    end = at + len(term)
    goes_on_before = at > 0 and is_letter(term[0]) and is_letter(text[at - 1])
    goes_on_after = end < len(text) and is_letter(term[-1]) and is_letter(text[end])
    return not (goes_on_before or goes_on_after)


def words_within(text: str, start: int, end: int) -> int:
    return sum(not token.is_symbol and start <= token.start and token.end <= end for token in cut(text))


def close_together(terms: Sequence[str], slop: int, text: str) -> set[Where]:
    """All occurrences that are part of a choice, one of each term, that lies close enough together."""
    length = sum(words_within(term, 0, len(term)) for term in terms)
    found: set[Where] = set()
    for choice in product(*(occurrences(Word(term), text) for term in terms)):
        start, end = min(where[0] for where in choice), max(where[1] for where in choice)
        if words_within(text, start, end) <= length + slop:
            found.update(choice)
    return found


def near(query: Near, text: str) -> Found:
    """All occurrences that are part of a pair of both sides."""
    together: Found = {}
    for left, right in product(sides(query.left), sides(query.right)):
        for (one, ones), (other, others) in product(places(left, text).items(), places(right, text).items()):
            for pair in product(ones, others):
                if is_near(*pair, query, text):
                    for side, term, where in ((left, one, pair[0]), (right, other, pair[1])):
                        taking_part = near(side, text) if isinstance(side, Near) else {term: {where}}
                        for name, each in taking_part.items():
                            together.setdefault(name, set()).update(each)
    return together


def sides(operand: Query) -> list[Query]:
    """The alternatives of one side of a NEAR."""
    return [side for part in operand.parts for side in sides(part)] if isinstance(operand, Or) else [operand]


def is_near(left: Where, right: Where, query: Near, text: str) -> bool:
    earlier, later = sorted((left, right))
    if earlier[1] > later[0] or (query.is_ordered and left != earlier):
        return False
    return words_within(text, earlier[1], later[0]) <= query.distance
