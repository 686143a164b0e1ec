"""Which language a post is in."""

from __future__ import annotations

import pytest

from rules.language import LanguageDetector


@pytest.fixture(scope="module")
def detector() -> LanguageDetector:
    return LanguageDetector(["de", "en"])


@pytest.mark.parametrize(
    ("text", "stated", "language"),
    [
        ("Mein TARGET ist seit gestern tot, niemand antwortet", None, "de"),
        ("Does anybody know whether it has dual sim?", None, "en"),
        ("La batterie de mon téléphone est morte depuis hier", None, "fr"),
        ("TARGET down?", None, "de"),  # too short: the operator's first
        ("TARGET is broken", None, "en"),  # ... unless its commonest words say otherwise
        ("TARGET ist tot", None, "de"),
        ("TARGET was good", None, "de"),  # "was" is common in both
        ("TARGET down?", "en", "en"),  # ... or what the source states
        ("TARGET down?", "en-GB", "en"),
        ("TARGET down?", "und", "de"),  # states nothing that we know
        ("kein Empfang seit heute morgen, und keiner sagt was", "en", "de"),  # the source is clearly wrong
        ("hab ich scho zruggschickt", "de_CH", "de"),
        ("https://example.com/der/die/das @kollegen", None, "de"),
        ("", None, "de"),
    ],
)
def test_language(detector: LanguageDetector, text: str, stated: str | None, language: str) -> None:
    assert detector.detect(text, stated) == language


def test_an_unknown_configured_language_does_no_harm() -> None:
    assert LanguageDetector(["tlh", "de"]).detect("Mein Telefon ist seit gestern tot", None) == "de"


def test_no_language_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LanguageDetector([])
