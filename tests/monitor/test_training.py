"""`mentiond train`: what it measures, what it writes, and that it writes the same twice."""

from __future__ import annotations

import json
import os
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from monitor import learning, training
from monitor.cli import main
from monitor.commands import USAGE
from monitor.examples import CorpusError
from monitor.learning import (
    Matrix,
    area_under_curve,
    build_matrix,
    calibrate,
    choose_floor,
    choose_threshold,
    fit,
    fit_several,
    precision_recall,
)
from monitor.model import SHIPPED, digests, load_classifier
from monitor.training import REPORT, train
from rules.base import Label, View
from rules.features import text_features
from rules.linear import sigmoid
from rules.reading import Reading

KINDS = {
    "TARGET ist kaputt und keiner antwortet": ("complaint", "negative"),
    "Weiß jemand ob TARGET das kann ?": ("question", "neutral"),
    "TARGET ist super , danke": ("praise", "positive"),
    "Feuer bei TARGET , zwei Verletzte": ("crisis", "neutral"),
    "TARGET sollte eine App anbieten": ("suggestion", "neutral"),
    "Ich will TARGET kaufen": ("purchase_signal", "neutral"),
}
DOMAINS = ("bahn", "bank", "handy", "hotel", "laden", "strom")


def write_corpus(folder: Path) -> Path:
    (folder / "de").mkdir(parents=True)
    rows = [
        {"text": f"{text} ({domain})", "labels": [label], "sentiment": mood, "domain": domain, "register": "tweet"}
        for domain in DOMAINS
        for text, (label, mood) in KINDS.items()
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / "de" / "posts.jsonl").write_text(text, encoding="utf-8")
    return folder


