"""Figures over labelled posts, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.evaluation import (
    Judged,
    calibration_error,
    measure_label,
    measure_labels,
    measure_sentiment,
    measure_sentiments,
    worst_mistakes,
)
from rules.base import Label, Sentiment, Verdict


def array(*values: float) -> np.typing.NDArray[np.float64]:
    return np.array(values, np.float64)


def test_the_figures_of_a_label() -> None:
    truth, carried = array(1, 1, 1, 0, 0, 0, 0, 0), array(1, 1, 0, 1, 0, 0, 0, 0)
    own = measure_label(truth, array(0.9, 0.8, 0.4, 0.7, 0.1, 0.1, 0.1, 0.1), carried)
    counts = (own.true_positives, own.false_positives, own.false_negatives, own.true_negatives)
    assert counts == (2, 1, 1, 4)
    assert (own.rows, own.positives) == (8, 3)
    assert own.precision == pytest.approx(2 / 3)
    assert own.recall == pytest.approx(2 / 3)
    assert own.f1 == pytest.approx(2 / 3)
    assert own.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert own.auc == pytest.approx(14 / 15)


@pytest.mark.parametrize("truth", [array(0, 0), array(1, 1), array()])
def test_a_label_that_is_always_or_never_right(truth: np.typing.NDArray[np.float64]) -> None:
    own = measure_label(truth, np.full(len(truth), 0.5), np.zeros(len(truth)))
    assert own.auc is None
    assert (own.rows, own.f1) == (len(truth), 0)


def test_calibration_error() -> None:
    assert calibration_error(array(0.25, 0.25, 0.25, 0.25), array(1, 0, 0, 0)) == pytest.approx(0)
    assert calibration_error(array(1.0, 1.0, 0.0, 0.0), array(0, 0, 1, 1)) == pytest.approx(1)
    # Two bins, of 3 and of 1 posts: 3/4 of |0.15 - 1/3| and 1/4 of |0.95 - 1|.
    assert calibration_error(array(0.15, 0.15, 0.15, 0.95), array(0, 0, 1, 1)) == pytest.approx(0.15)
    assert calibration_error(array(), array()) == 0


def test_the_worst_mistakes_come_first_and_what_is_right_is_none() -> None:
    truth, carried = array(1, 0, 1, 0, 0), array(1, 1, 0, 0, 1)
    chances = array(0.4, 0.7, 0.02, 0.29, 0.99)
    assert worst_mistakes(truth, chances, carried, 2) == [4, 2]
    assert worst_mistakes(truth, chances, carried, 9) == [4, 2, 1]
    assert worst_mistakes(truth, chances, carried, 0) == []


def test_sentiment() -> None:
    good, even, bad = Sentiment.POSITIVE, Sentiment.NEUTRAL, Sentiment.NEGATIVE
    own = measure_sentiment([good, good, even, bad], [good, even, even, even])
    assert (own.rows, own.accuracy) == (4, 0.5)
    assert own.macro_f1 == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert own.confusion[good] == {good: 1, even: 1, bad: 0}
    assert own.confusion[bad] == {good: 0, even: 1, bad: 0}


def judged(lang: str, truth: dict[Label, bool], chance: float, sentiment: Sentiment | None = None) -> Judged:
    tags = ("praise",) if chance >= 0.5 else ("none",)
    verdict = Verdict({Label.PRAISE: chance}, tags, Sentiment.POSITIVE, lang)
    return Judged("x:1", "text", lang, truth, sentiment, verdict)


def test_languages_and_labels_are_told_apart_and_what_is_not_known_does_not_count() -> None:
    posts = [
        judged("de", {Label.PRAISE: True}, 0.9, Sentiment.POSITIVE),
        judged("de", {Label.PRAISE: False, Label.CRISIS: False}, 0.8),
        judged("en", {Label.PRAISE: False}, 0.2),
        judged("en", {}, 0.9, Sentiment.NEGATIVE),
    ]
    reports = measure_labels(posts, worst=1)
    assert [(one.lang, one.label, one.figures.rows) for one in reports] == [
        ("de", Label.CRISIS, 1),
        ("de", Label.PRAISE, 2),
        ("en", Label.PRAISE, 1),
    ]
    assert reports[1].worst == (posts[1],)
    accuracy = {lang: (own.rows, own.accuracy) for lang, own in measure_sentiments(posts).items()}
    assert accuracy == {"de": (1, 1.0), "en": (1, 0.0)}
