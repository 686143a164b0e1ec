"""Finds the watchlists whose queries hit a post, and the names to mask in a text.

Each query is filed under keys of which a matching post must have at least one (its required words, one for each
branch). A post looks up its own words once and only the queries found that way are evaluated, as in Lucene Monitor.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from rules.base import Match, Span, Watchlist
from rules.folding import SYMBOL, WORD, Token, is_joined, tokenize
from rules.query import And, Not, Or, Phrase, Query, Word, parse
from sources.base import Post

_Spans: TypeAlias = list[tuple[int, int]]
_SKIPPED = 32  # symbols between two words of a phrase; a bound, so that a post of symbols costs linear time


class _Element(NamedTuple):
    """One token that a term needs."""

    key: str  # found when the token has it as its plain or German form
    exact: str | None  # for a word with accents: the exact form that the token must have
    is_symbol: bool
    joint: str | None  # what stands between it and the element before ("" or "_"); None: anything but a word


class _Pattern(NamedTuple):
    elements: tuple[_Element, ...]
    is_name: bool  # begins with # or @: `_` belongs to it
    compound: _Element | None  # the words of a phrase run together, as they stand after #


@lru_cache(maxsize=2**16)
def _compile(term: str) -> _Pattern:
    elements: list[_Element] = []
    tokens = tokenize(term)
    is_name = tokens[:1] != [] and tokens[0].kind == SYMBOL and term[tokens[0].start] in "#@"
    end = 0
    for token in tokens:
        gap = term[end : token.start]
        joint = "" if is_joined(gap) else "_" if is_name and gap == "_" else None
        elements.append(_element(token, joint if elements else None))
        end = token.end
    words = [element for element in elements if element.joint is None and not element.is_symbol]
    is_phrase = len(words) == len(elements) > 1
    return _Pattern(tuple(elements), is_name, _run_together(elements) if is_phrase else None)


def _element(token: Token, joint: str | None) -> _Element:
    plain, german, exact = token.forms
    has_accents = plain != exact
    return _Element(german if has_accents else plain, exact if has_accents else None, token.kind == SYMBOL, joint)


def _run_together(elements: list[_Element]) -> _Element:
    exact = None
    if any(element.exact for element in elements):
        exact = "".join(element.exact or element.key for element in elements)
    return _Element("".join(element.key for element in elements), exact, False, "")


class _Passage:
    """A text cut into tokens once, with the places of each key; remembers what was looked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.places: dict[str, list[int]] = {}
        self._found: dict[str, _Spans] = {}
        for place, token in enumerate(self.tokens):
            plain, german, _ = token.forms
            self.places.setdefault(plain, []).append(place)
            if german != plain:
                self.places.setdefault(german, []).append(place)

    def find(self, term: str) -> _Spans:
        """Where a term stands, in order."""
        found = self._found.get(term)
        if found is None:
            found = self._found[term] = self._search(_compile(term))
        return found

    def _search(self, pattern: _Pattern) -> _Spans:
        if not pattern.elements:
            return []
        spans = []
        for place in self.places.get(pattern.elements[0].key, ()):
            last = self._follow(pattern, place)
            if last is not None:
                spans.append((self.tokens[place].start, self.tokens[last].end))
        if pattern.compound:
            spans += self._search_hashtags(pattern.compound)
        return sorted(spans)

    def _search_hashtags(self, compound: _Element) -> _Spans:
        return [
            (self.tokens[place].start, self.tokens[place].end)
            for place in self.places.get(compound.key, ())
            if self._is(place, compound) and self._is_after_hash(place)
        ]

    def _is_after_hash(self, place: int) -> bool:
        before = self.tokens[place - 1] if place else None
        return before is not None and before.end == self.tokens[place].start and self.text[before.start] == "#"

    def _is(self, place: int, element: _Element) -> bool:
        token = self.tokens[place]
        if element.key not in token.forms[:2] or element.is_symbol != (token.kind == SYMBOL):
            return False
        return element.exact is None or element.exact == token.forms.exact

    def _follow(self, pattern: _Pattern, place: int) -> int | None:
        """The place of the last element when the pattern begins at `place`."""
        first, *rest = pattern.elements
        guarded = not all(element.is_symbol for element in pattern.elements)  # an emoji may stand anywhere
        if not self._is(place, first) or (guarded and first.is_symbol and self._touches_word(place - 1, place)):
            return None
        last: int | None = place
        for element in rest:
            last = self._next(last, element) if last is not None else None
        if last is None:
            return None
        if guarded and pattern.elements[-1].is_symbol and self._touches_word(last + 1, last):
            return None
        return None if pattern.is_name and self._goes_on(last) else last

    def _next(self, place: int, element: _Element) -> int | None:
        if element.joint is None:
            return self._next_apart(place, element)
        following = place + 1
        if following == len(self.tokens) or not self._is(following, element):
            return None
        gap = self.text[self.tokens[place].end : self.tokens[following].start]
        return following if (gap == "_" if element.joint else is_joined(gap)) else None

    def _next_apart(self, place: int, element: _Element) -> int | None:
        """The next word, or the symbol looked for; other symbols between words do not count."""
        for following in range(place + 1, min(place + 1 + _SKIPPED, len(self.tokens))):
            if self._is(following, element):
                return following
            if self.tokens[following].kind != SYMBOL:
                return None
        return None

    def _touches_word(self, neighbour: int, place: int) -> bool:
        """Whether a word stands directly beside a symbol: `user@acme` is no handle, `C++x` is no C++."""
        if not 0 <= neighbour < len(self.tokens) or self.tokens[neighbour].kind != WORD:
            return False
        left, right = sorted((neighbour, place))
        return is_joined(self.text[self.tokens[left].end : self.tokens[right].start])

    def _goes_on(self, last: int) -> bool:
        """Whether a handle is longer than the pattern: `@acme` is not in `@acme_help`."""
        end = self.tokens[last].end
        following = self.tokens[last + 1].start if last + 1 < len(self.tokens) else None
        return following == end + 1 and self.text[end] == "_"


