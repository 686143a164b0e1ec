"""Queries as trees that say of one post whether they match, and where their terms stand.

What each node means is written in rules/query_nodes.py. A Near and a phrase with slop bring the terms of their sides,
of each only the occurrences that are part of a pair or a choice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from rules.fields import Reader
from rules.passage import Finder, Passage, Spans, mend

FIELDS = ("title", "text")  # those whose occurrences are spans
Place: TypeAlias = tuple[int, int, int]  # index into FIELDS, start and end: spans are made of those that come out
Hits: TypeAlias = dict[str, list[Place]]  # where each term stands, in the order of the query
_Places: TypeAlias = set[tuple[int, int]]


class Node(Protocol):
    """A part of a query, ready to be held against posts."""

    def hits(self, reader: Reader) -> Hits | None:
        """The terms that make it true, None where it is not."""
        ...


NamedFinder: TypeAlias = tuple[str, Finder]  # a term as it is named, and what finds it
Side: TypeAlias = "NamedFinder | Pairing"


def _marks(name: str, places: Iterable[tuple[int, int]]) -> list[Place]:
    if name not in FIELDS:
        return []
    field = FIELDS.index(name)
    return [(field, start, end) for start, end in places]


@dataclass(frozen=True, slots=True, eq=False)
class TermNode:
    """A term by itself."""

    term: str
    finder: Finder
    fields: tuple[str, ...]

    def hits(self, reader: Reader) -> Hits | None:
        """All its occurrences."""
        is_found = False
        spans: list[Place] = []
        for name in self.fields:
            for passage in reader.passages(name):
                places = passage.find(self.finder)
                if places:
                    is_found = True
                    spans += _marks(name, places)
        return {self.term: spans} if is_found else None


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Two sides close to one another in a passage. What stands on a side may be a pairing itself."""

    left: tuple[Side, ...]
    right: tuple[Side, ...]
    distance: int
    is_ordered: bool

    def found_in(self, passage: Passage) -> list[Placed]:
        """The terms of both sides, in order, with their occurrences that are part of a pair."""
        left = [placed for side in self.left for placed in _placed(passage, side)]
        right = [placed for side in self.right for placed in _placed(passage, side)] if left else []
        if not right:
            return []
        lefts, rights = self._paired(passage, _all_places(left), _all_places(right))
        return [*_kept(left, lefts), *_kept(right, rights)]

    def _paired(self, passage: Passage, left: Spans, right: Spans) -> tuple[_Places, _Places]:
        lefts, rights = _pairs(passage, left, right, self.distance)
        if not self.is_ordered:
            more_rights, more_lefts = _pairs(passage, right, left, self.distance)
            lefts, rights = lefts | more_lefts, rights | more_rights
        return lefts, rights


class Placed(NamedTuple):
    """Terms with their places in one passage: one term, or those of a pairing, which count as a whole."""

    terms: list[tuple[str, Spans]]
    is_whole: bool


def _placed(passage: Passage, side: Side) -> list[Placed]:
    if isinstance(side, Pairing):
        inner = side.found_in(passage)
        terms = [term for placed in inner for term in placed.terms]
        return [Placed(terms, True)] if terms else []
    name, finder = side
    places = passage.find(finder)
    return [Placed([(name, places)], False)] if places else []


def _all_places(side: Iterable[Placed]) -> Spans:
    return sorted({place for placed in side for _, places in placed.terms for place in places})


def _kept(side: Iterable[Placed], paired: _Places) -> Iterator[Placed]:
    """What of a side takes part in a pair."""
    for placed in side:
        if placed.is_whole:
            if any(place in paired for _, places in placed.terms for place in places):
                yield placed
        else:
            ((name, places),) = placed.terms
            kept = [place for place in places if place in paired]
            if kept:
                yield Placed([(name, kept)], False)


