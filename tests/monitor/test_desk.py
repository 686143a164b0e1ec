"""What people do with cases, whatever they do it through: once, in order, and never over somebody else's head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from alerts.base import Action, ActionKind, ActionRefusedError, CaseState, CaseView, Member
from monitor.case_list import Wanted, select_cases, select_review
from monitor.desk import StoreDesk
from monitor.people import Team, Teams
from monitor.schema import alerts, case_events, cases, corrections, group_members, groups, silences
from monitor.store import Store
from rules.base import Label
from rules.matchers import parse_matcher
from rules.rota import Rota
from rules.routing import Route
from tests.fakes import START
from tests.monitor.builders import (
    Works,
    build_works,
    column,
    make_desk,
    make_page,
    make_post,
    rows_of,
    select,
)

HOUR = timedelta(hours=1)
KIM, SASCHA = Member("Kim", "U1", "kim@example.com"), Member("Sascha", "U2")
TEAMS = Teams({"care": Team({"Kim": KIM, "Sascha": SASCHA})})
BY_LABEL = Route(
    "console",
    routes=(
        Route("pr", (parse_matcher("label = crisis"),)),
        Route("console", (parse_matcher('label =~ "complaint|question"'),)),
    ),
)


@pytest.fixture
async def works(store: Store) -> Works:
    """Three complaints, of different people."""
    built = build_works(store, root=BY_LABEL, recipients={"console": ("",), "pr": ("a@x", "b@x")})
    authors = ("ann", "ben", "cleo")
    posts = [make_post(name, f"Acme is broken {name}", author=name) for name in authors]
    await built.poll(make_page(*posts))
    built.clock.advance(HOUR)
    return built


@pytest.fixture
def desk(works: Works) -> StoreDesk:
    return make_desk(works, TEAMS)


def does(kind: ActionKind, *ids: int, by: str = "Kim", key: str = "", **values: object) -> Action:
    """Somebody's press in Slack."""
    action = Action(kind=kind, mention_ids=ids or (1,), by=by, through="slack", key=key)
    return replace(action, **values)  # type: ignore[arg-type]  # fields of an action


def history(works: Works, mention_id: int = 1) -> list[tuple[str, str]]:
    """(who, what) of a case."""
    return [(row.by, row.action) for row in rows_of(works.store, case_events, mention_id=mention_id)]


# -- states ----------------------------------------------------------------------------------------------------------


async def test_every_routed_mention_has_a_case_from_the_start(works: Works) -> None:
    assert column(works.store, cases.c.state) == ["new"] * 3
    assert column(works.store, cases.c.opened_at) == [START] * 3
    assert [row.due_at for row in rows_of(works.store, cases)] == [START + 24 * HOUR] * 3


async def test_a_case_goes_through_its_states(works: Works, desk: StoreDesk) -> None:
    [claimed] = await desk.act(does(ActionKind.CLAIM))
    assert (claimed.state, claimed.owner, claimed.changed_at) == (CaseState.CLAIMED, "Kim", START + HOUR)
    assert claimed.responded_at is None
    works.clock.advance(HOUR)
    [answered] = await desk.act(does(ActionKind.ANSWER, note="called her"))
    assert (answered.state, answered.responded_at) == (CaseState.ANSWERED, START + 2 * HOUR)
    assert [(event.by, event.through, event.action, event.note) for event in answered.events] == [
        ("Kim", "slack", "claim", ""),
        ("Kim", "slack", "answer", "called her"),
    ]
    [reopened] = await desk.act(does(ActionKind.REOPEN))
    assert (reopened.state, reopened.owner) == (CaseState.NEW, None)
    assert reopened.responded_at == START + 2 * HOUR  # the first answer stays
    [dismissed] = await desk.act(does(ActionKind.DISMISS))
    assert (dismissed.state, dismissed.is_open) == (CaseState.DISMISSED, False)


async def test_a_claim_of_somebody_elses_case_is_refused_with_who_and_since_when(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM))
    works.clock.advance(HOUR)
    await desk.act(does(ActionKind.NOTE, note="asked her"))
    with pytest.raises(ActionRefusedError, match="claimed by Kim since 2026-11-21 13:00 UTC"):
        await desk.act(does(ActionKind.CLAIM, by="Sascha"))
    assert history(works) == [("Kim", "claim"), ("Kim", "note")]


