"""Groups: who shares a message, when it goes, and that nobody is in none or in two."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, CaseState, ReceiverError
from monitor import outbox
from monitor.groups import GroupKey, add_members, flush, join, open_group
from monitor.maintenance import apply_retention, store_classified
from monitor.schema import alerts, attempts, group_members, groups, posts, verdicts
from monitor.store import Store
from rules.routing import Options, Route
from tests.fakes import START, EditingReceiver, ScriptedReceiver
from tests.monitor.builders import in_transaction, rows_of
from tests.monitor.delivery_scene import Stage

SECOND = timedelta(seconds=1)


def grouped(*labels: str, **changes: Any) -> Route:
    return Route("console", options=Options(group_by=labels, **changes))


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store, grouped("watchlist"), {"console": EditingReceiver()})


async def test_mentions_of_a_group_share_a_message_after_group_wait(stage: Stage) -> None:
    stage.say("a")
    await stage.run_until(4)
    stage.say("b", "c")
    await stage.run_until(9)
    assert stage.sends == []
    await stage.run_until(30)
    [send] = stage.sends
    assert (send.at, send.told, send.count) == (10, ("a", "b", "c"), 3)
    [alert] = stage.receivers["console"].accepted
    assert alert.group is not None
    assert (alert.group.labels, alert.group.is_storm, alert.group.is_closed) == ((("watchlist", "acme"),), False, True)
    assert alert.key == f"group:{alert.group.id}|console||first|0"


async def test_what_comes_after_the_flush_waits_for_group_interval(stage: Stage) -> None:
    stage.say("a")
    await stage.run_until(11)
    stage.say("b")
    await stage.run_until(20)
    stage.say("c")
    await stage.run_until(900)
    stage.say("d")
    await stage.run_until(1000)
    assert stage.told() == [(10, "a"), (310, "b c"), (910, "d")]


async def test_other_labels_and_other_routes_are_other_groups(store: Store) -> None:
    stage = Stage(store, grouped("watchlist", "label"), {"console": EditingReceiver()})
    stage.say("a", "b", labels=("complaint", "question"))
    stage.say("c", watchlist="globex")
    stage.say("d", labels=("question",))
    await stage.run_until(30)
    assert [words for _, words in stage.told()] == ["a b", "c", "d"]


async def test_a_group_without_labels_takes_everything(store: Store) -> None:
    stage = Stage(store, grouped(), {"console": EditingReceiver()})
    stage.say("a")
    stage.say("b", watchlist="globex")
    await stage.run_until(30)
    assert stage.told() == [(10, "a b")]


async def test_a_resend_has_the_members_of_the_first_attempt(stage: Stage) -> None:
    console = stage.receivers["console"]
    console.failures = [ReceiverError("timeout", maybe_sent=True)]
    stage.say("a", "b")
    await stage.run_until(10)
    assert [alert.count for alert in console.tried] == [2]
    stage.say("c")
    await stage.run_until(600)
    told = [(tuple(mention.post.external_id for mention in alert.mentions), alert.key) for alert in console.tried]
    assert told[0] == told[1]
    assert console.tried[1].possibly_sent_twice
    assert told[2][0] == ("c",)


async def test_killed_while_it_is_sent_the_group_goes_again_with_the_same_members(stage: Stage) -> None:
    console = stage.receivers["console"]
    hanging = asyncio.Event()

    async def hang(alert: Alert) -> None:
        hanging.set()
        await asyncio.Event().wait()

    stage.say("a", "b")
    stage.clock.advance(10 * SECOND)
    noting, console.before = console.before, hang
    task = asyncio.create_task(stage.deliveries["console"].turn())
    await hanging.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    stage.say("c")  # the group is closed, though nobody knows whether it arrived
    console.before = noting
    stage.start() if stage.store.is_sqlite else stage.clock.advance(outbox.LEASE)
    await stage.run_until(60)
    again = console.accepted[0]
    assert [mention.post.external_id for mention in again.mentions] == ["a", "b"]
    assert again.possibly_sent_twice
    assert again.key == console.tried[0].key


async def test_killed_before_the_flush_the_group_still_takes_members(stage: Stage) -> None:
    stage.say("a")
    await stage.run_until(5)
    stage.start()
    stage.say("b")
    await stage.run_until(10)
    assert stage.told() == [(10, "a b")]


async def test_a_channel_that_is_down_gathers_meanwhile(stage: Stage) -> None:
    stage.receivers["console"].failures = [ReceiverError("ratelimited", retry_after=90)]
    stage.deliveries["console"].pace = 0.001  # one at a time
    stage.say("x", watchlist="globex")
    stage.say("a")
    await stage.run_until(50)
    stage.say("b")
    stage.say("y", watchlist="globex")  # that one was closed when it was tried
    await stage.run_until(101)
    assert [words for _, words in stage.told()] == ["x", "a b"]


async def test_every_address_hears_of_the_same_members(store: Store) -> None:
    stage = Stage(store, grouped("watchlist"), {"console": ScriptedReceiver()}, recipients={"console": ("a@x", "b@x")})
    stage.say("a")
    await stage.run_until(5)
    stage.say("b")
    await stage.run_until(60)
    accepted = stage.receivers["console"].accepted
    assert [(alert.recipient, alert.count) for alert in accepted] == [("a@x", 2), ("b@x", 2)]


async def test_once_flushes_groups_at_once(stage: Stage) -> None:
    stage.say("a", "b")
    assert await stage.deliveries["console"].run_once() == 0
    assert stage.told() == [(0, "a b")]


async def test_a_case_of_a_group_updates_its_message(stage: Stage) -> None:
    first, _ = stage.say("a", "b")
    await stage.run_until(10)
    stage.set_case(first, CaseState.CLAIMED)
    await stage.run_until(11)
    console = stage.receivers["console"]
    assert isinstance(console, EditingReceiver)
    [update] = console.updated
    assert (update.count, update.reference) == (2, "ref-1")


async def test_what_is_held_for_a_digest_joins_no_group(stage: Stage) -> None:
    held = replace(stage.news("old"), held_for="pass:news||1")
    stage.announce([held, stage.news("new")])
    assert [(row.state, row.subject[:6]) for row in stage.rows()] == [("held", "mentio"), ("owed", "group:")]
    await stage.run_until(20)
    assert stage.told() == [(10, "new")]


async def test_a_late_verdict_tells_nobody_again_who_was_told_in_a_group(stage: Stage) -> None:
    news = stage.news("a", labels=("unclassified",))
    stage.announce([news])
    await stage.run_until(20)
    mention = replace(stage.news("a-later").draft.mention, id=1)
    late = replace(news.draft, mention=mention)
    to = {"console": ("",)}
    in_transaction(stage.store, store_classified, [(news.post_id, 1, late)], to, stage.clock())
    assert [row.reason for row in stage.rows()] == ["first", "update"]  # the message shows the verdict now
    assert rows_of(stage.store, verdicts)[0].tags == ["complaint"]


async def test_retention_keeps_what_a_group_still_owes(stage: Stage) -> None:
    stage.say("a")
    long_after = START + timedelta(days=400)
    day = timedelta(days=1)
    in_transaction(stage.store, apply_retention, {}, 180 * day, day, long_after)
    assert len(rows_of(stage.store, group_members)) == 1
    await stage.run_until(20)
    assert len(rows_of(stage.store, attempts)) == 1
    in_transaction(stage.store, apply_retention, {}, 180 * day, day, long_after)
    assert [rows_of(stage.store, table) for table in (posts, groups, group_members, alerts, attempts)] == [[]] * 5


# -- the same instant ------------------------------------------------------------------------------------------------


def test_a_mention_added_while_the_group_is_flushed_is_in_exactly_one(store_url: str) -> None:
    """A thread announces without a pause, another flushes: every mention ends in one group, none after its flush."""
    stores = [Store(store_url) for _ in range(2)]
    stage = Stage(
        stores[0],
        grouped("watchlist", group_wait=timedelta(0), group_interval=timedelta(0)),
        {"console": EditingReceiver()},
    )
    sent: dict[int, list[int]] = {}

    def announce_all() -> int:
        count = 0
        while count < 60 or (len(sent) < 2 and count < 5000):  # on a busy machine the other thread may come late
            stage.say(f"m{count}")
            count += 1
        return count

    def flush_all() -> None:
        for group_id in in_transaction(stores[1], take_groups):
            sent[group_id] = [row.mention_id for row in rows_of(stores[1], group_members, group_id=group_id)]

    with ThreadPoolExecutor(1) as pool:
        announced = pool.submit(announce_all)
        while not announced.done():
            if in_transaction(stores[1], outbox.has_due, "console", START):
                flush_all()
        count = announced.result()
    flush_all()
    at_last = {
        group_id: [row.mention_id for row in rows_of(stores[0], group_members, group_id=group_id)] for group_id in sent
    }
    for store in stores:
        store.close()
    assert at_last == sent  # nobody joined after the flush
    assert sorted(one for members in sent.values() for one in members) == list(range(1, count + 1))
    assert len(sent) > 1


def take_groups(connection: Connection) -> list[int]:
    """What a claim does to groups."""
    ids = outbox.claim(connection, "console", "t", START, limit=5, pace=0.0)
    query = sa.select(alerts.c.group_id).where(alerts.c.id.in_(ids))
    taken = [group_id for group_id in connection.scalars(query) if group_id is not None]
    for group_id in taken:
        flush(connection, group_id, "console", START)
    connection.execute(sa.update(alerts).where(alerts.c.id.in_(ids)).values(state="sent", lease_token=None))
    return taken


def test_joining_a_closed_group_affects_nothing(store: Store) -> None:
    key = GroupKey("console", (("watchlist", "acme"),))
    group_id = in_transaction(store, open_group, key, START)
    assert in_transaction(store, join, key) == group_id
    in_transaction(store, flush, group_id, "console", START)
    assert in_transaction(store, join, key) is None
    assert in_transaction(store, open_group, key, START) != group_id


def test_there_is_one_open_group_for_a_key(store: Store) -> None:
    key = GroupKey("console", (("watchlist", "acme"),))
    first = in_transaction(store, open_group, key, START)
    assert in_transaction(store, open_group, key, START) == first
    assert in_transaction(store, open_group, GroupKey("other", key.labels), START) != first
    in_transaction(store, add_members, [], START)
    assert len(rows_of(store, groups)) == 2
