"""A text cut into tokens once, and where the patterns of terms stand in it.

Every search costs time linear in the text (times the length of the term), whatever stands in the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol, TypeAlias

from rules.folding import SYMBOL, WORD, Token, is_joined, tokenize, without_ignored

Spans: TypeAlias = list[tuple[int, int]]  # characters start..end (end exclusive), in order


class Element(NamedTuple):
    """One token that a term needs."""

    key: str  # found when the token has it as its plain or German form
    exact: str | None  # for a word with accents: the exact form that the token must have
    is_symbol: bool
    joint: str | None  # what stands between it and the element before ("" or "_"); None: anything but a word
    written: str | None = None  # for {exact}: the composed characters that the token must have


class Pattern(NamedTuple):
    """The tokens of a word or phrase."""

    elements: tuple[Element, ...]
    is_name: bool  # begins with # or @: `_` belongs to it
    compound: Element | None  # the words of a phrase run together, as they stand after #


class Finder(Protocol):
    """Finds all occurrences of one term."""

    def find(self, passage: Passage) -> Spans:
        """Where it stands, in order; occurrences may overlap."""
        ...


_BROKEN = re.compile("[\ud800-\udfff]")  # lone surrogates, which UTF-8 has not


def mend(text: str) -> str:
    """The text without lone surrogates, as long as before."""
    return _BROKEN.sub("\N{REPLACEMENT CHARACTER}", text)


@lru_cache(maxsize=2**12)
def read_pattern(term: str, is_exact: bool = False) -> Pattern:
    """The pattern of a word or phrase as written; `is_exact`: in case and accents too."""
    elements: list[Element] = []
    tokens = tokenize(term)
    is_name = tokens[:1] != [] and tokens[0].kind == SYMBOL and term[tokens[0].start] in "#@"
    end = 0
    for token in tokens:
        gap = term[end : token.start]
        joint = "" if is_joined(gap) else "_" if is_name and gap == "_" else None
        written = compose(term[token.start : token.end]) if is_exact else None
        elements.append(_element(token, joint if elements else None, written))
        end = token.end
    words = [element for element in elements if element.joint is None and not element.is_symbol]
    is_phrase = len(words) == len(elements) > 1 and not is_exact
    return Pattern(tuple(elements), is_name, _run_together(elements) if is_phrase else None)


def compose(word: str) -> str:
    """A word for comparison in case and accents: composed, without what folding ignores."""
    return word if word.isascii() else unicodedata.normalize("NFC", without_ignored(word))


def _element(token: Token, joint: str | None, written: str | None) -> Element:
    plain, german, exact = token.forms
    has_accents = plain != exact
    key, exact_form = (german, exact) if has_accents else (plain, None)
    return Element(key, exact_form, token.kind == SYMBOL, joint, written)


def _run_together(elements: list[Element]) -> Element:
    exact = None
    if any(element.exact for element in elements):
        exact = "".join(element.exact or element.key for element in elements)
    return Element("".join(element.key for element in elements), exact, False, "")


class Passage:
    """A text with its tokens and the places of each folded word; remembers what was looked for."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._found: dict[Finder, Spans] = {}

    def find(self, finder: Finder) -> Spans:
        """Where a term stands, in order."""
        found = self._found.get(finder)
        if found is None:
            found = self._found[finder] = finder.find(self)
        return found

    @cached_property
    def encoded(self) -> bytes:
        """UTF-8."""
        return mend(self.text).encode()

    @cached_property
    def tokens(self) -> list[Token]:
        return tokenize(self.text)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """For each plain and German form the indices of its tokens, in order."""
        places: dict[str, list[int]] = {}
        for place, (_, _, _, (plain, german, _)) in enumerate(self.tokens):
            places.setdefault(plain, []).append(place)
            if german is not plain and german != plain:
                places.setdefault(german, []).append(place)
        return places

    @cached_property
    def _word_starts(self) -> list[int]:
        return [token.start for token in self.tokens if token.kind != SYMBOL]

    @cached_property
    def _word_ends(self) -> list[int]:
        return [token.end for token in self.tokens if token.kind != SYMBOL]

    def words_begun(self, position: int) -> int:
        """Words that begin before a position; symbols are no words."""
        return bisect_left(self._word_starts, position)

    def words_ended(self, position: int) -> int:
        """Words that have ended at a position."""
        return bisect_right(self._word_ends, position)

    @cached_property
    def _next_words(self) -> list[int]:
        """For each token the index of the first word at or after it, `len(tokens)` where none follows."""
        following = len(self.tokens)
        found = [following] * (len(self.tokens) + 1)
        for place in range(len(self.tokens) - 1, -1, -1):
            if self.tokens[place].kind != SYMBOL:
                following = place
            found[place] = following
        return found

    def search(self, pattern: Pattern) -> Spans:
        """All occurrences of a pattern, in order."""
        if not pattern.elements:
            return []
        spans = []
        for place in self.places.get(pattern.elements[0].key, ()):
            last = self._follow(pattern, place)
            if last is not None:
                spans.append((self.tokens[place].start, self.tokens[last].end))
        if pattern.compound:
            spans = sorted({*spans, *self._search_hashtags(pattern.compound)})
        return spans

    def _search_hashtags(self, compound: Element) -> Spans:
        return [
            (self.tokens[place].start, self.tokens[place].end)
            for place in self.places.get(compound.key, ())
            if self._is(place, compound) and self._is_after_hash(place)
        ]

    def _is_after_hash(self, place: int) -> bool:
        start = self.tokens[place].start
        return start > 0 and self.text[start - 1] == "#"

    def _is(self, place: int, element: Element) -> bool:
        start, end, kind, forms = self.tokens[place]
        if (forms.plain != element.key and forms.german != element.key) or element.is_symbol != (kind == SYMBOL):
            return False
        if element.written is not None:
            return compose(self.text[start:end]) == element.written
        return element.exact is None or element.exact == forms.exact

    def _follow(self, pattern: Pattern, place: int) -> int | None:
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

    def _next(self, place: int, element: Element) -> int | None:
        if element.joint is None:
            return self._next_apart(place, element)
        following = place + 1
        if following == len(self.tokens) or not self._is(following, element):
            return None
        gap = self.text[self.tokens[place].end : self.tokens[following].start]
        return following if (gap == "_" if element.joint else is_joined(gap)) else None

    def _next_apart(self, place: int, element: Element) -> int | None:
        """The next word, or the symbol looked for; other symbols between words do not count."""
        following = self._next_words[place + 1]
        if not element.is_symbol:
            return following if following < len(self.tokens) and self._is(following, element) else None
        symbols = self.places.get(element.key, [])
        index = bisect_right(symbols, place)
        is_there = index < len(symbols) and symbols[index] < following and self._is(symbols[index], element)
        return symbols[index] if is_there else None

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
