"""Alert rows: claimed in order by conditional update, marked by token, paused and stopped by channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Alert, ReceiverError
from monitor import marks, outbox
from monitor.loading import load_alerts
from monitor.schema import alerts, channels
from monitor.store import Store
from tests.fakes import START, FixedClock
from tests.monitor.builders import in_transaction, owe, rows_of

SECOND = timedelta(seconds=1)


class Outbox:
    """The operations of one receiver on a store, at the time of a clock."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FixedClock()

    def claim(self, token: str = "t", limit: int = 20, pace: float = 0.0, after: int | None = None) -> list[Alert]:
        ids = in_transaction(
            self.store, outbox.claim, "console", token, self.clock(), limit=limit, pace=pace, after=after
        )
        return in_transaction(self.store, load_alerts, ids, "https://m.example/")

    def fail(self, alert: Alert, token: str, error: ReceiverError, **changes: Any) -> bool:
        settings: dict[str, Any] = {"backoff": exact_backoff, "retry_for": timedelta(days=3)}
        failure = marks.Failure(error, self.clock())
        return in_transaction(self.store, marks.mark_failed, alert, token, failure, **settings | changes)

    def sent(self, alert: Alert, token: str) -> bool:
        return in_transaction(self.store, marks.mark_sent, alert, token, marks.Sent("ref", self.clock()))

    @property
    def channel(self) -> outbox.Channel:
        return in_transaction(self.store, outbox.read_channel, "console")

    def row(self, alert_id: int) -> Any:
        return rows_of(self.store, alerts, id=alert_id)[0]


def exact_backoff(failures: int) -> timedelta:
    return timedelta(seconds=min(2.0**failures, 300.0))


@pytest.fixture
def box(store: Store) -> Outbox:
    return Outbox(store)


# -- claims ----------------------------------------------------------------------------------------------------------


def test_rows_are_claimed_in_commit_order_and_once(box: Outbox) -> None:
    ids = owe(box.store, 5)
    owe(box.store, 2, receiver="other", first=5)
    assert [alert.id for alert in box.claim("a", limit=3)] == ids[:3]
    assert [alert.id for alert in box.claim("b", limit=3)] == ids[3:]
    assert box.claim("c") == []


def defer(box: Outbox, alert_id: int, to: datetime) -> None:
    """Make a row due later."""
    later = sa.update(alerts).where(alerts.c.id == alert_id).values(due_at=to)
    box.store.write_now(lambda connection: connection.execute(later))


def test_a_row_is_not_claimed_before_it_is_due(box: Outbox) -> None:
    [alert] = owe(box.store, 1)
    defer(box, alert, START + SECOND)
    assert box.claim() == []
    box.clock.advance(SECOND)
    assert len(box.claim()) == 1


def test_what_is_sent_dead_held_or_dropped_is_not_claimed(box: Outbox) -> None:
    for alert_id, state in zip(owe(box.store, 4), ("sent", "dead", "held", "dropped"), strict=True):
        in_transaction(
            box.store, Connection.execute, sa.update(alerts).where(alerts.c.id == alert_id).values(state=state)
        )
    assert box.claim() == []


def test_f3_a_lease_that_ran_out_is_claimed_again_and_flagged(box: Outbox) -> None:
    owe(box.store, 1)
    first = box.claim("a")[0]
    assert (first.attempt, first.possibly_sent_twice) == (1, False)
    box.clock.advance(outbox.LEASE - SECOND)
    assert box.claim("b") == []
    box.clock.advance(SECOND)
    again = box.claim("b")[0]
    assert (again.id, again.attempt, again.possibly_sent_twice) == (first.id, 2, True)
    assert again.key == first.key


def test_f11_a_lease_longer_than_any_can_be_is_a_clock_set_back(box: Outbox) -> None:
    owe(box.store, 1, START - timedelta(hours=2))
    box.claim("a")
    box.clock.advance(-timedelta(seconds=1))
    assert [alert.possibly_sent_twice for alert in box.claim("b")] == [True]
    box.clock.advance(-timedelta(hours=1))
    assert len(box.claim("c")) == 1


def test_a_paced_claim_closes_the_channel_for_the_pace(box: Outbox) -> None:
    owe(box.store, 2)
    assert len(box.claim(limit=1, pace=1.0)) == 1
    assert box.channel.next_at == START + SECOND


def test_an_empty_claim_leaves_the_channel_open(box: Outbox) -> None:
    owe(box.store, 0)
    box.claim(limit=1, pace=1.0)
    assert box.channel.next_at == START


