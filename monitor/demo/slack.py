"""A Slack-shaped workspace: prints what the people in the channel would see, and presses buttons for the viewer.

It reads mrkdwn as Slack does (https://docs.slack.dev/messaging/formatting-message-text), so that markup which an
alert failed to escape would take effect here as well. A press is posted to mentiond as Slack posts it, signed
(https://docs.slack.dev/interactivity/handling-user-interaction).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from monitor.demo.screen import Screen

TOKEN = "xoxb-demonstration"
SIGNING_SECRET = "demonstration"
CHANNEL = "C0DEMO00001"
CHANNEL_NAME = "#care"
VIEWER = {"id": "U0KIM", "username": "kim", "name": "kim", "team_id": "T0DEMO"}
PINGED = "(everybody in the channel is pinged)"

_PRESS = re.compile(r"(\d{1,4})\s*([a-z])")
_BROADCAST = re.compile(r"<!(channel|here|everyone)[^>]*>")
_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_PERSON = re.compile(r"<@([A-Z0-9]+)>")
_EMOJI = {":warning:": "!", ":red_circle:": "●", ":large_yellow_circle:": "◐", ":large_green_circle:": "○"}
_EMOJI |= {":white_circle:": "○", ":repeat:": "↻", ":bulb:": "→"}
_LINK = re.compile(r"<(https?://[^|>]+)\|([^>]+)>")
_ZERO_WIDTH = "\u200b"
_PEOPLE = {"U0KIM": "@Kim", "U0ADA": "@Ada"}

Block = Mapping[str, Any]


@dataclass(slots=True)
class Message:
    """As the channel shows it."""

    channel: str
    ts: str
    blocks: Sequence[Block]
    lines: list[str]


@dataclass(slots=True)
class Slack:
    """The workspace. `hook`: where mentiond takes presses."""

    screen: Screen
    hook: str
    messages: list[Message] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        """The methods that mentiond calls; other tokens than TOKEN are refused as Slack does it."""
        return [web.post("/api/{method}", self._call)]

    async def _call(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        match request.match_info["method"]:
            case "auth.test":
                return web.json_response({"ok": True, "user": "mentiond", "team": "Wendelvolt"})
            case "chat.postMessage":
                return self._post(await request.json())
            case "chat.update":
                return self._update(await request.json())
            case "chat.postEphemeral":
                self.screen.arrive(
                    "Slack, for you alone", [_shown(line) for line in (await request.json())["text"].split("\n")]
                )
                return web.json_response({"ok": True, "message_ts": "1"})
            case "views.open":
                self.screen.arrive(
                    "Slack", ["A form opens: what it really was, and a note. The console cannot show it."]
                )
                return web.json_response({"ok": True, "view": {"id": "V1"}})
        return web.json_response({"ok": False, "error": "unknown_method"})

    def _post(self, posted: Mapping[str, Any]) -> web.Response:
        number = len(self.messages) + 1
        blocks = posted.get("blocks") or [{"type": "section", "text": {"type": "mrkdwn", "text": posted["text"]}}]
        message = Message(CHANNEL, f"1700000000.{number:06}", blocks, _lines(blocks))
        self.messages.append(message)
        is_reply = "thread_ts" in posted
        shown = blocks if number == 1 or is_reply else _gist(blocks)
        self.screen.arrive(self._place(posted), [*_lines(shown), *self._buttons(number, blocks)])
        return web.json_response({"ok": True, "channel": message.channel, "ts": message.ts})

    def _place(self, posted: Mapping[str, Any]) -> str:
        thread = next((n for n, one in enumerate(self.messages, 1) if one.ts == posted.get("thread_ts")), None)
        return f"Slack {CHANNEL_NAME}, in the thread of {thread}" if thread else f"Slack {CHANNEL_NAME}"

    def _update(self, posted: Mapping[str, Any]) -> web.Response:
        """Only what is new in it is shown."""
        found = next((n for n, one in enumerate(self.messages, 1) if one.ts == posted["ts"]), None)
        if found is None:
            return web.json_response({"ok": False, "error": "message_not_found"})
        message = self.messages[found - 1]
        before, message.blocks, message.lines = message.lines, posted["blocks"], _lines(posted["blocks"])
        new = [line for line in message.lines if line not in before]
        if new:
            self.screen.arrive(f"Slack {CHANNEL_NAME}, message {found} now says", new)
        return web.json_response({"ok": True, "channel": message.channel, "ts": message.ts})

    def _buttons(self, number: int, blocks: Sequence[Block]) -> list[str]:
        """How the viewer presses them: `[3a I take it] [3b Answered]`."""
        named = [f"[{number}{letter} {_name(element)}]" for letter, element in _pressable(blocks).items()]
        return [" ".join(named)] if named else []

    async def press(self, typed: str) -> None:
        """What the viewer typed, such as `3a`."""
        found = _PRESS.fullmatch(typed.strip().lower())
        message = self.messages[int(found[1]) - 1] if found and 0 < int(found[1]) <= len(self.messages) else None
        element = _pressable(message.blocks).get(found[2]) if found and message else None
        if message is None or element is None:
            self.screen.say("Type the number and the letter of a button in Slack, such as 1a.\n")
            return
        body = urlencode({"payload": json.dumps(_payload(message, element))}).encode()
        async with aiohttp.ClientSession(trust_env=False) as session:
            try:
                async with session.post(self.hook, data=body, headers=_signed(body)) as answer:
                    if answer.status >= 400:
                        self.screen.say(f"mentiond refused the press: {await answer.text()}\n")
            except aiohttp.ClientError:
                self.screen.say("mentiond has ended.\n")


def _payload(message: Message, element: Block) -> dict[str, Any]:
    action = {"type": element["type"], "action_id": element["action_id"], "block_id": "b1"}
    action["action_ts"] = f"{time.time():.6f}"
    if "options" in element:
        action["selected_option"] = element["options"][0]
    else:
        action |= {"value": element["value"], "text": element["text"]}
    return {
        "type": "block_actions",
        "user": VIEWER,
        "api_app_id": "A0DEMO",
        "team": {"id": "T0DEMO", "domain": "wendelvolt"},
        "container": {"type": "message", "message_ts": message.ts, "channel_id": message.channel},
        "trigger_id": action["action_ts"],
        "channel": {"id": message.channel, "name": "care"},
        "message": {"type": "message", "ts": message.ts, "blocks": message.blocks, "text": ""},
        "response_url": "",
        "actions": [action],
    }


def _signed(body: bytes) -> dict[str, str]:
    timestamp = str(int(time.time()))
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={digest}",
    }


def _pressable(blocks: Sequence[Block]) -> dict[str, Block]:
    """By the letter under which the viewer presses it; a menu is pressed at its first choice."""
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return {chr(ord("a") + place): element for place, element in enumerate(elements) if "url" not in element}


def _gist(blocks: Sequence[Block]) -> Sequence[Block]:
    """Headline, remarks and post; the rest looks as it did in the first message, which is shown whole."""
    sections = [number for number, block in enumerate(blocks) if block["type"] == "section"]
    return blocks[: sections[0] + 1] if sections else blocks


def _lines(blocks: Sequence[Block]) -> list[str]:
    return [line for block in blocks for line in visible(block)]


def visible(block: Block) -> Iterator[str]:
    """The lines of a block as a reader of the channel sees them, but for what can be pressed."""
    if block["type"] == "actions":
        return
    for element in (*block.get("elements", ()), *([block["text"]] if "text" in block else [])):
        is_markup = element["type"] == "mrkdwn"
        yield from map(_shown if is_markup else unescape, element["text"].split("\n"))


def _name(element: Block) -> str:
    if "options" in element:
        option: Mapping[str, Any] = element["options"][0]
        return f"{element['placeholder']['text']}: {option['text']['text']}"
    return str(element["text"]["text"])


def _shown(line: str) -> str:
    mark = "> " if line.startswith(">") else ""
    text = _BROADCAST.sub(rf"@\1 {PINGED}", _DATE.sub(r"\1", line.removeprefix(">")))
    text = _PERSON.sub(lambda person: _PEOPLE.get(person[1], person[0]), text)
    text = unescape(_LINK.sub(r"\2 (\1)", text)).replace(_ZERO_WIDTH, "")
    for name, sign in _EMOJI.items():
        text = text.replace(name, sign)
    return mark + text
