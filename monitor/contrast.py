"""Texts with two brands: learns how much of what is said of one of them tells against the other.

Fitted on what models that saw no row of a domain make of its two-brand rows, as they are and as the other brand reads
them (`rules.linear.contrasted`): a logistic regression on a dozen numbers, so a thousand rows are plenty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.learning import Floats
from rules.linear import contrasted, sigmoid

Places = npt.NDArray[np.intp]

FEWEST_TEXTS = 100  # with two brands; fewer teach nothing that holds elsewhere
_PULL = 1.0  # towards zero, on logits a third as large: they reach some 3 to each side
_SHRUNK = 1 / 3
_STEPS = 30


@dataclass(frozen=True, slots=True)
class Turned:
    """The rows of a corpus with two brands, and their held-out logits (B x L) as the other brand reads them."""

    at: Places
    logits: Floats

    def fit(self, held_out: Floats, truth: Floats, rows: npt.NDArray[np.bool_]) -> Floats | None:
        """The contrast that these rows of the corpus teach; None where too few of them have two brands."""
        chosen = rows[self.at]
        if chosen.sum() < FEWEST_TEXTS:
            return None
        at = self.at[chosen]
        return fit_contrast(held_out[at], self.logits[chosen], truth[at])

    def apply(self, held_out: Floats, truth: Floats, folds: Places) -> Floats:
        """The held-out logits, those with two brands contrasted by what the other folds teach."""
        answer = held_out.copy()
        for fold in set(folds.tolist()):
            if (contrast := self.fit(held_out, truth, folds != fold)) is not None:
                own = folds[self.at] == fold
                answer[self.at[own]] = contrasted(held_out[self.at[own]], self.logits[own], contrast)
        return answer


def fit_contrast(own: Floats, other: Floats, truth: Floats) -> Floats:
    """2 L + 1 x L: one regularised logistic regression per category, by Newton's method."""
    design = np.column_stack([_SHRUNK * own, _SHRUNK * other, np.ones(len(own))])
    pull = np.diag([_PULL] * (design.shape[1] - 1) + [1e-6])
    answer = np.zeros((design.shape[1], truth.shape[1]))
    for at in range(truth.shape[1]):
        for _ in range(_STEPS):
            chance = sigmoid(design @ answer[:, at])
            curve = design.T @ (design * (chance * (1 - chance))[:, None]) + pull
            slope = design.T @ (chance - truth[:, at]) + pull @ answer[:, at]
            answer[:, at] -= np.linalg.solve(curve, slope)
    answer[:-1] *= _SHRUNK
    return answer


def calibrated(contrast: Floats, slopes: Floats, offsets: Floats) -> Floats:
    """The same contrast for logits that are calibrated already, giving calibrated ones."""
    twice = np.concatenate([slopes, slopes])
    weights = contrast[:-1] / twice[:, None]
    bias = contrast[-1] - np.concatenate([offsets, offsets]) @ weights
    answer = np.vstack([weights, bias[None]]) * slopes
    answer[-1] += offsets
    return np.asarray(answer, np.float64)
