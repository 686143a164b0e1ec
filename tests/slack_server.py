"""A Slack-shaped API on loopback: as strict as the documented one, and it answers what the test tells it to.

It has a Web API, Socket Mode, and people who press, fill in and type (`press`, `submit`, `type`).
Also by itself: `python -m tests.slack_server` prints its address and every message it takes.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

from aiohttp import web

from tests import slack_people
from tests.slack_limits import refuse_blocks, refuse_view
from tests.slack_people import Payload
from tests.slack_sockets import Ack, Sockets

TOKEN = "xoxb-1-test"
APP_TOKEN = "xapp-1-test"
CHANNELS = {"#care": "C0CARE00001", "#pr": "C0PR0000001"}
SCOPES = "chat:write,commands,channels:read,groups:read"
TRIGGER_SECONDS = 3.0

_ARGUMENTS: dict[str, tuple[set[str], set[str]]] = {  # required, allowed besides
    "chat.postMessage": (
        {"channel"},
        {"text", "blocks", "unfurl_links", "unfurl_media", "link_names", "parse", "thread_ts", "reply_broadcast"},
    ),
    "chat.update": ({"channel", "ts"}, {"text", "blocks", "link_names", "parse"}),
    "chat.postEphemeral": ({"channel", "user", "text"}, {"blocks", "thread_ts", "link_names", "parse"}),
    "views.open": ({"trigger_id", "view"}, set()),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the next call of a method does.

    `error`: `ok: false` with the word in `value`. `status`: that HTTP status with an HTML page. `limited`: 429 with
    Retry-After of `value`. The rest happen after the message was posted, so that its reply is lost: `reset` cuts the
    connection, `hang` never answers, `garbage` is a 200 that is no JSON, `failed` is a 500.
    """

    kind: Literal["ok", "error", "status", "limited", "reset", "hang", "garbage", "failed"] = "ok"
    value: str | int = ""


