"""The Socket Mode of the Slack-shaped server: one-time addresses, envelopes, acknowledgements.

Page: https://docs.slack.dev/apis/events-api/using-socket-mode.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

ACK_SECONDS = 3.0  # after which a press has failed for whoever made it


@dataclass(frozen=True, slots=True)
class Ack:
    """How a press was acknowledged: after how long, with what; `payload` None: with nothing."""

    seconds: float
    payload: dict[str, Any] | None


@dataclass(slots=True)
class Connection:
    """One connection of the app, and what it has not acknowledged yet."""

    socket: web.WebSocketResponse
    acks: dict[str, asyncio.Future[dict[str, Any] | None]] = field(default_factory=dict)


@dataclass(slots=True)
class Sockets:
    """`connections` are the open ones, oldest first; `faults` what Slack would not have understood."""

    tell: Callable[[], Awaitable[None]]
    connections: list[Connection] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    is_closing: bool = False  # every connection at once
    _tickets: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def address(self, base: str) -> str:
        """Good for one connection."""
        ticket = f"ticket-{next(self._numbers)}"
        self._tickets.add(ticket)
        return f"{base.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id=A0MENTIOND"

    async def connect(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.remove(ticket)
        connection = Connection(web.WebSocketResponse())
        await connection.socket.prepare(request)
        await connection.socket.send_json({"type": "hello", "num_connections": 1, "debug_info": {"host": "h"}})
        if self.is_closing:
            await connection.socket.close()
            return connection.socket
        self.connections.append(connection)
        await self.tell()
        try:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledged(connection, message.data)
        finally:
            self.connections.remove(connection)
            await self.tell()
        return connection.socket

    def _acknowledged(self, connection: Connection, text: str) -> None:
        said = json.loads(text)
        waiting = connection.acks.pop(said.get("envelope_id", ""), None)
        if waiting is None or not set(said) <= {"envelope_id", "payload"}:
            self.faults.append(text)
        elif not waiting.done():
            waiting.set_result(said.get("payload"))

    async def send(self, payload: dict[str, Any], kind: str) -> Ack:
        """What somebody did, over the newest connection. Raises TimeoutError where Slack would show an error."""
        connection, number = self.connections[-1], f"e{next(self._numbers)}"
        waiting = connection.acks[number] = asyncio.get_running_loop().create_future()
        sent = time.monotonic()
        said = {"envelope_id": number, "type": kind, "accepts_response_payload": True, "payload": payload}
        await connection.socket.send_json(said)
        ack = await asyncio.wait_for(waiting, ACK_SECONDS)
        return Ack(time.monotonic() - sent, ack)

    async def ask_to_leave(self) -> Connection:
        """Want a new connection, as Slack does every few hours; the old one, still open."""
        former = self.connections[-1]
        said = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "h"}}
        await former.socket.send_json(said)
        return former
