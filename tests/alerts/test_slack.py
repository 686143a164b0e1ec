"""Slack: what its answers mean, what it is sent, what is never logged."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from alerts.base import (
    Alert,
    CaseEvent,
    CaseState,
    Context,
    EarlierCase,
    GroupView,
    Member,
    Proposal,
    Reason,
    ReceiverError,
    Sighting,
)
from alerts.registry import Tools
from alerts.slack import Slack, SlackSettings
from alerts.slack_blocks import render
from alerts.wording import compose
from rules.base import Match, Mention, Personal, PersonalKind, Span
from tests.alerts.samples import HOSTILE, NOW, alert, alert_of, case, digest, mention, notice, post
from tests.servers import Web
from tests.slack_server import TOKEN, Answer, SlackServer


def receiver(base: str, tools: Tools, *, token: str = TOKEN, channel: str = "#care") -> Slack:
    settings = {"name": "care", "type": "slack", "token": token, "channel": channel, "base_url": base}
    return Slack(SlackSettings.model_validate(settings), tools.session_for, tools.lasting_session_for, tools.clock)


def shown(owed: Alert) -> str:
    return str(render(compose(owed, "en", 2000), owed))


async def refused(slack: Slack) -> ReceiverError:
    with pytest.raises(ReceiverError) as caught:
        await slack.send(alert())
    return caught.value


async def test_the_receipt_finds_the_message_again(slack_server: SlackServer, tools: Tools) -> None:
    receipt = await receiver(slack_server.base, tools).send(alert())
    assert receipt.reference == "C0CARE00001:1763748001.000100"


async def test_nothing_is_unfurled_linked_or_parsed(slack_server: SlackServer, tools: Tools) -> None:
    await receiver(slack_server.base, tools).send(alert())
    message = slack_server.messages[0]
    flags = ("unfurl_links", "unfurl_media", "link_names", "parse")
    assert [message[flag] for flag in flags] == [False, False, False, "none"]


@pytest.mark.parametrize(
    ("value", "seconds"), [("30", 30.0), ("0", 0.0), ("999999", 86_400.0), ("-5", None), ("soon", None)]
)
async def test_f31_too_many_requests_names_the_pause(
    slack_server: SlackServer, tools: Tools, value: str, seconds: float | None
) -> None:
    slack_server.then(Answer("limited", value))
    error = await refused(receiver(slack_server.base, tools))
    assert (error.permanent, error.channel, error.maybe_sent, error.retry_after) == (False, False, False, seconds)
    assert slack_server.calls == ["chat.postMessage"], "the SDK must not try again by itself"


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived", "invalid_auth", "token_revoked", "missing_scope"])
async def test_f32_a_refused_channel_stops(slack_server: SlackServer, tools: Tools, code: str) -> None:
    slack_server.then(Answer("error", code))
    error = await refused(receiver(slack_server.base, tools))
    assert (error.permanent, error.channel, str(error)) == (True, True, code)


async def test_f32_a_wrong_token_and_a_wrong_address_stop_the_channel(
    slack_server: SlackServer, tools: Tools, web: Web
) -> None:
    for slack in (receiver(slack_server.base, tools, token="xoxb-wrong"), receiver(web.base, tools)):
        error = await refused(slack)
        assert (error.permanent, error.channel) == (True, True)


@pytest.mark.parametrize(
    ("answer", "posted"),
    [
        (Answer("failed"), True),
        (Answer("status", 500), False),
        (Answer("status", 503), False),
        (Answer("reset"), True),
        (Answer("hang"), True),
        (Answer("garbage"), True),
        (Answer("status", 200), False),
        (Answer("error", "internal_error"), False),
    ],
)
async def test_f33_lost_replies_are_sent_or_not_unknown(
    slack_server: SlackServer, tools: Tools, monkeypatch: pytest.MonkeyPatch, answer: Answer, posted: bool
) -> None:
    monkeypatch.setattr("alerts.slack_api.SEND_TIMEOUT", 0.3)
    slack_server.then(answer)
    error = await refused(receiver(slack_server.base, tools))
    assert (error.permanent, error.maybe_sent) == (False, True)
    assert len(slack_server.messages) == posted, "one request, whatever became of it"
    assert len(slack_server.calls) == 1


@pytest.mark.parametrize("body", [b"[]", b"null", b'"ok"', b"{}", b'{"ok": 0}', b"\xff\xfe", b""])
async def test_f33_answers_that_are_not_slacks(web: Web, tools: Tools, body: bytes) -> None:
    web["/api/chat.postMessage"] = (200, {"Content-Type": "application/json"}, body)
    error = await refused(receiver(web.base, tools))
    assert (error.permanent, error.maybe_sent) == (False, True)


@pytest.mark.parametrize("code", ["msg_too_long", "invalid_blocks", "no_text", "msg_blocks_too_long"])
async def test_f33_a_refused_message_is_dead_and_the_channel_lives(
    slack_server: SlackServer, tools: Tools, code: str
) -> None:
    slack_server.then(Answer("error", code))
    slack = receiver(slack_server.base, tools)
    error = await refused(slack)
    assert (error.permanent, error.channel, error.maybe_sent) == (True, False, False)
    await slack.send(alert())


@pytest.mark.parametrize("answer", [Answer("status", 200), Answer("garbage")])
async def test_f33_a_page_in_place_of_an_answer_is_called_that(
    slack_server: SlackServer, tools: Tools, answer: Answer
) -> None:
    slack_server.then(answer)
    error = await refused(receiver(slack_server.base, tools))
    assert "what is not" in str(error) and "JSON" in str(error)
    assert (error.permanent, error.maybe_sent) == (False, True)


async def test_f33_a_word_we_do_not_know_is_tried_again(slack_server: SlackServer, tools: Tools) -> None:
    slack_server.then(Answer("error", "brand_new_error"))
    error = await refused(receiver(slack_server.base, tools))
    assert (error.permanent, error.maybe_sent) == (False, False)


async def test_f35_nothing_in_a_post_reaches_slacks_syntax(slack_server: SlackServer, tools: Tools) -> None:
    await receiver(slack_server.base, tools).send(alert_of(HOSTILE))
    shown = slack_server.texts[0]
    for syntax in ("<!channel", "<@U123", "<https://evil", "`", "<script"):
        assert syntax not in shown
    assert "&lt;!channel&gt;" in shown


@pytest.mark.parametrize("url", ["https://x.example/a|b>c<!channel>", "javascript:alert(1)", "https://a.example@evil/"])
def test_f35_links_cannot_be_broken_out_of(url: str) -> None:
    blocks = shown(alert(mention(post(url=url))))
    assert "javascript" not in blocks and "<!channel>" not in blocks and "a.example@" not in blocks
    assert blocks.count("|") - blocks.count("question|complaint") <= 2


LONG = "&acme<" * 5_000


def everything(long: Mention) -> Context:
    """All that can stand around a mention, each at its longest."""
    events = tuple(CaseEvent(NOW, LONG, "source", "note", LONG) for _ in range(10))
    earlier = (EarlierCase(1, NOW, CaseState.ANSWERED, LONG),)
    copies = tuple(Sighting("x", f"https://x.example/{n}" + "&" * 450, NOW) for n in range(9))
    known = case(
        mention_id=long.id,
        owner=LONG,
        state=CaseState.CLAIMED,
        due_at=NOW,
        snoozed_until=NOW,
        is_direct=True,
        tags=(LONG,) * 9,
        events=events,
        earlier=earlier,
        earlier_count=99,
        earlier_by_person=99,
        earlier_since=NOW,
    )
    return Context(known, copies, Proposal(LONG + "\n" * 999, LONG))


@pytest.mark.parametrize("lang", ["en", "de"])
async def test_f34_everything_at_its_longest_stays_within_the_limits(
    slack_server: SlackServer, tools: Tools, lang: str
) -> None:
    long = mention(post(title=LONG, text=LONG, author=LONG, url="https://x.example/" + "&" * 900, followers=10**12))
    long = replace(long, personal=tuple(Personal(kind, Span("text", 0, 9)) for kind in PersonalKind))
    calls: dict[str, Any] = {
        "possibly_sent_twice": True,
        "routes": (LONG,) * 50,
        "url": "https://m.example/" + "&" * 900,
        "called": tuple(Member(LONG, slack=f"U{n:010}") for n in range(50)),
        "contexts": {long.id: everything(long)},
    }
    shared = GroupView(4, (("watchlist", LONG), ("label", "complaint")), is_storm=True, is_closed=False)
    longs = tuple(replace(long, id=number) for number in range(1, 21))
    many = {**calls, "count": 5_000, "mentions": longs, "group": shared}
    settings = {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": slack_server.base}
    parsed = SlackSettings.model_validate({**settings, "app_token": "xapp-1", "lang": lang})
    slack = Slack(parsed, tools.session_for, tools.lasting_session_for, tools.clock)
    first = await slack.send(alert(long, **calls, reason=Reason.ESCALATION, n=9))
    for said in (
        alert(long, **calls, reason=Reason.ESCALATION, n=9, reference=first.reference),
        alert(**{**many, "group": replace(shared, is_storm=False)}),
        alert(**many),
        digest(5_000, mentions=longs, possibly_sent_twice=True),
        notice(LONG),
    ):
        await slack.send(said)  # the server refuses what is over a limit
    await slack.update(alert(long, **calls, reference=first.reference))
    assert len(slack_server.messages) == 6


def test_a_summary_that_is_cut_still_counts_exactly() -> None:
    long = mention(post(text="&" * 500, title=""))
    summary = digest(5_000, mentions=(long,) * 20)
    blocks = render(compose(summary, "en", 2000), summary)
    shown = sum("https://www.heise.de" in str(block) for block in blocks)
    assert shown < 20
    assert f"and {5_000 - shown} more" in str(blocks)


def test_overlapping_hits_are_marked_once() -> None:
    spans = (Span("text", 0, 4), Span("text", 0, 10), Span("text", 5, 10))
    found = replace(mention(post(text="acme phone", title="")), match=Match("acme", spans, ()))
    assert "*acme phone*" in shown(alert(found))


async def test_the_token_is_in_no_log_and_no_error(
    slack_server: SlackServer, tools: Tools, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    slack_server.then(Answer("error", "invalid_auth"), Answer("garbage"))
    slack = receiver(slack_server.base, tools)
    for _ in range(2):
        error = await refused(slack)
        assert TOKEN not in f"{error!r} {error.__cause__!r}"
    assert TOKEN not in caplog.text


async def test_a_proxy_of_the_environment_is_not_used(
    slack_server: SlackServer, tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await receiver(slack_server.base, tools).send(alert())
    assert len(slack_server.messages) == 1


async def test_the_probe_looks_up_a_channel_id(slack_server: SlackServer, tools: Tools) -> None:
    assert "#care" in await receiver(slack_server.base, tools).probe()
    assert "C0CARE00001" in await receiver(slack_server.base, tools, channel="C0CARE00001").probe()
    with pytest.raises(ReceiverError, match="channel_not_found"):
        await receiver(slack_server.base, tools, channel="C0NOWHERE01").probe()
    assert slack_server.messages == []
