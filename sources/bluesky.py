"""Every public post of Bluesky, as it is written: the stream of Jetstream v2, matched here.

`GET /xrpc/network.bsky.jetstream.subscribeEvents` (bluesky-social/jetstream, docs/README.md section 5.2 and the lexicon
of that name) is a WebSocket that needs no account. It resumes at a `cursor`, the number of an event, inclusively: what
was read last is asked for once more, because a number that was not given out yet would mean "from now on". A number
that is older than the server keeps (36 hours) is refused with HTTP 400 `CursorTooOld`; then reading goes on at the
oldest event that there is, which a time long past means, and the gap is reported. The cursor: `seq`, `time`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlencode

from pydantic import Field

from sources.api import Api
from sources.base import (
    JSON,
    Clock,
    Cursor,
    Duration,
    Gap,
    Http,
    Interval,
    Page,
    Response,
    SourceError,
    SourceSettings,
)
from sources.bluesky_events import LEXICON, Events, Position
from sources.bluesky_post import COLLECTION
from sources.http import WebAddress, based
from sources.shape import text
from sources.websocket import MOST_BYTES, Dialer, Socket

if TYPE_CHECKING:
    import aiohttp

MOST_EVENTS = 2_000  # of one page
PAGE_SECONDS = 2.0  # that a page may take to fill
BEHIND_SECONDS = 10.0  # an event that was seen longer ago shows that the stream is behind the present
SETTLED_SECONDS = 10.0  # a stream that says nothing for so long has said everything
OLDEST = 10**15  # a cursor that is a time, in 2001: the oldest event that the server keeps


class BlueskySettings(SourceSettings):
    """The whole network."""

    type: Literal["bluesky"]
    url: WebAddress = Field("https://jetstream.us-east.bsky.network", description="the Jetstream server")
    every: Interval = Field(timedelta(seconds=5), description="pause before connecting again; doubles with each try")
    backlog: Duration = Field(timedelta(hours=1), description="how far back the first connection reads; 36h at most")


class BlueskySource:
    """A Stream over one Jetstream server."""

    overlap = timedelta()

    def __init__(
        self,
        config: BlueskySettings,
        http: Http,
        session_for: Callable[[str], aiohttp.ClientSession],
        clock: Clock,
    ) -> None:
        self._name = config.name
        self._backlog = config.backlog
        self._url = f"{based(config.base_url, config.url.rstrip('/'))}/xrpc/{LEXICON}"
        self._clock = clock
        self._dialer = Dialer(session_for, Api(http, clock, refusal=_refusal), protocols=("xrpc.v1.json",))

    async def listen(self, cursor: Cursor) -> AsyncGenerator[Page, None]:
        """A page every two seconds, or of 2,000 events."""
        position = Position.of(cursor)
        async with AsyncExitStack() as stack:
            socket, gaps = await self._resume(stack, position)
            is_first, waited = True, 0.0
            while True:
                batch = await socket.read(MOST_EVENTS, PAGE_SECONDS)
                events = Events(self._name, position, self._clock(), is_first)
                events.read(batch.messages)
                position, is_first = events.position, events.is_first
                waited = 0.0 if batch.messages else waited + PAGE_SECONDS
                yield _page(events, gaps, more=self._is_behind(position.time, waited))
                gaps = ()
                ended = events.ended or batch.ended
                if ended is not None:
                    raise ended

    async def probe(self) -> str:
        async with self._dialer.open(self._address(None)) as socket:
            batch = await socket.read(1, PAGE_SECONDS)
        events = Events(self._name, Position(), self._clock())
        events.read(batch.messages)
        ended = events.ended or batch.ended
        if ended is not None:
            raise ended
        seen = events.position.time
        return f"streams; newest event of {seen:%Y-%m-%d %H:%M} UTC" if seen else "streams; no post came at once"

    async def _resume(self, stack: AsyncExitStack, position: Position) -> tuple[Socket, tuple[Gap, ...]]:
        start = position.seq
        if start is None:
            start = int((self._clock() - self._backlog).timestamp() * 1_000_000)
        try:
            return await stack.enter_async_context(self._dialer.open(self._address(start))), ()
        except CursorTooOldError:
            gap = Gap(
                f"Jetstream keeps no longer what followed event {_place(position)}: read on from its oldest event"
            )
            return await stack.enter_async_context(self._dialer.open(self._address(OLDEST))), (gap,)

    def _address(self, cursor: int | None) -> str:
        asked = {"kinds": "commit", "collections": COLLECTION, "maxMessageSizeBytes": str(MOST_BYTES // 4)}
        return f"{self._url}?{urlencode(asked if cursor is None else asked | {'cursor': str(cursor)})}"

    def _is_behind(self, reached: datetime | None, waited: float) -> bool:
        if waited >= SETTLED_SECONDS:
            return False
        return reached is None or self._clock() - reached > timedelta(seconds=BEHIND_SECONDS)


class CursorTooOldError(SourceError):
    """The server keeps no longer what follows the cursor."""


def _refusal(response: Response, said: JSON, now: datetime) -> SourceError | None:
    if response.status == 400 and text(said, "error") == "CursorTooOld":
        return CursorTooOldError(text(said, "message")[:200])
    return None


def _page(events: Events, gaps: tuple[Gap, ...], *, more: bool) -> Page:
    if events.is_restarted:
        gaps += (Gap("Jetstream counts its events anew: what it sent meanwhile may be lost"),)
    return Page(
        posts=tuple(sorted(events.posts.values(), key=lambda post: post.published_at)),
        cursor=events.position.cursor,
        more=more,
        gaps=gaps,
        edited=tuple(events.edited),
        deleted=tuple(events.deleted),
        notices=tuple(events.notices),
        reached=events.position.time,
    )


def _place(position: Position) -> str:
    return f"{position.seq} of {position.time:%Y-%m-%d %H:%M} UTC" if position.time else str(position.seq)