@pytest.mark.parametrize("closed", [ActionKind.ANSWER, ActionKind.DISMISS])
@pytest.mark.parametrize("late", [ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.DISMISS, ActionKind.SNOOZE])
async def test_a_button_of_an_old_message_does_nothing_to_a_closed_case(
    works: Works, desk: StoreDesk, closed: ActionKind, late: ActionKind
) -> None:
    await desk.act(does(closed, by="Sascha"))
    before = rows_of(works.store, cases)
    with pytest.raises(ActionRefusedError, match="by Sascha since"):
        await desk.act(does(late, until=works.clock() + HOUR))
    assert rows_of(works.store, cases) == before


@pytest.mark.parametrize("kind", [ActionKind.CLAIM, ActionKind.ANSWER, ActionKind.DISMISS])
async def test_f37_a_double_click_is_one_action(works: Works, desk: StoreDesk, kind: ActionKind) -> None:
    first = await desk.act(does(kind, key="press 1"))
    assert await desk.act(does(kind, key="press 1")) == first  # sent twice
    assert await desk.act(does(kind, key="press 2")) == first  # pressed twice
    assert history(works) == [("Kim", kind.value)]


async def test_f37_a_press_played_again_ten_minutes_later_changes_nothing(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM, key="press 1"))
    await desk.act(does(ActionKind.REOPEN, by="Sascha", key="press 2"))
    works.clock.advance(timedelta(minutes=10))
    [case] = await desk.act(does(ActionKind.CLAIM, key="press 1"))
    assert (case.state, case.owner) == (CaseState.NEW, None)
    assert history(works) == [("Kim", "claim"), ("Sascha", "reopen")]


async def test_one_key_is_one_press_on_each_of_several_cases(works: Works, desk: StoreDesk) -> None:
    assert len(await desk.act(does(ActionKind.CLAIM, 1, 2, 3, key="claim all"))) == 3
    await desk.act(does(ActionKind.CLAIM, 1, 2, 3, key="claim all"))
    assert [history(works, mention) for mention in (1, 2, 3)] == [[("Kim", "claim")]] * 3


async def test_of_several_cases_those_are_claimed_that_are_free(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM, 2, by="Sascha"))
    made = await desk.act(does(ActionKind.CLAIM, 1, 2, 3))
    assert [case.owner for case in made] == ["Kim", "Sascha", "Kim"]
    with pytest.raises(ActionRefusedError):
        await desk.act(does(ActionKind.CLAIM, 1, 2, 3, by="Alex"))


async def test_a_mention_that_is_not_there_has_no_case(desk: StoreDesk) -> None:
    with pytest.raises(ActionRefusedError, match="mention 99 is unknown"):
        await desk.act(does(ActionKind.CLAIM, 99))
    assert await desk.look(99) is None


async def test_a_case_that_was_only_claimed_waits_on_when_it_is_given_back(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM))
    [case] = await desk.act(does(ActionKind.REOPEN))
    assert (case.opened_at, case.due_at) == (START, START + 24 * HOUR)
    await desk.act(does(ActionKind.ANSWER))
    [case] = await desk.act(does(ActionKind.REOPEN))
    assert (case.opened_at, case.due_at) == (START + HOUR, START + 25 * HOUR)


async def test_what_every_action_changes_moves_the_revision(works: Works, desk: StoreDesk) -> None:
    every = [
        does(ActionKind.TAG, tags=("vip",)),
        does(ActionKind.NOTE, note="x"),
        does(ActionKind.SNOOZE, until=works.clock() + HOUR),
        does(ActionKind.CLAIM),
        does(ActionKind.ANSWER),
        does(ActionKind.REOPEN),
    ]
    for number, action in enumerate(every):
        assert column(works.store, cases.c.revision)[0] == number
        await desk.act(action)
    assert column(works.store, cases.c.revision)[0] == len(every)


# -- notes, tags, snoozes --------------------------------------------------------------------------------------------


