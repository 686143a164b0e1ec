"""WebSockets through the guarded session, for sources that listen.

Nothing is read ahead but what the library holds between two messages (about 128 kB): a batch is read when the last one
was stored. A server that says nothing for `SILENT_SECONDS`, not even a ping, is taken for dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sources.api import Api
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, JSON, SourceError
from sources.http import shown

if TYPE_CHECKING:
    import aiohttp

MOST_BYTES = 2**20  # of one message
SILENT_SECONDS = 100.0
SEND_SECONDS = 10.0  # a server that takes no message in this time is taken for dead
CLOSE_SECONDS = 1.0  # a server that does not say goodbye in this time is left without
LONGEST_PAUSE = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages as they came, bytes of JSON; `ended` says why there are no more."""

    messages: list[bytes]
    ended: SourceError | None = None


@dataclass(slots=True)
class Socket:
    """An open WebSocket."""

    url: str
    _socket: aiohttp.ClientWebSocketResponse[bool]
    _silent: float = 0.0  # seconds waited without a sign of life; those that the store takes do not count

    async def send(self, message: JSON) -> None:
        """Raises SourceError."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_json(message)
        except (TimeoutError, ConnectionError) as error:
            raise self._ended() from error

    async def read(self, most: int, seconds: float) -> Batch:
        """What arrives within `seconds`, `most` messages at the most."""
        batch = Batch([])
        is_alive, ended = False, None
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while ended is None and len(batch.messages) < most:
                    ended = await self._read_into(batch.messages)
                    is_alive = True
        self._silent = 0.0 if is_alive else self._silent + seconds
        if ended is None and self._silent >= SILENT_SECONDS:
            ended = SourceError(f"{shown(self.url)}: nothing was heard for {self._silent:.0f} s")
        return Batch(batch.messages, ended)

    async def _read_into(self, messages: list[bytes]) -> SourceError | None:
        import aiohttp

        message = await self._socket.receive()
        match message.type:
            case aiohttp.WSMsgType.TEXT | aiohttp.WSMsgType.BINARY:
                messages.append(message.data)
            case aiohttp.WSMsgType.PING:
                with suppress(ConnectionError):
                    await self._socket.pong(message.data)
            case aiohttp.WSMsgType.PONG:
                pass
            case _:
                return self._ended()
        return None

    def _ended(self) -> SourceError:
        code = self._socket.close_code
        meaning = _CLOSINGS.get(code or 0, "the connection was lost" if code is None else "the server closed it")
        return SourceError(f"{shown(self.url)}: {meaning} (WebSocket {code})")


_CLOSINGS = {
    1000: "the server ended the stream",
    1001: "the server is going away",
    1002: "a message broke the protocol",
    1006: "the connection was lost",
    1007: "a message was no text",
    1008: "the server refuses us",
    1009: "a message was too large",
    1011: "the server is in trouble",
    1012: "the server restarts",
    1013: "the server is overloaded",
}


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens WebSockets, with the headers of `api`; `protocols` are subprotocols that are offered.

    reason: the header, in lower case, in which a refused handshake says why. Without one the address is asked again
    without a WebSocket: what the refusal says is in a body.
    """

    session_for: Callable[[str], aiohttp.ClientSession]
    api: Api
    protocols: tuple[str, ...] = ()
    reason: str | None = None

    @asynccontextmanager
    async def open(self, url: str) -> AsyncGenerator[Socket]:
        """`url` is written with http or https. Raises SourceError."""
        socket = await self._connect(url)
        try:
            yield Socket(url, socket)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await socket.close()

    async def _connect(self, url: str) -> aiohttp.ClientWebSocketResponse[bool]:
        import aiohttp

        try:
            return await self.session_for(url).ws_connect(
                url,
                headers=self.api.headers,
                protocols=self.protocols,
                autoping=False,  # a ping is a sign of life
                max_msg_size=MOST_BYTES,
                decode_text=False,  # text that is no UTF-8 is one bad message, not the end of the stream
            )
        except aiohttp.WSServerHandshakeError as error:
            raise await self._refused(url, error) from error
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            raise _unreachable(url, error) from error

    async def _refused(self, url: str, error: aiohttp.WSServerHandshakeError) -> SourceError:
        if self.reason is None:
            await self.api.get(url)
            return SourceError(f"{shown(url)}: no WebSocket there (HTTP {error.status})", backoff_limit=BACKOFF_LONG)
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        pause = headers.get("retry-after", "") if error.status in (429, 503) else ""
        seconds = min(float(pause), LONGEST_PAUSE) if pause.isascii() and pause.isdigit() else None
        return self.api.refused(url, error.status, headers.get(self.reason, ""), seconds)


def _unreachable(url: str, error: Exception) -> SourceError:
    import aiohttp

    needs_mending = isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorDNSError | ValueError)
    reason = str(error) if isinstance(error, aiohttp.ClientConnectorError) else type(error).__name__
    limit = BACKOFF_LONG if needs_mending else BACKOFF_SHORT
    return SourceError(f"{shown(url)}: no connection ({reason})", backoff_limit=limit)
