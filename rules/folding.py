"""Words as queries and posts are compared: case, accents, German spelling, word boundaries.

A text is cut into tokens that keep their place in the original characters, and each token is folded by itself. So a
span is exact whatever folding does to the length (ß, ligatures, decomposed accents, soft hyphens).

- A word is a run of letters, digits and combining marks. `_` is no part of a word: markdown's `_Acme_` is `Acme`.
- Scripts written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar) give one token for each character and its marks.
- Symbols (`#`, `@`, `&`, `%`, `+`, currency, emoji) are tokens of their own; other punctuation only separates.
- Soft hyphens, zero-width and direction characters and variation selectors are not there.

Compatibility forms fold by Unicode normalisation form KD (UAX #15), case by full case folding; all four Turkish i
are one letter, because a post seldom says that it is Turkish.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

WORD, UNSPACED, SYMBOL, MARK, IGNORED, SEPARATOR = "w", "u", "s", "m", "i", " "


class Forms(NamedTuple):
    """The spellings under which a word is found. They differ for words with accents only."""

    plain: str  # accents off: muller
    german: str  # ä, ö, ü as ae, oe, ue, other accents off: mueller
    exact: str  # ä, ö, ü as ae, oe, ue, other accents kept: what an accented query is compared with


class Token(NamedTuple):
    """One word, unspaced character or symbol: characters start..end (end exclusive) of the text."""

    start: int
    end: int
    kind: str  # WORD, UNSPACED or SYMBOL
    forms: Forms


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_GERMAN = _UMLAUTS | {ord("ß"): "ss"}
_PLAIN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "ß": "ss"})
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
# Combining diacritical marks only: the marks of Indic scripts, Thai and Kana are part of the letter, not accents.
ACCENTS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_ACCENT = re.compile(f"[{ACCENTS}]")
_UNSPACED_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x3007),  # iteration mark, closing mark, zero
    (0x3021, 0x30FF),  # Hangzhou numerals, Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),  # Han compatibility
    (0xFF66, 0xFF9F),  # half-width Katakana
    (0x1B000, 0x1B16F),  # Kana supplements
    (0x20000, 0x3FFFF),  # Han extensions
)


def _is_ignored(character: str) -> bool:
    is_variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return is_variation or unicodedata.category(character) == "Cf"


def _classify(character: str) -> str:
    if _is_ignored(character):
        return IGNORED
    category = unicodedata.category(character)
    if category[0] == "M" or unicodedata.category(unicodedata.normalize("NFKD", character)[0])[0] == "M":
        return MARK
    if category[0] in "LN":
        point = ord(character)
        return UNSPACED if any(low <= point <= high for low, high in _UNSPACED_RANGES) else WORD
    return SYMBOL if category[0] == "S" or character in "#@&%" else SEPARATOR


class _Classes(dict[int, str]):
    """Class of each character, found out once: a table for str.translate. It stays small whatever posts contain."""

    def __missing__(self, point: int) -> str:
        found = _classify(chr(point))
        if len(self) < 2**16:
            self[point] = found
        return found


_classes = _Classes()
_TOKENS = re.compile("(w(?:[wmi]*[wm])?)|(u(?:[mi]*m)?)|s(?:[mi]*m)?")

# Latin text needs no table: a character outside this set, or a soft hyphen, sends the text the slow way.
_LATIN = re.compile("[\x00-\xac\xae-\u024f\u2010-\u2027\u2030-\u203a€™]*")
_LATIN_SYMBOLS = "".join(c for c in [*map(chr, range(0x250)), "€", "™"] if _classify(c) == SYMBOL)
_LATIN_TOKENS = re.compile(rf"[^\W_]+|[{re.escape(_LATIN_SYMBOLS)}]")


def fold(word: str) -> Forms:
    """The forms of one word; also right for a symbol or an unspaced character."""
    if word.isascii():
        low = word.lower()
        return Forms(low, low, low)
    return _fold(word) if len(word) > _LONG else _fold_again(word)


def without_ignored(word: str) -> str:
    """The characters that are there to be seen."""
    return "".join(c for c in word if not _is_ignored(c))


def _fold(word: str) -> Forms:
    low = word.lower()
    plain = low.translate(_PLAIN)
    if plain.isascii():  # most words of German with accents, at a fifth of the cost
        german = low.translate(_GERMAN)
        return Forms(plain, german, german)
    kept = without_ignored(word)
    # Composing first and case folding after decomposing: ẞ, the ligatures and decomposed umlauts all come out alike.
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFKD", kept).casefold())
    composed = composed.replace("i\u0307", "i").replace("ı", "i")  # what is left of İ, and the i without a dot
    exact = unicodedata.normalize("NFKD", composed.translate(_UMLAUTS))
    decomposed = unicodedata.normalize("NFKD", composed)
    return Forms(_without_accents(decomposed), _without_accents(exact), exact)


_LONG = 64  # characters; longer ones are no words that come again
_fold_again = lru_cache(maxsize=2**15)(_fold)


def _without_accents(decomposed: str) -> str:
    return _ACCENT.sub("", decomposed).translate(_STROKES)


def tokenize(text: str) -> list[Token]:
    """The tokens of a text, in order."""
    if _LATIN.fullmatch(text):
        return [_latin_token(found) for found in _LATIN_TOKENS.finditer(text)]
    return [_token(text, found) for found in _TOKENS.finditer(text.translate(_classes))]


def _latin_token(found: re.Match[str]) -> Token:
    word = found[0]
    return Token(found.start(), found.end(), SYMBOL if word in _LATIN_SYMBOLS else WORD, fold(word))


def _token(text: str, found: re.Match[str]) -> Token:
    start, end = found.span()
    kind = WORD if found[1] else UNSPACED if found[2] else SYMBOL
    return Token(start, end, kind, fold(text[start:end]))


# ASCII needs no table of classes: letters in lower case, digits as they are, everything else separates.
_ASCII = bytes(ord(chr(c).lower()) if c < 128 and chr(c).isalnum() else 32 if c < 128 else c for c in range(256))


def spellings(text: str) -> set[str]:
    """The plain and German forms of all words of a text, without their places; of symbols, those beyond ASCII.

    What `tokenize` finds, at a sixth of the cost: bytes are translated and split at once, only the few pieces that
    are not ASCII are cut and folded, and those that come again are remembered. Where ignored characters stand within
    a word its parts come too, since a literal takes them for what they are.
    """
    pieces = set(text.encode("utf-8", "surrogatepass").translate(_ASCII).decode("utf-8", "surrogatepass").split())
    if text.isascii():
        return pieces
    odd = [piece for piece in pieces if not piece.isascii()]
    pieces.difference_update(odd)
    for piece in odd:
        pieces.update(_spell(piece) if len(piece) > _LONG else _spell_again(piece))
    return pieces


def _spell(piece: str) -> frozenset[str]:
    if piece.isalnum() and _LATIN.fullmatch(piece):
        return frozenset(fold(piece)[:2])
    parts = piece.translate(_parted).split()
    if parts != [piece]:
        parts.append(piece)
    words = {word for part in parts for word in _words(part)}  # characters of unspaced scripts come again and again
    return frozenset(form for word in words for form in fold(word)[:2])


def _words(text: str) -> Iterator[str]:
    """What `tokenize` finds, as it is written."""
    if _LATIN.fullmatch(text):
        return iter(_LATIN_TOKENS.findall(text))
    return (text[found.start() : found.end()] for found in _TOKENS.finditer(text.translate(_classes)))


_spell_again = lru_cache(maxsize=2**15)(_spell)


def forget() -> None:
    """Empty what was remembered of words met before: for measurements."""
    _fold_again.cache_clear()
    _spell_again.cache_clear()


class _Parted(dict[int, int]):
    """Ignored characters as spaces: a table for str.translate."""

    def __missing__(self, point: int) -> int:
        found = 32 if _classes[point] == IGNORED else point
        if len(self) < 2**16:
            self[point] = found
        return found


_parted = _Parted()


def is_joined(gap: str) -> bool:
    """Whether nothing that can be seen stands in a gap between two tokens."""
    return all(_classes[ord(character)] in (IGNORED, MARK) for character in gap)
