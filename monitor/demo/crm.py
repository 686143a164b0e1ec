"""A sales system that takes webhooks, and believes only what is signed (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from monitor.demo.screen import Screen
from sources.base import Clock

SECRET = "whsec_" + base64.b64encode(b"demonstration only").decode()
TOLERANCE = 300.0  # seconds that a message may be old
_EXCERPT = 160


def crm_routes(screen: Screen, clock: Clock) -> list[web.RouteDef]:
    """`/hooks/mentions`; answers 401 where the signature is not ours."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if not is_signed(request.headers, body, clock().timestamp()):
            screen.arrive("Webhook crm", ["refused: the signature is not valid"])
            return web.Response(status=401)
        screen.arrive("Webhook crm", _lines(json.loads(body)))
        return web.Response(status=204)

    return [web.post("/hooks/mentions", take)]


def is_signed(headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether one of the signatures is SECRET's over id, time and body, and the time is near `now` (Unix seconds)."""
    identifier, moment = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not (moment.isascii() and moment.isdigit()) or abs(now - int(moment)) > TOLERANCE:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{identifier}.{moment}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(digest).decode()
    return any(
        hmac.compare_digest(given.encode(), expected.encode())
        for given in headers.get("webhook-signature", "").split(" ")
    )


def _lines(alert: dict[str, Any]) -> list[str]:
    mention = alert["mention"]
    post = mention["post"]
    judged = ", ".join(
        f"{label} {mention['labels'][label]:.0%}" for label in mention["tags"] if label in mention["labels"]
    )
    text = f"{post.get('title') or ''} {post['text']}".strip()
    lead = f'{post.get("author") or "somebody"}: "{text[:_EXCERPT]}"'
    return [f"signature valid, a lead for {mention['watchlist']}: {judged}", " ".join(lead.split())]
