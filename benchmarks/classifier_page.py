"""Writes what was measured into docs/classifier.md, between `<!-- measured: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import json
import math
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from monitor.model import SHIPPED


class Line(Protocol):
    """One figure of the benchmark."""

    @property
    def file(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def macro_f1(self) -> float: ...
    @property
    def precision(self) -> float: ...
    @property
    def recall(self) -> float: ...
    @property
    def auc(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """What others reach in macro-F1: "?" or a word list; TF-IDF trained on the same set; the best published."""

    rule: str = "-"
    same_set: str = "-"
    published: str = "-"
    aim: float | None = None
    is_counted: bool = True  # among the 17 tasks of the mean


TASKS: Mapping[tuple[str, str], Reference] = {
    ("en_complaints_preotiuc2019", "complaint"): Reference(".623", ".829", ".882 (BERT, other split)", 0.72),
    ("en_us_airline_2015", "complaint"): Reference(".594", ".836", "-", 0.74),
    ("en_appreviews_vu", "complaint"): Reference(aim=0.70),
    ("de_germeval2017_bahn", "complaint"): Reference(".564", ".722", "-"),
    ("en_us_airline_2015", "praise"): Reference(),
    ("de_germeval2017_bahn", "praise"): Reference(),
    ("de_flausch2025_praise", "praise"): Reference(".791", ".893", ".891 (positive F1)", 0.79),
    ("en_semeval19t9a_suggestion", "suggestion"): Reference(".757", ".801", ".781 (positive F1)", 0.75),
    ("en_appreviews_vu", "suggestion"): Reference(),
    ("en_nps_chat", "question"): Reference(".850", ".913", "-", 0.89),
    ("en_tac_tweetacts", "question"): Reference(),
    ("de_speechacts_tweets", "question"): Reference(".925", ".843", "-"),
    ("de_question_silver_chat", "question_silver"): Reference(".666", ".806", "-", 0.73),
    ("de_question_silver_posts", "question_silver"): Reference(),
    ("en_cpsc_incidents", "crisis_injury"): Reference(),
    ("de_germeval2017_bahn", "crisis_safety"): Reference(".650", ".772", "-"),
    ("de_germeval2017_bahn", "crisis_disruption"): Reference("-", ".834", "-"),
    ("en_us_airline_2015", "sentiment"): Reference("-", ".748", "-", 0.68, False),
    ("en_tweeteval_sentiment", "sentiment"): Reference("-", ".620", ".737 (macro recall)", 0.47, False),
    ("de_germeval2017_bahn", "sentiment"): Reference("-", ".612", ".789 (micro-F1)", 0.45, False),
    ("de_sb10k", "sentiment"): Reference("-", ".643", ".693 (micro-F1)", 0.46, False),
}
MEAN_AIM = 0.75


def mean_of_tasks(lines: Sequence[Line]) -> float:
    """The mean macro-F1 over the counted tasks."""
    figures = [line.macro_f1 for line in lines if _reference(line) and TASKS[line.file, line.what].is_counted]
    return sum(figures) / len(figures)


def _reference(line: Line) -> Reference | None:
    return TASKS.get((line.file, line.what))


def write(page: Path, lines: Sequence[Line], costs: Mapping[str, str]) -> None:
    """Replace what stands between the markers."""
    text = page.read_text(encoding="utf-8")
    report = json.loads((SHIPPED / "report.json").read_text(encoding="utf-8"))["languages"]
    parts = {"held-out": _held_out(report), "real": _real(lines), "alarms": _alarms(lines), "costs": _costs(costs)}
    for name, part in parts.items():
        start, end = f"<!-- measured: {name} -->", "<!-- end -->"
        text, count = re.subn(
            rf"{re.escape(start)}.*?{end}", lambda _, new=f"{start}\n{part}\n{end}": new, text, flags=re.DOTALL
        )
        if count != 1:
            raise ValueError(f"{page}: expected one {start}, found {count}")
    page.write_text(text, encoding="utf-8")


def _held_out(report: Mapping[str, Any]) -> str:
    head = "| pipeline | label | rows | precision | recall | F1 | macro-F1 | AUC | ECE | threshold | floor |"
    lines = [head, "|---" * 11 + "|"]
    for language, own in report.items():
        for label, figures in own["labels"].items():
            band = own["bands"][label]
            positives = figures["true_positives"] + figures["false_negatives"]
            names = ("precision", "recall", "f1", "macro_f1", "auc", "calibration_error")
            cells = " | ".join(f"{figures[name]:.2f}" for name in names)
            lines.append(
                f"| {language} | {label} | {positives:,} | {cells} | {band['threshold']:.2f} | {band['floor']:.2f} |"
            )
    lines.append("")
    for language, own in report.items():
        mean = sum(figures["macro_f1"] for figures in own["labels"].values()) / len(own["labels"])
        pairs, mood = own["pairs"], own["sentiment"]
        lines.append(
            f"- {language}: {own['rows']:,} rows in {own['domains']} domains, {own['features']:,} features; mean "
            f"macro-F1 of labels {mean:.3f}; mood: accuracy {mood['accuracy']:.2f}, macro-F1 {mood['macro_f1']:.2f}; "
            f"of {pairs['count']} texts with two brands, seen from each, {pairs['told_apart']:.0%} differ in the right "
            f"direction; in {pairs['right_side']:.0%} every label that differs is carried from the right side and from "
            f"that one only; {pairs['exact']:.0%} carry exactly the right labels from both sides."
        )
    return "\n".join(lines)


def _real(lines: Sequence[Line]) -> str:
    rows = [
        "| file | what | rows | macro-F1 | AUC | aim | rule | same set | published |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in lines:
        if line.what.startswith("carried"):
            continue
        own = _reference(line) or Reference()
        auc = "-" if math.isnan(line.auc) else f"{line.auc:.3f}"
        aim = "-" if own.aim is None else f"{own.aim:.2f}"
        where = f"| {line.file} | {line.what} | {line.rows:,} | {line.macro_f1:.3f} | {auc}"
        rows.append(f"{where} | {aim} | {own.rule} | {own.same_set} | {own.published} |")
    counted = sum(own.is_counted for own in TASKS.values())
    return "\n".join([*rows, "", f"Mean over {counted} binary tasks: **{mean_of_tasks(lines):.3f}** (aim {MEAN_AIM})."])


def _alarms(lines: Sequence[Line]) -> str:
    rows = ["| label | German | English |", "|---|---|---|"]
    shares = {(line.file, line.what): line.recall for line in lines if line.what.startswith("carried")}
    for what in dict.fromkeys(what for _, what in shares):
        german, english = (shares[f"stream_{language}", what] for language in ("de", "en"))
        rows.append(f"| {what.removeprefix('carried: ')} | {german:.1%} | {english:.1%} |")
    return "\n".join(rows)


def _costs(costs: Mapping[str, str]) -> str:
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, spaCy {version('spacy')}"
    )
    rows = ["| | |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in costs.items())]
    return "\n".join([*rows, "", f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}, one thread."])
