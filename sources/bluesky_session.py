"""A session with a PDS of Bluesky: logging in with an app password, staying logged in, asking.

`com.atproto.server.createSession` may be called 300 times a day, so a session is kept as long as it lives: in memory
only. Its access token ends after some hours (400 `ExpiredToken`); `refreshSession` gives another one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime

from sources.api import Api
from sources.base import BACKOFF_LONG, JSON, Clock, Http, Response, SourceError
from sources.shape import changed, text

ENDED = ("ExpiredToken", "InvalidToken")


class SessionEndedError(SourceError):
    """A token is no longer accepted; another one may be."""


def _refusal(response: Response, said: JSON, now: datetime) -> SourceError | None:
    if response.status in (400, 401) and text(said, "error") in ENDED:
        return SessionEndedError(f"the session has ended: {text(said, 'message')[:200]}", backoff_limit=BACKOFF_LONG)
    return None


class Session:
    """What all searches of one source share. Raises SourceError; refused credentials are permanent."""

    def __init__(self, http: Http, clock: Clock, site: str, identifier: str, password: str) -> None:
        self._api = Api(http, clock, refusal=_refusal, has_credentials=True)
        self._server = f"{site}/xrpc/com.atproto.server"
        self._credentials = json.dumps({"identifier": identifier, "password": password}).encode()
        self._access = self._refresh = ""
        self._lock = asyncio.Lock()

    async def get(self, url: str, query: Mapping[str, str]) -> JSON:
        """The answer to GET as the user."""
        access = self._access or await self._renew("")
        try:
            return await self._api.get(url, query, _bearer(access))
        except SessionEndedError:
            return await self._api.get(url, query, _bearer(await self._renew(access)))

    async def _renew(self, ended: str) -> str:
        """Another access token than the one that has ended, got once for all who wait for it."""
        async with self._lock:
            if self._access != ended:
                return self._access
            try:
                said = await self._ask_for_one()
            except SessionEndedError:
                self._refresh = ""
                said = await self._ask_for_one()
            self._access, self._refresh = text(said, "accessJwt"), text(said, "refreshJwt")
            if not self._access:
                raise changed("a session without `accessJwt`")
            return self._access

    async def _ask_for_one(self) -> JSON:
        if self._refresh:
            return await self._api.post(f"{self._server}.refreshSession", b"", _bearer(self._refresh))
        headers = {"Content-Type": "application/json"}
        return await self._api.post(f"{self._server}.createSession", self._credentials, headers)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
