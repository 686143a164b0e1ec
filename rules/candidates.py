"""Which of many sets of matchers can hold for a mention at all: those whose rarest equality does.

A tree of a thousand routes, most of them for one watchlist or team each, is then read at the few that are meant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rules.matchers import Facts, RouteMatcher


@dataclass(frozen=True, slots=True)
class Candidates:
    """Sets of matchers by their position, under the values of one matcher each."""

    named: Mapping[str, Mapping[str, tuple[int, ...]]]  # name of the matcher -> value -> positions
    rest: tuple[int, ...]  # those that no value rules out

    @classmethod
    def of(cls, sets: Iterable[Iterable[RouteMatcher]]) -> Candidates:
        named: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        rest: list[int] = []
        for position, matchers in enumerate(sets):
            keys = [(matcher.name, values) for matcher in matchers if (values := matcher.needed) is not None]
            if not keys:
                rest.append(position)
                continue
            name, values = min(keys, key=lambda key: (key[0] == "label", len(key[1])))
            for value in values:
                named[name][value].append(position)
        frozen = {name: {value: tuple(at) for value, at in by.items()} for name, by in named.items()}
        return cls(frozen, tuple(rest))

    def find(self, facts: Facts) -> list[int]:
        """The positions whose matchers may hold, in order; all others do not."""
        found = set(self.rest)
        for name, by_value in self.named.items():
            for value in facts.values(name):
                found.update(by_value.get(value, ()))
        return sorted(found)
