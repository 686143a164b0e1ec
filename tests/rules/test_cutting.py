"""Texts are cut as spaCy cuts them, only sooner."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language

from monitor.examples import SHIPPED_CORPUS, read_corpus
from rules.cutting import Cutter
from rules.masking import cut_out_masks
from rules.reading import places_of_words, read

LANGUAGES = ("de", "en", "xx")
PIECES = st.sampled_from(
    [
        *("Haus", "don't", "dont", "z.B.", "e.g.", "usw.,", "TARGETs", "@OTHER", "Ende?", "so!!", ":-)", "xD,", "3€"),
        *(
            "10km.",
            "„ja“",
            "foo@bar.de",
            "https://a.b/c?d",
            "\U0001f600",
            "naïve",
            "e\u0301t",
            "Ⅷ",
            "日本",
            "#eins-zwei",
        ),
        *("", " ", "\n", "\t "),
    ]
)


@cache
def pipelines(language: str) -> tuple[Language, Cutter]:
    nlp = spacy.blank(language)
    cut_out_masks(nlp)
    return nlp, Cutter(nlp)


def check(language: str, text: str) -> None:
    nlp, cutter = pipelines(language)
    expected, cut = nlp.make_doc(text), cutter(text)
    assert [(token.text, token.whitespace_) for token in cut] == [(token.text, token.whitespace_) for token in expected]
    assert cut.text == text
    assert (list(read(cut).words), list(read(cut).folded)) == (read(expected).words, read(expected).folded)
    assert list(read(cut).glued) == read(expected).glued
    assert [cut[place].text for place in places_of_words(cut, read(cut))] == read(cut).words


@pytest.mark.parametrize("language", LANGUAGES)
@settings(deadline=None)
@given(text=st.lists(PIECES, max_size=8).map(" ".join) | st.lists(PIECES, max_size=4).map("".join))
def test_pieces_are_cut_as_by_spacy(language: str, text: str) -> None:
    check(language, text)


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_corpus_is_cut_as_by_spacy(language: str) -> None:
    for example in read_corpus(SHIPPED_CORPUS)[language][::40]:
        check(language, example.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_rule_of_our_languages_splits_letters(language: str) -> None:
    """What lets words of letters, and one sign behind them, go without spaCy's regular expressions."""
    tokenizer: Any = pipelines(language)[0].tokenizer
    finders: list[Callable[[str], Any]] = [tokenizer.prefix_search, tokenizer.suffix_search, tokenizer.url_match]
    points = [*range(0x250), *range(0x250, sys.maxunicode + 1, 61)]
    words = [word for letter in map(chr, points) if letter.isalpha() for word in (letter, f"a{letter}", f"{letter}A")]
    found = [word for word in words if any(find(word) for find in finders) or list(tokenizer.infix_finditer(word))]
    assert found == []
    assert tokenizer.token_match is None
    assert not [rule for rule in tokenizer.rules if rule[-1] in ",!?"]
