"""Cuts texts into words as spaCy's tokeniser does, only sooner: how a piece is cut is remembered.

Within a memory zone spaCy's tokeniser remembers nothing new, and most of its time goes into regular expressions over
pieces that have no punctuation to split off. What stands between white space is cut by itself: no exception of our
languages holds white space, and an emoticon is not looked for across it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from spacy.tokens import Doc

from rules.reading import Reading, is_word, remember
from rules.words import OTHER, TARGET, fold

if TYPE_CHECKING:
    from spacy.language import Language

REMEMBERED_PIECES = 30_000
_LONGEST = 40  # characters of a piece that is remembered
_SIGNS = (",", "!", "?")
_PIECES = re.compile(r"\S+ ?|\s+")  # a space after a word is that word's, as in spaCy


class _Piece(NamedTuple):
    """How a piece of a text is cut; the last three without white space."""

    tokens: tuple[str, ...]
    spaces: tuple[bool, ...]
    words: tuple[str, ...]
    folded: tuple[str, ...]
    glued: tuple[bool, ...]


class Cutter:
    """In the place of a pipeline's tokeniser: one that splits no word of letters but the masks and its exceptions."""

    def __init__(self, nlp: Language) -> None:
        self._vocab = nlp.vocab
        self._tokenizer: Any = nlp.tokenizer  # spaCy's types allow any function in its place
        self._cut = lru_cache(REMEMBERED_PIECES)(self._find)

    def __call__(self, text: str) -> Doc:
        """The document, with its reading (without hits)."""
        tokens: list[str] = []
        spaces: list[bool] = []
        words: list[str] = []
        folded: list[str] = []
        glued: list[bool] = []
        for found in _PIECES.findall(text):
            piece = self._cut(found) if len(found) <= _LONGEST else self._find(found)
            tokens += piece.tokens
            spaces += piece.spaces
            words += piece.words
            folded += piece.folded
            glued += piece.glued
        doc = Doc(self._vocab, words=tokens, spaces=spaces)
        remember(doc, Reading(words, folded, (), glued))
        return doc

    def _find(self, piece: str) -> _Piece:
        cut = self._split(piece)
        tokens, spaces = tuple(token for token, _ in cut), tuple(space for _, space in cut)
        words = tuple(filter(is_word, tokens))
        glued = tuple(not space for token, space in cut if is_word(token))
        return _Piece(tokens, spaces, words, tuple(map(fold, words)), glued)

    def _split(self, piece: str) -> list[tuple[str, bool]]:
        """Tokens, and whether a space follows. Letters, and one sign behind them, need no regular expression."""
        bare = piece.removesuffix(" ")
        word = bare[:-1] if bare[-1:] in _SIGNS else bare
        if not self._is_whole(word) or bare in self._tokenizer.rules:
            return [(token.text, bool(token.whitespace_)) for token in self._tokenizer(piece)]
        tokens = [word, bare[-1]] if word != bare else [word]
        return [*((token, False) for token in tokens[:-1]), (tokens[-1], bare != piece)]

    def _is_whole(self, word: str) -> bool:
        return word.isalpha() and TARGET not in word and OTHER not in word and word not in self._tokenizer.rules
