"""Meaning as a vector: what a sentence encoder brings to the linear model beside words. No encoder is loaded here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rules.words import OTHER, TARGET

Vectors = npt.NDArray[np.float32]  # N x D, one text a row

_STAND_INS = {TARGET: "Acme", OTHER: "Globex"}  # an encoder knows names of companies, but not the masks
_MASKS = re.compile(rf"\b({TARGET}|{OTHER})\b")


class Encoder(Protocol):
    """Turns texts into vectors of their meaning, of any length; the same text always gives the same vector."""

    def encode(self, texts: Sequence[str]) -> Vectors: ...


def encode_masked(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The vectors of masked texts, each of length 1 (0 where the encoder finds nothing to say)."""
    vectors = np.asarray(encoder.encode([_MASKS.sub(lambda mask: _STAND_INS[mask[0]], text) for text in texts]))
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ValueError(f"the encoder gave {vectors.shape} for {len(texts)} texts, or no finite numbers")
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit: Vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return unit
