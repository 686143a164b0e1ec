"""The ways to write one term of a query in a foreign search, which folds words in a way of its own."""

from __future__ import annotations

import re
import unicodedata
from itertools import product
from math import prod

from rules.folding import SYMBOL, fold, tokenize, without_ignored
from rules.passage import read_pattern

MOST = 8  # spellings of one text

_JOINING = re.compile(r"[&_./:'’,+@-]+")  # may stand within a word of a search; anything else becomes a space
_TRAILING = re.compile(r"[+#]*")  # C++, F#
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_SHARP = str.maketrans({"ß": "ss", "ẞ": "SS"})
_DIGRAPH = re.compile(r"(?<![aeiouyqäöü])([aou])e", re.IGNORECASE)  # not in `neue` and `Quelle`
_UMLAUTS = {"a": "ä", "o": "ö", "u": "ü"}


def written(text: str) -> str:
    """The text as it may stand within quotes: its words and what joins them; empty where it has no word."""
    text = unicodedata.normalize("NFC", without_ignored(text))
    words = [token for token in tokenize(text) if token.kind != SYMBOL]
    parts: list[str] = []
    end = None
    for word in words:
        gap = "" if end is None else text[end : word.start]
        parts += [gap if not gap or _JOINING.fullmatch(gap) else " ", text[word.start : word.end]]
        end = word.end
    trailing = _TRAILING.match(text, end)[0] if end is not None else ""  # type: ignore[index]  # it also matches nothing
    return "".join(parts) + trailing


def spellings_of(text: str) -> list[str]:
    """The text as written and in the other spellings that find it here; [] where there are more than MOST."""
    pieces = re.split(r"(\W+)", written(text))
    each = [_spellings_of_word(piece) for piece in pieces]
    if prod(map(len, each)) > MOST:
        return []
    return ["".join(chosen) for chosen in product(*each)]


def _spellings_of_word(word: str) -> list[str]:
    """Umlauts spelt out or not, the same way throughout the word; written with two letters they may be umlauts."""
    forms = fold(word)
    spelt = [word, word.translate(_SPELT)]
    if forms.plain == forms.exact:
        spelt.append(_DIGRAPH.sub(lambda found: _UMLAUTS[found[1].lower()], word))
    return list(dict.fromkeys(form for each in spelt for form in (each, each.translate(_SHARP))))


def together(text: str) -> str:
    """The words run together, as they stand after `#`; empty where the query does not look for that."""
    return re.sub(r"\W+|_", "", written(text)) if read_pattern(text).compound else ""
