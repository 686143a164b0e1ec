"""What the contract of streams needs of a server: things that happen, in order, and how it goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import ModuleType
from typing import Any, Literal

from aiohttp import WSCloseCode
from aiohttp import web as aio

from tests.sources.benches.bench import Item

Tail = Literal["hold", "close", "reset", "error", "ping"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the stream tells of, by rising numbers: a post, an edit of post `about`, or its deletion."""

    number: int
    at: datetime
    about: int
    text: str | None  # None: deleted
    is_edit: bool = False


@dataclass(slots=True)
class StreamBench:
    """The server of one stream. Its handler sends `log` as the API would, then does what `tail` says.

    module: whose constants say how long a page takes. frame: a happening as the server writes it.
    odd: messages that come before everything else of a connection; oldest: the first number that is kept.
    resumes: a connection goes on at the cursor. Else it shows what happens while it lasts, so what a test puts here
    beforehand happens as soon as somebody listens. reason: the header in which a refused handshake says why.
    """

    keys: dict[str, Any]
    module: ModuleType
    frame: Callable[[Happening], str]
    error: str  # the message with which the server ends a stream
    log: list[Happening] = field(default_factory=list)
    odd: Sequence[str | bytes] = ()
    oldest: int = 0
    tail: Tail = "hold"
    has_credentials: bool = False
    resumes: bool = True
    reason: str | None = None
    sent: int = 0
    told: int = 0  # the number that was sent last
    asked: list[str] = field(default_factory=list)  # the query of each connection
    heard: list[str] = field(default_factory=list)  # what clients sent, as far as the API waits for it
    left: asyncio.Event = field(default_factory=asyncio.Event)  # set: the last connection is over
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, *items: Item) -> None:
        self._add([Happening(self._next(n), item.at, item.number, item.text) for n, item in enumerate(items)])

    def edit(self, item: Item) -> None:
        self._add([Happening(self._next(0), item.at, item.number, item.text, is_edit=True)])

    def delete(self, item: Item) -> None:
        self._add([Happening(self._next(0), item.at, item.number, None)])

    @property
    def is_told(self) -> bool:
        """Whether everything was sent."""
        return not self.log or self.told >= self.log[-1].number

    def _next(self, offset: int) -> int:
        return (self.log[-1].number if self.log else 0) + 1 + offset

    def _add(self, happenings: list[Happening]) -> None:
        self.log += happenings
        self._more.set()

    async def _from(self, number: int) -> AsyncIterator[Happening]:
        """What happened from that number on, then what happens until the test is over."""
        at = next((n for n, one in enumerate(self.log) if one.number >= number), len(self.log))
        while True:
            for one in self.log[at:]:
                yield one
            at = len(self.log)
            if self.tail not in ("hold", "ping"):
                return
            self._more.clear()
            await self._more.wait()

    async def serve(
        self, request: aio.Request, number: int, first: Sequence[str] = (), awaited: int = 0
    ) -> aio.WebSocketResponse:
        """One connection, from that number on. `first`: messages that the API sends at the beginning, once as many as
        `awaited` have come from the client.
        """
        self.asked.append(request.query_string)
        socket = aio.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.heard += [await socket.receive_str() for _ in range(awaited)]
        self.left.clear()
        sending = asyncio.create_task(self._send_all(request, socket, number, first))
        try:
            async for _ in socket:
                pass
        finally:
            sending.cancel()
            self.left.set()
        return socket

    async def _send_all(
        self, request: aio.Request, socket: aio.WebSocketResponse, number: int, first: Sequence[str]
    ) -> None:
        with suppress(ConnectionError):
            for message in (*first, *self.odd):
                await _send(socket, message)
            if self.tail == "ping":
                await socket.ping()
            async for happening in self._from(number):
                await socket.send_str(self.frame(happening))
                self.sent, self.told = self.sent + 1, happening.number
            await self._end(request, socket)

    async def _end(self, request: aio.Request, socket: aio.WebSocketResponse) -> None:
        if self.tail == "error":
            await socket.send_str(self.error)
        if self.tail == "reset":
            assert request.transport is not None
            request.transport.abort()
        else:
            await socket.close(code=WSCloseCode.GOING_AWAY)


async def _send(socket: aio.WebSocketResponse, message: str | bytes) -> None:
    if isinstance(message, str):
        await socket.send_str(message)
    else:
        await socket.send_bytes(message)
