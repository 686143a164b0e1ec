"""Escalation chains: each step happens, once; where somebody takes the case on in time, nobody else is called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, time, timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from alerts.base import Action, ActionKind, Member, Reason
from monitor.attendant import Attendant
from monitor.cases import take_action
from monitor.desk import StoreDesk
from monitor.escalation import LATE, due_steps, stuck_chains, take_steps
from monitor.people import Team, Teams
from monitor.schema import alerts, case_events, cases, escalations
from monitor.store import Store
from monitor.transitions import Moment
from rules.matchers import parse_matcher
from rules.rota import Rota
from rules.routing import EscalationStep, Options, Route
from tests.fakes import START
from tests.monitor.builders import (
    EVERYTHING,
    Works,
    build_works,
    column,
    in_transaction,
    make_attendant,
    make_desk,
    make_page,
    make_post,
    rows_of,
)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
KIM, SASCHA = Member("Kim"), Member("Sascha")
ROTA = Rota(("Kim", "Sascha"), 0, time(9), date(2026, 11, 16), UTC)
TEAMS = Teams({"care": Team({"Kim": KIM, "Sascha": SASCHA}, ROTA)})
CHAIN = (EscalationStep(HOUR, "second", "care"), EscalationStep(4 * HOUR, "third"))
RECIPIENTS = {"first": ("",), "second": ("a@x", "b@x"), "third": ("",)}


def chained(chain: tuple[EscalationStep, ...] = CHAIN) -> Route:
    matchers = (parse_matcher(EVERYTHING),)
    return Route("none", routes=(Route("first", matchers, options=Options(escalate=chain)),))


@pytest.fixture
async def works(store: Store) -> Works:
    """One complaint whose case escalates after one and after four hours."""
    built = build_works(store, root=chained(), recipients=RECIPIENTS)
    await built.poll(make_page(make_post("1", "Acme is broken", author="ann")))
    return built


@pytest.fixture
def attendant(works: Works) -> Attendant:
    return make_attendant(works, TEAMS)


@pytest.fixture
def desk(works: Works) -> StoreDesk:
    return make_desk(works, TEAMS)


@pytest.fixture
async def other(store_url: str, works: Works) -> AsyncIterator[Store]:
    """The same database as another process has it: the command line, or a second daemon."""
    opened = Store(store_url)
    yield opened
    opened.close()


def does(kind: ActionKind, **values: object) -> Action:
    action = Action(kind=kind, mention_ids=(1,), by="Kim", through="cli")
    return replace(action, **values)  # type: ignore[arg-type]  # fields of an action


def calls(works: Works, *states: str) -> list[tuple[str, str, int]]:
    """(receiver, recipient, n) of the escalation's alerts."""
    rows = rows_of(works.store, alerts, reason=Reason.ESCALATION.value)
    return [(row.receiver, row.recipient, row.n) for row in rows if row.state in (states or ("owed",))]


FIRST = [("second", "a@x", 1), ("second", "b@x", 1)]
SECOND = [*FIRST, ("third", "", 2)]


async def test_each_step_calls_once_in_its_time(works: Works, attendant: Attendant) -> None:
    woken: list[str] = []
    attendant.wake = woken.extend
    works.clock.advance(HOUR - MINUTE)
    await attendant.tick()
    assert (calls(works), woken) == ([], [])
    works.clock.advance(MINUTE)
    await attendant.tick()
    await attendant.tick()
    assert (calls(works), woken) == (FIRST, ["second"])
    assert [row.called for row in rows_of(works.store, alerts, receiver="second")] == [["Kim"], ["Kim"]]
    works.clock.advance(3 * HOUR)
    await attendant.tick()
    await attendant.tick()
    assert calls(works) == SECOND
    [chain] = rows_of(works.store, escalations)
    assert (chain.step, chain.next_at, chain.ended_by) == (2, None, "its last step")
    assert [(row.action, row.note) for row in rows_of(works.store, case_events)] == [
        ("escalate", "second, Kim"),
        ("escalate", "third"),
    ]


async def test_f37_after_a_restart_during_the_wait_the_step_is_late_by_one_tick(works: Works) -> None:
    works.clock.advance(2 * HOUR)  # the daemon was down when it was due
    works.restart()
    await make_attendant(works, TEAMS).tick()
    assert calls(works) == FIRST
    works.clock.advance(2 * HOUR)
    await make_attendant(works, TEAMS).tick()
    assert calls(works) == SECOND


