"""How the shipped classifier does on real posts that nobody of this project wrote, and how fast it is.

    MENTIOND_BENCH=../shared/bench python -m benchmarks.classifier [--json]

Reads every `*.jsonl` of the folder (rows: {"id", "text", "lang", "labels" or "proxy": {name: 0|1}}); nothing is ever
trained or tuned on them. The figure is macro-F1: the mean of the F1 of the class and of its opposite.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monitor.learning import area_under_curve, f_score, precision_recall
from monitor.model import load_classifier
from rules.base import Label, Sentiment, Verdict, View
from rules.classifier import SpacyClassifier

LANGUAGES = ("de", "en")
FOLDER = "MENTIOND_BENCH"
SENTIMENTS = {
    "sentiment_pos": Sentiment.POSITIVE,
    "sentiment_neu": Sentiment.NEUTRAL,
    "sentiment_neg": Sentiment.NEGATIVE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of the table."""

    file: str
    what: str
    rows: int
    macro_f1: float
    precision: float
    recall: float
    auc: float


def main() -> int:
    folder = os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        print(f"skipped: {FOLDER} names no folder with benchmark files", file=sys.stderr)
        return 0
    started = time.perf_counter()
    classifier = load_classifier(LANGUAGES)
    print(f"loaded in {time.perf_counter() - started:.2f} s", file=sys.stderr)
    lines = [line for file in sorted(Path(folder).glob("*.jsonl")) for line in _measure(file, classifier)]
    _show(lines, as_json="--json" in sys.argv)
    _speed(Path(folder), classifier)
    return 0


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def _classify(rows: Sequence[dict[str, Any]], classifier: SpacyClassifier) -> list[Verdict]:
    return classifier.classify([View(title="", text=row["text"], lang=row["lang"]) for row in rows])


def _measure(file: Path, classifier: SpacyClassifier) -> Iterator[Line]:
    rows = _read(file)
    verdicts = _classify(rows, classifier)
    truths = [{**row.get("labels", {}), **row.get("proxy", {})} for row in rows]
    if not any(truths):
        yield from _alarms(file, verdicts)
        return
    for name in sorted({name for truth in truths for name in truth}):
        if (label := _label(name)) is not None:
            known = [(truth[name], verdict) for truth, verdict in zip(truths, verdicts, strict=True) if name in truth]
            yield _line(file.stem, name, label, known)
    if any("sentiment_pos" in truth for truth in truths):
        yield _sentiment(file.stem, truths, verdicts)


def _label(name: str) -> Label | None:
    """`crisis_recall` and `question_silver` are kinds of ours."""
    return next((label for label in Label if name == label or name.startswith(f"{label}_")), None)


def _line(file: str, name: str, label: Label, known: Sequence[tuple[int, Verdict]]) -> Line:
    truth = np.array([float(true) for true, _ in known])
    chances = np.array([verdict.probabilities[label] for _, verdict in known])
    carried = np.array([float(label in verdict.tags) for _, verdict in known])
    precision, recall = precision_recall(carried, truth, 0.5)
    opposite = f_score(*precision_recall(1 - carried, 1 - truth, 0.5))
    macro = (f_score(precision, recall) + opposite) / 2
    return Line(file, name, len(known), macro, precision, recall, area_under_curve(chances, truth))


def _sentiment(file: str, truths: Sequence[dict[str, int]], verdicts: Sequence[Verdict]) -> Line:
    scores = []
    for name, sentiment in SENTIMENTS.items():
        truth = np.array([float(true.get(name, 0)) for true in truths])
        chosen = np.array([float(verdict.sentiment == sentiment) for verdict in verdicts])
        scores.append(f_score(*precision_recall(chosen, truth, 0.5)))
    return Line(file, "sentiment", len(truths), sum(scores) / 3, float("nan"), float("nan"), float("nan"))


def _alarms(file: Path, verdicts: Sequence[Verdict]) -> Iterator[Line]:
    """Unlabelled streams: the share that carries each label, in the column of the recall."""
    nan = float("nan")
    for label in Label:
        share = sum(label in verdict.tags for verdict in verdicts) / len(verdicts)
        yield Line(file.stem, f"carried: {label}", len(verdicts), nan, nan, share, nan)


def _show(lines: Sequence[Line], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
        return
    print(f"{'file':32}{'what':26}{'rows':>6}{'macroF1':>9}{'P':>7}{'R':>7}{'AUC':>7}")
    for line in lines:
        figures = f"{line.macro_f1:9.3f}{line.precision:7.3f}{line.recall:7.3f}{line.auc:7.3f}"
        print(f"{line.file:32}{line.what:26}{line.rows:6}{figures}")


def _speed(folder: Path, classifier: SpacyClassifier) -> None:
    rows = [row for language in LANGUAGES for row in _read(folder / f"stream_{language}.jsonl")]
    views = [View(title="", text=f"{row['text']} \N{BULLET}", lang=row["lang"]) for row in rows]
    started = time.process_time()
    classifier.classify(views)
    spent = time.process_time() - started
    letters = sum(len(view.text) for view in views) / len(views)
    print(
        f"{len(views) / spent:.0f} posts/CPU-s ({len(views)} posts of {letters:.0f} characters on average)",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
