"""Hand-written fakes, one per protocol: clock, plain HTTP, feed parser, source, receiver, classifier, encoder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import urljoin
from zlib import crc32

import aiohttp
import numpy as np

from alerts.base import ActionKind, Alert, Desk, Reason, Receipt
from monitor.http import ask_once
from rules.base import NONE, Label, Sentiment, Verdict, View
from rules.encoding import Vectors
from sources.base import Cursor, HttpError, Kept, Page, Response
from sources.document import Document, Entry, FeedLink, FeedParser, NotAFeed
from sources.page_reader import Caught, Question, asked, caught_from
from sources.page_worker import select
from sources.tools import Tools

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class FixedClock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


class PlainHttp:
    """`Http` without guards over a real session: follows redirects, tells permanent ones, maps errors."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.paused: list[tuple[str, float]] = []

    def pause(self, url: str, seconds: float) -> None:
        self.paused.append((url, seconds))

    def session_for(self, url: str) -> aiohttp.ClientSession:
        return self._session

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        middlewares = (ask_once,) if once else ()
        asked, moved_to, only_permanent = url, None, True
        for _ in range(6):
            try:
                async with self._session.request(
                    method, asked, headers=headers, data=body, allow_redirects=False, middlewares=middlewares
                ) as answer:
                    content = await answer.read()
            except aiohttp.ClientConnectorDNSError as error:
                raise HttpError(str(error), unreachable=True) from error
            except (TimeoutError, aiohttp.ClientError) as error:
                raise HttpError(str(error), maybe_sent=once) from error
            if answer.status not in (301, 302, 303, 307, 308):
                return Response(
                    status=answer.status,
                    headers={name.lower(): value for name, value in answer.headers.items()},
                    body=content,
                    url=asked,
                    moved_to=moved_to,
                    retry_after=_seconds(answer.headers.get("Retry-After")),
                )
            asked = urljoin(asked, answer.headers["Location"])
            only_permanent = only_permanent and answer.status in (301, 308)
            moved_to = asked if only_permanent else moved_to
        raise HttpError("too many redirects", refused=True)


def _seconds(value: str | None) -> float | None:
    return float(value) if value and value.isdigit() else None


@asynccontextmanager
async def plain_http(seconds: float = 5) -> AsyncIterator[PlainHttp]:
    """A PlainHttp whose session is closed at the end; an answer may take `seconds`."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds), trust_env=False) as session:
        yield PlainHttp(session)


class FailingHttp:
    """`Http` that never gets an answer."""

    def __init__(self, error: HttpError) -> None:
        self._error = error

    def pause(self, url: str, seconds: float) -> None:
        pass

    def session_for(self, url: str) -> aiohttp.ClientSession:
        raise AssertionError("no session without a network")

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        raise self._error


class FixedInbox:
    """`Inbox` that holds what the test put in."""

    def __init__(self, *kept: Kept) -> None:
        self.kept = list(kept)

    def push(self, body: bytes, content_type: str = "application/json") -> None:
        number = len(self.kept) + 1
        self.kept.append(Kept(id=number, received_at=START, content_type=content_type, body=body))

    async def read(self, source: str, after: int, limit: int) -> tuple[Kept, ...]:
        return tuple(one for one in self.kept if one.id > after)[:limit]


def source_tools(
    http: PlainHttp | FailingHttp,
    *,
    clock: FixedClock | None = None,
    inbox: FixedInbox | None = None,
    parser: FeedParser | None = None,
) -> Tools:
    """What a source is built with."""
    return Tools(
        http=http,
        parser=parser or JsonParser(),
        pages=InlinePages(),
        clock=clock or FixedClock(),
        inbox=inbox or FixedInbox(),
        session_for=http.session_for,
    )


class JsonParser:
    """`FeedParser` for bodies that are a Document in JSON; anything else is no feed."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        try:
            written = json.loads(body)
            entries = tuple(Entry(**entry) for entry in written.pop("entries"))
        except (ValueError, RecursionError, AttributeError, TypeError, KeyError) as error:
            raise NotAFeed("an HTML page") from error
        return Document(**{"format": "json", "entries": entries} | written)

    async def links(self, body: bytes, *, content_type: str | None, url: str) -> tuple[FeedLink, ...]:
        return ()


class InlinePages:
    """`PageReader` that reads in this process, without limits."""

    async def read(self, text: str, question: Question) -> Caught:
        return caught_from(select(json.loads(json.dumps(asked(text, question)))))


