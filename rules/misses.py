"""Why a query does not match a post: which of its parts hold there, which are missing, which exclude it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.fields import Reader
from rules.preparation import Preparation
from rules.query import And, Near, Not, Or, Phrase, Query, Word, format_query
from sources.base import Post


@dataclass(frozen=True, slots=True)
class Miss:
    """A query that a post does not match, each part in its canonical form."""

    found: tuple[str, ...] = ()  # parts that hold
    missing: tuple[str, ...] = ()  # parts that do not
    excluded: tuple[str, ...] = ()  # parts under NOT that hold, and so rule the post out

    @property
    def is_near(self) -> bool:
        """Whether some part of the query speaks of this post."""
        return bool(self.found)


def explain_miss(query: Query, post: Post) -> Miss | None:
    """What is wrong with the branch of the query that comes nearest; None where the query matches."""
    return _Search(post).miss(query)


class _Search:
    def __init__(self, post: Post) -> None:
        self._reader = Reader(post)
        self._preparation = Preparation()

    def _holds(self, query: Query) -> bool:
        return self._preparation.prepare(query).hits(self._reader) is not None

    def miss(self, query: Query) -> Miss | None:
        if self._holds(query):
            return None
        match query:
            case Or(parts):
                branches = [miss for part in parts if (miss := self.miss(part)) is not None]
                nearest = max(branches, key=lambda miss: (len(miss.found), len(miss.excluded)))
                return nearest if nearest.is_near else Miss(missing=(format_query(query),))
            case And():
                return self._of_all(query)
            case Not(part):
                return Miss(excluded=(format_query(part),))
            case Near(left, right):
                return self._of_sides(query, left, right)
            case Phrase(text):
                return self._of_words(query, text)
            case _:
                return Miss(missing=(format_query(query),))

    def _of_all(self, query: And) -> Miss:
        found: list[str] = []
        lacks: list[Miss] = []
        for part in _flat(query):
            lack = self.miss(part)
            if lack is not None:
                lacks.append(lack)
            elif not isinstance(part, Not):
                found.append(format_query(part))
        return Miss(
            (*found, *(text for lack in lacks for text in lack.found)),
            tuple(text for lack in lacks for text in lack.missing),
            tuple(text for lack in lacks for text in lack.excluded),
        )

    def _of_sides(self, query: Near, *sides: Query) -> Miss:
        """Both sides may be there, only too far apart."""
        found = [format_query(side) for side in sides if self._holds(side)]
        lacking = [format_query(side) for side in sides if not self._holds(side)]
        return Miss(tuple(found), tuple(lacking) or (format_query(query),))

    def _of_words(self, query: Phrase, text: str) -> Miss:
        """Every word may be there, only not side by side."""
        words = [word for word in text.split() if any(map(str.isalnum, word))]
        is_there = len(words) > 1 and all(self._holds(Word(word)) for word in words)
        return Miss(tuple(words) if is_there else (), (format_query(query),))


def _flat(query: And) -> Iterator[Query]:
    for part in query.parts:
        if isinstance(part, And):
            yield from _flat(part)
        else:
            yield part
