"""Fits the linear model: logistic regression by dual coordinate ascent, calibration, thresholds. Plain arrays, seeded.

The learner is SDCA (Shalev-Shwartz & Zhang 2013, "Stochastic Dual Coordinate Ascent Methods for Regularized Loss
Minimization", section 6.2): no step size, no library, the same weights on every run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from rules.features import Keys, Values
from rules.linear import look_up, sigmoid

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.float64]  # N x L, 0 or 1

WORTH_PROCESSES = 5_000  # posts, from which on fitting takes longer than starting a process


@dataclass(frozen=True, slots=True)
class Matrix:
    """N posts as sparse rows of length 1 over F features, beside dense rows that are all about equally long."""

    keys: Keys  # F, ascending
    scale: Values  # F
    rows: tuple[npt.NDArray[np.intp], ...]  # the features of each post
    values: tuple[Values, ...]
    dense: Floats  # N x D, what an encoder makes of each post; N x 0 without one


def build_matrix(posts: Sequence[tuple[Keys, Values]], fewest: int, dense: Floats | None = None) -> Matrix:
    """Features in at least `fewest` posts, weighted by inverse document frequency; `dense` is taken as it is."""
    every, counts = np.unique(np.concatenate([keys for keys, _ in posts]), return_counts=True)
    kept = counts >= fewest
    known = every[kept]
    scale = (np.log((1 + len(posts)) / (1 + counts[kept])) + 1).astype(np.float16).astype(np.float32)
    return _matrix(known, scale, posts, dense)


def more_rows(matrix: Matrix, posts: Sequence[tuple[Keys, Values]]) -> Matrix:
    """Other posts over the same features, without dense rows."""
    return _matrix(matrix.keys, matrix.scale, posts, None)


def _matrix(known: Keys, scale: Values, posts: Sequence[tuple[Keys, Values]], dense: Floats | None) -> Matrix:
    rows, values = [], []
    for keys, own in posts:
        where, found = look_up(known, keys)
        scaled = own[found] * scale[where]
        rows.append(where)
        values.append(scaled / max(float(np.linalg.norm(scaled)), 1e-9))
    return Matrix(known, scale, tuple(rows), tuple(values), np.zeros((len(posts), 0)) if dense is None else dense)


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights F x L and D x L, bias L: the logit of label l is row . table[:, l] + vector . dense[:, l] + bias[l]."""

    table: Floats
    dense: Floats
    bias: Floats

    def logits(self, matrix: Matrix, at: Sequence[int]) -> Floats:
        """One row of logits for each post of `at`."""
        sparse = np.array([matrix.values[i] @ self.table[matrix.rows[i]] + self.bias for i in at])
        return sparse + matrix.dense[list(at)] @ self.dense


def fit(matrix: Matrix, labels: Labels, at: Sequence[int], *, strength: float, epochs: int, seed: int) -> Fit:
    """Minimise strength * logistic loss + |w|^2 / 2 on the posts `at`, all labels at once.

    A post that `at` names several times counts as often.
    """
    table = np.zeros((len(matrix.keys), labels.shape[1]))
    dense = np.zeros((matrix.dense.shape[1], labels.shape[1]))
    bias = np.zeros(labels.shape[1])
    dual = np.zeros((len(at), labels.shape[1]))  # one for each place in `at`: visits alone would add no weight
    longest = float((matrix.dense**2).sum(axis=1).max(initial=0.0))
    damping = max(1.0, 0.25 + (2 + longest) * strength)  # |x|^2 = 1 for the words, 1 for the bias, and the vector's
    named, order = np.array(at), np.arange(len(at))
    shuffle = np.random.default_rng(seed)
    for _ in range(epochs):
        shuffle.shuffle(order)
        for place in order:
            i = named[place]
            rows, values, vector = matrix.rows[i], matrix.values[i], matrix.dense[i]
            own = table[rows]
            step = (labels[i] - sigmoid(values @ own + vector @ dense + bias) - dual[place]) / damping
            dual[place] += step
            own += strength * values[:, None] * step
            table[rows] = own
            if len(vector):
                dense += strength * vector[:, None] * step
            bias += strength * step
    return Fit(table, dense, bias)