def test_a_trained_model_classifies(tmp_path: Path) -> None:
    told: list[str] = []
    report = train(write_corpus(tmp_path / "corpus"), tmp_path / "models", told.append)
    assert told == ["de: 36 rows", "xx: 36 rows"]
    assert (report.languages["de"].labels[Label.QUESTION].auc or 0) > 0.9
    assert "question" in report.table()
    assert json.loads((tmp_path / "models" / REPORT).read_text()) == json.loads(report.to_json())
    classifier = load_classifier(["de"], tmp_path / "models")
    [verdict] = classifier.classify([View(title="", text="Weiß jemand ob Acme das kann ?", lang="de", names=("Acme",))])
    assert verdict.tags == ("question",)
    assert verdict.model.startswith("de_mentiond 0.1.0+")


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    for name in ("one", "two"):
        train(corpus, tmp_path / name, lambda line: None)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_a_failed_training_leaves_the_old_model(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus")
    train(corpus, tmp_path / "models", lambda line: None)
    before = digests(tmp_path / "models")
    (corpus / "en").mkdir()
    (corpus / "en" / "posts.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(CorpusError):
        train(corpus, tmp_path / "models", lambda line: None)

    def stop(line: str) -> None:
        if line.startswith("xx"):
            raise KeyboardInterrupt

    (corpus / "en" / "posts.jsonl").unlink()
    with pytest.raises(KeyboardInterrupt):
        train(corpus, tmp_path / "models", stop)
    assert digests(tmp_path / "models") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "models"]


def test_a_model_is_replaced_whole(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "leftover").write_text("of an older version")
    train(write_corpus(tmp_path / "corpus"), models, lambda line: None)
    assert sorted(path.name for path in models.iterdir()) == ["de", "manifest.json", "report.json", "xx"]


@pytest.mark.parametrize(
    "manifest", [None, "{}", '{"name": "an app", "pipelines": 3}'], ids=["none", "empty", "foreign"]
)
def test_a_folder_of_other_things_is_not_replaced(
    tmp_path: Path, manifest: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "photos"
    out.mkdir()
    (out / "dear.jpg").write_bytes(b"irreplaceable")
    if manifest is not None:
        (out / "manifest.json").write_text(manifest)
    before = digests(out)
    assert main(["train", "--corpus", str(tmp_path / "none"), "--out", str(out)]) == USAGE
    assert f"{out}: holds other things than models, which would be lost" in capsys.readouterr().err
    assert digests(out) == before


def test_a_file_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes").write_text("dear diary")
    assert main(["train", "--out", str(tmp_path / "notes")]) == USAGE
    assert f"{tmp_path / 'notes'}: is no folder" in capsys.readouterr().err


def test_models_and_empty_folders_may_be_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    shutil.copytree(SHIPPED, tmp_path / "models")
    for name in ("new", "empty", "models"):
        assert main(["train", "--corpus", str(tmp_path / "none"), "--out", str(tmp_path / name)]) == USAGE
        assert "none: no corpus" in capsys.readouterr().err  # so far, and no further


def test_an_entry_that_cannot_be_read_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lexicon" / "de").mkdir(parents=True)
    (tmp_path / "lexicon" / "de" / "fault.txt").write_text("kaputt _\n", encoding="utf-8")
    monkeypatch.setattr(training, "train", partial(train, lexicon=tmp_path / "lexicon"))
    corpus = write_corpus(tmp_path / "corpus")
    assert main(["train", "--corpus", str(corpus), "--out", str(tmp_path / "models")]) == USAGE
    assert capsys.readouterr().err.endswith("lexicon de/fault: 'kaputt _' is empty, or begins or ends with a gap\n")
    assert not (tmp_path / "models").exists()


def test_fit_tells_apart_what_can_be_told_apart() -> None:
    posts = [
        text_features(Reading(text.split(), text.split()))
        for text in ("ist kaputt", "war kaputt", "ist super", "war super")
    ]
    truth = np.array([[1.0], [1.0], [0.0], [0.0]])
    matrix = build_matrix(posts, fewest=1)
    logits = fit(matrix, truth, range(4), strength=10, epochs=50, seed=1).logits(matrix, range(4))
    assert (logits[:2] > 0).all()
    assert (logits[2:] < 0).all()


def test_fits_side_by_side_are_those_of_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    keys = np.arange(12, dtype=np.uint32)
    posts = [(keys[at : at + 5], np.ones(5, np.float32)) for at in range(8)]
    matrix, truth = build_matrix(posts, fewest=1), np.eye(8)[:, :3]
    several = [[0, 1, 2, 3], [4, 5, 6, 7, 7], [*range(8)]]
    together = fit_several(matrix, truth, several, strength=4, epochs=3, seed=1)
    for at, own in zip(several, together, strict=True):
        alone = fit(matrix, truth, at, strength=4, epochs=3, seed=1)
        assert (own.table == alone.table).all()
        assert (own.bias == alone.bias).all()


def test_a_post_named_thrice_counts_as_three_posts() -> None:
    texts = ["ist kaputt", "war kaputt", "ist super"]
    posts = [text_features(Reading(text.split(), text.split())) for text in texts]
    truth = np.array([[1.0], [0.0], [0.0]])
    matrix = build_matrix(posts, fewest=1)
    copied = Matrix(
        matrix.keys,
        matrix.scale,
        tuple(matrix.rows[row] for row in (0, 1, 1, 1, 2)),
        tuple(matrix.values[row] for row in (0, 1, 1, 1, 2)),
        np.zeros((5, 0)),
    )
    fitted = partial(fit, strength=4.0, epochs=30, seed=1)
    named = fitted(matrix, truth, [0, 1, 1, 1, 2])
    assert np.allclose(named.table, fitted(copied, truth[[0, 1, 1, 1, 2]], range(5)).table)
    assert (named.logits(matrix, [1]) < fitted(matrix, truth, range(3)).logits(matrix, [1])).all()


def test_calibration_undoes_a_stretch() -> None:
    random = np.random.default_rng(7)
    logits = random.normal(0, 2, 4_000)
    truth = (random.random(4_000) < sigmoid(logits)).astype(float)
    slope, offset = calibrate(3 * logits + 1, truth)
    assert slope == pytest.approx(1 / 3, abs=0.03)
    assert offset == pytest.approx(-1 / 3, abs=0.1)


def test_calibration_of_what_never_happens() -> None:
    slope, offset = calibrate(np.linspace(-1, 1, 20), np.zeros(20))
    assert sigmoid(np.array([slope + offset]))[0] < 0.2


def test_threshold_and_floor() -> None:
    chances = np.array([0.9, 0.8, 0.7, 0.35, 0.3, 0.1, 0.1])
    truth = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    threshold = choose_threshold(chances, truth, beta=0.5)
    assert 0.35 < threshold <= 0.7
    assert precision_recall(chances, truth, threshold) == (1.0, 0.75)
    assert choose_floor(chances, truth, threshold, recall=1.0) == 0.3


def test_of_thresholds_that_are_as_good_the_lowest_is_chosen() -> None:
    chances = np.array([0.1] * 50 + [0.9] * 50)
    truth = np.array([0.0] * 50 + [1.0] * 50)
    assert choose_threshold(chances, truth, beta=1.0) == 0.25
    chances[:5] = 0.35
    assert choose_threshold(chances, truth, beta=1.0) > 0.35


def test_area_under_curve() -> None:
    assert area_under_curve(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])) == 0.875
    assert area_under_curve(np.array([0.1]), np.array([1.0])) is None
    assert area_under_curve(np.array([0.1]), np.array([0.0])) is None


def test_the_area_under_the_curve_is_that_of_all_pairs_and_is_had_of_many_posts() -> None:
    random = np.random.default_rng(3)
    truth, chances = (random.random(500) < 0.3).astype(float), random.random(500).round(1)
    true, false = chances[truth > 0][:, None], chances[truth == 0][None, :]
    assert area_under_curve(chances, truth) == pytest.approx(((true > false) + 0.5 * (true == false)).mean())
    many = random.random(200_000)
    started = time.process_time()
    assert area_under_curve(many, (random.random(200_000) < many).astype(float)) == pytest.approx(5 / 6, abs=0.01)
    assert time.process_time() - started < 2
