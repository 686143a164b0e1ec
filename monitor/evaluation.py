"""How right a classifier is: figures over labelled posts. Plain arrays of N posts; truth and carried are 0 or 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.learning import area_under_curve, f_score, precision_recall
from rules.base import Label, Sentiment, Verdict

Floats = npt.NDArray[np.float64]

BINS = 10  # of the calibration error


@dataclass(frozen=True, slots=True)
class Figures:
    """One label; everything 0-1 except the four counts.

    `macro_f1` is the mean of the F1 of the label and of its opposite; `auc` the chance that a true post scores above a
    false one, None where one kind is missing; `calibration_error` how far probabilities are from frequencies.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    precision: float
    recall: float
    f1: float
    macro_f1: float
    auc: float | None
    calibration_error: float

    @property
    def rows(self) -> int:
        return self.positives + self.false_positives + self.true_negatives

    @property
    def positives(self) -> int:
        return self.true_positives + self.false_negatives


@dataclass(frozen=True, slots=True)
class SentimentFigures:
    """`confusion[true][chosen]` counts posts; `macro_f1` is the mean over the three sentiments."""

    rows: int
    accuracy: float
    macro_f1: float
    confusion: Mapping[Sentiment, Mapping[Sentiment, int]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A labelled post and what was said of it. `truth` has the labels that are known of it; `where` is FILE:LINE."""

    where: str
    text: str  # or its beginning
    lang: str
    truth: Mapping[Label, bool]
    sentiment: Sentiment | None  # None: not known
    verdict: Verdict


def measure_label(truth: Floats, chances: Floats, carried: Floats) -> Figures:
    """The figures of one label, whose probabilities are `chances`. Without any post everything is 0."""
    hits, told, true = int((carried * truth).sum()), int(carried.sum()), int(truth.sum())
    precision, recall = precision_recall(carried, truth, 0.5)
    f1, opposite = f_score(precision, recall), f_score(*precision_recall(1 - carried, 1 - truth, 0.5))
    return Figures(
        true_positives=hits,
        false_positives=told - hits,
        false_negatives=true - hits,
        true_negatives=len(truth) - true - told + hits,
        precision=precision,
        recall=recall,
        f1=f1,
        macro_f1=(f1 + opposite) / 2,
        auc=area_under_curve(chances, truth),
        calibration_error=calibration_error(chances, truth),
    )


def calibration_error(chances: Floats, truth: Floats) -> float:
    """Expected calibration error (Naeini et al. 2015): |mean probability - frequency| over ten equal bins, weighted."""
    bins = np.minimum((chances * BINS).astype(np.intp), BINS - 1)
    gaps = np.bincount(bins, weights=chances - truth, minlength=BINS)
    return float(np.abs(gaps).sum()) / max(len(truth), 1)


def measure_sentiment(truth: Sequence[Sentiment], chosen: Sequence[Sentiment]) -> SentimentFigures:
    """The figures of the sentiments that were chosen."""
    counts = Counter(zip(truth, chosen, strict=True))
    right = {sentiment: counts[sentiment, sentiment] for sentiment in Sentiment}
    told, true = Counter(chosen), Counter(truth)
    scores = [2 * right[each] / max(told[each] + true[each], 1) for each in Sentiment]
    return SentimentFigures(
        rows=len(truth),
        accuracy=sum(right.values()) / max(len(truth), 1),
        macro_f1=sum(scores) / len(scores),
        confusion={each: {other: counts[each, other] for other in Sentiment} for each in Sentiment},
    )


def worst_mistakes(truth: Floats, chances: Floats, carried: Floats, limit: int) -> list[int]:
    """The posts that were confidently wrong: farthest from the truth first."""
    order = np.argsort(-np.abs(chances - truth), kind="stable")
    wrong = order[(carried != truth)[order]]
    return [int(at) for at in wrong[:limit]]


@dataclass(frozen=True, slots=True)
class LabelReport:
    """One label of one language, with the worst mistakes on it, the worst first."""

    lang: str
    label: Label
    figures: Figures
    worst: tuple[Judged, ...]


def measure_labels(judged: Sequence[Judged], worst: int) -> list[LabelReport]:
    """Every label of which something is known, by language."""
    reports = []
    for lang in languages(judged):
        for label in Label:
            known = [one for one in judged if one.lang == lang and label in one.truth]
            if known:
                reports.append(_measure(lang, label, known, worst))
    return reports


def languages(judged: Sequence[Judged]) -> list[str]:
    """The languages of these posts, in order."""
    return sorted({one.lang for one in judged})


def _measure(lang: str, label: Label, known: Sequence[Judged], worst: int) -> LabelReport:
    truth = np.array([float(one.truth[label]) for one in known])
    chances = np.array([one.verdict.probabilities.get(label, 0.0) for one in known])
    carried = np.array([float(label in one.verdict.tags) for one in known])
    shown = tuple(known[at] for at in worst_mistakes(truth, chances, carried, worst))
    return LabelReport(lang, label, measure_label(truth, chances, carried), shown)


def measure_sentiments(judged: Sequence[Judged]) -> dict[str, SentimentFigures]:
    """By language, where the sentiment of a post is known."""
    figures = {}
    for lang in languages(judged):
        pairs = [(one.sentiment, one.verdict.sentiment) for one in judged if one.lang == lang and one.sentiment]
        if pairs:
            true, chosen = zip(*pairs, strict=True)
            figures[lang] = measure_sentiment(true, chosen)
    return figures
