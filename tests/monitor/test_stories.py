"""Stories in the store: copies alert once and are shown, nothing new is swallowed, copies outlive their original."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import CaseState
from monitor.loading import Surroundings, load_alerts
from monitor.pipeline import Part
from monitor.schema import alerts, cases, channels, mentions, posts
from monitor.store import Store, StoreError
from monitor.stories import Stories, read_copies
from sources.base import Post, PostKind
from tests.fakes import START, ScriptedSource
from tests.monitor.builders import (
    DAY,
    EVERY,
    Works,
    build_works,
    column,
    in_transaction,
    make_page,
    make_post,
    register_part,
    rows_of,
)

WEEK = timedelta(days=7)
ARTICLE = (
    "Acme is calling back the heater that it sold since March because it is broken in a way that nobody had expected, "
    "the company said on Monday, and asked everybody who owns one to unplug it and to wait for a letter."
)
PAGE = "https://www.agency.example/acme/heater.html"


def article(external_id: str = "1", source: str = "news", **changes: Any) -> Post:
    """The article as a source gives it."""
    post = make_post(
        external_id, ARTICLE, title="Acme calls heater back", kind=PostKind.ARTICLE, url=PAGE, source=source
    )
    return replace(post, **changes)


class Newsroom:
    """Works with several sources."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.works.pipeline.stories = Stories(WEEK)
        self._parts: dict[str, Part] = {"news": works.part}

    @property
    def store(self) -> Store:
        return self.works.store

    async def poll(self, source: str, *found: Post, **page: Any) -> None:
        """One pass of a source that finds these posts."""
        if source not in self._parts:
            register_part(self.store, self.works.clock(), source=source)
            self._parts[source] = Part(source, "", ScriptedSource(), "f", EVERY, DAY)
        part = self._parts[source]
        assert isinstance(part.source, ScriptedSource)
        part.source.answers.append(make_page(*(replace(post, source=source) for post in found), **page))
        assert await self.works.pipeline.poll(part)

    def told(self) -> list[tuple[int, str, str]]:
        """(mention, receiver, state) of all alerts about mentions."""
        return [(row.mention_id, row.receiver, row.state) for row in rows_of(self.store, alerts) if row.mention_id]

    def stories(self) -> list[int | None]:
        return column(self.store, posts.c.story_id)

    def send_all(self) -> None:
        """Everything owed is sent."""
        sent = sa.update(alerts).where(alerts.c.state == "owed").values(state="sent", reference="1", sent_at=START)
        in_transaction(self.store, Connection.execute, sent)


@pytest.fixture
def room(store: Store) -> Newsroom:
    room = Newsroom(build_works(store, recipients={"slack": ("",), "mail": ("a@x", "b@x")}))
    editable = sa.update(channels).where(channels.c.receiver == "slack").values(updatable=True)
    in_transaction(store, Connection.execute, editable)
    return room


async def test_f27_the_same_post_on_reddit_a_feed_and_hacker_news_alerts_once_with_three_sightings(
    room: Newsroom,
) -> None:
    await room.poll("feed", article(url=f"{PAGE}?utm_source=rss&utm_medium=feed"))
    amp = "https://www.google.com/amp/s/www.agency.example/amp/acme/heater.html"
    hn = make_post("9", amp, title="Acme calls heater back", url="https://news.ycombinator.com/item?id=9")
    await room.poll("hn", hn)
    link = "https://agency.example/acme/heater.html?fbclid=x#comments"
    reddit = make_post("t3_x", link, title="Acme heater is broken", url="https://www.reddit.com/r/a/comments/x/y/")
    await room.poll("reddit", reddit)
    assert room.stories() == [None, 1, 1]
    assert room.told() == [(1, "slack", "owed"), (1, "mail", "owed"), (1, "mail", "owed")]
    assert column(room.store, cases.c.mention_id) == [1]
    copies = in_transaction(room.store, read_copies, [1, 2, 3])
    assert [copy.source for copy in copies[1]] == ["reddit", "hn"]
    assert [copy.url for copy in copies[3]] == [hn.url, f"{PAGE}?utm_source=rss&utm_medium=feed"]
    around = Surroundings(copies=read_copies)
    [alert] = in_transaction(room.store, load_alerts, [column(room.store, alerts.c.id)[0]], "", around)
    assert len(alert.context.copies) == 2


async def test_a_message_that_is_out_is_owed_an_update_that_shows_the_copy(room: Newsroom) -> None:
    await room.poll("feed", article())
    room.send_all()
    await room.poll("search", article("2"))
    await room.poll("search", article("2"), article("3"))
    updates = rows_of(room.store, alerts, reason="update")
    assert [(row.mention_id, row.receiver, row.state) for row in updates] == [(1, "slack", "owed")]
    assert len(rows_of(room.store, alerts, reason="first")) == 3


async def test_copies_on_one_page_alert_once(room: Newsroom) -> None:
    await room.poll("search", *(article(str(number), url=f"https://paper{number}.example/a") for number in range(9)))
    assert room.stories() == [None, *[1] * 8]
    assert {mention_id for mention_id, _, _ in room.told()} == {1}


async def test_a_label_of_which_nobody_heard_is_told(room: Newsroom) -> None:
    await room.poll("feed", article())
    worse = ARTICLE.replace("asked everybody", "there was a fire in Leeds and it asked everybody")
    await room.poll("search", article("2", text=worse))
    await room.poll("other", article("3", text=worse))
    assert room.stories() == [None, 1, 1]
    assert {mention_id for mention_id, _, _ in room.told()} == {1, 2}
    assert column(room.store, cases.c.mention_id) == [1, 2]


