"""What the fast path does not take: feedparser, in a child process that may be killed.

The only file that touches feedparser, which ships no types. `python -m sources.feed_fallback` is the child (see
sources.frames): asked `{"text", "url"}`, answered `{"document"}`. What feedparser itself throws ends the process: the
parent refuses that document and starts another child.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sources.document import Document, Entry
from sources.feed_entry import absolute, as_markup, language, longest, permalink
from sources.frames import serve

_FORMATS = (("atom", "atom"), ("rss10", "rdf"), ("rss090", "rdf"), ("", "rss"))

# feedparser's results are dictionaries of whatever the document held.
_Parsed = Mapping[str, Any]


def read_loose(text: str, url: str) -> Document | None:
    """Return the feed in a decoded document without XML declaration, None where there is none.

    Raises whatever feedparser throws.
    """
    import feedparser

    parsed = feedparser.parse(
        io.BytesIO(text.encode("utf-8", "replace")),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    version = str(parsed.get("version") or "")
    if not version and not parsed.entries:
        return None
    return Document(
        format=next(name for start, name in _FORMATS if version.startswith(start)),
        entries=tuple(_entry(entry, url, is_atom=version.startswith("atom")) for entry in parsed.entries),
        title=str(parsed.feed.get("title") or ""),
        lang=language(parsed.feed.get("language")),
        damaged=bool(parsed.bozo),
    )


def _entry(entry: _Parsed, url: str, *, is_atom: bool) -> Entry:
    guid = _text(entry, "id")
    link = _text(entry, "link")
    if link == guid:
        link = permalink(guid)
    return Entry(
        id=guid,
        link=absolute(link or _other_link(entry), url),
        title=_markup(_text(entry, "title"), _detail(entry, "title"), is_atom=is_atom),
        content=longest(list(_contents(entry, is_atom=is_atom))),
        date=_text(entry, "published") or _text(entry, "updated") or _text(entry, "created"),
        author=_text(entry, "author"),
        lang=language(_text(_detail(entry, "title"), "language")),
        thread=_text(_part(entry, "thr_in-reply-to"), "ref") or absolute(_text(entry, "comments"), url),
        publisher=_text(_part(entry, "source"), "title") or _text(entry, "news_source"),
    )


def _text(parsed: _Parsed, key: str) -> str | None:
    """Return a value that is text; past the aliases that feedparser's dictionaries have."""
    value = dict.get(parsed, key) if isinstance(parsed, dict) else None
    return value if isinstance(value, str) and value else None


def _part(parsed: _Parsed, key: str) -> _Parsed:
    value = dict.get(parsed, key) if isinstance(parsed, dict) else None
    return value if isinstance(value, dict) else {}


def _detail(parsed: _Parsed, key: str) -> _Parsed:
    return _part(parsed, f"{key}_detail")


def _other_link(entry: _Parsed) -> str | None:
    """Return an alternate that is no HTML."""
    links = [link for link in entry.get("links") or () if isinstance(link, dict)]
    return next((_text(link, "href") for link in links if link.get("rel") == "alternate"), None)


def _contents(entry: _Parsed, *, is_atom: bool) -> Iterator[str]:
    for part in (dict.get(entry, "content") if isinstance(entry, dict) else None) or ():
        yield _markup(_text(part, "value"), part, is_atom=is_atom)
    yield _markup(_text(entry, "summary"), _detail(entry, "summary"), is_atom=is_atom)


def _markup(value: str | None, detail: _Parsed, *, is_atom: bool) -> str:
    return as_markup(value or "") if is_atom and _text(detail, "type") == "text/plain" else value or ""


def document_from(answer: Mapping[str, Any]) -> Document | None:
    """Return the document that the child answered; None: there was no feed in it."""
    fields = answer["document"]
    if fields is None:
        return None
    return Document(**fields | {"entries": tuple(Entry(**entry) for entry in fields["entries"])})


def _answer(question: Mapping[str, Any]) -> dict[str, object]:
    document = read_loose(question["text"], question["url"])
    return {"document": None if document is None else asdict(document)}


if __name__ == "__main__":
    import feedparser  # noqa: F401  # loaded before the first question, so that no document pays for it

    serve(_answer)