@dataclass(slots=True)
class SlackServer:
    """`messages` holds what was posted, in order, with `arrived` (monotonic seconds) added; `shown` is the channel."""

    base: str = ""
    token: str = TOKEN
    app_token: str = APP_TOKEN
    scopes: str = SCOPES
    messages: list[Payload] = field(default_factory=list)
    shown: dict[str, Payload] = field(default_factory=dict)  # by ts, edits included
    whispers: list[Payload] = field(default_factory=list)  # ephemeral messages
    views: list[Payload] = field(default_factory=list)  # modals that were opened
    responses: list[Payload] = field(default_factory=list)  # what was posted to a response_url
    calls: list[str] = field(default_factory=list)  # method names, refused ones included
    answers: defaultdict[str, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    on_message: Callable[[Payload], Awaitable[None]] | None = None  # after posting, before the reply
    clock: Callable[[], float] = time.monotonic
    pace: float = 0.0  # seconds between two messages, posted or edited; sooner is a 429
    refused: int = 0  # that came too soon
    sockets: Sockets = field(init=False)
    _open_at: float = float("-inf")
    _triggers: dict[str, float] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.sockets = Sockets(self._tell)

    def then(self, *answers: Answer, method: str = "chat.postMessage") -> None:
        """The next calls get these answers, one each; after them everything is ok."""
        self.answers[method].extend(answers)

    @property
    def texts(self) -> list[str]:
        """Everything that each message shows, as one string each."""
        return [json.dumps([message["text"], message.get("blocks")], ensure_ascii=False) for message in self.messages]

    async def until(self, is_so: Callable[[], object], seconds: float = 5.0) -> None:
        """Wait for something that calls, connections or acknowledgements change."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: bool(is_so()))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # The Web API

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        try:
            return await self._method(method, request)
        finally:
            await self._tell()

    async def _method(self, method: str, request: web.Request) -> web.StreamResponse:
        expected = self.app_token if method == "apps.connections.open" else self.token
        if request.headers.get("Authorization") != f"Bearer {expected}":
            return _error("invalid_auth" if "Authorization" in request.headers else "not_authed")
        match method:
            case "auth.test":
                said = {"user": "mentiond", "team": "Acme Care", "team_id": "T0ACME", "user_id": "U0BOT"}
                return web.json_response({"ok": True, **said}, headers={"x-oauth-scopes": self.scopes})
            case "conversations.info":
                channel = request.query.get("channel", "")
                is_known = channel in CHANNELS.values()
                return _ok(channel={"id": channel, "is_member": True}) if is_known else _error("channel_not_found")
            case "conversations.replies":
                ts = request.query.get("ts", "")
                replies = [message for message in self.shown.values() if ts in (message["ts"], message["thread_ts"])]
                return _ok(messages=replies, has_more=False)
            case "apps.connections.open":
                return self._prepared(method) or _ok(url=self.sockets.address(self.base))
            case "chat.postMessage" | "chat.update" | "chat.postEphemeral" | "views.open":
                return await self._write(method, request)
        return _error("unknown_method")

    def _too_soon(self, method: str) -> web.Response | None:
        if not self.pace or method not in ("chat.postMessage", "chat.update"):
            return None
        now = self.clock()
        if now < self._open_at:
            self.refused += 1
            return _error("ratelimited", status=429, headers={"Retry-After": "1"})
        self._open_at = now + self.pace
        return None

    def _prepared(self, method: str) -> web.Response | None:
        """The refusal that comes before anything is done."""
        waiting = self.answers[method]
        if not waiting or waiting[0].kind not in ("error", "status", "limited"):
            return None
        answer = waiting.popleft()
        if answer.kind == "error":
            return _error(str(answer.value))
        if answer.kind == "status":
            return web.Response(status=int(answer.value), text="<html>no</html>", content_type="text/html")
        return _error("ratelimited", status=429, headers={"Retry-After": str(answer.value)})

    async def _write(self, method: str, request: web.Request) -> web.StreamResponse:
        if refused := self._prepared(method) or self._too_soon(method):
            return refused
        body = await request.json()
        required, allowed = _ARGUMENTS[method]
        if not required <= set(body) <= required | allowed:
            return _error("invalid_arguments")
        said, error = self._done(method, body)
        if error:
            return _error(error)
        if method == "chat.postMessage" and self.on_message:
            await self.on_message(body)
        answer = self.answers[method].popleft() if self.answers[method] else Answer()
        return await _lost(request, answer) or _ok(**said)

    def _done(self, method: str, body: Payload) -> tuple[Payload, str | None]:
        """What a call does; the fields of its answer, or the error."""
        match method:
            case "chat.postMessage":
                error = refuse(body) or self._refuse_thread(body)
                return ({}, error) if error else (self._post(body), None)
            case "chat.update":
                return self._update(body)
            case "chat.postEphemeral":
                error = refuse(body)
                self.whispers += [] if error else [body]
                return {"message_ts": "1.0"}, error
        return self._open_view(body)

    def _refuse_thread(self, body: Payload) -> str | None:
        return (
            "thread_not_found" if body.get("thread_ts", next(iter(self.shown), "")) not in ("", *self.shown) else None
        )

    def _post(self, body: Payload) -> Payload:
        channel, ts = CHANNELS.get(body["channel"], body["channel"]), f"17637480{next(self._numbers):02}.000100"
        self.messages.append({**body, "arrived": time.monotonic()})
        self.shown[ts] = {"thread_ts": None, **body, "channel": channel, "ts": ts}
        return {"channel": channel, "ts": ts}

    def _update(self, body: Payload) -> tuple[Payload, str | None]:
        known = self.shown.get(body["ts"])
        if body["channel"] not in CHANNELS.values():
            return {}, "channel_not_found"
        if known is None or known["channel"] != body["channel"]:
            return {}, "message_not_found"
        if error := refuse(body):
            return {}, error
        self.shown[body["ts"]] = {**known, "text": body["text"], "blocks": body["blocks"], "edited": True}
        return {"channel": body["channel"], "ts": body["ts"]}, None

    def _open_view(self, body: Payload) -> tuple[Payload, str | None]:
        given = self._triggers.pop(body["trigger_id"], None)
        if given is None:
            return {}, "invalid_trigger_id"
        if time.monotonic() - given > TRIGGER_SECONDS:
            return {}, "expired_trigger_id"
        if error := refuse_view(body["view"]):
            return {}, error
        view = {**body["view"], "id": f"V{next(self._numbers)}"}
        self.views.append(view)
        return {"view": view}, None

    # People

    def trigger(self) -> str:
        name = f"trigger-{next(self._numbers)}"
        self._triggers[name] = time.monotonic()
        return name

    def pressing(self, ts: str, action_id: str, *, user: str = "U0KIM", option: str = "") -> Payload:
        """The payload of a press of what stands in a message now."""
        return slack_people.press(
            self.shown[ts],
            action_id,
            user=user,
            option=option,
            trigger=self.trigger(),
            response_url=f"{self.base}/response",
        )

    async def press(self, ts: str, action_id: str, *, user: str = "U0KIM", option: str = "") -> Ack:
        return await self.sockets.send(self.pressing(ts, action_id, user=user, option=option), "interactive")

    async def submit(
        self,
        view: Payload,
        *,
        user: str = "U0KIM",
        labels: list[str] | None = None,
        sentiment: str | None = None,
        note: str | None = None,
    ) -> Ack:
        payload = slack_people.submit(view, user=user, labels=labels, sentiment=sentiment, note=note)
        return await self.sockets.send(payload, "interactive")

    def typing(self, text: str, *, user: str = "U0KIM") -> Payload:
        return slack_people.command(text, user=user, response_url=f"{self.base}/response")

    async def type(self, text: str, *, user: str = "U0KIM") -> Ack:
        return await self.sockets.send(self.typing(text, user=user), "slash_commands")

    async def respond(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body.get("response_type") != "ephemeral" or refuse({**body, "channel": "#care"}):
            self.sockets.faults.append(json.dumps(body))
        self.responses.append(body)
        await self._tell()
        return web.Response(text="ok")


async def _lost(request: web.Request, answer: Answer) -> web.StreamResponse | None:
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
    return None


def _ok(**said: Any) -> web.Response:
    return web.json_response({"ok": True, **said})


def _error(code: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"ok": False, "error": code}, status=status, headers=headers)


def refuse(message: Payload) -> str | None:
    """The error that the documented limits give a message, None where it is fine."""
    if message.get("channel") not in {*CHANNELS, *CHANNELS.values()}:
        return "channel_not_found"
    if not message.get("text") and not message.get("blocks"):
        return "no_text"
    if len(message.get("text", "")) > 40_000:
        return "msg_too_long"
    return refuse_blocks(message.get("blocks", []))


@asynccontextmanager
async def serve_slack(port: int = 0) -> AsyncIterator[SlackServer]:
    """A SlackServer on a loopback port; its `base` is the receiver's `base_url`."""
    slack = SlackServer()
    application = web.Application(client_max_size=16 * 2**20)
    application.router.add_route("*", "/api/{method}", slack.dispatch)
    application.router.add_get("/link/", slack.sockets.connect)
    application.router.add_post("/response", slack.respond)
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
    async def show(message: Payload) -> None:
        print(json.dumps(message, ensure_ascii=False, indent=1), flush=True)

    async with serve_slack() as slack:
        slack.on_message = show
        print(f"base_url: {slack.base}  token: {slack.token}  channels: {', '.join(CHANNELS)}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_show())
