"""Hand-written fakes, one per protocol: the clock, a plain HTTP session, a feed parser."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import aiohttp

from sources.base import HttpError, Response
from sources.document import Document, Entry, NotAFeed

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

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        asked, moved_to, only_permanent = url, None, True
        for _ in range(6):
            try:
                async with self._session.request(
                    method, asked, headers=headers, data=body, allow_redirects=False
                ) as answer:
                    content = await answer.read()
            except aiohttp.ClientConnectorDNSError as error:
                raise HttpError(str(error), unreachable=True) from error
            except (TimeoutError, aiohttp.ClientError) as error:
                raise HttpError(str(error)) from error
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
async def plain_http() -> AsyncIterator[PlainHttp]:
    """A PlainHttp whose session is closed at the end."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5), trust_env=False) as session:
        yield PlainHttp(session)


class FailingHttp:
    """`Http` that never gets an answer."""

    def __init__(self, error: HttpError) -> None:
        self._error = error

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        raise self._error


class JsonParser:
    """`FeedParser` for bodies that are a Document in JSON; anything else is no feed."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Document:
        try:
            written = json.loads(body)
            entries = tuple(Entry(**entry) for entry in written.pop("entries"))
        except (ValueError, RecursionError, AttributeError, TypeError, KeyError) as error:
            raise NotAFeed("an HTML page") from error
        return Document(**{"format": "json", "entries": entries} | written)
