"""The articles that posts announce: fetched politely, read in a process of their own, never at any price.

robots.txt is obeyed, pages of one host are asked for as the guarded session allows, and a batch has a limit of number
and of time. What gives no article is counted by why; the announcement stays as it is.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sources.base import Http, HttpError, Response
from sources.child import Child
from sources.page_reader import decode_page
from sources.robots import RobotsMemory

MOST = 40  # articles of one batch
SECONDS = 30.0  # for one batch
AT_A_TIME = 6
LARGEST = 5 * 2**20  # bytes of a page
READING = 8.0  # seconds for one page in the child
ACCEPT = "text/html, application/xhtml+xml;q=0.9"

_CLOSED = frozenset({401, 402, 403, 451})
_HTML = frozenset({"text/html", "application/xhtml+xml", ""})
_CONSENT_HOST = re.compile(r"(?:consent|guce|cmp|zustimmung)\.")
_CONSENT_PATH = re.compile(r"/(?:cookie-?)?(?:consent|zustimmung|privacygate|einwilligung)(?:[/.?]|$)", re.IGNORECASE)


class _Unread(Exception):
    """A page that gives no article; the message says why, in the words of the notice."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The articles of one batch by key, and how many gave none, by why."""

    found: Mapping[str, str] = field(default_factory=dict)
    troubles: Mapping[str, int] = field(default_factory=dict)

    @property
    def notice(self) -> str:
        """One sentence for the operator; empty where all is well."""
        if not self.troubles:
            return ""
        lost = sum(self.troubles.values())
        reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(self.troubles.items()))
        return f"{lost} of {lost + len(self.found)} articles could not be read: {reasons}"


class Articles:
    """Reads the text of articles; safe to share within one event loop."""

    def __init__(self, http: Http, robots: RobotsMemory, *, seconds: float = SECONDS) -> None:
        self._http = http
        self._robots = robots
        self._seconds = seconds
        self._child = Child("sources.article", READING)

    async def close(self) -> None:
        await self._child.close()

    async def read(self, addresses: Mapping[str, str]) -> Texts:
        """The text behind each address, the first MOST of them, as far as it can be had in time."""
        slots = asyncio.Semaphore(AT_A_TIME)
        wanted = dict(list(addresses.items())[:MOST])
        tasks = {key: asyncio.create_task(self._within(slots, address)) for key, address in wanted.items()}
        try:
            async with asyncio.timeout(self._seconds):
                await asyncio.gather(*tasks.values(), return_exceptions=True)
        except TimeoutError:  # which has cancelled those that are left
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        found: dict[str, str] = {}
        troubles = Counter({"more than are read at a time": len(addresses) - len(wanted)})
        for key, task in tasks.items():
            error = TimeoutError() if task.cancelled() else task.exception()
            if error is None:
                found[key] = task.result()
            else:
                troubles[_why(error)] += 1
        return Texts(found, +troubles)

    async def _within(self, slots: asyncio.Semaphore, address: str) -> str:
        async with slots:
            return await self._read(address)

    async def _read(self, address: str) -> str:
        """Raises _Unread, HttpError and what a child breaks off with."""
        if not await self._robots.allows(address):
            raise _Unread("robots.txt does not allow it")
        response = await self._http.request("GET", address, headers={"Accept": ACCEPT})
        _check(response)
        if urlsplit(response.url).netloc != urlsplit(address).netloc and not await self._robots.allows(response.url):
            raise _Unread("robots.txt does not allow it")
        answer = await self._child.ask({"page": await asyncio.to_thread(_decoded, response)})
        if answer["trouble"]:
            raise _Unread(str(answer["trouble"]))
        return str(answer["text"])


def _check(response: Response) -> None:
    """Raises _Unread where the answer is no page that may hold an article."""
    if response.status in _CLOSED:
        raise _Unread("closed to us")
    if response.status != 200:
        raise _Unread(f"HTTP {response.status}")
    parts = urlsplit(response.url)
    if _CONSENT_HOST.match(parts.netloc.lower()) or _CONSENT_PATH.search(parts.path):
        raise _Unread("a consent page")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _HTML or response.body[:1024].lstrip()[:1] != b"<":
        raise _Unread("no HTML page")
    if len(response.body) > LARGEST:
        raise _Unread("too large")


def _decoded(response: Response) -> str:
    return decode_page(response.body, response.headers.get("content-type"))


def _why(error: BaseException) -> str:
    match error:
        case _Unread():
            return str(error)
        case HttpError(refused=True):
            return "not allowed or too large"
        case HttpError():
            return "no answer"
        case TimeoutError():
            return "took too long"
        case _:
            return "not readable"
