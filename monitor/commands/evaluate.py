"""`mentiond evaluate`: how right the classifier is on labelled posts."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from monitor.classify import TOGETHER
from monitor.commands import FAILED, OK, CommandError
from monitor.commands.chosen import open_chosen
from monitor.commands.evaluation_output import TEXT_KEPT, print_figures
from monitor.commands.files import open_input
from monitor.commands.progress import Progress, remark
from monitor.evaluation import Judged
from monitor.labelled import Labelled, read_labelled
from rules.base import Classifier, Verdict
from rules.language import EUROPEAN


def run(options: argparse.Namespace) -> int:
    """Print the figures; rows that cannot be read are named and left out, with exit code 1 at the end."""
    files = _files(options.file)
    reading = _Reading(files)
    with Progress(sys.stderr) as progress:
        judged = list(_judge(reading.rows(progress), open_chosen(options), progress))
    for name, count in reading.ignored.most_common():
        remark(f"no label of mentiond's, not measured: {name} (rows: {count})")
    if reading.left_out:
        remark(f"rows left out: {reading.left_out}")
    if judged:
        print_figures(judged, options.worst, as_json=options.json)
    else:
        remark(f"{options.file}: no labelled post to measure on")
    return FAILED if reading.left_out or not judged else OK


def _files(name: str) -> Sequence[str]:
    if not Path(name).is_dir():
        return (name,)
    files = [str(file) for file in sorted(Path(name).rglob("*.jsonl"))]
    if not files:
        raise CommandError(f"{name}: no file in this folder ends in .jsonl")
    return files


def _language(file: Path) -> str | None:
    """The language that a file or its folder is named after, as in a corpus: de/rail.jsonl, de.jsonl."""
    return next((name for name in (file.absolute().parent.name, file.stem) if name in EUROPEAN), None)


class _Reading:
    """The rows of some files; counts what is not measured."""

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self.left_out = 0
        self.ignored: Counter[str] = Counter()

    def rows(self, progress: Progress) -> Iterator[tuple[str, Labelled]]:
        """(FILE:LINE, row) of every row that can be read."""
        for file in self._files:
            lang = _language(Path(file))
            with open_input(file) as lines:
                for number, content in enumerate(lines, 1):
                    if content.strip():
                        yield from self._row(f"{file}:{number}", content, lang, progress)

    def _row(self, where: str, content: bytes, lang: str | None, progress: Progress) -> Iterator[tuple[str, Labelled]]:
        try:
            row = read_labelled(content.removeprefix(b"\xef\xbb\xbf"), lang)
        except ValueError as error:
            self.left_out += 1
            progress.clear()
            remark(f"{where}: left out: {error}")
            return
        self.ignored.update(row.ignored)
        yield where, row


def _judge(rows: Iterator[tuple[str, Labelled]], classifier: Classifier, progress: Progress) -> Iterator[Judged]:
    while together := list(islice(rows, TOGETHER)):
        verdicts = classifier.classify([row.view for _, row in together])
        for (where, row), verdict in zip(together, verdicts, strict=True):
            progress.count()
            yield _judged(where, row, verdict)


def _judged(where: str, row: Labelled, verdict: Verdict) -> Judged:
    return Judged(where, row.text[:TEXT_KEPT], row.view.lang or verdict.lang, row.truth, row.sentiment, verdict)
