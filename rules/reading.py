"""A post as the classifier's components see it: its words, their folded forms, and the lexicon's hits among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.lexicon import Hit
from rules.words import fold

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

SPANS = "lexicon"  # key in doc.spans under which `mention_lexicon` keeps its hits


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of a text (without white space), folded, and the hits in them, in order.

    `glued` says of each word whether the next one follows without white space; of none where it is empty.
    """

    words: Sequence[str]
    folded: Sequence[str]
    hits: Sequence[Hit] = ()
    glued: Sequence[bool] = ()

    def written(self, start: int, end: int) -> str:
        """Words start..end (end exclusive) as they stand in the text."""
        gaps = ["" if at < len(self.glued) and self.glued[at] else " " for at in range(start, end)]
        return "".join(word + gap for word, gap in zip(self.words[start:end], gaps, strict=True)).strip()


def words_of(doc: Doc) -> list[Token]:
    """The tokens that features are made of: all but white space within a line."""
    return [token for token in doc if not token.is_space or "\n" in token.text]


def read(doc: Doc) -> Reading:
    """The reading of a document that `mention_lexicon` has seen, or of one without hits."""
    tokens = words_of(doc)
    words = [token.text for token in tokens]
    place = {token.i: at for at, token in enumerate(tokens)}
    spans = doc.spans.get(SPANS, ())
    hits = [Hit(span.label_, place[span.start], place[span.end - 1] + 1) for span in spans]
    return Reading(words, [fold(word) for word in words], hits, [not token.whitespace_ for token in tokens])
