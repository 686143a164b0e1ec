"""The figures of `mentiond evaluate`: tables for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from alerts.excerpt import clean
from monitor.evaluation import Figures, Judged, LabelReport, SentimentFigures, measure_labels, measure_sentiments
from rules.base import Sentiment
from sources.base import JSON

TEXT_KEPT = 400  # characters of a post
_TEXT_SHOWN = 100  # ... in a line of the table


def print_figures(judged: Sequence[Judged], worst: int, *, as_json: bool) -> None:
    """By language: every label, the sentiment, and up to `worst` mistakes for each label."""
    labels, sentiments = measure_labels(judged, worst), measure_sentiments(judged)
    if as_json:
        shapes = [*map(_label_shape, labels), *(_sentiment_shape(lang, own) for lang, own in sentiments.items())]
        for shape in shapes:
            print(json.dumps(shape, ensure_ascii=False))
        return
    if labels:
        _print_labels(labels)
    for lang, own in sentiments.items():
        _print_sentiment(lang, own)
    for report in labels:
        _print_worst(report)


def _label_shape(report: LabelReport) -> dict[str, JSON]:
    return {
        "kind": "label",
        "lang": report.lang,
        "label": report.label,
        "rows": report.figures.rows,
        **_figure_shape(report.figures),
        "worst": [_mistake_shape(report, one) for one in report.worst],
    }


def _figure_shape(figures: Figures) -> dict[str, JSON]:
    return {
        "positives": figures.positives,
        "true_positives": figures.true_positives,
        "false_positives": figures.false_positives,
        "false_negatives": figures.false_negatives,
        "true_negatives": figures.true_negatives,
        "precision": round(figures.precision, 4),
        "recall": round(figures.recall, 4),
        "f1": round(figures.f1, 4),
        "macro_f1": round(figures.macro_f1, 4),
        "auc": None if figures.auc is None else round(figures.auc, 4),
        "calibration_error": round(figures.calibration_error, 4),
    }


def _mistake_shape(report: LabelReport, one: Judged) -> dict[str, JSON]:
    return {
        "where": one.where,
        "is": one.truth[report.label],
        "probability": one.verdict.probabilities.get(report.label, 0.0),
        "cues": list(one.verdict.cues.get(report.label, ())),
        "text": one.text,
    }


def _sentiment_shape(lang: str, own: SentimentFigures) -> dict[str, JSON]:
    return {
        "kind": "sentiment",
        "lang": lang,
        "rows": own.rows,
        "accuracy": round(own.accuracy, 4),
        "macro_f1": round(own.macro_f1, 4),
        "confusion": {true.value: {each.value: n for each, n in row.items()} for true, row in own.confusion.items()},
    }


_HEAD = ("rows", "true", "P", "R", "F1", "macro", "AUC", "ECE", "hits", "false", "missed", "rest")


def _print_labels(reports: Sequence[LabelReport]) -> None:
    print(f"{'lang':6}{'label':16}" + "".join(f"{name:>8}" for name in _HEAD))
    for lang in dict.fromkeys(report.lang for report in reports):
        own = [report for report in reports if report.lang == lang]
        for report in own:
            print(f"{lang:6}{report.label:16}{_cells(report.figures)}")
        f1, macro = (sum(values) / len(own) for values in zip(*map(_scores, own), strict=True))
        print(f"{lang:6}{'mean':16}{'':32}{f1:8.3f}{macro:8.3f}")


def _scores(report: LabelReport) -> tuple[float, float]:
    return report.figures.f1, report.figures.macro_f1


def _cells(own: Figures) -> str:
    counts = (own.true_positives, own.false_positives, own.false_negatives, own.true_negatives)
    auc = f"{'-':>8}" if own.auc is None else f"{own.auc:8.3f}"
    return (
        f"{own.rows:8}{own.positives:8}{own.precision:8.3f}{own.recall:8.3f}{own.f1:8.3f}{own.macro_f1:8.3f}{auc}"
        f"{own.calibration_error:8.3f}{''.join(f'{count:8}' for count in counts)}"
    )


def _print_sentiment(lang: str, own: SentimentFigures) -> None:
    print(f"\n{lang} sentiment: rows {own.rows}, accuracy {own.accuracy:.3f}, mean F1 {own.macro_f1:.3f}")
    print(f"{'  true':14}" + "".join(f"{f'as {each}':>14}" for each in Sentiment))
    for true, row in own.confusion.items():
        print(f"  {true:12}{_counts(row)}")


def _counts(row: Mapping[Sentiment, int]) -> str:
    return "".join(f"{row[each]:14}" for each in Sentiment)


def _print_worst(report: LabelReport) -> None:
    if report.worst:
        print(f"\n{report.lang} {report.label}: worst mistakes")
    for one in report.worst:
        what = "missed" if one.truth[report.label] else "false "
        cues = ", ".join(map(clean, one.verdict.cues.get(report.label, ()))) or "-"
        text = clean(one.text).strip()
        text = text if len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…"
        print(f"  {what} {one.verdict.probabilities.get(report.label, 0.0):.2f}  {one.where}  {text}  [{cues}]")
