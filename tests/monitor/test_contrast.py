"""Texts with two brands: both sides are weighed together."""

from __future__ import annotations

import numpy as np

from monitor.contrast import FEWEST_TEXTS, Turned, calibrated, fit_contrast
from monitor.learning import Floats
from rules.linear import contrasted, sigmoid


def sides(count: int) -> tuple[Floats, Floats, Floats]:
    """Logits of one category seen from each side, both far above zero; true where the own side's is the higher one."""
    chance = np.random.default_rng(1)
    own, other = chance.normal(2, 1, (count, 1)), chance.normal(2, 1, (count, 1))
    return own, other, (own > other).astype(np.float64)


def test_what_is_said_of_the_other_brand_tells_against_it() -> None:
    own, other, truth = sides(400)
    contrast = fit_contrast(own, other, truth)
    assert contrast.shape == (3, 1)
    assert contrast[0, 0] > 0 > contrast[1, 0]
    right = (contrasted(own, other, contrast) > 0) == (truth > 0)
    assert right.mean() > 0.95
    assert ((own > 0) == (truth > 0)).mean() < 0.6


def test_calibrated_logits_in_give_calibrated_logits_out() -> None:
    own, other, truth = sides(200)
    contrast, slopes, offsets = fit_contrast(own, other, truth), np.array([0.7]), np.array([-0.4])
    folded = calibrated(contrast, slopes, offsets)
    wanted = contrasted(own, other, contrast) * slopes + offsets
    given = contrasted(own * slopes + offsets, other * slopes + offsets, folded)
    assert np.allclose(wanted, given)


def test_each_fold_is_contrasted_by_the_others_and_single_brands_stay() -> None:
    own, other, truth = sides(2 * FEWEST_TEXTS)
    single = np.full((5, 1), 3.0)
    held_out, wanted = np.vstack([own, single]), np.vstack([truth, np.ones((5, 1))])
    folds = np.arange(len(held_out)) % 2
    turned = Turned(np.arange(len(own)), other)
    answer = turned.apply(held_out, wanted, folds)
    assert (answer[len(own) :] == 3.0).all()
    assert ((sigmoid(answer[: len(own)]) > 0.5) == (truth > 0)).mean() > 0.95
    wanted[: len(own)][folds[: len(own)] == 0] = 0.0  # what fold 0 says changes nothing for its own rows
    again = turned.apply(held_out, wanted, folds)
    own_fold = folds[: len(own)] == 0
    assert (again[: len(own)][own_fold] == answer[: len(own)][own_fold]).all()
    assert (again[: len(own)][~own_fold] != answer[: len(own)][~own_fold]).all()


def test_too_few_texts_with_two_brands_teach_nothing() -> None:
    own, other, truth = sides(FEWEST_TEXTS - 1)
    turned = Turned(np.arange(len(own)), other)
    assert turned.fit(own, truth, np.full(len(own), True)) is None
    assert (turned.apply(own, truth, np.zeros(len(own), np.intp)) == own).all()
