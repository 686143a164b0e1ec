"""JSON APIs over HTTP: asking, obeying their rate limits, and saying what they refuse.

Limits are read from the headers that APIs put them in (`x-ratelimit-*`, `x-rate-limit-*` and the IETF draft's
`ratelimit-*`). What "reset" means is told by its form: an ISO time (Mastodon), seconds since 1970 (X, GitHub, Bluesky),
or seconds from now (Reddit, Lobsters).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import urlencode

from sources.base import BACKOFF_LONG, JSON, Clock, Http, Response, SourceError
from sources.http import refusal, request, shown

PREFIXES = ("x-ratelimit-", "x-rate-limit-", "ratelimit-")
EPOCH = 1_000_000_000  # from here on a number of seconds is a date
DEFAULT_PAUSE = 60.0  # seconds, where a server asks for less haste without saying how much less

# What an answer with another status than 2xx means in an API's own form; None: what its status says.
Refusal: TypeAlias = Callable[[Response, JSON, datetime], SourceError | None]


@dataclass(frozen=True, slots=True)
class Limit:
    """What a server says of its rate limit. `reset` is in seconds from now."""

    remaining: float | None
    reset: float | None

    @property
    def is_used_up(self) -> bool:
        return self.remaining is not None and self.remaining < 1


def read_limit(headers: Mapping[str, str], now: datetime) -> Limit:
    """The first of the known forms that the headers have."""
    for prefix in PREFIXES:
        if f"{prefix}remaining" in headers or f"{prefix}reset" in headers:
            remaining = _number(headers.get(f"{prefix}remaining", ""))
            return Limit(remaining, _seconds_left(headers.get(f"{prefix}reset", ""), now))
    return Limit(None, None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None


def _seconds_left(text: str, now: datetime) -> float | None:
    number = _number(text)
    if number is not None:
        return max(number - now.timestamp(), 0.0) if number >= EPOCH else number
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return max(((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Api:
    """One JSON API. Whatever it answers but 2xx with JSON is a SourceError."""

    http: Http
    clock: Clock
    headers: Mapping[str, str] = field(default_factory=dict)
    refusal: Refusal = lambda response, said, now: None
    once: bool = False  # never ask twice by itself: for answers that are paid for
    has_credentials: bool = False  # then 401 switches the source off: asking again with the same ones cannot help

    async def get(
        self, url: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> JSON:
        """The answer to GET; `query` is added to the address."""
        address = f"{url}?{urlencode(query)}" if query else url
        return self._read(await self._ask("GET", address, headers), address)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> JSON:
        """The answer to POST."""
        return self._read(await self._ask("POST", url, headers, body), url)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None, body: bytes | None = None
    ) -> Response:
        sent = {"Accept": "application/json", **self.headers, **(headers or {})}
        response = await request(self.http, method, url, headers=sent, body=body, once=self.once)
        limit = read_limit(response.headers, self.clock())
        if limit.is_used_up and limit.reset:
            self.http.pause(url, limit.reset)
        if 200 <= response.status < 300:
            return response
        raise self._refused(response, url, limit)

    def refused(self, url: str, status: int, reason: str, retry_after: float | None = None) -> SourceError:
        """The error that a status means which came otherwise than with an answer, such as that of a handshake."""
        body = json.dumps({"error": reason}).encode()
        response = Response(status=status, headers={}, body=body, url=url, retry_after=retry_after)
        return self._refused(response, url, Limit(None, None))

    def _refused(self, response: Response, url: str, limit: Limit) -> SourceError:
        said = _json_or_none(response.body)
        error = self.refusal(response, said, self.clock())
        if error is None:
            pause = (limit.reset or DEFAULT_PAUSE) if response.status == 429 else None
            error = refusal(response, url, _reason(said), pause)
            error.permanent |= self.has_credentials and response.status == 401
        if error.retry_after:
            self.http.pause(url, error.retry_after)
        return error

    def _read(self, response: Response, url: str) -> JSON:
        try:
            answer: JSON = json.loads(response.body)
        except (ValueError, RecursionError) as error:
            start = " ".join(response.body[:60].decode("utf-8", "replace").split())
            message = (
                f"{shown(url)}: the answer is no JSON: {start!r}" if start else f"{shown(url)}: the answer is empty"
            )
            raise SourceError(message, backoff_limit=BACKOFF_LONG) from error
        return answer


def _json_or_none(body: bytes) -> JSON:
    try:
        said: JSON = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said


def _reason(said: JSON) -> str:
    """What an error body says in words, in the forms that most APIs use."""
    if not isinstance(said, dict):
        return ""
    for key in ("error_description", "message", "error_message", "detail", "error", "title"):
        value = said.get(key)
        if isinstance(value, str):
            return value
        if isinstance(value, dict) and isinstance(value.get("message"), str):
            return str(value["message"])
    errors = said.get("errors")
    return _reason(errors[0]) if isinstance(errors, list) and errors else ""
