"""Socket Mode: connecting, connecting anew, and what is said when it cannot be done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from alerts.base import ActionKind, Found, ReceiverError
from alerts.registry import Tools
from alerts.slack import Slack, SlackSettings
from tests.alerts.samples import KIM, alert, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.servers import Web
from tests.slack_server import APP_TOKEN, TOKEN, Answer, SlackServer


def build(base: str, tools: Tools, app_token: str = APP_TOKEN) -> Slack:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": base}
    parsed = SlackSettings.model_validate({**settings, "app_token": app_token})
    return Slack(parsed, tools.session_for, tools.lasting_session_for, tools.clock)


def desk_of(tools: Tools) -> MemoryDesk:
    return MemoryDesk(Found(mention(post()), case()), clock=tools.clock, members=[KIM])


@asynccontextmanager
async def listening(slack: Slack, desk: MemoryDesk, server: SlackServer) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(slack.listen(desk))
    await server.until(lambda: server.sockets.connections)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_slack_asks_for_a_new_connection_and_nothing_is_lost(slack_server: SlackServer, tools: Tools) -> None:
    slack, desk = build(slack_server.base, tools), desk_of(tools)
    ts = (await slack.send(alert())).reference.partition(":")[2]
    async with listening(slack, desk, slack_server):
        desk.gate.clear()
        pressed = asyncio.create_task(slack_server.press(ts, "claim"))
        await desk.entered.wait()
        former = await slack_server.sockets.ask_to_leave()
        await slack_server.until(lambda: len(slack_server.sockets.connections) == 2)
        desk.gate.set()
        assert (await pressed).payload is None, "what came over the old connection is answered there"
        await former.socket.close()
        await slack_server.press(ts, "answer")
    assert [action.kind for action in desk.actions] == [ActionKind.CLAIM, ActionKind.ANSWER]


async def test_a_connection_that_breaks_is_made_anew(
    slack_server: SlackServer, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.slack_socket.SETTLED", 0.0)
    async with listening(build(slack_server.base, tools), desk_of(tools), slack_server):
        former = slack_server.sockets.connections[0]
        await former.socket.close()
        await slack_server.until(lambda: [one for one in slack_server.sockets.connections if one is not former])


async def test_a_connection_that_ends_at_once_is_said_and_not_tried_again_and_again(
    slack_server: SlackServer, tools: Tools
) -> None:
    slack_server.sockets.is_closing = True
    with pytest.raises(ReceiverError, match="as soon as it was open") as caught:
        await build(slack_server.base, tools).listen(desk_of(tools))
    assert not caught.value.permanent
    assert slack_server.calls == ["apps.connections.open"]


@pytest.mark.parametrize(
    ("answer", "permanent", "retry_after"),
    [
        (Answer("error", "invalid_auth"), True, None),
        (Answer("limited", 30), False, 30.0),
        (Answer("status", 503), False, None),
    ],
)
async def test_a_refused_connection_is_said(
    slack_server: SlackServer, tools: Tools, answer: Answer, permanent: bool, retry_after: float | None
) -> None:
    slack_server.then(answer, method="apps.connections.open")
    with pytest.raises(ReceiverError) as caught:
        await build(slack_server.base, tools).listen(desk_of(tools))
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, retry_after)
    assert slack_server.calls == ["apps.connections.open"]


@pytest.mark.parametrize("url", ["https://slack.example/link", "", 7])
async def test_an_address_that_is_none_is_refused(web: Web, tools: Tools, url: object) -> None:
    body = str({"ok": True, "url": url}).replace("'", '"').replace("True", "true")
    web["/api/apps.connections.open"] = (200, {"Content-Type": "application/json"}, body.encode())
    with pytest.raises(ReceiverError, match="no address"):
        await build(web.base, tools).listen(desk_of(tools))


async def test_the_ticket_is_in_no_log_and_no_error(web: Web, tools: Tools, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    url = web.url("/link/?ticket=secret-ticket").replace("http", "ws", 1)
    body = f'{{"ok": true, "url": "{url}"}}'.encode()
    web["/api/apps.connections.open"] = (200, {"Content-Type": "application/json"}, body)
    with pytest.raises(ReceiverError) as caught:
        await build(web.base, tools).listen(desk_of(tools))
    ours = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]  # the server's
    assert "secret-ticket" not in str([str(caught.value), *ours])


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{", '{"envelope_id": 1}', '{"envelope_id": "x"}', '"x"', "[" * 9999]
)
async def test_what_is_no_envelope_ends_nothing(slack_server: SlackServer, tools: Tools, text: str) -> None:
    slack, desk = build(slack_server.base, tools), desk_of(tools)
    ts = (await slack.send(alert())).reference.partition(":")[2]
    async with listening(slack, desk, slack_server):
        await slack_server.sockets.connections[0].socket.send_str(text)
        await slack_server.press(ts, "claim")
    assert len(desk.actions) == 1


@pytest.mark.parametrize(
    "payload", [{}, {"type": "block_actions"}, {"type": "view_submission", "view": 3}, {"type": []}]
)
async def test_what_is_no_press_is_acknowledged_and_left(
    slack_server: SlackServer, tools: Tools, payload: dict[str, object]
) -> None:
    desk = desk_of(tools)
    async with listening(build(slack_server.base, tools), desk, slack_server):
        assert (await slack_server.sockets.send(payload, "events_api")).payload is None
    assert desk.actions == []


async def test_asked_to_end_it_finishes_what_was_begun(slack_server: SlackServer, tools: Tools) -> None:
    slack, desk = build(slack_server.base, tools), desk_of(tools)
    ts = (await slack.send(alert())).reference.partition(":")[2]
    async with listening(slack, desk, slack_server) as task:
        desk.gate.clear()
        pressed = asyncio.create_task(slack_server.press(ts, "claim"))
        await desk.entered.wait()
        task.cancel()
        desk.gate.set()
        assert (await pressed).payload is None
        await slack_server.until(lambda: not slack_server.sockets.connections)
    assert len(desk.actions) == 1
    assert slack_server.messages[-1]["text"] == "Kim took it"
    assert {one for one in asyncio.all_tasks() if "slack" in str(one.get_coro()).lower()} <= {pressed}


async def test_a_proxy_of_the_environment_is_not_used(
    slack_server: SlackServer, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with listening(build(slack_server.base, tools), desk_of(tools), slack_server):
        assert len(slack_server.sockets.connections) == 1


async def test_the_time_limit_of_a_request_does_not_end_a_connection(slack_server: SlackServer, tools: Tools) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
        settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": slack_server.base}
        parsed = SlackSettings.model_validate({**settings, "app_token": APP_TOKEN})
        slack, desk = Slack(parsed, lambda base: session, lambda base: session, tools.clock), desk_of(tools)
        ts = (await slack.send(alert())).reference.partition(":")[2]
        async with listening(slack, desk, slack_server):
            ended = asyncio.create_task(slack_server.until(lambda: not slack_server.sockets.connections, 0.5))
            with pytest.raises(TimeoutError):
                await ended
            await slack_server.press(ts, "claim")
    assert len(desk.actions) == 1


async def test_the_probe_tries_the_app_token(slack_server: SlackServer, tools: Tools) -> None:
    assert "Socket Mode" in await build(slack_server.base, tools).probe()
    with pytest.raises(ReceiverError, match="invalid_auth"):
        await build(slack_server.base, tools, app_token="xapp-wrong").probe()
    slack_server.scopes = "chat:write"
    with pytest.raises(ReceiverError, match="lacks the scope commands"):
        await build(slack_server.base, tools).probe()


async def test_the_server_of_these_tests_is_understood_by_slacks_own_client(slack_server: SlackServer) -> None:
    client = SocketModeClient(APP_TOKEN, web_client=AsyncWebClient(base_url=f"{slack_server.base}/api/"))
    heard: list[str] = []

    async def hear(own: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        heard.append(request.type)
        await own.send_socket_mode_response(SocketModeResponse(request.envelope_id, {"text": "yes"}))

    client.socket_mode_request_listeners.append(hear)
    await client.connect()  # type: ignore[no-untyped-call]  # slack-sdk leaves it without types
    await slack_server.until(lambda: slack_server.sockets.connections)
    ack = await slack_server.type("help")
    await client.close()  # type: ignore[no-untyped-call]  # as above
    assert (heard, ack.payload) == (["slash_commands"], {"text": "yes"})
