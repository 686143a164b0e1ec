"""What finds one term in a passage: words and phrases, wildcards, literals, regular expressions."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from rules.folding import ACCENTS, WORD, Forms, fold
from rules.passage import Passage, Pattern, Spans, mend, read_pattern
from rules.query import Domain, Exact, Literal, Phrase, Regex, Term, Wildcard, Word

_SIGNS = re.compile(r"([*?])")


@dataclass(frozen=True, slots=True, eq=False)
class TokenFinder:
    """A word, phrase, domain or {exact}: any of the patterns."""

    patterns: tuple[Pattern, ...]

    def find(self, passage: Passage) -> Spans:
        """All occurrences, in order."""
        if len(self.patterns) == 1:
            return passage.search(self.patterns[0])
        return sorted({span for pattern in self.patterns for span in passage.search(pattern)})


@dataclass(frozen=True, slots=True, eq=False)
class WildcardFinder:
    """A pattern for one word. `fixed` is a piece that the compared form must hold, to ask RE2 seldom."""

    pattern: Any
    fixed: str
    has_accents: bool

    def find(self, passage: Passage) -> Spans:
        """All words of that form, in order."""
        return [(start, end) for start, end, kind, forms in passage.tokens if kind == WORD and self._fits(forms)]

    def _fits(self, forms: tuple[str, str, str]) -> bool:
        plain, german, exact = forms
        if self.has_accents:
            return self._is_like(exact)
        return self._is_like(plain) or (german != plain and self._is_like(german))

    def _is_like(self, form: str) -> bool:
        return self.fixed in form and self.pattern.fullmatch(form) is not None


@dataclass(frozen=True, slots=True, eq=False)
class LiteralFinder:
    """Exactly these characters."""

    text: str

    def find(self, passage: Passage) -> Spans:
        """All occurrences, in order, overlapping ones too."""
        whole, size = passage.text, len(self.text)
        guards_start, guards_end = _is_wordlike(self.text[0]), _is_wordlike(self.text[-1])
        spans = []
        start = whole.find(self.text)
        while start >= 0:
            end = start + size
            is_free = not (guards_start and start and _is_wordlike(whole[start - 1]))
            if is_free and not (guards_end and end < len(whole) and _is_wordlike(whole[end])):
                spans.append((start, end))
            start = whole.find(self.text, start + 1)
        return spans


@dataclass(frozen=True, slots=True, eq=False)
class RegexFinder:
    """A regular expression, in linear time by RE2."""

    pattern: Any

    def find(self, passage: Passage) -> Spans:
        """Matches from left to right, not overlapping, empty ones left out."""
        if self.pattern.search(passage.encoded) is None:  # bytes, encoded once for all: RE2 would encode them each time
            return []
        return [found.span() for found in self.pattern.finditer(mend(passage.text)) if found.end() > found.start()]


def _is_wordlike(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def finder_of(term: Term) -> TokenFinder | WildcardFinder | LiteralFinder | RegexFinder:
    """What finds the term; a Phrase is read without its slop."""
    match term:
        case Word(text) | Phrase(text):
            return TokenFinder((read_pattern(text),))
        case Domain(text):
            return TokenFinder((read_pattern(text), read_pattern(text.replace(".", " dot "))))
        case Exact(text):
            return TokenFinder((read_pattern(text, True),))
        case Wildcard(pattern):
            return _wildcard_finder(pattern)
        case Literal(text):
            return LiteralFinder(text)
        case Regex(pattern):
            return RegexFinder(compile_regex(pattern))


def wildcard_pieces(pattern: str) -> list[str]:
    """The fixed pieces and signs of a wildcard in turn, as they stand in the plain or German form of its words."""
    return [_key_form(fold(piece)) for piece in _SIGNS.split(pattern)]


def _key_form(forms: Forms) -> str:
    return forms.plain if forms.plain == forms.exact else forms.german


def _wildcard_finder(pattern: str) -> WildcardFinder:
    folded = [fold(piece) for piece in _SIGNS.split(pattern)]
    has_accents = any(forms.plain != forms.exact for forms in folded)
    pieces = [forms.exact for forms in folded]  # without accents the plain form is the same
    letter = f"[^{ACCENTS}][{ACCENTS}]*"
    signs = {"*": f"(?:{letter})*", "?": letter}
    whole = "(?s)" + "".join(signs.get(piece) or re2.escape(piece) for piece in pieces)
    fixed = max((piece for piece in pieces if piece not in signs), key=len)
    return WildcardFinder(compile_re2(whole), fixed, has_accents)


def glob(pattern: str) -> str:
    """The expression of a wildcard over a whole value: `*` any characters, `?` exactly one."""
    signs = {"*": ".*", "?": "."}
    return "(?s)" + "".join(signs.get(piece) or re2.escape(piece) for piece in _SIGNS.split(pattern))


def compile_regex(pattern: str) -> Any:
    """A regular expression of a query, any case."""
    return compile_re2(pattern, is_cased=False)


@lru_cache(maxsize=2**12)
def compile_re2(pattern: str, *, is_cased: bool = True) -> Any:
    """A compiled RE2 pattern. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = is_cased
    return re2.compile(pattern, options)
