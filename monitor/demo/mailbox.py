"""A mail server that delivers to the screen: the least of RFC 5321 that a client needs, without TLS and login."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from monitor.demo.board import HOST
from monitor.demo.screen import Screen

_REPLIES = {
    "EHLO": "250-demo\r\n250 8BITMIME",
    "HELO": "250 demo",
    "MAIL": "250 ok",
    "RSET": "250 ok",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}


@asynccontextmanager
async def serve_mailbox(screen: Screen) -> AsyncIterator[int]:
    """Serve SMTP on a free loopback port; gives the port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _talk(reader, writer, screen)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            return  # the client went away, or sent a line without end
        finally:
            writer.close()

    server = await asyncio.start_server(talk, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, screen: Screen) -> None:
    recipients: list[str] = []
    await _reply(writer, "220 demo ESMTP")
    while line := (await reader.readline()).decode("ascii", "replace").strip():
        verb = line[:4].upper()
        if verb == "RCPT":
            recipients.append(line.partition("<")[2].partition(">")[0])
            await _reply(writer, "250 ok")
        elif verb == "DATA":
            await _reply(writer, "354 go on")
            _deliver(await _read_data(reader), recipients, screen)
            recipients = []
            await _reply(writer, "250 delivered")
        else:
            await _reply(writer, _REPLIES.get(verb, "502 not here"))
        if verb == "QUIT":
            return


async def _reply(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(f"{text}\r\n".encode())
    await writer.drain()


async def _read_data(reader: asyncio.StreamReader) -> bytes:
    """Up to the line with a single dot; a dot that was doubled for the way is single again."""
    lines: list[bytes] = []
    while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)


def _deliver(raw: bytes, recipients: list[str], screen: Screen) -> None:
    """The first mail to an address whole, of later ones the subject and what is quoted."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    lines = [line for line in (part.get_content() if part else "").splitlines() if line]
    for recipient in recipients:
        where = f"Mail to {recipient}"
        shown = [line for line in lines if line.startswith(">")] if screen.arrived[where] else lines
        screen.arrive(where, [f"Subject: {message['Subject']}", *shown])
