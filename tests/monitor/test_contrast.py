"""Texts with two brands: both sides are weighed together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitor.contrast import FEWEST_TEXTS, Turned, choose_sides, fit_contrast
from monitor.held_out import BETA, decide
from monitor.learning import Floats, choose_threshold, f_score, precision_recall
from rules.base import Label, Sentiment
from rules.linear import sigmoid, weighed


def sides(count: int) -> tuple[Floats, Floats, Floats]:
    """Logits of one category seen from each side, both far above zero; true where the own side's is the higher one."""
    chance = np.random.default_rng(1)
    own, other = chance.normal(2, 1, (count, 1)), chance.normal(2, 1, (count, 1))
    return own, other, (own > other).astype(np.float64)


def test_what_is_said_of_the_other_brand_tells_against_it() -> None:
    own, other, truth = sides(400)
    contrast = fit_contrast(own, other, truth)
    assert contrast is not None
    assert contrast.shape == (6, 1)
    right = (weighed(own, other, contrast) > 0) == (truth > 0)
    assert right.mean() > 0.95
    assert ((own > 0) == (truth > 0)).mean() < 0.6


def test_each_fold_is_decided_by_the_others_and_single_brands_stay() -> None:
    plain, turned, truth, folds = posts()
    first = decide(plain, turned, truth, folds != 0)
    own = first.chances(plain, turned)
    single = sigmoid(plain * first.slopes + first.offsets)[BOTH:]
    assert (own[BOTH:] == single).all()
    assert ((own[:BOTH, 0] > 0.5) == (truth[:BOTH, 0] > 0)).mean() > 0.9
    changed = truth.copy()
    changed[folds == 0] = 0.0  # what fold 0 says changes nothing for its own rows
    assert (decide(plain, turned, changed, folds != 0).chances(plain, turned) == own).all()
    assert (decide(plain, turned, changed, folds != 1).chances(plain, turned) != own).any()


def test_bands_come_from_single_brands_and_texts_with_two_are_moved_to_fit_them() -> None:
    plain, turned, truth, _ = posts()
    rows = np.full(len(plain), True)
    decision = decide(plain, turned, truth, rows)
    alone = decide(plain[BOTH:], None, truth[BOTH:], rows[BOTH:])
    assert decision.bands.keys() == alone.bands.keys()
    chances = decision.chances(plain, turned)
    for at, label in enumerate(Label):
        own, true, beta = chances[:BOTH, at], truth[:BOTH, at], BETA.get(label, 1.0)
        best = choose_threshold(own, true, beta)
        score, highest = (
            f_score(*precision_recall(own, true, threshold), beta)
            for threshold in (decision.bands[label].threshold, best)
        )
        assert score >= highest - 0.03


def test_what_is_hardly_ever_said_of_both_is_carried_on_one_side() -> None:
    """The likelier side is right in two of three texts: F1 alone would carry both of .6 and .5."""
    chances = np.tile([0.6, 0.5], 300)
    is_likelier = np.tile([True, False], 300)
    truth = np.concatenate([np.tile([1.0, 0.0], 200), np.tile([0.0, 1.0], 100)])
    likelier, other = choose_sides(chances, is_likelier, truth, 1.0)
    assert likelier <= 0.6
    assert other > 0.5


def test_what_is_said_of_both_is_carried_on_both_sides() -> None:
    chances = np.tile([0.6, 0.5], 300)
    likelier, other = choose_sides(chances, np.tile([True, False], 300), np.ones(600), 1.0)
    assert likelier <= other <= 0.5


def test_too_few_texts_with_two_brands_teach_nothing() -> None:
    own, other, truth = sides(FEWEST_TEXTS - 1)
    assert fit_contrast(own, other, truth) is None
    plain, _, wanted, folds = posts()
    few = Turned(np.arange(5), plain[:5])
    decision = decide(plain, few, wanted, folds != 0)
    assert decision.contrast is None
    assert (decision.chances(plain, few) == sigmoid(plain * decision.slopes + decision.offsets)).all()


BOTH = 400  # of `posts`, the first ones have two brands


def posts() -> tuple[Floats, Turned, Floats, npt.NDArray[np.intp]]:
    """Logits of all categories, the turned ones, the truth and the folds; of two brands the higher side is right."""
    chance = np.random.default_rng(2)
    categories = len(Label) + len(Sentiment)
    plain = chance.normal(1, 2, (2 * BOTH, categories))
    other = chance.normal(1, 2, (BOTH, categories))
    truth = (plain + chance.normal(0, 1, plain.shape) > 1).astype(np.float64)
    truth[:BOTH] = plain[:BOTH] > other
    return plain, Turned(np.arange(BOTH), other), truth, np.arange(2 * BOTH) % 2
