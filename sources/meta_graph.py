"""Meta's Graph API: asking it, and its own way of stating limits.

developers.facebook.com, Graph API: rate limits (`X-App-Usage`, `X-Business-Use-Case-Usage`: percentages of what an hour
allows, and minutes until calls are let through again) and error codes (4, 17, 32, 613 and 80000 to 80014: too many
calls; 190, 102, 463, 467: the token is not valid; 1 and 2: trouble that passes; 100: no such thing).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sources.api import Api
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, JSON, Clock, Http, Response, SourceError
from sources.shape import items, number, text, whole

ADDRESS = "https://graph.facebook.com/v25.0"
FULL = 95.0  # percent; the rest is left to whoever else uses the app
PAUSE = 900.0  # seconds, where the API does not say how long: the window is an hour that slides
TOO_MANY = frozenset({4, 17, 32, 613, *range(80000, 80015)})
BAD_TOKEN = frozenset({102, 190, 463, 467})
PASSING = frozenset({1, 2})
NOT_THERE = 100


class NotThereError(SourceError):
    """What was asked for is not there, or is no more (code 100)."""


class MeteredHttp:
    """`Http` that reads how much is used from each answer, and leaves the host alone where that is all."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.used: float | None = None  # percent, by the last answer that said it

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        once: bool = False,
    ) -> Response:
        response = await self._http.request(method, url, headers=headers, body=body, once=once)
        used, regain = read_usage(response.headers)
        self.used = used if used is not None else self.used
        if used is not None and used >= FULL:
            self.pause(url, regain or PAUSE)
        return response

    def pause(self, url: str, seconds: float) -> None:
        self._http.pause(url, seconds)


def read_usage(headers: Mapping[str, str]) -> tuple[float | None, float | None]:
    """The highest percentage used, and in how many seconds calls are let through again."""
    said = list(_usages(headers))
    used = [value for one in said for key in ("call_count", "total_cputime", "total_time")
            if (value := number(one, key)) is not None]  # fmt: skip
    minutes = [value for one in said if (value := number(one, "estimated_time_to_regain_access"))]
    return max(used, default=None), max(minutes) * 60 if minutes else None


def _usages(headers: Mapping[str, str]) -> Iterator[JSON]:
    for name in ("x-app-usage", "x-page-usage", "x-business-use-case-usage"):
        try:
            said: JSON = json.loads(headers.get(name, "{}"))
        except (ValueError, RecursionError):
            continue
        yield said
        for business in said if isinstance(said, dict) else ():
            yield from items(said, business)


def refused(response: Response, said: JSON, now: datetime) -> SourceError | None:
    """What an error means by its code; None: what its status says."""
    code = whole(said, "error", "code")
    reason = " ".join(text(said, "error", "message").split())[:300]
    message = f"graph.facebook.com: {reason} (code {code}, HTTP {response.status})"
    if code in TOO_MANY:
        return SourceError(message, retry_after=read_usage(response.headers)[1] or PAUSE)
    if code in BAD_TOKEN:
        return SourceError(message, permanent=True)
    if code == NOT_THERE:
        return NotThereError(message, backoff_limit=BACKOFF_LONG)
    return SourceError(message, backoff_limit=BACKOFF_SHORT) if code in PASSING else None


class Graph:
    """The API with one token. Calls prove that they come from the app (`appsecret_proof`)."""

    def __init__(self, http: Http, clock: Clock, *, address: str, token: str, app_secret: str) -> None:
        self._http = MeteredHttp(http)
        self._api = Api(self._http, clock, {"Authorization": f"Bearer {token}"}, refusal=refused, has_credentials=True)
        self._address = address
        self._proof = hmac.digest(app_secret.encode(), token.encode(), hashlib.sha256).hex()

    async def get(self, path: str, **query: Any) -> JSON:
        """The answer for a path below the version. Raises SourceError."""
        asked = {key: str(value) for key, value in query.items()} | {"appsecret_proof": self._proof}
        return await self._api.get(f"{self._address}/{path}", asked)

    @property
    def left(self) -> str:
        """For the operator; empty before the first answer that says it."""
        return "" if self._http.used is None else f"{self._http.used:.0f} % of the calls of this hour used"
