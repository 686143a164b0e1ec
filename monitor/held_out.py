"""How good a model is on domains that it has not seen, and from which probability on it may carry a label.

Every figure of a row comes from calibration and thresholds that its own fold had no part in.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from monitor.contrast import FEWEST_TEXTS, Turned, choose_sides, fit_contrast
from monitor.evaluation import Figures, SentimentFigures, measure_label, measure_sentiment
from monitor.examples import Example
from monitor.learning import Floats, calibrate, choose_floor, choose_threshold
from rules.base import Label, Sentiment
from rules.classifier import Band
from rules.linear import contrasted, sigmoid, weighed
from rules.words import OTHER, TARGET

Folds = npt.NDArray[np.intp]

FLOOR_RECALL = 0.9  # what candidates and carried labels find together
BETA = {Label.CRISIS: 0.7}  # a false crisis wakes somebody at night: precision counts more; the others: F1


@dataclass(frozen=True, slots=True)
class Pairs:
    """Texts with two brands, seen from each, whose labels differ."""

    count: int
    told_apart: float  # share whose two verdicts differ in the right direction
    right_side: float  # share whose labels that differ are each carried from the right side, and from that one only
    exact: float  # share of which both verdicts carry exactly the right labels


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a language's rows say of the model, each judged by one that saw no row of its domain."""

    labels: Mapping[Label, Figures]
    sentiment: SentimentFigures
    chances: Floats  # N x categories
    carried: Floats  # N x labels, 0 or 1


