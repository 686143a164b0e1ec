"""The classifier over pipelines: bands, batches, languages, cues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from rules.base import Label, Sentiment, Verdict, View
from rules.classifier import Band, Pipeline, SpacyClassifier
from rules.language import LanguageDetector
from rules.reading import Reading

CHANCES = {  # what the fake pipeline makes of a word
    "kaputt": {"complaint": 0.9, "negative": 0.9},
    "brennt": {"crisis": 0.95, "complaint": 0.6},
    "naja": {"praise": 0.3},
}
READ: list[str] = []


@Language.component("fake_labels")
def fake_labels(doc: Doc) -> Doc:
    READ.append(doc.text)
    doc.cats = {"neutral": 0.5}
    for token in doc:
        doc.cats.update(CHANCES.get(token.lower_, {}))
    return doc


def first_words(reading: Reading, labels: Sequence[Label], limit: int) -> dict[str, tuple[str, ...]]:
    return {label: tuple(reading.words[:limit]) for label in labels}


def pipeline(language: str, *, sure: bool = True) -> Pipeline:
    nlp = spacy.blank(language)
    nlp.add_pipe("fake_labels")
    return Pipeline(nlp, dict.fromkeys(Label, Band(0.5, 0.2)), first_words, f"fake {language}", sure)


@pytest.fixture(scope="module")
def classifier() -> SpacyClassifier:
    return SpacyClassifier({"de": pipeline("de")}, pipeline("xx", sure=False), LanguageDetector(["de"]))


def view(text: str, lang: str | None = "de", names: tuple[str, ...] = (), others: tuple[str, ...] = ()) -> View:
    return View(title="", text=text, lang=lang, names=names, others=others)


def classify_one(classifier: SpacyClassifier, text: str, lang: str | None = "de") -> Verdict:
    [verdict] = classifier.classify([view(text, lang)])
    return verdict


def test_carried_labels_come_most_severe_first(classifier: SpacyClassifier) -> None:
    verdict = classify_one(classifier, "kaputt und brennt")
    assert verdict.tags == ("crisis", "complaint")
    assert verdict.probabilities[Label.COMPLAINT] == 0.6
    assert set(verdict.probabilities) == set(Label)
    assert verdict.sentiment is Sentiment.NEGATIVE
    assert (verdict.lang, verdict.sure, verdict.model) == ("de", True, "fake de")


def test_a_candidate_alone_is_unsure(classifier: SpacyClassifier) -> None:
    verdict = classify_one(classifier, "naja")
    assert verdict.tags == ("unsure",)
    assert verdict.cues == {Label.PRAISE: ("naja",)}


def test_below_the_floor_is_none(classifier: SpacyClassifier) -> None:
    assert classify_one(classifier, "Guten Tag").tags == ("none",)


@pytest.mark.parametrize("text", ["", "   \n ", "https://example.com/x", "@acme @globex", "...", "\ud800"])
def test_nothing_to_read_is_none(classifier: SpacyClassifier, text: str) -> None:
    verdict = classify_one(classifier, text, None)
    assert verdict.tags == ("none",)
    assert set(verdict.probabilities.values()) == {0.0}
    assert verdict.sentiment is Sentiment.NEUTRAL


def test_other_languages_go_to_the_shared_pipeline_and_are_less_sure(classifier: SpacyClassifier) -> None:
    verdict = classify_one(classifier, "La batterie de mon téléphone est morte depuis hier", None)
    assert (verdict.lang, verdict.sure, verdict.model) == ("fr", False, "fake xx")


def test_what_reads_the_same_is_read_once_and_the_order_is_kept(classifier: SpacyClassifier) -> None:
    READ.clear()
    views = [
        view("Acme kaputt", names=("Acme",)),
        view("Guten Tag"),
        view("Globex kaputt", names=("Globex",)),
        view("La batterie est morte depuis hier soir", None),
    ]
    tags = [verdict.tags for verdict in classifier.classify(views)]
    assert tags == [("complaint",), ("none",), ("complaint",), ("none",)]
    assert READ.count("TARGET kaputt") == 1
    assert len(READ) == 3


def test_more_posts_than_one_batch(classifier: SpacyClassifier) -> None:
    verdicts = classifier.classify([view(f"kaputt {number}") for number in range(600)])
    assert [verdict.tags for verdict in verdicts] == [("complaint",)] * 600


def test_no_views_no_verdicts(classifier: SpacyClassifier) -> None:
    assert classifier.classify([]) == []


def test_words_met_leave_no_trace_in_the_vocabulary() -> None:
    """Without the memory zone the string store grows with every new word."""
    german = pipeline("de")
    classifier = SpacyClassifier({"de": german}, german, LanguageDetector(["de"]))
    classifier.classify([view("ein Wort zum Anfang")])
    before = len(german.nlp.vocab.strings)
    classifier.classify([view(f"neueswort{number} nochmal{number}") for number in range(500)])
    assert len(german.nlp.vocab.strings) == before


def test_a_band_must_be_in_order() -> None:
    with pytest.raises(ValueError, match="floor <= threshold"):
        Band(0.3, 0.5)


def test_cues_name_brands_not_masks() -> None:
    def whole(reading: Reading, labels: Sequence[Label], limit: int) -> dict[str, tuple[str, ...]]:
        return {label: (reading.written(0, len(reading.words)),) for label in labels}

    own = replace(pipeline("de"), cues=whole)
    named = SpacyClassifier({"de": own}, own, LanguageDetector(["de"]))
    [verdict] = named.classify([view("kaputt: von Acme zu Globex", names=("Acme", "Akme"), others=("Globex",))])
    assert verdict.cues[Label.COMPLAINT] == ("kaputt: von Acme zu …",)
    [unnamed] = named.classify([view("kaputt: TARGETED")])
    assert unnamed.cues[Label.COMPLAINT] == ("kaputt: TARGETED",)
