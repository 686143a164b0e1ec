"""What a receiver gathers: one digest a slot, whole, whatever the clock does (fault 11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.engine import Connection

from alerts.base import Alert, Reason
from monitor import maintenance, marks, outbox
from monitor.digests import Digest, Gathering
from monitor.loading import load_alerts
from monitor.mentions import News, announce
from monitor.schema import alerts
from monitor.store import Store
from rules.base import UNCLASSIFIED
from tests.fakes import START, ScriptedReceiver
from tests.monitor.builders import (
    DAY,
    Works,
    build_works,
    in_transaction,
    make_delivery,
    make_draft,
    make_page,
    make_post,
    rows_of,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
EVENING = Digest(daily="18:00", zone="Europe/Berlin")  # START is 13:00 in Berlin
TO = {"mail": ("kim@example.com",)}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "zone", "now", "due", "day"),
    [
        ("08:00", BERLIN, "2026-06-01T05:59:59", "2026-06-01T06:00", "2026-06-01"),
        ("08:00", BERLIN, "2026-06-01T06:00", "2026-06-02T06:00", "2026-06-02"),  # a slot ends before its own end
        ("08:00", BERLIN, "2026-03-28T07:00", "2026-03-29T06:00", "2026-03-29"),  # 23 hours
        ("08:00", BERLIN, "2026-10-24T06:00", "2026-10-25T07:00", "2026-10-25"),  # 25 hours
        ("02:30", BERLIN, "2026-03-29T00:00", "2026-03-29T01:30", "2026-03-29"),  # 02:30 does not exist: 03:30
        ("02:30", BERLIN, "2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25"),  # 02:30 comes twice: the first
        ("02:30", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30", "2026-10-26"),
        ("02:30", NEW_YORK, "2026-03-08T06:00", "2026-03-08T07:30", "2026-03-08"),
        ("01:30", NEW_YORK, "2026-11-01T05:30", "2026-11-02T06:30", "2026-11-02"),
        ("00:00", BERLIN, "2026-06-01T21:59", "2026-06-01T22:00", "2026-06-02"),
    ],
)
def test_f11_a_daily_slot_ends_once_a_local_day(at: str, zone: ZoneInfo, now: str, due: str, day: str) -> None:
    slot = Digest(daily=at, zone=zone.key).slot_after(utc(now))
    assert (slot.due_at, slot.subject) == (utc(due), f"digest:{day}")


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize("at", ["00:00", "01:30", "02:00", "02:30", "03:00", "08:00", "23:59"])
def test_f11_a_year_of_slots_has_every_local_day_once(zone: ZoneInfo, at: str) -> None:
    digest, moment, days = Digest(daily=at, zone=zone.key), utc("2026-01-01T12:00"), []
    for _ in range(365):
        slot = digest.slot_after(moment)
        assert moment < slot.due_at <= moment + timedelta(hours=25)
        days.append(slot.due_at.astimezone(zone).date())
        moment = slot.due_at
    assert [later - earlier for earlier, later in pairwise(days)] == [DAY] * 364


def test_slots_of_an_interval_follow_one_another() -> None:
    digest = Digest(every=1800)
    first = digest.slot_after(utc("2026-06-01T06:10:03"))
    assert (first.due_at, first.subject) == (utc("2026-06-01T06:30"), "digest:2026-06-01T06:30:00Z")
    assert digest.slot_after(first.due_at).due_at == utc("2026-06-01T07:00")


def gathering(store: Store, digest: Digest = EVENING, to: dict[str, Sequence[str]] | None = None) -> Works:
    """Works whose receiver `mail` gathers, past their first pass."""
    works = build_works(store, recipients=to or TO)
    traits = {"mail": outbox.Traits(digest=digest)}
    in_transaction(store, outbox.register_channels, list(to or TO), START, traits)
    return works


async def publish(works: Works, *texts: str) -> None:
    """Posts that are new now."""
    number = len(rows_of(works.store, alerts))
    posts = [make_post(f"{number}-{at}", text, published_at=works.clock()) for at, text in enumerate(texts)]
    assert await works.poll(make_page(*posts))


def send_due(works: Works, receiver: str = "mail") -> list[Alert]:
    """What a delivery would send now, marked as sent."""
    now, store = works.clock(), works.store
    ids = in_transaction(store, outbox.claim, receiver, "t", now, limit=100, pace=0.0)
    sent: list[Alert] = in_transaction(store, load_alerts, ids, "")
    for alert in sent:
        assert in_transaction(store, marks.mark_sent, alert, "t", marks.Sent("ref", now))
    return sent


def texts(alert: Alert) -> list[str]:
    return sorted(mention.post.text for mention in alert.mentions)


async def test_a_receiver_with_a_digest_is_told_once_at_its_time(store: Store) -> None:
    works = gathering(store, to={"mail": ("a@x", "b@x"), "console": ("",)})
    await publish(works, "Acme is broken one")
    await publish(works, "Acme is broken two")
    assert [len(send_due(works, name)) for name in ("mail", "console")] == [0, 2]
    works.clock.now = utc("2026-11-21T17:00")
    sent = send_due(works)
    assert [(alert.reason, alert.recipient, alert.count) for alert in sent] == [
        (Reason.DIGEST, "a@x", 2),
        (Reason.DIGEST, "b@x", 2),
    ]
    assert texts(sent[0]) == ["Acme is broken one", "Acme is broken two"]
    await publish(works, "Acme is broken three")
    works.clock.advance(DAY)
    assert [texts(alert) for alert in send_due(works)] == [["Acme is broken three"]] * 2
    works.clock.advance(DAY)
    assert send_due(works) == []  # nothing gathered, nothing sent


@pytest.mark.parametrize(("takes_crises", "at_once"), [(False, 1), (True, 0)])
async def test_a_crisis_waits_only_where_the_operator_says_so(store: Store, takes_crises: bool, at_once: int) -> None:
    works = gathering(store, Digest(daily="18:00", zone="Europe/Berlin", takes_crises=takes_crises))
    await publish(works, "Acme on fire", "Acme is broken")
    told = send_due(works)
    assert [alert.reason for alert in told] == [Reason.FIRST] * at_once
    works.clock.now = utc("2026-11-21T17:00")
    assert [alert.count for alert in send_due(works)] == [2 - at_once]


async def test_what_nothing_has_judged_may_be_a_crisis(store: Store) -> None:
    works = gathering(store)
    works.classifier.failure = RuntimeError("down")
    await publish(works, "Acme on fire")
    assert [alert.mentions[0].verdict.tags for alert in send_due(works)] == [(UNCLASSIFIED,)]


async def test_a_late_verdict_for_a_receiver_without_a_digest_joins_no_digest_of_another(store: Store) -> None:
    works = gathering(store, Digest(daily="18:00", zone="Europe/Berlin", takes_crises=True), {**TO, "console": ("",)})
    works.classifier.failure = RuntimeError("down")
    await publish(works, "Acme is broken")
    in_transaction(store, lambda tx: tx.execute(alerts.delete().where(alerts.c.receiver == "console")))
    found = in_transaction(store, maintenance.unclassified_mentions, ["acme"], 10)
    works.classifier.failure = None
    drafts = works.pipeline.judge.reclassify([mention for _, _, mention in found])
    classified = [(post, revision, draft) for (post, revision, _), draft in zip(found, drafts, strict=True)]
    to = works.pipeline.recipients
    in_transaction(store, maintenance.store_classified, classified, to, works.clock())
    assert [alert.reason for alert in send_due(works, "console")] == [Reason.FIRST]


async def test_a_mention_edited_while_it_waits_stands_in_the_digest_once(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken")
    works.classifier.failure = None
    [post] = [make_post("0-0", "Acme is broken, how so", published_at=works.clock())]
    assert await works.poll(make_page(post))
    assert {row.state for row in rows_of(store, alerts, reason="edited")} == {"held"}
    works.clock.now = utc("2026-11-21T17:00")
    [sent] = send_due(works)
    assert (sent.count, texts(sent)) == (1, ["Acme is broken, how so"])


async def test_f11_nothing_joins_a_digest_that_is_being_sent(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken one")
    works.clock.now = utc("2026-11-21T17:00")
    [digest] = in_transaction(store, outbox.claim, "mail", "t", works.clock(), limit=10, pace=0.0)
    works.clock.now = utc("2026-11-21T16:59")  # the page was read before, and is stored after
    await publish(works, "Acme is broken two")
    in_transaction(store, outbox.release_all)
    works.clock.now = utc("2026-11-21T17:01")
    [again] = send_due(works)
    assert (again.id, texts(again)) == (digest, ["Acme is broken one"])
    works.clock.advance(DAY)
    assert [texts(alert) for alert in send_due(works)] == [["Acme is broken two"]]


async def test_a_digest_claimed_and_never_begun_still_gathers(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken one")
    works.clock.now = utc("2026-11-21T17:00")
    in_transaction(store, outbox.claim, "mail", "t", works.clock(), limit=10, pace=0.0)
    in_transaction(store, outbox.release, "t")
    works.clock.now = utc("2026-11-21T16:59")
    await publish(works, "Acme is broken two")
    works.clock.now = utc("2026-11-21T17:01")
    assert [alert.count for alert in send_due(works)] == [2]


async def test_two_daemons_at_a_takeover_lose_nothing_between_joining_and_claiming(
    store: Store, store_url: str
) -> None:
    if store.is_sqlite:
        pytest.skip("SQLite has one daemon")
    works, other = gathering(store), Store(store_url)
    await publish(works, "Acme is broken one")
    works.clock.now = utc("2026-11-21T17:00")
    has_joined, may_commit = Event(), Event()

    def join(connection: Connection) -> None:
        subject = Gathering(connection, utc("2026-11-21T16:59")).subject("mail", TO["mail"][0])
        assert subject == "digest:2026-11-21"
        has_joined.set()
        may_commit.wait(10)

    with ThreadPoolExecutor(1) as thread:
        joining = thread.submit(other.write_now, join)
        assert has_joined.wait(10)
        assert send_due(works) == []  # it is locked: the next look at the store will find it
        may_commit.set()
        joining.result()
    other.close()
    assert [alert.count for alert in send_due(works)] == [1]


async def test_f11_a_clock_set_back_makes_no_second_digest_of_a_day_and_skips_none(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken one")
    works.clock.now = utc("2026-11-21T17:00")
    assert len(send_due(works)) == 1
    works.clock.now = utc("2026-11-21T16:10")
    await publish(works, "Acme is broken two")
    assert send_due(works) == []
    works.clock.now = utc("2026-11-21T17:00")
    assert send_due(works) == []
    works.clock.now = utc("2026-11-22T16:59")
    assert send_due(works) == []
    works.clock.now = utc("2026-11-22T17:00")
    assert [texts(alert) for alert in send_due(works)] == [["Acme is broken two"]]


async def test_f11_a_digest_made_under_a_clock_that_was_a_year_ahead_is_sent(store: Store) -> None:
    works = gathering(store)
    works.clock.advance(365 * DAY)
    await publish(works, "Acme is broken")
    works.clock.now = START
    assert [alert.count for alert in send_due(works)] == [1]


@pytest.mark.parametrize("seed", range(6))
async def test_f11_under_a_clock_that_jumps_every_mention_is_told_once_and_no_day_twice(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chance = Random(seed)
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('jumps')}/m.db")
    store.migrate()
    works = gathering(store)
    works.clock.now = utc(chance.choice(["2026-03-27T20:00", "2026-10-23T20:00"]))
    planted, told, days = 0, Counter[str](), Counter[str]()
    for _ in range(60):
        jump = chance.choice([HOUR, -HOUR, 2 * HOUR, 5 * HOUR]) if chance.random() < 0.3 else 3 * HOUR
        works.clock.advance(jump + chance.random() * HOUR)
        if chance.random() < 0.6:
            await publish(works, f"Acme is broken {planted}")
            planted += 1
        for alert in send_due(works):
            told.update(texts(alert))
            days[alert.key] += 1
    works.clock.advance(3 * DAY)
    for alert in send_due(works):
        told.update(texts(alert))
        days[alert.key] += 1
    store.close()
    assert set(told.values()) == {1} and len(told) == planted
    assert set(days.values()) == {1}


async def test_a_digest_whose_posts_were_all_deleted_gathers_again(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken one")
    await works.poll(make_page(deleted=("0-0",)))
    assert [row.state for row in rows_of(store, alerts, reason="digest")] == ["dropped"]
    await publish(works, "Acme is broken two")
    works.clock.now = utc("2026-11-21T17:00")
    assert [texts(alert) for alert in send_due(works)] == [["Acme is broken two"]]


async def test_a_channel_that_comes_back_sends_no_digest_early(store: Store) -> None:
    works = gathering(store)
    await publish(works, "Acme is broken one")
    in_transaction(store, marks._restore_order, "mail", works.clock() + MINUTE)
    works.clock.advance(10 * MINUTE)
    assert send_due(works) == []


async def test_run_once_leaves_a_digest_to_its_time(store: Store) -> None:
    works, receiver = gathering(store), ScriptedReceiver()
    worker = make_delivery(store, receiver, works.clock, name="mail")
    await publish(works, "Acme is broken")
    assert await worker.run_once() == 0
    assert receiver.accepted == []
    works.clock.now = utc("2026-11-21T17:00")
    assert await worker.run_once() == 0
    assert [alert.count for alert in receiver.accepted] == [1]


def test_the_rows_of_news_held_for_a_pass_stay_with_the_pass(store: Store) -> None:
    gathering(store)

    def work(connection: Connection) -> None:
        from monitor.schema import posts

        raw = make_post()
        values = {"source": raw.source, "external_id": "1", "content_hash": "x", "revision": 1, "title": "", "text": ""}
        values |= {
            "published_at": START,
            "dated": True,
            "kind": "post",
            "raw": "",
            "matched": True,
            "fetched_at": START,
        }
        connection.execute(posts.insert().values(values))
        news = News(make_draft(raw, to="mail"), 1, 1, Reason.FIRST, held_for="pass:news//0")
        announce(connection, [news], TO, START)

    in_transaction(store, work)
    assert [(row.held_for, row.reason) for row in rows_of(store, alerts)] == [("pass:news//0", "first")]
