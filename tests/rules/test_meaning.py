"""What the model sees of the lexicon's hits."""

from __future__ import annotations

from rules.lexicon import Hit
from rules.meaning import brand_features, meaning_features

WORDS = ["das", "ist", "nicht", "gut", "bei", "TARGET", "aber", "OTHER", "ist", "gut"]


def names(*hits: Hit, words: list[str] | None = None) -> set[str]:
    return {name for name, _ in [*meaning_features(hits), *brand_features(words or WORDS, hits)]}


def test_what_follows_a_negation_is_another_feature() -> None:
    seen = names(Hit("negation", 2, 3), Hit("delight", 3, 4))
    assert {"x negation", "x! delight", "xp negation delight"} <= seen
    assert "x delight" not in seen
    assert "x delight" in names(Hit("negation", 2, 3), Hit("delight", 9, 10))


def test_what_stands_beside_a_brand_is_told_with_its_side() -> None:
    assert {"xm TARGET < fault", "xo TARGET fault"} <= names(Hit("fault", 3, 4))
    assert {"xm OTHER > delight", "xo OTHER delight"} <= names(Hit("delight", 9, 10))


def test_counts_ends_and_company() -> None:
    seen = names(Hit("fault", 0, 1), Hit("fault", 1, 2), Hit("delay", 3, 4))
    assert {"x2 fault", "xf fault", "xl delay", "xc delay fault"} <= seen
    assert "x2 delay" not in seen


def test_nothing_found_is_a_feature_too() -> None:
    assert names() == {"x none"}
