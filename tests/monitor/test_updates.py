"""Messages that are out are edited in place: who is owed an update, once, up to which revision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, CaseState, Reason, ReceiverError
from monitor import outbox
from monitor.owed import owed_row
from monitor.schema import alerts, attempts, cases, channels, group_members, groups, mentions
from monitor.store import Store
from monitor.updates import UPDATE_EVERY, touch
from rules.routing import Route
from tests.fakes import START, EditingReceiver
from tests.monitor.builders import (
    Works,
    build_works,
    column,
    in_transaction,
    make_delivery,
    make_page,
    make_posts,
    rows_of,
)
from tests.monitor.delivery_scene import Stage

SECOND = timedelta(seconds=1)


@pytest.fixture
async def works(store: Store) -> Works:
    """Three mentions, told to `slack`, which can edit its messages, and to `mail`, which cannot."""
    works = build_works(store, recipients={"slack": ("",), "mail": ("a@x", "b@x")})
    await works.poll(make_page(*make_posts(3)))
    set_rows(store, channels, channels.c.receiver == "slack", updatable=True)
    return works


def set_rows(store: Store, table: sa.Table, where: sa.ColumnElement[bool], **values: object) -> None:
    in_transaction(store, Connection.execute, sa.update(table).where(where).values(**values))


def send_all(store: Store, reference: str | None = "1700.1") -> None:
    """Everything owed is sent."""
    set_rows(store, alerts, alerts.c.state == "owed", state="sent", sent_at=START, reference=reference)


def owed_updates(store: Store) -> list[Any]:
    return rows_of(store, alerts, reason="update", state="owed")


def open_cases(store: Store) -> None:
    """Each mention has a case; where mentions make theirs, those stay."""
    there = set(column(store, cases.c.mention_id))
    missing = [mention_id for mention_id in column(store, mentions.c.id) if mention_id not in there]
    case = {"state": CaseState.NEW, "changed_at": START, "opened_at": START, "is_direct": False}
    case |= {"priority": 0, "tags": [], "revision": 0}
    if missing:
        rows = [case | {"mention_id": mention_id} for mention_id in missing]
        in_transaction(store, Connection.execute, sa.insert(cases), rows)


def group(store: Store, *members: int, receiver: str = "slack") -> int:
    """A closed group whose message was sent."""

    def work(connection: Connection) -> int:
        made = sa.insert(groups).returning(groups.c.id)
        values = {"receiver": receiver, "key": "{}", "labels": {}, "is_storm": False, "opened_at": START}
        group_id: int = connection.execute(made, values | {"closed_at": START, "revision": 0}).scalar_one()
        rows = [{"group_id": group_id, "mention_id": one, "joined_at": START} for one in members]
        connection.execute(sa.insert(group_members), rows)
        told = owed_row(f"group:{group_id}", receiver, "", Reason.FIRST, 0, START) | {"group_id": group_id}
        connection.execute(sa.insert(alerts), told | {"state": "sent", "reference": "1800.1"})
        return group_id

    return in_transaction(store, work)


def test_what_was_sent_to_a_receiver_that_can_edit_is_owed_an_update(works: Works) -> None:
    send_all(works.store)
    open_cases(works.store)
    assert in_transaction(works.store, touch, [2], START + SECOND) == {"slack"}
    [row] = owed_updates(works.store)
    assert (row.subject, row.receiver, row.recipient, row.n) == ("mention:2", "slack", "", 0)
    assert (row.mention_id, row.revision) == (2, 1)


def test_what_was_not_sent_yet_is_owed_none_as_it_will_show_it_anyway(works: Works) -> None:
    open_cases(works.store)
    assert in_transaction(works.store, touch, [1, 2, 3], START) == frozenset()
    assert owed_updates(works.store) == []
    assert column(works.store, cases.c.revision) == [1, 1, 1]


@pytest.mark.parametrize("reference", [None, ""])
def test_a_message_that_cannot_be_found_again_is_owed_none(works: Works, reference: str | None) -> None:
    send_all(works.store, reference)
    assert in_transaction(works.store, touch, [1], START) == frozenset()
    assert owed_updates(works.store) == []


def test_a_thousand_changes_are_one_row_with_the_last_revision(works: Works) -> None:
    send_all(works.store)
    open_cases(works.store)
    for _ in range(1000):
        in_transaction(works.store, touch, [1], START)
    [row] = owed_updates(works.store)
    assert row.revision == 1000


def test_an_update_that_ended_is_owed_anew_and_not_too_soon(works: Works) -> None:
    send_all(works.store)
    in_transaction(works.store, touch, [1], START)
    sent_at = START + 10 * SECOND
    is_update = alerts.c.reason == "update"
    set_rows(works.store, alerts, is_update, state="sent", sent_at=sent_at, attempts=1, error="x", failed_since=START)
    in_transaction(works.store, touch, [1], sent_at + SECOND)
    [row] = owed_updates(works.store)
    assert (row.due_at, row.attempts, row.error) == (sent_at + SECOND + UPDATE_EVERY, 0, None)
    assert row.failed_since is None
    set_rows(works.store, alerts, is_update, state="sent", sent_at=sent_at)
    in_transaction(works.store, touch, [1], sent_at + UPDATE_EVERY)
    assert owed_updates(works.store)[0].due_at == sent_at + UPDATE_EVERY


def test_a_row_that_is_owed_keeps_its_failures_and_its_lease(works: Works) -> None:
    send_all(works.store)
    in_transaction(works.store, touch, [1], START)
    failing = {"attempts": 3, "error": "down", "failed_since": START, "due_at": START + 60 * SECOND}
    set_rows(works.store, alerts, alerts.c.reason == "update", lease_token="t", **failing)
    in_transaction(works.store, touch, [1], START + SECOND)
    [row] = owed_updates(works.store)
    assert {name: getattr(row, name) for name in failing} == failing
    assert row.lease_token == "t"


def test_a_mention_in_a_group_updates_the_message_of_the_group(works: Works) -> None:
    send_all(works.store)  # mention 1 has replies of its own there
    group_id = group(works.store, 1, 2)
    assert in_transaction(works.store, touch, [1], START) == {"slack"}
    [row] = owed_updates(works.store)
    assert (row.subject, row.group_id, row.mention_id, row.revision) == (f"group:{group_id}", group_id, None, 1)


def test_a_group_elsewhere_takes_no_update_from_a_message_of_its_own(works: Works) -> None:
    send_all(works.store)
    group(works.store, 1, receiver="mail")
    in_transaction(works.store, touch, [1], START)
    assert [row.subject for row in owed_updates(works.store)] == ["mention:1"]


def test_a_storm_that_is_claimed_as_a_whole_is_one_update(works: Works) -> None:
    group_id = group(works.store, 1, 2, 3)
    in_transaction(works.store, touch, [1, 2, 3], START)
    [row] = owed_updates(works.store)
    assert row.subject == f"group:{group_id}"
    assert row.revision == 1


# -- on their way ----------------------------------------------------------------------------------------------------


def make_stage(store: Store, *failures: Exception | None) -> Stage:
    return Stage(store, Route("console"), {"console": EditingReceiver(*failures)})


def updated(stage: Stage) -> list[Alert]:
    receiver = stage.receivers["console"]
    assert isinstance(receiver, EditingReceiver)
    return receiver.updated


async def test_an_update_shows_the_message_anew_under_its_reference(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    await stage.deliver()
    stage.set_case(mention_id, CaseState.CLAIMED)
    await stage.deliver()
    [alert] = updated(stage)
    assert (alert.reason, alert.n, alert.reference) == (Reason.UPDATE, 0, "ref-1")
    assert alert.revision == rows_of(store, cases)[0].revision
    assert len(stage.receivers["console"].accepted) == 1


async def test_an_update_says_what_the_message_said_of_its_way(store: Store) -> None:
    stage = make_stage(store, ReceiverError("reset", maybe_sent=True))
    [mention_id] = stage.say("a")
    set_rows(store, alerts, alerts.c.id == 1, called=["Kim"])
    await stage.run_until(60)
    stage.set_case(mention_id, CaseState.CLAIMED)
    await stage.deliver()
    [alert] = updated(stage)
    assert (alert.routes, alert.created_at, alert.possibly_sent_twice) == (("default",), START, True)
    assert [member.name for member in alert.called] == ["Kim"]


async def test_a_message_whose_reply_was_lost_is_owed_no_update_and_no_loop(store: Store) -> None:
    stage = make_stage(store, ReceiverError("reset", maybe_sent=True, permanent=True))
    [mention_id] = stage.say("a")
    await stage.deliver()
    stage.set_case(mention_id, CaseState.CLAIMED)
    await stage.run_until(600)
    assert updated(stage) == []
    assert [row.reason for row in stage.rows()] == ["first"]


async def test_an_update_whose_message_cannot_be_found_any_more_is_dropped(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    await stage.deliver()
    stage.set_case(mention_id, CaseState.CLAIMED)
    set_rows(store, alerts, alerts.c.reason == "first", reference="")
    await stage.run_until(600)
    assert [(row.state, row.error) for row in stage.rows(reason="update")] == [("dropped", "no message to edit")]


async def test_an_update_that_is_refused_is_dead_and_the_next_change_tries_once_more(store: Store) -> None:
    stage = make_stage(store, None, ReceiverError("message_not_found", permanent=True))
    [mention_id] = stage.say("a")
    await stage.deliver()
    stage.set_case(mention_id, CaseState.CLAIMED)
    await stage.run_until(600)
    assert [row.state for row in stage.rows(reason="update")] == ["dead"]
    stage.set_case(mention_id, CaseState.ANSWERED)
    await stage.run_until(700)
    assert len(updated(stage)) == 1


async def test_moved_on_while_it_was_on_its_way_it_stays_owed_and_ends_with_the_last(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    await stage.deliver()
    receiver = stage.receivers["console"]
    noting = receiver.before

    async def claim_meanwhile(alert: Alert) -> None:
        receiver.before = noting
        stage.set_case(mention_id, CaseState.ANSWERED)

    stage.set_case(mention_id, CaseState.CLAIMED)
    receiver.before = claim_meanwhile
    await stage.deliver()
    assert [row.state for row in stage.rows(reason="update")] == ["owed"]
    await stage.run_until(60)
    assert [alert.revision for alert in updated(stage)] == [1, 2]
    assert [row.state for row in stage.rows(reason="update")] == ["sent"]


async def test_changed_while_the_message_itself_was_on_its_way_it_is_updated(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    stage.set_case(mention_id, CaseState.NEW)
    receiver = stage.receivers["console"]
    noting = receiver.before

    async def claim_meanwhile(alert: Alert) -> None:
        receiver.before = noting
        stage.set_case(mention_id, CaseState.CLAIMED)

    receiver.before = claim_meanwhile
    await stage.run_until(60)
    assert [alert.revision for alert in updated(stage)] == [2]


async def test_a_thousand_changes_are_few_edits_and_the_last_is_shown(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    await stage.deliver()
    for number in range(200):
        for _ in range(5):
            in_transaction(store, touch, [mention_id], stage.clock())
        await stage.run_until((number + 1) / 10)
    await stage.run_until(60)
    assert len(updated(stage)) <= 20 / UPDATE_EVERY.total_seconds() + 2
    assert updated(stage)[-1].revision == max([0, *column(store, cases.c.revision)])


async def test_a_repeat_and_an_edit_stand_under_the_first_message(store: Store) -> None:
    stage = make_stage(store)
    [mention_id] = stage.say("a")
    await stage.deliver()
    edited = replace(stage.news("a-again"), reason=Reason.EDITED, mention_id=mention_id, revision=2)
    stage.announce([edited])
    await stage.deliver()
    accepted = stage.receivers["console"].accepted
    assert [(alert.reason, alert.reference) for alert in accepted] == [(Reason.FIRST, ""), (Reason.EDITED, "ref-1")]
    stage.set_case(mention_id, CaseState.CLAIMED)
    await stage.deliver()
    assert [alert.reference for alert in updated(stage)] == ["ref-1"]


async def test_a_post_that_its_source_withdrew_loses_its_words_in_the_message(store: Store) -> None:
    works = build_works(store)
    await works.poll(make_page(*make_posts(1)))
    in_transaction(store, outbox.register_channels, ["console"], START, {"console": outbox.Traits(True)})
    receiver = EditingReceiver()
    worker = make_delivery(store, receiver, works.clock)
    assert await worker.run_once() == 0
    await works.poll(make_page(deleted=("0",), cursor={"at": 2}))
    assert await worker.run_once() == 0
    [alert] = receiver.updated
    assert (alert.mentions[0].post.text, alert.reference) == ("", "ref-1")


async def test_every_attempt_is_logged(store: Store) -> None:
    stage = make_stage(store, ReceiverError("503"), None, ReceiverError("too long", permanent=True))
    stage.say("a", "b")
    await stage.run_until(60)
    logged = [(row.alert_id, row.attempt, row.outcome, row.detail) for row in rows_of(store, attempts)]
    assert logged == [(1, 1, "failed", "503"), (1, 2, "sent", "ref-1"), (2, 1, "dead", "too long")]
