"""A post as the classifier's components see it: its words, their folded forms, and the lexicon's hits among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.lexicon import Hit
from rules.words import fold

if TYPE_CHECKING:
    from spacy.tokens import Doc

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


def is_word(token: str) -> bool:
    """Whether features are made of a token: of all but white space within a line."""
    return not token.isspace() or "\n" in token


def read(doc: Doc) -> Reading:
    """The reading that was made of a document, else one without hits."""
    made: Reading | None = doc.user_data.get(_READING)
    if made is not None:
        return made
    own = [token for token in doc if is_word(token.text)]
    words = [token.text for token in own]
    return Reading(words, [fold(word) for word in words], (), [not token.whitespace_ for token in own])


def places_of_words(doc: Doc, reading: Reading) -> Sequence[int]:
    """For each word of its reading which token of the document it is."""
    if len(doc) == len(reading.words):
        return range(len(doc))
    return [token.i for token in doc if is_word(token.text)]


def remember(doc: Doc, reading: Reading) -> None:
    """Keep the reading with its document: several components ask for it."""
    doc.user_data[_READING] = reading
