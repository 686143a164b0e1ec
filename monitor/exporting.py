"""Mentions as programs and spreadsheets read them, page by page, so that a million of them need no more memory than one
page."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, TextIO

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Context
from alerts.payload import json_line, mention_payload
from monitor.case_views import load_cases
from monitor.loading import JOINED, read_mention
from monitor.schema import cases, corrections, mentions, posts, verdicts
from monitor.store import Store
from rules.base import Label
from sources.base import JSON

PAGE = 500  # mentions read at a time
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet takes for a formula

COLUMNS: Final = (
    *("id", "created_at", "watchlist", "watchlist_kind", "tags", "sentiment", "lang"),
    *(label.value for label in Label),
    *("corrected", "source", "external_id", "url", "author", "published_at", "kind", "title", "text"),
    *(
        "rating",
        "followers",
        "engagement",
        "terms",
        "state",
        "owner",
        "priority",
        "due_at",
        "responded_at",
        "case_tags",
    ),
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which mentions; every condition that is given must hold, of several values one."""

    since: datetime | None = None
    watchlists: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()  # carried, or unsure, none, unclassified
    states: tuple[str, ...] = ()  # of cases


def read_all(store: Store, wanted: Filter) -> Iterator[dict[str, JSON]]:
    """By rising id, in the shape of alerts with `created_at` and `corrected`; without withdrawn posts. Blocking."""
    after = 0
    while True:
        page, last = store.read_now(partial(_page, wanted=wanted, after=after))
        yield from page
        if last is None:
            return
        after = last


def _page(connection: Connection, wanted: Filter, after: int) -> tuple[list[dict[str, JSON]], int | None]:
    """A page, and the id that the next one begins behind; None: that was the last."""
    query = sa.select(posts, mentions, verdicts, corrections.c.labels.label("said"))
    joined = JOINED.outerjoin(cases, cases.c.mention_id == mentions.c.id)
    joined = joined.outerjoin(corrections, corrections.c.mention_id == mentions.c.id)
    query = query.select_from(joined).where(mentions.c.id > after, posts.c.deleted_at.is_(None), *_conditions(wanted))
    rows = connection.execute(query.order_by(mentions.c.id).limit(PAGE)).all()
    known = load_cases(connection, [row._mapping[mentions.c.id] for row in rows])
    shapes = []
    for row in rows:
        mention = read_mention(row)
        shape = mention_payload(mention, Context(known.get(mention.id)))
        created: datetime = row._mapping[mentions.c.created_at]
        shapes.append(shape | {"created_at": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "corrected": row.said})
    return shapes, rows[-1]._mapping[mentions.c.id] if len(rows) == PAGE else None


def _conditions(wanted: Filter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.since is not None:
        yield mentions.c.created_at >= wanted.since
    if wanted.watchlists:
        yield mentions.c.watchlist.in_(wanted.watchlists)
    if wanted.labels:
        tags = sa.cast(verdicts.c.tags, sa.Text)
        yield sa.or_(*(tags.contains(f'"{label}"', autoescape=True) for label in wanted.labels))
    if wanted.states:
        yield cases.c.state.in_(wanted.states)


def write_lines(found: Iterator[dict[str, JSON]], file: TextIO) -> Iterator[None]:
    """JSON lines; yields after each mention."""
    for shape in found:
        file.write(json_line(shape) + "\n")
        yield


def write_table(found: Iterator[dict[str, JSON]], file: TextIO, separator: str) -> Iterator[None]:
    """CSV with a heading; yields after each mention."""
    writer = csv.DictWriter(file, COLUMNS, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    for shape in found:
        writer.writerow({name: _cell(value) for name, value in _flat(shape).items()})
        yield


def _flat(shape: Mapping[str, Any]) -> dict[str, JSON]:
    post, case = shape["post"], shape["case"] or {}
    chances = {label.value: shape["labels"].get(label.value) for label in Label}
    own = {name: shape[name] for name in ("id", "created_at", "watchlist", "watchlist_kind", "sentiment", "lang")}
    of_post = ("source", "external_id", "url", "author", "published_at", "kind", "title", "text")
    of_case = ("state", "owner", "priority", "due_at", "responded_at")
    return (
        own
        | chances
        | {name: post[name] for name in (*of_post, "rating", "followers", "engagement")}
        | {name: case.get(name) for name in of_case}
        | {"tags": shape["tags"], "terms": shape["terms"], "corrected": shape["corrected"]}
        | {"case_tags": case.get("tags")}
    )


def _cell(value: JSON) -> JSON:
    """Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(_FORMULA) else text
