"""Retention, late verdicts and renamed watchlists."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitor import cursors, maintenance
from monitor.loading import load_alerts
from monitor.mentions import rename_watchlist
from monitor.schema import alerts, gaps, mentions, posts, revisions, seen, verdicts
from monitor.schema import cursors as parts
from monitor.store import Store
from rules.matchers import parse_matcher
from rules.routing import Route
from sources.base import Gap
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
    register_part,
    rows_of,
)

RETENTION = 180 * DAY
BY_LABEL = Route(
    "console",
    routes=(
        Route("pr", (parse_matcher("label = crisis"),), is_continued=True),
        Route("console", (parse_matcher('label =~ "crisis|complaint|question|unclassified"'),)),
    ),
)


@pytest.fixture
def works(store: Store) -> Works:
    return build_works(store, root=BY_LABEL, recipients={"console": ("",), "pr": ("a@x", "b@x")})


def retain(works: Works, overlap: timedelta = timedelta(), keep_unmatched: timedelta = timedelta()) -> None:
    in_transaction(
        works.store, maintenance.apply_retention, {"news": overlap}, RETENTION, keep_unmatched, works.clock()
    )


def set_alerts(works: Works, **values: object) -> None:
    in_transaction(works.store, Connection.execute, sa.update(alerts).values(**values))


def told(works: Works) -> list[tuple[str, str, str, int]]:
    return [(row.receiver, row.recipient, row.reason, row.n) for row in rows_of(works.store, alerts)]


async def reclassify(works: Works, between: str | None = None) -> None:
    """What the daemon does every minute; `between` is polled after the read and before the write."""
    found = in_transaction(works.store, maintenance.unclassified_mentions, ["acme", "globex"], 256)
    drafts = works.pipeline.judge.reclassify([mention for *_, mention in found])
    if between is not None:
        await works.poll(make_page(make_post(text=between)) if between else make_page(deleted=("1",)))
    classified = [(post_id, revision, draft) for (post_id, revision, _), draft in zip(found, drafts, strict=True)]
    recipients = works.pipeline.recipients
    in_transaction(works.store, maintenance.store_classified, classified, recipients, works.clock())


# -- seen ------------------------------------------------------------------------------------------------------------


async def test_seen_is_measured_against_the_last_pass_with_a_body(works: Works) -> None:
    await works.poll(make_page(make_post("1", "nothing"), make_post("2", "nothing")))
    works.clock.advance(400 * DAY)
    retain(works)
    await works.poll(make_page(body=False))
    retain(works)
    assert len(rows_of(works.store, seen)) == 2
    await works.poll(make_page(make_post("2", "nothing")))
    retain(works)
    assert column(works.store, seen.c.external_id) == ["2"]


async def test_seen_is_kept_thirty_days_or_the_overlap(works: Works) -> None:
    await works.poll(make_page(make_post("1", "nothing")))
    works.clock.advance(30 * DAY)
    await works.poll(make_page())
    retain(works)
    assert len(rows_of(works.store, seen)) == 1
    works.clock.advance(10 * DAY)
    await works.poll(make_page())
    retain(works, overlap=50 * DAY)
    assert len(rows_of(works.store, seen)) == 1
    retain(works)
    assert not rows_of(works.store, seen)


async def test_the_slowest_part_of_a_source_decides(works: Works) -> None:
    await works.poll(make_page(make_post("1", "nothing")))
    fingerprints = {("news", ""): "f", ("news", "other"): "f"}
    in_transaction(works.store, cursors.register_parts, fingerprints, START)
    in_transaction(
        works.store,
        Connection.execute,
        sa.update(parts).values(body_at=START),
    )
    works.clock.advance(100 * DAY)
    await works.poll(make_page())
    retain(works)
    assert len(rows_of(works.store, seen)) == 1


async def test_a_part_that_is_configured_no_longer_decides_nothing(works: Works) -> None:
    await works.poll(make_page(make_post("1", "nothing")))
    both = {("news", ""): "f", ("news", "search"): "f"}
    in_transaction(works.store, cursors.register_parts, both, START)
    in_transaction(works.store, Connection.execute, sa.update(parts).values(body_at=START))
    in_transaction(works.store, cursors.register_parts, {("news", ""): "f"}, START)
    works.clock.advance(100 * DAY)
    await works.poll(make_page())
    retain(works)
    assert not rows_of(works.store, seen)


async def test_a_kept_post_is_known_after_its_seen_row_has_left(works: Works) -> None:
    await works.poll(make_page(make_post()))
    works.clock.advance(60 * DAY)
    await works.poll(make_page())
    set_alerts(works, state="sent")
    retain(works)
    assert not rows_of(works.store, seen)
    await works.poll(make_page(make_post()))
    assert len(rows_of(works.store, alerts)) == 1
    works.clock.advance(150 * DAY)
    await works.poll(make_page(make_post()))
    retain(works)
    await works.poll(make_page(make_post()))
    assert not rows_of(works.store, posts)
    assert not rows_of(works.store, alerts)


async def test_other_sources_are_not_touched(works: Works) -> None:
    await works.poll(make_page(make_post("1", "nothing")))
    works.clock.advance(60 * DAY)
    await works.poll(make_page())
    in_transaction(works.store, maintenance.apply_retention, {"other": timedelta()}, RETENTION, DAY, works.clock())
    assert len(rows_of(works.store, seen)) == 1


# -- posts, alerts, gaps ---------------------------------------------------------------------------------------------


async def test_matched_posts_leave_with_everything_about_them(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how")))
    await works.poll(make_page(make_post(text="Acme how fire")))
    set_alerts(works, state="sent")
    works.clock.advance(RETENTION)
    retain(works)
    assert len(rows_of(works.store, posts)) == 1
    works.clock.advance(timedelta(seconds=1))
    retain(works)
    assert not any(rows_of(works.store, table) for table in (posts, revisions, mentions, verdicts, alerts))


async def test_unmatched_posts_leave_after_their_own_time(store: Store) -> None:
    works = build_works(store, keep_unmatched=True)
    await works.poll(make_page(make_post("1", "nothing"), make_post("2")))
    works.clock.advance(2 * DAY)
    retain(works, keep_unmatched=3 * DAY)
    assert len(rows_of(store, posts)) == 2
    retain(works, keep_unmatched=DAY)
    assert column(store, posts.c.external_id) == ["2"]


async def test_what_is_still_owed_is_kept_however_old(works: Works) -> None:
    await works.poll(make_page(make_post("1", "Acme how"), *make_posts(2, age=3 * DAY)[:1]))
    works.clock.advance(2 * RETENTION)
    retain(works)
    assert len(rows_of(works.store, posts)) == 2
    set_alerts(works, state="sent")
    retain(works)
    assert not rows_of(works.store, posts)


async def test_what_is_held_is_kept_while_its_digest_is_owed(works: Works) -> None:
    await works.poll(make_page(*make_posts(3, age=3 * DAY)))
    works.clock.advance(2 * RETENTION)
    retain(works)
    digest = rows_of(works.store, alerts, reason="digest")[0]
    assert in_transaction(works.store, load_alerts, [digest.id], "")[0].count == 3
    in_transaction(
        works.store, Connection.execute, sa.update(alerts).where(alerts.c.id == digest.id).values(state="sent")
    )
    retain(works)
    assert not rows_of(works.store, posts)
    assert not rows_of(works.store, alerts)


async def test_gaps_leave_after_half_a_year(works: Works) -> None:
    await works.poll(make_page(gaps=(Gap("g"),)))
    works.clock.advance(maintenance.GAPS_KEPT)
    retain(works)
    assert len(rows_of(works.store, gaps)) == 1
    works.clock.advance(timedelta(seconds=1))
    retain(works)
    assert not rows_of(works.store, gaps)


# -- late verdicts ---------------------------------------------------------------------------------------------------


async def test_f29_without_a_verdict_the_alert_goes_out_marked_and_gets_its_verdict_later(works: Works) -> None:
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme fire")))
    assert told(works) == [("console", "", "first", 0)]
    alert = in_transaction(works.store, load_alerts, [1], "")[0]
    assert alert.mentions[0].verdict.tags == ("unclassified",)
    with pytest.raises(RuntimeError):
        await reclassify(works)
    works.classifier.failure = None
    await reclassify(works)
    assert told(works) == [("console", "", "first", 0), ("pr", "a@x", "first", 0), ("pr", "b@x", "first", 0)]
    assert column(works.store, verdicts.c.tags) == [["crisis"]]
    await reclassify(works)
    assert len(told(works)) == 3


async def test_a_late_verdict_on_an_edit_tells_nobody_a_second_time(works: Works) -> None:
    await works.poll(make_page(make_post(text="nothing yet")))
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme is broken")))
    assert told(works) == [("console", "", "edited", 2)]
    works.classifier.failure = None
    await reclassify(works)
    assert told(works) == [("console", "", "edited", 2)]


async def test_a_label_that_an_edit_brought_is_news_though_its_verdict_came_late(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how")))
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme how fire")))
    works.classifier.failure = None
    await reclassify(works)
    expected = [("console", "", "first", 0), ("pr", "a@x", "edited", 2), ("pr", "b@x", "edited", 2)]
    assert told(works) == [*expected, ("console", "", "edited", 2)]


async def test_a_late_verdict_on_an_edit_without_a_new_label_is_no_news(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how")))
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme how come")))
    works.classifier.failure = None
    await reclassify(works)
    assert told(works) == [("console", "", "first", 0)]
    assert not in_transaction(works.store, maintenance.unclassified_mentions, ["acme"], 9)


async def test_what_was_held_back_without_a_verdict_stays_held_with_one(works: Works) -> None:
    works.classifier.failure = RuntimeError("model gone")
    old = make_post(text="Acme fire", published_at=START - 3 * DAY)
    await works.poll(make_page(old))
    works.classifier.failure = None
    await reclassify(works)
    assert [row.state for row in rows_of(works.store, alerts, reason="first")] == ["held"] * 3
    assert {(row.receiver, row.recipient, row.state) for row in rows_of(works.store, alerts, reason="digest")} == {
        ("console", "", "owed"),
        ("pr", "a@x", "owed"),
        ("pr", "b@x", "owed"),
    }


@pytest.mark.parametrize("between", ["Acme how", ""])
async def test_a_verdict_on_what_was_edited_or_deleted_meanwhile_is_dropped(works: Works, between: str) -> None:
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme fire")))
    works.classifier.failure = None
    await reclassify(works, between)
    assert not [row for row in told(works) if row[0] == "pr"]


async def test_mentions_of_a_watchlist_that_is_gone_do_not_block_the_others(works: Works) -> None:
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post(text="Acme and Globex")))
    found = in_transaction(works.store, maintenance.unclassified_mentions, ["globex"], 1)
    assert [mention.watchlist.name for *_, mention in found] == ["globex"]


# -- renames ---------------------------------------------------------------------------------------------------------


async def test_a_renamed_watchlist_keeps_its_mentions(works: Works) -> None:
    await works.poll(make_page(make_post(text="Globex is broken")))
    in_transaction(works.store, rename_watchlist, "globex", "acme")
    assert column(works.store, mentions.c.watchlist) == ["acme"]
    await works.poll(make_page(make_post(text="Acme is broken")))
    assert len(rows_of(works.store, mentions)) == 1
    assert told(works) == [("console", "", "first", 0)]


async def test_a_watchlist_is_not_renamed_over_another(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme and Globex")))
    in_transaction(works.store, rename_watchlist, "globex", "acme")
    assert column(works.store, mentions.c.watchlist) == ["acme", "globex"]


def test_retention_before_the_first_pass_is_nothing(store: Store) -> None:
    register_part(store, START)
    in_transaction(store, maintenance.apply_retention, {"news": EVERY}, RETENTION, DAY, START)
    assert not rows_of(store, seen)