@dataclass(frozen=True, slots=True)
class LanguageReport:
    """One pipeline on held-out domains."""

    rows: int
    domains: int
    features: int
    labels: Mapping[Label, Figures]
    bands: Mapping[Label, Band]
    sentiment: SentimentFigures
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Report:
    """What training measured, by language ("xx" is the shared pipeline)."""

    languages: Mapping[str, LanguageReport]

    def table(self) -> str:
        """The figures for a terminal."""
        head = f"{'':5}{'label':16}{'rows':>6}{'P':>7}{'R':>7}{'F1':>7}{'macro':>7}{'AUC':>7}{'ECE':>7}"
        lines = [f"{head}{'from':>7}{'unsure':>8}"]
        for language, report in self.languages.items():
            for label, own in report.labels.items():
                figures = (own.precision, own.recall, own.f1, own.macro_f1, own.auc or 0.0, own.calibration_error)
                cells = "".join(f"{figure:7.2f}" for figure in figures)
                band = report.bands[label]
                lines.append(f"{language:5}{label:16}{own.positives:6}{cells}{band.threshold:7.2f}{band.floor:8.2f}")
            lines.append(
                f"{language:5}{'sentiment':16}{report.rows:6}  accuracy {report.sentiment.accuracy:.2f}, "
                f"mean F1 {report.sentiment.macro_f1:.2f}; {report.domains} domains, {report.features} features; "
                f"{report.pairs.count} pairs, {report.pairs.told_apart:.0%} told apart, "
                f"{report.pairs.right_side:.0%} from the right side alone"
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON, indented."""
        return json.dumps(asdict(self), indent=1)


def calibrate_all(logits: Floats, truth: Floats) -> tuple[Floats, Floats]:
    """Slopes and offsets that turn the held-out logits (N x categories) into probabilities."""
    lines = [calibrate(logits[:, at], truth[:, at]) for at in range(truth.shape[1])]
    slopes, offsets = (np.array(column) for column in zip(*lines, strict=True))
    return slopes, offsets


def choose_bands(chances: Floats, truth: Floats) -> dict[Label, Band]:
    """Threshold and floor of each label, from held-out probabilities."""
    bands = {}
    for at, label in enumerate(Label):
        threshold = choose_threshold(chances[:, at], truth[:, at], BETA.get(label, 1.0))
        bands[label] = Band(threshold, choose_floor(chances[:, at], truth[:, at], threshold, FLOOR_RECALL))
    return bands


@dataclass(frozen=True, slots=True)
class Decision:
    """How logits become probabilities, and from which on a label is carried, as some held-out rows teach it."""

    slopes: Floats
    offsets: Floats
    contrast: Floats | None  # of calibrated logits; None: texts with two brands are read like others
    bands: Mapping[Label, Band]

    def chances(self, plain: Floats, turned: Turned | None) -> Floats:
        """N x categories, of the logits of all rows."""
        logits = plain * self.slopes + self.offsets
        if turned is not None and self.contrast is not None:
            other = turned.logits * self.slopes + self.offsets
            logits[turned.at] = contrasted(logits[turned.at], other, self.contrast)
        return sigmoid(logits)


def decide(plain: Floats, turned: Turned | None, truth: Floats, rows: npt.NDArray[np.bool_]) -> Decision:
    """What these rows teach. Calibration and bands come from texts with one brand, where there are enough with two.

    The contrast moves those with two to fit them.
    """
    single = rows.copy()
    at = turned.at[rows[turned.at]] if turned is not None else np.zeros(0, np.intp)
    if len(at) >= FEWEST_TEXTS:
        single[at] = False
    slopes, offsets = calibrate_all(plain[single], truth[single])
    logits = plain * slopes + offsets
    bands = choose_bands(sigmoid(logits[single]), truth[single])
    contrast = None
    if turned is not None:
        other = turned.logits[rows[turned.at]] * slopes + offsets
        contrast = fit_contrast(logits[at], other, truth[at])
    if contrast is not None:
        contrast = _fitting(contrast, logits[at], other, truth[at], bands)
    return Decision(slopes, offsets, contrast, bands)


def _fitting(contrast: Floats, own: Floats, other: Floats, truth: Floats, bands: Mapping[Label, Band]) -> Floats:
    """The contrast of `fit_contrast`, moved so that the best thresholds of both sides are those of the bands."""
    here, there = sigmoid(weighed(own, other, contrast)), sigmoid(weighed(other, own, contrast))
    fitting = np.vstack([contrast, np.zeros(truth.shape[1])])
    for at, label in enumerate(Label):
        is_likelier = here[:, at] >= there[:, at]
        likelier, other_side = choose_sides(here[:, at], is_likelier, truth[:, at], BETA.get(label, 1.0))
        fitting[-2, at] += _logit(bands[label].threshold) - _logit(likelier)
        fitting[-1, at] = _logit(other_side) - _logit(likelier)
    return fitting


def _logit(chance: float) -> float:
    return math.log(chance / (1 - chance))


def measure(plain: Floats, turned: Turned | None, truth: Floats, folds: Folds) -> HeldOut:
    """Figures from held-out logits; columns are the labels, then the sentiments."""
    chances, carried = np.zeros_like(truth), np.zeros((len(truth), len(Label)))
    for fold in set(folds.tolist()):
        own = folds == fold
        decision = decide(plain, turned, truth, ~own)
        chances[own] = decision.chances(plain, turned)[own]
        for at, label in enumerate(Label):
            carried[own, at] = chances[own, at] >= decision.bands[label].threshold
    labels = {label: measure_label(truth[:, at], chances[:, at], carried[:, at]) for at, label in enumerate(Label)}
    sentiment = measure_sentiment(_moods(truth), _moods(chances))
    return HeldOut(labels, sentiment, chances, carried)


def _moods(columns: Floats) -> list[Sentiment]:
    """The likeliest sentiment of each row; the sentiments stand behind the labels."""
    moods = list(Sentiment)
    return [moods[at] for at in columns[:, len(Label) :].argmax(axis=1)]


def describe_language(
    examples: Sequence[Example], features: int, held_out: HeldOut, bands: Mapping[Label, Band]
) -> LanguageReport:
    """The report on one pipeline."""
    return LanguageReport(
        rows=len(examples),
        domains=len({example.domain for example in examples}),
        features=features,
        labels=held_out.labels,
        bands=bands,
        sentiment=held_out.sentiment,
        pairs=_pairs(examples, held_out),
    )


def _pairs(examples: Sequence[Example], held_out: HeldOut) -> Pairs:
    places = {example.text: at for at, example in enumerate(examples)}
    truth = np.array([[float(label in example.labels) for label in Label] for example in examples])
    apart, right, exact = [], [], []
    for at, example in enumerate(examples):
        other = places.get(_swapped(example.text), at)
        if other <= at or (truth[at] == truth[other]).all():
            continue
        difference = held_out.chances[at, : len(Label)] - held_out.chances[other, : len(Label)]
        apart.append(float(difference @ (truth[at] - truth[other])) > 0)
        hits = held_out.carried[[at, other]] == truth[[at, other]]
        right.append(bool(hits[:, truth[at] != truth[other]].all()))
        exact.append(bool(hits.all()))
    told_apart, right_side, exactly = (round(sum(one) / max(1, len(one)), 3) for one in (apart, right, exact))
    return Pairs(len(apart), told_apart, right_side, exactly)


def _swapped(text: str) -> str:
    return re.sub(f"{TARGET}|{OTHER}", lambda found: OTHER if found[0] == TARGET else TARGET, text)