async def test_tags_are_put_on_and_taken_off(desk: StoreDesk) -> None:
    async def tag(*tags: str) -> tuple[str, ...]:
        [case] = await desk.act(does(ActionKind.TAG, tags=tags))
        return case.tags

    assert await tag("vip", "refund", "vip") == ("vip", "refund")
    assert await tag("-vip", "delivery") == ("refund", "delivery")
    assert await tag("-unknown") == ("refund", "delivery")
    with pytest.raises(ActionRefusedError, match="tags are needed"):
        await tag(" ")


@pytest.mark.parametrize("until", [None, START])
async def test_a_snooze_ends_in_time_to_come(desk: StoreDesk, until: datetime | None) -> None:
    with pytest.raises(ActionRefusedError, match="time to come"):
        await desk.act(does(ActionKind.SNOOZE, until=until))


async def test_a_note_has_a_text(desk: StoreDesk) -> None:
    with pytest.raises(ActionRefusedError, match="needs a text"):
        await desk.act(does(ActionKind.NOTE, note="  "))


# -- what goes beyond the case ---------------------------------------------------------------------------------------


async def test_a_correction_tells_those_who_were_not_told(works: Works, desk: StoreDesk) -> None:
    crisis = does(ActionKind.CORRECT, labels=(Label.CRISIS,), note="it burns", key="form 1")
    [case] = await desk.act(crisis)
    assert (case.events[-1].action, case.events[-1].note) == ("correct", "crisis: it burns")
    [kept] = rows_of(works.store, corrections)
    assert (kept.mention_id, kept.labels, kept.by) == (1, ["crisis"], "Kim")
    told = [(row.receiver, row.recipient, row.reason) for row in rows_of(works.store, alerts, mention_id=1)]
    assert told == [("console", "", "first"), ("pr", "a@x", "first"), ("pr", "b@x", "first")]
    await desk.act(crisis)
    await desk.act(does(ActionKind.CORRECT, labels=(Label.QUESTION,), by="Sascha"))
    assert len(rows_of(works.store, alerts, mention_id=1)) == 3
    assert column(works.store, corrections.c.labels) == [["question"]]


async def test_a_correction_without_labels_is_none(works: Works, desk: StoreDesk) -> None:
    with pytest.raises(ActionRefusedError, match="needs labels"):
        await desk.act(does(ActionKind.CORRECT))
    assert history(works) == []
    await desk.act(does(ActionKind.CORRECT, labels=()))
    assert column(works.store, corrections.c.labels) == [[]]


async def test_muting_an_author_is_a_silence_without_an_end(works: Works, desk: StoreDesk) -> None:
    await works.poll(make_page(make_post("q", "Acme is broken", author='Bobby "tables" \\ Tim')))
    await desk.act(does(ActionKind.MUTE_AUTHOR, 4, note="spam"))
    [silence] = rows_of(works.store, silences)
    assert (silence.ends_at, silence.by, silence.comment) == (None, "Kim", "spam")
    matchers = {matcher.name: matcher.value for matcher in map(parse_matcher, silence.matchers)}
    assert matchers == {"author": 'Bobby "tables" \\ Tim', "source": "news"}


async def test_nobody_is_muted_where_the_author_is_unknown(works: Works, desk: StoreDesk) -> None:
    await works.poll(make_page(make_post("q", "Acme is broken")))
    with pytest.raises(ActionRefusedError, match="author of mention 4 is unknown"):
        await desk.act(does(ActionKind.MUTE_AUTHOR, 4))
    assert history(works, 4) == []


async def test_a_silence_has_matchers_that_can_be_read_and_an_end(works: Works, desk: StoreDesk) -> None:
    until = works.clock() + HOUR
    number = await desk.silence(["watchlist = acme"], until, "Kim", "launch day")
    [row] = rows_of(works.store, silences)
    assert (row.id, row.matchers, row.ends_at, row.comment) == (number, ["watchlist = acme"], until, "launch day")
    for matchers, end in ((["colour = red"], until), ([], until), (["watchlist = acme"], works.clock())):
        with pytest.raises(ActionRefusedError):
            await desk.silence(matchers, end, "Kim", "")
    assert len(rows_of(works.store, silences)) == 1


# -- looking ---------------------------------------------------------------------------------------------------------


