"""What the classifier says of a mention, in words."""

from __future__ import annotations

from alerts.excerpt import clean, cut
from alerts.words import Words
from rules.base import NONE, UNCLASSIFIED, UNSURE, Label, Mention, Verdict, WatchlistKind

_TERMS_SHOWN = 8


def headline(mention: Mention, words: Words) -> str:
    """`Complaint about Acme (also question) · 92 % · heise`."""
    name, kind = clean(mention.watchlist.name), mention.watchlist.kind
    target = name if kind is WatchlistKind.BRAND else f"{name} ({words.kinds[kind]})"
    return " · ".join((*_gist(mention.verdict, target, words), clean(mention.post.source)))


def _gist(verdict: Verdict, target: str, words: Words) -> tuple[str, ...]:
    if not verdict.is_classified:
        return (words.unclassified.format(target),)
    if verdict.tags == (NONE,) or not verdict.tags:
        return (words.none.format(target),)
    if verdict.tags == (UNSURE,):
        likely = _likeliest(verdict)
        if likely is None:
            return (words.unsure.format(target),)
        return words.perhaps.format(words.about[likely].format(target)), _percent(verdict, likely)
    first, *others = _carried(verdict)
    also = ", ".join(words.labels[label] for label in others)
    about = words.about[first].format(target)
    return f"{about} ({words.also.format(also)})" if also else about, _percent(verdict, first)


def _carried(verdict: Verdict) -> list[Label]:
    return [Label(tag) for tag in verdict.tags if tag not in (UNSURE, NONE, UNCLASSIFIED)]


def _likeliest(verdict: Verdict) -> Label | None:
    return max(verdict.probabilities, key=lambda label: verdict.probabilities[label], default=None)


def _percent(verdict: Verdict, label: Label) -> str:
    """Rounded down below certainty: 99.7 % is not 100 %."""
    return f"{int(verdict.probabilities.get(label, 0.0) * 100 + 1e-6)} %"


def judgement(verdict: Verdict, words: Words) -> str:
    """`complaint 92 % (kaputt, nervt), question 71 %, negative`: what is carried and what has cues."""
    if not verdict.is_classified:
        return ""
    shown = [label for label in Label if label in _carried(verdict) or verdict.cues.get(label)]
    judged = [_judged(verdict, label, words) for label in shown]
    return ", ".join([*judged, words.sentiments[verdict.sentiment]])


def _judged(verdict: Verdict, label: Label, words: Words) -> str:
    said = f"{words.labels[label]} {_percent(verdict, label)}"
    cues = listed(verdict.cues.get(label, ()))
    return f"{said} ({cut(cues, 60)})" if cues else said


def listed(terms: tuple[str, ...], separator: str = ", ") -> str:
    return separator.join(clean(term) for term in terms[:_TERMS_SHOWN])
