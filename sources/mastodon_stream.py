"""What an instance of Mastodon sends of hashtags by itself: new statuses within seconds, edits and deletions.

One WebSocket for all hashtags of an instance, `GET /api/v1/streaming` (docs.joinmastodon.org, methods/streaming) with
the token of an account, on the host that `GET /api/v2/instance` names under `configuration.urls.streaming`.

It cannot be resumed: what is posted while there is no connection is never sent. So this is the fast lane only; the
timelines of the same hashtags, which are polled, catch up and lose nothing. A status has the same external id on both
ways and alerts once. There is nothing to go on from, and the cursor stays empty.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from sources.api import Api
from sources.base import Clock, Cursor, Http, Page
from sources.http import based, is_web_address
from sources.mastodon import Asked, MastodonSettings
from sources.mastodon_events import Events
from sources.shape import text
from sources.websocket import Dialer, Socket

if TYPE_CHECKING:
    import aiohttp

MOST_EVENTS = 200  # of one page
PAGE_SECONDS = 2.0  # that a page may take to fill


class MastodonStream:
    """A Stream over the hashtags of one instance."""

    overlap = timedelta()

    def __init__(
        self,
        config: MastodonSettings,
        asked: Asked,
        http: Http,
        session_for: Callable[[str], aiohttp.ClientSession],
        clock: Clock,
    ) -> None:
        self._name = config.name
        self._hashtags = config.hashtags
        self._base_url = config.base_url
        self._asked = asked
        self._clock = clock
        self._api = Api(http, clock, asked.headers, has_credentials=True)
        self._dialer = Dialer(session_for, self._api, reason="x-error-message")

    async def listen(self, cursor: Cursor) -> AsyncGenerator[Page, None]:
        """A page every two seconds, or of 200 events."""
        async with self._subscribed() as socket:
            events = self._events(socket)
            while True:
                batch = await socket.read(MOST_EVENTS, PAGE_SECONDS)
                yield events.page(batch.messages, self._clock())
                ended = events.ended or batch.ended
                if ended is not None:
                    raise ended

    async def probe(self) -> str:
        async with self._subscribed() as socket:
            events = self._events(socket)
            batch = await socket.read(1, PAGE_SECONDS)
        page = events.page(batch.messages, self._clock())
        ended = events.ended or batch.ended
        if ended is not None:
            raise ended
        return "streams; a status came at once" if page.posts else "streams; no status came at once"

    @asynccontextmanager
    async def _subscribed(self) -> AsyncGenerator[Socket]:
        async with self._dialer.open(await self._address()) as socket:
            for name in self._hashtags:
                await socket.send({"type": "subscribe", "stream": "hashtag", "tag": name})
            yield socket

    def _events(self, socket: Socket) -> Events:
        return Events(self._name, self._asked.host, lambda status, why: self._api.refused(socket.url, status, why))

    async def _address(self) -> str:
        site = self._asked.site
        said = await self._api.get(f"{based(self._base_url, site)}/api/v2/instance")
        named = _with_scheme_of(site, text(said, "configuration", "urls", "streaming"))
        return based(self._base_url, f"{named if is_web_address(named) else site}/api/v1/streaming")


def _with_scheme_of(site: str, named: str) -> str:
    """`named` is written with ws or wss, and the token must be no less secret there than on the instance itself."""
    return f"{site.partition('://')[0]}://{named.partition('://')[2].rstrip('/')}"
