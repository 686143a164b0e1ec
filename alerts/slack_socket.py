"""Socket Mode: what people do in Slack comes over a WebSocket that mentiond opens, so that no port need be open.

Page: https://docs.slack.dev/apis/events-api/using-socket-mode. Each address is good for one connection; Slack asks for
a new one every few hours (`disconnect`), and the old one is closed once the new one stands.

slack-sdk's own client for aiohttp is not used: it tries a spent address again for ever, keeps a refused token to
itself, writes payloads and the tickets of addresses into its log, takes proxies from the environment and opens a
session of its own, past the guard. Shapes and addresses are slack-sdk's.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alerts.base import ReceiverError
from alerts.slack_api import SlackApi
from sources.base import JSON

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger("mentiond.slack")

CONNECT_SECONDS = 10.0
HEARTBEAT = 20.0  # seconds between two pings; half of it without an answer is the end
SETTLED = 5.0  # seconds after which a connection counts as one that worked
LINGER = 30.0  # seconds that a connection is still read after the next one stands
ANSWER_SECONDS = 3.0  # for what was begun on a connection that ends
CLOSE_SECONDS = 1.0
_LARGEST = 2**20  # bytes of a message

Take = Callable[[Mapping[str, Any]], Awaitable["dict[str, JSON] | None"]]


@dataclass(slots=True)
class _Connection:
    """One WebSocket: read by a task of its own until it ends."""

    socket: aiohttp.ClientWebSocketResponse[bool]
    take: Take
    leaving: asyncio.Event = field(default_factory=asyncio.Event)  # Slack wants another one, or it has ended
    begun: set[asyncio.Task[None]] = field(default_factory=set)
    is_asked_to_leave: bool = False

    async def run(self) -> None:
        """Read until the end, whoever makes it; what was begun is answered all the same."""
        import aiohttp

        try:
            async for message in self.socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            self.leaving.set()
            if self.begun:
                await asyncio.wait(self.begun, timeout=ANSWER_SECONDS)
            await self.socket.close()

    def _hear(self, text: str) -> None:
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            log.warning("Slack sent what is not JSON")
            return
        if not isinstance(said, dict):
            return
        if said.get("type") == "disconnect":
            self.is_asked_to_leave = True
            self.leaving.set()
        elif isinstance(said.get("envelope_id"), str):
            task = asyncio.create_task(self._answer(said))
            self.begun.add(task)
            task.add_done_callback(self.begun.discard)

    async def _answer(self, envelope: Mapping[str, Any]) -> None:
        """Acknowledge, with what is to be said at once."""
        payload = envelope.get("payload")
        ack = await self.take(payload) if isinstance(payload, dict) else None
        reply: dict[str, JSON] = {"envelope_id": envelope["envelope_id"]}
        if ack and envelope.get("accepts_response_payload"):
            reply["payload"] = ack
        with suppress(ConnectionError):  # closed meanwhile: Slack shows the press as failed, what was done is done
            await self.socket.send_json(reply)


@dataclass(frozen=True, slots=True)
class SocketMode:
    """Hears what people do, through one connection after another. `session_for`: the session of such connections."""

    api: SlackApi
    app_token: str
    session_for: Callable[[str], aiohttp.ClientSession]
    take: Take

    async def listen(self) -> None:
        """Until cancelled. Raises ReceiverError where no connection comes about, or none that lasts."""
        loop = asyncio.get_running_loop()
        reading: set[asyncio.Task[None]] = set()
        try:
            while True:
                current, opened = await self._connect(), loop.time()
                for former in reading:  # what Slack still sends there is answered
                    loop.call_later(LINGER, former.cancel)
                task = asyncio.create_task(current.run())
                reading.add(task)
                task.add_done_callback(reading.discard)
                await current.leaving.wait()
                if not current.is_asked_to_leave and loop.time() - opened < SETTLED:
                    raise ReceiverError("Slack closed the connection as soon as it was open")
        finally:
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)

    async def _connect(self) -> _Connection:
        import aiohttp

        url = await self.api.socket_url(self.app_token)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                socket = await self.session_for(url).ws_connect(
                    url,
                    heartbeat=HEARTBEAT,
                    max_msg_size=_LARGEST,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:  # their texts hold the ticket
            raise ReceiverError(f"no connection to Slack ({type(error).__name__})") from error
        log.info("listening to Slack")
        return _Connection(socket, self.take)
