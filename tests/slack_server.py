"""A Slack-shaped API on loopback: as strict as the documented one, and it answers what the test tells it to.

Also by itself: `python -m tests.slack_server` prints its address and every message it takes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

TOKEN = "xoxb-1-test"
CHANNELS = {"#care": "C0CARE00001", "#pr": "C0PR0000001"}

_BLOCKS_COST = 13_200  # where the real one was seen to refuse


@dataclass(frozen=True, slots=True)
class Answer:
    """What the next chat.postMessage does.

    `error`: `ok: false` with the word in `value`. `status`: that HTTP status with an HTML page. `limited`: 429 with
    Retry-After of `value`. The rest happen after the message was posted, so that its reply is lost: `reset` cuts the
    connection, `hang` never answers, `garbage` is a 200 that is no JSON, `failed` is a 500.
    """

    kind: Literal["ok", "error", "status", "limited", "reset", "hang", "garbage", "failed"] = "ok"
    value: str | int = ""


@dataclass(slots=True)
class SlackServer:
    """`messages` holds what was posted, in order, with `arrived` (monotonic seconds) added."""

    base: str = ""
    token: str = TOKEN
    messages: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)  # method names, refused ones included
    answers: deque[Answer] = field(default_factory=deque)
    on_message: Callable[[dict[str, Any]], Awaitable[None]] | None = None  # after posting, before the reply

    def then(self, *answers: Answer) -> None:
        """The next posts get these answers, one each; after them everything is ok."""
        self.answers.extend(answers)

    @property
    def texts(self) -> list[str]:
        """Everything that each message shows, as one string each."""
        return [json.dumps([message["text"], message["blocks"]], ensure_ascii=False) for message in self.messages]

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _error("invalid_auth" if "Authorization" in request.headers else "not_authed")
        if method == "auth.test":
            return _ok(user="mentiond", team="Acme Care", team_id="T0ACME", user_id="U0BOT")
        if method == "conversations.info":
            channel = request.query.get("channel", "")
            return _ok(channel={"id": channel}) if channel in CHANNELS.values() else _error("channel_not_found")
        return await self._post(request) if method == "chat.postMessage" else _error("unknown_method")

    async def _post(self, request: web.Request) -> web.StreamResponse:
        answer = self.answers.popleft() if self.answers else Answer()
        if answer.kind == "error":
            return _error(str(answer.value))
        if answer.kind == "status":
            return web.Response(status=int(answer.value), text="<html>no</html>", content_type="text/html")
        if answer.kind == "limited":
            return _error("ratelimited", status=429, headers={"Retry-After": str(answer.value)})
        message = await request.json()
        if refused := refuse(message):
            return _error(refused)
        return await self._posted(request, message, answer)

    async def _posted(self, request: web.Request, message: dict[str, Any], answer: Answer) -> web.StreamResponse:
        self.messages.append({**message, "arrived": time.monotonic()})
        if self.on_message:
            await self.on_message(message)
        match answer.kind:
            case "reset":
                if request.transport:
                    request.transport.abort()
            case "hang":
                await asyncio.Event().wait()
            case "garbage":
                return web.Response(text="<html>welcome to the wifi</html>", content_type="application/json")
            case "failed":
                return web.Response(status=500, text="")
        channel = message["channel"]
        return _ok(channel=CHANNELS.get(channel, channel), ts=f"17637480{len(self.messages):02}.000100")


def _ok(**said: Any) -> web.Response:
    return web.json_response({"ok": True, **said})


def _error(code: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"ok": False, "error": code}, status=status, headers=headers)


def refuse(message: dict[str, Any]) -> str | None:
    """The error that the documented limits give a message, None where it is fine."""
    if message.get("channel") not in {*CHANNELS, *CHANNELS.values()}:
        return "channel_not_found"
    if not message.get("text") and not message.get("blocks"):
        return "no_text"
    if len(message.get("text", "")) > 40_000:
        return "msg_too_long"
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > 50 or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    cost = sum(len(text["text"]) for block in blocks for text in _texts(block))
    return "msg_blocks_too_long" if cost > _BLOCKS_COST else None


def _texts(block: dict[str, Any]) -> list[dict[str, Any]]:
    return [block["text"]] if "text" in block else block["elements"]


def _is_block(block: dict[str, Any]) -> bool:
    match block:
        case {"type": "header", "text": {"type": "plain_text"} as text, **rest}:
            return not rest and _is_text(text, 150)
        case {"type": "section", "text": {"type": "mrkdwn" | "plain_text"} as text, **rest}:
            return not rest and _is_text(text, 3000)
        case {"type": "context", "elements": [_, *_] as elements, **rest}:
            return not rest and len(elements) <= 10 and all(_is_text(element, 3000) for element in elements)
    return False


def _is_text(text: dict[str, Any], limit: int) -> bool:
    keys = {"mrkdwn": {"type", "text", "verbatim"}, "plain_text": {"type", "text", "emoji"}}
    said = text.get("text")
    return (
        set(text) <= keys.get(text.get("type", ""), set())
        and isinstance(said, str)
        and bool(said.strip())
        and len(said.encode("utf-16-le")) // 2 <= limit
    )


@asynccontextmanager
async def serve_slack(port: int = 0) -> AsyncIterator[SlackServer]:
    """A SlackServer on a loopback port; its `base` is the receiver's `base_url`."""
    slack = SlackServer()
    application = web.Application(client_max_size=16 * 2**20)
    application.router.add_route("*", "/api/{method}", slack.dispatch)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    slack.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield slack
    finally:
        await runner.cleanup()


async def _show() -> None:
    async def show(message: dict[str, Any]) -> None:
        print(json.dumps(message, ensure_ascii=False, indent=1), flush=True)

    async with serve_slack() as slack:
        slack.on_message = show
        print(f"base_url: {slack.base}  token: {slack.token}  channels: {', '.join(CHANNELS)}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_show())
