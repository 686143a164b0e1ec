"""A sentence encoder as one ONNX file beside its tokenizer.json: no torch, a tenth of the memory to install.

The file takes `input_ids` and `attention_mask` (and `token_type_ids` where it asks for them), N x T, and gives one
vector a text (N x D) or one a token (N x T x D). The latter are averaged over the text, or the first is taken where
`1_Pooling/config.json`, as sentence-transformers writes it, says `pooling_mode_cls_token`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rules.encoding import Vectors

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

ONNX_FILE = "model.onnx"
_BATCH = 32
_TOKENS = 256  # read of a text


class OnnxEncoder:
    """Runs on the processor."""

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer, *, first_token: bool) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._first_token = first_token
        self._inputs = {given.name for given in session.get_inputs()}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """N x D. Raises ValueError for a model that gives something else."""
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))  # alike lengths together: little padding
        parts = [
            self._encode([texts[at] for at in order[start : start + _BATCH]]) for start in range(0, len(order), _BATCH)
        ]
        if not parts:
            return np.empty((0, 0), np.float32)
        vectors = np.concatenate(parts)
        result = np.empty_like(vectors)
        result[order] = vectors
        return result

    def _encode(self, texts: Sequence[str]) -> Vectors:
        read = self._tokenizer.encode_batch(list(texts))
        mask = np.array([one.attention_mask for one in read], np.int64)
        fed = {
            "input_ids": np.array([one.ids for one in read], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([one.type_ids for one in read], np.int64),
        }
        given = np.asarray(self._session.run(None, {name: fed[name] for name in self._inputs})[0], np.float32)
        if given.ndim == 2:
            return given
        if given.ndim != 3:
            raise ValueError(f"{ONNX_FILE} gives {given.ndim} dimensions, not 2 or 3")
        if self._first_token:
            return given[:, 0]
        weights = mask[:, :, None].astype(np.float32)
        mean: Vectors = (given * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        return mean


def open_onnx(folder: Path) -> OnnxEncoder:
    """Raises ImportError without onnxruntime and tokenizers, and what these raise for files that they cannot read."""
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    tokenizer.enable_truncation(_TOKENS)
    session = InferenceSession(str(folder / ONNX_FILE), providers=["CPUExecutionProvider"])
    pooling = folder / "1_Pooling" / "config.json"
    told = json.loads(pooling.read_text(encoding="utf-8")) if pooling.is_file() else {}
    return OnnxEncoder(session, tokenizer, first_token=bool(told.get("pooling_mode_cls_token")))
