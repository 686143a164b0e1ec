"""Cases over two processes: what somebody does on the command line, the running daemon takes up at once."""

from __future__ import annotations

import json
import signal
import sqlite3
from typing import Any

from tests.acceptance.running import ACME, EVERY_TAG, Feed, Hook, Installation, feed_source, item, until, webhook
from tests.servers import Web
from tests.slack_server import APP_TOKEN, TOKEN, SlackServer, serve_slack

TEAMS = {
    "care": {
        "members": [{"name": "Kim", "slack": "U0KIM"}, {"name": "Alex", "slack": "U0ALEX"}],
        "on_call": {"rotation": ["Alex"], "start": "2026-11-02"},
    }
}
AT_ONCE = 3.0  # seconds: a tick of the daemon, one of the channel, and the message


def _install(installed: Installation, web: Web, slack: SlackServer) -> None:
    care = {"name": "care", "type": "slack", "base_url": slack.base, "token": TOKEN, "channel": "#care"}
    steps = [{"after": "3s", "receiver": "hook", "on_call": "care"}]
    route = {"matchers": [EVERY_TAG], "receiver": "care", "escalate": steps}
    installed.write(
        {
            "http": {"allow_hosts": ["127.0.0.1"]},
            "watchlists": [{**ACME, "team": "care"}],
            "teams": TEAMS,
            "sources": [feed_source(web)],
            "receivers": [{**care, "app_token": APP_TOKEN}, webhook(web)],
            "routes": {"receiver": "none", "routes": [route]},
        }
    )


def _first(slack: SlackServer) -> str:
    message: dict[str, Any] = next(iter(slack.shown.values()), {})
    return json.dumps(message, ensure_ascii=False)


async def test_f37_claimed_on_the_command_line_it_is_shown_in_slack_and_escalates_no_more(
    installed: Installation, web: Web, feed: Feed, hook: Hook
) -> None:
    feed.items = [item(0, "My Acme is broken"), item(1, "Acme broken again")]
    async with serve_slack() as slack:
        _install(installed, web, slack)
        async with installed.daemon() as daemon:
            await until(lambda: len(slack.shown) == 2, "two messages")
            mine = "1" if "Entry 0" in _first(slack) else "2"
            ended = await installed.mentiond("case", "claim", mine, "--by", "Kim", "-c", installed.config)
            assert ended.code == 0, ended.err
            await until(lambda: "Kim has it since" in _first(slack), "the message to say who has it", AT_ONCE)
            await until(lambda: bool(hook.alerts), "the escalation of the other case")
            assert await daemon.ask(signal.SIGTERM) == 0
    [called] = hook.alerts
    assert (called["reason"], str(called["mention"]["id"]) != mine) == ("escalation", True)
    assert [one["name"] for one in called["called"]] == ["Alex"]


async def test_many_commands_beside_a_busy_daemon_lose_nothing(
    installed: Installation, web: Web, feed: Feed, hook: Hook
) -> None:
    feed.items = [item(number, f"Acme broken {number}") for number in range(8)]
    async with serve_slack() as slack:
        _install(installed, web, slack)
        async with installed.daemon() as daemon:
            await until(lambda: bool(slack.shown), "the first message")
            for number in range(1, 9):
                ended = await installed.mentiond("case", "claim", str(number), "--by", "Kim", "-c", installed.config)
                assert ended.code == 0, ended.err
            assert await daemon.ask(signal.SIGTERM) == 0
    with sqlite3.connect(installed.folder / "mentiond.db") as store:
        assert store.execute("SELECT count(*) FROM case_events WHERE action = 'claim'").fetchone() == (8,)
        going = store.execute("SELECT count(*) FROM escalations WHERE next_at IS NOT NULL").fetchone()
    assert going == (0,)
