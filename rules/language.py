"""Which language a post is in: what its source states where that is plausible, else what py3langid makes of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from rules.folding import fold
from rules.stop_words import COMMON_WORDS
from rules.words import MASKS

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

EUROPEAN = ("cs", "da", "de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv", "tr")
READ_AT_MOST = 600  # characters: enough to be sure, and cheap
FEWEST_LETTERS = 12  # below that the identifier's guess is worth less than the commonest words
CLEAR = 0.6  # the identifier's probability from which its answer counts
OVERRULES = 0.95  # ... and from which it counts against what the source states
FAVOURS = 0.8  # an unclear text goes to one of the operator's languages with this much of what they share

_WORD = re.compile(r"\w+")
_NOISE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\b(?:" + "|".join(sorted(MASKS)) + r")\b|\d+")


class LanguageDetector:
    """Decides among `languages` (ISO 639-1, the operator's, most important first) and a handful of European ones.

    The identifier (a second to load) is built at the first text that needs it, once for all detectors of its languages.
    """

    def __init__(self, languages: Sequence[str]) -> None:
        if not languages:
            raise ValueError("at least one language is needed")
        self._languages = tuple(languages)
        self._candidates = tuple(sorted({*languages, *EUROPEAN}))

    def detect(self, text: str, stated: str | None) -> str:
        """ISO 639-1; of short and unclear texts what is stated, else what commonest words or best guess favour."""
        named = stated.lower().replace("_", "-").partition("-")[0] if stated else ""
        known = named if named in self._candidates else None
        read = _NOISE.sub(" ", text[:READ_AT_MOST])
        if sum(map(str.isalpha, read)) < FEWEST_LETTERS:
            return known or self._by_common_words(read)
        chances = self._identify(read)
        found = max(chances, key=lambda language: chances[language])
        if chances[found] >= (OVERRULES if known else CLEAR):
            return found
        return known or self._favoured(chances)

    def _by_common_words(self, text: str) -> str:
        """The operator's language with the most of a short text's words among its commonest; the first of several."""
        words = {fold(word).plain for word in _WORD.findall(text)}
        return max(self._languages, key=lambda language: len(words & COMMON_WORDS.get(language, frozenset())))

    def _favoured(self, chances: dict[str, float]) -> str:
        own = {language: chances.get(language, 0.0) for language in self._languages}
        best = max(own, key=lambda language: own[language])
        return best if own[best] >= FAVOURS * sum(own.values()) else self._languages[0]

    def _identify(self, text: str) -> dict[str, float]:
        with _LOADING:
            identifier: Any = _load(self._candidates)
        return {str(language): float(chance) for language, chance in identifier.rank(text)}


_LOADING = Lock()


@cache
def _load(candidates: tuple[str, ...]) -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = set(identifier.nb_classes)
    identifier.set_languages([language for language in candidates if language in known])
    return identifier