def find_terms(terms: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Where `terms` stand in `text`: (start, end) in order, never overlapping, the longest first where they would.

    Folding and word boundaries are those of queries; `terms` are words, phrases or handles, taken literally.
    """
    passage = _Passage(text)
    spans = {span for term in terms for span in passage.find(term)}
    kept: _Spans = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        place = bisect_left(kept, (start, end))
        is_free_before = place == 0 or kept[place - 1][1] <= start
        if is_free_before and (place == len(kept) or end <= kept[place][0]):
            kept.insert(place, (start, end))
    return kept


class QueryMatcher:
    """The Matcher over all watchlists at once. Raises QueryError where a query cannot be read."""

    def __init__(self, watchlists: Sequence[Watchlist]) -> None:
        ordered = sorted(watchlists, key=lambda watchlist: watchlist.name)
        self._names = [watchlist.name for watchlist in ordered]
        self._queries = [_push_nots_down(parse(watchlist.query)) for watchlist in ordered]
        self._filed: dict[str, list[int]] = {}
        for number, query in enumerate(self._queries):
            for key in _required(query) or ():
                self._filed.setdefault(key, []).append(number)

    def match(self, post: Post) -> list[Match]:
        """Matches in the order of the watchlists' names; [] where none hits."""
        passages = {"title": _Passage(post.title), "text": _Passage(post.text)}
        keys = {key for passage in passages.values() for key in self._filed.keys() & passage.places.keys()}
        candidates = sorted({number for key in keys for number in self._filed[key]})
        found = ((number, _evaluate(self._queries[number], passages)) for number in candidates)
        return [_match(self._names[number], hits) for number, hits in found if hits is not None]


_Hits: TypeAlias = dict[str, list[Span]]  # where each term stands, in the order of the query


def _evaluate(query: Query, passages: Mapping[str, _Passage]) -> _Hits | None:
    """The terms that make the query true, None where it is not; terms under a NOT have no place."""
    match query:
        case Word(term) | Phrase(term):
            spans = [Span(field, *span) for field, passage in passages.items() for span in passage.find(term)]
            return {term: spans} if spans else None
        case Not(part):
            return {} if _evaluate(part, passages) is None else None
        case And(parts):
            hits: _Hits = {}
            for part in parts:
                found = _evaluate(part, passages)
                if found is None:
                    return None
                hits |= found
            return hits
        case Or(parts):
            true = [found for part in parts if (found := _evaluate(part, passages)) is not None]
            return {term: spans for found in true for term, spans in found.items()} if true else None


def _match(name: str, hits: _Hits) -> Match:
    spans = {span for found in hits.values() for span in found}
    ordered = sorted(spans, key=lambda span: (span.field != "title", span))
    return Match(name, tuple(ordered), tuple(hits))


def _push_nots_down(query: Query, negated: bool = False) -> Query:
    """The same query with NOT before words and phrases only."""
    match query:
        case Not(part):
            return _push_nots_down(part, not negated)
        case And(parts) | Or(parts):
            pushed = tuple(_push_nots_down(part, negated) for part in parts)
            return And(pushed) if isinstance(query, And) != negated else Or(pushed)
        case _:
            return Not(query) if negated else query


def _required(query: Query) -> frozenset[str] | None:
    """Keys of which a matching post has at least one; None where a post needs none. NOTs are pushed down before."""
    match query:
        case Word(term) | Phrase(term):
            return _required_of_term(_compile(term))
        case Not():
            return None
        case And(parts):
            return max(filter(None, map(_required, parts)), key=_selectivity, default=None)
        case Or(parts):
            branches = [_required(part) for part in parts]
            return frozenset().union(*(b for b in branches if b)) if all(branches) else None


def _required_of_term(pattern: _Pattern) -> frozenset[str]:
    longest = max((element.key for element in pattern.elements), key=len)
    return frozenset({longest, pattern.compound.key} if pattern.compound else {longest})


def _selectivity(keys: frozenset[str]) -> tuple[int, int]:
    """Long words are rare, and few keys are better than many."""
    return min(map(len, keys)), -len(keys)
