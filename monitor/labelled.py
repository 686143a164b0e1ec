"""Labelled posts as JSON lines: what `mentiond evaluate` measures a classifier on. The format: docs/classifier.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from monitor.classify import SeenFrom, first_mistake
from monitor.config_errors import suggest
from rules.base import Label, Sentiment, View
from rules.words import OTHER, TARGET
from sources.base import JSON

_MASKS = re.compile(rf"\b({TARGET}|{OTHER})\b")
_STAND_INS = {TARGET: "Qxtargetxq", OTHER: "Qxotherxq"}  # names that nobody writes


@dataclass(frozen=True, slots=True)
class Labelled:
    """A post and what is known of it: `text` for people, `view` for the classifier.

    `ignored` are labels that mentiond does not have.
    """

    text: str
    view: View
    truth: Mapping[Label, bool]
    sentiment: Sentiment | None
    ignored: tuple[str, ...]


class _Row(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    text: Annotated[str, Field(strict=True, min_length=1)]
    labels: Any = None  # read by hand: a list, or a mapping to 0 and 1
    sentiment: Sentiment | None = None
    title: str | None = None
    lang: str | None = None
    seen_from: SeenFrom = SeenFrom()
    masked: bool | None = None
    domain: str | None = None
    register_: str | None = Field(None, alias="register")


def read_labelled(line: bytes, lang: str | None = None) -> Labelled:
    """The post of one line, in `lang` unless it says so itself. Raises ValueError, which says what is wrong."""
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        raise ValueError(first_mistake(error)) from error
    truth, ignored = _truth(row.labels)
    if not truth and row.sentiment is None:
        found = f"none of mentiond's among {', '.join(ignored[:5])}" if ignored else "none, and no sentiment"
        raise ValueError(f"labels: {found}")
    stated = (row.lang or lang or "").lower().replace("_", "-").partition("-")[0]
    text = f"{row.title}\n{row.text}" if row.title else row.text
    return Labelled(text, _view(row, stated or None), truth, row.sentiment, ignored)


def _truth(labels: JSON) -> tuple[dict[Label, bool], tuple[str, ...]]:
    """What is known of each label, and the names of other people's labels."""
    match labels:
        case None:
            return {}, ()
        case list():
            return _listed(labels), ()
        case dict():
            return _marked(labels), tuple(name for name in labels if name not in set(Label))
        case _:
            raise ValueError('labels: expected {"complaint": 1, ...} or ["complaint", ...]')


def _listed(names: list[JSON]) -> dict[Label, bool]:
    """A list names every label that is right: a misspelt one would count as wrong."""
    for name in names:
        if name not in [*Label]:
            raise ValueError(f"labels: unknown label {name!r}{suggest(name, Label)}")
    return {label: label in names for label in Label}


def _marked(labels: dict[str, JSON]) -> dict[Label, bool]:
    for label in Label:
        value = labels.get(label, 0)
        if not isinstance(value, int) or value not in (0, 1):
            raise ValueError(f"labels.{label}: expected 0 or 1")
    return {label: bool(labels[label]) for label in Label if label in labels}


def _view(row: _Row, lang: str | None) -> View:
    is_masked = row.domain is not None and row.register_ is not None if row.masked is None else row.masked
    if is_masked:
        return view_of_masked(row.title or "", row.text, lang)
    return View(row.title or "", row.text, lang, row.seen_from.names, row.seen_from.others)


def view_of_masked(title: str, text: str, lang: str | None) -> View:
    """A view that reads just as this text whose names are masked already.

    In a post of somebody's a literal TARGET is no mask, so the masks become names and these are what the view masks.
    """
    title, text = (_MASKS.sub(lambda mask: _STAND_INS[mask[0]], part) for part in (title, text))
    return View(title, text, lang, (_STAND_INS[TARGET],), (_STAND_INS[OTHER],))