@dataclass(frozen=True, slots=True, eq=False)
class NearNode:
    """A pairing in the texts of a post. `terms` are the names of all its terms, in the order of the query."""

    pairing: Pairing
    terms: tuple[str, ...]
    fields: tuple[str, ...]

    def hits(self, reader: Reader) -> Hits | None:
        """The occurrences of both sides that are part of a pair."""
        found: Hits = {}
        for name in self.fields:
            for passage in reader.passages(name):
                for placed in self.pairing.found_in(passage):
                    for term, places in placed.terms:
                        found.setdefault(term, []).extend(_marks(name, places))
        return {term: found[term] for term in self.terms if term in found} or None


def _pairs(passage: Passage, first: Spans, second: Spans, distance: int) -> tuple[_Places, _Places]:
    """The occurrences with a partner near: of the first the next second decides, of the second the last first."""
    starts = [start for start, _ in second]
    before = set()
    for place in first:
        at = bisect_left(starts, place[1])
        if at < len(second) and _is_near(passage, place[1], second[at][0], distance):
            before.add(place)
    ends = sorted(end for _, end in first)
    after = set()
    for place in second:
        at = bisect_right(ends, place[0]) - 1
        if at >= 0 and _is_near(passage, ends[at], place[0], distance):
            after.add(place)
    return before, after


def _is_near(passage: Passage, end: int, start: int, distance: int) -> bool:
    return passage.words_ended(start) - passage.words_begun(end) <= distance


@dataclass(frozen=True, slots=True, eq=False)
class FieldNode:
    """A Near within one field, which is named as a whole."""

    term: str
    part: Node

    def hits(self, reader: Reader) -> Hits | None:
        """All places under one name."""
        found = self.part.hits(reader)
        return None if found is None else {self.term: [span for spans in found.values() for span in spans]}


@dataclass(frozen=True, slots=True, eq=False)
class WholeNode:
    """A field that is compared as a whole: with one value, or by a pattern in its folded or its stated form."""

    term: str
    field: str
    value: str | None
    pattern: Any = None  # RE2
    is_folded: bool = True

    def hits(self, reader: Reader) -> Hits | None:
        """The term without a place."""
        if self.value is not None:
            return {self.term: []} if self.value in reader.values(self.field) else None
        if self.is_folded:
            is_true = any(self.pattern.fullmatch(mend(value)) for value in reader.values(self.field))
        else:
            is_true = any(self.pattern.search(mend(value)) for value in reader.stated(self.field))
        return {self.term: []} if is_true else None


@dataclass(frozen=True, slots=True, eq=False)
class RangeNode:
    """A number of the post between two bounds."""

    term: str
    field: str
    low: float
    high: float

    def hits(self, reader: Reader) -> Hits | None:
        """The term without a place."""
        number = reader.number(self.field)
        return {self.term: []} if number is not None and self.low <= number <= self.high else None


@dataclass(frozen=True, slots=True, eq=False)
class NotNode:
    """No term of its part is there."""

    part: Node

    def hits(self, reader: Reader) -> Hits | None:
        """Nothing has a place."""
        return {} if self.part.hits(reader) is None else None


@dataclass(frozen=True, slots=True, eq=False)
class AndNode:
    """All parts."""

    parts: tuple[Node, ...]

    def hits(self, reader: Reader) -> Hits | None:
        """Those of all parts."""
        found: Hits = {}
        for part in self.parts:
            hits = part.hits(reader)
            if hits is None:
                return None
            _merge(found, hits)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class OrNode:
    """Any of the parts."""

    parts: tuple[Node, ...]

    def hits(self, reader: Reader) -> Hits | None:
        """Those of the parts that are true."""
        found: Hits = {}
        is_true = False
        for part in self.parts:
            hits = part.hits(reader)
            if hits is not None:
                is_true = True
                _merge(found, hits)
        return found if is_true else None


def _merge(found: Hits, more: Hits) -> None:
    for term, spans in more.items():
        found[term] = found[term] + spans if term in found else spans
