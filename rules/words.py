"""How the classifier spells words: one form for the many ways in which people write one."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

TARGET = "TARGET"
OTHER = "OTHER"
MASKS = frozenset({TARGET, OTHER})
LINK = "<link>"
HANDLE = "<handle>"

SENTENCE_ENDS = frozenset({".", "!", "?", "…", ":", "\n", "\n\n"})
REMEMBERED_WORDS = 20_000  # by each cache of words: full after 100,000 posts, so that memory then stays as it is
_LONGEST = 40  # characters; longer tokens are links and noise

_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "’": "'"})
_REPEATED = re.compile(r"(.)\1{2,}")
_DIGIT = re.compile(r"\d")
_JOINT = re.compile(r"^#+|^[-_](?=\w)")  # what is left before the second part of `TARGET-App`
_LINK = re.compile(r"(https?://|www\.)\S+|\S+\.(com|de|org|net|io|at|ch|eu)(/\S*)?", re.IGNORECASE)


@lru_cache(REMEMBERED_WORDS)
def fold(word: str) -> str:
    """Lower case, ü as ue, no accents, no long repeats, digits as 0; links, handles and masks as one word each."""
    if word in MASKS:
        return word
    if ("." in word or "/" in word) and _LINK.fullmatch(word):
        return LINK
    if word.startswith("@"):  # alone before a mask
        return HANDLE
    bare = word.lower() if word.isascii() else _without_accents(word.lower())
    if bare.isalpha():
        return _REPEATED.sub(r"\1\1", bare)[:_LONGEST]
    shortened = _REPEATED.sub(r"\1\1", _JOINT.sub("", bare))[:_LONGEST] or bare[:1]
    return _DIGIT.sub("0", shortened)


def _without_accents(word: str) -> str:
    spelt = unicodedata.normalize("NFC", word).translate(_SPELLING)
    return "".join(char for char in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(char))


@lru_cache(REMEMBERED_WORDS)
def says_something(folded: str) -> bool:
    """Whether a folded word can be a reason: a word, a question mark or an emoji; no mask, link or comma."""
    if folded in MASKS or folded in (LINK, HANDLE):
        return False
    return folded == "?" or any(char.isalnum() or unicodedata.category(char) == "So" for char in folded)
