"""`mentiond train`: builds the pipelines from the corpus, measures them on held-out domains, replaces the old ones.

Every domain is held out once (five folds): from those rows come calibration, thresholds and all figures; a figure at
a threshold uses the threshold that the other folds chose. The model that ships is then fitted on all rows. Seeded:
the same corpus gives the same bytes.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from monitor.examples import FOLDS, Example, fingerprint, fold_of_domains, read_corpus
from monitor.learning import (
    Fit,
    Floats,
    Matrix,
    area_under_curve,
    build_matrix,
    calibrate,
    choose_floor,
    choose_threshold,
    f_score,
    fit,
    precision_recall,
)
from monitor.model import BANDS, MANIFEST, SHARED, digests
from rules.base import Label, Sentiment
from rules.classifier import Band
from rules.features import text_features, words_of
from rules.linear import NAME, LinearLabels, Weights, sigmoid

if TYPE_CHECKING:
    from spacy.language import Language

Folds = npt.NDArray[np.intp]

CATEGORIES = (*Label, *Sentiment)
STRENGTH = 8.0  # of the examples against the pull towards zero
EPOCHS = 15
SEED = 1
FEWEST_POSTS = 2  # a feature seen in one post only is noise
FLOOR_RECALL = 0.9  # what candidates and carried labels find together
BETA = {Label.CRISIS: 0.7}  # a false crisis wakes somebody at night: precision counts more; the others: F1
REPORT = "report.json"


@dataclass(frozen=True, slots=True)
class Figures:
    """One label of one language on held-out domains; everything 0-1 except `positives` (a count)."""

    positives: int
    precision: float
    recall: float
    f1: float
    auc: float
    threshold: float
    floor: float


@dataclass(frozen=True, slots=True)
class LanguageReport:
    """One pipeline on held-out domains. `sentiment_f1` is the mean over the three sentiments."""

    rows: int
    domains: int
    features: int
    labels: Mapping[Label, Figures]
    sentiment_accuracy: float
    sentiment_f1: float


@dataclass(frozen=True, slots=True)
class Report:
    """What training measured, by language ("xx" is the shared pipeline)."""

    languages: Mapping[str, LanguageReport]

    def table(self) -> str:
        """The figures for a terminal."""
        lines = [f"{'':5}{'label':16}{'rows':>6}{'P':>7}{'R':>7}{'F1':>7}{'AUC':>7}{'from':>7}{'unsure':>8}"]
        for language, report in self.languages.items():
            for label, own in report.labels.items():
                figures = (own.precision, own.recall, own.f1, own.auc, own.threshold)
                cells = "".join(f"{figure:7.2f}" for figure in figures)
                lines.append(f"{language:5}{label:16}{own.positives:6}{cells}{own.floor:8.2f}")
            lines.append(
                f"{language:5}{'sentiment':16}{report.rows:6}  accuracy {report.sentiment_accuracy:.2f}, "
                f"mean F1 {report.sentiment_f1:.2f}; {report.domains} domains, {report.features} features"
            )
        return "\n".join(lines)

    def to_json(self) -> str:
        """The same as JSON, indented."""
        return json.dumps(asdict(self), indent=1)


def train(corpus: Path, out: Path, progress: Callable[[str], None]) -> Report:
    """Train on every `<language>.jsonl` of `corpus` and replace the models in `out`; until all is done `out` stays.

    Raises CorpusError for a corpus that cannot be used and OSError where `out` cannot be written.
    """
    languages = read_corpus(corpus)
    everything = [example for examples in languages.values() for example in examples]
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        fresh.chmod(0o755)
        reports = {}
        for language, examples in {**languages, SHARED: everything}.items():
            progress(f"{language}: {len(examples)} rows")
            reports[language] = _train_language(language, examples, fresh / language)
        report = Report(reports)
        _finish(fresh, report)
        _replace(out, fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return report


def _train_language(language: str, examples: Sequence[Example], out: Path) -> LanguageReport:
    import spacy

    nlp = spacy.blank(language)
    matrix = build_matrix([text_features(words_of(nlp.make_doc(one.text))) for one in examples], FEWEST_POSTS)
    truth = np.array([_truth(example) for example in examples])
    folds: Folds = np.array(fold_of_domains(examples), np.intp)
    held_out = _held_out(matrix, truth, folds)
    lines = [calibrate(held_out[:, at], truth[:, at]) for at in range(len(CATEGORIES))]
    slopes, offsets = (np.array(column) for column in zip(*lines, strict=True))
    chances = sigmoid(held_out * slopes + offsets)
    final = fit(matrix, truth, range(len(examples)), strength=STRENGTH, epochs=EPOCHS, seed=SEED)
    figures = {label: _measure(label, chances[:, at], truth[:, at], folds) for at, label in enumerate(Label)}
    _save(language, matrix, Fit(final.table * slopes, final.bias * slopes + offsets), figures, examples, out)
    accuracy, mean = _sentiment(chances[:, len(Label) :], truth[:, len(Label) :])
    domains = len({example.domain for example in examples})
    return LanguageReport(len(examples), domains, len(matrix.keys), figures, accuracy, mean)


def _truth(example: Example) -> list[float]:
    labels = [float(label in example.labels) for label in Label]
    return labels + [float(sentiment == example.sentiment) for sentiment in Sentiment]


def _held_out(matrix: Matrix, truth: Floats, folds: Folds) -> Floats:
    """The logit of every row from a model that saw no row of its domain."""
    logits = np.zeros_like(truth)
    for fold in range(FOLDS):
        seen, unseen = np.flatnonzero(folds != fold).tolist(), np.flatnonzero(folds == fold).tolist()
        trained = fit(matrix, truth, seen, strength=STRENGTH, epochs=EPOCHS, seed=SEED)
        logits[unseen] = trained.logits(matrix, unseen)
    return logits


def _measure(label: Label, chances: Floats, truth: Floats, folds: Folds) -> Figures:
    beta = BETA.get(label, 1.0)
    carried = np.zeros_like(truth)
    for fold in range(FOLDS):
        rest = folds != fold
        carried[~rest] = chances[~rest] >= choose_threshold(chances[rest], truth[rest], beta)
    precision, recall = precision_recall(carried, truth, 0.5)
    threshold = choose_threshold(chances, truth, beta)
    return Figures(
        positives=int(truth.sum()),
        precision=round(precision, 3),
        recall=round(recall, 3),
        f1=round(f_score(precision, recall), 3),
        auc=round(area_under_curve(chances, truth), 3),
        threshold=threshold,
        floor=choose_floor(chances, truth, threshold, FLOOR_RECALL),
    )


def _sentiment(chances: Floats, truth: Floats) -> tuple[float, float]:
    """Accuracy and mean F1."""
    chosen = np.eye(len(Sentiment))[chances.argmax(axis=1)]
    scores = [f_score(*precision_recall(chosen[:, at], truth[:, at], 0.5)) for at in range(len(Sentiment))]
    return round(float((chosen * truth).sum(axis=1).mean()), 3), round(sum(scores) / len(scores), 3)


def _save(
    language: str, matrix: Matrix, final: Fit, figures: Mapping[Label, Figures], examples: Sequence[Example], out: Path
) -> None:
    import spacy

    nlp: Language = spacy.blank(language)  # a new one: the vocabulary of the first holds the corpus
    nlp.add_pipe(NAME)
    component = nlp.get_pipe(NAME)
    assert isinstance(component, LinearLabels)
    component.weights = Weights(
        categories=CATEGORIES,
        exclusive=tuple(Sentiment),
        keys=matrix.keys,
        scale=matrix.scale,
        table=final.table.astype(np.float32),
        bias=final.bias.astype(np.float32),
    )
    nlp.meta["name"] = "mentiond"
    nlp.meta["version"] = f"0.1.0+{fingerprint(examples)}"
    nlp.meta["description"] = "Labels and sentiment of a post, as it concerns TARGET"
    nlp.meta[BANDS] = {label: asdict(Band(own.threshold, own.floor)) for label, own in figures.items()}
    nlp.to_disk(out)


def _finish(folder: Path, report: Report) -> None:
    (folder / REPORT).write_text(report.to_json() + "\n", encoding="utf-8")
    pipelines = {language: digests(folder / language) for language in report.languages}
    (folder / MANIFEST).write_text(json.dumps({"pipelines": pipelines}, indent=1) + "\n", encoding="utf-8")


def _replace(out: Path, fresh: Path) -> None:
    """Two renames; a crash between them leaves the old model beside `out` as `.<name>-old`."""
    old = out.with_name(f".{out.name}-old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)