async def test_each_watchlist_is_told_for_itself(room: Newsroom) -> None:
    await room.poll("feed", article())
    both = ARTICLE.replace("the company said", "the company and its rival Globex said")
    await room.poll("search", article("2", text=both))
    told = {mention_id for mention_id, _, _ in room.told()}
    lists = dict(zip(column(room.store, mentions.c.id), column(room.store, mentions.c.watchlist), strict=True))
    assert sorted(lists[mention_id] for mention_id in told) == ["acme", "globex"]


async def test_a_receiver_that_was_not_told_of_the_original_is_told_of_the_copy(room: Newsroom) -> None:
    await room.poll("feed", article())
    gone = sa.update(alerts).where(alerts.c.receiver == "slack").values(state="dropped", error="silenced")
    in_transaction(room.store, Connection.execute, gone)
    await room.poll("search", article("2"))
    assert [row for row in room.told() if row[0] == 2] == [(2, "slack", "owed")]


async def test_what_waits_for_a_summary_keeps_no_copy_from_being_told(room: Newsroom) -> None:
    old = article(published_at=START - 2 * DAY)
    await room.poll("feed", old)
    assert {state for _, _, state in room.told()} == {"held"}
    await room.poll("search", article("2"), body=True)
    assert {(mention_id, state) for mention_id, _, state in room.told()} == {(1, "held"), (2, "owed")}


async def test_copies_that_wait_for_a_summary_are_in_it_once(room: Newsroom) -> None:
    old = article(published_at=START - 2 * DAY)
    await room.poll("feed", old, replace(old, external_id="2", url="https://paper.example/a"))
    assert {mention_id for mention_id, _, _ in room.told()} == {1}


async def test_when_the_original_goes_before_it_was_told_a_copy_takes_its_place(room: Newsroom) -> None:
    await room.poll("feed", article())
    await room.poll("search", article("2"))
    await room.poll("other", article("3"))
    await room.poll("feed", deleted=("1",))
    owed = [(mention_id, receiver) for mention_id, receiver, state in room.told() if state == "owed"]
    assert owed == [(2, "slack"), (2, "mail"), (2, "mail")]
    assert [(row.mention_id, row.state) for row in rows_of(room.store, cases)] == [(1, "dismissed"), (2, "new")]
    copies = in_transaction(room.store, read_copies, [2])
    assert [copy.source for copy in copies[2]] == ["other"]
    await room.poll("late", article("4"))
    assert room.stories() == [None, 1, 1, 1]
    assert {mention_id for mention_id, _, state in room.told() if state == "owed"} == {2}


async def test_when_the_original_goes_after_it_was_told_its_copy_is_told_unless_somebody_has_the_case(
    room: Newsroom,
) -> None:
    await room.poll("feed", article())
    await room.poll("search", article("2"))
    room.send_all()
    await room.poll("feed", deleted=("1",))
    assert {mention_id for mention_id, _, state in room.told() if state == "owed" and mention_id != 1} == {2}


@pytest.mark.parametrize("state", [CaseState.CLAIMED, CaseState.ANSWERED, CaseState.DISMISSED])
async def test_what_somebody_took_on_does_not_come_back_as_a_copy(room: Newsroom, state: CaseState) -> None:
    await room.poll("feed", article())
    await room.poll("search", article("2"))
    room.send_all()
    in_transaction(room.store, Connection.execute, sa.update(cases).values(state=state.value))
    await room.poll("feed", deleted=("1",))
    assert {mention_id for mention_id, _, _ in room.told()} == {1}


async def test_a_restart_knows_what_is_stored(room: Newsroom) -> None:
    await room.poll("feed", article())
    await room.poll("search", article("2"))
    again = Stories(WEEK)
    in_transaction(room.store, again.read, room.works.clock())
    assert len(again) == 2
    room.works.pipeline.stories = again
    await room.poll("other", article("3"))
    assert room.stories() == [None, 1, 1]
    late = Stories(WEEK)
    in_transaction(room.store, late.read, room.works.clock() + WEEK + DAY)
    assert len(late) == 0


async def test_a_page_that_was_rolled_back_is_nobodys_original(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("monitor.intake._record_gaps", fail)
        with pytest.raises(StoreError):
            await room.poll("feed", article())
    await room.poll("other", make_post("7", "Acme is broken and this is quite another post about quite other things"))
    await room.poll("search", article("2"))
    assert room.stories() == [None, None]
    assert len({mention_id for mention_id, _, _ in room.told()}) == 2


async def test_a_page_that_is_written_again_is_not_its_own_original(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("monitor.intake._record_gaps", fail)
        with pytest.raises(StoreError):
            await room.poll("feed", article(author="Kim"))
    await room.poll("feed", article(author="Kim"))
    await room.poll("search", article("2"))
    first, copy = rows_of(room.store, posts)
    assert (first.story_id, copy.story_id) == (None, first.id)


async def test_without_stories_every_post_stands_for_itself(store: Store) -> None:
    works = build_works(store)
    assert works.pipeline.stories is None
    await works.poll(make_page(article("1"), article("2")))
    assert column(store, posts.c.story_id) == [None, None]
    assert len(rows_of(store, alerts)) == 2


async def test_short_posts_of_different_people_are_each_told(room: Newsroom) -> None:
    await room.poll("x", *(make_post(str(n), "Acme is broken again", author=f"person{n}") for n in range(4)))
    assert room.stories() == [None] * 4
    assert {mention_id for mention_id, _, _ in room.told()} == {1, 2, 3, 4}
