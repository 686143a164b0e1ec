"""The readers of feed documents that need no child process, in the order in which they are tried."""

from __future__ import annotations

from contextlib import suppress

from sources.document import Document
from sources.feed_encoding import decoded, legal, undeclared, with_entities
from sources.feed_json import read_json
from sources.feed_screen import has_doctype, refuse
from sources.feed_xml import Unsure, read_xml


def read_fast(body: bytes, content_type: str | None, url: str) -> Document | str:
    """Return the feed, or the decoded text where it must go to feedparser. Raises NotAFeed."""
    text = decoded(body, content_type)
    with suppress(Unsure):  # most feeds are well-formed: what is to be refused or mended is looked for in the others
        return _read_strict(undeclared(text), url)
    text = legal(text)
    refuse(body, text)
    if text.lstrip().startswith(("{", "[")):
        return read_json(text, url)
    if has_doctype(text):
        return text
    text = text.lstrip()
    for mend in (str, with_entities):
        with suppress(Unsure):
            return read_xml(mend(text), url)
    return text


def _read_strict(text: str, url: str) -> Document:
    """Return the feed in a document that is nothing but well-formed XML. Raises Unsure."""
    text = text.lstrip()
    if not text.startswith("<") or has_doctype(text):
        raise Unsure("no XML, or a DOCTYPE")
    return read_xml(text, url)
