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

TOKEN = "xoxb-demonstration"
PINGED = "(everybody in the channel is pinged)"

_BROADCAST = re.compile(r"<!(channel|here|everyone)[^>]*>")
_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_EMOJI = {":warning:": "!", ":red_circle:": "●", ":large_yellow_circle:": "◐", ":large_green_circle:": "○"}
_EMOJI |= {":white_circle:": "○", ":repeat:": "↻", ":bulb:": "→"}
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
        blocks = message["blocks"] if number == 1 else _gist(message["blocks"])
        screen.arrive(f"Slack {message['channel']}", [line for block in blocks for line in visible(block)])
        return web.json_response({"ok": True, "channel": "C0DEMO00001", "ts": f"1700000000.{number:06}"})

    return [web.post("/api/auth.test", test), web.post("/api/chat.postMessage", post)]


def _refused(request: web.Request) -> web.Response | None:
    if request.headers.get("Authorization") == f"Bearer {TOKEN}":
        return None
    return web.json_response({"ok": False, "error": "invalid_auth"})


def _gist(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Headline, remarks and post; the rest looks as it did in the first message, which is shown whole."""
    sections = [number for number, block in enumerate(blocks) if block["type"] == "section"]
    return blocks[: sections[0] + 1] if sections else blocks


def visible(block: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a block as a reader of the channel sees them; what can be pressed stands in brackets."""
    if block["type"] == "actions":
        yield " ".join(f"[{_name(element)}]" for element in block["elements"])
        return
    for element in (*block.get("elements", ()), *([block["text"]] if "text" in block else [])):
        is_markup = element["type"] == "mrkdwn"
        yield from map(_shown if is_markup else unescape, element["text"].split("\n"))


def _name(element: Mapping[str, Any]) -> str:
    text: Mapping[str, str] = element.get("text") or element["placeholder"]
    return text["text"]


def _shown(line: str) -> str:
    mark = "> " if line.startswith(">") else ""
    text = _BROADCAST.sub(rf"@\1 {PINGED}", _DATE.sub(r"\1", line.removeprefix(">")))
    text = unescape(_LINK.sub(r"\2 (\1)", text)).replace(_ZERO_WIDTH, "")
    for name, sign in _EMOJI.items():
        text = text.replace(name, sign)
    return mark + text
