"""What one pipeline learns from: the rows of a corpus, then what people corrected."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from monitor.examples import FOLDS, Example, fold_of_domains

Folds = npt.NDArray[np.intp]

WEIGHT = 3  # of a correction, beside 1 of a row of the corpus: it is a real post of this installation


@dataclass(frozen=True, slots=True)
class Lessons:
    """`folds` has, for each row of the corpus and then for each correction, the fold (0 to FOLDS - 1) that holds it
    out; a text stands in one fold only."""

    corpus: Sequence[Example]
    corrected: Sequence[Example]
    folds: Folds

    @property
    def everything(self) -> list[Example]:
        """The corpus, then the corrections."""
        return [*self.corpus, *self.corrected]

    @property
    def corpus_folds(self) -> Folds:
        """Of the rows of the corpus alone."""
        return self.folds[: len(self.corpus)]

    def corrected_in(self, fold: int) -> list[Example]:
        """The corrections that this fold holds out."""
        folds = self.folds[len(self.corpus) :].tolist()
        return [one for one, own in zip(self.corrected, folds, strict=True) if own == fold]

    def without(self, fold: int | None) -> list[int]:
        """The rows to fit on when this fold (None: nothing) is held out, each as often as it counts."""
        rows = np.flatnonzero(self.folds != (-1 if fold is None else fold))
        times = np.where(rows < len(self.corpus), 1, WEIGHT)
        return [int(row) for row in np.repeat(rows, times)]


def plan_lessons(corpus: Sequence[Example], corrected: Sequence[Example]) -> Lessons:
    """Whole domains of the corpus are held out together; corrections take the folds in turn."""
    folds = fold_of_domains(corpus)
    fold_of = {example.text: fold for example, fold in zip(corpus, folds, strict=True)}
    turn = count()
    for text in dict.fromkeys(example.text for example in corrected):
        if text not in fold_of:
            fold_of[text] = next(turn) % FOLDS
    return Lessons(corpus, corrected, np.array([*folds, *(fold_of[one.text] for one in corrected)], np.intp))


def digest(text: str) -> str:
    """Sixteen hexadecimal digits by which a text is known again without being kept."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
