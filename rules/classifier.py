"""Decides what posts are, with one spaCy pipeline per language. The pipelines are passed in; nothing is read here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.base import NONE, UNSURE, Label, Sentiment, Verdict, View
from rules.features import fold, says_something, words_of
from rules.language import LanguageDetector
from rules.masking import mask

if TYPE_CHECKING:
    from spacy.language import Language

BATCH = 256  # posts per memory zone
CUES = 4  # words named for each label

FindCues = Callable[[Sequence[str], Sequence[Label], int], Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Band:
    """Probabilities: a label is carried from `threshold` on, a candidate from `floor` on."""

    threshold: float
    floor: float

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.threshold <= 1:
            raise ValueError(f"a band needs 0 <= floor <= threshold <= 1, not {self.floor} and {self.threshold}")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A spaCy pipeline that writes labels and sentiments into `doc.cats`, and how to read its probabilities.

    `cues(words, labels, limit)` names for each label the words that raised it most. `sure` is False for the pipeline
    that reads every language without one of its own.
    """

    nlp: Language
    bands: Mapping[Label, Band]
    cues: FindCues
    name: str
    sure: bool = True


@dataclass(frozen=True, slots=True)
class _Reading:
    """One distinct thing to read."""

    text: str  # masked
    stated: str | None


class SpacyClassifier:
    """The `Classifier` over spaCy pipelines, by ISO 639-1 code, and a shared one for other languages.

    CPU-bound; meant for one worker thread at a time.
    """

    def __init__(self, pipelines: Mapping[str, Pipeline], shared: Pipeline, detector: LanguageDetector) -> None:
        self._pipelines = dict(pipelines)
        self._shared = shared
        self._detector = detector

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        """One verdict per view, in order; views that read the same are read once."""
        readings = [_Reading(mask(view), view.lang) for view in views]
        by_language: dict[str, list[_Reading]] = {}
        for reading in dict.fromkeys(readings):
            by_language.setdefault(self._detector.detect(reading.text, reading.stated), []).append(reading)
        verdicts = {
            reading: verdict
            for language, alike in by_language.items()
            for reading, verdict in zip(alike, self._read(language, alike), strict=True)
        }
        return [verdicts[reading] for reading in readings]

    def _read(self, language: str, readings: Sequence[_Reading]) -> list[Verdict]:
        pipeline = self._pipelines.get(language, self._shared)
        verdicts: list[Verdict] = []
        for at in range(0, len(readings), BATCH):
            texts = [reading.text for reading in readings[at : at + BATCH]]
            with pipeline.nlp.memory_zone():  # without it spaCy keeps every word it ever met
                for doc in pipeline.nlp.pipe(texts, batch_size=BATCH):
                    verdicts.append(_judge(pipeline, language, words_of(doc), doc.cats))
        return verdicts


def _judge(pipeline: Pipeline, language: str, words: Sequence[str], cats: Mapping[str, float]) -> Verdict:
    if not any(says_something(fold(word)) for word in words):
        return Verdict(
            probabilities=dict.fromkeys(Label, 0.0),
            tags=(NONE,),
            sentiment=Sentiment.NEUTRAL,
            lang=language,
            sure=pipeline.sure,
            model=pipeline.name,
        )
    chances = {label: round(cats.get(label, 0.0), 4) for label in Label}
    noticed = [label for label in Label if chances[label] >= pipeline.bands[label].floor]
    cues = pipeline.cues(words, noticed, CUES) if noticed else {}
    # A label that no word carries comes from the shape of the text alone: worth a look, not an alert.
    carried = tuple(
        str(label) for label in noticed if chances[label] >= pipeline.bands[label].threshold and cues[label]
    )
    return Verdict(
        probabilities=chances,
        tags=carried or ((UNSURE,) if noticed else (NONE,)),
        sentiment=max(Sentiment, key=lambda sentiment: cats.get(sentiment, 0.0)),
        lang=language,
        cues={label: cues[label] for label in noticed},
        sure=pipeline.sure,
        model=pipeline.name,
    )
