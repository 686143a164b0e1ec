"""Posts out of JSON of any shape: which field of a post stands where in it.

A place is a path of keys with dots between (`message.body`), where a number counts in a list from 0
(`messages.0.text`). What has another type than its field counts as not there. Numbers are read from text too (`"9"`,
`"4,5"`), since surveys and exports write them so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from sources.base import JSON, Post, PostKind
from sources.dates import published
from sources.feed_entry import language
from sources.feed_identity import digest, stable_id
from sources.http import web_link
from sources.shape import find, flag, whole
from sources.text import html_to_text, plain_text

FieldName: TypeAlias = Literal[
    "text", "title", "author", "url", "external_id", "published_at", "lang", "kind", "rating", "followers",
    "engagement", "answered", "parent", "thread",
]  # fmt: skip
FIELDS: tuple[FieldName, ...] = FieldName.__args__  # type: ignore[attr-defined]  # of a Literal
Place: TypeAlias = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$")]


def read_items(body: bytes) -> list[JSON]:
    """What a body holds: the items of an array, the objects of JSON lines, or one object. Raises ValueError."""
    text = body.removeprefix(b"\xef\xbb\xbf").decode()
    try:
        value: JSON = json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise ValueError(f"no JSON: {error.msg} (column {error.colno})") from error
        value = [_line(line, number) for number, line in enumerate(lines, 1)]
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict | list):
        raise ValueError("no JSON object, array or lines")
    return value if isinstance(value, list) else [value]


def _line(line: str, number: int) -> JSON:
    try:
        value: JSON = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"no JSON, and line {number} by itself is none either") from error
    return value


def at(value: JSON, place: str) -> JSON:
    """What stands at a place; None where the path breaks off."""
    for key in place.split("."):
        is_index = isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 6
        value = find(value, int(key) if is_index else key)
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where the fields stand in the items of one source, and what is taken where there are none."""

    source: str
    places: Mapping[FieldName, str]
    kind: PostKind

    def post(self, item: JSON, identity: str, received: datetime) -> Post | None:
        """The post that an item is; None without a text, a title and a rating.

        `identity` tells it from all others where it has neither id nor address. An item without a date is as old as its
        arrival.
        """
        text, title, rating = self._text(item, "text"), self._text(item, "title"), self._number(item, "rating")
        if not isinstance(item, dict) or (not text.strip() and not title.strip() and rating is None):
            return None
        url, raw_date = web_link(self._text(item, "url").strip()), self._text(item, "published_at")
        return Post(
            source=self.source,
            external_id=self._reference(item, "external_id") or (stable_id(url) if url else digest(identity)),
            url=url,
            author=plain_text(self._text(item, "author")) or None,
            title=html_to_text(title),
            text=html_to_text(text),
            published_at=published(raw_date, received)[0],
            published_raw=raw_date or None,
            lang=language(self._text(item, "lang")),
            kind=self._kind(item),
            rating=rating,
            followers=self._count(item, "followers"),
            engagement=self._count(item, "engagement"),
            answered=flag(self._find(item, "answered")),
            parent=self._reference(item, "parent"),
            thread=self._reference(item, "thread"),
            raw=text,
        )

    def _find(self, item: JSON, field: FieldName) -> JSON:
        place = self.places.get(field)
        return None if place is None else at(item, place)

    def _text(self, item: JSON, field: FieldName) -> str:
        found = self._find(item, field)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            return ""
        return str(found)

    def _reference(self, item: JSON, field: FieldName) -> str | None:
        text = self._text(item, field).strip()
        return stable_id(text) if text else None

    def _number(self, item: JSON, field: FieldName) -> float | None:
        try:
            number = float(self._text(item, field).replace(",", "."))
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None

    def _count(self, item: JSON, field: FieldName) -> int | None:
        count = whole(self._find(item, field))
        return count if count is not None and 0 <= count <= 2**53 else None

    def _kind(self, item: JSON) -> PostKind:
        name = self._text(item, "kind")
        return PostKind(name) if name in set(PostKind) else self.kind
