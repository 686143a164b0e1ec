"""The storm brake: one message takes what is too much, with the exact count, and it ends."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from alerts.base import CaseState, ReceiverError
from alerts.storm import Storm
from monitor import outbox
from monitor.fallback import Fallback
from monitor.schema import alerts, groups
from monitor.store import Store
from monitor.updates import UPDATE_EVERY
from rules.routing import Options, Route
from tests.fakes import EditingReceiver, ScriptedReceiver
from tests.monitor.builders import in_transaction, rows_of
from tests.monitor.delivery_scene import Stage

BRAKE = Storm(5, timedelta(minutes=5))


@pytest.fixture
def stage(store: Store) -> Stage:
    return Stage(store, Route("console"), {"console": EditingReceiver()}, brakes={"console": BRAKE})


def names(count: int, prefix: str = "m") -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def editing(stage: Stage) -> EditingReceiver:
    receiver = stage.receivers["console"]
    assert isinstance(receiver, EditingReceiver)
    return receiver


async def test_below_the_limit_everything_is_told_by_itself(stage: Stage) -> None:
    stage.say(*names(5))
    await stage.run_until(60)
    assert [send.count for send in stage.sends] == [1] * 5
    assert rows_of(stage.store, groups) == []


async def test_f30_above_it_one_message_takes_the_rest_and_leaves_no_owed_rows(stage: Stage) -> None:
    stage.say(*names(500))
    assert len(stage.rows(state="owed")) == 6
    await stage.run_until(60)
    assert [(send.at, send.count) for send in stage.sends] == [(0, 1)] * 5 + [(10, 495)]
    [group] = [alert.group for alert in editing(stage).accepted if alert.group]
    assert (group.is_storm, group.is_closed, group.labels) == (True, False, (("watchlist", "acme"),))


async def test_the_message_is_updated_to_the_exact_count_and_closed_in_the_end(stage: Stage) -> None:
    stage.say(*names(8))
    await stage.run_until(10)
    for number in range(20):
        stage.say(f"later{number}")
        await stage.run_until(11 + number)
    await stage.run_until(900)
    updates = editing(stage).updated
    assert len(stage.sends) - len(updates) == 6  # no further message
    assert (updates[-1].count, updates[-1].group and updates[-1].group.is_closed) == (23, True)
    counts = [alert.count for alert in updates]
    assert counts == sorted(counts)
    assert len(updates) <= 20 / UPDATE_EVERY.total_seconds() + 3  # and the first, and the last two
    assert {alert.reference for alert in updates} == {"ref-6"}


async def test_calm_again_everything_is_told_by_itself(stage: Stage) -> None:
    stage.say(*names(8))
    await stage.run_until(20)
    await stage.run_until(400)
    stage.say("alone")
    await stage.run_until(460)
    assert stage.told()[-1] == (400, "alone")


async def test_a_storm_that_slept_through_a_restart_takes_nothing_more(stage: Stage) -> None:
    stage.say(*names(8))
    await stage.run_until(20)
    stage.clock.advance(timedelta(hours=8))
    stage.start()
    stage.say("alone")  # before the daemon has looked whether it is calm
    assert [row.mention_id for row in stage.rows(state="owed", reason="first")] == [9]


async def test_a_rate_at_the_limit_does_not_end_and_begin_storms_all_the_time(stage: Stage) -> None:
    stage.say(*names(6))
    for number in range(15):  # one a minute, five in five minutes
        await stage.run_until(60 * (number + 1))
        stage.say(f"steady{number}")
    await stage.run_until(1800)
    assert len(rows_of(stage.store, groups)) == 1


async def test_f30_a_slow_receiver_shows_the_exact_count_at_the_end(store: Store) -> None:
    stage = Stage(
        store, Route("console"), {"console": EditingReceiver()}, brakes={"console": BRAKE}, paces={"console": 1.0}
    )
    for second in range(30):
        stage.say(*names(10, f"s{second}-"))
        await stage.run_until(second + 1)
    await stage.run_until(900)
    receiver = editing(stage)
    singles = [alert for alert in receiver.accepted if alert.group is None]
    assert len(singles) + receiver.updated[-1].count == 300
    assert stage.sends[0].at == 0
    assert len(receiver.accepted) == 6
    ats = [send.at for send in stage.sends]
    assert all(after - before >= 1 for before, after in pairwise(ats))


async def test_watchlists_and_receivers_have_storms_of_their_own(store: Store) -> None:
    everywhere = Route("none", routes=(Route("console", is_continued=True), Route("plain", is_continued=True)))
    stage = Stage(
        store, everywhere, {"console": EditingReceiver(), "plain": ScriptedReceiver()}, brakes={"console": BRAKE}
    )
    stage.say(*names(9))
    stage.say("other", watchlist="globex")
    await stage.run_until(20)
    assert [send.count for send in stage.sends if send.receiver == "plain"] == [1] * 10
    assert [send.count for send in stage.sends if send.receiver == "console"] == [1] * 5 + [1, 4]


async def test_f30_where_messages_cannot_be_edited_each_time_has_one(store: Store) -> None:
    stage = Stage(store, Route("console"), {"console": ScriptedReceiver()}, brakes={"console": BRAKE})
    for minute in range(12):
        stage.say(*names(10, f"n{minute}-"))
        await stage.run_until(60 * (minute + 1))
    await stage.run_until(3600)
    assert sum(send.count for send in stage.sends) == 120
    assert [(send.at, send.count) for send in stage.sends[5:]] == [(10, 5), (310, 50), (610, 50), (910, 10)]


async def test_a_group_is_one_message_however_many_join_it(store: Store) -> None:
    root = Route("console", options=Options(group_by=("watchlist",)))
    stage = Stage(store, root, {"console": EditingReceiver()}, brakes={"console": BRAKE})
    stage.say(*names(100))
    await stage.run_until(20)
    assert [(send.at, send.count) for send in stage.sends] == [(10, 100)]


async def test_too_many_groups_are_a_storm(store: Store) -> None:
    root = Route("console", options=Options(group_by=("author",)))
    stage = Stage(store, root, {"console": EditingReceiver()}, brakes={"console": BRAKE})
    stage.announce([stage.news(name, author=name) for name in names(9)])
    await stage.run_until(20)
    assert [send.count for send in stage.sends] == [1, 1, 1, 1, 1, 4]


async def test_other_alerts_pass_a_storm_that_is_updated_all_the_time(store: Store) -> None:
    stage = Stage(
        store, Route("console"), {"console": EditingReceiver()}, brakes={"console": BRAKE}, paces={"console": 1.0}
    )
    stage.say(*names(50))
    await stage.run_until(30)
    for second in range(30, 60):
        stage.say(*names(5, f"s{second}-"))
        stage.say(f"x{second}", watchlist="globex") if second % 10 == 0 else None
        await stage.run_until(second + 1)
    told = {words: at for at, words in stage.told() if words.startswith("x")}
    assert set(told) == {"x30", "x40", "x50"}
    assert all(at - int(name[1:]) <= 1 for name, at in told.items())  # an edit may have taken the second


async def test_cases_of_a_storm_update_its_message(stage: Stage) -> None:
    ids = stage.say(*names(8))
    await stage.run_until(20)
    stage.set_case(ids[-1], CaseState.CLAIMED)
    await stage.run_until(24)
    assert editing(stage).updated[-1].count == 3


async def test_an_update_that_would_overtake_the_first_message_waits_for_it(stage: Stage) -> None:
    stage.say(*names(8))
    await stage.run_until(5)
    stage.say("more")
    assert [row for row in stage.rows() if row.reason == "update"] == []
    await stage.run_until(20)
    assert stage.sends[-1].count == 4
    assert editing(stage).updated == []


async def test_grown_while_its_first_message_was_on_its_way_it_is_updated(stage: Stage) -> None:
    async def grow(alert: object) -> None:
        stage.receivers["console"].before = noting
        stage.say("meanwhile")

    stage.say(*names(8))
    await stage.run_until(9)
    receiver = editing(stage)
    noting, receiver.before = receiver.before, grow
    await stage.run_until(20)
    assert [alert.count for alert in receiver.updated] == [4]
    assert rows_of(stage.store, alerts, state="owed") == []


# -- a storm whose message shows nothing more takes nobody in --------------------------------------------------------


async def storm_and_later(stage: Stage) -> list[str]:
    """A storm of three; what is told of a mention that comes a minute later, by messages and by edits."""
    stage.say(*names(8))
    await stage.run_until(60)
    stage.say("later")
    await stage.run_until(200)
    shown = [alert.mentions for alert in (*editing(stage).accepted, *editing(stage).updated)]
    return [mention.post.external_id for some in shown for mention in some]


async def test_a_storm_that_was_refused_hides_nobody(stage: Stage) -> None:
    editing(stage).failures = [None] * 5 + [ReceiverError("msg_too_long", permanent=True)]
    assert "later" in await storm_and_later(stage)


async def test_a_storm_whose_message_somebody_deleted_hides_nobody_who_comes_later(stage: Stage) -> None:
    editing(stage).failures = [None] * 6 + [ReceiverError("message_not_found", permanent=True)]
    assert "later" not in await storm_and_later(stage)
    assert [row.state for row in stage.rows(reason="update")] == ["dead"]  # where everybody sees it
    stage.say("after that")
    await stage.run_until(260)
    assert "after that" in " ".join(words for _, words in stage.told())


async def test_a_storm_that_was_silenced_whole_hides_nobody_when_the_silence_ends(stage: Stage) -> None:
    stage.silence("watchlist = acme", seconds=30)
    assert "later" in await storm_and_later(stage)


async def test_a_storm_at_a_channel_that_stops_hides_nobody_from_its_fallback(store: Store) -> None:
    receivers = {"console": EditingReceiver(), "mail": ScriptedReceiver()}
    fallbacks = {"console": Fallback("mail", ("",))}
    stage = Stage(store, Route("console"), receivers, brakes={"console": BRAKE}, fallbacks=fallbacks)
    stage.say(*names(8))
    await stage.run_until(60)
    editing(stage).failures = [ReceiverError("token_revoked", permanent=True, channel=True)]
    stage.say("more")
    await stage.run_until(70)
    stage.say("later")
    await stage.run_until(120)
    assert [words for _, words in stage.told("mail")] == ["later"]
    stage.start()
    await stage.run_until(180)
    assert editing(stage).updated[-1].count == 4


async def test_a_storm_at_a_receiver_that_can_edit_no_more_hides_nobody(stage: Stage) -> None:
    stage.say(*names(8))
    await stage.run_until(60)
    in_transaction(stage.store, outbox.register_channels, ["console"], stage.clock(), {"console": outbox.Traits(False)})
    stage.say("later")
    await stage.run_until(120)
    assert stage.told()[-1] == (60, "later")
