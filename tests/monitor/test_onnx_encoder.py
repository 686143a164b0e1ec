"""An ONNX encoder, on a model of one look-up table that is written here byte by byte (onnx.proto3 of ONNX 1.17)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from monitor.encoders import EncoderError, open_encoder

pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
pytest.importorskip("tokenizers", reason="the extra `onnx` is not installed")

WORDS = ("[PAD]", "[UNK]", "acme", "broken", "works")
TABLE = np.array([[9, 9], [0, 0], [1, 0], [0, 2], [0, 4]], np.float32)
FLOAT, INT64 = 1, 7


def varint(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a protobuf message: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def value_info(name: str, kind: int, shape: Sequence[str]) -> bytes:
    dimensions = b"".join(field(1, field(2, side)) for side in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dimensions)))


def model(table: npt.NDArray[np.float32]) -> bytes:
    """`vectors = Gather(table, input_ids)`."""
    tensor = b"".join(field(1, side) for side in table.shape)
    tensor += field(2, FLOAT) + field(8, "table") + field(9, table.tobytes())
    node = field(1, "table") + field(1, "input_ids") + field(2, "vectors") + field(4, "Gather")
    graph = field(1, node) + field(2, "graph") + field(5, tensor)
    graph += field(11, value_info("input_ids", INT64, ["texts", "tokens"]))
    graph += field(12, value_info("vectors", FLOAT, ["texts", "tokens", "size"]))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def tokenizer() -> str:
    shape: dict[str, object] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: at for at, word in enumerate(WORDS)},
            "unk_token": "[UNK]",
        },
    }
    return json.dumps(shape)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(model(TABLE))
    (tmp_path / "tokenizer.json").write_text(tokenizer())
    return tmp_path


def test_the_mean_over_the_words_of_each_text(folder: Path) -> None:
    opened = open_encoder(str(folder))
    assert opened.name == str(folder)
    vectors = opened.encoder.encode(["Acme works works broken", "Acme", "something", "broken Acme"])
    assert vectors.tolist() == [[0.25, 2.5], [1, 0], [0, 0], [0.5, 1]]


def test_more_texts_than_a_batch_keep_their_order(folder: Path) -> None:
    texts = ["Acme " * (number % 5 + 1) + "broken" * (number % 2) for number in range(100)]
    encoder = open_encoder(str(folder)).encoder
    together = encoder.encode(texts)
    assert together.tolist() == [encoder.encode([text])[0].tolist() for text in texts]


def test_the_first_word_where_the_folder_says_so(folder: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    assert open_encoder(str(folder)).encoder.encode(["works Acme"]).tolist() == [[0, 4]]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"no model")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        open_encoder(str(folder))
