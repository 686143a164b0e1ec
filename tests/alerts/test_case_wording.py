"""What alerts say of cases, groups, calls and personal data, in both languages."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.base import (
    Alert,
    CaseEvent,
    CaseState,
    Context,
    EarlierCase,
    GroupView,
    Member,
    Proposal,
    Reason,
    Sighting,
)
from alerts.case_words import CaseWords
from alerts.wording import Message, compose
from alerts.words import WORDS, Lang
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import KIM, NOW, alert, case, digest, mention, post

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def said(lang: Lang = "en", about: Context | None = None, **alert_said: object) -> Message:
    contexts = {7: about or Context(case())}
    return compose(alert(contexts=contexts, **alert_said), lang, 400)


@pytest.mark.parametrize(
    ("changes", "lang", "state"),
    [
        ({}, "en", "New, nobody has it yet · waiting since 21 Nov 17:58"),
        ({"due_at": NOW + 60 * MINUTE, "is_direct": True}, "de", "Neu, noch bei niemandem · wartet seit 21.11. 17:58"),
        ({"state": CaseState.CLAIMED, "owner": "Kim"}, "en", "Kim has it since 21 Nov 18:04"),
        ({"state": CaseState.CLAIMED, "owner": "Kim"}, "de", "Bei Kim seit 21.11. 18:04"),
        ({"state": CaseState.ANSWERED, "owner": "Kim"}, "de", "Beantwortet von Kim, 21.11. 18:04"),
        ({"state": CaseState.ANSWERED}, "en", "Answered, 21 Nov 18:04"),
        ({"state": CaseState.DISMISSED, "owner": "Kim"}, "en", "Not relevant, says Kim, 21 Nov 18:04"),
        ({"snoozed_until": NOW + DAY}, "en", "New, nobody has it yet · waiting since 21 Nov 17:58 · snoozed until"),
    ],
)
def test_whose_it_is_and_since_when(changes: dict[str, object], lang: Lang, state: str) -> None:
    assert said(lang, Context(case(**changes))).state.startswith(state)


def test_what_is_promised_and_to_whom_it_is_addressed() -> None:
    state = said("de", Context(case(due_at=NOW + 60 * MINUTE, is_direct=True, tags=("Akku",)))).state
    assert state.endswith("Antwort fällig bis 21.11. 19:04 · an uns gerichtet · Schlagworte: Akku")


def test_nobody_waits_for_an_answer_that_was_given() -> None:
    claimed = case(state=CaseState.CLAIMED, owner="Kim", responded_at=NOW, due_at=NOW)
    message = said(about=Context(claimed))
    assert message.waiting_since is None
    assert "due" not in message.state
    assert said().waiting_since == post().published_at


@pytest.mark.parametrize(
    ("count", "days", "owner", "lang", "line"),
    [
        (2, 9.2, "Kim", "en", "Third time in 10 days, last owner Kim"),
        (2, 9.2, "Kim", "de", "Zum dritten Mal in 10 Tagen, zuletzt bei Kim"),
        (1, 0.1, None, "en", "Second time in one day"),
        (9, 400, None, "de", "Zum zehnten Mal in 400 Tagen"),
        (20, 30, None, "en", "Time no. 21 in 30 days"),
        (0, 0, None, "en", ""),
    ],
)
def test_how_often_this_person_was_heard_before(
    count: int, days: float, owner: str | None, lang: Lang, line: str
) -> None:
    opened = NOW - days * DAY
    before = (EarlierCase(3, opened, CaseState.ANSWERED, None), EarlierCase(2, opened, CaseState.ANSWERED, owner))
    known = case(earlier=before if count else (), earlier_count=count, earlier_by_person=count)
    known = replace(known, earlier_since=opened if count else None)
    assert said(lang, Context(known)).earlier == line


@pytest.mark.parametrize(
    ("count", "lang", "line"),
    [
        (1, "en", "One earlier case in this thread, last owner Kim"),
        (3, "de", "3 frühere Fälle in diesem Thread, zuletzt bei Kim"),
    ],
)
def test_cases_of_others_in_a_thread_are_no_history_of_the_author(count: int, lang: Lang, line: str) -> None:
    known = case(earlier=(EarlierCase(3, NOW, CaseState.ANSWERED, "Kim"),), earlier_count=count)
    assert said(lang, Context(known)).earlier == line


def test_the_story_of_a_case() -> None:
    happened = (
        CaseEvent(NOW - 3 * MINUTE, "Kim", "slack", "claim"),
        CaseEvent(NOW - 2 * MINUTE, "Kim", "slack", "note", "asked\nthe lab\x1b"),
        CaseEvent(NOW - MINUTE, "acme", "source", "answer"),
        CaseEvent(NOW, "Kim", "cli", "something new"),
    )
    assert said(about=Context(case(events=happened))).events == (
        "21 Nov 18:01 Kim took it",
        "21 Nov 18:02 Kim noted: asked the lab",
        "21 Nov 18:03 acme answered it (seen at the source)",
        "21 Nov 18:04 Kim something new",
    )


@pytest.mark.parametrize(
    ("reason", "n", "lang", "line"),
    [
        (Reason.ESCALATION, 2, "en", "Escalation, step 2: nobody has answered yet"),
        (Reason.WARNING, 1, "de", "Die Antwort ist bald fällig"),
        (Reason.WARNING, 2, "en", "The answer is overdue"),
        (Reason.WARNING, 3, "de", "Die Antwort ist bald fällig"),  # of a case that was opened again
        (Reason.REPEAT, 3, "de", "Noch offen, 3. Erinnerung"),
    ],
)
def test_why_somebody_is_called_and_who(reason: Reason, n: int, lang: Lang, line: str) -> None:
    notes = said(lang, reason=reason, n=n, called=(KIM, Member("Alex"))).notes
    assert notes == (line, WORDS[lang].case.called.format("Kim, Alex"))


def test_copies_advice_and_reply() -> None:
    copies = (
        Sighting("hn", "https://news.example/1", NOW),
        Sighting("x", None, NOW),
        Sighting("y", "javascript:x", NOW),
    )
    message = said(about=Context(case(), copies, Proposal("Hello!\n\nSorry.\x1b", "Say nothing.")))
    assert [(link.label, link.url) for link in message.seen_at] == [("news.example", "https://news.example/1")]
    assert (message.reply, message.advice) == ("Hello!\n\nSorry.", "Say nothing.")


def group(count: int = 3, is_storm: bool = False, is_closed: bool = True, **changes: object) -> Alert:
    told = tuple(mention(post(external_id=str(n)), number=n) for n in range(1, min(count, 30) + 1))
    owner = {1: case(state=CaseState.CLAIMED, owner="Kim")}
    contexts = {found.id: Context(owner.get(found.id, case(mention_id=found.id))) for found in told}
    view = GroupView(4, (("watchlist", "acme"), ("label", "complaint")), is_storm, is_closed)
    return alert(*told, **({"count": count, "group": view, "contexts": contexts} | changes))


def test_a_group_names_what_its_mentions_share_and_how_many_are_open() -> None:
    message = compose(group(), "en", 400)
    assert message.headline == "3 mentions together · acme · complaint"
    assert message.state == "2 of 3 with nobody yet · 3 of 3 still open"
    assert [item.mention_id for item in message.items] == [1, 2, 3]
    assert message.items[0].state == "Kim has it since 21 Nov 18:04"
    assert message.items[1].state == ""


def test_a_storm_counts_exactly_and_says_whether_it_goes_on() -> None:
    running = compose(group(5_000, is_storm=True, is_closed=False), "de", 400)
    assert running.headline == "5000 Erwähnungen auf einmal · acme · Beschwerde"
    assert running.notes == (WORDS["de"].case.storm_grows,)
    assert running.more(len(running.items)) == "und 4995 weitere"
    assert running.state == "", "not all cases came along"
    assert compose(group(5_000, is_storm=True), "de", 400).notes == ()


def test_a_group_of_one_is_shown_whole() -> None:
    assert compose(group(1), "en", 400).headline == "Complaint about acme (also question) · 92 % · heise"


def private() -> Alert:
    text = "Acme ruft nicht zurück: +49 170 1234567"
    found = mention(post(title="Acme 4711", text=text))
    kinds = (
        Personal(PersonalKind.ORDER, Span("title", 5, 9)),
        Personal(PersonalKind.PHONE, Span("text", text.index("+"), len(text))),
    )
    return alert(dataclasses.replace(found, personal=kinds))


def test_personal_data_is_covered_and_said_to_be() -> None:
    message = compose(private(), "de", 400)
    shown = "".join(piece.text for piece in (*message.title, *message.text))
    assert shown == "Acme ••••Acme ruft nicht zurück: •••••••••••••••"
    assert [piece.text for piece in message.text if piece.is_hit] == ["Acme"]
    assert message.notes == ("Persönliche Daten sind hier verdeckt: Kunden- oder Bestellnummer, Telefonnummer",)


def test_personal_data_is_shown_where_that_is_wanted() -> None:
    message = compose(private(), "de", 400, show_personal=True)
    assert "1234567" in message.text[-1].text
    assert message.notes == ()


def test_personal_data_is_covered_in_summaries_too() -> None:
    assert "1234567" not in compose(digest(mentions=private().mentions), "de", 400).items[0].text


@pytest.mark.parametrize("words", [words.case for words in WORDS.values()], ids=list(WORDS))
def test_every_word_is_there_in_every_language(words: CaseWords) -> None:
    assert all(getattr(words, field.name) for field in dataclasses.fields(words))
    assert set(words.personal) == set(PersonalKind)
    assert set(words.actions) == set(WORDS["en"].case.actions)
    assert len(words.times) == len(WORDS["en"].case.times)
