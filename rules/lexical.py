"""The lexicon inside our spaCy pipelines: the component `mention_lexicon`, which keeps hits as `doc.spans["lexicon"]`.

Each span is labelled with its field; `mention_labels` (rules/linear.py) reads them from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, Span

from rules.lexicon import Lexicon
from rules.reading import SPANS, places_of_words, read, remember

NAME = "mention_lexicon"  # the component's name in the pipeline, and its folder in the model
_FILE = "phrases.json"


class MentionLexicon:
    """spaCy component: what the lexicon finds, as spans."""

    def __init__(self, nlp: Language, lexicon: Lexicon) -> None:
        self._nlp = nlp
        self.use(lexicon)

    def use(self, lexicon: Lexicon) -> None:
        """Find this lexicon's hits from now on."""
        self.lexicon = lexicon
        for field in lexicon.phrases:  # labels must outlive the memory zones in which posts are read
            self._nlp.vocab.strings.add(field)

    def __call__(self, doc: Doc) -> Doc:
        reading = read(doc)
        places = places_of_words(doc, reading)
        hits = self.lexicon.find(reading.folded)
        doc.spans[SPANS] = [Span(doc, places[hit.start], places[hit.end - 1] + 1, hit.field) for hit in hits]
        remember(doc, replace(reading, hits=hits))
        return doc

    def to_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> None:
        """One JSON file; same phrases, same bytes."""
        path.mkdir(parents=True, exist_ok=True)
        shape = {"languages": self.lexicon.languages, "phrases": self.lexicon.phrases}
        (path / _FILE).write_text(json.dumps(shape, ensure_ascii=False) + "\n", encoding="utf-8")

    def from_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> MentionLexicon:
        """Raises OSError, ValueError or KeyError where the file is missing or damaged."""
        shape = json.loads((path / _FILE).read_text(encoding="utf-8"))
        self.use(Lexicon(shape["phrases"], shape["languages"]))
        return self


@Language.factory(NAME)
def create(nlp: Language, name: str) -> MentionLexicon:
    """What spaCy calls for `factory = "mention_lexicon"`; the phrases come with `from_disk`."""
    return MentionLexicon(nlp, Lexicon({}, ()))
