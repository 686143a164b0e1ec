"""Queries as an agency's watchlists have them: most about a rare name, some about common words together.

Names are made of syllables. One query in a hundred is about a rare word of the posts instead, so that some posts match.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_SYLLABLES = "ba bel cor da den dor fa fin ga gel ha hol ka kor la len lo mar mi nor pa por ra ris sa sol ta tor va zen"
_OPERATORS = frozenset({"and", "or", "not", "near", "und", "oder", "nicht"})
_REAL = 0.01


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words of the posts by the share of posts they stand in."""

    rare: tuple[str, ...]  # in one to three posts
    medium: tuple[str, ...]  # in 0.3-2 % of the posts

    @classmethod
    def of(cls, texts: Sequence[str]) -> Vocabulary:
        counts = Counter(word for text in texts for word in set(re.findall(r"[^\W\d_]{4,}", text.lower())))
        words = sorted(word for word in counts if word not in _OPERATORS)
        low, high = 0.003 * len(texts), 0.02 * len(texts)
        rare = [word for word in words if counts[word] <= 3 and len(word) > 6]
        return cls(tuple(rare), tuple(word for word in words if low <= counts[word] <= high))


class _Author:
    """Writes one query after another."""

    def __init__(self, words: Vocabulary) -> None:
        self._random = random.Random(7)
        self._words = words
        self._syllables = _SYLLABLES.split()

    def name(self) -> str:
        if self._random.random() < _REAL:
            return self._random.choice(self._words.rare)
        return "".join(self._random.choices(self._syllables, k=self._random.randint(3, 5))).capitalize()

    def word(self) -> str:
        return self._random.choice(self._words.medium)

    def number(self, most: int) -> int:
        return self._random.randint(1, most)

    def any_of(self, count: int) -> str:
        return "(" + " OR ".join(dict.fromkeys(self.word() for _ in range(count))) + ")" if count > 1 else self.word()

    def query(self) -> str:
        (form,) = self._random.choices([form for form, _ in _FORMS], [weight for _, weight in _FORMS])
        return form(self)


def _brand(author: _Author) -> str:
    name = author.name()
    return f'{name} OR "{name} {author.word()}" OR @{name} OR #{name}'


def _site(author: _Author) -> str:
    name = author.name().lower()
    return f"{name}.com OR (site:{name}.com AND {author.word()})"


_Form = Callable[[_Author], str]
_FORMS: tuple[tuple[_Form, float], ...] = (
    (_brand, 20),
    (_site, 5),
    (lambda a: a.name(), 10),
    (lambda a: f"{a.name()} AND ({a.word()} OR {a.word()} OR {a.word()}*)", 15),
    (lambda a: f'"{a.name()} {a.word()}" -{a.word()}', 8),
    (lambda a: f"({a.name()} OR {a.name()}) NEAR/5 ({a.word()} OR {a.word()})", 10),
    (lambda a: f'"{a.name()} {a.word()}"~4', 4),
    (lambda a: f"{a.name()}* OR *{a.name().lower()}", 6),
    (lambda a: f"{{{a.name()}}} OR `{a.name()}-X`", 4),
    (lambda a: f"{a.word()} AND {a.word()} AND {a.word()} AND ({a.word()} OR {a.word()})", 6),
    (lambda a: f"({a.word()} NEAR/2f {a.word()}) AND {a.word()} AND (NOT {a.word()})", 4),
    (lambda a: f"title:{a.name()} OR text:{a.name()}", 3),
    (lambda a: f"{a.name()} AND followers:[1000 TO *] AND lang:de", 3),
    (lambda a: f"{a.name()} AND /{a.name().lower()}s?/", 2),
    (lambda a: f"({a.name()} NEAR/3 {a.word()}) NEAR/9 ({a.word()} OR {a.word()})", 2),
    (lambda a: f"/{a.name().lower()}[ -]?[0-9]+/", 1),
    (lambda a: f"rating:[{a.number(2)} TO 5]", 0.1),
)


# These require no word: they are evaluated for every post.
WITHOUT_WORDS = (r"/[0-9]{5,}-[0-9]/", r"/[A-Z]{2}[0-9]{6}/", r"/\$[0-9]+(\.[0-9]{2})?/", "/[0-9]{3} ?km/")


def mixed_queries(count: int, words: Vocabulary) -> list[str]:
    """Queries of all forms."""
    author = _Author(words)
    return [author.query() for _ in range(count)]


def plain_terms(count: int, words: Vocabulary) -> list[str]:
    """Names, every third of two words, as phrases; some stand in posts."""
    author = _Author(words)
    terms = (author.name() if number % 3 else f"{author.name()} {author.word()}" for number in range(3 * count))
    return list(dict.fromkeys(terms))[:count]
