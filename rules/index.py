"""Which queries can match a post at all: prospective search, as Lucene Monitor and Luwak do it.

Each query is filed under one set of keys of which a matching post has at least one (rules/requirements.py), the rarest
it has; the other sets are asked before it is evaluated. A post is cut into a set of folded words once, and Python's
set operations find the queries. So the cost grows with the queries whose rarest words are in the post, not with the
queries.

Why not one Aho-Corasick automaton over the folded text for everything: measured on German and English posts of 298
characters with 10,000 keys (Python 3.11, one core, a busy machine, best of four), ahocorasick_rs needs 12.4 us a post
over the text in lower case, accents not yet folded, and reports 180 pieces within words, each to be checked for word
boundaries; the set of words, folded, needs 7.3 us to make (9.9 where no word was met before) and 1-3 us to look up,
and answers at once whether a query's other words are there. Other automata were not tried. For the pieces of
wildcards, of which a set knows nothing, an automaton is what is left, over the joined words of the set.

The index never changes once it is built.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from ahocorasick_rs import AhoCorasick, Implementation

from rules.fields import Reader
from rules.folding import spellings
from rules.frequency import Frequencies
from rules.query import RANGE_FIELDS, WHOLE_FIELDS, Query
from rules.requirements import Keys, requirements

_SHARES = {
    "lang": 0.5,
    "kind": 0.5,
    "source": 0.2,
    "site": 0.001,
    "subreddit": 0.001,
    "author": 0.001,
    "thread": 0.001,
    "rating": 0.1,
    "followers": 0.6,
    "engagement": 0.6,
}
_PIECE_SHARE = 0.05  # of posts in which a piece of one letter stands; every letter more halves it
_LARGEST, _RAREST = 0.7, 0.0005
_SMALL = 100_000  # characters of patterns up to which the DFA, twice as fast, takes less than 100 MB
_WINDOW = 1 << 16  # characters scanned at once: a bound to the matches that the automaton collects


class _Shares:
    """How many posts have one of some keys, estimated; a key that many queries have is taken for a frequent one."""

    def __init__(self, frequencies: Frequencies, uses: Mapping[str, int]) -> None:
        self._frequencies = frequencies
        self._uses = uses
        self._known: dict[Keys, float] = {}

    def __call__(self, keys: Keys) -> float:
        found = self._known.get(keys)
        if found is None:
            found = self._known[keys] = sum(self._of_key(key) for key in keys)
        return found

    def _of_key(self, key: str) -> float:
        uses = self._uses.get(key, 1)
        return min(_LARGEST, self._guess(key) * math.sqrt(uses))

    def _guess(self, key: str) -> float:
        field, separator, value = key.partition(":")
        if separator:
            return _SHARES.get(field) or self._frequencies.share(value)
        if "*" in key:
            return max(_RAREST, math.ldexp(_PIECE_SHARE, 2 - len(key)))
        return self._frequencies.share(key)


def _shares(queries: Iterable[Query], frequencies: Frequencies) -> _Shares:
    share = _Shares(frequencies, {})
    return _Shares(
        frequencies, Counter(key for query in queries for keys in requirements(query, share) for key in keys)
    )


class QueryIndex:
    """Queries by number, filed under their rarest keys. `queries` are given in the order of their numbers."""

    def __init__(self, queries: Sequence[Query], frequencies: Frequencies) -> None:
        share = _shares(queries, frequencies)
        self._filed: dict[str, list[int]] = {}
        self._others: list[tuple[Keys, ...]] = []
        self._always: list[int] = []
        shared: dict[Keys, Keys] = {}
        for number, query in enumerate(queries):
            sets = sorted((shared.setdefault(keys, keys) for keys in requirements(query, share)), key=share)
            self._others.append(tuple(sets[1:]))
            for key in sets[0] if sets else ():
                self._filed.setdefault(key, []).append(number)
            if not sets:
                self._always.append(number)
        asked = set(self._filed).union(*shared)
        self._keys = frozenset(self._filed)
        self._pieces = _Pieces(sorted(key for key in asked if "*" in key and ":" not in key))
        self._first_fields = _fields(self._filed)
        self._other_fields = tuple(set(_fields(asked)).difference(self._first_fields))

    @property
    def always(self) -> Sequence[int]:
        """The queries that no key can rule out: short wildcards, regular expressions without fixed letters."""
        return tuple(self._always)

    def keys_of(self, number: int) -> list[str]:
        """The keys under which a query is filed."""
        return [key for key, numbers in self._filed.items() if number in numbers]

    def candidates(self, reader: Reader) -> list[int]:
        """The queries that the post may match, in order; every query that it matches is among them."""
        post = reader.post
        keys = spellings(f"{post.title}\n{post.text}" if post.title else post.text)
        if self._pieces.automaton:
            keys.update(self._pieces.found_in(keys))
        if self._first_fields:
            keys.update(_field_keys(self._first_fields, reader))
        hits = self._keys & keys
        if not hits:
            return self._always.copy()
        if self._other_fields:
            keys.update(_field_keys(self._other_fields, reader))
        found = {number for key in hits for number in self._filed[key] if self._is_possible(number, keys)}
        return sorted(found.union(self._always))

    def _is_possible(self, number: int, keys: set[str]) -> bool:
        for one_of in self._others[number]:  # noqa: SIM110 a generator would cost more than the rest
            if keys.isdisjoint(one_of):
                return False
        return True


def _fields(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({key.partition(":")[0] for key in keys if ":" in key}))


def _field_keys(names: Iterable[str], reader: Reader) -> Iterable[str]:
    for name in names:
        if name in RANGE_FIELDS:
            if reader.number(name) is not None:
                yield f"{name}:*"
        elif name in WHOLE_FIELDS:
            for value in reader.values(name):
                yield f"{name}:{value}"
        else:
            yield from (f"{name}:{word}" for passage in reader.passages(name) for word in spellings(passage.text))


class _Pieces:
    """Finds the pieces of wildcards in a set of words."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        patterns = [_delimited(key) for key in keys]
        kind = Implementation.DFA if sum(map(len, patterns)) <= _SMALL else Implementation.ContiguousNFA
        self.automaton = AhoCorasick(patterns, implementation=kind) if keys else None
        self._longest = max(map(len, patterns), default=0)

    def found_in(self, words: Iterable[str]) -> set[str]:
        """The keys whose pieces stand in one of the words."""
        if not self.automaton:
            return set()
        text = f" {' '.join(words)} "
        if len(text) <= _WINDOW:
            return {self._keys[found[0]] for found in self.automaton.find_matches_as_indexes(text, overlapping=True)}
        step = _WINDOW - self._longest
        numbers: set[int] = set()
        for at in range(0, len(text), max(1, step)):
            window = text[at : at + max(_WINDOW, 2 * self._longest)]
            numbers.update(found[0] for found in self.automaton.find_matches_as_indexes(window, overlapping=True))
        return {self._keys[number] for number in numbers}


def _delimited(key: str) -> str:
    """A piece with a space on each side where its word ends."""
    return "".join(("" if key[0] == "*" else " ", key.strip("*"), "" if key[-1] == "*" else " "))
