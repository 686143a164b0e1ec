"""`mentiond train --corrections`: a model that has learned from what people corrected, against the one in use.

It replaces that one only where it is not worse. On corrections each model is judged as it was before it learned from
them: the new one across folds, the one in use by what it says now, or said across folds if it had learned them too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from monitor.corrections import Correction
from monitor.encoders import META, NamedEncoder
from monitor.examples import Example
from monitor.fields import SHIPPED_LEXICON
from monitor.held_out import Report
from monitor.labelled import view_of_masked
from monitor.learning import f_score, precision_recall
from monitor.lessons import digest
from monitor.model import SHARED
from monitor.training import REPORT, UNSEEN, Carried, replace, train
from rules.base import Classifier, Label

FEW = 10  # corrections; below that the comparison on them says little
TOLERANCE = 0.01  # of macro-F1 on held-out rows: as much is the price of learning something else


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for. `old` is the model in use, `languages` those it is used for, most important first.

    `encoder` is the one to train with; `only` a single language of the corpus.
    """

    corpus: Path
    old: Path
    out: Path
    languages: Sequence[str]
    encoder: NamedEncoder | None = None
    only: str | None = None
    is_forced: bool = False
    lexicon: Path = SHIPPED_LEXICON


@dataclass(frozen=True, slots=True)
class Lesson:
    """A correction in the language that it is read in, and the labels that each model carries; `new` once trained."""

    lang: str
    example: Example
    old: frozenset[Label]
    new: frozenset[Label] = frozenset()


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean macro-F1 (0-1) over the labels, of both models; None: not known. Each with the rows it was measured on."""

    lang: str
    old_rows: int
    new_rows: int
    old: float | None
    new: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models by language: on rows of the corpus from domains they had not seen, and on the corrections.

    `old_exact` and `new_exact` count the corrections whose labels are all right; `reasons` speak against the new model.
    """

    corrections: int
    held_out: tuple[Scores, ...]
    corrected: tuple[Scores, ...]
    old_exact: int
    new_exact: int
    reasons: tuple[str, ...]
    replaced: bool
    out: str

    def table(self) -> str:
        """The figures for a terminal."""
        lines = [f"{'macro-F1':20}{'lang':6}{'rows':>7}{'old':>8}{'new':>8}{'change':>9}"]
        for title, several in (("held-out rows", self.held_out), ("corrections", self.corrected)):
            lines += [f"{title:20}{one.lang:6}{one.new_rows:7}{_cells(one)}" for one in several]
        change = self.new_exact - self.old_exact
        return "\n".join(
            [*lines, f"{'exactly right':26}{self.corrections:7}{self.old_exact:8}{self.new_exact:8}{change:+9}"]
        )

    def to_json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def _cells(one: Scores) -> str:
    old, new = ("-" if score is None else f"{score:.3f}" for score in (one.old, one.new))
    change = "-" if one.old is None or one.new is None else f"{one.new - one.old:+.3f}"
    return f"{old:>8}{new:>8}{change:>9}"


def retrain(
    plan: Plan, classifier: Classifier, corrections: Sequence[Correction], progress: Callable[[str], None]
) -> Comparison:
    """Train, compare, and put the new model into `plan.out` unless something speaks against it and it is not forced.

    `classifier` is the model in use. Raises what `train` raises.
    """
    lessons = _lessons(corrections, classifier, _read_unseen(plan.old))
    by_language: dict[str, list[Example]] = {}
    for lesson in lessons:
        by_language.setdefault(lesson.lang, []).append(lesson.example)
    plan.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{plan.out.name}-", dir=plan.out.parent) as folder:
        fresh = Path(folder) / plan.out.name
        report = train(
            plan.corpus,
            fresh,
            progress,
            plan.lexicon,
            encoder=plan.encoder,
            language=plan.only,
            corrections=by_language,
        )
        judged = _judged_by_new(lessons, _read_unseen(fresh), set(plan.languages) & set(report.languages))
        comparison = _compare(plan, judged, report)
        if comparison.replaced:
            replace(plan.out, fresh)
    return comparison


def _lessons(corrections: Sequence[Correction], classifier: Classifier, unseen: Mapping[str, Carried]) -> list[Lesson]:
    """Corrections without a sentiment take the one that the model in use gives."""
    stated = [None if one.lang == "und" else one.lang for one in corrections]
    views = [view_of_masked("", one.text, lang) for one, lang in zip(corrections, stated, strict=True)]
    lessons = []
    for one, verdict in zip(corrections, classifier.classify(views), strict=True):
        mood = one.remark.sentiment or verdict.sentiment
        example = Example(one.text, one.remark.labels, mood, "corrections", "correction")
        carried = unseen.get(verdict.lang if verdict.sure else SHARED, {}).get(digest(one.text), verdict.tags)
        lessons.append(Lesson(verdict.lang, example, _labels(carried)))
    return lessons


