"""A pipeline that reads on and on keeps the pieces that come again, and no room for those that do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import spacy
from spacy.language import Language

from rules import vocabulary
from rules.vocabulary import Vocabulary

BATCHES, TEXTS, WORDS = 40, 10, 10


@pytest.fixture
def nlp() -> Language:
    return spacy.blank("de")


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(vocabulary, "MOST_WORDS", 1_000)
    return 1_000


def batches() -> Iterator[list[str]]:
    """Batches without a word in common."""
    for batch in range(BATCHES):
        yield [" ".join(f"wort{batch}x{text}x{word}" for word in range(WORDS)) for text in range(TEXTS)]


def read(nlp: Language, kept: Vocabulary, texts: list[str]) -> list[list[str]]:
    with kept.zone(texts):
        return [[token.text for token in doc] for doc in nlp.pipe(texts)]


def room(nlp: Language) -> int:
    """Cells of the table of strings; spaCy shows it nowhere else."""
    return int(nlp.vocab.strings._map.capacity)  # type: ignore[attr-defined]  # not in the stubs


def test_tables_stay_small_whatever_passes_through(nlp: Language, few_words: int) -> None:
    kept = Vocabulary(nlp)
    largest = 0
    for texts in batches():
        read(nlp, kept, texts)
        largest = max(largest, room(nlp))
        assert len(nlp.vocab) <= few_words + TEXTS * WORDS
    assert largest == 4_096  # of 4,000 words none came twice; spaCy alone ends with 8,192


def test_without_new_tables_room_grows_for_words_that_are_gone(nlp: Language) -> None:
    """Why the tables are built anew. Once spaCy makes this test fail, that can go."""
    strings, before = len(nlp.vocab.strings), room(nlp)
    for texts in batches():
        with nlp.memory_zone():
            list(nlp.pipe(texts))
    assert len(nlp.vocab.strings) == strings
    assert room(nlp) > before


def test_new_tables_change_nothing_that_is_read(nlp: Language, few_words: int) -> None:
    nlp.vocab.strings.add("ein Feld")
    text = "Das z.B. hat's nicht gebracht, u.a. weil's bei 3,50€ liegt :-) https://example.org/a?b=c"
    kept = Vocabulary(nlp)
    first = read(nlp, kept, [text])
    getters = dict(nlp.vocab.lex_attr_getters)  # type: ignore[attr-defined]  # missing in the stubs of spaCy
    for texts in batches():
        read(nlp, kept, texts)
    assert read(nlp, kept, [text]) == first == [[token.text for token in spacy.blank("de")(text)]]
    assert "ein Feld" in nlp.vocab.strings
    assert nlp.vocab.lex_attr_getters == getters  # type: ignore[attr-defined]


def test_pieces_of_two_batches_are_kept_and_cut_as_before(nlp: Language) -> None:
    kept = Vocabulary(nlp)
    texts = ["„Wirklich?“ fragte Kim, die's (z.B. gestern) nicht glaubte.", "E-Mail-Adresse: kim@example.org!!"]
    first = read(nlp, kept, texts)
    before = len(nlp.vocab.strings)
    assert read(nlp, kept, texts) == first
    assert len(nlp.vocab.strings) > before
    after = len(nlp.vocab.strings)
    assert read(nlp, kept, texts) == first
    assert len(nlp.vocab.strings) == after


def test_no_more_pieces_are_kept_than_the_tokeniser_takes(nlp: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MOST_PIECES", 3)
    kept = Vocabulary(nlp)
    words = ["eins", "zwei", "drei", "vier", "fünf", "sechs"]
    for _ in range(3):
        read(nlp, kept, [" ".join(words)])
    assert sum(word in nlp.vocab.strings for word in words) == 3


def test_a_long_piece_is_not_kept(nlp: Language) -> None:
    kept = Vocabulary(nlp)
    for _ in range(3):
        read(nlp, kept, ["kurz", "x" * 4_000])
    assert ["kurz" in nlp.vocab.strings, "x" * 4_000 in nlp.vocab.strings] == [True, False]
