"""JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sources.document import Document, Entry, NotAFeed
from sources.feed_entry import absolute, as_markup, language, longest


def read_json(text: str, url: str) -> Document:
    """Return the feed; links are made absolute against `url`. Raises NotAFeed."""
    feed = _load(text)
    if not isinstance(feed, Mapping):
        raise NotAFeed("JSON that is no JSON Feed (a list)")
    items = feed.get("items")
    if "jsonfeed.org" not in _text(feed.get("version")) or not isinstance(items, Sequence) or isinstance(items, str):
        raise NotAFeed("JSON that is no JSON Feed (no jsonfeed.org version with items)")
    return Document(
        format="json",
        entries=tuple(_entry(item, url) for item in items if isinstance(item, Mapping)),
        title=_text(feed.get("title")),
        lang=language(_text(feed.get("language"))),
    )


def _load(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotAFeed("damaged JSON, not a feed") from error


def _entry(item: Mapping[str, object], url: str) -> Entry:
    link = _text(item.get("url")) or _text(item.get("external_url"))
    contents = (_text(item.get("content_html")), as_markup(_text(item.get("content_text"))))
    return Entry(
        id=_text(item.get("id")) or None,
        link=absolute(link, url),
        title=as_markup(_text(item.get("title"))),
        content=longest((*contents, as_markup(_text(item.get("summary"))))),
        date=_text(item.get("date_published")) or _text(item.get("date_modified")) or None,
        author=_author(item),
        lang=language(_text(item.get("language"))),
    )


def _author(item: Mapping[str, object]) -> str | None:
    """Return the first name: `authors` since version 1.1, `author` before."""
    authors = item.get("authors")
    people = [*authors] if isinstance(authors, list) else []
    for person in (*people, item.get("author")):
        if isinstance(person, Mapping) and (name := _text(person.get("name"))):
            return name
    return None


def _text(value: object) -> str:
    """Return text as it is and a number as text: ids are numbers in many a feed."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
