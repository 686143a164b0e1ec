"""Names hidden from the classifier."""

from __future__ import annotations

import pytest
import spacy

from rules.base import View
from rules.masking import READ_AT_MOST, cut_out_masks, mask
from rules.words import fold

ACME = ("Acme", "Acme Phone", "@acme")
GLOBEX = ("Globex", "Müller & Söhne")


def seen(text: str, title: str = "", names: tuple[str, ...] = ACME, others: tuple[str, ...] = GLOBEX) -> str:
    return mask(View(title=title, text=text, lang=None, names=names, others=others))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mein Acme Phone ist tot", "Mein TARGET ist tot"),
        ("ACME und acme", "TARGET und TARGET"),
        ("von Globex zu Acme", "von OTHER zu TARGET"),
        ("Acme-Handy kaputt", "TARGET-Handy kaputt"),
        ("Bei Mueller & Soehne gekauft", "Bei OTHER gekauft"),
        ("Acmeology ist kein Name", "Acmeology ist kein Name"),
        ("TARGET is a shop, OTHER is a word", "Target is a shop, Other is a word"),
        ("", ""),
    ],
)
def test_names_are_masked(text: str, masked: str) -> None:
    assert seen(text) == masked


def test_the_same_text_seen_from_the_other_side() -> None:
    assert seen("von Globex zu Acme", names=GLOBEX, others=ACME) == "von TARGET zu OTHER"


def test_the_longest_name_counts_whoever_owns_it() -> None:
    assert seen("Acme Foods ist zu", names=("Acme",), others=("Acme Foods",)) == "OTHER ist zu"


def test_a_shared_name_is_the_targets() -> None:
    assert seen("Acme ist zu", names=("Acme",), others=("Acme",)) == "TARGET ist zu"


def test_without_names_nothing_is_masked() -> None:
    assert seen("Acme gegen Globex", names=()) == "Acme gegen Globex"


def test_title_and_text_are_joined_by_a_boundary() -> None:
    assert seen("Bin sauer.", title="Acme kaputt") == "TARGET kaputt\n\nBin sauer."


def test_a_title_that_repeats_the_text_is_read_once() -> None:
    assert seen("Acme kaputt seit heute", title="Acme kaputt") == "TARGET kaputt seit heute"


def test_a_megabyte_is_cut() -> None:
    assert len(seen("kaputt " * 150_000)) <= READ_AT_MOST


def test_a_lone_surrogate_is_replaced() -> None:
    assert seen("Acme \ud83d tot") == "TARGET \N{REPLACEMENT CHARACTER} tot"


@pytest.mark.parametrize("language", ["de", "en", "xx"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@TARGET hilft", ["@", "TARGET", "hilft"]),
        ("die TARGET-App von OTHER-Kunden", ["die", "TARGET", "app", "von", "OTHER", "kunden"]),
        ("TARGETs Läden", ["TARGET", "s", "Läden"]),
        ("Nicht-TARGET", ["Nicht", "TARGET"]),
        ("@TARGET_help", ["@", "TARGET", "help"]),
        ("(TARGET)", ["(", "TARGET", ")"]),
        ("@acme bleibt", ["@acme", "bleibt"]),
    ],
)
def test_masks_are_words_of_their_own(language: str, text: str, words: list[str]) -> None:
    nlp = spacy.blank(language)
    cut_out_masks(nlp)
    cut = [fold(token.text) for token in nlp(text) if token.text != "-"]
    assert [word.rstrip("-") for word in cut] == [fold(word) for word in words]
    saved = spacy.blank(language).from_bytes(nlp.to_bytes())
    assert [token.text for token in saved(text)] == [token.text for token in nlp(text)]
