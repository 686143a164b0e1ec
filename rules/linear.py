"""The learner inside our spaCy pipelines: one logistic regression per label over `rules.features`.

It beats spaCy's bag of words and small networks on a corpus of hundreds to thousands of rows (docs/classifier.md), takes
a few MB, and every probability is a sum over words, so that the cues are the true reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc

from rules.features import (
    PAIR,
    Keys,
    Values,
    fold,
    pair_keys,
    says_something,
    text_features,
    word_features,
    words_of,
)

NAME = "mention_labels"  # the component's name in the pipeline, and its folder in the model


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned: F features x L categories, calibration folded in."""

    categories: tuple[str, ...]
    exclusive: tuple[str, ...]  # the categories of which exactly one holds (sentiment)
    keys: Keys  # F, ascending
    scale: Values  # F: inverse document frequency
    table: Values  # F x L
    bias: Values  # L

    def __post_init__(self) -> None:
        features, categories = len(self.keys), len(self.categories)
        shapes = (self.scale.shape, self.table.shape, self.bias.shape)
        if shapes != ((features,), (features, categories), (categories,)):
            raise ValueError(f"the weights do not fit together: {shapes}")


def sigmoid(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Logistic function, safe for any logit."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -30, 30)))


def look_up(known: Keys, keys: Keys) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Rows of `known` (ascending) that hold `keys`, and which of the keys are known at all."""
    if not len(known):
        return np.zeros(0, np.intp), np.zeros(len(keys), np.bool_)
    rows = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found = known[rows] == keys
    return rows[found], found


class LinearLabels:
    """spaCy component: writes the probability of every category into `doc.cats`."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def __call__(self, doc: Doc) -> Doc:
        weights = self.weights
        rows, values = self._vector(words_of(doc))
        chances = sigmoid(values @ weights.table[rows] + weights.bias)
        alike = [at for at, name in enumerate(weights.categories) if name in weights.exclusive]
        chances[alike] /= chances[alike].sum()
        doc.cats = dict(zip(weights.categories, chances.tolist(), strict=True))
        return doc

    def _vector(self, words: Sequence[str]) -> tuple[npt.NDArray[np.intp], Values]:
        keys, values = text_features(words)
        rows, found = look_up(self.weights.keys, keys)
        scaled = values[found] * self.weights.scale[rows]
        return rows, scaled / max(float(np.linalg.norm(scaled)), 1e-9)

    def cues(self, words: Sequence[str], category: str, limit: int) -> tuple[str, ...]:
        """The words that raised `category` most, strongest first; a neighbourhood counts half for either word."""
        column = self.weights.table[:, self.weights.categories.index(category)]
        folded = [fold(word) for word in words]
        worth = np.array([self._worth(*word_features(word), column) for word in folded])
        for at, key in enumerate(pair_keys(folded)):
            half = self._worth(np.array([key], np.uint32), np.array([PAIR], np.float32), column) / 2
            worth[at] += half
            worth[at + 1] += half
        chosen: dict[str, str] = {}
        for at in np.argsort(-worth, kind="stable"):
            if worth[at] > 0 and says_something(folded[at]):
                chosen.setdefault(folded[at], words[at])
        return tuple(list(chosen.values())[:limit])

    def _worth(self, keys: Keys, values: Values, column: Values) -> float:
        rows, found = look_up(self.weights.keys, keys)
        return float((values[found] * self.weights.scale[rows]) @ column[rows])

    def to_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> None:
        """Three arrays (half precision where it does no harm) and one JSON file, the same bytes for the same weights."""
        path.mkdir(parents=True, exist_ok=True)
        weights = self.weights
        np.save(path / "keys.npy", weights.keys)
        np.save(path / "scale.npy", weights.scale.astype(np.float16))
        np.save(path / "table.npy", weights.table.astype(np.float16))
        head = {
            "categories": weights.categories,
            "exclusive": weights.exclusive,
            "bias": [round(float(bias), 6) for bias in weights.bias],
        }
        (path / "head.json").write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")

    def from_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> LinearLabels:
        """Raises OSError, ValueError or KeyError where the files are missing or damaged."""
        head = json.loads((path / "head.json").read_text(encoding="utf-8"))
        self.weights = Weights(
            categories=tuple(head["categories"]),
            exclusive=tuple(head["exclusive"]),
            keys=np.load(path / "keys.npy", allow_pickle=False),
            scale=np.load(path / "scale.npy", allow_pickle=False).astype(np.float32),
            table=np.load(path / "table.npy", allow_pickle=False).astype(np.float32),
            bias=np.array(head["bias"], np.float32),
        )
        return self


_UNTRAINED = Weights(
    categories=(),
    exclusive=(),
    keys=np.empty(0, np.uint32),
    scale=np.empty(0, np.float32),
    table=np.empty((0, 0), np.float32),
    bias=np.empty(0, np.float32),
)


@Language.factory(NAME)
def create(nlp: Language, name: str) -> LinearLabels:
    """What spaCy calls for `factory = "mention_labels"` in a pipeline's config; the weights come with `from_disk`."""
    return LinearLabels(_UNTRAINED)
