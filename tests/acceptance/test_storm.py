"""A storm at a Slack that takes one message a second: 5,000 matches in a minute.

The minute is a minute of an injected clock, which the server's limit is measured on as well; store, delivery, Slack
receiver, slack-sdk and the HTTP between them are the real ones.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import aiohttp
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Reason
from alerts.slack import Slack, SlackSettings
from monitor import outbox, storms
from monitor.delivery import Delivery
from monitor.mentions import Draft, News, announce
from monitor.schema import alerts, group_members, posts
from monitor.store import Store
from rules.routing import Route, decide
from tests.fakes import START, FixedClock
from tests.monitor.builders import in_transaction, rows_of
from tests.monitor.delivery_scene import NoJitter, make_mention
from tests.slack_server import TOKEN, SlackServer, serve_slack

MATCHES, SECONDS = 5_000, 60
GROUP_WAIT = 10


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Storm:
    """One receiver `care` on a store, told by a clock that is moved."""

    def __init__(self, store: Store, slack: SlackServer, session: aiohttp.ClientSession) -> None:
        self.store, self.slack, self.clock = store, slack, FixedClock()
        slack.pace, slack.clock = 1.0, lambda: self.clock().timestamp()
        settings = SlackSettings.model_validate(
            {"name": "care", "type": "slack", "token": TOKEN, "channel": "#care", "base_url": slack.base}
        )
        receiver = Slack(settings, lambda url: session, lambda url: session, self.clock)
        traits = {"care": outbox.Traits(True, settings.storm)}
        in_transaction(store, outbox.register_channels, ["care"], START, traits)
        self.delivery = Delivery(
            name="care",
            receiver=receiver,
            pace=settings.pace,
            retry_for=settings.retry_for,
            public_url="https://m.example",
            store=store,
            clock=self.clock,
            random=NoJitter(),
        )

    def match(self, count: int, second: int) -> None:
        """A page of matches, stored and routed."""
        in_transaction(self.store, partial(_store_page, count=count, second=second), self.clock)

    async def tick(self) -> None:
        """One second of the daemon."""
        in_transaction(self.store, storms.end_storms, self.clock())
        while await self.delivery.turn() <= 0:
            pass
        self.clock.advance(timedelta(seconds=1))


def _store_page(connection: Connection, clock: FixedClock, *, count: int, second: int) -> None:
    now, news = clock(), []
    root = Route("care")
    for number in range(count):
        mention = make_mention(f"{second}-{number}", published_at=now)
        row = {name: getattr(mention.post, name) for name in type(mention.post).__dataclass_fields__}
        row |= {"kind": "post", "content_hash": "x", "revision": 1, "matched": True, "fetched_at": now}
        post_id = connection.execute(sa.insert(posts).values(row).returning(posts.c.id)).scalar_one()
        draft = Draft(mention, tuple(decide(root, mention, "feed", now)), "feed")
        news.append(News(draft, post_id, 1, Reason.FIRST))
    announce(connection, news, {"care": ("",)}, now)


async def test_f30_a_storm_is_told_at_once_counted_exactly_and_nothing_is_dropped(
    store: Store, say: Callable[[str], None]
) -> None:
    async with serve_slack() as slack, aiohttp.ClientSession() as session:
        storm = Storm(store, slack, session)
        first: float | None = None
        used: dict[int, int] = {}
        for second in range(SECONDS):
            storm.match(MATCHES * (second + 1) // SECONDS - MATCHES * second // SECONDS, second)
            at = (storm.clock() - START).total_seconds()
            await storm.tick()
            first = at if first is None and slack.messages else first
            assert len(rows_of(store, alerts, state="owed")) <= 22
            if second in (20, SECONDS - 1):
                gc.collect()
                used[second] = resident()
        for _ in range(90):
            await storm.tick()
            storm.clock.advance(timedelta(seconds=4))
    assert first is not None
    assert first <= GROUP_WAIT + 2
    assert slack.refused == 0
    assert len(slack.messages) == 21
    [group] = {row.group_id for row in rows_of(store, group_members)}
    assert 20 + len(rows_of(store, group_members, group_id=group)) == MATCHES
    last = json.dumps(list(slack.shown.values())[-1], ensure_ascii=False)
    assert any(text in last for text in ("4980", "4,980", "4.980"))
    assert {row.state for row in rows_of(store, alerts)} == {"sent"}
    grown = (used[SECONDS - 1] - used[20]) / 2**20
    assert grown < 8
    edits = slack.calls.count("chat.update")
    say(f"storm: first message after {first:.0f} s, 21 messages, {edits} edits, memory {grown:+.2f} MiB in 40 s")
