"""Models with a sentence encoder: trained, saved, loaded, run; and every way in which the encoder can be wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from monitor.cli import main
from monitor.commands import MODEL, USAGE
from monitor.encoders import META, EncoderError, NamedEncoder, open_encoder
from monitor.examples import CorpusError
from monitor.model import SHIPPED, ModelError, digests, load_classifier
from monitor.training import train
from rules.base import View
from rules.linear import NAME
from tests.fakes import WordEncoder
from tests.monitor.test_training import write_corpus


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def models(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "models"
    train(corpus, out, lambda line: None, encoder=NamedEncoder("words", WordEncoder()))
    return out


def test_each_text_is_encoded_once(corpus: Path, tmp_path: Path) -> None:
    encoder, told = WordEncoder(), list[str]()
    train(corpus, tmp_path / "models", told.append, encoder=NamedEncoder("words", encoder))
    assert told == ["words: 0 of 36 texts", "de: 36 rows", "xx: 36 rows"]
    assert encoder.batches.count(36) == 1
    assert sum(encoder.batches) < 36 + 10  # and a few sentences by which it is told again


def test_a_trained_model_names_its_encoder_and_classifies_with_it(models: Path) -> None:
    asked: list[str] = []

    def open_words(name: str) -> NamedEncoder:
        asked.append(name)
        return NamedEncoder(name, WordEncoder())

    classifier = load_classifier(["de"], models, opening=open_words)
    assert asked == ["words"]
    [verdict] = classifier.classify([View("", "Weiß jemand ob Acme das kann ?", "de", names=("Acme",))])
    assert verdict.tags == ("question",)
    assert verdict.cues
    meta = json.loads((models / "de" / "meta.json").read_text())
    assert (meta[META]["name"], meta[META]["dimensions"]) == ("words", 8)
    dense = np.load(models / "de" / NAME / "dense.npy")
    assert dense.shape == (8, 9)
    assert np.abs(dense).max() > 0


def test_the_same_bytes_twice(corpus: Path, models: Path, tmp_path: Path) -> None:
    train(corpus, tmp_path / "again", lambda line: None, encoder=NamedEncoder("words", WordEncoder()))
    assert digests(tmp_path / "again") == digests(models)


def test_the_encoder_may_have_moved(models: Path) -> None:
    asked: list[str] = []

    def open_words(name: str) -> NamedEncoder:
        asked.append(name)
        return NamedEncoder(name, WordEncoder())

    load_classifier(["de"], models, "elsewhere", opening=open_words)
    assert asked == ["elsewhere"]


@pytest.mark.parametrize("other", [WordEncoder(salt="other"), WordEncoder(dimensions=16)])
def test_another_encoder_than_in_training_is_refused(models: Path, other: WordEncoder) -> None:
    with pytest.raises(ModelError, match=r"not the one that .*models/\w+ was trained with \(words, 8 dim.*mend: that"):
        load_classifier(["de"], models, opening=lambda name: NamedEncoder(name, other))


def test_an_encoder_for_models_trained_without_one_is_refused() -> None:
    with pytest.raises(
        ModelError, match=r"classifier\.encoder: words, but .* without an encoder; mend: mentiond train"
    ):
        load_classifier(["de"], SHIPPED, "words", opening=lambda name: NamedEncoder(name, WordEncoder()))


@pytest.fixture
def no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extras are not installed."""
    for name in ("sentence_transformers", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_model_with_an_encoder_needs_the_extra(models: Path, tmp_path: Path, no_extra: None) -> None:
    with pytest.raises(
        ModelError, match=r"encoder words needs sentence_transformers; mend: pip install 'mentiond\[enc"
    ):
        load_classifier(["de"], models)


def test_an_onnx_encoder_needs_another_extra(tmp_path: Path, no_extra: None) -> None:
    (tmp_path / "model.onnx").touch()
    with pytest.raises(EncoderError, match=r"needs onnxruntime; mend: pip install 'mentiond\[onnx\]'"):
        open_encoder(str(tmp_path))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere", "~/nowhere"])
def test_a_folder_that_is_not_there(name: str) -> None:
    with pytest.raises(EncoderError, match=f"the encoder {name} is no folder"):
        open_encoder(name)


def test_the_command_says_what_is_missing(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], no_extra: None
) -> None:
    out = tmp_path / "models"
    command = ["train", "--corpus", str(corpus), "--encoder", "some-encoder"]
    assert main([*command, "--out", str(out)]) == MODEL
    assert "mend: pip install 'mentiond[encoder]'" in capsys.readouterr().err
    assert not out.exists()
    assert main(command) == USAGE
    assert "--out FOLDER" in capsys.readouterr().err
    assert main(["train", "--download", "--out", str(out)]) == USAGE
    assert "--encoder NAME" in capsys.readouterr().err


def test_one_language_of_the_corpus(corpus: Path, tmp_path: Path) -> None:
    report = train(corpus, tmp_path / "models", lambda line: None, language="de")
    assert list(report.languages) == ["de", "xx"]
    with pytest.raises(CorpusError, match="no language 'fr'; it has: de"):
        train(corpus, tmp_path / "models", lambda line: None, language="fr")
