"""Two brands in one text: whose words are whose."""

from __future__ import annotations

import pytest

from rules.features import text_features
from rules.lexicon import Hit
from rules.reading import Reading
from rules.sides import seen_from_other, seen_from_target, side_features, whose
from rules.words import fold


def reading(text: str, *hits: Hit) -> Reading:
    words = text.split()
    return Reading(words, [fold(word) for word in words], hits)


@pytest.mark.parametrize(
    ("text", "about_target"),
    [
        ("bei OTHER 40 min gewartet , bei TARGET ging sofort wer ran", ", bei TARGET ging sofort wer ran"),
        ("bei TARGET 40 min gewartet , bei OTHER ging sofort wer ran", "bei TARGET 40 min gewartet"),
        ("von OTHER zu TARGET wechseln", "von OTHER zu TARGET wechseln"),
        ("bin kurz davor von TARGET zu OTHER zu wechseln", ""),
        ("leaving TARGET for OTHER", ""),
        ("leaving OTHER for TARGET", "leaving OTHER for TARGET"),
        ("TARGET oder OTHER kaufen", "TARGET oder OTHER kaufen"),
        ("OTHER is down . Nothing works . TARGET is fine", ". TARGET is fine"),
        ("nichts geht mehr . OTHER ist tot , TARGET lebt", ", TARGET lebt"),
        ("nichts geht mehr . TARGET ist tot , OTHER lebt", "nichts geht mehr . TARGET ist tot"),
        ("TARGET ist viel besser als OTHER", "TARGET ist viel besser als OTHER"),
        ("OTHER ist viel besser als das TARGET", ""),
        ("OTHER beats TARGET by a mile", ""),
        ("the new TARGET replaces an OTHER", "the new TARGET replaces an OTHER"),
        ("heute mit OTHER statt mit TARGET gefahren", ""),
        ("im gegensatz zu OTHER schafft es TARGET", "im gegensatz zu OTHER schafft es TARGET"),
        ("umsteigen auf das OTHER von TARGET", ""),
        ("nur TARGET , sonst keiner", "nur TARGET , sonst keiner"),
    ],
)
def test_only_what_is_about_the_target_is_read(text: str, about_target: str) -> None:
    assert " ".join(seen_from_target(reading(text)).words) == about_target


def test_hits_go_with_their_clause() -> None:
    seen = seen_from_target(reading("OTHER ist kaputt , TARGET ist super", Hit("fault", 2, 3), Hit("delight", 6, 7)))
    assert [seen.words[hit.start] for hit in seen.hits] == ["super"]
    assert [hit.field for hit in seen.hits] == ["delight"]


def test_what_is_about_the_other_brand_has_features_of_its_own() -> None:
    features = set(side_features(reading("OTHER ist kaputt , TARGET ist super", Hit("fault", 2, 3))))
    assert {"ow kaputt", "ox fault", "oc OTHER", "oc TARGET OTHER"} <= features
    assert not any(feature.startswith("r") for feature in features)
    assert "ow super" not in features
    assert list(side_features(reading("TARGET ist super"))) == []


def test_the_roles_of_brands_are_features_with_the_fields_of_their_clause() -> None:
    features = set(side_features(reading("TARGET ist besser als OTHER , sonst nichts", Hit("comparison", 2, 4))))
    assert {"ro than OTHER", "ro than OTHER comparison", "rb TARGET", "rf TARGET", "rf TARGET comparison"} <= features
    features = set(side_features(reading("von TARGET zu OTHER")))
    assert {"ro from TARGET", "ro to OTHER", "rb OTHER"} <= features


def test_seen_from_the_other_brand() -> None:
    turned = seen_from_other(reading("von TARGET zu OTHER", Hit("switching", 0, 4)))
    assert (list(turned.words), list(turned.folded)) == (["von", "OTHER", "zu", "TARGET"],) * 2
    assert list(turned.hits) == [Hit("switching", 0, 4)]


def test_every_word_has_an_owner() -> None:
    words = ["und", ",", "OTHER", "TARGET", ".", "TARGET", "aber", "OTHER"]
    assert whose(words) == ["BOTH", "BOTH", "BOTH", "BOTH", "TARGET", "TARGET", "OTHER", "OTHER"]


def test_swapped_brands_read_differently() -> None:
    here, _ = text_features(reading("OTHER ist kaputt , TARGET ist super"))
    there, _ = text_features(reading("TARGET ist kaputt , OTHER ist super"))
    assert set(here.tolist()) != set(there.tolist())
