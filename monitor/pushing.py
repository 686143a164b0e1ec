"""Reading what others send to the HTTP server: within limits, byte for byte."""

from __future__ import annotations

import asyncio

from aiohttp import ClientPayloadError, web

from sources.base import Pushed, Reply

BODY_SECONDS = 20.0  # for a whole body to arrive


async def read_pushed(request: web.Request, largest: int) -> Pushed | Reply:
    """What was pushed, its body byte for byte as it was sent; or why it is not taken."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return Reply(status=415, text="only bodies without a Content-Encoding")
    try:
        body = await asyncio.wait_for(_read_body(request, largest), BODY_SECONDS)
    except TimeoutError:
        return Reply(status=408, text="the body came too slowly")
    except (ConnectionError, ClientPayloadError, web.RequestPayloadError):
        return Reply(status=400, text="the body broke off")
    if body is None:
        return Reply(status=413, text=f"a body may have {largest:,} bytes")
    headers = {key.lower(): value for key, value in request.headers.items()}
    return Pushed(method=request.method, query=dict(request.query), headers=headers, body=body)


async def _read_body(request: web.Request, largest: int) -> bytes | None:
    """The body; None where it is too large."""
    if (request.content_length or 0) > largest:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > largest:
            return None
    return bytes(body)
