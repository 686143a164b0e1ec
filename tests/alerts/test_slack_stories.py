"""Whole stories of a case in Slack, over Socket Mode: alert, claim, correct, snooze, answer, escalate."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.base import Action, ActionKind, ActionRefusedError, Alert, Context, Found, GroupView, Reason
from alerts.registry import Tools
from alerts.slack import Slack, SlackSettings
from rules.base import Label, Personal, PersonalKind, Sentiment, Span
from sources.base import Clock
from tests.alerts.samples import KIM, NOW, alert, case, mention, post
from tests.fake_desk import MemoryDesk
from tests.fakes import FixedClock
from tests.slack_limits import calls, elements
from tests.slack_server import APP_TOKEN, TOKEN, Answer, SlackServer


@dataclass
class Stage:
    """A Slack with people, a receiver that listens, and the desk behind it."""

    server: SlackServer
    slack: Slack
    desk: MemoryDesk
    clock: FixedClock
    told: Alert
    reference: str = ""

    @property
    def ts(self) -> str:
        return self.reference.partition(":")[2]

    @property
    def seen(self) -> str:
        """What the first message shows now."""
        return json.dumps(self.server.shown[self.ts]["blocks"], ensure_ascii=False)

    @property
    def buttons(self) -> list[str]:
        return [element["action_id"] for element in elements(self.server.shown[self.ts]["blocks"])]

    def now(self, **said: Any) -> Alert:
        """The alert with its cases as they are at the desk."""
        contexts = {number: Context(found.case) for number, found in self.desk.found.items()}
        return dataclasses.replace(self.told, contexts=contexts, reference=self.reference, **said)

    async def post(self, told: Alert) -> None:
        self.told = told
        self.reference = (await self.slack.send(self.now())).reference

    async def update(self) -> None:
        """What the delivery does once a case has changed."""
        await self.slack.update(self.now(reason=Reason.UPDATE))

    @property
    def last(self) -> Action:
        return self.desk.actions[-1]

    async def whisper(self) -> str:
        await self.server.until(lambda: self.server.whispers)
        return str(self.server.whispers.pop()["text"])


def build(server: SlackServer, tools: Tools, clock: Clock, **changes: Any) -> Slack:
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": server.base}
    parsed = SlackSettings.model_validate({**settings, "app_token": APP_TOKEN, **changes})
    return Slack(parsed, tools.session_for, tools.lasting_session_for, clock)


@pytest.fixture
async def stage(slack_server: SlackServer, tools: Tools) -> AsyncIterator[Stage]:
    clock = FixedClock(NOW)
    slack = build(slack_server, tools, clock)
    desk = MemoryDesk(Found(mention(post()), case()), clock=clock, members=[KIM])
    listening = asyncio.create_task(slack.listen(desk))
    await slack_server.until(lambda: slack_server.sockets.connections)
    stage = Stage(slack_server, slack, desk, clock, alert())
    await stage.post(alert())
    yield stage
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert slack_server.sockets.faults == []


async def test_a_claim_is_taken_acknowledged_and_seen_by_all(stage: Stage) -> None:
    assert stage.buttons == ["claim", "answer", "snooze", "correct", "dismiss", "mute_author"]
    ack = await stage.server.press(stage.ts, "claim")
    assert (ack.payload, ack.seconds < 1) == (None, True)
    assert (stage.last.kind, stage.last.by, stage.last.through) == (ActionKind.CLAIM, "Kim", "slack")
    await stage.update()
    assert "Kim has it since 21 Nov 18:04" in stage.seen
    assert stage.buttons == ["answer", "snooze", "correct", "dismiss", "reopen", "mute_author"]


async def test_what_was_done_stands_in_the_thread(stage: Stage) -> None:
    await stage.server.press(stage.ts, "claim")
    await stage.server.until(lambda: len(stage.server.messages) == 2)
    line = stage.server.messages[1]
    assert (line["thread_ts"], line["text"], line.get("reply_broadcast")) == (stage.ts, "Kim took it", None)


async def test_somebody_else_is_refused_with_who_has_it(stage: Stage) -> None:
    await stage.server.press(stage.ts, "claim")
    await stage.server.press(stage.ts, "claim", user="U0ALEX")
    assert await stage.whisper() == "Kim has it since 18:04"
    assert stage.desk.found[7].case.owner == "Kim"


async def test_a_second_press_says_nothing_more(stage: Stage) -> None:
    payload = stage.server.pressing(stage.ts, "claim")
    for again in (payload, payload, stage.server.pressing(stage.ts, "claim")):  # delivered twice, then pressed anew
        await stage.server.sockets.send(again, "interactive")
        stage.clock.advance(timedelta(seconds=1))
    await stage.server.press(stage.ts, "answer")
    await stage.server.until(lambda: any(message["text"] == "Kim answered it" for message in stage.server.messages))
    assert [message["text"] for message in stage.server.messages[1:]] == ["Kim took it", "Kim answered it"]


async def test_strangers_are_known_by_their_name_in_slack(stage: Stage) -> None:
    await stage.server.press(stage.ts, "dismiss", user="U0ALEX")
    assert (stage.last.kind, stage.last.by) == (ActionKind.DISMISS, "alex")


@pytest.mark.parametrize(
    ("option", "until"),
    [
        (":1h", NOW + timedelta(hours=1)),
        (":4h", NOW + timedelta(hours=4)),
        (":tomorrow", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        (":monday", datetime(2026, 11, 23, 8, tzinfo=UTC)),  # NOW is a Saturday
    ],
)
async def test_a_case_is_put_off(stage: Stage, option: str, until: datetime) -> None:
    await stage.server.press(stage.ts, "snooze", option=option)
    assert (stage.last.kind, stage.last.until) == (ActionKind.SNOOZE, until)
    await stage.update()
    assert "snoozed until" in stage.seen


async def test_answered_then_opened_again(stage: Stage) -> None:
    await stage.server.press(stage.ts, "answer")
    await stage.update()
    assert stage.buttons == ["reopen", "correct"]
    await stage.server.press(stage.ts, "reopen")
    await stage.update()
    assert stage.buttons[0] == "claim"


async def test_a_correction_comes_through_the_modal(stage: Stage) -> None:
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    view = stage.server.views[0]
    ticked = next(element for element in elements(view["blocks"]) if element["action_id"] == "labels")
    assert [option["value"] for option in ticked["initial_options"]] == ["complaint", "question"]
    ack = await stage.server.submit(view, labels=["praise"], sentiment="positive", note="irony <!channel>")
    assert ack.payload is None
    assert stage.last.kind is ActionKind.CORRECT
    assert (stage.last.labels, stage.last.sentiment) == ((Label.PRAISE,), Sentiment.POSITIVE)
    await stage.server.until(lambda: len(stage.server.messages) == 2)
    line = stage.server.messages[1]
    assert line["text"] == "Kim corrected the label: irony &lt;!channel&gt;"
    assert (line["thread_ts"], calls(line)) == (stage.ts, [])


async def test_nothing_ticked_means_none_of_them(stage: Stage) -> None:
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    await stage.server.submit(stage.server.views[0], labels=[])
    assert (stage.last.kind, stage.last.labels) == (ActionKind.CORRECT, ())


async def test_a_note_alone_changes_no_label(stage: Stage) -> None:
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    await stage.server.submit(stage.server.views[0], note="asked the lab")
    assert (stage.last.kind, stage.last.note, stage.last.labels) == (ActionKind.NOTE, "asked the lab", None)


async def test_errors_of_a_modal_stand_in_the_modal(stage: Stage) -> None:
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    view = stage.server.views[0]
    nothing = await stage.server.submit(view)
    assert nothing.payload == {
        "response_action": "errors",
        "errors": {"note": "Change a label or write a note."},
    }
    stage.desk.failure = ActionRefusedError("no such mention")
    refused = await stage.server.submit(view, note="x")
    assert refused.payload == {"response_action": "errors", "errors": {"note": "no such mention"}}
    assert (await stage.server.submit(view, note="x")).payload is None


async def test_a_mention_that_is_gone_opens_no_modal(stage: Stage) -> None:
    stage.desk.found.clear()
    payload = stage.server.pressing(stage.ts, "correct")
    await stage.server.sockets.send(payload, "interactive")
    assert "no longer there" in await stage.whisper()


async def test_muting_an_author_asks_back_first(stage: Stage) -> None:
    button = next(one for one in elements(stage.server.shown[stage.ts]["blocks"]) if one["action_id"] == "mute_author")
    assert button["confirm"]["style"] == "danger"
    await stage.server.press(stage.ts, "mute_author")
    assert stage.last.kind is ActionKind.MUTE_AUTHOR


async def test_a_desk_that_is_slow_costs_no_press(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.slack_front.ACK_WITHIN", 0.1)
    stage.desk.gate.clear()
    ack = await stage.server.press(stage.ts, "claim")
    assert ack.seconds < 1
    assert stage.desk.actions == []
    stage.desk.gate.set()
    await stage.server.until(lambda: len(stage.server.messages) == 2)
    assert stage.last.kind is ActionKind.CLAIM


async def test_a_modal_that_is_refused_too_late_says_so_in_the_channel(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    monkeypatch.setattr("alerts.slack_front.ACK_WITHIN", 0.1)
    stage.desk.gate.clear()
    stage.desk.failure = ActionRefusedError("no such mention")
    assert (await stage.server.submit(stage.server.views[0], note="x")).payload is None
    stage.desk.gate.set()
    assert await stage.whisper() == "no such mention"


async def test_a_desk_in_trouble_is_said_to_whoever_pressed(stage: Stage) -> None:
    stage.desk.failure = RuntimeError("the database is away")
    await stage.server.press(stage.ts, "claim")
    assert "try again" in await stage.whisper()
    await stage.server.press(stage.ts, "claim")
    assert stage.last.kind is ActionKind.CLAIM


async def test_an_escalation_calls_people_in_the_thread_and_in_the_channel(stage: Stage) -> None:
    await stage.slack.send(stage.now(reason=Reason.ESCALATION, n=1, called=(KIM,)))
    call = stage.server.messages[-1]
    assert (call["thread_ts"], call["reply_broadcast"], call["channel"]) == (stage.ts, True, "C0CARE00001")
    assert calls(call) == ["@U0KIM"]
    assert "Escalation, step 1" in str(call["blocks"])
    assert list(elements(call["blocks"])) == [], "one place to press: the message that is kept up to date"


async def test_an_edit_that_alerts_shows_what_the_post_says_now(stage: Stage) -> None:
    edited = mention(post(text="Acme brennt"))
    await stage.slack.send(dataclasses.replace(stage.now(reason=Reason.EDITED, n=1), mentions=(edited,)))
    assert "brennt" in str(stage.server.messages[-1]["blocks"])


async def test_a_post_deleted_at_its_source_is_gone_from_its_message(stage: Stage) -> None:
    await stage.slack.update(dataclasses.replace(stage.now(reason=Reason.UPDATE), mentions=(), count=0, contexts={}))
    assert "Deleted at its source" in stage.seen
    assert "kaputt" not in stage.seen + stage.server.shown[stage.ts]["text"]
    assert stage.buttons == []


@pytest.mark.parametrize("reason", [Reason.WARNING, Reason.REPEAT, Reason.EDITED])
async def test_what_concerns_a_case_stands_under_its_first_message(stage: Stage, reason: Reason) -> None:
    await stage.slack.send(stage.now(reason=reason, n=1))
    assert stage.server.messages[-1]["thread_ts"] == stage.ts


async def test_where_the_first_message_is_gone_a_call_stands_by_itself(stage: Stage) -> None:
    del stage.server.shown[stage.ts]
    await stage.slack.send(stage.now(reason=Reason.ESCALATION, n=1, called=(KIM,)))
    call = stage.server.messages[-1]
    assert "thread_ts" not in call
    assert calls(call) == ["@U0KIM"]
    assert "Mein" in str(call["blocks"]), "the post is there too"


async def test_a_failing_remark_costs_nothing(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.server.then(Answer("limited", 30))
    assert (await stage.server.press(stage.ts, "claim")).payload is None
    await stage.server.until(lambda: stage.server.calls.count("chat.postMessage") == 2)
    await stage.server.press(stage.ts, "answer")
    assert stage.last.kind is ActionKind.ANSWER
    assert "remark not delivered" in caplog.text


def many(count: int, **view: Any) -> Alert:
    told = tuple(mention(post(external_id=str(number)), number=number) for number in range(1, count + 1))
    shared = {"id": 4, "labels": (("watchlist", "acme"),), "is_storm": False, "is_closed": True}
    return alert(*told, count=count, group=GroupView(**{**shared, **view}))


async def test_a_group_is_claimed_as_one(stage: Stage) -> None:
    told = many(3)
    stage.desk.found = {one.id: Found(one, case(mention_id=one.id)) for one in told.mentions}
    stage.desk.groups[4] = (1, 2, 3)
    await stage.post(told)
    assert "3 mentions together" in stage.seen
    await stage.server.press(stage.ts, "claim")
    assert stage.last.mention_ids == (1, 2, 3)
    await stage.server.until(lambda: len(stage.server.messages) == 3)
    assert stage.server.messages[-1]["text"] == "Kim took it (3)"
    await stage.update()
    assert "3 of 3 still open" in stage.seen and "nobody yet" not in stage.seen


async def test_one_of_a_group_is_handled_by_itself(stage: Stage) -> None:
    told = many(3)
    stage.desk.found = {one.id: Found(one, case(mention_id=one.id)) for one in told.mentions}
    await stage.post(told)
    await stage.server.press(stage.ts, "handle:2", option="dismiss@m2")
    assert (stage.last.kind, stage.last.mention_ids) == (ActionKind.DISMISS, (2,))
    await stage.server.press(stage.ts, "handle:3", option="correct@m3")
    await stage.server.until(lambda: stage.server.views)
    assert '"mention": 3' in stage.server.views[0]["private_metadata"]


async def test_a_storm_is_one_message_that_counts(stage: Stage) -> None:
    told = many(25, is_storm=True, is_closed=False)
    await stage.post(dataclasses.replace(told, count=4321))
    assert "4321 mentions at once" in stage.seen and "and 4316 more" in stage.seen
    await stage.update()
    assert len(stage.server.shown) == 2, "the first of all, and this one"


async def test_personal_data_is_covered_in_message_and_modal(stage: Stage) -> None:
    text = "Acme, ruft mich an: 0170 1234567"
    found = dataclasses.replace(
        mention(post(text=text)), personal=(Personal(PersonalKind.PHONE, Span("text", 20, len(text))),)
    )
    stage.desk.found[7] = Found(found, case())
    await stage.post(alert(found))
    await stage.server.press(stage.ts, "correct")
    await stage.server.until(lambda: stage.server.views)
    assert "1234567" not in stage.seen + str(stage.server.views[0])
    assert "Personal data is hidden here: phone number" in stage.seen


async def test_without_a_way_to_hear_presses_there_are_no_buttons(slack_server: SlackServer, tools: Tools) -> None:
    slack = build(slack_server, tools, tools.clock, app_token=None)
    await slack.send(alert())
    assert list(elements(slack_server.messages[0]["blocks"])) == []
    await slack.listen(MemoryDesk(clock=tools.clock))
    assert "apps.connections.open" not in slack_server.calls