def fit_several(
    matrix: Matrix, labels: Labels, several: Sequence[Sequence[int]], *, strength: float, epochs: int, seed: int
) -> list[Fit]:
    """`fit` on each of `several`, side by side on all cores where that is worth starting processes for."""
    own = partial(fit, matrix, labels, strength=strength, epochs=epochs, seed=seed)
    cores = min(os.cpu_count() or 1, len(several))
    if cores < 2 or len(labels) < WORTH_PROCESSES:
        return list(map(own, several))
    with ProcessPoolExecutor(cores, get_context("spawn"), _keep, (own,)) as pool:
        return list(pool.map(_fit_kept, several))


def _keep(own: partial[Fit]) -> None:
    """In a process of its own: what would cost too much to be sent for each fit."""
    global _kept
    _kept = own


def _fit_kept(at: Sequence[int]) -> Fit:
    return _kept(at)


_kept: partial[Fit]


def calibrate(logits: Floats, truth: Floats) -> tuple[float, float]:
    """Slope and offset that turn a held-out logit into a probability (Platt 1999, with his smoothed targets)."""
    positives = truth.sum()
    goal = np.where(truth > 0, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    design = np.column_stack([logits, np.ones(len(logits))])

    def loss(answer: Floats) -> float:
        scores = design @ answer
        return float((np.logaddexp(0, scores) - goal * scores).sum())

    answer = np.zeros(2)
    for _ in range(30):
        chance = sigmoid(design @ answer)
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(curve, design.T @ (chance - goal))
        while loss(answer - step) > loss(answer) and np.abs(step).max() > 1e-9:
            step = step / 2  # a whole Newton step can overshoot
        answer = answer - step
    return max(float(answer[0]), 0.05), float(answer[1])


def precision_recall(chances: Floats, truth: Floats, threshold: float) -> tuple[float, float]:
    """Precision and recall of `chances >= threshold`; 0 where nothing was carried or nothing is true."""
    carried = chances >= threshold
    hits = float((carried * truth).sum())
    return hits / max(float(carried.sum()), 1.0), hits / max(float(truth.sum()), 1.0)


def f_score(precision: float, recall: float, beta: float = 1.0) -> float:
    """Beta below 1 favours precision."""
    weighted = beta * beta
    return (1 + weighted) * precision * recall / max(weighted * precision + recall, 1e-9)


def choose_threshold(chances: Floats, truth: Floats, beta: float) -> float:
    """The lowest probability, in steps of 0.01, whose F score, smoothed over its neighbours, is as good as the best.

    As good is within one standard error of it (the rule of Breiman et al. 1984), of a share of what is true: posts
    unlike the corpus score lower than its own. Where precision counts more (`beta` below 1) it is the best one. Never
    under 0.25, whatever the score: below that most of what is carried would be wrong.
    """
    steps = [step / 100 for step in range(25, 81)]
    scores = np.array([f_score(*precision_recall(chances, truth, step), beta) for step in steps])
    smooth = np.convolve(np.pad(scores, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
    best = float(smooth.max())
    error = math.sqrt(best * (1 - best) / max(float(truth.sum()), 1.0)) if beta >= 1 else 0.0
    return steps[int(np.flatnonzero(smooth >= best - error)[0])]


def choose_floor(chances: Floats, truth: Floats, threshold: float, recall: float) -> float:
    """The highest probability below the threshold that still finds `recall` of what is true; never under 0.1."""
    if not truth.any():
        return threshold / 2
    lowest = float(np.quantile(chances[truth > 0], 1 - recall))
    return round(min(max(lowest, 0.1), threshold * 0.8), 2)


def area_under_curve(chances: Floats, truth: Floats) -> float | None:
    """The chance that a true post scores above a false one (ties count half); None where one kind is missing.

    By sorting, so that it can be had of a hundred thousand posts.
    """
    true, false = chances[truth > 0], np.sort(chances[truth == 0])
    if not len(true) or not len(false):
        return None
    below = np.searchsorted(false, true, "left") + np.searchsorted(false, true, "right")
    return float(below.sum()) / (2 * len(true) * len(false))
