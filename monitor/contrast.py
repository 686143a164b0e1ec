"""Texts with two brands: learns how much of what is said of one of them tells against the other.

Fitted on what models that saw no row of a domain make of its two-brand rows, as they are and as the other brand reads
them (`rules.linear.contrasted`): a logistic regression on some forty numbers, so a thousand rows are plenty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.learning import Floats, f_score, precision_recall
from rules.linear import contrast_design, sigmoid

Places = npt.NDArray[np.intp]
Chosen = npt.NDArray[np.bool_]

FEWEST_TEXTS = 100  # with two brands; fewer teach nothing that holds elsewhere
_PULL = 1.0  # towards zero
_STEPS = 30
_LIKELIER = [step / 100 for step in range(15, 76, 3)]  # thresholds of the side of which a label is likelier
_LESS_LIKELY = [*(step / 100 for step in range(20, 100, 5)), 0.99]  # ... and of the other one
_WORTH = 0.02  # of F score, that the side is right
_AS_GOOD = 0.002


@dataclass(frozen=True, slots=True)
class Turned:
    """The rows of a corpus with two brands, and their held-out logits (B x L) as the other brand reads them."""

    at: Places
    logits: Floats


def fit_contrast(own: Floats, other: Floats, truth: Floats) -> Floats | None:
    """5 L + 1 x L: one regularised logistic regression per category, by Newton's method; None for too few rows."""
    if len(own) < FEWEST_TEXTS:
        return None
    design = np.column_stack([contrast_design(own, other), np.ones(len(own))])
    pull = np.diag([_PULL] * (design.shape[1] - 1) + [1e-6])
    answer = np.zeros((design.shape[1], truth.shape[1]))
    for at in range(truth.shape[1]):
        for _ in range(_STEPS):
            chance = sigmoid(design @ answer[:, at])
            curve = design.T @ (design * (chance * (1 - chance))[:, None]) + pull
            slope = design.T @ (chance - truth[:, at]) + pull @ answer[:, at]
            answer[:, at] -= np.linalg.solve(curve, slope)
    return answer


def choose_sides(chances: Floats, is_likelier: Chosen, truth: Floats, beta: float) -> tuple[float, float]:
    """Thresholds of a label for the side of which it is likelier and for the other side, which is never lower.

    The F score alone would carry what is somewhat likely on both sides, and be wrong on one of them. So of thresholds
    for the other side the highest is taken that costs less than 0.02; with it the lowest for the likelier side.
    """

    def score(likelier: float, other: float) -> float:
        least = np.where(is_likelier, likelier, other)
        return f_score(*precision_recall(chances - least, truth, 0.0), beta)

    best: dict[float, tuple[float, float]] = {}
    for other in _LESS_LIKELY:
        scores = {likelier: score(likelier, other) for likelier in _LIKELIER if likelier <= other}
        top = max(scores.values())
        best[other] = top, next(likelier for likelier, own in scores.items() if own >= top - _AS_GOOD)
    highest = max(own for own, _ in best.values())
    other = max(other for other, (own, _) in best.items() if own >= highest - _WORTH)
    return best[other][1], other
