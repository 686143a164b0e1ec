"""Words that set one group of texts apart from another.

The log-odds ratio with an informative Dirichlet prior, as a z-score: B. L. Monroe, M. P. Colaresi, K. M. Quinn,
"Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political Conflict",
Political Analysis 16(4), 2008, pp. 372-403, doi:10.1093/pan/mpn018. The prior is how often words are used at all, so
that "und" and "the" need no list: they are frequent on both sides, the prior expects that, and their z-score stays near
zero. Where one side is more German than the other that is not enough; therefore words that stand in many everyday texts
of one language are left out altogether.

A word counts once a text: one post that says a word fifty times shall not outweigh fifty people.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rules.folding import WORD, tokenize

CLEAR = 1.96  # z-score: 95 % of the words that are used alike lie within
LIKELY = 1.0  # z-score: good enough for a list that somebody looks through
_PRIOR_SHARE, _PRIOR_WORDS = 0.1, 5000.0  # weight of the prior: a tenth of all words counted, so many at the most
_LEAST_PRIOR = 0.5  # of a word (Jeffreys): one that was never seen may still be used
_COMMON = 0.02  # of the everyday texts of a language: words that are more frequent say nothing of a subject
_LEAST_TEXTS = 2  # a word of one text says something about that text only
_LONGEST = 64  # characters; longer ones are no words that anybody would put into a query
_READ = 100_000  # characters of a text; what is longer has said by then what it is about
_LINK = re.compile(r"https?://\S+|www\.\S+")


class Salient(NamedTuple):
    """A word and how much more the first of two groups uses it."""

    word: str  # as most texts of the first group write it, lower case
    texts: int  # of the first group that have it
    others: int  # of the second group that have it
    z: float  # log-odds ratio in standard deviations; below 0 the second group uses it more


@dataclass(slots=True)
class Words:
    """In how many texts of a group each word stands, by its folded form: Müller and Mueller are one word."""

    texts: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    spellings: dict[str, Counter[str]] = field(default_factory=dict)  # those that are not the folded form itself

    def add(self, text: str, without: Iterable[tuple[int, int]] = ()) -> None:
        """Count one text; `without`: stretches (start, end) whose words do not count, such as what a query found."""
        text = text[:_READ]
        left_out = bytearray(len(text))
        for start, end in [*without, *(link.span() for link in _LINK.finditer(text))]:
            left_out[start:end] = b"\1" * len(left_out[start:end])
        found: dict[str, str] = {}
        for start, end, kind, forms in tokenize(text):
            if kind == WORD and 1 < end - start <= _LONGEST and not left_out[start] and not text[start:end].isdigit():
                found.setdefault(forms.german, text[start:end].lower())
        self.texts += 1
        self.counts.update(found.keys())
        for key, spelling in found.items():
            if spelling != key:
                self.spellings.setdefault(key, Counter())[spelling] += 1

    def leave_out(self, keys: Iterable[str]) -> None:
        """Forget words, by their folded form."""
        for key in keys:
            self.counts.pop(key, None)

    def spelling(self, key: str) -> str:
        """How the word is written most often."""
        known = self.spellings.get(key, Counter())
        as_folded = self.counts[key] - known.total()
        spelling, texts = max(known.items(), key=lambda item: (item[1], item[0]), default=(key, 0))
        return spelling if texts > as_folded else key


def words_of(texts: Iterable[str]) -> Words:
    """The words of a group of texts."""
    words = Words()
    for text in texts:
        words.add(text)
    return words


def merge(groups: Iterable[Words]) -> Words:
    """Several groups of texts as one."""
    merged = Words()
    for group in groups:
        merged.texts += group.texts
        merged.counts.update(group.counts)
        for key, known in group.spellings.items():
            merged.spellings.setdefault(key, Counter()).update(known)
    return merged


def contrast(
    first: Words, second: Words, everyday: Sequence[Words] = (), *, least: float = CLEAR, limit: int = 20
) -> list[Salient]:
    """Words of the first group that set it apart from the second, the clearest first.

    `everyday`: texts about anything, a group for each language; the smaller the two groups are, the more it is needed.
    `least`: the z-score that a word must have. Words of a single text of the first group are left out.
    """
    scale = _Scale(first, second, everyday)
    found = [
        Salient(first.spelling(key), texts, second.counts[key], z)
        for key, texts in first.counts.items()
        if texts >= _LEAST_TEXTS and not _is_common(key, everyday) and (z := scale.score(key)) >= least
    ]
    return sorted(found, key=lambda word: (-word.z, -word.texts, word.word))[:limit]


def _is_common(key: str, everyday: Sequence[Words]) -> bool:
    return any(group.counts[key] >= _COMMON * max(group.texts, 1) for group in everyday)


class _Scale:
    """Compares word by word; totals and the weight of the prior are worked out once."""

    def __init__(self, first: Words, second: Words, everyday: Sequence[Words]) -> None:
        self._groups = [(sign, group.counts, group.counts.total()) for sign, group in ((1, first), (-1, second))]
        self._known = [group.counts for group in (first, second, *everyday)]
        self._all = sum(counts.total() for counts in self._known)
        self._weight = min(_PRIOR_WORDS, _PRIOR_SHARE * self._all)

    def score(self, key: str) -> float:
        """The z-score of one word."""
        share = sum(counts[key] for counts in self._known) / self._all
        prior = max(_LEAST_PRIOR, self._weight * share)
        log_odds, variance = 0.0, 0.0
        for sign, counts, total in self._groups:
            with_it = counts[key] + prior
            without_it = max(_LEAST_PRIOR, total + self._weight - with_it)
            log_odds += sign * math.log(with_it / without_it)
            variance += 1 / with_it
        return log_odds / math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What could be changed about a query, from what people did with its mentions."""

    additions: tuple[Salient, ...]  # words of what was acted on: ask for them
    exclusions: tuple[Salient, ...]  # words of what was dismissed: exclude them


def suggest(
    acted_on: Iterable[str],
    dismissed: Iterable[str],
    terms: Iterable[str] = (),
    everyday: Sequence[Words] = (),
    limit: int = 20,
) -> Suggestions:
    """Words that set apart what people acted on from what they dismissed; those of the query's `terms` are known."""
    first, second = words_of(acted_on), words_of(dismissed)
    known = words_of(terms).counts
    first.leave_out(known)
    second.leave_out(known)
    return Suggestions(
        additions=tuple(contrast(first, second, everyday, limit=limit)),
        exclusions=tuple(contrast(second, first, everyday, limit=limit)),
    )


def buyers_words(
    purchases: Iterable[str],
    others: Iterable[str],
    terms: Iterable[str] = (),
    everyday: Sequence[Words] = (),
    limit: int = 20,
) -> list[Salient]:
    """Words that buyers use: those that set purchase signals apart from the other mentions."""
    first = words_of(purchases)
    first.leave_out(words_of(terms).counts)
    return contrast(first, words_of(others), everyday, limit=limit)
