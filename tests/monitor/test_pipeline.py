"""Polling: passes, failures and their pauses, and posts that no database should have to see."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from monitor import cursors
from monitor.pipeline import LONGEST_ID, storable, storable_page
from monitor.schema import alerts, mentions, posts, revisions, seen
from monitor.store import Store, StoreError
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, SourceError
from tests.fakes import START
from tests.monitor.builders import (
    DAY,
    EVERY,
    Works,
    build_works,
    column,
    in_transaction,
    make_page,
    make_post,
    make_posts,
    rows_of,
)

HUGE = 10**400


@pytest.fixture
def works(store: Store) -> Works:
    return build_works(store, recipients={"console": ("",), "ops": ("a@x", "b@x")}, operations="ops")


def wait(works: Works) -> float:
    """Seconds until the part is due."""
    return (works.state.due_at - works.clock()).total_seconds()


async def test_a_pass_asks_for_all_its_pages_and_goes_on_from_the_stored_cursor(works: Works) -> None:
    first, second = make_posts(2)
    pages = (make_page(first, cursor={"n": 1}, more=True), make_page(second, cursor={"n": 2}))
    assert await works.poll(*pages)
    assert works.source.asked == [{}, {"n": 1}]
    assert works.state.cursor == {"n": 2}
    assert wait(works) == EVERY.total_seconds()
    assert len(rows_of(works.store, mentions)) == 2


async def test_f1_a_pass_that_was_cut_off_goes_on_where_it_was(works: Works) -> None:
    first, second = make_posts(2)
    await works.poll(make_page(first, cursor={"n": 1}, more=True), RuntimeError("killed"))
    assert works.state.cursor == {"n": 1}
    await works.poll(make_page(second, cursor={"n": 2}))
    assert works.source.asked == [{}, {"n": 1}, {"n": 1}]
    assert len(rows_of(works.store, mentions)) == 2


async def test_a_drain_ends_a_pass_after_its_page(works: Works) -> None:
    def stop(receivers: Iterable[str]) -> None:
        works.pipeline.stopping = True

    works.pipeline.wake = stop
    await works.poll(make_page(make_post("1"), more=True), make_page(make_post("2")))
    assert len(works.source.asked) == 1
    await works.poll()
    assert len(works.source.asked) == 1


async def test_whoever_is_owed_something_is_woken(works: Works) -> None:
    woken: list[str] = []
    works.pipeline.wake = woken.extend
    await works.poll(make_page(make_post("1", published_at=START - 3 * DAY)))
    assert woken == []
    await works.poll(make_page(make_post("2")))
    assert sorted(woken) == ["console", "ops"]


async def test_a_failure_keeps_cursor_and_posts_and_is_told_once(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    await works.poll(make_page(make_post(), cursor={"n": 1}))
    with caplog.at_level(logging.INFO, "mentiond"):
        for _ in range(3):
            assert not await works.poll(SourceError("502 Bad\0 Gateway \ud800"))
        state = works.state
        assert (state.cursor, state.failures, state.error_since) == ({"n": 1}, 3, START)
        assert state.error == "502 Bad Gateway ?"
        assert await works.poll(make_page(more=True), make_page())
    assert (works.state.failures, works.state.error, works.state.error_since) == (0, None, None)
    said = [record.message.split(" source=")[0] for record in caplog.records]
    assert said == ["source failing", "source recovered"]


@pytest.mark.parametrize(("limit", "longest"), [(BACKOFF_SHORT, 900), (BACKOFF_LONG, 86_400)])
async def test_f17_pauses_double_up_to_the_limit_of_the_error(works: Works, limit: timedelta, longest: float) -> None:
    pauses = []
    for _ in range(12):
        await works.poll(SourceError("down", backoff_limit=limit))
        pauses.append(wait(works))
    assert 0.9 * 300 <= pauses[0] <= 300
    assert 0.9 * min(600, longest) <= pauses[1] <= 600
    assert 0.9 * longest <= pauses[-1] <= longest


@pytest.mark.parametrize(("asked", "waits"), [(1, 300), (0, 300), (-5, 300), (3600, 3600), (1e9, 86_400)])
async def test_f15_what_the_server_asks_for_is_kept_within_interval_and_a_day(
    works: Works, asked: float, waits: float
) -> None:
    await works.poll(SourceError("429", retry_after=asked))
    assert wait(works) == waits


async def test_f17_gone_for_good_is_switched_off_and_the_operator_told(works: Works) -> None:
    woken: list[str] = []
    works.pipeline.wake = woken.extend
    await works.poll(SourceError("410 Gone", permanent=True))
    assert works.state.disabled == "410 Gone"
    notices = rows_of(works.store, alerts)
    assert [(row.receiver, row.recipient, row.reason) for row in notices] == [
        ("ops", "a@x", "notice"),
        ("ops", "b@x", "notice"),
    ]
    assert "mentiond sources enable news" in notices[0].notice
    assert woken == ["ops"]


async def test_a_source_that_breaks_its_contract_is_a_failure_like_others(works: Works) -> None:
    assert not await works.poll(KeyError("created_at"))
    assert works.state.error == "KeyError: 'created_at'"


async def test_a_page_dropped_as_stale_is_no_failure(works: Works) -> None:
    fetch = works.source.fetch

    async def fetch_late(cursor: Any) -> Any:
        works.restart(fingerprint="another")
        return await fetch(cursor)

    works.source.fetch = fetch_late  # type: ignore[method-assign]  # the configuration changes during the fetch
    assert await works.poll(make_page(make_post()))
    assert (works.state.failures, works.state.cursor) == (0, {})
    assert not rows_of(works.store, seen)


# -- what both databases can keep ------------------------------------------------------------------------------------

ODD = {
    "nul": make_post("a\0b", "Acme \0 is broken", title="\0", author="\0", raw="\0", lang="e\0n"),
    "surrogate": make_post("a\ud800b", "Acme \udfff is broken", url="https://x/\ud800", thread="\udc00"),
    "long id": make_post("x" * 1_000_000, parent="y" * 1_000_000),
    "long text": make_post(text="Acme is broken " + "ü" * 1_000_000),
    "nan": make_post(rating=math.nan, engagement=HUGE, followers=-HUGE),
    "infinite": make_post(rating=-math.inf),
    "huge rating": make_post(rating=HUGE),
    "year 1": make_post(published_at=datetime(1, 1, 1, tzinfo=UTC)),
    "year 9999": make_post(published_at=datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)),
    "empty": make_post("", "Acme is broken", raw=""),
    "astral": make_post("🙂", "Acme 🙂 is broken"),
}


@pytest.mark.parametrize("name", ODD)
async def test_f22_odd_posts_are_kept_once_and_stay_known(works: Works, name: str) -> None:
    page = make_page(ODD[name])
    for _ in range(2):
        assert await works.poll(page)
    assert works.state.error is None
    assert [len(rows_of(works.store, table)) for table in (seen, posts, mentions, revisions)] == [1, 1, 1, 0]
    assert rows_of(works.store, posts)[0].published_at == ODD[name].published_at


async def test_odd_posts_share_a_page_with_others(works: Works) -> None:
    assert await works.poll(make_page(*ODD.values()))
    assert len(set(column(works.store, posts.c.external_id))) == len({post.external_id for post in ODD.values()})


def test_what_is_storable_stays_as_it_is() -> None:
    post = make_post("x" * LONGEST_ID, "Grüße 🙂\n\tAcme", rating=4.5, engagement=2**63 - 1, author="")
    assert storable(post) == post
    page = make_page(post, deleted=("a",), renamed={"b": "c"})
    assert storable_page(page) == page


def test_long_ids_stay_apart() -> None:
    ids = {storable(make_post("x" * 1000 + end)).external_id for end in "ab"}
    assert len(ids) == 2
    assert all(len(external_id) <= LONGEST_ID for external_id in ids)


def test_numbers_are_bounded() -> None:
    post = storable(make_post(rating=math.inf, engagement=HUGE, followers=-HUGE))
    assert (post.rating, post.engagement, post.followers) == (None, 2**63 - 1, -(2**63 - 1))


async def test_trouble_of_the_store_is_none_of_the_source(works: Works) -> None:
    with pytest.raises(StoreError):
        await works.poll(StoreError("disk full"))
    assert (works.state.failures, works.state.error) == (0, None)


async def test_a_page_that_the_store_refuses_backs_off(works: Works) -> None:
    await works.poll(IntegrityError("INSERT", {}, ValueError("refused")))
    assert works.state.failures == 1
    assert "IntegrityError" in (works.state.error or "")


async def test_f11_a_clock_set_back_by_days_stops_no_source(works: Works) -> None:
    await works.finish_first_pass()
    works.clock.advance(timedelta(days=-3))
    assert in_transaction(works.store, cursors.due_parts, works.clock()) == [("news", "")]
    assert await works.poll(make_page())
    assert in_transaction(works.store, cursors.due_parts, works.clock()) == []


async def test_f11_a_clock_set_back_by_days_keeps_no_failing_source_waiting(works: Works) -> None:
    await works.finish_first_pass()
    assert not await works.poll(SourceError("500"))
    works.clock.advance(timedelta(days=-3))
    assert in_transaction(works.store, cursors.due_parts, works.clock()) == [("news", "")]
    assert not await works.poll(SourceError("500"))
    assert in_transaction(works.store, cursors.due_parts, works.clock()) == []


async def test_a_notice_is_logged_when_it_begins_not_at_every_poll(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = make_page(notices=("the feed is damaged",))
    for page in (damaged, damaged, make_page(body=False), damaged, make_page(), damaged):
        assert await works.poll(page)
    assert caplog.text.count("the feed is damaged") == 2
