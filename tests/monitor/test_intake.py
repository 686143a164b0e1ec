"""The page transaction: what is new, edited or known, what is held back; a page goes in whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from monitor import cursors, outbox
from monitor.intake import Intake, StaleCursorError, commit_page
from monitor.known import known_hashes
from monitor.loading import load_alerts
from monitor.schema import alerts, gaps, mentions, posts, revisions, seen, verdicts
from monitor.schema import cursors as parts
from monitor.store import Store
from rules.base import WatchlistKind
from sources.base import Gap, Page, SourceError
from tests.fakes import START
from tests.monitor.builders import (
    DAY,
    EVERY,
    WATCHLISTS,
    Works,
    build_works,
    column,
    in_transaction,
    make_draft,
    make_intake,
    make_page,
    make_post,
    make_posts,
    new_change,
    register_part,
    rows_of,
)


@pytest.fixture
def works(store: Store) -> Works:
    return build_works(store)


def states(store: Store, **where: object) -> list[str]:
    return [str(state) for state in column(store, alerts.c.state, **where)]


def reasons(store: Store) -> list[tuple[str, int]]:
    return [(row.reason, row.n) for row in rows_of(store, alerts)]


# -- the cursor ------------------------------------------------------------------------------------------------------


def test_a_page_writes_everything_and_moves_the_cursor(store: Store) -> None:
    state = register_part(store, START)
    outcome = in_transaction(store, commit_page, make_intake(state, new_change(make_post())))
    assert (outcome.new, outcome.edited, outcome.mentions, outcome.receivers) == (1, 0, 1, frozenset({"console"}))
    after = in_transaction(store, cursors.read_part, "news", "")
    assert after.version == state.version + 1
    assert after.cursor == {"at": 1}
    assert (after.finished_at, after.body_at, after.due_at, after.posts) == (START, START, START + EVERY, 1)
    assert [len(rows_of(store, table)) for table in (seen, posts, mentions, verdicts, alerts)] == [1] * 5


def test_a_page_read_before_the_cursor_moved_is_dropped_whole(store: Store) -> None:
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, new_change(make_post("1"))))
    with pytest.raises(StaleCursorError):
        in_transaction(store, commit_page, make_intake(state, new_change(make_post("2"))))
    assert column(store, seen.c.external_id) == ["1"]
    assert column(store, posts.c.external_id) == ["1"]


def test_a_failure_in_the_middle_leaves_nothing_and_the_page_goes_in_again(store: Store) -> None:
    state = register_part(store, START)
    intake = make_intake(state, new_change(make_post()))

    def broken(connection: Connection) -> None:
        commit_page(connection, intake)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        store.write_now(broken)
    assert not any(rows_of(store, table) for table in (seen, posts, mentions, alerts))
    assert in_transaction(store, cursors.read_part, "news", "") == state
    assert in_transaction(store, commit_page, intake).new == 1


def test_an_unfinished_pass_is_not_finished_and_keeps_its_start_and_number(store: Store) -> None:
    state = register_part(store, START)
    more = make_intake(state, new_change(make_post()), page=make_page(make_post(), more=True))
    in_transaction(store, commit_page, more)
    under_way = in_transaction(store, cursors.read_part, "news", "")
    assert (under_way.pass_started_at, under_way.finished_at, under_way.pass_number) == (START, None, 1)
    assert under_way.due_at == state.due_at
    last = make_intake(under_way, page=make_page(), now=START + EVERY)
    in_transaction(store, commit_page, last)
    done = in_transaction(store, cursors.read_part, "news", "")
    assert (done.pass_started_at, done.finished_at, done.pass_number) == (None, START + EVERY, 2)


def test_a_304_does_not_count_as_a_pass_with_a_body(store: Store) -> None:
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, page=make_page(body=False)))
    assert in_transaction(store, cursors.read_part, "news", "").body_at is None


async def test_gaps_are_kept_on_the_source(works: Works) -> None:
    await works.poll(make_page(gaps=(Gap("window slid\0 past \ud800"),)))
    recent = in_transaction(works.store, cursors.recent_gaps, START - DAY)
    assert [(source, part) for source, part, *_ in recent] == [("news", "")]
    assert recent[0][3].startswith("window slid past")
    assert len(rows_of(works.store, gaps)) == 1


# -- uniqueness decides, never the look-up ---------------------------------------------------------------------------


def test_a_post_that_the_look_up_took_for_new_but_is_known_makes_nothing(store: Store) -> None:
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, new_change(make_post())))
    state = in_transaction(store, cursors.read_part, "news", "")
    outcome = in_transaction(store, commit_page, make_intake(state, new_change(make_post())))
    assert (outcome.new, outcome.mentions) == (0, 0)
    assert len(rows_of(store, alerts)) == len(rows_of(store, mentions)) == 1


def test_an_edit_that_somebody_else_stored_already_makes_nothing(store: Store) -> None:
    first, second = make_post(text="Acme how"), make_post(text="Acme is broken")
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, new_change(first, make_draft(first, tags=("question",)))))
    for expected in (1, 0):
        state = in_transaction(store, cursors.read_part, "news", "")
        outcome = in_transaction(store, commit_page, make_intake(state, new_change(second, old=first)))
        assert outcome.edited == expected
    assert len(rows_of(store, revisions)) == 1
    assert reasons(store) == [("first", 0), ("edited", 2)]


def test_a_post_that_has_a_row_is_known_whatever_seen_says(store: Store) -> None:
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, new_change(make_post())))
    store.write_now(lambda connection: connection.execute(sa.delete(seen)))
    assert in_transaction(store, known_hashes, "news", ["1", "2"]).keys() == {"1"}
    state = in_transaction(store, cursors.read_part, "news", "")
    assert in_transaction(store, commit_page, make_intake(state, new_change(make_post()))).new == 0
    assert len(rows_of(store, alerts)) == 1


async def test_a_known_post_gets_its_seen_row_back_so_that_retention_of_posts_makes_nothing_new(works: Works) -> None:
    page = make_page(make_post())
    await works.poll(page)
    works.store.write_now(lambda connection: connection.execute(sa.delete(seen)))
    await works.poll(page)
    works.store.write_now(lambda connection: connection.execute(sa.delete(posts)))
    await works.poll(page)
    assert column(works.store, seen.c.external_id) == ["1"]
    assert not rows_of(works.store, alerts)


async def test_the_same_id_twice_on_a_page_is_one_post_as_given_last(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how"), make_post(text="Acme fire")))
    assert column(works.store, posts.c.text) == ["Acme fire"]
    assert len(rows_of(works.store, alerts)) == 1


async def test_a_post_that_matches_nothing_is_seen_and_not_kept(works: Works) -> None:
    await works.poll(make_page(make_post(text="nothing of interest")))
    assert column(works.store, seen.c.external_id) == ["1"]
    assert not rows_of(works.store, posts)


async def test_keep_unmatched_keeps_them_as_unmatched(store: Store) -> None:
    works = build_works(store, keep_unmatched=True)
    await works.poll(make_page(make_post("1", "nothing"), make_post("2")))
    assert [(row.external_id, row.matched) for row in rows_of(store, posts)] == [("1", False), ("2", True)]
    await works.poll(make_page(make_post("1", "now acme is broken")))
    assert column(store, posts.c.matched) == [True, True]
    assert reasons(store) == [("first", 0), ("edited", 2)]


async def test_a_post_in_two_watchlists_is_two_mentions(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme and Globex broken")))
    assert column(works.store, mentions.c.watchlist) == ["acme", "globex"]
    assert len(rows_of(works.store, alerts)) == 2


async def test_alerts_are_owed_oldest_first_edits_among_them(works: Works) -> None:
    await works.finish_first_pass()
    await works.poll(make_page(make_post("a", "Acme how")))
    edit, new = make_post("a", "Acme fire"), make_post("b", "Acme is broken")
    await works.poll(make_page(edit, new))
    told = [in_transaction(works.store, load_alerts, [row.id], "")[0] for row in rows_of(works.store, alerts)]
    assert [alert.mentions[0].post.external_id for alert in told] == ["a", "a", "b"]


async def test_last_seen_is_rewritten_at_most_once_a_day(works: Works) -> None:
    page = make_page(make_post())
    await works.poll(page)
    works.clock.advance(DAY - timedelta(seconds=1))
    await works.poll(page)
    assert column(works.store, seen.c.last_seen) == [START]
    works.clock.advance(timedelta(seconds=2))
    await works.poll(page)
    assert column(works.store, seen.c.last_seen) == [works.clock.now]
    assert column(works.store, seen.c.first_seen) == [START]


async def test_a_row_of_an_older_cleaner_is_refreshed_without_an_alert(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how")))
    for table in (seen, posts):
        in_transaction(works.store, Connection.execute, sa.update(table).values(content_hash="0:old"))
    await works.poll(make_page(make_post(text="Acme  is broken")))
    assert not column(works.store, seen.c.content_hash)[0].startswith("0:")
    assert reasons(works.store) == [("first", 0)]
    assert not rows_of(works.store, revisions)
    await works.poll(make_page(make_post(text="Acme fire")))
    assert reasons(works.store) == [("first", 0), ("edited", 2)]


async def test_one_alert_row_for_each_recipient(store: Store) -> None:
    works = build_works(store, recipients={"mail": ("a@example.com", "b@example.com"), "console": ("",)})
    await works.poll(make_page(make_post()))
    owed = [(row.receiver, row.recipient) for row in rows_of(store, alerts)]
    assert owed == [("mail", "a@example.com"), ("mail", "b@example.com"), ("console", "")]


# -- first pass and archives -----------------------------------------------------------------------------------------


async def test_the_first_pass_holds_what_is_older_than_backlog_and_what_has_no_date(works: Works) -> None:
    old = make_post("old", published_at=START - DAY - timedelta(seconds=1))
    fresh = make_post("fresh", published_at=START - DAY + timedelta(seconds=1))
    await works.poll(make_page(old, make_post("undated", dated=False), fresh))
    assert states(works.store, reason="first") == ["held", "held", "owed"]
    digest = rows_of(works.store, alerts, reason="digest")
    assert [(row.state, row.n, row.receiver) for row in digest] == [("owed", 0, "console")]


async def test_the_digest_is_one_per_receiver_and_recipient_and_counts_exactly(store: Store) -> None:
    works = build_works(store, recipients={"mail": ("a@x", "b@x"), "console": ("",)})
    await works.poll(make_page(*make_posts(63, age=3 * DAY)))
    digests = rows_of(store, alerts, reason="digest")
    assert sorted((row.receiver, row.recipient) for row in digests) == [
        ("console", ""),
        ("mail", "a@x"),
        ("mail", "b@x"),
    ]
    loaded = in_transaction(store, load_alerts, [row.id for row in digests], "")
    assert [alert.count for alert in loaded] == [63, 63, 63]
    assert all(len(alert.mentions) == 63 for alert in loaded)
    assert [mention.post.external_id for mention in loaded[0].mentions[:3]] == ["0", "1", "2"]


async def test_the_digest_is_due_when_the_pass_ends_and_a_resumed_pass_keeps_its_bound(works: Works) -> None:
    first, second = make_posts(2, age=DAY)
    await works.poll(make_page(first, more=True), RuntimeError("killed"))
    assert not rows_of(works.store, alerts, reason="digest")
    works.clock.advance(2 * DAY)
    fresh = make_post("fresh", published_at=START)
    await works.poll(make_page(second, fresh))
    assert states(works.store, reason="first") == ["held", "held", "owed"]
    digest = rows_of(works.store, alerts, reason="digest")
    assert in_transaction(works.store, load_alerts, [digest[0].id], "")[0].count == 2


async def test_backlog_all_holds_nothing(store: Store) -> None:
    works = build_works(store, backlog=None)
    await works.poll(make_page(*make_posts(60, age=900 * DAY), make_post("undated", dated=False)))
    assert set(states(store)) == {"owed"}


async def test_a_mention_that_nobody_hears_of_makes_no_digest(store: Store) -> None:
    works = build_works(store, recipients={"console": ("",)})
    works.classifier.failure = None
    await works.poll(make_page(make_post(text="nothing of interest", published_at=START - 3 * DAY)))
    assert not rows_of(store, alerts)


async def test_f26_an_archive_published_again_is_one_summary(works: Works) -> None:
    await works.finish_first_pass()
    await works.poll(make_page(*make_posts(500, age=30 * DAY)))
    assert states(works.store, reason="first") == ["held"] * 500
    digest = rows_of(works.store, alerts, reason="digest")
    assert len(digest) == 1
    assert in_transaction(works.store, load_alerts, [digest[0].id], "")[0].count == 500
    await works.poll(make_page(*make_posts(500, age=30 * DAY)))
    assert len(rows_of(works.store, alerts)) == 501


async def test_f26_fifty_old_posts_are_no_archive(works: Works) -> None:
    await works.finish_first_pass()
    await works.poll(make_page(*make_posts(50, age=30 * DAY), make_post("undated", dated=False)))
    assert states(works.store) == ["owed"] * 51


async def test_f26_an_archive_holds_only_what_is_old(works: Works) -> None:
    await works.finish_first_pass()
    await works.poll(make_page(*make_posts(51, age=30 * DAY), make_post("fresh", published_at=works.clock.now)))
    assert states(works.store, reason="first") == ["held"] * 51 + ["owed"]


async def test_after_an_outage_everything_alerts_however_late(store: Store) -> None:
    works = build_works(store, overlap=timedelta(minutes=15))
    await works.finish_first_pass()
    works.clock.advance(10 * DAY)
    late = tuple(replace(post, published_at=START - timedelta(minutes=14)) for post in make_posts(200))
    await works.poll(make_page(*late))
    assert set(states(store)) == {"owed"}


async def test_a_changed_fingerprint_starts_a_first_pass_and_keeps_seen(works: Works) -> None:
    await works.poll(make_page(make_post("1")))
    works.restart(fingerprint="another")
    state = works.state
    assert (state.finished_at, state.cursor, state.due_at) == (None, {}, works.clock.now)
    await works.poll(make_page(make_post("1"), make_post("2", published_at=START - 3 * DAY)))
    assert states(works.store, reason="first") == ["owed", "held"]


async def test_a_page_fetched_before_the_fingerprint_changed_is_dropped(works: Works) -> None:
    state = works.state
    works.restart(fingerprint="another")
    with pytest.raises(StaleCursorError):
        in_transaction(works.store, commit_page, make_intake(state, new_change(make_post())))


async def test_what_a_pass_held_is_offered_though_the_fingerprint_changed_before_it_ended(works: Works) -> None:
    await works.poll(make_page(make_post("old", published_at=START - 3 * DAY), more=True), RuntimeError("killed"))
    works.restart(fingerprint="another")
    await works.poll(make_page())
    digest = rows_of(works.store, alerts, reason="digest")
    assert [in_transaction(works.store, load_alerts, [row.id], "")[0].count for row in digest] == [1]


async def test_each_pass_with_something_held_has_its_own_summary(works: Works) -> None:
    for number in range(2):
        batch = [replace(post, external_id=f"{number}-{post.external_id}") for post in make_posts(60, age=30 * DAY)]
        await works.poll(make_page(*batch))
        works.clock.advance(EVERY)
    assert len(rows_of(works.store, alerts, reason="digest")) == 2


# -- edits -----------------------------------------------------------------------------------------------------------


async def test_f24_a_brand_added_alerts_once_as_edited(works: Works) -> None:
    await works.poll(make_page(make_post(text="it is broken")))
    await works.poll(make_page(make_post(text="my Acme is broken")))
    assert reasons(works.store) == [("edited", 2)]
    await works.poll(make_page(make_post(text="my Acme and Globex is broken")))
    assert reasons(works.store) == [("edited", 2), ("edited", 3)]
    assert column(works.store, mentions.c.watchlist) == ["acme", "globex"]


async def test_f24_a_label_never_carried_before_alerts_as_edited(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme how")))
    await works.poll(make_page(make_post(text="Acme how fire")))
    assert reasons(works.store) == [("first", 0), ("edited", 2)]
    alert = in_transaction(works.store, load_alerts, [rows_of(works.store, alerts)[1].id], "")[0]
    assert alert.mentions[0].verdict.tags == ("crisis", "question")
    assert alert.mentions[0].post.text == "Acme how fire"


@pytest.mark.parametrize("text", ["it is broken", "Acme iz broken", "Acme", "", "is broken Acme"])
async def test_f24_a_brand_removed_or_a_typo_alerts_nobody_and_is_kept(works: Works, text: str) -> None:
    await works.poll(make_page(make_post(text="Acme is broken", title="t", rating=2.0)))
    await works.poll(make_page(make_post(text=text, title="t", rating=3.0)))
    assert reasons(works.store) == [("first", 0)]
    history = rows_of(works.store, revisions)
    assert [(row.revision, row.title, row.text, row.rating) for row in history] == [(1, "t", "Acme is broken", 2.0)]
    post = rows_of(works.store, posts)[0]
    assert (post.text, post.revision, post.rating, post.matched) == (text, 2, 3.0, True)


async def test_f24_back_and_forth_never_alerts_twice_for_the_same_label(works: Works) -> None:
    for _ in range(3):
        for text in ("Acme how", "Acme is broken", "gone"):
            await works.poll(make_page(make_post(text=text)))
    assert reasons(works.store) == [("first", 0), ("edited", 2)]
    assert len(rows_of(works.store, revisions)) == 8


@pytest.mark.parametrize("change", [{"engagement": 7}, {"followers": 9}, {"url": "https://x"}, {"author": "x"}])
async def test_engagement_and_the_like_are_no_edit(works: Works, change: dict[str, Any]) -> None:
    await works.poll(make_page(make_post()))
    await works.poll(make_page(make_post(**change)))
    assert not rows_of(works.store, revisions)
    assert len(rows_of(works.store, alerts)) == 1


async def test_a_rating_is_an_edit(works: Works) -> None:
    await works.poll(make_page(make_post(rating=5.0)))
    await works.poll(make_page(make_post(rating=1.0)))
    assert len(rows_of(works.store, revisions)) == 1


async def test_an_owed_alert_of_an_edited_post_marks_no_wrong_words(works: Works) -> None:
    await works.poll(make_page(make_post(text="Acme is broken")))
    await works.poll(make_page(make_post(text="this is about something else")))
    alert = in_transaction(works.store, load_alerts, column(works.store, alerts.c.id), "")[0]
    assert alert.mentions[0].match.spans == ()
    assert alert.mentions[0].match.terms == ("acme",)


# -- identities that change, posts that go ---------------------------------------------------------------------------


async def test_f23_renamed_ids_keep_everything_known(works: Works) -> None:
    before = [make_post("guid-1"), make_post("guid-2", "nothing of interest"), make_post("guid-3")]
    await works.poll(make_page(*before))
    renamed = {f"guid-{number}": f"link-{number}" for number in (1, 2, 3)}
    after = [replace(post, external_id=renamed[post.external_id]) for post in before]
    await works.poll(make_page(*after, renamed=renamed))
    assert sorted(column(works.store, seen.c.external_id)) == ["link-1", "link-2", "link-3"]
    assert column(works.store, posts.c.external_id) == ["link-1", "link-3"]
    assert len(rows_of(works.store, alerts)) == 2


async def test_f23_a_renamed_post_that_was_edited_as_well_is_an_edit(works: Works) -> None:
    await works.poll(make_page(make_post("old", "Acme how")))
    await works.poll(make_page(make_post("new", "Acme fire"), renamed={"old": "new"}))
    assert reasons(works.store) == [("first", 0), ("edited", 2)]
    assert column(works.store, seen.c.external_id) == ["new"]


async def test_f23_a_new_name_that_is_taken_already_stays_with_its_owner(works: Works) -> None:
    await works.poll(make_page(make_post("a", "Acme how"), make_post("b", "Acme is broken")))
    await works.poll(make_page(make_post("b", "Acme is broken"), renamed={"a": "b"}))
    assert column(works.store, posts.c.external_id) == ["a", "b"]
    assert len(rows_of(works.store, alerts)) == 2


async def test_f23_names_that_move_along_a_chain_all_move(works: Works) -> None:
    await works.poll(make_page(make_post("a", "Acme how"), make_post("b", "Acme is broken")))
    after = [make_post("b", "Acme how"), make_post("c", "Acme is broken")]
    await works.poll(make_page(*after, renamed={"a": "b", "b": "c"}))
    assert sorted(column(works.store, seen.c.external_id)) == ["b", "c"]
    assert len(rows_of(works.store, alerts)) == 2


async def test_a_deleted_post_is_told_to_nobody_and_its_words_are_gone(works: Works) -> None:
    await works.poll(make_page(make_post("1", "Acme how", title="secret", author="Jo"), make_post("2")))
    await works.poll(make_page(make_post("1", "Acme is broken says secret", title="secret", author="Jo")))
    await works.poll(make_page(deleted=("1",)))
    assert states(works.store) == ["dropped", "owed", "dropped"]
    gone = rows_of(works.store, posts, external_id="1")[0]
    assert (gone.title, gone.text, gone.raw, gone.author, gone.deleted_at) == ("", "", "", None, START)
    assert not rows_of(works.store, revisions)
    stored = rows_of(works.store, verdicts, mention_id=rows_of(works.store, mentions)[0].id)
    assert [row.cues for row in stored] == [{}, {}]
    assert rows_of(works.store, posts, external_id="2")[0].text == "Acme is broken"


async def test_a_deleted_post_is_in_no_digest_and_an_empty_digest_is_none(works: Works) -> None:
    await works.poll(make_page(*make_posts(3, age=3 * DAY)))
    digest = rows_of(works.store, alerts, reason="digest")[0].id
    await works.poll(make_page(deleted=("1",)))
    told = in_transaction(works.store, load_alerts, [digest], "")[0]
    assert (told.count, [mention.post.external_id for mention in told.mentions]) == (2, ["0", "2"])
    await works.poll(make_page(deleted=("0", "2")))
    assert set(states(works.store)) == {"dropped"}


async def test_a_dead_letter_about_a_deleted_post_does_not_come_back(works: Works) -> None:
    await works.poll(make_page(make_post()))
    works.store.write_now(lambda connection: connection.execute(sa.update(alerts).values(state="dead")))
    await works.poll(make_page(deleted=("1",)))
    assert in_transaction(works.store, outbox.retry_dead, START) == 0


async def test_a_deleted_post_that_stands_on_a_page_again_is_back(works: Works) -> None:
    await works.poll(make_page(make_post("1", "Acme how")))
    await works.poll(make_page(deleted=("1",)))
    await works.poll(make_page(make_post("1", "Acme fire")))
    back = rows_of(works.store, posts)[0]
    assert (back.text, back.deleted_at) == ("Acme fire", None)


async def test_long_and_odd_ids_are_deleted_and_renamed_like_others(works: Works) -> None:
    long = "x" * 1_000_000
    await works.poll(make_page(make_post(long, "Acme how"), make_post("a\0b\ud800", "Acme is broken")))
    await works.poll(make_page(make_post("short", "Acme how"), renamed={long: "short"}, deleted=("a\0b\ud800",)))
    assert states(works.store) == ["owed", "dropped"]
    assert "short" in column(works.store, posts.c.external_id)


# -- renames in the configuration ------------------------------------------------------------------------------------


async def test_a_renamed_source_keeps_cursor_seen_and_posts(works: Works) -> None:
    await works.poll(make_page(make_post("1"), make_post("2", "nothing"), gaps=(Gap("g"),)))
    before = works.state
    in_transaction(works.store, cursors.rename_source, "news", "press")
    assert in_transaction(works.store, cursors.read_part, "press", "") == replace(before, source="press")
    assert in_transaction(works.store, known_hashes, "press", ["1", "2"]).keys() == {"1", "2"}
    assert column(works.store, gaps.c.source) == ["press"]


async def test_a_source_renamed_within_a_pass_offers_what_the_pass_held(works: Works) -> None:
    await works.poll(make_page(make_post("old", published_at=START - 3 * DAY), more=True), RuntimeError("killed"))
    in_transaction(works.store, cursors.rename_source, "news", "press")
    state = in_transaction(works.store, cursors.read_part, "press", "")
    in_transaction(works.store, commit_page, make_intake(state, page=make_page()))
    digest = rows_of(works.store, alerts, reason="digest")
    assert [in_transaction(works.store, load_alerts, [row.id], "")[0].count for row in digest] == [1]


async def test_a_name_that_has_state_of_its_own_is_not_overwritten(works: Works) -> None:
    await works.poll(make_page(make_post()))
    register_part(works.store, START, source="press")
    in_transaction(works.store, cursors.rename_source, "news", "press")
    assert column(works.store, parts.c.source) == ["news", "press"]
    assert column(works.store, seen.c.source) == ["news"]


def test_parts_are_registered_once_and_keep_their_state(store: Store) -> None:
    state = register_part(store, START)
    in_transaction(store, commit_page, make_intake(state, new_change(make_post())))
    before = in_transaction(store, cursors.read_part, "news", "")
    assert register_part(store, START + DAY) == before


def test_a_refused_value_rolls_the_page_back(store: Store) -> None:
    state = register_part(store, START)
    competitor = replace(WATCHLISTS[1], kind=WatchlistKind.COMPETITOR)
    twice = (make_draft(make_post(), competitor), make_draft(make_post(), competitor))
    with pytest.raises(IntegrityError):
        in_transaction(store, commit_page, make_intake(state, new_change(make_post(), *twice)))
    assert not rows_of(store, seen)


def test_intake_and_page_are_what_they_say(store: Store) -> None:
    intake = make_intake(register_part(store, START), page=Page(posts=(), cursor={"deep": [1, None, "\ud800"]}))
    assert isinstance(intake, Intake)
    in_transaction(store, commit_page, intake)
    assert in_transaction(store, cursors.read_part, "news", "").cursor == {"deep": [1, None, "\ud800"]}


async def test_a_gap_that_an_overlap_meets_again_is_recorded_once(works: Works) -> None:
    gap = (Gap("more items of one second"),)
    for _ in range(3):
        await works.poll(make_page(gaps=gap))
    assert [row.detail for row in rows_of(works.store, gaps)] == ["more items of one second"]


def test_a_new_address_keeps_how_entries_are_told_apart(store: Store) -> None:
    register_part(store, START)
    cursor = {"policy": "link", "etag": "x", "last": {}}
    in_transaction(store, lambda tx: tx.execute(sa.update(parts).values(cursor=cursor)))
    in_transaction(store, cursors.register_parts, {("news", ""): "another"}, START, ("policy",))
    assert in_transaction(store, cursors.read_part, "news", "").cursor == {"policy": "link"}


def test_a_part_that_comes_again_goes_on_where_it_was(store: Store) -> None:
    key, other = ("news", "acme"), {("news", ""): "f"}
    for configured in ({key: "f"} | other, other):
        in_transaction(store, cursors.register_parts, configured, START)
        in_transaction(store, lambda tx: tx.execute(sa.update(parts).values(cursor={"floor": 7})))
    rested = in_transaction(store, cursors.read_part, *key)
    assert rested.disabled == cursors.RETIRED
    assert key not in in_transaction(store, cursors.due_parts, START)
    in_transaction(store, cursors.register_parts, {key: "f"} | other, START)
    back = in_transaction(store, cursors.read_part, *key)
    assert (back.disabled, back.cursor) == (None, {"floor": 7})
    assert key in in_transaction(store, cursors.due_parts, START)


@pytest.mark.parametrize(
    ("lasts", "is_due"),
    [(timedelta(seconds=30), False), (timedelta(seconds=-1), True), (cursors.LONGEST_LEASE * 2, True)],
    ids=["leased", "run out", "of a clock that was set back"],
)
def test_what_another_node_has_leased_is_not_due(store: Store, lasts: timedelta, is_due: bool) -> None:
    register_part(store, START)
    leased = {"lease_until": START + lasts, "lease_token": "a"}
    in_transaction(store, lambda tx: tx.execute(sa.update(parts).values(leased)))
    assert bool(in_transaction(store, cursors.due_parts, START)) == is_due


def test_a_source_that_is_not_configured_is_left_as_it_is(store: Store) -> None:
    in_transaction(store, cursors.register_parts, {("news", ""): "f"}, START)
    in_transaction(store, cursors.register_parts, {("other", ""): "f"}, START)
    assert in_transaction(store, cursors.read_part, "news", "").disabled is None


async def test_what_a_first_pass_held_is_offered_when_its_part_goes(works: Works) -> None:
    old = make_post(published_at=START - 9 * DAY)
    await works.poll(make_page(old, more=True), SourceError("down"))
    assert column(works.store, alerts.c.state) == ["held"]
    in_transaction(works.store, cursors.register_parts, {("news", "other"): "f"}, START)
    assert sorted(column(works.store, alerts.c.reason)) == ["digest", "first"]
