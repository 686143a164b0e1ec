"""Finds the watchlists whose queries hit a post, and the names to mask in a text.

All queries are held against a post at once: an index names the few that it can match (rules/index.py), and only those
are evaluated (rules/evaluate.py), on a text that is cut into tokens only now.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from rules.base import Match, Span, Watchlist
from rules.evaluate import FIELDS, Hits
from rules.fields import Reader
from rules.frequency import Frequencies
from rules.index import QueryIndex
from rules.passage import Passage, Spans, read_pattern
from rules.preparation import Preparation
from rules.query import parse
from sources.base import Post


def find_terms(terms: Sequence[str], text: str) -> list[tuple[int, int]]:
    """Where `terms` stand in `text`: (start, end) in order, never overlapping, the longest first where they would.

    Folding and word boundaries are those of queries; `terms` are words, phrases or handles, taken literally.
    """
    passage = Passage(text)
    spans = {span for term in terms for span in passage.search(read_pattern(term))}
    kept: Spans = []
    for start, end in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        place = bisect_left(kept, (start, end))
        is_free_before = place == 0 or kept[place - 1][1] <= start
        if is_free_before and (place == len(kept) or end <= kept[place][0]):
            kept.insert(place, (start, end))
    return kept


class QueryMatcher:
    """The Matcher over all watchlists at once. Raises QueryError where a query cannot be read.

    It never changes once it is built, so a new one can be built aside and take its place between two posts. `texts`
    are posts from which to learn how frequent words are; without them built-in lists say it.
    """

    def __init__(self, watchlists: Sequence[Watchlist], texts: Iterable[str] = ()) -> None:
        ordered = sorted(watchlists, key=lambda watchlist: watchlist.name)
        queries = [parse(watchlist.query) for watchlist in ordered]
        preparation = Preparation()
        self._names = [watchlist.name for watchlist in ordered]
        self._nodes = [preparation.prepare(query) for query in queries]
        self._index = QueryIndex(queries, Frequencies(texts))

    def match(self, post: Post) -> list[Match]:
        """Matches in the order of the watchlists' names; [] where none hits."""
        reader = Reader(post)
        matches = []
        for number in self._index.candidates(reader):
            hits = self._nodes[number].hits(reader)
            if hits is not None:
                matches.append(_match(self._names[number], hits))
        return matches

    def match_without_index(self, post: Post) -> list[Match]:
        """What `match` finds, by evaluating every query: what the index is measured against."""
        reader = Reader(post)
        found = ((name, node.hits(reader)) for name, node in zip(self._names, self._nodes, strict=True))
        return [_match(name, hits) for name, hits in found if hits is not None]

    def candidates(self, post: Post) -> list[str]:
        """The watchlists whose queries are evaluated for the post."""
        return [self._names[number] for number in self._index.candidates(Reader(post))]

    def required(self, watchlist: str) -> list[str]:
        """The keys of which a post must have one for the watchlist's query to be looked at; none: it always is."""
        return self._index.keys_of(self._names.index(watchlist))


def _match(name: str, hits: Hits) -> Match:
    places = {place for found in hits.values() for place in found}
    spans = tuple(Span(FIELDS[field], start, end) for field, start, end in sorted(places))
    return Match(name, spans, tuple(hits))
