"""Decides what posts are, with one spaCy pipeline per language. The pipelines are passed in; nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rules.base import NONE, UNSURE, Label, Sentiment, Verdict, View
from rules.excerpts import excerpts
from rules.language import LanguageDetector
from rules.masking import mask
from rules.reading import Reading, read
from rules.vocabulary import Vocabulary
from rules.words import OTHER, TARGET, says_something

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

BATCH = 256  # texts per memory zone
CUES = 4  # reasons named for each label
_MASKS = re.compile(rf"\b({TARGET}|{OTHER})\b")

FindCues = Callable[[Reading, Sequence[Label], int], Mapping[str, tuple[str, ...]]]


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

    `cues(reading, labels, limit)` names for each label what raised it most. `sure` is False for the pipeline
    that reads every language without one of its own; `is_explained` for one that knows no cues.
    """

    nlp: Language
    bands: Mapping[Label, Band]
    cues: FindCues
    name: str
    sure: bool = True
    is_explained: bool = True


@dataclass(frozen=True, slots=True)
class _Item:
    """One distinct thing to judge."""

    text: str  # masked
    stated: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """What the pipeline made of a text, or of one excerpt of a long one."""

    cats: Mapping[str, float]
    cues: Mapping[str, tuple[str, ...]]
    is_empty: bool


class SpacyClassifier:
    """The `Classifier` over spaCy pipelines, by ISO 639-1 code, and a shared one for other languages.

    CPU-bound; meant for one worker thread at a time.
    """

    def __init__(self, pipelines: Mapping[str, Pipeline], shared: Pipeline, detector: LanguageDetector) -> None:
        self._readers = {language: _Reader(pipeline) for language, pipeline in pipelines.items()}
        self._shared = _Reader(shared)
        self._detector = detector

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        """One verdict per view, in order; views that read the same are read once."""
        items = [_Item(mask(view), view.lang) for view in views]
        by_language: dict[str, list[_Item]] = {}
        for item in dict.fromkeys(items):
            by_language.setdefault(self._detector.detect(item.text, item.stated), []).append(item)
        verdicts = {
            item: verdict
            for language, alike in by_language.items()
            for item, verdict in zip(alike, self._judge(language, alike), strict=True)
        }
        return [_unmasked(verdicts[item], view) for item, view in zip(items, views, strict=True)]

    def _judge(self, language: str, items: Sequence[_Item]) -> list[Verdict]:
        reader = self._readers.get(language, self._shared)
        pieces = [excerpts(item.text) for item in items]
        parts = reader.read([piece for several in pieces for piece in several])
        return [_verdict(reader.pipeline, language, [next(parts) for _ in several]) for several in pieces]


class _Reader:
    """A pipeline that reads batch after batch, and keeps none of them."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._vocabulary = Vocabulary(pipeline.nlp)

    def read(self, texts: Sequence[str]) -> Iterator[_Part]:
        for at in range(0, len(texts), BATCH):
            batch = texts[at : at + BATCH]
            with self._vocabulary.zone(batch):
                parts = [self._part(doc) for doc in self.pipeline.nlp.pipe(batch, batch_size=BATCH)]
            yield from parts

    def _part(self, doc: Doc) -> _Part:
        reading, bands = read(doc), self.pipeline.bands
        noticed = [label for label in Label if doc.cats.get(label, 0.0) >= bands[label].floor]
        cues = self.pipeline.cues(reading, noticed, CUES) if noticed else {}
        return _Part(dict(doc.cats), cues, not any(map(says_something, reading.folded)))


def _verdict(pipeline: Pipeline, language: str, parts: Sequence[_Part]) -> Verdict:
    """Of a text in several parts each probability is their mean; the cues are those of the part that is surest."""
    if all(part.is_empty for part in parts):
        return _nothing(pipeline, language)
    chances = {label: round(_mean(parts, label), 4) for label in Label}
    noticed = [label for label in Label if chances[label] >= pipeline.bands[label].floor]
    cues = {label: _surest(parts, label).cues.get(label, ()) for label in noticed}
    # A label without a cue comes from the shape of the text alone: worth a look, not an alert.
    carried = tuple(
        str(label)
        for label in noticed
        if chances[label] >= pipeline.bands[label].threshold and (cues[label] or not pipeline.is_explained)
    )
    return Verdict(
        probabilities=chances,
        tags=carried or ((UNSURE,) if noticed else (NONE,)),
        sentiment=max(Sentiment, key=lambda sentiment: _mean(parts, sentiment)),
        lang=language,
        cues=cues,
        sure=pipeline.sure,
        model=pipeline.name,
    )


def _unmasked(verdict: Verdict, view: View) -> Verdict:
    """The verdict with names for masks in its cues: `switching: von … zu Acme wechseln`."""
    if not view.names:
        return verdict
    shown = {TARGET: view.names[0], OTHER: "…"}
    cues = {
        label: tuple(_MASKS.sub(lambda mask: shown[mask[0]], cue) for cue in cues)
        for label, cues in verdict.cues.items()
    }
    return replace(verdict, cues=cues)


def _mean(parts: Sequence[_Part], category: str) -> float:
    return sum(part.cats.get(category, 0.0) for part in parts) / len(parts)


def _surest(parts: Sequence[_Part], category: str) -> _Part:
    return max(parts, key=lambda part: part.cats.get(category, 0.0))


def _nothing(pipeline: Pipeline, language: str) -> Verdict:
    return Verdict(
        probabilities=dict.fromkeys(Label, 0.0),
        tags=(NONE,),
        sentiment=Sentiment.NEUTRAL,
        lang=language,
        sure=pipeline.sure,
        model=pipeline.name,
    )
