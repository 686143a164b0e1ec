"""How the shipped classifier does on real posts that nobody of this project wrote, and how fast it is.

    MENTIOND_BENCH=../shared/bench python -m benchmarks.classifier [--json] [--page docs/classifier.md] [--memory]

`--page` writes the figures into the page; `--memory` reads a million distinct posts and says how memory grew.

Reads every `*.jsonl` of the folder (rows: {"id", "text", "lang", "labels" or "proxy": {name: 0|1}}); nothing is ever
trained or tuned on them. The figure is macro-F1: the mean of the F1 of the class and of its opposite.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.classifier_page import mean_of_tasks, write
from monitor.evaluation import measure_label, measure_sentiment
from monitor.model import SHARED, SHIPPED, load_classifier
from rules.base import Label, Sentiment, Verdict, View
from rules.classifier import SpacyClassifier

LANGUAGES = ("de", "en")
FOLDER = "MENTIOND_BENCH"
MANY, TOGETHER = 1_000_000, 10_000  # posts, and posts at once, of the memory test
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
    import spacy  # noqa: F401 its own import is not what is measured

    started = time.perf_counter()
    classifier = load_classifier(LANGUAGES)
    costs = {
        "loading after spaCy's import, both languages and the shared one": f"{time.perf_counter() - started:.2f} s"
    }
    lines = measure_files(Path(folder), classifier)
    _show(lines, as_json="--json" in sys.argv)
    costs |= _sizes() | _speed(Path(folder), classifier)
    if "--memory" in sys.argv:
        costs |= _memory(Path(folder), classifier)
    for what, figure in costs.items():
        print(f"{what}: {figure}", file=sys.stderr)
    print(f"mean over the binary tasks: {mean_of_tasks(lines):.3f}", file=sys.stderr)
    if "--page" in sys.argv:
        write(Path(sys.argv[sys.argv.index("--page") + 1]), lines, costs)
    return 0


def measure_files(folder: Path, classifier: SpacyClassifier) -> list[Line]:
    """The figures of every file of the benchmark."""
    return [line for file in sorted(folder.glob("*.jsonl")) for line in _measure(file, classifier)]


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
    own = measure_label(truth, chances, carried)
    auc = float("nan") if own.auc is None else own.auc
    return Line(file, name, own.rows, own.macro_f1, own.precision, own.recall, auc)


def _sentiment(file: str, truths: Sequence[dict[str, int]], verdicts: Sequence[Verdict]) -> Line:
    pairs = [
        (sentiment, verdict.sentiment)
        for true, verdict in zip(truths, verdicts, strict=True)
        for name, sentiment in SENTIMENTS.items()
        if true.get(name)
    ]
    own = measure_sentiment(*zip(*pairs, strict=True))
    return Line(file, "sentiment", own.rows, own.macro_f1, float("nan"), float("nan"), float("nan"))


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


def _sizes() -> dict[str, str]:
    sizes = {
        language: sum(file.stat().st_size for file in (SHIPPED / language).rglob("*") if file.is_file()) / 1e6
        for language in (*LANGUAGES, SHARED)
    }
    return {"size": ", ".join(f"{language} {size:.1f} MB" for language, size in sizes.items())}


def _speed(folder: Path, classifier: SpacyClassifier) -> dict[str, str]:
    """Posts per CPU second: language, tokens, lexicon, labels and cues, 256 texts in a memory zone."""
    rows = [row for language in LANGUAGES for row in _read(folder / f"stream_{language}.jsonl")]
    short = [View(title="", text=f"{row['text']} \N{BULLET}", lang=None) for row in rows]
    long = [
        View(title="", text=" ".join(row["text"] for row in rows[at : at + 3]), lang=None)
        for at in range(0, len(rows), 3)
    ]
    speeds = {}
    for views in (short, long):
        started = time.process_time()
        classifier.classify(views)
        rate = len(views) / (time.process_time() - started)
        letters = sum(len(view.text) for view in views) / len(views)
        speeds[f"speed, posts of {letters:.0f} characters, language found out"] = f"{rate:,.0f} posts per CPU second"
    return speeds


def _memory(folder: Path, classifier: SpacyClassifier) -> dict[str, str]:
    """Resident memory after the first 100,000 and after 1,000,000 distinct posts, each with words of its own."""
    rows = [row["text"] for language in LANGUAGES for row in _read(folder / f"stream_{language}.jsonl")]
    after = {}
    for start in range(0, MANY, TOGETHER):
        numbers = range(start, start + TOGETHER)
        classifier.classify(
            [View(title="", text=f"{rows[n % len(rows)]} w{n:x}q z{n * 7:x}", lang="de") for n in numbers]
        )
        after[start + TOGETHER] = _resident()
    return {
        f"memory over {MANY:,} distinct posts": f"{after[MANY // 10]} MB after a tenth, {after[MANY]} MB at the end"
    }


def _resident() -> int:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 2**20


if __name__ == "__main__":
    sys.exit(main())
