"""The promise of a first answer, in business time: when it is due, who is warned, what stops the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Action, ActionKind, Member, Reason
from monitor.attendant import Attendant
from monitor.desk import StoreDesk
from monitor.hours_settings import HoursSettings, build_hours
from monitor.owed import owed_row
from monitor.people import Team, Teams
from monitor.schema import alerts, case_events, cases
from monitor.sla import DEFAULT, Promise, promise_of, times
from monitor.store import Store
from rules.base import WatchlistKind
from rules.matchers import parse_matcher
from rules.rota import Rota
from rules.routing import Decision, Options, Route, Sla
from tests.fakes import START
from tests.monitor.builders import (
    EVERYTHING,
    WATCHLISTS,
    Works,
    build_works,
    column,
    in_transaction,
    make_attendant,
    make_desk,
    make_draft,
    make_page,
    make_post,
    rows_of,
)
from tests.monitor.test_maintenance import reclassify

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OFFICE = HoursSettings.model_validate(
    {
        "timezone": "Europe/Berlin",
        "holidays": "DE-BY",
        "week": {"mon-fri": ("09:00-12:30", "13:30-18:00"), "sun": ("00:00-24:00",)},
    }
)
HOURS = {"office": build_hours("office", OFFICE, "UTC")}
PROMISED = Sla(timedelta(minutes=60), None, timedelta(minutes=15))
KIM, SASCHA = Member("Kim"), Member("Sascha")
TEAMS = Teams({"care": Team({"Kim": KIM, "Sascha": SASCHA}, Rota(("Kim",), 0, time(9), date(2026, 11, 16), UTC))})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "minutes", "due"),
    [
        ("2026-11-19 08:30", 60, "2026-11-19 09:30"),  # Thursday, 09:30 in Berlin
        ("2026-11-19 11:00", 60, "2026-11-19 13:00"),  # half before the break, half after it
        ("2026-11-20 16:45", 30, "2026-11-21 23:15"),  # Friday evening: goes on on Sunday, 00:15
        ("2026-12-24 16:30", 90, "2026-12-27 00:00"),  # both days of Christmas are holidays, Saturday is closed
        ("2027-01-05 16:00", 120, "2027-01-07 09:00"),  # Epiphany is a holiday in Bavaria
        ("2026-03-28 23:00", 180, "2026-03-29 02:00"),  # the Sunday that has 23 hours
        ("2026-03-28 23:00", 24 * 60, "2026-03-30 08:00"),  # its missing hour is worked on Monday
        ("2026-10-24 22:00", 25 * 60, "2026-10-25 23:00"),  # the Sunday that has 25 hours
    ],
)
def test_business_minutes_pass_over_breaks_holidays_and_clock_changes(start: str, minutes: int, due: str) -> None:
    sla = Sla(timedelta(minutes=minutes), "office", timedelta())
    assert times(sla, HOURS, utc(start)).due_at == utc(due)


def test_the_warning_is_counted_in_business_time_too() -> None:
    made = times(Sla(HOUR, "office", timedelta(minutes=15)), HOURS, utc("2026-11-19 11:00"))
    assert (made.due_at, made.speaks_at) == (utc("2026-11-19 13:00"), utc("2026-11-19 12:45"))


def test_hours_that_are_configured_no_more_are_around_the_clock() -> None:
    assert times(Sla(HOUR, "gone", MINUTE), HOURS, START).due_at == START + HOUR


def test_a_promise_survives_its_row() -> None:
    promise = Promise(Sla(HOUR, "office", timedelta(seconds=90)), ("care", "pr"))
    assert Promise.read(promise.stored()) == promise


@pytest.mark.parametrize(
    ("tags", "kind", "is_promised"),
    [
        (("complaint",), WatchlistKind.BRAND, True),
        (("praise", "question"), WatchlistKind.PRODUCT, True),
        (("crisis",), WatchlistKind.BRAND, True),
        (("praise",), WatchlistKind.BRAND, False),
        (("unclassified",), WatchlistKind.BRAND, False),
        (("complaint",), WatchlistKind.COMPETITOR, False),
        (("complaint",), WatchlistKind.TOPIC, False),
    ],
)
def test_without_a_word_in_the_routes_what_asks_for_an_answer_has_a_day(
    tags: tuple[str, ...], kind: WatchlistKind, *, is_promised: bool
) -> None:
    draft = make_draft(make_post(), replace(WATCHLISTS[0], kind=kind), tags)
    promise = promise_of(draft.mention, draft.decisions, {}, START)
    assert promise == (Promise(DEFAULT, ("console",)) if is_promised else None)
    assert promise_of(draft.mention, (), {}, START) is None


def test_of_two_promises_the_stricter_counts_by_the_clock() -> None:
    """Two business hours at the weekend are later than five around the clock."""
    soon, later = Sla(5 * HOUR, None, HOUR), Sla(2 * HOUR, "office", HOUR)
    decisions = [Decision("a", (), sla=later), Decision("b", (), sla=soon), Decision("c", ())]
    mention = make_draft(make_post()).mention
    assert promise_of(mention, decisions, HOURS, utc("2026-11-20 20:00")) == Promise(soon, ("a", "b"))
    assert promise_of(mention, decisions, HOURS, utc("2026-11-19 08:00")) == Promise(later, ("a", "b"))


# -- the clock -------------------------------------------------------------------------------------------------------


def promising(sla: Sla = PROMISED) -> Route:
    return Route("none", routes=(Route("care", (parse_matcher(EVERYTHING),), options=Options(sla=sla)),))


@pytest.fixture
async def works(store: Store) -> Works:
    """One complaint, of which an answer is promised within an hour."""
    built = build_works(store, root=promising(), recipients={"care": ("",)})
    await built.poll(make_page(make_post("1", "Acme is broken")))
    return built


@pytest.fixture
def attendant(works: Works) -> Attendant:
    return make_attendant(works, TEAMS)


@pytest.fixture
def desk(works: Works) -> StoreDesk:
    return make_desk(works, TEAMS)


def does(kind: ActionKind, by: str = "Sascha", until: datetime | None = None) -> Action:
    return Action(kind=kind, mention_ids=(1,), by=by, through="cli", until=until)


def warnings(works: Works, state: str = "owed") -> list[tuple[int, list[str]]]:
    """(n, who is called)."""
    return [(row.n, row.called) for row in rows_of(works.store, alerts, reason="warning", state=state)]


async def test_it_warns_before_the_breach_and_at_the_breach_once_each(works: Works, attendant: Attendant) -> None:
    works.clock.advance(44 * MINUTE)
    await attendant.tick()
    assert warnings(works) == []
    works.clock.advance(MINUTE)
    await attendant.tick()
    await attendant.tick()
    assert warnings(works) == [(1, ["Kim"])]  # who is on call: nobody owns it
    works.clock.advance(15 * MINUTE)
    await attendant.tick()
    await attendant.tick()
    assert warnings(works) == [(1, ["Kim"]), (2, ["Kim"])]
    assert column(works.store, case_events.c.action) == ["warn", "breach"]


async def test_the_owner_is_warned(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM))
    works.clock.advance(45 * MINUTE)
    await attendant.tick()
    assert warnings(works) == [(1, ["Sascha"])]


async def test_an_owner_who_left_is_not_called_but_whoever_is_on_call(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    await desk.act(does(ActionKind.CLAIM, by="Robin"))
    works.clock.advance(45 * MINUTE)
    await attendant.tick()
    assert warnings(works) == [(1, ["Kim"])]


@pytest.mark.parametrize("kind", [ActionKind.ANSWER, ActionKind.DISMISS])
async def test_the_end_of_a_case_stops_its_clock(
    works: Works, attendant: Attendant, desk: StoreDesk, kind: ActionKind
) -> None:
    works.clock.advance(45 * MINUTE)
    await attendant.tick()
    await desk.act(does(kind))
    works.clock.advance(5 * HOUR)
    await attendant.tick()
    assert warnings(works) == []
    assert warnings(works, "dropped") == [(1, ["Kim"])]  # it was not sent yet: nobody needs it any more


async def test_a_claim_does_not_stop_the_clock(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    works.clock.advance(45 * MINUTE)
    await attendant.tick()
    await desk.act(does(ActionKind.CLAIM))
    works.clock.advance(15 * MINUTE)
    await attendant.tick()
    assert warnings(works) == [(1, ["Kim"]), (2, ["Sascha"])]


async def test_after_a_long_outage_only_the_breach_is_told(works: Works, attendant: Attendant) -> None:
    works.clock.advance(8 * HOUR)
    await attendant.tick()
    await attendant.tick()
    assert warnings(works) == [(2, ["Kim"])]


async def test_opened_again_the_promise_begins_anew_and_its_numbers_count_on(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    works.clock.advance(2 * HOUR)
    await attendant.tick()
    await desk.act(does(ActionKind.ANSWER))
    works.clock.advance(HOUR)
    [case] = await desk.act(does(ActionKind.REOPEN))
    assert case.due_at == START + 4 * HOUR
    works.clock.advance(45 * MINUTE)
    await attendant.tick()
    works.clock.advance(15 * MINUTE)
    await attendant.tick()
    assert [n for n, _ in warnings(works)] == [3, 4]  # odd: about to be broken, even: broken


async def test_a_snooze_keeps_warnings_quiet_until_it_ends(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.SNOOZE, until=START + 2 * HOUR))
    works.clock.advance(90 * MINUTE)
    await attendant.tick()
    assert warnings(works) == []
    works.clock.advance(30 * MINUTE)
    await attendant.tick()
    assert warnings(works) == [(2, ["Kim"])]
    assert rows_of(works.store, alerts, reason="repeat") == []  # the warning speaks for it


async def test_after_a_snooze_the_case_speaks_up_again(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM))
    for number in (1, 2):
        await desk.act(does(ActionKind.SNOOZE, until=works.clock() + 10 * MINUTE))
        works.clock.advance(10 * MINUTE)
        await attendant.tick()
        await attendant.tick()
        told = [(row.receiver, row.n, row.called) for row in rows_of(works.store, alerts, reason="repeat")]
        assert told == [("care", n, ["Sascha"]) for n in range(1, number + 1)]
        in_transaction(works.store, Connection.execute, sa.update(alerts).values(state="sent"))
    assert column(works.store, cases.c.snoozed_until) == [None]


async def test_a_case_without_a_promise_speaks_up_after_its_snooze_too(store: Store) -> None:
    works = build_works(store, recipients={"care": ("a@x", "b@x")})
    await works.poll(make_page(make_post("1", "Acme buy")))
    assert column(store, cases.c.due_at) == [None]
    await make_desk(works).act(does(ActionKind.SNOOZE, until=START + HOUR))
    works.clock.advance(HOUR)
    await make_attendant(works).tick()
    assert [row.recipient for row in rows_of(store, alerts, reason="repeat")] == ["a@x", "b@x"]


async def test_an_edit_that_brings_a_complaint_brings_the_promise(store: Store) -> None:
    works = build_works(store, recipients={"care": ("",)})
    await works.poll(make_page(make_post("1", "Acme buy")))
    works.clock.advance(HOUR)
    await works.poll(make_page(make_post("1", "Acme buy broken")))
    [case] = rows_of(store, cases)
    assert (case.due_at, case.clock_at) == (START + 25 * HOUR, START + 21 * HOUR)


async def test_an_edit_that_is_news_opens_a_closed_case_again(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.ANSWER))
    works.clock.advance(HOUR)
    await works.poll(make_page(make_post("1", "Acme is broken, no answer")))  # no label that was not there
    assert column(works.store, cases.c.state) == ["answered"]
    await works.poll(make_page(make_post("1", "Acme is broken and on fire")))
    [case] = rows_of(works.store, cases)
    assert (case.state, case.owner, case.due_at) == ("new", None, START + 2 * HOUR)
    assert column(works.store, case_events.c.note)[-1] == "edited"


async def test_a_late_verdict_brings_the_promise_but_opens_nothing(store: Store) -> None:
    works = build_works(store, recipients={"care": ("",)})
    works.classifier.failure = RuntimeError("model gone")
    await works.poll(make_page(make_post("1", "Acme is broken")))
    assert column(store, cases.c.due_at) == [None]
    works.classifier.failure = None
    await reclassify(works)
    assert column(store, cases.c.due_at) == [START + 24 * HOUR]


async def test_what_was_to_be_repeated_later_is_what_speaks_up(store: Store) -> None:
    """repeat_interval goes on from there: no second row takes its number."""
    works = build_works(store, recipients={"care": ("",), "pr": ("",)})
    await works.poll(make_page(make_post("1", "Acme buy")))
    later = owed_row("mention:1", "care", "", Reason.REPEAT, 1, START)
    later |= {"mention_id": 1, "due_at": START + 8 * HOUR, "repeat_every": 8 * 3600.0}
    in_transaction(store, Connection.execute, sa.insert(alerts).values(later))
    await make_desk(works).act(does(ActionKind.SNOOZE, until=START + HOUR))
    works.clock.advance(HOUR)
    await make_attendant(works).tick()
    repeats = [(row.receiver, row.n, row.due_at) for row in rows_of(store, alerts, reason="repeat")]
    assert sorted(repeats)[0] == ("care", 1, works.clock())
    assert [receiver for receiver, _, _ in sorted(repeats)] == ["care", "pr"]
