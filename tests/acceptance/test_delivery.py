"""The daemon and receivers in trouble: order, pauses and debts outlive it, and nobody else is held up."""

from __future__ import annotations

import signal
import socket
import time
from collections import Counter
from itertools import pairwise
from typing import Any

from tests.acceptance.running import (
    CONSOLE,
    Feed,
    Hook,
    Installation,
    configuration,
    feed_source,
    ids,
    item,
    mailbox,
    until,
    webhook,
)
from tests.servers import Web
from tests.slack_server import TOKEN, Answer, SlackServer, serve_slack
from tests.smtp_server import serve_smtp

PAUSE = 3  # seconds that Slack asks for
ENTRIES = 8  # at one a second
PEOPLE = ("a@example.com", "b@example.com")


def _slack(server: SlackServer) -> dict[str, Any]:
    return {"name": "care", "type": "slack", "base_url": server.base, "token": TOKEN, "channel": "#care"}


def _links(server: SlackServer) -> list[int]:
    """The numbers of the entries that were posted, in order."""
    found = [text.partition("https://news.example/")[2] for text in server.texts]
    return [int("".join(sign if sign.isdigit() else " " for sign in each).split()[0]) for each in found]


async def test_f31_a_slack_that_asks_to_wait_gets_everything_once_in_order_and_not_before_the_time(
    installed: Installation, web: Web, feed: Feed
) -> None:
    feed.items = [item(number, "My Acme is broken") for number in range(ENTRIES)]
    async with serve_slack() as slack:
        slack.then(*[Answer()] * 3, Answer("limited", PAUSE))
        installed.write(configuration([feed_source(web)], [CONSOLE, _slack(slack)]))
        async with installed.daemon() as daemon:
            await until(lambda: len(slack.calls) == 4, "the refusal")
            refused_at = time.monotonic()
            assert len(daemon.alerts) == ENTRIES  # the console waited for nobody
            await until(lambda: len(slack.messages) == ENTRIES, "all of them")
            assert await daemon.ask(signal.SIGTERM) == 0
    arrived = [message["arrived"] for message in slack.messages]
    assert _links(slack) == list(range(ENTRIES))
    assert slack.calls.count("chat.postMessage") == ENTRIES + 1
    assert arrived[3] - refused_at >= PAUSE - 0.2
    assert min(later - earlier for earlier, later in pairwise(arrived)) > 0.5  # a second, less what the machine adds


async def test_f31_the_pause_outlives_a_restart(installed: Installation, web: Web, feed: Feed) -> None:
    feed.items = [item(number, "My Acme is broken") for number in range(3)]
    async with serve_slack() as slack:
        slack.then(Answer(), Answer("limited", 6))
        installed.write(configuration([feed_source(web)], [_slack(slack)]))
        async with installed.daemon() as daemon:
            await until(lambda: len(slack.calls) == 2, "the refusal")
            refused_at = time.monotonic()
            assert await daemon.ask(signal.SIGTERM) == 0
        async with installed.daemon() as daemon:
            await until(lambda: len(slack.messages) == 3, "the rest")
            assert await daemon.ask(signal.SIGTERM) == 0
    assert slack.messages[1]["arrived"] - refused_at >= 5.8
    assert _links(slack) == [0, 1, 2]
    assert slack.calls.count("chat.postMessage") == 4


