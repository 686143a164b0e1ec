"""What the model sees of a post."""

from __future__ import annotations

import pytest

from rules.features import text_features
from rules.lexicon import Hit
from rules.reading import Reading
from rules.words import HANDLE, LINK, fold, says_something


def reading(*words: str, hits: tuple[Hit, ...] = ()) -> Reading:
    return Reading(words, [fold(word) for word in words], hits)


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Müller", "mueller"),
        ("Mu\u0308ller", "mueller"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("sooooo", "soo"),
        ("Café", "cafe"),
        ("2024", "0000"),
        ("#AcmeFail", "acmefail"),
        ("https://example.com/a?b", LINK),
        ("@acme_help", HANDLE),
        ("@", HANDLE),
        ("-App", "app"),
        ("-)", "-)"),
        ("TARGET", "TARGET"),
        ("😡", "😡"),
    ],
)
def test_fold(word: str, folded: str) -> None:
    assert fold(word) == folded


def test_a_long_word_is_bounded() -> None:
    assert len(fold("ab" * 10_000)) == 40


@pytest.mark.parametrize(
    ("word", "says"),
    [("tot", True), ("?", True), ("😡", True), (",", False), ("TARGET", False), (LINK, False), ("\n", False)],
)
def test_says_something(word: str, says: bool) -> None:
    assert says_something(word) is says


def test_features_are_distinct_and_ascending() -> None:
    keys, values = text_features(reading("warum", "ist", "TARGET", "schon", "wieder", "schon", "wieder", "down", "?"))
    assert len(keys) == len(values) > 0
    assert (keys[1:] > keys[:-1]).all()


def test_the_side_of_a_brand_makes_a_difference() -> None:
    there, _ = text_features(reading("von", "OTHER", "zu", "TARGET"))
    away, _ = text_features(reading("von", "TARGET", "zu", "OTHER"))
    assert set(there.tolist()) != set(away.tolist())


def test_no_words_no_features() -> None:
    keys, values = text_features(reading())
    assert len(keys) == len(values) == 0
