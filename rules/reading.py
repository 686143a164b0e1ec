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
_READING = "mentiond reading"  # key in doc.user_data


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


def read(doc: Doc, tokens: Sequence[Token] | None = None) -> Reading:
    """The reading that was made of a document, else one without hits; `tokens` are its words where they are known."""
    made: Reading | None = doc.user_data.get(_READING)
    if made is not None:
        return made
    own = words_of(doc) if tokens is None else tokens
    words = [token.text for token in own]
    return Reading(words, [fold(word) for word in words], (), [not token.whitespace_ for token in own])


def remember(doc: Doc, reading: Reading) -> None:
    """Keep the reading with its document: several components ask for it."""
    doc.user_data[_READING] = reading
