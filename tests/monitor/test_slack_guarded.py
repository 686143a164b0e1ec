"""Slack through the guard of the daemon: what stays open takes no place of what is sent."""

from __future__ import annotations

import asyncio

import pytest

from alerts.base import Found, Reason, ReceiverError
from alerts.slack import Slack, SlackSettings
from monitor.assembly import utc_now
from monitor.http import GuardedHttp
from tests.alerts.samples import KIM, alert, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.slack_server import APP_TOKEN, TOKEN, SlackServer, serve_slack


def build(server: SlackServer, http: GuardedHttp) -> Slack:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": server.base}
    parsed = SlackSettings.model_validate({**settings, "app_token": APP_TOKEN})
    return Slack(parsed, http.session_for, http.lasting_session_for, utc_now)


async def test_messages_go_out_while_connections_are_open_and_replaced() -> None:
    desk = MemoryDesk(Found(mention(post()), case()), clock=utc_now, members=[KIM])
    guard = GuardedHttp(contact=None, per_host=1, allow_hosts=["127.0.0.1"], clock=utc_now)
    async with serve_slack() as server, guard as http:
        receivers = [build(server, http) for _ in range(3)]  # three channels of one app
        listening = [asyncio.create_task(receiver.listen(desk)) for receiver in receivers]
        await server.until(lambda: len(server.sockets.connections) == 3)
        await server.sockets.ask_to_leave()
        await server.until(lambda: len(server.sockets.connections) == 4)
        reference = (await receivers[0].send(alert())).reference
        await server.press(reference.partition(":")[2], "claim")
        await receivers[0].update(alert(reference=reference, reason=Reason.UPDATE))
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    assert len(desk.actions) == 1


async def test_a_private_address_is_refused() -> None:
    guard = GuardedHttp(contact=None, per_host=1, allow_hosts=[], clock=utc_now)
    async with serve_slack() as server, guard as http:
        with pytest.raises(ReceiverError, match="no usable answer"):
            await build(server, http).listen(MemoryDesk(clock=utc_now))
        assert server.calls == []