async def test_a_look_shows_the_mention_with_its_case(desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM, 2))
    found = await desk.look(2)
    assert found is not None
    assert (found.mention.id, found.mention.post.author, found.case.owner) == (2, "ben", "Kim")
    assert found.mention.watchlist.names == ("Acme",)


async def test_a_search_finds_the_newest_first(desk: StoreDesk) -> None:
    found = await desk.search("broken NOT ben", 10)
    assert [one.mention.post.author for one in found] == ["cleo", "ann"]
    assert [one.mention.id for one in await desk.search("broken", 1)] == [3]
    assert await desk.search("globex", 10) == ()
    with pytest.raises(ActionRefusedError):
        await desk.search("acme AND (", 10)


async def test_a_search_goes_on_behind_the_first_batch(
    works: Works, desk: StoreDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.desk.BATCH", 2)
    assert [one.mention.id for one in await desk.search("ann", 10)] == [1]
    monkeypatch.setattr("monitor.desk.SEARCHED", 2)
    assert await desk.search("ann", 10) == ()


async def test_the_members_of_a_group_come_oldest_first(works: Works, desk: StoreDesk) -> None:
    group = {"receiver": "console", "key": "[]", "labels": {}, "is_storm": False, "opened_at": START, "revision": 0}
    pairs = [{"group_id": 1, "mention_id": mention, "joined_at": START} for mention in (3, 1)]
    works.store.write_now(
        lambda tx: (tx.execute(sa.insert(groups), [group]), tx.execute(sa.insert(group_members), pairs))
    )
    assert await desk.members_of(1) == (1, 3)
    assert await desk.members_of(2) == ()


async def test_who_is_on_call_and_who_is_behind_a_slack_user(works: Works) -> None:
    rota = Rota(("Sascha", "Kim"), 0, START.time(), START.date(), START.tzinfo or pytest.fail("UTC"))
    teams = Teams({"care": replace(TEAMS.teams["care"], rota=rota), "pr": Team({"Kim": KIM})})
    desk = make_desk(works, teams)
    works.clock.advance(timedelta(days=3))
    assert await desk.on_call() == {"care": (SASCHA,)}
    works.clock.advance(timedelta(days=7))
    assert await desk.on_call() == {"care": (KIM,)}
    assert desk.member("U2") == SASCHA
    assert desk.member("U3") is None


# -- deleted at the source -------------------------------------------------------------------------------------------


async def test_a_case_ends_when_its_post_is_deleted_at_its_source(works: Works, desk: StoreDesk) -> None:
    await desk.act(does(ActionKind.CLAIM, 1))
    await works.poll(make_page(deleted=("ann",)))
    [row] = rows_of(works.store, cases, mention_id=1)
    assert (row.state, row.owner, row.clock_at) == ("dismissed", "Kim", None)
    assert history(works)[-1] == ("", "withdraw")
    assert await desk.look(1) is None
    assert [found.id for found in select(works.store, select_cases(Wanted(), 10))] == [3, 2]
    with pytest.raises(ActionRefusedError, match="withdrawn by its source"):
        await desk.act(does(ActionKind.ANSWER))


# -- the review queue ------------------------------------------------------------------------------------------------


async def test_what_nobody_was_told_waits_for_review_until_somebody_acts_on_it(works: Works, desk: StoreDesk) -> None:
    await works.poll(make_page(make_post("n", "Acme opens")))

    def review() -> Sequence[int]:
        return [row.id for row in select(works.store, select_review("none", 10))]

    assert [row.id for row in select(works.store, select_cases(Wanted(), 10))] == [3, 2, 1]
    assert review() == [4]
    assert select(works.store, select_review("unsure", 10)) == []  # of what the classifier was unsure
    [case] = await desk.act(does(ActionKind.CLAIM, 4))
    assert (case.owner, case.due_at) == ("Kim", None)
    assert review() == []


def test_a_view_of_a_case_is_open_until_it_is_closed() -> None:
    view = CaseView(
        mention_id=1,
        state=CaseState.CLAIMED,
        owner="Kim",
        changed_at=START,
        opened_at=START,
        is_direct=True,
        priority=1,
    )
    assert view.is_open
