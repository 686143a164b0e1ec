"""Words and phrases by what they mean: semantic fields such as `delay` or `anger_strong`, found in a text.

An entry is one word or several; each is one of

    wort      all its inflections: both sides are stemmed (Snowball, http://snowballstem.org)
    =wort     this form only
    wort*     words that begin so
    *wort     words that end so
    <n>       a number, in digits or a word up to twelve
    _         a gap of no to three words, never first or last

Case, accents, German spelling and long repeats do not count, nor do hyphens, commas and quotes; no phrase crosses the
end of a sentence. Entries are cut into words by the same tokeniser as the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import Stemmer

from rules.words import MASKS, REMEMBERED_WORDS, SENTENCE_ENDS, fold

Entries = Mapping[str, Mapping[str, Sequence[str]]]  # {language: {field: entries}}
Phrases = Mapping[str, Sequence[Sequence[str]]]  # {field: entries as the keys that their words must fit}
Tokenize = Callable[[str], Iterable[str]]

_GAP, _LONGEST_GAP = "_", 3
_NUMBER = "<n>"
_SHORTEST_PIECE = 3  # letters that `wort*` and `*wort` must have
_PASSED_OVER = frozenset("-–—,;:'\"„“”‚‘’«»()[]/*_.")
_ALGORITHMS = {"de": "german", "en": "english"}
_NUMBERS = {
    "de": frozenset(["zwei", "drei", "vier", "fuenf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwoelf"]),
    "en": frozenset(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]),
}


class Hit(NamedTuple):
    """An entry of a field in the words start..end (end exclusive) of a text."""

    field: str
    start: int
    end: int


class LexiconError(ValueError):
    """An entry that cannot be read; the message names language and entry."""


@dataclass(slots=True)
class _Node:
    """Where a phrase stands after some of its words."""

    following: dict[str, _Node] = field(default_factory=dict)
    fields: tuple[str, ...] = ()  # of the entries that end here


@dataclass(frozen=True, slots=True)
class _Word:
    """What a lexicon knows of one folded word of a text."""

    keys: tuple[str, ...]  # of entries that it fits
    begun: tuple[_Node, ...]  # where the phrases stand that begin with it
    is_passed_over: bool
    ends_sentence: bool


def compile_entries(entries: Entries, tokenize: Mapping[str, Tokenize]) -> dict[str, list[list[str]]]:
    """The entries of all languages by field, each as the keys of its words. Raises LexiconError."""
    phrases: dict[str, list[list[str]]] = {}
    for language, fields in entries.items():
        stem = _stemmer(language)
        for name, lines in fields.items():
            for line in lines:
                keys = [key for word in line.split() for key in _keys(word, language, tokenize[language], stem)]
                if not keys or _GAP in (keys[0], keys[-1]):
                    raise LexiconError(f"lexicon {language}/{name}: {line!r} is empty, or begins or ends with a gap")
                phrases.setdefault(name, []).append(keys)
    return phrases


def _keys(word: str, language: str, tokenize: Tokenize, stem: Callable[[str], str]) -> list[str]:
    if word in (_GAP, _NUMBER):
        return [word]
    bare = word.strip("=*")
    if bare and bare != word and word[0] != "=":
        if len(fold(bare)) < _SHORTEST_PIECE:
            raise LexiconError(f"lexicon {language}: {word!r} needs at least {_SHORTEST_PIECE} letters")
        return [f"*{fold(bare)}" if word[0] == "*" else f"{fold(bare)}*"]
    tokens = [fold(token) for token in tokenize(bare or word) if token not in _PASSED_OVER]
    return [f"={token}" if bare and word[0] == "=" else f"{language} {stem(token)}" for token in tokens]


class Lexicon:
    """The phrases of one language, or of several at once."""

    def __init__(self, phrases: Phrases, languages: Sequence[str]) -> None:
        self.phrases = phrases
        self.languages = tuple(languages)
        self._stems = {language: _stemmer(language) for language in languages}
        self._root = _Node()
        for name, alike in phrases.items():
            for keys in alike:
                self._add(keys, name)
        self._known = frozenset(key for alike in phrases.values() for keys in alike for key in keys)
        pieces = [key for key in self._known if key[0] == "*" or key[-1] == "*"]
        self._longest_piece = max(map(len, pieces), default=1) - 1
        self._entry_of = lru_cache(REMEMBERED_WORDS)(self._find_entry)

    def _add(self, keys: Sequence[str], name: str) -> None:
        node = self._root
        for key in keys:
            node = node.following.setdefault(key, _Node())
        if name not in node.fields:
            node.fields = (*node.fields, name)

    def _find_entry(self, folded: str) -> _Word:
        """What is asked of each word of a text."""
        keys = self._find_keys(folded)
        begun = tuple(self._root.following[key] for key in keys if key in self._root.following)
        return _Word(keys, begun, folded in _PASSED_OVER and folded not in SENTENCE_ENDS, folded in SENTENCE_ENDS)

    def _find_keys(self, folded: str) -> tuple[str, ...]:
        """The keys of entries that the word fits."""
        if folded in MASKS or not folded:
            return ()
        sizes = range(_SHORTEST_PIECE, min(len(folded), self._longest_piece) + 1)
        keys = [f"={folded}", *(f"{language} {stem(folded)}" for language, stem in self._stems.items())]
        keys += [f"{folded[:size]}*" for size in sizes]
        keys += [f"*{folded[-size:]}" for size in sizes]
        if self._is_number(folded):
            keys.append(_NUMBER)
        return tuple(key for key in keys if key in self._known)

    def _is_number(self, folded: str) -> bool:
        if folded[0] == "0" and not any(map(str.isalpha, folded)):
            return True
        return any(folded in _NUMBERS.get(language, ()) for language in self._stems)

    def find(self, folded: Sequence[str]) -> list[Hit]:
        """Hits in the order of their starts; of each field the longest, none within another one of the same field."""
        every = [self._entry_of(word) for word in folded]
        places = [at for at, word in enumerate(every) if not word.is_passed_over]
        words = every if len(places) == len(every) else [every[at] for at in places]
        reach: dict[str, int] = {}
        hits = []
        for start, word in enumerate(words):
            if not word.begun:
                continue
            for name, end in _longest_at(words, start).items():
                if end > reach.get(name, 0):
                    reach[name] = end
                    hits.append(Hit(name, places[start], places[end - 1] + 1))
        return hits


def _longest_at(words: Sequence[_Word], start: int) -> dict[str, int]:
    """Where the longest entry of each field ends that begins with the word at `start`."""
    longest: dict[str, int] = {}
    standing = [(node, start + 1) for node in words[start].begun]
    while standing:
        node, at = standing.pop()
        for name in node.fields:
            longest[name] = max(at, longest.get(name, 0))
        following = node.following
        if not following or at == len(words):
            continue
        standing += [(following[key], at + 1) for key in words[at].keys if key in following]
        if (gap := following.get(_GAP)) is not None:
            standing += [(gap, then) for then in _within_gap(words, at)]
    return longest


def _within_gap(words: Sequence[_Word], at: int) -> Iterator[int]:
    for then in range(at, min(at + _LONGEST_GAP + 1, len(words))):
        yield then
        if words[then].ends_sentence:
            return


def _stemmer(language: str) -> Callable[[str], str]:
    """Words of a language without a stemmer stay as they are."""
    algorithm = _ALGORITHMS.get(language)
    return Stemmer.Stemmer(algorithm).stemWord if algorithm else str
