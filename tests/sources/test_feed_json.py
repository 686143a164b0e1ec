"""JSON Feed 1.0 and 1.1."""

from __future__ import annotations

import json

import pytest

from sources.document import Document, NotAFeed
from sources.feed_json import read_json
from sources.text import html_to_text

_URL = "https://feeds.example/feed.json"


def _read(*items: object, **feed: object) -> Document:
    return read_json(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items, **feed}), _URL)


def test_an_item_with_everything() -> None:
    item = {
        "id": "1",
        "url": "/1",
        "title": "a <b> & c",
        "content_html": "<p>Müller</p><p>Söhne</p>",
        "content_text": "Müller",
        "date_published": "2026-11-21T14:05:00+01:00",
        "date_modified": "2026-11-22T14:05:00+01:00",
        "authors": [{"url": "https://x.example"}, {"name": "Kim"}],
        "language": "de-DE",
    }
    document = _read(item, title="Kanal", language="en")
    (entry,) = document.entries
    assert (document.format, document.title, document.lang, document.damaged) == ("json", "Kanal", "en", False)
    assert (entry.id, entry.link, entry.author, entry.lang) == ("1", "https://feeds.example/1", "Kim", "de")
    assert entry.date == "2026-11-21T14:05:00+01:00"
    assert html_to_text(entry.title) == "a <b> & c"
    assert html_to_text(entry.content) == "Müller\nSöhne"


@pytest.mark.parametrize(
    ("item", "field", "value"),
    [
        ({"id": 7}, "id", "7"),
        ({"id": 7.5}, "id", "7.5"),
        ({"id": True}, "id", None),
        ({"id": ""}, "id", None),
        ({"external_url": "https://x.example/"}, "link", "https://x.example/"),
        ({"url": "javascript:alert(1)"}, "link", None),
        ({"author": {"name": "Kim"}}, "author", "Kim"),
        ({"authors": "Kim", "author": []}, "author", None),
        ({"date_modified": "2026"}, "date", "2026"),
        ({"date_published": None}, "date", None),
        ({"content_text": "a < b\nc"}, "content", "a &lt; b\nc"),
        ({"summary": "nur dies"}, "content", "nur dies"),
        ({"title": ["x"], "content_html": {"y": 1}}, "title", ""),
    ],
)
def test_fields_that_are_odd(item: dict[str, object], field: str, value: object) -> None:
    (entry,) = _read(item).entries
    assert getattr(entry, field) == value


def test_what_is_no_object_is_no_item() -> None:
    assert len(_read("a", 1, None, [], {"id": "1"}).entries) == 1


@pytest.mark.parametrize(
    "text",
    ["{", "[1]", "{}", '{"version": 1, "items": []}', '{"version": "https://jsonfeed.org/version/1", "items": "x"}',
     '{"items": []}', "[" * 100_000, '{"a":' * 100_000, '{"version": ' + "9" * 5000 + "}"],
)  # fmt: skip
def test_f21_other_json_is_refused(text: str) -> None:
    with pytest.raises(NotAFeed, match="JSON"):
        read_json(text, _URL)


def test_lone_surrogates_are_survived() -> None:
    document = read_json('{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","title":"a\\ud800b"}]}', _URL)
    assert html_to_text(document.entries[0].title) == "ab"
