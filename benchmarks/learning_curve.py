"""How quality grows with the corpus and with the lexicon.

    MENTIOND_BENCH=../shared/bench python -m benchmarks.learning_curve

Trains on an eighth, a quarter, half and all of the corpus (every n-th row of each domain), and on all of it without the
lexicon and with every second of its entries. Prints the mean macro-F1 on held-out domains and over the binary tasks of
benchmarks/classifier.py. Takes about ten minutes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.classifier import FOLDER, LANGUAGES, measure_files
from benchmarks.classifier_page import mean_of_tasks
from monitor.examples import SHIPPED_CORPUS
from monitor.fields import SHIPPED_LEXICON
from monitor.model import load_classifier
from monitor.training import train

STEPS = ((8, 1), (4, 1), (2, 1), (1, 1), (1, 2), (1, 0))  # every n-th row; every n-th entry, 0: none


def main() -> int:
    folder = os.environ.get(FOLDER)
    if not folder or not Path(folder).is_dir():
        print(f"skipped: {FOLDER} names no folder with benchmark files", file=sys.stderr)
        return 0
    print("| rows (de, en) | entries (de, en) | held-out domains (de, en) | binary tasks |\n|---|---|---|---|")
    for rows, entries in STEPS:
        print(_step(rows, entries, Path(folder)), flush=True)
    return 0


def _step(rows: int, entries: int, bench: Path) -> str:
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        counts = _thin(SHIPPED_CORPUS, place / "corpus", "*.jsonl", rows, heading=0)
        words = _thin(SHIPPED_LEXICON, place / "lexicon", "*.txt", entries, heading=1)
        report = train(place / "corpus", place / "models", lambda line: None, place / "lexicon")
        means = []
        for language in LANGUAGES:
            figures = report.languages[language].labels.values()
            means.append(f"{sum(own.macro_f1 for own in figures) / len(figures):.3f}")
        lines = measure_files(bench, load_classifier(LANGUAGES, place / "models"))
    return f"| {_both(counts)} | {_both(words)} | {', '.join(means)} | {mean_of_tasks(lines):.3f} |"


def _thin(source: Path, target: Path, pattern: str, every: int, heading: int) -> dict[str, int]:
    """Copy every n-th line below the heading of each file; how many by language."""
    counts = dict.fromkeys(LANGUAGES, 0)
    for language in LANGUAGES:
        (target / language).mkdir(parents=True)
        for file in sorted((source / language).glob(pattern)):
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = lines[heading::every] if every else []
            counts[language] += len(kept)
            (target / language / file.name).write_text("".join([*lines[:heading], *kept]), encoding="utf-8")
    return counts


def _both(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,}" for count in counts.values())


if __name__ == "__main__":
    sys.exit(main())