async def test_f37_a_chain_that_was_edited_meanwhile_goes_on_as_it_began(works: Works, attendant: Attendant) -> None:
    works.pipeline.judge = replace(
        works.pipeline.judge,
        router=replace(works.pipeline.judge.router, root=chained((EscalationStep(MINUTE, "third"),))),
    )
    await works.poll(make_page(make_post("1", "Acme is broken and how", author="ann")))  # even an edit that is news
    works.clock.advance(30 * MINUTE)
    await attendant.tick()
    assert calls(works) == []
    works.clock.advance(30 * MINUTE)
    await attendant.tick()
    assert calls(works) == FIRST


@pytest.mark.parametrize("kind", [ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.DISMISS])
async def test_f37_taken_on_at_the_instant_of_the_step_it_calls_nobody(
    works: Works, attendant: Attendant, desk: StoreDesk, kind: ActionKind
) -> None:
    works.clock.advance(HOUR)
    due = in_transaction(works.store, due_steps, works.clock())
    await desk.act(does(kind))
    assert in_transaction(works.store, take_steps, due, attendant.callers, works.clock()) == frozenset()
    assert calls(works, "owed", "sent", "dropped") == []
    [chain] = rows_of(works.store, escalations)
    assert (chain.next_at, chain.ended_by) == (None, "Kim")


