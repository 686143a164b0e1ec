"""A Slack-shaped API: takes chat.postMessage, and prints what the people in the channel would see.

It reads mrkdwn as Slack does (https://docs.slack.dev/messaging/formatting-message-text), so that markup which an
alert failed to escape would take effect here as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import count
from typing import Any

from aiohttp import web

from monitor.demo.screen import Screen

TOKEN = "xoxb-demonstration"  # noqa: S105, opens nothing
PINGED = "(everybody in the channel is pinged)"

_BROADCAST = re.compile(r"<!(channel|here|everyone)[^>]*>")
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_ZERO_WIDTH = "\u200b"


def slack_routes(screen: Screen) -> list[web.RouteDef]:
    """`/api/auth.test` and `/api/chat.postMessage`; other tokens than TOKEN are refused as Slack does it."""
    numbers = count(1)

    async def test(request: web.Request) -> web.Response:
        return _refused(request) or web.json_response({"ok": True, "user": "mentiond", "team": "Wendelvolt"})

    async def post(request: web.Request) -> web.Response:
        if refused := _refused(request):
            return refused
        message = await request.json()
        number = next(numbers)
        lines = list(visible(message))
        screen.arrive(f"Slack {message['channel']}", lines if number == 1 else _shortened(message, lines))
        return web.json_response({"ok": True, "channel": "C0DEMO00001", "ts": f"1700000000.{number:06}"})

    return [web.post("/api/auth.test", test), web.post("/api/chat.postMessage", post)]


def _refused(request: web.Request) -> web.Response | None:
    if request.headers.get("Authorization") == f"Bearer {TOKEN}":
        return None
    return web.json_response({"ok": False, "error": "invalid_auth"})


def visible(message: Mapping[str, Any]) -> Iterator[str]:
    """The lines that a reader of the channel sees."""
    for block in message.get("blocks", ()):
        for element in (*block.get("elements", ()), *([block["text"]] if "text" in block else [])):
            is_markup = element["type"] == "mrkdwn"
            yield from map(_shown if is_markup else unescape, element["text"].split("\n"))


def _shortened(message: Mapping[str, Any], lines: list[str]) -> list[str]:
    """Headline and post; byline, reasons and links look as in the first message."""
    quoted = [text for text in lines if text.startswith("| ")]
    return [lines[0], *quoted] if quoted else lines


def _shown(line: str) -> str:
    quoted = line.startswith(">")
    text = _BROADCAST.sub(rf"@\1 {PINGED}", line.removeprefix(">"))
    text = unescape(_LINK.sub(r"\2 (\1)", text)).replace(_ZERO_WIDTH, "")
    return f"| {text}" if quoted else text
