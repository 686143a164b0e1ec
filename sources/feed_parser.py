"""Any feed document, however damaged, to a Document; what is no feed is refused with the name of what it is.

The way: bytes are decoded, bombs and pages are refused, then JSON Feed or the fast XML path is read in a thread, with
stray ampersands and undeclared HTML entities mended where that is all the damage. What the fast path hands over goes to
feedparser in one child process, which is killed when it takes too long; a forgiving parser then saves what it can.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from sources.document import Document, NotAFeed

TIMEOUT = 5.0  # seconds for one document in the child
_START = 60.0  # seconds for the child to start on a machine under load
_ROOT = str(Path(__file__).resolve().parent.parent)  # where the packages are
_LARGEST_ANSWER = 256 << 20


class FeedParser:
    """Parses documents one after the other; safe to share between feeds of one event loop."""

    def __init__(self, *, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._child: Process | None = None

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        """Return the feed. `content_type` is the HTTP header as sent. Raises NotAFeed."""
        found = await asyncio.to_thread(read_fast, body, content_type, url)
        if isinstance(found, Document):
            return found
        async with self._lock:
            return await self._loose(found, url)

    async def close(self) -> None:
        """End the child process."""
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _loose(self, text: str, url: str) -> Document:
        from sources.feed_screen import unknown

        try:
            document = await self._asked(text, url)
        except TimeoutError:
            return await _recovered(text, url, f"it took longer than {self._timeout:g} s to read")
        except (asyncio.IncompleteReadError, OSError):
            return await _recovered(text, url, "the reader broke off on it")
        if document is None:
            raise unknown(text)
        return document

    async def _asked(self, text: str, url: str) -> Document | None:
        """Ask the child; end it unless it answered, so that no answer is taken for another document's."""
        from sources.feed_fallback import document_from

        answer: dict[str, object] | None = None
        try:
            child = await self._ready()
            answer = await asyncio.wait_for(_ask(child, {"text": text, "url": url}), self._timeout)
            return document_from(answer)
        finally:
            if answer is None:
                await self.close()

    async def _ready(self) -> Process:
        """Return the child, started anew where it is gone."""
        if self._child is not None and self._child.returncode is None:
            return self._child
        child = self._child = await _start()
        await asyncio.wait_for(_receive(child), _START)
        return child


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


async def _start() -> Process:
    """Start the child: a fresh interpreter with these packages and without the secrets of this one's environment."""
    environment = {"PYTHONPATH": _ROOT, "PATH": os.environ.get("PATH", os.defpath)}
    command = (sys.executable, "-P", "-m", "sources.feed_fallback")  # -P: what lies in the current folder is not ours
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the daemon, which drains
    )


async def _ask(child: Process, question: dict[str, str]) -> dict[str, object]:
    from sources.feed_fallback import frame

    assert child.stdin is not None
    child.stdin.write(await asyncio.to_thread(frame, question))
    await child.stdin.drain()
    answer = await _receive(child)
    assert isinstance(answer, dict)
    return answer


async def _receive(child: Process) -> object:
    assert child.stdout is not None
    length = int.from_bytes(await child.stdout.readexactly(4), "big")
    if length > _LARGEST_ANSWER:
        raise OSError("the answer is too long")
    answer: object = await asyncio.to_thread(json.loads, await child.stdout.readexactly(length))
    return answer
