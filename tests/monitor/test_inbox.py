"""The inbox: a delivery is kept once, in order, makes its source due, and is forgotten when it was read long ago."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from monitor import cursors, inbox
from monitor.cursors import register_parts, rename_source
from monitor.inbox import InboxFullError, StoredInbox, forget_read, keep
from monitor.intake import commit_page
from monitor.schema import cursors as cursor_rows
from monitor.schema import inbox as inbox_rows
from monitor.store import Store
from sources.base import Page
from tests.fakes import START
from tests.monitor.builders import EVERY, column, in_transaction, make_intake, register_part, rows_of

LATER = START + EVERY


def push(store: Store, key: str, body: bytes = b"{}", source: str = "news") -> bool:
    return in_transaction(store, keep, source, key, "application/json", body, START)


def finish(store: Store, source: str = "news", after: int = 0) -> None:
    """A page that has read the inbox up to `after`."""
    state = in_transaction(store, cursors.read_part, source, "")
    page = Page(posts=(), cursor={"after": after})
    in_transaction(store, commit_page, make_intake(state, page=page))


async def test_bodies_are_read_back_byte_for_byte_in_their_order(store: Store) -> None:
    register_part(store, START)
    bodies = [b"\x00\xff one", "Müller".encode(), b""]
    for number, body in enumerate(bodies):
        assert push(store, str(number), body)
    read = await StoredInbox(store).read("news", 0, 10)
    assert [kept.body for kept in read] == bodies
    assert [kept.id for kept in read] == sorted(kept.id for kept in read)
    assert {kept.received_at for kept in read} == {START}
    assert [kept.body for kept in await StoredInbox(store).read("news", read[0].id, 1)] == [bodies[1]]
    assert await StoredInbox(store).read("other", 0, 10) == ()


def test_the_same_key_is_kept_once_for_each_source(store: Store) -> None:
    register_part(store, START)
    register_part(store, START, "other")
    assert push(store, "a", b"first")
    assert not push(store, "a", b"second")
    assert push(store, "a", source="other")
    assert column(store, inbox_rows.c.body, source="news") == [b"first"]


def test_a_push_makes_its_source_due_at_once_and_no_other(store: Store) -> None:
    for source in ("news", "other"):
        register_part(store, START, source)
        finish(store, source)
    assert in_transaction(store, cursors.due_parts, START) == []
    push(store, "a")
    assert in_transaction(store, cursors.due_parts, START) == [("news", "")]


def test_a_push_leaves_the_parts_that_poll_alone(store: Store) -> None:
    fingerprints = {("news", ""): "f", ("news", "comments"): "f"}
    in_transaction(store, register_parts, fingerprints, START)
    later = sa.update(cursor_rows).values(due_at=LATER, cursor={"after": "QVFIU"})
    store.write_now(lambda connection: connection.execute(later.where(cursor_rows.c.part == "comments")))
    finish(store)
    push(store, "a")
    assert in_transaction(store, cursors.due_parts, START) == [("news", "")]


def test_a_push_does_not_shorten_the_pause_after_a_failure(store: Store) -> None:
    state = register_part(store, START)
    failed = partial(cursors.record_failure, state=state, error="broken", due_at=LATER, now=START, disable=False)
    store.write_now(failed)
    push(store, "a")
    assert in_transaction(store, cursors.due_parts, START) == []


def test_what_comes_while_a_page_is_read_keeps_the_source_due(store: Store) -> None:
    register_part(store, START)
    push(store, "a")
    read = column(store, inbox_rows.c.id)[-1]
    push(store, "b")  # after the page was read, before it is stored
    finish(store, after=read)
    assert in_transaction(store, cursors.due_parts, START) == [("news", "")]
    finish(store, after=column(store, inbox_rows.c.id)[-1])
    assert in_transaction(store, cursors.due_parts, START) == []


def test_a_full_inbox_refuses_and_takes_again_what_was_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "LONGEST_QUEUE", 2)
    register_part(store, START)
    for key in ("a", "b"):
        push(store, key)
    with pytest.raises(InboxFullError, match="2 deliveries wait already"):
        push(store, "c")
    assert len(rows_of(store, inbox_rows)) == 2
    finish(store, after=column(store, inbox_rows.c.id)[0])
    assert push(store, "c")


def test_only_what_was_read_a_week_ago_is_forgotten(store: Store) -> None:
    register_part(store, START)
    register_part(store, START, "other")
    for key in ("a", "b"):
        push(store, key)
    push(store, "a", source="other")
    first = column(store, inbox_rows.c.id, source="news")[0]
    finish(store, after=first)
    in_transaction(store, forget_read, "news", START + timedelta(days=7))
    assert len(rows_of(store, inbox_rows)) == 3
    in_transaction(store, forget_read, "news", START + timedelta(days=7, seconds=1))
    assert [(row.source, row.key) for row in rows_of(store, inbox_rows)] == [("news", "b"), ("other", "a")]
    assert push(store, "a")  # too long ago to be known


async def test_a_renamed_source_keeps_its_inbox_and_its_place(store: Store) -> None:
    register_part(store, START)
    for key in ("a", "b"):
        push(store, key, key.encode())
    finish(store, after=column(store, inbox_rows.c.id)[0])
    in_transaction(store, rename_source, "news", "chat")
    register_part(store, START, "chat")
    state = in_transaction(store, cursors.read_part, "chat", "")
    after = state.cursor["after"]
    assert isinstance(after, int)
    assert [kept.body for kept in await StoredInbox(store).read("chat", after, 10)] == [b"b"]
    assert not push(store, "a", source="chat")
