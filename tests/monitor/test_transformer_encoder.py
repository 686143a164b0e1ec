"""A sentence-transformers encoder, on a tiny untrained model that is made here; without any network."""

from __future__ import annotations

import importlib
import shutil
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from monitor.encoders import EncoderError, open_encoder

pytest.importorskip("sentence_transformers", reason="the extra `encoder` is not installed")

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "acme", "broken", "works")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers: Any = importlib.import_module("transformers")
    models: Any = importlib.import_module("sentence_transformers.sentence_transformer.modules")
    sentence_transformers: Any = importlib.import_module("sentence_transformers")
    place = tmp_path_factory.mktemp("encoder")
    (place / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    transformers.BertTokenizerFast(str(place / "vocab.txt")).save_pretrained(place / "bert")
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    config = transformers.BertConfig(vocab_size=len(WORDS), **shape)
    transformers.BertModel(config).save_pretrained(place / "bert")
    parts = [models.Transformer(str(place / "bert")), models.Pooling(8)]
    sentence_transformers.SentenceTransformer(modules=parts, device="cpu").save(str(place / "tiny-encoder"))
    return place / "tiny-encoder"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_a_folder(folder: Path) -> None:
    opened = open_encoder(str(folder))
    vectors = opened.encoder.encode(["Acme is broken", "works", "Acme is broken"])
    assert opened.name == str(folder)
    assert vectors.shape == (3, 8)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors[0], vectors[2], atol=1e-5)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)


def test_an_installed_package_that_carries_a_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_encoder").mkdir()
    (tmp_path / "my_encoder" / "__init__.py").write_text("raise RuntimeError('nothing of it needs to run')\n")
    shutil.copytree(folder, tmp_path / "my_encoder" / "model")
    monkeypatch.syspath_prepend(str(tmp_path))
    with_package = open_encoder("my-encoder")
    assert with_package.name == "my-encoder"
    assert with_package.encoder.encode(["Acme"]).shape == (1, 8)


def test_a_name_that_is_not_here_is_not_downloaded() -> None:
    with pytest.raises(EncoderError, match=r"nobody/nothing is not on this machine: .*mend: .*--download"):
        open_encoder("nobody/nothing")


def test_a_damaged_folder(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text("[")
    with pytest.raises(EncoderError, match="cannot be loaded"):
        open_encoder(str(tmp_path))
