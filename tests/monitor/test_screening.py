"""What is not sent, or later: mutes, silences, inhibition, repeats. Each alert keeps its row and the reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.base import CaseState, ReceiverError
from monitor import outbox
from monitor.digests import Digest
from monitor.silences import active_silences, add_silence, expire_silence, read_matchers
from monitor.store import Store
from monitor.suppression import LONGEST_HOLD, Rules, muted_until
from rules.hours import Hours, Window
from rules.inhibition import InhibitRule
from rules.matchers import MatcherError, parse_matcher
from rules.routing import Intervals, Options, Route
from tests.fakes import START, EditingReceiver, FixedClock
from tests.monitor.builders import in_transaction
from tests.monitor.delivery_scene import Stage

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Hours("night", BERLIN, ((Window(22 * 60, 30 * 60),),) * 7)
OFFICE = Hours("office", BERLIN, ((Window(9 * 60, 17 * 60),),) * 5 + ((), ()))
HOURS = {"night": NIGHT, "office": OFFICE}
HOUR = timedelta(hours=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def make_stage(store: Store, root: Route, at: str = "2026-11-23 10:00", **changes: Any) -> Stage:
    """A stage with hours, at a local time (a Monday unless told otherwise)."""
    rules = Rules(hours=HOURS, inhibit=changes.pop("inhibit", ()), source_types={"news": "feed"})
    return Stage(store, root, {"console": EditingReceiver()}, rules=rules, clock=FixedClock(local(at)), **changes)


def seconds(text: str) -> float:
    """From the start of the clocks to a local time."""
    return (local(text) - START).total_seconds()


# -- mutes -----------------------------------------------------------------------------------------------------------

MUTED = Route("console", intervals=Intervals(mute=("night",)))


async def test_muted_at_night_it_is_sent_in_the_morning(store: Store) -> None:
    stage = make_stage(store, MUTED, at="2026-11-23 23:30")
    stage.say("a")
    await stage.deliver()
    [row] = stage.rows()
    assert (row.state, row.attempts, row.lease_token) == ("owed", 0, None)
    assert row.error == "muted until 2026-11-24 05:00 UTC"
    await stage.run_until(seconds("2026-11-24 12:00"))
    assert stage.told() == [(seconds("2026-11-24 06:00"), "a")]
    assert stage.rows()[0].error is None


async def test_outside_of_active_hours_it_waits_for_them_over_a_weekend(store: Store) -> None:
    stage = make_stage(store, Route("console", intervals=Intervals(active=("office",))), at="2026-11-20 18:00")
    stage.say("a")
    await stage.run_until(seconds("2026-11-24 12:00"))
    assert stage.told() == [(seconds("2026-11-23 09:00"), "a")]


@pytest.mark.parametrize(
    ("at", "end", "hours"),
    [
        ("2026-03-28 23:00", "2026-03-29 06:00", 6),  # the night lacks an hour
        ("2026-10-24 23:00", "2026-10-25 06:00", 8),  # the night has one twice
    ],
)
async def test_f38_a_mute_ends_on_the_clock_of_the_wall_when_clocks_change(
    store: Store, at: str, end: str, hours: int
) -> None:
    stage = make_stage(store, MUTED, at=at)
    stage.say("a")
    await stage.run_until(seconds(at) + 86400)
    assert stage.told() == [(seconds(end), "a")]
    assert local(end) - local(at) == timedelta(hours=hours)


async def test_muted_only_when_every_route_is(store: Store) -> None:
    twice = Route("none", routes=(replace(MUTED, is_continued=True), Route("console")))
    stage = make_stage(store, twice, at="2026-11-23 23:30")
    stage.say("a")
    await stage.deliver()
    assert stage.told() == [(seconds("2026-11-23 23:30"), "a")]


async def test_f38_a_muted_group_takes_members_until_the_end(store: Store) -> None:
    root = Route("console", intervals=Intervals(mute=("night",)), options=Options(group_by=("watchlist",)))
    stage = make_stage(store, root, at="2026-11-23 23:30")
    stage.say("a")
    await stage.run_until(seconds("2026-11-24 03:00"))
    stage.say("b")
    await stage.run_until(seconds("2026-11-24 06:30"))
    assert stage.told() == [(seconds("2026-11-24 06:00"), "a b")]


async def test_what_is_muted_holds_up_nobody_else(store: Store) -> None:
    root = Route("console", routes=(replace(MUTED, matchers=(parse_matcher("watchlist = globex"),)),))
    stage = make_stage(store, root, at="2026-11-23 23:30", paces={"console": 1.0})
    stage.say(*(f"quiet{number}" for number in range(120)), watchlist="globex")
    stage.say("loud")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("loud",)]


async def test_once_leaves_what_is_muted_owed(store: Store) -> None:
    stage = make_stage(store, MUTED, at="2026-11-23 23:30")
    stage.say("a")
    worker = stage.deliveries["console"]
    assert (await worker.run_once(), await worker.run_once()) == (1, 1)
    assert stage.sends == []


def test_hours_that_are_gone_mute_nothing() -> None:
    at = local("2026-11-23 23:30")
    assert muted_until([{"mute": ["gone"], "active": []}], HOURS, at) is None
    assert muted_until([{"mute": [], "active": ["gone"]}], HOURS, at) is None
    assert muted_until([], HOURS, at) is None


def test_a_long_mute_is_looked_at_again_as_hours_may_change() -> None:
    always = Hours("always", BERLIN)
    at = local("2026-11-23 23:30")
    assert muted_until([{"mute": ["always"], "active": []}], {"always": always}, at) == at + LONGEST_HOLD


def test_intervals_that_follow_one_another_are_one_mute() -> None:
    rest = Hours("rest", BERLIN, ((Window(6 * 60, 8 * 60),),) * 7)
    at = local("2026-11-24 05:00")
    muted = [{"mute": ["night", "rest"], "active": []}]
    assert muted_until(muted, HOURS | {"rest": rest}, at) == local("2026-11-24 08:00")


# -- silences --------------------------------------------------------------------------------------------------------

PLAIN = Route("console")


async def test_a_silence_drops_what_it_matches_and_says_whose_it_is(store: Store) -> None:
    stage = make_stage(store, PLAIN)
    number = stage.silence("watchlist = acme", comment="campaign")
    stage.say("a")
    stage.say("b", watchlist="globex")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("b",)]
    dropped = stage.rows(state="dropped")
    assert [(row.mention_id, row.error) for row in dropped] == [(1, f"silence {number} by Kim: campaign")]


async def test_silences_are_looked_at_when_it_would_be_sent(store: Store) -> None:
    stage = make_stage(store, PLAIN)
    stage.say("a")
    stage.silence("watchlist = acme", seconds=3600)  # after it was routed, before it was sent
    await stage.deliver()
    assert stage.sends == []
    stage.clock.advance(HOUR)
    stage.say("b")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("b",)]


async def test_a_silence_that_was_expired_is_over_at_once(store: Store) -> None:
    stage = make_stage(store, PLAIN)
    number = stage.silence("watchlist = acme")
    assert in_transaction(store, expire_silence, number, stage.clock())
    assert not in_transaction(store, expire_silence, number, stage.clock())
    assert in_transaction(store, active_silences, stage.clock()) == []
    stage.say("a")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("a",)]


async def test_a_silence_of_one_label_silences_whatever_carries_it(store: Store) -> None:
    stage = make_stage(store, PLAIN)
    stage.silence("label = complaint")
    stage.say("both", labels=("complaint", "question"))
    stage.say("question", labels=("question",))
    stage.silence("label != complaint", "watchlist = globex")
    stage.say("other", labels=("praise",), watchlist="globex")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("question",)]


async def test_a_silenced_member_leaves_its_group_before_the_message(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=("watchlist",))))
    stage.say("a")
    stage.say("b", author="noisy")
    stage.silence("author = noisy")
    await stage.run_until(seconds("2026-11-23 10:01"))
    assert [(send.told, send.count) for send in stage.sends] == [(("a",), 1)]
    [dropped] = stage.rows(state="dropped")
    assert (dropped.mention_id, dropped.reason) == (2, "first")
    assert dropped.error.startswith("silence 1 by Kim")


async def test_a_group_that_is_silenced_whole_is_dropped(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=("watchlist",))))
    stage.say("a", "b")
    stage.silence("watchlist = acme")
    await stage.run_until(seconds("2026-11-23 10:01"))
    assert stage.sends == []
    assert {row.state for row in stage.rows()} == {"dropped"}


async def test_f38_a_silence_that_ended_drops_nothing_of_a_pending_group(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=("watchlist",))))
    stage.silence("watchlist = acme", seconds=5)
    stage.say("a")
    await stage.run_until(seconds("2026-11-23 10:01"))
    assert [send.told for send in stage.sends] == [("a",)]


async def test_a_silence_between_two_attempts_changes_no_members(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=("watchlist",))))
    console = stage.receivers["console"]
    console.failures = [ReceiverError("timeout", maybe_sent=True)]
    stage.say("a")
    stage.say("b", author="noisy")
    await stage.run_until(seconds("2026-11-23 10:00:10"))
    stage.silence("author = noisy")
    await stage.run_until(seconds("2026-11-23 10:01"))
    assert [alert.count for alert in console.tried] == [2, 2]


async def test_a_digest_leaves_out_what_is_silenced(store: Store) -> None:
    from monitor.mentions import offer_held

    stage = make_stage(store, PLAIN)
    held = [replace(stage.news(name, author=name), held_for="pass:1") for name in ("a", "b")]
    stage.announce(held)
    in_transaction(store, offer_held, "pass:1", stage.clock())
    stage.silence("author = b")
    await stage.deliver()
    assert [(send.reason, send.told) for send in stage.sends] == [("digest", ("a",))]


async def test_a_digest_waits_while_every_route_that_led_into_it_is_muted(store: Store) -> None:
    stage = make_stage(store, MUTED, at="2026-11-23 23:00")
    traits = {"console": outbox.Traits(digest=Digest(every=1800))}
    in_transaction(store, outbox.register_channels, ["console"], stage.clock(), traits)
    stage.say("a", "b")
    await stage.run_until(seconds("2026-11-24 05:50"))
    stage.say("c")
    await stage.run_until(seconds("2026-11-24 12:00"))
    assert stage.told() == [(seconds("2026-11-24 06:00"), told) for told in ("a b", "c")]


async def test_a_digest_is_not_quiet_while_a_route_into_it_is_not(store: Store) -> None:
    root = Route("console", routes=(replace(MUTED, matchers=(parse_matcher("watchlist = globex"),)),))
    stage = make_stage(store, root, at="2026-11-23 23:00")
    traits = {"console": outbox.Traits(digest=Digest(every=1800))}
    in_transaction(store, outbox.register_channels, ["console"], stage.clock(), traits)
    stage.say("quiet", watchlist="globex")
    stage.say("loud")
    await stage.run_until(seconds("2026-11-24 00:00"))
    assert stage.told() == [(seconds("2026-11-23 23:30"), "quiet loud")]


async def test_what_joins_a_storm_is_silenced_too(store: Store) -> None:
    from alerts.storm import Storm

    stage = make_stage(store, PLAIN, brakes={"console": Storm(2, timedelta(minutes=5))})
    stage.say("a", "b", "c")
    await stage.run_until(seconds("2026-11-23 10:00:30"))
    stage.silence("author = noisy")
    stage.say("d", author="noisy")
    stage.say("e")
    await stage.run_until(seconds("2026-11-23 10:00:40"))
    console = stage.receivers["console"]
    assert isinstance(console, EditingReceiver)
    assert [mention.post.external_id for mention in console.updated[-1].mentions] == ["c", "e"]


def test_a_silence_of_everything_is_refused() -> None:
    for texts in (["label != praise", "rating != 1"], ["author =~ .*"], []):
        with pytest.raises(MatcherError, match="would silence everything"):
            read_matchers(texts)
    with pytest.raises(MatcherError, match="cannot match on this"):
        read_matchers(["colour = red"])
    assert len(read_matchers(["watchlist = acme", "label != crisis"])) == 2


def test_a_silence_with_hours_that_are_gone_silences_nothing(store: Store) -> None:
    stage = make_stage(store, PLAIN)
    in_transaction(store, add_silence, ["hours = gone"], None, "Kim", "", stage.clock())
    [silence] = in_transaction(store, active_silences, stage.clock())
    assert not silence.covers(stage.news("a").draft.mention, "feed", stage.clock(), HOURS)


# -- inhibition ------------------------------------------------------------------------------------------------------

CRISIS_FIRST = InhibitRule(
    (parse_matcher("label = crisis"),), (parse_matcher('label =~ "complaint|question"'),), ("watchlist",), HOUR
)


async def test_an_open_crisis_inhibits_complaints_of_its_watchlist_only(store: Store) -> None:
    stage = make_stage(store, PLAIN, inhibit=(CRISIS_FIRST,))
    stage.say("fire", labels=("crisis",))
    stage.say("late", "again")
    stage.say("elsewhere", watchlist="globex")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("fire",), ("elsewhere",)]
    assert stage.rows(state="dropped")[0].error == "inhibited by mention 1, whose case is open"


async def test_a_crisis_that_was_answered_inhibits_nothing(store: Store) -> None:
    stage = make_stage(store, PLAIN, inhibit=(CRISIS_FIRST,))
    [fire] = stage.say("fire", labels=("crisis",))
    stage.set_case(fire, CaseState.CLAIMED)
    stage.say("while it is claimed")
    await stage.deliver()
    stage.set_case(fire, CaseState.ANSWERED)
    stage.say("after")
    await stage.deliver()
    assert [send.told for send in stage.sends if send.reason == "first"] == [("fire",), ("after",)]


async def test_a_crisis_inhibits_for_as_long_as_the_rule_says(store: Store) -> None:
    stage = make_stage(store, PLAIN, inhibit=(CRISIS_FIRST,))
    stage.say("fire", labels=("crisis",))
    stage.clock.advance(HOUR - timedelta(seconds=1))
    stage.say("within")
    await stage.deliver()
    stage.clock.advance(timedelta(seconds=2))
    stage.say("after")
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("fire",), ("after",)]


async def test_nothing_inhibits_itself_nor_its_like(store: Store) -> None:
    stage = make_stage(store, PLAIN, inhibit=(CRISIS_FIRST,))
    stage.say("one", "two", labels=("crisis", "complaint"))
    await stage.deliver()
    assert [send.told for send in stage.sends] == [("one",), ("two",)]


# -- repeats ---------------------------------------------------------------------------------------------------------

REPEATED = Route("console", options=Options(repeat_interval=HOUR))


async def test_it_speaks_up_again_while_its_case_is_open(store: Store) -> None:
    stage = make_stage(store, REPEATED)
    [mention_id] = stage.say("a")
    await stage.run_until(seconds("2026-11-23 12:30"))
    assert [(send.at - seconds("2026-11-23 10:00"), send.reason) for send in stage.sends] == [
        (0, "first"),
        (3600, "repeat"),
        (7200, "repeat"),
    ]
    assert [alert.n for alert in stage.receivers["console"].accepted] == [0, 1, 2]
    assert {alert.reference for alert in stage.receivers["console"].accepted[1:]} == {"ref-1"}
    stage.set_case(mention_id, CaseState.ANSWERED)
    await stage.run_until(seconds("2026-11-24 12:00"))
    assert len([send for send in stage.sends if send.reason == "repeat"]) == 2
    assert stage.rows(state="dropped")[0].error == "its case is closed"


async def test_a_group_repeats_until_all_of_its_cases_are_closed(store: Store) -> None:
    stage = make_stage(store, Route("console", options=Options(group_by=(), repeat_interval=HOUR)))
    first, second = stage.say("a", "b")
    stage.set_case(first, CaseState.DISMISSED)
    await stage.run_until(seconds("2026-11-23 11:30"))
    stage.set_case(second, CaseState.DISMISSED)
    await stage.run_until(seconds("2026-11-23 18:00"))
    assert [(send.reason, send.told) for send in stage.sends if send.reason != "update"] == [
        ("first", ("a", "b")),
        ("repeat", ("a", "b")),
    ]


async def test_a_snoozed_case_is_not_repeated_before_its_time(store: Store) -> None:
    stage = make_stage(store, REPEATED)
    [mention_id] = stage.say("a")
    await stage.deliver()
    stage.set_case(mention_id, CaseState.NEW, snoozed_until=local("2026-11-23 13:15"))
    await stage.run_until(seconds("2026-11-23 14:00"))
    repeats = [send.at for send in stage.sends if send.reason == "repeat"]
    assert repeats == [seconds("2026-11-23 13:15")]


async def test_a_silenced_repeat_comes_again_after_the_silence(store: Store) -> None:
    stage = make_stage(store, REPEATED)
    stage.say("a")
    await stage.deliver()
    stage.silence("watchlist = acme", seconds=5000)
    await stage.run_until(seconds("2026-11-23 12:30"))
    assert [send.at - seconds("2026-11-23 10:00") for send in stage.sends] == [0, 7200]


async def test_a_repeat_to_come_is_nothing_that_once_still_owes(store: Store) -> None:
    stage = make_stage(store, REPEATED)
    stage.say("a")
    worker = stage.deliveries["console"]
    assert (await worker.run_once(), await worker.run_once()) == (0, 0)
    assert len(stage.sends) == 1