async def test_dead_receivers_hold_up_nobody_and_get_what_they_are_owed(
    installed: Installation, web: Web, feed: Feed, hook: Hook
) -> None:
    """The mail server refuses connections, the webhook answers 503; texts of 5,000 characters must arrive whole."""
    long = "My Acme is broken. " + "x" * 5000
    feed.items = [item(number, long) for number in range(15)]
    web["/other"] = other = Hook()
    hook.status = 503
    port = _unused_port()
    receivers = [CONSOLE, webhook(web), webhook(web, "other"), mailbox(port, *PEOPLE)]
    installed.write(configuration([feed_source(web)], receivers))
    async with installed.daemon() as daemon:
        await until(lambda: hook.refused > 1, "the webhook to be tried")
        feed.items += [item(number, long) for number in range(15, 30)]
        took = await until(lambda: len(daemon.alerts) == len(other.alerts) == 30, "the console and the live webhook")
        assert took < 20
        hook.status = 204
        async with serve_smtp(port=port) as smtp:
            await until(lambda: len(hook.alerts) >= 30, "the webhook's debts")
            await until(lambda: len(smtp.mails) >= 60, "the mails owed")
            assert await daemon.ask(signal.SIGTERM) == 0
    everything = [f"https://news.example/{number}" for number in range(30)]
    assert ids(hook.alerts) == everything
    assert {alert["mention"]["post"]["text"] for alert in hook.alerts} == {long}
    assert Counter(mail.recipients for mail in smtp.mails) == {(person,): 30 for person in PEOPLE}
    assert len({mail.message["Message-ID"] for mail in smtp.mails}) == 60
    assert await installed.listing("alerts", "--dead") == []


async def test_f36_one_refused_address_is_dead_and_the_others_are_served(
    installed: Installation, web: Web, feed: Feed
) -> None:
    feed.items = [item(0, "My Acme is broken")]
    async with serve_smtp() as smtp:
        smtp.rcpt = {"gone@example.com": "550 no such user", "grey@example.com": "451 come back later"}
        people = ("gone@example.com", "grey@example.com", "a@example.com")
        installed.write(configuration([feed_source(web)], [mailbox(smtp.port, *people)]))
        assert (await installed.once()).code == 3
        states = {row["recipient"]: row["state"] for row in await installed.listing("alerts")}
        assert states == {people[0]: "dead", people[1]: "owed", people[2]: "sent"}
        del smtp.rcpt["grey@example.com"]
        assert (await installed.once()).code == 0
        assert [mail.recipients[0] for mail in smtp.mails] == ["a@example.com", "grey@example.com"]
        del smtp.rcpt["gone@example.com"]
        assert "1 dead letters" in (await installed.mentiond("alerts", "--retry", "-c", installed.config)).out
        assert (await installed.once()).code == 0
        assert smtp.mails[-1].recipients == ("gone@example.com",)


async def test_f32_a_refused_channel_keeps_its_debts_and_the_operator_is_told_once(
    installed: Installation, web: Web, feed: Feed
) -> None:
    feed.items = [item(number, "My Acme is broken") for number in range(3)]
    async with serve_slack() as slack:
        slack.then(Answer("error", "channel_not_found"))
        settings = configuration([feed_source(web)], [_slack(slack), CONSOLE], operations={"receiver": "screen"})
        installed.write(settings)
        async with installed.daemon() as daemon:
            await until(lambda: len(daemon.alerts) == 4, "three mentions and a notice")
            [notice] = [alert["notice"] for alert in daemon.alerts if alert["reason"] == "notice"]
            assert "care is stopped" in notice
            assert await daemon.ask(signal.SIGTERM) == 0
        assert (slack.messages, slack.calls.count("chat.postMessage")) == ([], 1)
        async with installed.daemon() as daemon:  # mended: a start gives the channel another chance
            await until(lambda: len(slack.messages) == 3, "what was owed")
            assert await daemon.ask(signal.SIGTERM) == 0
    assert _links(slack) == [0, 1, 2]


async def test_f33_a_lost_reply_brings_one_copy_that_says_so(installed: Installation, web: Web, feed: Feed) -> None:
    feed.items = [item(number, "My Acme is broken") for number in range(2)]
    async with serve_slack() as slack:
        slack.then(Answer("reset"))
        installed.write(configuration([feed_source(web)], [_slack(slack)]))
        async with installed.daemon() as daemon:
            await until(lambda: len(slack.messages) == 3, "two alerts and a copy")
            assert await daemon.ask(signal.SIGTERM) == 0
    assert _links(slack) == [0, 0, 1]
    assert ["sent twice" in text for text in slack.texts] == [False, True, False]


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
