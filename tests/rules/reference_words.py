"""Words of a text as the language's description defines them, character by character: no table, no regex.
Answers are remembered, because ten thousand posts ask for the same words.

Shares nothing with `rules.folding`, so that a mistake there is not made here again.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")
STROKES = {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
UMLAUTS = {"a\u0308": "ae", "o\u0308": "oe", "u\u0308": "ue"}
ACCENT_BLOCKS = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))


class Place(NamedTuple):
    """One token of a text: a "word", an "unspaced" character or a "symbol" at characters start..end."""

    kind: str
    start: int
    end: int
    letters: str  # as written, without what is not there to be seen

    @property
    def is_symbol(self) -> bool:
        return self.kind == "symbol"


@lru_cache(maxsize=2**14)
def kind_of(character: str) -> str:
    """word, unspaced, symbol, mark, unseen or gap."""
    category = unicodedata.category(character)
    if category == "Cf" or "VARIATION SELECTOR" in unicodedata.name(character, ""):
        return "unseen"
    if category.startswith("M") or unicodedata.category(unicodedata.normalize("NFKD", character)[0]).startswith("M"):
        return "mark"
    if category.startswith(("L", "N")):
        return "unspaced" if unicodedata.name(character, "").startswith(UNSPACED_SCRIPTS) else "word"
    return "symbol" if category.startswith("S") or character in "#@&%" else "gap"


def is_letter(character: str) -> bool:
    """A letter, a digit or a mark."""
    return unicodedata.category(character)[0] in "LNM"


@lru_cache(maxsize=2**14)
def cut(text: str) -> tuple[Place, ...]:
    """The tokens of a text, in order."""
    places = []
    start = 0
    while start < len(text):
        kind = kind_of(text[start])
        end = start + 1
        if kind in ("word", "unspaced", "symbol"):
            end = _end(text, start, ("word", "mark") if kind == "word" else ("mark",))
            letters = "".join(character for character in text[start:end] if kind_of(character) != "unseen")
            places.append(Place(kind, start, end, letters))
        start = end
    return tuple(places)


def _end(text: str, start: int, kinds: tuple[str, ...]) -> int:
    end = start + 1
    for place in range(start + 1, len(text)):
        kind = kind_of(text[place])
        if kind in kinds:
            end = place + 1
        elif kind != "unseen":
            break
    return end


def is_nothing(gap: str) -> bool:
    """Whether nothing that can be seen stands between two tokens."""
    return all(kind_of(character) in ("unseen", "mark") for character in gap)


@lru_cache(maxsize=2**14)
def clusters(word: str) -> tuple[str, ...]:
    """Folded letters, each with the accents that belong to it: case off, compatibility forms off, one Turkish i."""
    seen = "".join(character for character in word if kind_of(character) != "unseen")
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", seen).casefold())
    letters: list[str] = []
    for character in folded:
        if letters and _is_accent(character):
            letters[-1] += character
        else:
            letters.append("i" if character == "ı" else character)
    return tuple("i" + letter[2:] if letter.startswith("i\u0307") else letter for letter in letters)


def _is_accent(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in ACCENT_BLOCKS)


@lru_cache(maxsize=2**14)
def plain(word: str) -> str:
    """Accents off: muller."""
    return "".join(map(_bare, clusters(word)))


@lru_cache(maxsize=2**14)
def german(word: str) -> str:
    """ä, ö, ü as ae, oe, ue; other accents off: mueller."""
    return "".join(UMLAUTS.get(letter) or _bare(letter) for letter in clusters(word))


@lru_cache(maxsize=2**14)
def accented(word: str) -> tuple[str, ...]:
    """ä, ö, ü as ae, oe, ue; other accents stay with their letters."""
    return tuple(piece for letter in clusters(word) for piece in UMLAUTS.get(letter) or [letter])


def _bare(letter: str) -> str:
    bare = "".join(character for character in letter if not _is_accent(character))
    return "".join(STROKES.get(character, character) for character in bare)


@lru_cache(maxsize=2**14)
def has_accents(word: str) -> bool:
    """Whether a word of a query is written with accents: then it is exact, or German."""
    return plain(word) != "".join(accented(word))
