"""Who writes, what belongs together, and how an answer by the brand itself closes a case."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.base import Action, ActionKind, CaseState, EarlierCase
from monitor.case_views import load_cases
from monitor.people import Authors
from monitor.schema import alerts, case_events, cases, own_posts, posts
from monitor.store import Store
from rules.routing import EscalationStep, Options, Sla
from sources.base import Post, PostKind
from tests.monitor.builders import (
    DAY,
    Works,
    build_works,
    column,
    in_transaction,
    make_desk,
    make_page,
    make_post,
    route_all,
    rows_of,
)

HOUR = timedelta(hours=1)
AUTHORS = Authors(
    {"news": "feed", "r": "reddit", "r2": "reddit", "tweets": "x", "board": "forum"},
    {("reddit", "ann"): "Ann B.", ("x", "ann_b"): "Ann B.", ("board", "anni"): "Ann B."},
)


def post_of(source: str, author: str | None, kind: PostKind = PostKind.COMMENT) -> Post:
    return make_post(author=author, source=source, kind=kind)


# -- who writes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "author", "person"),
    [
        ("r", "Ben", "reddit:ben"),
        ("r2", "@BEN ", "reddit:ben"),  # one network, however many sources read it
        ("tweets", "ben", "x:ben"),
        ("board", "Ben", "forum/board:ben"),  # a name on a board is nobody's on another
        ("news", "Ben", "feed/news:ben"),
        ("r2", "ANN", "person:Ann B."),
        ("tweets", "@ann_b", "person:Ann B."),
        ("board", "anni", "person:Ann B."),
        ("r", "anni", "reddit:anni"),
        ("board", "Gast", None),
        ("r", "[deleted]", None),
        ("r", "", None),
        ("r", None, None),
    ],
)
def test_a_person_is_known_by_the_network_or_the_site(source: str, author: str | None, person: str | None) -> None:
    assert AUTHORS.person(post_of(source, author)) == person


def test_who_writes_articles_is_no_customer() -> None:
    assert AUTHORS.person(post_of("news", "Ben", PostKind.ARTICLE)) is None


# -- what belongs together -------------------------------------------------------------------------------------------


@pytest.fixture
async def works(store: Store) -> Works:
    built = build_works(store, root=route_all("care"), recipients={"care": ("",)}, own_accounts={"feed": ["AcmeHelp"]})
    await built.finish_first_pass()
    return built


async def write(works: Works, external_id: str, **changes: object) -> None:
    """A complaint appears, an hour after the one before."""
    works.clock.advance(HOUR)
    text = changes.pop("text", f"Acme is broken {external_id}")
    await works.poll(make_page(make_post(external_id, str(text), published_at=works.clock(), **changes)))


def does(kind: ActionKind, mention_id: int, by: str = "Kim") -> Action:
    return Action(kind=kind, mention_ids=(mention_id,), by=by, through="cli")


async def test_cases_of_one_person_or_thread_are_linked_once_each(works: Works) -> None:
    for number in range(1, 6):
        await write(works, str(number), author="Ann", thread="t" if number > 3 else None)
    await write(works, "other", author="Ben", thread="t")
    await make_desk(works).act(does(ActionKind.ANSWER, 3))
    views = in_transaction(works.store, load_cases, [1, 5, 6])
    opened = [row.opened_at for row in rows_of(works.store, cases)]
    assert views[1].earlier_count == 0
    assert (views[5].earlier_count, views[5].earlier_by_person, views[5].earlier_since) == (4, 4, opened[0])
    assert views[5].earlier == (
        EarlierCase(4, opened[3], CaseState.NEW, None),
        EarlierCase(3, opened[2], CaseState.ANSWERED, "Kim"),
        EarlierCase(2, opened[1], CaseState.NEW, None),
    )
    assert [case.mention_id for case in views[6].earlier] == [5, 4]
    assert (views[6].earlier_count, views[6].earlier_by_person, views[6].earlier_since) == (2, 0, None)


async def test_two_mentions_of_one_post_are_no_history_of_each_other(works: Works) -> None:
    await write(works, "1", author="Ann", text="Acme and Globex are broken")
    assert [view.earlier_count for view in in_transaction(works.store, load_cases, [1, 2]).values()] == [0, 0]


async def test_a_follow_up_calls_who_knows_it(works: Works) -> None:
    desk = make_desk(works)
    await write(works, "1", author="Ann")
    await desk.act(does(ActionKind.CLAIM, 1, "Sascha"))
    await write(works, "2", author="Ann")
    await desk.act(does(ActionKind.ANSWER, 2, "Kim"))
    await write(works, "3", author="Ann")
    await write(works, "4", author="Ben")
    assert column(works.store, alerts.c.called) == [[], ["Sascha"], ["Kim"], []]


async def test_the_history_of_a_case_shows_the_last_ten_lines(works: Works) -> None:
    await write(works, "1")
    for number in range(12):
        note = replace(does(ActionKind.NOTE, 1), note=f"note {number}")
        await make_desk(works).act(note)
    [view] = in_transaction(works.store, load_cases, [1]).values()
    assert [event.note for event in view.events] == [f"note {number}" for number in range(2, 12)]


# -- the brand answers where the post stands -------------------------------------------------------------------------


def own(external_id: str, **changes: object) -> Post:
    return make_post(external_id, "We are sorry", author="AcmeHelp", **changes)


def states(works: Works) -> list[str]:
    return column(works.store, cases.c.state)


async def test_an_own_reply_closes_the_case_that_it_answers(works: Works) -> None:
    await write(works, "1", author="Ann", thread="t")
    await write(works, "2", author="Ben", thread="t")
    works.clock.advance(HOUR)
    await works.poll(make_page(own("3", parent="1", thread="t", published_at=works.clock())))
    assert states(works) == ["answered", "new"]
    [case] = rows_of(works.store, cases, mention_id=1)
    assert (case.responded_at, case.clock_at, case.owner) == (works.clock(), None, None)
    [event] = rows_of(works.store, case_events)
    assert (event.by, event.through, event.action) == ("AcmeHelp", "source", "answer")
    assert column(works.store, posts.c.external_id) == ["1", "2"]  # own posts are no mentions


async def test_an_own_remark_to_nobody_in_particular_answers_all_before_it(works: Works) -> None:
    await write(works, "1", author="Ann", thread="t")
    await write(works, "2", author="Ben", thread="u")
    works.clock.advance(HOUR)
    remark = own("3", thread="t", published_at=works.clock())
    works.clock.advance(HOUR)
    later = make_post("4", "Acme is broken", author="Cleo", thread="t", published_at=works.clock())
    await works.poll(make_page(remark, later))
    assert states(works) == ["answered", "new", "new"]


async def test_an_answer_that_is_read_before_the_question_counts(works: Works) -> None:
    """Pages come newest first."""
    works.clock.advance(HOUR)
    asked = works.clock() - 30 * timedelta(minutes=1)
    await works.poll(
        make_page(own("3", parent="1", published_at=works.clock()), more=True),
        make_page(make_post("1", "Acme is broken", published_at=asked), make_post("2", "Acme is broken, too")),
    )
    assert states(works) == ["answered", "new"]
    [case] = rows_of(works.store, cases, mention_id=1)
    assert (case.due_at, case.responded_at) == (None, works.clock())
    assert len(rows_of(works.store, alerts)) == 2  # whoever reads it sees that it was answered


async def test_an_own_reply_ends_the_chain_and_the_clock(store: Store) -> None:
    options = Options(sla=Sla(HOUR, None, HOUR / 4), escalate=(EscalationStep(HOUR, "care"),))
    root = replace(route_all("care"), routes=(replace(route_all("care").routes[0], options=options),))
    works = build_works(store, root=root, recipients={"care": ("",)}, own_accounts={"news": ["AcmeHelp"]})
    await works.poll(make_page(make_post("1")))
    await works.poll(make_page(own("2", parent="1")))
    [case] = rows_of(store, cases)
    assert (case.state, case.clock_at) == ("answered", None)


async def test_a_mark_of_the_portal_closes_the_case(works: Works) -> None:
    await write(works, "1")
    await works.poll(make_page(make_post("1", "Acme is broken 1", answered=True)))
    assert states(works) == ["answered"]
    [event] = rows_of(works.store, case_events)
    assert (event.by, event.through) == ("", "source")
    await works.poll(make_page(make_post("1", "Acme is broken 1", answered=True)))
    assert len(rows_of(works.store, case_events)) == 1


async def test_what_people_closed_stays_as_they_left_it(works: Works) -> None:
    await write(works, "1")
    await make_desk(works).act(does(ActionKind.DISMISS, 1))
    await works.poll(make_page(own("2", parent="1")))
    assert states(works) == ["dismissed"]


async def test_the_owner_keeps_a_case_that_was_answered_at_its_source(works: Works) -> None:
    await write(works, "1")
    await make_desk(works).act(does(ActionKind.CLAIM, 1))
    await works.poll(make_page(own("2", parent="1")))
    assert [(row.state, row.owner) for row in rows_of(works.store, cases)] == [("answered", "Kim")]


async def test_an_own_post_that_answers_nobody_closes_nothing(works: Works) -> None:
    await write(works, "1")
    await works.poll(make_page(own("2"), own("3", parent="unknown")))
    assert states(works) == ["new"]
    assert column(works.store, own_posts.c.external_id) == ["2", "3"]


# -- direct or not ---------------------------------------------------------------------------------------------------


async def test_a_reply_to_the_brand_is_direct(works: Works) -> None:
    await works.poll(make_page(own("0", thread="0")))
    await write(works, "1", parent="0", thread="0")
    await write(works, "2", parent="1", thread="0")
    assert column(works.store, cases.c.is_direct) == [True, False]


async def test_own_posts_are_kept_as_long_as_others(works: Works) -> None:
    from monitor.maintenance import apply_retention

    await works.poll(make_page(own("0")))
    in_transaction(works.store, apply_retention, {}, 10 * DAY, 0 * DAY, works.clock() + 10 * DAY)
    assert len(rows_of(works.store, own_posts)) == 1
    in_transaction(works.store, apply_retention, {}, 10 * DAY, 0 * DAY, works.clock() + 11 * DAY)
    assert rows_of(works.store, own_posts) == []
