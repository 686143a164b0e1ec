"""What a spaCy pipeline keeps of what it reads: pieces that come again, and nothing else, however long it runs.

A memory zone frees the words of its texts, but not the room that they took in spaCy's hash tables (preshed): a deleted
cell is only marked, a table grows to the double when such cells fill it, and none ever shrinks. So the tables are built
anew when many words have passed through. And within a zone spaCy's tokeniser remembers nothing and cuts every piece of
text afresh, which is half of its time; so it is shown the common pieces outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spacy.language import Language

MOST_WORDS = 100_000  # that pass through the tables before they are built anew
MOST_PIECES = 10_000  # kept by the tokeniser, as many as it takes
MOST_ONCE = 50_000  # pieces among which one that comes again is noticed
_LONGEST_PIECE = 40  # characters


class Vocabulary:
    """The words of one pipeline. Not for several threads at once, as the pipeline itself."""

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._kept: set[str] = set()
        self._once: set[str] = set()  # pieces of the texts before these

    @contextmanager
    def zone(self, texts: Sequence[str]) -> Iterator[None]:
        """A memory zone in which to read the texts: no document may outlive it."""
        self._keep_common(texts)
        with self._nlp.memory_zone():
            yield
        if len(self._nlp.vocab) > MOST_WORDS:
            self._build_anew()

    def _keep_common(self, texts: Sequence[str]) -> None:
        """Let the tokeniser remember how to cut the pieces that were in texts before these too."""
        if len(self._kept) >= MOST_PIECES:
            return
        pieces = {piece for text in texts for piece in text.split() if len(piece) <= _LONGEST_PIECE}
        common = sorted((pieces & self._once) - self._kept)[: MOST_PIECES - len(self._kept)]
        self._nlp.tokenizer(" ".join(common))
        self._kept.update(common)
        is_full = len(self._kept) >= MOST_PIECES
        self._once = set() if is_full else pieces if len(self._once) > MOST_ONCE else self._once | pieces

    def _build_anew(self) -> None:
        """Tables with the words that stay, and no others. Loading wraps the getters once more: that is undone."""
        vocab = self._nlp.vocab
        getters = dict(vocab.lex_attr_getters)  # type: ignore[attr-defined]  # missing in the stubs of spaCy
        vocab.from_bytes(vocab.to_bytes(exclude=["vectors", "lookups"]), exclude=["vectors", "lookups"])
        vocab.lex_attr_getters = getters  # type: ignore[attr-defined]
