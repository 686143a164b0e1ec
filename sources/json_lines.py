"""Posts as JSON lines: what one line says.

One object a line, only `text` is required: source, external_id, url, author, title, text, published_at, lang, kind,
rating, followers, engagement, answered, parent, thread. Other keys are ignored; `source` too, posts bear the
configured name.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sources.base import Post, PostKind
from sources.dates import published
from sources.feed_entry import language
from sources.feed_identity import digest, stable_id
from sources.http import web_link
from sources.lines import LONGEST_LINE, Line, Lines, Taken
from sources.text import html_to_text, plain_text

Count = Annotated[int, Field(ge=0, le=2**53)]


class Row(BaseModel):
    """One line; null means that the key is not there."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True, allow_inf_nan=False)

    text: str
    external_id: str | int | None = None
    url: str | None = None
    author: str | None = None
    title: str | None = None
    published_at: str | int | float | None = None
    lang: str | None = None
    kind: str | None = None
    rating: float | None = None
    followers: Count | None = None
    engagement: Count | None = None
    answered: bool | None = None
    parent: str | int | None = None
    thread: str | int | None = None


def take(lines: Lines, number: int, source: str, now: datetime, *, to_end: bool) -> Taken:
    """A page of the lines after line `number`.

    The last one counts without its end where it is complete: `to_end`, or an object.
    """
    taken = Taken()
    while not taken.is_full:
        line = lines.next()
        if line is None or not (line.is_whole or to_end or _is_object(line.content)):
            return taken
        taken.pass_over(line)
        try:
            post = _post(line, number + taken.lines, source, now)
        except ValueError as error:
            taken.leave_out(number + taken.lines, str(error))
            continue
        if post is not None:
            taken.add(post)
    taken.more = True
    return taken


def _is_object(content: bytes | None) -> bool:
    try:
        return content is not None and isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _post(line: Line, number: int, source: str, now: datetime) -> Post | None:
    """None for a blank line."""
    if line.content is None:
        raise ValueError(f"longer than {LONGEST_LINE // 2**20} MiB")
    return read_post(line.content, number, source, now) if line.content.strip() else None


def read_post(content: bytes, number: int, source: str, now: datetime) -> Post:
    """The post of line `number` (from 1). Raises ValueError, whose text says what is wrong with the line."""
    row = _row(content.removeprefix(b"\xef\xbb\xbf") if number == 1 else content)
    raw_date = None if row.published_at is None else str(row.published_at)
    published_at, dated = published(raw_date, now)
    return Post(
        source=source,
        external_id=_identity(row, content, number),
        url=web_link(row.url),
        author=plain_text(row.author or "") or None,
        title=html_to_text(row.title or ""),
        text=html_to_text(row.text),
        published_at=published_at,
        published_raw=raw_date,
        dated=dated,
        lang=language(row.lang),
        kind=_kind(row.kind),
        rating=row.rating,
        followers=row.followers,
        engagement=row.engagement,
        answered=row.answered,
        parent=_reference(row.parent),
        thread=_reference(row.thread),
        raw=row.text,
    )


def _row(content: bytes) -> Row:
    try:
        value = json.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start + 1})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} (column {error.colno})") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    try:
        return Row.model_validate({key: _without_surrogates(each) for key, each in value.items()})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'][:1]))}: {first['msg']}") from error


def _without_surrogates(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _identity(row: Row, content: bytes, number: int) -> str:
    if row.external_id not in (None, ""):
        return stable_id(str(row.external_id))
    return stable_id(row.url) if row.url else digest(f"{number}\n{content.decode().strip()}")


def _reference(value: str | int | None) -> str | None:
    return None if value in (None, "") else stable_id(str(value))


def _kind(name: str | None) -> PostKind:
    if name is None:
        return PostKind.POST
    try:
        return PostKind(name)
    except ValueError:
        raise ValueError(f"kind: one of {', '.join(PostKind)}") from None
