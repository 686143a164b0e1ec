"""People and the daemon in Slack: what is pressed is done once, seen by all, and survives a kill."""

from __future__ import annotations

import json
import signal
from typing import Any

from tests.acceptance.running import Feed, Installation, configuration, feed_source, item, until
from tests.servers import Web
from tests.slack_server import APP_TOKEN, TOKEN, SlackServer, serve_slack

TEAMS = {"care": {"members": [{"name": "Kim", "slack": "U0KIM"}, {"name": "Alex", "slack": "U0ALEX"}]}}


def _install(installed: Installation, web: Web, server: SlackServer) -> None:
    care = {"name": "care", "type": "slack", "base_url": server.base, "token": TOKEN, "channel": "#care"}
    installed.write(configuration([feed_source(web)], [{**care, "app_token": APP_TOKEN}], teams=TEAMS))


def _shown(server: SlackServer) -> str:
    first: dict[str, Any] = next(iter(server.shown.values()), {"blocks": []})
    return json.dumps(first["blocks"], ensure_ascii=False)


async def _cases(installed: Installation) -> list[dict[str, Any]]:
    return await installed.listing("cases")


async def test_a_case_is_claimed_corrected_and_answered_in_slack(installed: Installation, web: Web, feed: Feed) -> None:
    feed.items = [item(0, "My Acme is broken")]
    async with serve_slack() as slack:
        _install(installed, web, slack)
        async with installed.daemon() as daemon:
            await until(lambda: bool(slack.messages and slack.sockets.connections), "the first message and a listener")
            ts = next(iter(slack.shown))
            late = slack.pressing(ts, "claim", user="U0ALEX")  # of the message as Alex still sees it
            assert (await slack.press(ts, "claim")).seconds < 3
            await until(lambda: "Kim has it since" in _shown(slack), "the message to say who has it")
            await slack.sockets.send(late, "interactive")
            await until(lambda: bool(slack.whispers), "Alex to be told")
            assert "Kim" in slack.whispers[0]["text"]
            await slack.press(ts, "correct", user="U0ALEX")
            await until(lambda: bool(slack.views), "the modal")
            assert (await slack.submit(slack.views[0], labels=["question"], note="he asks")).payload is None
            await until(lambda: "Question about acme" in _shown(slack), "the message to show the label")
            await slack.press(ts, "answer")
            await until(lambda: "Answered by Kim" in _shown(slack), "the message to say that it is answered")
            await slack.type("search broken")
            await until(lambda: bool(slack.responses), "the search")
            assert "My Acme is broken" in str(slack.responses[0])
            assert await daemon.ask(signal.SIGTERM) == 0
    told = [message["text"] for message in slack.messages[1:]]
    assert told == ["Kim took it", "Kim corrected the label: question: he asks", "Kim answered it"]
    assert slack.sockets.faults == []
    [case] = await _cases(installed)
    assert (case["state"], case["owner"]) == ("answered", "Kim")


async def test_a_press_that_was_acknowledged_survives_a_kill_and_counts_once(
    installed: Installation, web: Web, feed: Feed
) -> None:
    feed.items = [item(0, "My Acme is broken")]
    async with serve_slack() as slack:
        _install(installed, web, slack)
        async with installed.daemon() as daemon:
            await until(lambda: bool(slack.messages and slack.sockets.connections), "the first message and a listener")
            ts = next(iter(slack.shown))
            pressing = slack.pressing(ts, "claim")
            await slack.sockets.send(pressing, "interactive")
            await daemon.ask(signal.SIGKILL)
        async with installed.daemon() as daemon:
            await until(lambda: bool(slack.sockets.connections), "a listener")
            await slack.sockets.send(pressing, "interactive")
            await until(lambda: "Kim has it since" in _shown(slack), "the message to say who has it")
            assert await daemon.ask(signal.SIGTERM) == 0
    ended = await installed.mentiond("case", "show", "1", "-c", installed.config, "--json")
    assert ended.out.count('"action":"claim"') + ended.out.count('"action": "claim"') == 1
