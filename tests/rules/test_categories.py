"""Somebody else's categories read as ours."""

from __future__ import annotations

import pytest
import spacy

from rules.base import Label
from rules.categories import MentionCategories, no_cues
from rules.reading import Reading


@pytest.mark.parametrize(
    ("names", "cats", "expected"),
    [
        ({"COMPLAINT": "complaint"}, {"COMPLAINT": 0.7, "SPAM": 0.9}, {"complaint": 0.7, "neutral": 1.0}),
        (
            {"DELIVERY": "complaint", "REFUND": "complaint"},
            {"DELIVERY": 0.2, "REFUND": 0.6},
            {"complaint": 0.6, "neutral": 1.0},
        ),
        ({"BAD": "negative", "GOOD": "positive"}, {"BAD": 0.8, "GOOD": 0.1}, {"negative": 0.8, "positive": 0.1}),
        ({"LOVE": "praise"}, {}, {"praise": 0.0, "neutral": 1.0}),
    ],
)
def test_categories_under_our_names(names: dict[str, str], cats: dict[str, float], expected: dict[str, float]) -> None:
    doc = spacy.blank("en")("text")
    doc.cats = cats
    assert MentionCategories(names)(doc).cats == expected


def test_no_cues_are_known() -> None:
    assert no_cues(Reading(["kaputt"], ["kaputt"]), [Label.CRISIS], 4) == {Label.CRISIS: ()}
