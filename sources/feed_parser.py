"""Any feed document, however damaged, to a Document; what is no feed is refused with the name of what it is.

The way: bytes are decoded, bombs and pages are refused, then JSON Feed or the fast XML path is read in a thread, with
stray ampersands and undeclared HTML entities mended where that is all the damage. What the fast path hands over goes to
feedparser in one child process, which is killed when it takes too long; a forgiving parser then saves what it can.
"""

from __future__ import annotations

import asyncio

from sources.document import Document, NotAFeed
from sources.worker import Worker

TIMEOUT = 5.0  # seconds for one document in the child


class FeedParser:
    """Parses documents one after the other; safe to share between feeds of one event loop."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._worker = Worker("sources.feed_fallback", timeout)

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        """Return the feed. `content_type` is the HTTP header as sent. Raises NotAFeed."""
        found = await asyncio.to_thread(read_fast, body, content_type, url)
        if isinstance(found, Document):
            return found
        return await self._loose(found, url)

    async def close(self) -> None:
        """End the child process."""
        await self._worker.close()

    async def _loose(self, text: str, url: str) -> Document:
        from sources.feed_fallback import document_from
        from sources.feed_screen import unknown

        try:
            document = document_from(await self._worker.ask({"text": text, "url": url}))
        except TimeoutError:
            return await _recovered(text, url, f"it took longer than {self._timeout:g} s to read")
        except (asyncio.IncompleteReadError, OSError):
            return await _recovered(text, url, "the reader broke off on it")
        if document is None:
            raise unknown(text)
        return document


def read_fast(body: bytes, content_type: str | None, url: str) -> Document | str:
    """Return the feed, or the decoded text where it must go to feedparser. Raises NotAFeed."""
    from sources.feed_encoding import decode, with_entities
    from sources.feed_json import read_json
    from sources.feed_screen import has_doctype, refuse
    from sources.feed_xml import Unsure, read_xml

    text = decode(body, content_type)
    refuse(body, text)
    if text.lstrip().startswith(("{", "[")):
        return read_json(text, url)
    if has_doctype(text):
        return text
    text = text.lstrip()
    for mend in (str, with_entities):
        try:
            return read_xml(mend(text), url)
        except Unsure:
            continue
    return text


async def _recovered(text: str, url: str, trouble: str) -> Document:
    """Return what a forgiving parser finds where feedparser fails. Raises NotAFeed."""
    from sources.feed_screen import has_doctype
    from sources.feed_xml import Unsure, read_xml

    refusal = NotAFeed(f"no readable feed: {trouble}")
    if has_doctype(text):
        raise refusal
    try:
        document = await asyncio.to_thread(read_xml, text, url, recover=True)
    except Unsure as error:
        raise refusal from error
    if not document.entries:
        raise refusal
    return document
