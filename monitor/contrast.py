"""Texts with two brands: learns how much of what is said of one of them tells against the other.

Fitted on what models that saw no row of a domain make of its two-brand rows, as they are and as the other brand reads
them (`rules.linear.contrasted`): a logistic regression on some forty numbers, so a thousand rows are plenty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.learning import Floats
from rules.linear import contrast_design, sigmoid

Places = npt.NDArray[np.intp]

FEWEST_TEXTS = 100  # with two brands; fewer teach nothing that holds elsewhere
_PULL = 1.0  # towards zero
_STEPS = 30


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
