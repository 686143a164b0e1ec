"""What a linear model sees of a post: words, neighbours, pieces of words, where the words stand, shape, and meaning.

Pieces of words (character n-grams) reach what a few hundred examples cannot list: compounds, inflection, misspelling.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from rules.meaning import brand_features, meaning_features
from rules.sides import seen_from_target, side_features
from rules.words import HANDLE, MASKS, REMEMBERED_WORDS, SENTENCE_ENDS, says_something

if TYPE_CHECKING:
    from rules.reading import Reading

Keys = npt.NDArray[np.uint32]
Values = npt.NDArray[np.float32]
Places = TypeVar("Places", Keys, npt.NDArray[np.intp])  # features by their keys, or by their rows in a table

# How much one feature of a kind weighs before a post's vector is scaled to length 1.
WORD, PAIR, PIECE, AROUND, SHAPE = 1.0, 0.9, 0.3, 0.9, 0.8
PIECE_LENGTHS = (3, 4, 5)
NEAR = 3  # words to each side of a mask that count as its surroundings


def key_of(feature: str) -> int:
    """A feature's name as 32 bits."""
    return crc32(feature.encode("utf-8", "surrogatepass"))


def keys_of(features: Iterable[str]) -> Keys:
    """The keys of several features."""
    return np.array([crc32(feature.encode("utf-8", "surrogatepass")) for feature in features], np.uint32)


_PIECE_KEY = key_of("c ")  # a checksum goes on from that of the prefix


def word_features(word: str) -> tuple[Keys, Values]:
    """Features of one folded word by itself: the word and its pieces; none for a mask."""
    if word in MASKS:
        return np.empty(0, np.uint32), np.empty(0, np.float32)
    edged = f"<{word}>"
    pieces = dict.fromkeys(edged[at : at + size] for size in PIECE_LENGTHS for at in range(len(edged) - size + 1))
    keys = [key_of(f"w {word}"), *(crc32(piece.encode("utf-8", "surrogatepass"), _PIECE_KEY) for piece in pieces)]
    values = np.full(len(keys), PIECE, np.float32)
    values[0] = WORD
    return np.array(keys, np.uint32), values


_word_features_again = lru_cache(REMEMBERED_WORDS)(word_features)


def pair_keys(words: Sequence[str]) -> Keys:
    """One key for each two neighbours; the k-th joins words k and k + 1."""
    return keys_of([f"p {one} {two}" for one, two in pairwise(words)])


def _surroundings(words: Sequence[str]) -> Iterator[str]:
    """Words in their places: two with one between, the first of a sentence."""
    for one, two in zip(words, words[2:], strict=False):
        yield f"g {one} {two}"
    starts = True
    for word in words:
        if starts and says_something(word):
            yield f"b {word}"
            starts = False
        starts = starts or word in SENTENCE_ENDS


def _brands(words: Sequence[str]) -> Iterator[str]:
    """Words by where they stand to the brands."""
    places = [at for at, word in enumerate(words) if word in MASKS]
    yield from _near_masks(words, places)
    if {words[at] for at in places} == MASKS:
        yield from _sides(words, places)


def _near_masks(words: Sequence[str], places: Sequence[int]) -> Iterator[str]:
    """The neighbours of each mask, with their side and whether they touch it."""
    for at in places:
        for step in range(1, NEAR + 1):
            touching = "" if step == 1 else "~"
            if at >= step:
                yield f"m {words[at - step]} {touching}{words[at]}"
            if at + step < len(words):
                yield f"m {words[at]}{touching} {words[at + step]}"


def _sides(words: Sequence[str], places: Sequence[int]) -> Iterator[str]:
    """Where two brands are in one text: their order, and each word with the mask that it is nearest to."""
    yield "m order " + " ".join(words[at] for at in places[:4])
    before = 0
    for at, after in zip(places, [*places[1:], None], strict=True):
        middle = len(words) if after is None else (at + after) // 2 + 1
        yield from (f"o {words[at]} {word}" for word in words[before:middle] if word not in MASKS)
        before = middle


def _shape(words: Sequence[str], raw: Sequence[str]) -> Iterator[str]:
    """What is no word: punctuation, opening words, shouting, length."""
    signs = set(words)
    questions, calls = words.count("?"), sum(word.startswith("!") for word in words)
    if questions:
        yield "s ?"
        yield f"s ? {'last' if words[-1] == '?' else 'inside'}"
        yield f"s ? {min(questions, 3)}"
    if calls:
        yield f"s ! {min(calls, 3)}"
    if questions and calls:
        yield "s ?!"
    opening = [word for word in words if word not in MASKS and word != HANDLE][:2]
    yield "s first " + " ".join(opening[:1])
    yield "s opening " + " ".join(opening)
    if sum(word.isupper() and len(word) > 2 and word not in MASKS for word in raw) > 0:
        yield "s shouting"
    for sign in ("<link>", "..", "…", "%", "€", "$", '"', "„", ":"):
        if sign in signs:
            yield f"s {sign}"
    yield f"s length {min(len(words).bit_length(), 7)}"


def text_features(reading: Reading) -> tuple[Keys, Values]:
    """Distinct keys, ascending, and their values (not yet scaled) for a post, seen from its target."""
    if not reading.folded:
        return np.empty(0, np.uint32), np.empty(0, np.float32)
    about = seen_from_target(reading)
    return gather([*map(_word_features_again, about.folded), other_features(reading, about)])


def other_features(reading: Reading, about: Reading) -> tuple[Keys, Values]:
    """What is more than words by themselves; `about` is what of the reading is said of the target."""
    words = about.folded
    pairs = pair_keys(words)
    around = [*_surroundings(words), *_brands(reading.folded), *side_features(reading)]
    shape = list(_shape(words, about.words))
    meaning = [*meaning_features(about.hits), *brand_features(reading.folded, reading.hits)]
    keys = keys_of([*around, *shape, *(feature for feature, _ in meaning)])
    values = [PAIR] * len(pairs) + [AROUND] * len(around) + [SHAPE] * len(shape) + [weight for _, weight in meaning]
    return np.concatenate([pairs, keys]), np.array(values, np.float32)


def gather(parts: Sequence[tuple[Places, Values]]) -> tuple[Places, Values]:
    """All parts as one: distinct places, ascending; of several values at one place the first counts."""
    places, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = places.argsort(kind="stable")
    ascending = places[order]
    is_first = np.ones(len(places), np.bool_)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first], values[order[is_first]]