def test_two_workers_that_claim_at_once_never_get_the_same_row(store_url: str) -> None:
    stores = [Store(store_url) for _ in range(4)]
    ids = owe(stores[0], 120)

    def drain(number: int) -> list[int]:
        mine: list[int] = []
        while claimed := in_transaction(
            stores[number], outbox.claim, "console", f"t{number}-{len(mine)}", START, limit=3, pace=0.0
        ):
            assert len(claimed) <= 3
            mine += claimed
        return mine

    with ThreadPoolExecutor(len(stores)) as pool:
        claimed = [alert_id for mine in pool.map(drain, range(len(stores))) for alert_id in mine]
    for store in stores:
        store.close()
    assert sorted(claimed) == ids


def test_a_row_that_another_transaction_is_claiming_is_passed_over(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    stores = [Store(store_url) for _ in range(2)]
    first, second = owe(stores[0], 2)

    def claim_within_claim(connection: Connection) -> tuple[list[int], list[int]]:
        mine = outbox.claim(connection, "console", "a", START, limit=1, pace=0.0)
        return mine, in_transaction(stores[1], outbox.claim, "console", "b", START, limit=1, pace=0.0)

    assert stores[0].write_now(claim_within_claim) == ([first], [second])
    for store in stores:
        store.close()


# -- marks -----------------------------------------------------------------------------------------------------------


def test_a_late_reply_counts_while_nobody_else_has_the_row(box: Outbox) -> None:
    owe(box.store, 1)
    alert = box.claim("a")[0]
    box.clock.advance(timedelta(hours=1))
    assert box.sent(alert, "a")
    row = box.row(alert.id)
    assert (row.state, row.reference, row.sent_at, row.lease_token) == ("sent", "ref", box.clock.now, None)
    assert box.claim("b") == []


def test_a_reply_counts_no_more_once_somebody_else_has_the_row(box: Outbox) -> None:
    owe(box.store, 1)
    alert = box.claim("a")[0]
    box.clock.advance(outbox.LEASE)
    box.claim("b")
    failure = marks.Failure(ReceiverError("no", permanent=True), box.clock())
    assert not box.sent(alert, "a")
    assert not box.fail(alert, "a", ReceiverError("no"))
    assert not in_transaction(box.store, marks.mark_dead, alert, "a", failure)
    assert (box.row(alert.id).state, box.row(alert.id).lease_token) == ("owed", "b")
    assert box.channel.failures == 0


def test_release_gives_the_attempt_back_and_keeps_the_flag(box: Outbox) -> None:
    owe(box.store, 2)
    box.claim("a", limit=1)
    box.clock.advance(outbox.LEASE)
    assert [alert.possibly_sent_twice for alert in box.claim("b")] == [True, False]
    in_transaction(box.store, outbox.release, "b")
    again = box.claim("c")
    assert [(alert.attempt, alert.possibly_sent_twice) for alert in again] == [(2, True), (1, False)]


def test_release_touches_only_its_own_token(box: Outbox) -> None:
    owe(box.store, 2)
    box.claim("a", limit=1)
    box.claim("b", limit=1)
    in_transaction(box.store, outbox.release, "b")
    assert [row.lease_token for row in rows_of(box.store, alerts)] == ["a", None]


def test_what_a_dead_daemon_had_claimed_goes_again_flagged(box: Outbox) -> None:
    owe(box.store, 2)
    box.claim("a", limit=1)
    assert in_transaction(box.store, outbox.release_all) == 1
    assert [alert.possibly_sent_twice for alert in box.claim("b")] == [True, False]


def test_a_lost_reply_flags_the_next_attempt_a_refusal_does_not(box: Outbox) -> None:
    owe(box.store, 2)
    first, second = box.claim("a")
    box.fail(first, "a", ReceiverError("timeout", maybe_sent=True))
    box.fail(second, "a", ReceiverError("refused"))
    assert [alert.possibly_sent_twice for alert in box.claim("b")] == [True, False]


# -- failures --------------------------------------------------------------------------------------------------------


def test_failures_double_the_pause_of_the_channel_and_success_ends_it(box: Outbox) -> None:
    owe(box.store, 1)
    for expected in (1, 2, 4, 8):
        alert = box.claim("a")[0]
        box.fail(alert, "a", ReceiverError(f"down\0 for {expected}\ud800"))
        assert box.channel.next_at == box.clock() + expected * SECOND
        box.clock.advance(expected * SECOND)
    assert box.channel.failures == 4
    assert box.channel.error == "down for 8?"
    assert box.channel.error_since == START
    assert box.sent(box.claim("a")[0], "a")
    after = box.channel
    assert (after.failures, after.error or after.error_since) == (0, None)


def test_f31_being_asked_to_wait_is_no_failure(box: Outbox) -> None:
    owe(box.store, 2)
    box.fail(box.claim("a", limit=1)[0], "a", ReceiverError("ratelimited", retry_after=30))
    assert (box.channel.next_at, box.channel.failures) == (START + 30 * SECOND, 0)
    assert box.row(1).due_at == START


def test_f15_the_wait_is_clamped_to_a_day(box: Outbox) -> None:
    owe(box.store, 1)
    box.fail(box.claim("a")[0], "a", ReceiverError("ratelimited", retry_after=1e12))
    assert box.channel.next_at == START + timedelta(days=1)


def test_a_pause_outlives_a_restart(store_url: str) -> None:
    before = Store(store_url)
    box = Outbox(before)
    owe(before, 1)
    box.fail(box.claim("a")[0], "a", ReceiverError("ratelimited", retry_after=300))
    before.close()
    after = Store(store_url)
    in_transaction(after, outbox.register_channels, ["console"], START + SECOND)
    assert Outbox(after).channel.next_at == START + 300 * SECOND
    after.close()


def fail_times(box: Outbox, times: int, then: Callable[[Alert], None] | None = None) -> list[int]:
    """Fail what is claimed, one row at a time, waiting out every pause of the channel; return the ids."""
    tried = []
    for _ in range(times):
        alert = box.claim("a", limit=1)[0]
        tried.append(alert.id)
        box.fail(alert, "a", ReceiverError("down"))
        box.clock.now = box.channel.next_at
    return tried


def test_after_five_failures_the_next_row_is_tried(box: Outbox) -> None:
    first, second, third = owe(box.store, 3)
    assert fail_times(box, 5) == [first] * 5
    passed = box.claim("a", limit=1)[0]
    assert passed.id == second
    assert box.sent(passed, "a")
    assert box.claim("b", limit=1)[0].id == third
    assert box.row(first).due_at > box.clock()


def test_the_failing_row_goes_on_with_its_own_backoff_while_the_others_pass(box: Outbox) -> None:
    first, *others = owe(box.store, 3)
    fail_times(box, 5)
    for expected in others:
        alert = box.claim("a", limit=1)[0]
        assert alert.id == expected
        box.sent(alert, "a")
    box.clock.now = box.row(first).due_at
    again = box.claim("a", limit=1)[0]
    assert (again.id, again.attempt) == (first, 6)
    box.fail(again, "a", ReceiverError("still"))
    assert box.channel.failures == 1
    assert box.row(first).due_at == box.clock() + 1 * SECOND + 2 * SECOND


def test_order_is_restored_when_it_was_the_channel_that_is_down(box: Outbox) -> None:
    first, second, _ = owe(box.store, 3)
    assert fail_times(box, 7) == [first] * 5 + [second, first]


def test_everything_owed_to_a_channel_that_was_down_is_still_owed(box: Outbox) -> None:
    ids = owe(box.store, 8)
    fail_times(box, 60)
    delivered: list[int] = []
    while len(delivered) < len(ids):
        for alert in box.claim("a", limit=1):
            box.sent(alert, "a")
            delivered.append(alert.id)
        box.clock.advance(timedelta(minutes=5))
    assert sorted(delivered) == ids


def test_a_transient_failure_is_dead_after_retry_for(box: Outbox) -> None:
    owe(box.store, 1)
    alert = box.claim("a")[0]
    box.fail(alert, "a", ReceiverError("down"))
    box.clock.advance(timedelta(days=3))
    box.fail(box.claim("a")[0], "a", ReceiverError("down"))
    assert box.row(alert.id).state == "owed"
    box.clock.advance(timedelta(seconds=301))
    box.fail(box.claim("a")[0], "a", ReceiverError("still down"))
    assert (box.row(alert.id).state, box.row(alert.id).error) == ("dead", "still down")


def test_a_dead_letter_is_owed_once_more_on_request(box: Outbox) -> None:
    owe(box.store, 1)
    alert = box.claim("a")[0]
    failure = marks.Failure(ReceiverError("too long", permanent=True), box.clock())
    in_transaction(box.store, marks.mark_dead, alert, "a", failure)
    assert (box.row(alert.id).state, box.row(alert.id).error) == ("dead", "too long")
    assert box.claim("b") == []
    assert in_transaction(box.store, outbox.retry_dead, box.clock()) == 1
    assert [again.attempt for again in box.claim("b")] == [1]


def test_f32_a_refused_channel_is_stopped_and_its_rows_stay_owed(box: Outbox) -> None:
    owe(box.store, 2)
    alert = box.claim("a", limit=1)[0]
    error = ReceiverError("invalid_auth", permanent=True, channel=True)
    assert in_transaction(box.store, marks.stop_channel, alert, "a", marks.Failure(error, START))
    assert box.channel.stopped == "invalid_auth"
    assert in_transaction(box.store, outbox.owed_counts, box.clock()) == {"console": 2}
    assert not any(row.lease_token for row in rows_of(box.store, alerts))
    in_transaction(box.store, outbox.register_channels, ["console"], box.clock())
    assert box.channel.stopped is None


# -- keys and names --------------------------------------------------------------------------------------------------


def test_the_same_notice_at_the_same_moment_is_owed_once(box: Outbox) -> None:
    for _ in range(2):
        in_transaction(box.store, outbox.owe_notice, "console", ["a", "b"], "source:x", "off", START)
    assert [row.recipient for row in rows_of(box.store, alerts)] == ["a", "b"]


def test_an_alert_says_what_it_is(box: Outbox) -> None:
    owe(box.store, 1)
    alert = box.claim()[0]
    assert (alert.notice, alert.count, alert.mentions) == ("notice 0", 0, ())
    assert alert.url == f"https://m.example/alerts/{alert.id}"
    assert alert.key == f"test:0|console||notice|{int(START.timestamp())}"


def test_a_renamed_receiver_keeps_what_it_is_owed_and_its_pause(box: Outbox) -> None:
    owe(box.store, 2)
    box.fail(box.claim("a", limit=1)[0], "a", ReceiverError("wait", retry_after=60))
    in_transaction(box.store, outbox.rename_receiver, "console", "terminal")
    assert [row.receiver for row in rows_of(box.store, alerts)] == ["terminal", "terminal"]
    assert rows_of(box.store, channels)[0].next_at == START + 60 * SECOND


def test_a_receiver_is_not_renamed_over_another(box: Outbox) -> None:
    owe(box.store, 1)
    owe(box.store, 1, receiver="terminal", first=1)
    in_transaction(box.store, outbox.rename_receiver, "console", "terminal")
    assert [row.receiver for row in rows_of(box.store, alerts)] == ["console", "terminal"]


def test_a_row_is_due_from_its_time_on(box: Outbox) -> None:
    assert not in_transaction(box.store, outbox.has_due, "console", START)
    [alert] = owe(box.store, 1)
    defer(box, alert, START + 5 * SECOND)
    assert not in_transaction(box.store, outbox.has_due, "console", START + 4 * SECOND)
    assert in_transaction(box.store, outbox.has_due, "console", START + 5 * SECOND)


def test_f11_a_row_made_later_than_now_is_due_until_it_failed_too_often(box: Outbox) -> None:
    hour = timedelta(hours=1)
    first, second = owe(box.store, 1, START + hour) + owe(box.store, 1, first=1)
    assert in_transaction(box.store, outbox.has_due, "console", START)
    assert [alert.id for alert in box.claim("a")] == [first, second]
    in_transaction(box.store, outbox.release, "a")
    tired = sa.update(alerts).where(alerts.c.id == first).values(attempts=outbox.ATTEMPTS_IN_ORDER)
    box.store.write_now(lambda connection: connection.execute(tired))
    assert [alert.id for alert in box.claim("b")] == [second]


def test_f11_a_failed_row_that_waits_longer_than_any_can_is_due(box: Outbox) -> None:
    [alert] = owe(box.store, 1)
    tired = sa.update(alerts).where(alerts.c.id == alert).values(attempts=outbox.ATTEMPTS_IN_ORDER)
    box.store.write_now(lambda connection: connection.execute(tired))
    defer(box, alert, START + outbox.LONGEST_WAIT)
    assert not in_transaction(box.store, outbox.has_due, "console", START)
    assert in_transaction(box.store, outbox.has_due, "console", START - SECOND)


def test_once_takes_rows_above_an_id_whatever_their_own_pause(box: Outbox) -> None:
    first, second = owe(box.store, 2)
    later = sa.update(alerts).values(due_at=START + 300 * SECOND, failed_since=START)
    in_transaction(box.store, lambda connection: connection.execute(later))
    assert box.claim("a") == []
    assert [alert.id for alert in box.claim("b", limit=1, after=0)] == [first]
    assert [alert.id for alert in box.claim("c", limit=1, after=first)] == [second]


def test_a_stopped_channel_is_listed(box: Outbox) -> None:
    owe(box.store, 1)
    refused = ReceiverError("invalid_auth", permanent=True, channel=True)
    in_transaction(box.store, marks.stop_channel, box.claim("a")[0], "a", marks.Failure(refused, START))
    assert in_transaction(box.store, outbox.stopped_channels) == {"console": "invalid_auth"}
