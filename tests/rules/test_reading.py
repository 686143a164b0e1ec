"""The lexicon in a pipeline: spans that can be looked at, and the reading made of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import spacy
from spacy.language import Language

from rules.lexical import NAME, MentionLexicon
from rules.lexicon import Hit, Lexicon, compile_entries
from rules.reading import SPANS, read


@pytest.fixture
def nlp() -> Language:
    pipeline: Language = spacy.blank("en")
    blank = spacy.blank("en")
    entries = {"en": {"fault": ["doesn't work", "dark-mode"], "negation": ["n't"]}}
    phrases = compile_entries(entries, {"en": lambda text: (token.text for token in blank.make_doc(text))})
    component = pipeline.add_pipe(NAME)
    assert isinstance(component, MentionLexicon)
    component.use(Lexicon(phrases, ["en"]))
    return pipeline


def test_hits_are_spans_of_the_document(nlp: Language) -> None:
    doc = nlp("It  doesn't work. Dark-mode!")
    assert [(span.label_, span.text) for span in doc.spans[SPANS]] == [
        ("fault", "doesn't work"),
        ("negation", "n't"),
        ("fault", "Dark-mode"),
    ]


def test_a_reading_counts_words_without_white_space(nlp: Language) -> None:
    reading = read(nlp("It  doesn't work"))
    assert list(reading.words) == ["It", "does", "n't", "work"]
    assert list(reading.hits) == [Hit("fault", 1, 4), Hit("negation", 2, 3)]


def test_a_document_that_the_component_has_not_seen_has_no_hits() -> None:
    assert list(read(spacy.blank("en")("It doesn't work")).hits) == []


def test_it_is_the_same_from_disk(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")
    assert list(read(again("It doesn't work")).hits) == list(read(nlp("It doesn't work")).hits)


def test_hits_survive_a_memory_zone(nlp: Language) -> None:
    for _ in range(2):
        with nlp.memory_zone():
            assert [hit.field for hit in read(nlp("a brand-new thing, doesn't work")).hits] == ["fault", "negation"]
