"""A search of some other site, as naive as can be: it reads a search in one of the dialects and holds it against posts.

It folds as most do: case and accents off, `ß` as `ss`; symbols are not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from rules.folding import SYMBOL, tokenize
from sources.base import Post, SearchDialect

_SIGNS = re.compile(r'\s*(?:(?P<bracket>[()])|"(?P<phrase>[^"]*)"|(?P<word>[^\s()"]+))')


def words_of(text: str) -> list[str]:
    return [token.forms.plain for token in tokenize(text) if token.kind != SYMBOL]


def readings(post: Post) -> list[list[str]]:
    """The words of title and text, with what is invisible taken for nothing and for a space."""
    return [words_of(form) for text in (post.title, post.text) for form in (text, _parted(text))]


def _parted(text: str) -> str:
    return re.sub("[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufe00-\ufe0f]", " ", text)


@dataclass(slots=True)
class Search:
    """One search while it is read: OR binds tighter than AND, as nowhere and everywhere, so mixing them is refused."""

    dialect: SearchDialect
    texts: Sequence[Sequence[str]]
    signs: list[tuple[str, str]] = field(default_factory=list)

    def finds(self, search: str) -> bool:
        self.signs = [(str(found.lastgroup), found[str(found.lastgroup)]) for found in _SIGNS.finditer(search)]
        assert len(search) <= self.dialect.longest
        found = self._group(0)
        assert not self.signs, search
        return found

    def _group(self, depth: int) -> bool:
        """Alternatives, or conditions side by side, up to the closing bracket."""
        operands = [self._operand(depth)]
        joined: set[str] = set()
        while self.signs and self.signs[0] != ("bracket", ")"):
            is_or = self.signs[0] == ("word", self.dialect.either)
            joined.add("or" if is_or else "and")
            if is_or:
                self.signs.pop(0)
            operands.append(self._operand(depth))
        assert len(joined) < 2, "AND and OR without brackets"
        assert self.dialect.has_nesting or depth == 0 or joined == {"or"}, "no alternatives within brackets"
        return any(operands) if "or" in joined else all(operands)

    def _operand(self, depth: int) -> bool:
        kind, text = self.signs.pop(0)
        if (kind, text) == ("bracket", "("):
            assert self.dialect.has_brackets
            assert self.dialect.has_nesting or depth == 0
            found = self._group(depth + 1)
            assert self.signs.pop(0) == ("bracket", ")")
            return found
        assert kind == "word" or (kind == "phrase" and self.dialect.has_phrases)
        sign = self.dialect.without
        if kind == "word" and sign and (text == sign or text.startswith(sign)):
            if text != sign and not sign.isalpha():
                self.signs.insert(0, ("word", text[len(sign) :])) if text[len(sign) :] else None
                return not self._operand(depth)
            if text == sign:
                return not self._operand(depth)
        return self._stands(words_of(text))

    def _stands(self, words: list[str]) -> bool:
        assert words
        size = len(words)
        return any(list(text[at : at + size]) == words for text in self.texts for at in range(len(text) - size + 1))
