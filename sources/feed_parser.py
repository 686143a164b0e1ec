"""Any feed document, however damaged, to a Document; what is no feed is refused with the name of what it is.

The way: bytes are decoded, bombs and pages are refused, then JSON Feed or the fast XML path is read in a thread, with
stray ampersands and undeclared HTML entities mended where that is all the damage. What the fast path hands over goes to
feedparser in one child process, which is killed when it takes too long; a forgiving parser then saves what it can.
"""

from __future__ import annotations

import asyncio

from sources.child import Child
from sources.document import Document, FeedLink, NotAFeed
from sources.page_reader import LexborReader, PageError

TIMEOUT = 5.0  # seconds for one document in the child


class FeedParser:
    """Parses documents one after the other; safe to share between feeds of one event loop."""

    def __init__(self, pages: LexborReader | None = None, *, timeout: float = TIMEOUT) -> None:
        self.pages = pages or LexborReader()
        self._child = Child("sources.feed_fallback", timeout)

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        """Return the feed. `content_type` is the HTTP header as sent. Raises NotAFeed."""
        from sources.feed_reader import read_fast

        found = await asyncio.to_thread(read_fast, body, content_type, url)
        if isinstance(found, Document):
            return found
        return await self._loose(found, url)

    async def links(self, body: bytes, *, content_type: str | None, url: str) -> tuple[FeedLink, ...]:
        """Return the feeds that an HTML page declares; none where it cannot be read."""
        from sources.feed_links import read_links

        try:
            return await read_links(self.pages, body, content_type, url)
        except PageError:
            return ()

    async def close(self) -> None:
        """End the child processes."""
        await self._child.close()
        await self.pages.close()

    async def _loose(self, text: str, url: str) -> Document:
        from sources.feed_fallback import document_from
        from sources.feed_screen import unknown

        try:
            document = document_from(await self._child.ask({"text": text, "url": url}))
        except TimeoutError:
            return await _recovered(text, url, f"it took longer than {self._child.timeout:g} s to read")
        except OSError:
            return await _recovered(text, url, "the reader broke off on it")
        if document is None:
            raise unknown(text)
        return document


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
