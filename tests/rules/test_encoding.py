"""Vectors of an encoder in the linear component: batches, lengths, what does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from rules.encoding import Vectors, encode_masked
from rules.linear import NAME, LinearLabels, Weights
from tests.fakes import WordEncoder


class Fixed:
    """Gives the same array whatever it reads."""

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors
        self.read: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.read += texts
        return self.vectors


def weights(dense: Sequence[Sequence[float]] | None) -> Weights:
    return Weights(
        categories=("complaint", "praise"),
        exclusive=(),
        keys=np.empty(0, np.uint32),
        scale=np.empty(0, np.float32),
        table=np.empty((0, 2), np.float32),
        bias=np.array([-1.0, 1.0], np.float32),
        dense=None if dense is None else np.array(dense, np.float32),
    )


def pipeline(own: Weights) -> tuple[Language, LinearLabels]:
    nlp = spacy.blank("en")
    component = nlp.add_pipe(NAME)
    assert isinstance(component, LinearLabels)
    component.weights = own
    return nlp, component


def test_vectors_have_length_1_and_masks_read_as_companies() -> None:
    encoder = Fixed(np.array([[3, 4], [0, 0]], np.float32))
    vectors = encode_masked(encoder, ["TARGET beats OTHER", "TARGETS"])
    assert vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0]]
    assert encoder.read == ["Acme beats Globex", "TARGETS"]


@pytest.mark.parametrize("given", [[[1, 2]], [1, 2], [[1], [float("nan")]]])
def test_an_encoder_that_gives_something_else_is_refused(given: list[float]) -> None:
    with pytest.raises(ValueError, match="the encoder gave"):
        encode_masked(Fixed(np.array(given, np.float32)), ["one", "two"])


def test_the_vector_raises_a_category_and_batches_say_the_same() -> None:
    nlp, component = pipeline(weights([[2.0, 0.0]] * 8))
    component.encoder = WordEncoder()
    texts = ["slow", "broken again", "", "nobody answers the phone", "slow"]
    one_by_one = [nlp(text).cats for text in texts]
    assert [doc.cats for doc in nlp.pipe(texts, batch_size=2)] == one_by_one
    assert one_by_one[0]["complaint"] > 1 / (1 + np.e)
    assert one_by_one[2]["complaint"] == pytest.approx(1 / (1 + np.e))
    assert [cats["praise"] for cats in one_by_one] == pytest.approx([1 / (1 + 1 / np.e)] * len(texts))


def test_the_encoder_reads_a_batch_at_a_time() -> None:
    encoder = WordEncoder()
    nlp, component = pipeline(weights([[0.0, 0.0]] * 8))
    component.encoder = encoder
    list(nlp.pipe(["a", "b", "c", "d", "e"], batch_size=2))
    assert encoder.batches == [2, 2, 1]


def test_weights_without_a_dense_part_ask_no_encoder() -> None:
    nlp, component = pipeline(weights(None))
    component.encoder = Fixed(np.empty((0, 0), np.float32))
    assert set(nlp("slow").cats) == {"complaint", "praise"}


def test_a_missing_encoder_is_an_error() -> None:
    nlp, _ = pipeline(weights([[1.0, 1.0]]))
    with pytest.raises(ValueError, match="trained with an encoder"):
        nlp("slow")


def test_weights_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="weights of the encoder"):
        weights([[1.0, 1.0, 1.0]])


def test_the_dense_part_survives_the_disk(tmp_path: Path) -> None:
    _, component = pipeline(weights([[0.5, 0.25]]))
    component.to_disk(tmp_path)
    dense = component.from_disk(tmp_path).weights.dense
    assert dense is not None
    assert dense.tolist() == [[0.5, 0.25]]
