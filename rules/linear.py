"""The learner inside our spaCy pipelines: one logistic regression per label over `rules.features`.

On a corpus of a thousand rows it beats spaCy's bag of words by far (docs/classifier.md), takes a MB, and every logit
is a sum over words, so that the cues are the true reasons.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.tokens import Doc

from rules.encoding import Encoder, Vectors, encode_masked
from rules.features import PAIR, Keys, Values, gather, keys_of, other_features, pair_keys, word_features
from rules.meaning import FIELD, field_features
from rules.reading import Reading, read
from rules.sides import names_both, seen_from_other, seen_from_target
from rules.stop_words import STOP_WORDS
from rules.words import REMEMBERED_WORDS, says_something

Rows = npt.NDArray[np.intp]
Worth = npt.NDArray[np.float64]  # words or hits, by categories
Logits = npt.NDArray[np.floating]

NAME = "mention_labels"  # the component's name in the pipeline, and its folder in the model
_DENSE, _CONTRAST = "dense.npy", "contrast.npy"
_SHRUNK = 1 / 3  # logits reach some 9 to each side


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned: F features and D dimensions of an encoder x L categories, calibration folded in."""

    categories: tuple[str, ...]
    exclusive: tuple[str, ...]  # the categories of which exactly one holds (sentiment)
    keys: Keys  # F, ascending
    scale: Values  # F: inverse document frequency
    table: Values  # F x L
    bias: Values  # L
    dense: Values | None = None  # D x L, for the vector of an encoder; None: trained without one
    contrast: Values | None = None  # 5 L + 2 x L, see `contrasted`; None: two brands are read like one

    def __post_init__(self) -> None:
        features, categories = len(self.keys), len(self.categories)
        shapes = (self.scale.shape, self.table.shape, self.bias.shape)
        if shapes != ((features,), (features, categories), (categories,)):
            raise ValueError(f"the weights do not fit together: {shapes}")
        if self.dense is not None and self.dense.shape[1:] != (categories,):
            raise ValueError(f"the weights of the encoder do not fit: {self.dense.shape}")
        if self.contrast is not None and self.contrast.shape != (5 * categories + 2, categories):
            raise ValueError(f"the weights of the contrast do not fit: {self.contrast.shape}")


