"""`mentiond classify`: posts as JSON lines in, verdicts as JSON lines out. The shapes: docs/classifier.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pydantic import BaseModel, ConfigDict, ValidationError

from rules.base import Classifier, Verdict, View
from sources.base import JSON

TOGETHER = 256  # lines classified at a time


class SeenFrom(BaseModel):
    """From which target a post is seen."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    names: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


class _Line(BaseModel):
    """What the classifier needs of a post; its other fields are let pass."""

    model_config = ConfigDict(hide_input_in_errors=True)

    text: str
    title: str | None = None
    lang: str | None = None
    external_id: str | None = None
    seen_from: SeenFrom = SeenFrom()


def classify_lines(lines: Iterable[str], classifier: Classifier) -> Iterator[dict[str, JSON]]:
    """One object per line that is not blank, in order; `line` counts the input from 1.

    A line that is no post gives `{"line", "error"}` and stops nothing.
    """
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while together := list(islice(numbered, TOGETHER)):
        yield from _classify([(number, _parse(line)) for number, line in together], classifier)


def _parse(line: str) -> _Line | str:
    """The post, or what is wrong with the line."""
    try:
        return _Line.model_validate_json(line.encode("utf-8", "surrogatepass"))
    except ValidationError as error:
        return first_mistake(error)


def first_mistake(error: ValidationError) -> str:
    """`field: what is wrong with it`, without the value."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _classify(parsed: Sequence[tuple[int, _Line | str]], classifier: Classifier) -> Iterator[dict[str, JSON]]:
    posts = [post for _, post in parsed if isinstance(post, _Line)]
    verdicts = iter(classifier.classify([_view(post) for post in posts]))
    for number, post in parsed:
        if isinstance(post, str):
            yield {"line": number, "error": post}
        else:
            yield {"line": number, "external_id": post.external_id, **_shape(next(verdicts))}


def _view(post: _Line) -> View:
    return View(
        title=post.title or "",
        text=post.text,
        lang=post.lang,
        names=post.seen_from.names,
        others=post.seen_from.others,
    )


def _shape(verdict: Verdict) -> dict[str, JSON]:
    shape: dict[str, JSON] = {
        "labels": {str(label): chance for label, chance in verdict.probabilities.items()},
        "tags": list(verdict.tags),
        "sentiment": str(verdict.sentiment),
        "lang": verdict.lang,
        "cues": {str(label): list(words) for label, words in verdict.cues.items()},
    }
    return shape if verdict.sure else {**shape, "sure": False}