def _judged_by_new(lessons: Sequence[Lesson], unseen: Mapping[str, Carried], own: set[str]) -> list[Lesson]:
    """`own` are the languages that the new model reads with a pipeline of their own."""
    carried = [unseen[one.lang if one.lang in own else SHARED][digest(one.example.text)] for one in lessons]
    return [
        Lesson(one.lang, one.example, one.old, _labels(labels)) for one, labels in zip(lessons, carried, strict=True)
    ]


def _labels(tags: Sequence[str]) -> frozenset[Label]:
    return frozenset(label for label in Label if label in tags)


def _read_unseen(folder: Path) -> dict[str, Carried]:
    """What the model in `folder` said of corrections that it learned from afterwards; {} where there were none."""
    try:
        read: dict[str, Carried] = json.loads((folder / UNSEEN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read


def encoder_in(folder: Path) -> str | None:
    """The name of the encoder that the model in `folder` was trained with; None for none, or no model."""
    try:
        told = json.loads((folder / SHARED / "meta.json").read_text(encoding="utf-8")).get(META)
    except (OSError, ValueError):
        return None
    return str(told["name"]) if told else None


def _compare(plan: Plan, lessons: Sequence[Lesson], report: Report) -> Comparison:
    held_out = tuple(_held_out(plan.old, report))
    languages = sorted({lesson.lang for lesson in lessons})
    exact = [
        sum(carried == lesson.example.labels for lesson, carried in said)
        for said in ([(one, one.old) for one in lessons], [(one, one.new) for one in lessons])
    ]
    reasons = tuple(_reasons(plan, held_out, *exact))
    return Comparison(
        corrections=len(lessons),
        held_out=held_out,
        corrected=tuple(_on_corrections(lang, [one for one in lessons if one.lang == lang]) for lang in languages),
        old_exact=exact[0],
        new_exact=exact[1],
        reasons=reasons,
        replaced=plan.is_forced or not reasons,
        out=str(plan.out),
    )


def _held_out(old: Path, report: Report) -> list[Scores]:
    """Every language that either model has a pipeline for."""
    before = _read_report(old)
    after = {
        lang: (own.rows, _mean([figures.macro_f1 for figures in own.labels.values()]))
        for lang, own in report.languages.items()
    }
    scores = []
    for lang in sorted({*before, *after}, key=lambda lang: (lang == SHARED, lang)):
        (old_rows, old_score), (rows, score) = (known.get(lang, (0, None)) for known in (before, after))
        scores.append(Scores(lang, old_rows, rows, old_score, score))
    return scores


def _read_report(folder: Path) -> dict[str, tuple[int, float | None]]:
    """Rows and mean macro-F1 by language; {} where a report is missing, damaged, or of a version without macro-F1."""
    try:
        languages = json.loads((folder / REPORT).read_text(encoding="utf-8"))["languages"]
        return {
            str(lang): (int(own["rows"]), _mean([float(figures["macro_f1"]) for figures in own["labels"].values()]))
            for lang, own in languages.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _mean(numbers: Sequence[float]) -> float | None:
    return round(sum(numbers) / len(numbers), 4) if numbers else None


def _on_corrections(lang: str, lessons: Sequence[Lesson]) -> Scores:
    old, new = (_macro_f1(lessons, said) for said in ([one.old for one in lessons], [one.new for one in lessons]))
    return Scores(lang, len(lessons), len(lessons), old, new)


def _macro_f1(lessons: Sequence[Lesson], said: Sequence[frozenset[Label]]) -> float | None:
    """The mean F1 of all labels and their opposites that are right of at least one post: few posts have few of them."""
    scores = []
    for label in Label:
        truth = np.array([float(label in one.example.labels) for one in lessons])
        carried = np.array([float(label in labels) for labels in said])
        for true, told in ((truth, carried), (1 - truth, 1 - carried)):
            if true.any():
                scores.append(f_score(*precision_recall(told, true, 0.5)))
    return _mean(scores)


def _reasons(plan: Plan, held_out: Sequence[Scores], old_exact: int, new_exact: int) -> list[str]:
    """What speaks against the new model, a clause each."""
    reasons = []
    if all(one.old is None for one in held_out):
        reasons.append(f"the model in use has no figures to compare with ({plan.old / REPORT})")
    for one in held_out:
        if one.old is not None and one.new is None and one.lang in plan.languages:
            reasons.append(f"it would not have the language {one.lang}")
        elif one.old is not None and one.new is not None and one.old - one.new > TOLERANCE:
            reasons.append(f"macro-F1 on held-out rows falls from {one.old:.3f} to {one.new:.3f} ({one.lang})")
    if new_exact < old_exact:
        reasons.append(f"{new_exact} instead of {old_exact} corrections would be exactly right")
    return reasons