async def test_f37_a_step_at_the_instant_of_the_claim_is_taken_back(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    works.clock.advance(HOUR)
    await attendant.tick()
    await desk.act(does(ActionKind.CLAIM))
    assert calls(works) == []
    assert calls(works, "dropped") == FIRST
    works.clock.advance(10 * HOUR)
    await attendant.tick()
    assert calls(works) == []


async def test_what_was_sent_before_the_claim_stays_sent(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    works.clock.advance(HOUR)
    await attendant.tick()
    sent = sa.update(alerts).where(alerts.c.recipient == "a@x").values(state="sent")
    in_transaction(works.store, Connection.execute, sent)
    await desk.act(does(ActionKind.CLAIM))
    assert (calls(works, "sent"), calls(works, "dropped")) == (FIRST[:1], FIRST[1:])


def at_once(*works: Callable[[], object]) -> list[object]:
    """What they return, each on a thread of its own and all let go together."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


async def test_f37_claim_and_step_by_two_threads_the_claim_wins(
    works: Works, attendant: Attendant, other: Store
) -> None:
    for _ in range(12):
        works.clock.advance(HOUR)
        moment = Moment(works.clock(), {})
        due = in_transaction(works.store, due_steps, moment.now)
        assert len(due) == 1
        step = partial(take_steps, due=due, callers=attendant.callers, now=moment.now)
        claim = partial(take_action, mention_id=1, action=does(ActionKind.CLAIM), moment=moment)
        _, claimed = at_once(partial(works.store.write_now, step), partial(other.write_now, claim))
        assert claimed
        assert calls(works) == []
        assert column(works.store, escalations.c.next_at) == [None]
        in_transaction(works.store, take_action, 1, does(ActionKind.REOPEN), moment)


async def test_two_daemons_at_one_chain_take_a_step_once(works: Works, attendant: Attendant, other: Store) -> None:
    """Only the active one ticks; even where a standby took over a moment too early, the fence holds."""
    second = Attendant(other, attendant.callers, works.clock)
    works.clock.advance(HOUR)
    await asyncio.gather(attendant.tick(), second.tick(), attendant.tick(), second.tick())
    assert calls(works) == FIRST
    assert column(works.store, escalations.c.step) == [1]


async def test_claimed_on_the_command_line_it_escalates_no_more(
    works: Works, attendant: Attendant, other: Store
) -> None:
    await make_desk(works, TEAMS, other).act(does(ActionKind.CLAIM))
    works.clock.advance(5 * HOUR)
    await attendant.tick()
    assert calls(works) == []


async def test_opened_again_the_chain_starts_anew_and_counts_on(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    works.clock.advance(HOUR)
    await attendant.tick()
    await desk.act(does(ActionKind.ANSWER))
    works.clock.advance(HOUR)
    await desk.act(does(ActionKind.REOPEN))
    await attendant.tick()
    assert calls(works) == []
    works.clock.advance(HOUR)
    await attendant.tick()
    assert calls(works) == [("second", "a@x", 2), ("second", "b@x", 2)]
    works.clock.advance(3 * HOUR)
    await attendant.tick()
    assert calls(works)[2:] == [("third", "", 3)]


async def test_a_step_read_before_the_chain_began_anew_is_not_taken(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    works.clock.advance(HOUR)
    due = in_transaction(works.store, due_steps, works.clock())
    await desk.act(does(ActionKind.CLAIM))
    await desk.act(does(ActionKind.REOPEN))
    works.clock.advance(5 * HOUR)
    assert in_transaction(works.store, take_steps, due, attendant.callers, works.clock()) == frozenset()


async def test_a_snooze_postpones_the_chain_by_its_length(works: Works, attendant: Attendant, desk: StoreDesk) -> None:
    works.clock.advance(30 * MINUTE)
    await desk.act(does(ActionKind.SNOOZE, until=works.clock() + 2 * HOUR))
    works.clock.advance(2 * HOUR + 29 * MINUTE)
    await attendant.tick()
    assert calls(works) == []
    works.clock.advance(MINUTE)
    await attendant.tick()
    assert calls(works) == FIRST
    works.clock.advance(3 * HOUR - MINUTE)
    await attendant.tick()
    assert calls(works) == FIRST
    works.clock.advance(MINUTE)
    await attendant.tick()
    assert calls(works) == SECOND


async def test_a_second_snooze_counts_from_where_the_first_ends(
    works: Works, attendant: Attendant, desk: StoreDesk
) -> None:
    await desk.act(does(ActionKind.SNOOZE, until=START + 2 * HOUR))
    await desk.act(does(ActionKind.SNOOZE, until=START + 3 * HOUR))
    assert column(works.store, escalations.c.next_at) == [START + 4 * HOUR]
    await desk.act(does(ActionKind.SNOOZE, until=START + HOUR))  # sooner after all
    assert column(works.store, escalations.c.next_at) == [START + 2 * HOUR]


async def test_a_receiver_that_left_the_configuration_is_passed_over(works: Works) -> None:
    attendant = make_attendant(works, TEAMS)
    left = {name: to for name, to in attendant.callers.recipients.items() if name != "second"}
    attendant.callers = replace(attendant.callers, recipients=left, teams=Teams())
    works.clock.advance(4 * HOUR)
    await attendant.tick()
    await attendant.tick()
    assert calls(works) == [("third", "", 1)]


async def test_what_was_deleted_at_its_source_escalates_no_more(works: Works, attendant: Attendant) -> None:
    works.clock.advance(HOUR)
    await attendant.tick()
    await works.poll(make_page(deleted=("1",)))
    assert calls(works) == []
    works.clock.advance(4 * HOUR)
    await attendant.tick()
    assert calls(works) == []


async def test_what_is_held_back_calls_nobody(store: Store) -> None:
    works = build_works(store, root=chained(), recipients=RECIPIENTS)
    await works.poll(make_page(make_post("1", "Acme is broken", published_at=START - timedelta(days=3))))
    assert rows_of(store, escalations) == []
    assert [(row.state, row.due_at, row.clock_at) for row in rows_of(store, cases)] == [("new", None, None)]


async def test_the_chains_of_two_receivers_are_one(store: Store) -> None:
    matchers = (parse_matcher(EVERYTHING),)
    one = Route("first", matchers, (), True, Options(escalate=(EscalationStep(2 * HOUR, "third"),)))
    two = Route("second", matchers, (), True, Options(escalate=(EscalationStep(HOUR, "first"),)))
    works = build_works(store, root=Route("none", routes=(one, two)), recipients=RECIPIENTS)
    await works.poll(make_page(make_post("1")))
    [chain] = rows_of(store, escalations)
    assert [step["receiver"] for step in chain.chain] == ["first", "third"]
    assert chain.next_at == START + HOUR


# -- the auditor -----------------------------------------------------------------------------------------------------


async def test_the_auditor_finds_chains_that_do_not_move(
    works: Works, attendant: Attendant, desk: StoreDesk, caplog: pytest.LogCaptureFixture
) -> None:
    def stuck() -> list[int]:
        return in_transaction(works.store, stuck_chains, works.clock())

    works.clock.advance(HOUR + LATE - timedelta(seconds=1))
    assert stuck() == []
    works.clock.advance(timedelta(seconds=1))
    assert stuck() == [1]
    await attendant.tidy()
    await attendant.tidy()
    assert caplog.messages == ["escalations are stuck count=1 mentions=[1]"]
    await attendant.tick()
    await attendant.tidy()
    assert (attendant.stuck, stuck()) == ([], [])
    await desk.act(does(ActionKind.SNOOZE, until=works.clock() + 10 * HOUR))
    works.clock.advance(9 * HOUR)
    assert stuck() == []


async def test_the_auditor_finds_a_chain_that_a_claim_left_going(works: Works, attendant: Attendant) -> None:
    in_transaction(works.store, Connection.execute, sa.update(cases).values(state="claimed"))
    assert in_transaction(works.store, stuck_chains, works.clock()) == [1]
    works.clock.advance(HOUR)
    await attendant.tick()
    assert calls(works) == []
    assert in_transaction(works.store, stuck_chains, works.clock()) == []
