"""Signed HTTP: who is Slack, what is taken twice, what strangers send."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from alerts.base import ActionKind, Answer, Answerable, Found, Listener
from alerts.registry import Tools
from alerts.slack import Slack, SlackSettings
from sources.base import Pushed
from tests.alerts.samples import KIM, NOW, alert, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.fakes import FixedClock
from tests.slack_people import SIGNING_SECRET, Payload, form, signed
from tests.slack_people import submit as submission
from tests.slack_server import TOKEN, SlackServer


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def desk(clock: FixedClock) -> MemoryDesk:
    return MemoryDesk(Found(mention(post()), case()), clock=clock, members=[KIM])


@pytest.fixture
def slack(slack_server: SlackServer, tools: Tools, clock: FixedClock) -> Slack:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": slack_server.base}
    parsed = SlackSettings.model_validate({**settings, "signing_secret": SIGNING_SECRET})
    return Slack(parsed, tools.session_for, tools.lasting_session_for, clock)


def pushed(payload: Payload, **changes: Any) -> Pushed:
    body = form(payload)
    said = {"method": "POST", "query": {}, "headers": signed(body, NOW.timestamp()), "body": body}
    return Pushed(**{**said, **changes})


async def test_it_is_a_receiver_that_answers_and_listens(slack: Slack) -> None:
    assert isinstance(slack, Answerable) and isinstance(slack, Listener)


async def test_a_press_is_taken(slack: Slack, desk: MemoryDesk, slack_server: SlackServer) -> None:
    ts = (await slack.send(alert())).reference.partition(":")[2]
    assert await slack.answer(pushed(slack_server.pressing(ts, "claim")), desk) == Answer()
    assert (desk.actions[0].kind, desk.actions[0].by) == (ActionKind.CLAIM, "Kim")
    await slack_server.until(lambda: slack_server.messages[-1]["text"] == "Kim took it")


async def test_the_errors_of_a_modal_are_in_the_answer(
    slack: Slack, desk: MemoryDesk, slack_server: SlackServer
) -> None:
    ts = (await slack.send(alert())).reference.partition(":")[2]
    await slack.answer(pushed(slack_server.pressing(ts, "correct")), desk)
    await slack_server.until(lambda: slack_server.views)
    payload = submission(slack_server.views[0], user="U0KIM", labels=None, sentiment=None, note=None)
    answer = await slack.answer(pushed(payload), desk)
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body)["response_action"] == "errors"


async def test_asked_to_end_it_finishes_what_was_begun(
    slack: Slack, desk: MemoryDesk, slack_server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alerts.slack_front.ACK_WITHIN", 0.05)
    ts = (await slack.send(alert())).reference.partition(":")[2]
    listening = asyncio.create_task(slack.listen(desk))
    desk.gate.clear()
    assert await slack.answer(pushed(slack_server.pressing(ts, "claim")), desk) == Answer()
    listening.cancel()
    desk.gate.set()
    await asyncio.gather(listening, return_exceptions=True)
    assert (len(desk.actions), slack_server.messages[-1]["text"]) == (1, "Kim took it")


async def test_a_command_is_answered_at_its_response_url(
    slack: Slack, desk: MemoryDesk, slack_server: SlackServer
) -> None:
    assert await slack.answer(pushed(slack_server.typing("help")), desk) == Answer()
    await slack_server.until(lambda: slack_server.responses)
    assert "/mentiond search" in slack_server.responses[0]["text"]


async def test_f37_a_replayed_press_is_refused(slack: Slack, desk: MemoryDesk, slack_server: SlackServer) -> None:
    ts = (await slack.send(alert())).reference.partition(":")[2]
    same = pushed(slack_server.pressing(ts, "claim"))
    assert (await slack.answer(same, desk)).status == 200
    assert (await slack.answer(same, desk)).status == 409
    assert len(desk.actions) == 1


@pytest.mark.parametrize("by", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_f37_a_press_of_another_time_is_refused(
    slack: Slack, desk: MemoryDesk, slack_server: SlackServer, clock: FixedClock, by: timedelta
) -> None:
    ts = (await slack.send(alert())).reference.partition(":")[2]
    late = pushed(slack_server.pressing(ts, "claim"))
    clock.advance(by)
    assert (await slack.answer(late, desk)).status == 401
    assert desk.actions == []


BODY = b"payload=%7B%7D"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": "v0=x"},
        {**signed(BODY, NOW.timestamp()), "x-slack-request-timestamp": "soon"},
        {**signed(BODY, NOW.timestamp()), "x-slack-request-timestamp": "1" * 400},
        {**signed(BODY, NOW.timestamp()), "x-slack-request-timestamp": "-1"},
        {**signed(BODY, NOW.timestamp()), "x-slack-signature": "v0=ü\udcff"},
        signed(BODY, NOW.timestamp(), secret="guessed"),
        signed(b"another", NOW.timestamp()),
    ],
)
async def test_what_is_not_signed_by_slack_is_refused(slack: Slack, desk: MemoryDesk, headers: dict[str, str]) -> None:
    assert (await slack.answer(pushed({}, headers=headers, body=BODY), desk)).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"payload=", 400),
        (b"payload=%5B%5D", 400),
        (b"payload=" + b"%5B" * 9999, 400),
        (b"&".join(b"a%d=b" % number for number in range(500)), 400),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D", 200),
        (b"ssl_check=1&token=x", 200),
    ],
)
async def test_whatever_is_signed_breaks_nothing(slack: Slack, desk: MemoryDesk, body: bytes, status: int) -> None:
    answer = await slack.answer(pushed({}, headers=signed(body, NOW.timestamp()), body=body), desk)
    assert answer.status == status
    assert desk.actions == []


async def test_a_body_that_is_no_text_is_refused(slack: Slack, desk: MemoryDesk) -> None:
    assert (await slack.answer(pushed({}, headers=signed(BODY, NOW.timestamp()), body=b"\xff"), desk)).status == 401


async def test_only_post(slack: Slack, desk: MemoryDesk) -> None:
    assert (await slack.answer(pushed({}, method="GET"), desk)).status == 405


async def test_without_a_signing_secret_there_is_no_such_page(
    slack_server: SlackServer, tools: Tools, desk: MemoryDesk
) -> None:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": slack_server.base}
    slack = Slack(SlackSettings.model_validate(settings), tools.session_for, tools.lasting_session_for, tools.clock)
    assert (await slack.answer(pushed({}), desk)).status == 404


def test_presses_come_one_way_only() -> None:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care"}
    with pytest.raises(ValueError, match="either app_token"):
        SlackSettings.model_validate({**settings, "signing_secret": "x", "app_token": "y"})