def sigmoid(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Logistic function, safe for any logit."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits.astype(np.float64), -30, 30)))


def contrast_design(own: Logits, other: Logits) -> Logits:
    """What the contrast weighs: logits of both sides, chances of both sides, and the chance that both hold; N x 5 L."""
    here, there = sigmoid(own), sigmoid(other)
    return np.hstack([own * _SHRUNK, other * _SHRUNK, here, there, here * there])


def contrasted(own: Logits, other: Logits, contrast: npt.NDArray[np.floating]) -> Logits:
    """Logits of a text with two brands, from those of the text as it is and as the other brand reads it.

    What is said of one of them is mostly not said of the other: a complaint about OTHER tells against one about TARGET,
    and the side of which a category is less likely loses some of its logit. All N x L; `contrast` is 5 L + 2 x L: the
    rows of `weighed`, then what the less likely side loses.
    """
    here, there = weighed(own, other, contrast[:-1]), weighed(other, own, contrast[:-1])
    logits: Logits = here - contrast[-1] * (here < there)
    return logits


def weighed(own: Logits, other: Logits, weights: npt.NDArray[np.floating]) -> Logits:
    """What the two sides of texts come to; `weights` are 5 L + 1 x L, the last row the bias."""
    logits: Logits = contrast_design(own, other) @ weights[:-1] + weights[-1]
    return logits


def look_up(known: Keys, keys: Keys) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """Rows of `known` (ascending) that hold `keys`, and which of the keys are known at all."""
    if not len(known):
        return np.zeros(0, np.intp), np.zeros(len(keys), np.bool_)
    rows = np.minimum(known.searchsorted(keys), len(known) - 1)
    found = known.take(rows) == keys
    return rows[found], found


class LinearLabels:
    """spaCy component: writes the probability of every category into `doc.cats`.

    Weights with a dense part need `encoder`, the one that they were trained with, before the first document.
    """

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.encoder: Encoder | None = None

    @property
    def weights(self) -> Weights:
        """What was learned. New weights take the place of old ones, and of what was worked out from them."""
        return self._weights

    @weights.setter
    def weights(self, weights: Weights) -> None:
        self._weights = weights
        self._alike = [at for at, name in enumerate(weights.categories) if name in weights.exclusive]
        self._known_of_word = lru_cache(REMEMBERED_WORDS)(self._find_known)
        self._worth_of_word = lru_cache(REMEMBERED_WORDS)(self._find_worth)

    def __call__(self, doc: Doc) -> Doc:
        [meaning] = self._encode([doc])
        return self._judge(doc, meaning)

    def pipe(self, stream: Iterable[Doc], *, batch_size: int) -> Iterator[Doc]:
        """As one by one, but the encoder reads a batch at a time."""
        docs = iter(stream)
        while batch := list(islice(docs, batch_size)):
            for doc, meaning in zip(batch, self._encode(batch), strict=True):
                yield self._judge(doc, meaning)

    def _encode(self, docs: Sequence[Doc]) -> Vectors:
        """N x D; N x 0 for weights without a dense part."""
        if self.weights.dense is None:
            return np.empty((len(docs), 0), np.float32)
        if self.encoder is None:
            raise ValueError("the model was trained with an encoder, and none was given to it")
        return encode_masked(self.encoder, [doc.text for doc in docs])

    def _judge(self, doc: Doc, meaning: Values) -> Doc:
        weights = self.weights
        reading = read(doc)
        logits = self._logits(reading)
        if weights.dense is not None:
            logits = logits + meaning @ weights.dense
        if weights.contrast is not None and names_both(reading.folded):
            other = self._logits(seen_from_other(reading))
            [logits] = contrasted(logits[None], other[None], weights.contrast)
        chances = sigmoid(logits)
        chances[self._alike] /= chances[self._alike].sum()
        doc.cats = dict(zip(weights.categories, chances.tolist(), strict=True))
        return doc

    def _logits(self, reading: Reading) -> Logits:
        """What the features of a text bring to each category."""
        weights = self.weights
        if not reading.folded:
            return weights.bias
        about = seen_from_target(reading)
        words = map(self._known_of_word, dict.fromkeys(about.folded))
        rows, scaled = gather([*words, self._known(*other_features(reading, about))])
        length = max(float(np.sqrt(scaled @ scaled)), 1e-9)
        logits: Logits = scaled / length @ weights.table.take(rows, axis=0) + weights.bias
        return logits

    def _known(self, keys: Keys, values: Values) -> tuple[Rows, Values]:
        """Rows of those features that have weights, and their values, scaled."""
        rows, found = look_up(self.weights.keys, keys)
        return rows, values[found] * self.weights.scale.take(rows)

    def _find_known(self, word: str) -> tuple[Rows, Values]:
        """The features of a folded word by itself, by ascending rows: so many short runs are sorted soon."""
        return gather([self._known(*word_features(word))])

    def cues(self, reading: Reading, categories: Sequence[str], limit: int) -> dict[str, tuple[str, ...]]:
        """For each category what raised it most, strongest first: `delay: seit 3 Wochen`, or a word by itself.

        Where two brands are named and nothing about the target alone speaks for a category, the whole text does: that
        somebody leaves one for the other stands in the words about both.
        """
        own = self._cues(seen_from_target(reading), categories, limit)
        lacking = [category for category, cues in own.items() if not cues]
        return own | self._cues(reading, lacking, limit) if names_both(reading.folded) else own

    def _cues(self, reading: Reading, categories: Sequence[str], limit: int) -> dict[str, tuple[str, ...]]:
        columns = [self.weights.categories.index(category) for category in categories]
        if not reading.words or not columns:
            return dict.fromkeys(categories, ())
        words, hits = self._worth_of_words(reading, columns), self._worth_of_hits(reading, columns)
        telling = _telling(reading)
        return {
            category: _strongest(reading, telling, words[:, at], hits[:, at], limit)
            for at, category in enumerate(categories)
        }

    def _worth_of_words(self, reading: Reading, columns: Sequence[int]) -> Worth:
        """What each word, and half of each pair that it is in, brings to each column."""
        words = [self._worth_of_word(word) for word in reading.folded]
        worth: Worth = np.concatenate(words).reshape(len(words), -1)[:, columns]
        pairs = pair_keys(reading.folded)
        half = self._worth_of(pairs, np.full(len(pairs), PAIR / 2, np.float32), columns)
        worth[:-1] += half
        worth[1:] += half
        return worth

    def _find_worth(self, word: str) -> Worth:
        """What a folded word by itself, and its pieces, bring to each category."""
        rows, scaled = self._known_of_word(word)
        worth: Worth = (scaled[:, None] * self.weights.table.take(rows, axis=0)).sum(axis=0, dtype=np.float64)
        return worth

    def _worth_of_hits(self, reading: Reading, columns: Sequence[int]) -> Worth:
        """What the field of each hit brings to each column."""
        keys = keys_of(field_features(reading.hits))
        return self._worth_of(keys, np.full(len(keys), FIELD, np.float32), columns)

    def _worth_of(self, keys: Keys, values: Values, columns: Sequence[int]) -> Worth:
        """What each of these features brings to each column."""
        worth = np.zeros((len(keys), len(columns)))
        rows, found = look_up(self.weights.keys, keys)
        scaled = values[found] * self.weights.scale[rows]
        worth[found] = scaled[:, None] * self.weights.table.take(rows, axis=0)[:, columns]
        return worth

    def to_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> None:
        """Three to five arrays (half precision where it does no harm) and a JSON file; same weights, same bytes."""
        path.mkdir(parents=True, exist_ok=True)
        weights = self.weights
        np.save(path / "keys.npy", weights.keys)
        np.save(path / "scale.npy", weights.scale.astype(np.float16))
        np.save(path / "table.npy", weights.table.astype(np.float16))
        if weights.dense is not None:
            np.save(path / _DENSE, weights.dense)
        if weights.contrast is not None:
            np.save(path / _CONTRAST, weights.contrast)
        head = {
            "categories": weights.categories,
            "exclusive": weights.exclusive,
            "bias": [round(float(bias), 6) for bias in weights.bias],
        }
        (path / "head.json").write_text(json.dumps(head, indent=1) + "\n", encoding="utf-8")

    def from_disk(self, path: Path, *, exclude: Iterable[str] = ()) -> LinearLabels:
        """Raises OSError, ValueError or KeyError where the files are missing or damaged."""
        head = json.loads((path / "head.json").read_text(encoding="utf-8"))
        dense, contrast = path / _DENSE, path / _CONTRAST
        self.weights = Weights(
            categories=tuple(head["categories"]),
            exclusive=tuple(head["exclusive"]),
            keys=np.load(path / "keys.npy", allow_pickle=False),
            scale=np.load(path / "scale.npy", allow_pickle=False).astype(np.float32),
            table=np.load(path / "table.npy", allow_pickle=False).astype(np.float32),
            bias=np.array(head["bias"], np.float32),
            dense=np.load(dense, allow_pickle=False) if dense.exists() else None,
            contrast=np.load(contrast, allow_pickle=False) if contrast.exists() else None,
        )
        return self


def _telling(reading: Reading) -> list[int]:
    """Words that can be a reason by themselves: no hit holds them."""
    held = {at for hit in reading.hits for at in range(hit.start, hit.end)}
    return [
        at
        for at, folded in enumerate(reading.folded)
        if at not in held and folded not in STOP_WORDS and says_something(folded)
    ]


def _strongest(reading: Reading, telling: Sequence[int], words: Worth, hits: Worth, limit: int) -> tuple[str, ...]:
    """Hits with the worth of their words, and the telling words; each text once."""
    found = [
        (hits[at] + words[hit.start : hit.end].sum(), f"{_title(hit.field)}: {reading.written(hit.start, hit.end)}")
        for at, hit in enumerate(reading.hits)
        if hits[at] > 0 and any(map(says_something, reading.folded[hit.start : hit.end]))
    ]
    worths = words.tolist()
    found += [(worths[at], reading.words[at]) for at in telling if worths[at] > 0]
    ranked = sorted(((worth, cue) for worth, cue in found if worth > 0), key=lambda one: -one[0])
    return tuple(dict.fromkeys(cue for _, cue in ranked))[:limit]


def _title(field: str) -> str:
    """A field as people read it; strong and mild anger are both anger."""
    return field.removesuffix("_strong").removesuffix("_mild").replace("_", " ")


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