class ScriptedSource:
    """`Source` that gives the prepared answers in order, errors included, then empty pages without a body."""

    def __init__(self, *answers: Page | Exception, overlap: timedelta = timedelta()) -> None:
        self.answers = list(answers)
        self.asked: list[Cursor] = []
        self._overlap = overlap

    @property
    def overlap(self) -> timedelta:
        return self._overlap

    async def fetch(self, cursor: Cursor) -> Page:
        self.asked.append(cursor)
        answer = self.answers.pop(0) if self.answers else Page(posts=(), cursor=cursor, body=False)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def probe(self) -> str:
        return "scripted"


class ScriptedStream:
    """`Stream` that sends the prepared pages in order, raises the prepared errors, then says nothing more."""

    def __init__(self, *sent: Page | Exception) -> None:
        self.sent = list(sent)
        self.resumed: list[Cursor] = []
        self.is_open = False

    @property
    def overlap(self) -> timedelta:
        return timedelta()

    async def listen(self, cursor: Cursor) -> AsyncGenerator[Page, None]:
        self.resumed.append(cursor)
        self.is_open = True
        try:
            while self.sent:
                one = self.sent.pop(0)
                if isinstance(one, Exception):
                    raise one
                yield one
            await asyncio.Event().wait()
        finally:
            self.is_open = False

    async def probe(self) -> str:
        return "scripted"


class ScriptedReceiver:
    """`Receiver` that fails as prepared, one failure a send, and keeps what it accepted. `before` sees every send."""

    def __init__(self, *failures: Exception | None, before: Callable[[Alert], Awaitable[None]] | None = None) -> None:
        self.failures = list(failures)
        self.before = before
        self.tried: list[Alert] = []
        self.accepted: list[Alert] = []

    async def send(self, alert: Alert) -> Receipt:
        self.tried.append(alert)
        if self.before is not None:
            await self.before(alert)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.accepted.append(alert)
        return Receipt(f"ref-{len(self.accepted)}")

    async def probe(self) -> str:
        return "scripted"


class EditingReceiver(ScriptedReceiver):
    """`ScriptedReceiver` whose messages can be edited: `updated` has what was shown anew."""

    def __init__(self, *failures: Exception | None, before: Callable[[Alert], Awaitable[None]] | None = None) -> None:
        super().__init__(*failures, before=before)
        self.updated: list[Alert] = []

    async def update(self, alert: Alert) -> Receipt:
        if self.before is not None:
            await self.before(alert)
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.updated.append(alert)
        return Receipt(alert.reference)


class ScriptedListener(ScriptedReceiver):
    """`Listener` that fails as prepared, then listens until it is cancelled, or returns where there is nothing."""

    def __init__(self, *troubles: Exception, has_nothing: bool = False) -> None:
        super().__init__()
        self.troubles = list(troubles)
        self.has_nothing = has_nothing
        self.tries = 0
        self.listens = asyncio.Event()
        self.is_cancelled = False

    async def listen(self, desk: Desk) -> None:
        self.tries += 1
        if self.troubles:
            raise self.troubles.pop(0)
        if not self.has_nothing:
            self.listens.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.is_cancelled = True


class WordClassifier:
    """`Classifier` that carries the labels whose word stands in the text; fails while it is told to."""

    WORDS: ClassVar[dict[str, Label]] = {
        "broken": Label.COMPLAINT,
        "how": Label.QUESTION,
        "fire": Label.CRISIS,
        "buy": Label.PURCHASE_SIGNAL,
    }

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.views: list[View] = []

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        self.views += views
        if self.failure is not None:
            raise self.failure
        return [self._verdict(view) for view in views]

    def _verdict(self, view: View) -> Verdict:
        words = f"{view.title} {view.text}".lower().split()
        carried = {label: (word,) for word, label in self.WORDS.items() if word in words}
        tags = tuple(label.value for label in Label if label in carried) or (NONE,)
        return Verdict(dict.fromkeys(carried, 0.9), tags, Sentiment.NEUTRAL, "en", carried, model="words")


class WordEncoder:
    """`Encoder` that counts words, each in one of a few dimensions; `salt` makes it another one."""

    def __init__(self, dimensions: int = 8, salt: str = "") -> None:
        self._dimensions = dimensions
        self._salt = salt
        self.batches: list[int] = []  # how many texts were read at a time

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(len(texts))
        vectors = np.zeros((len(texts), self._dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, crc32(f"{self._salt}{word}".encode()) % self._dimensions] += 1
        return vectors


class PlainLinks:
    """`Links` without a signature; actions only where an alert is about mentions that are told at once."""

    def page(self, alert: Alert, mention_id: int) -> str:
        return f"https://m.example/mentions/{mention_id}/t"

    def action(self, alert: Alert, kind: ActionKind) -> str:
        is_offered = alert.mentions and alert.reason is not Reason.DIGEST
        return f"https://m.example/actions/{kind.value}" if is_offered else ""
