"""What a query finds in posts, beside an older query or by itself, and which words stand out there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitor.examples import SHIPPED_CORPUS, read_corpus
from rules.base import Match, Span, Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from rules.salience import LIKELY, Salient, Words, contrast, merge, words_of
from sources.base import Post

_NEW, _OLD = "new", "old"
_SAMPLE = 10  # of so many posts one is read: whoever asks waits for it, and which words are everyday ones shows as well
_MASKS = ("target", "other")  # what stands for names in the corpus


class Group(StrEnum):
    """What becomes of a post."""

    FOUND = "found"  # by the one query that there is
    GAINED = "gained"  # found by the new query only
    LOST = "lost"  # found by the old query only
    KEPT = "kept"  # found by both
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Found:
    """A post that is found, gained or lost; `line` is 0 for one that comes from no file."""

    line: int
    post: Post
    match: Match  # of a post that is lost, the match of the old query
    group: Group


class Preview:
    """Looks at posts one by one, and counts. Raises QueryError where a query cannot be read."""

    def __init__(self, query: str, old: str | None = None) -> None:
        queries = {_NEW: query} if old is None else {_NEW: query, _OLD: old}
        self.compares = old is not None
        self._matcher = QueryMatcher([Watchlist(name, WatchlistKind.TOPIC, text) for name, text in queries.items()])
        self._words = {group: Words() for group in Group}

    def look(self, line: int, post: Post) -> Found | None:
        """The post with its match where there is something to show: nothing of what the old query found as well."""
        matches = {match.watchlist: match for match in self._matcher.match(post)}
        group = self._group(matches.keys())
        whole, offset = f"{post.title}\n{post.text}", len(post.title) + 1
        spans = (_shift(span, offset) for match in matches.values() for span in match.spans)
        self._words[group].add(whole, without=spans)
        if group in (Group.REST, Group.KEPT):
            return None
        return Found(line, post, matches[_OLD if group is Group.LOST else _NEW], group)

    def _group(self, found_by: Iterable[str]) -> Group:
        match sorted(found_by):
            case []:
                return Group.REST
            case [_] if not self.compares:
                return Group.FOUND
            case ["new"]:
                return Group.GAINED
            case ["old"]:
                return Group.LOST
            case _:
                return Group.KEPT

    @property
    def required(self) -> list[str]:
        """What the index files the query under: a post without any of it is not looked at; [] where every post is."""
        return self._matcher.required(_NEW)

    @property
    def read(self) -> int:
        """How many posts were looked at."""
        return self.count(*Group)

    def count(self, *groups: Group) -> int:
        """How many posts fell into these groups."""
        return sum(self._words[group].texts for group in groups)

    def words(self, group: Group, everyday: Sequence[Words], limit: int = 10) -> list[Salient]:
        """What sets a group apart from all other posts; words that the queries found there do not count."""
        others = merge(words for other, words in self._words.items() if other is not group)
        return contrast(self._words[group], others, everyday, least=LIKELY, limit=limit)


def _shift(span: Span, offset: int) -> tuple[int, int]:
    by = offset if span.field == "text" else 0
    return span.start + by, span.end + by


def everyday_words() -> list[Words]:
    """The words of posts that the models were trained with, one group for each language."""
    languages = read_corpus(SHIPPED_CORPUS).values()
    groups = [words_of(example.text for example in examples[::_SAMPLE]) for examples in languages]
    for group in groups:
        group.leave_out(_MASKS)
    return groups
