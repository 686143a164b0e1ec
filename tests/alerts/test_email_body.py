"""What stands in a mail: the same in both bodies, one thread a case, buttons, nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

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
from alerts.email_message import Writer
from alerts.email_settings import EmailSettings
from alerts.links import NO_LINKS, Links
from rules.base import Label, Personal, PersonalKind, Sentiment, Span, Verdict
from tests.alerts.samples import HOSTILE, NOW, alert, alert_of, case, digest, mention, notice, post
from tests.fakes import FixedClock, PlainLinks

LINKS = PlainLinks()
KNOWN = Context(
    case(
        is_direct=True,
        due_at=NOW + timedelta(hours=1),
        earlier=(EarlierCase(3, NOW - timedelta(days=2), CaseState.ANSWERED, "Kim"),),
        earlier_count=2,
        earlier_by_person=2,
        earlier_since=NOW - timedelta(days=10),
        events=(CaseEvent(NOW, "Alex", "slack", "note", "ruft zurück"),),
    ),
    (Sighting("reddit", "https://www.reddit.com/r/de/1", NOW),),
    Proposal("Hallo Jörg,\n\ndas tut uns leid.", "Erst bestätigen."),
)
WHOLE = alert(contexts={7: KNOWN}, reason=Reason.ESCALATION, n=1, called=(Member("Kim"),), possibly_sent_twice=True)


def group(count: int = 12) -> Alert:
    told = [
        mention(post(external_id=str(n), text=f"Acme Beitrag {n}", title=""), number=n) for n in range(1, count + 1)
    ]
    return alert(*told, group=GroupView(5, (("watchlist", "acme"),), False, True), key="group:5|care|k|first|0")


def write(owed: Alert, links: Links = LINKS, **settings: Any) -> EmailMessage:
    given = {"name": "care", "type": "email", "to": ["kim@example.com"], "from": "m@example.com", "lang": "de"}
    parsed = EmailSettings.model_validate(given | {"smtp": {"host": "localhost"}} | settings)
    return Writer(parsed, FixedClock(NOW), ZoneInfo("Europe/Berlin"), links).write(owed)


def bodies(message: EmailMessage) -> tuple[str, str]:
    """Plain text and HTML."""
    text, html = (part for part in message.iter_parts() if isinstance(part, EmailMessage))
    return text.get_content(), html.get_content()


def words_of(html: str) -> str:
    """What of the HTML is read, on one line."""
    body = html.partition("<body")[2].partition(">")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</?(mark|b)\b[^>]*>", "", body))).split())


@pytest.mark.parametrize("owed", [WHOLE, alert(), group(), digest(), digest(1), notice(), alert_of(HOSTILE)])
@pytest.mark.parametrize("links", [LINKS, NO_LINKS])
def test_both_bodies_say_the_same(owed: Alert, links: Links) -> None:
    text, html = bodies(write(owed, links))
    read = words_of(html)
    addresses = set(re.findall(r"https?://[^\s\"<>]+(?<![:.,])$", text, re.MULTILINE))
    for line in text.splitlines():
        said = re.sub(r"^(> |- |! |  )", "", line.replace("[", "").replace("]", "")).strip()
        for part in said.removesuffix(next((a for a in addresses if said.endswith(a)), "")).split(" · "):
            assert " ".join(part.rstrip(": ").split()) in read.replace("[", "").replace("]", "")
    assert {unescape(found) for found in re.findall(r'href="([^"]+)"', html)} == addresses


def test_what_a_tired_agent_needs_comes_in_its_order() -> None:
    text, html = bodies(write(WHOLE))
    wanted = (
        "Beschwerde über acme (auch Frage) · 92 % · heise",
        "Eskalation, Stufe 1",
        "Gerufen: Kim",
        "Vielleicht doppelt",
        "Neu, noch bei niemandem",
        "an uns gerichtet",
        "Zum dritten Mal in 10 Tagen, zuletzt bei Kim",
        "ist schon wieder kaputt",
        "Jörg · 2026-11-21 18:58 CET",
        "Ich übernehme",
        "Beantwortet",
        "Nicht relevant",
        "Später",
        "Beitrag öffnen (heise.de)",
        "In mentiond öffnen",
        "Erst bestätigen.",
        "das tut uns leid.",
        "Alex hat notiert: ruft zurück",
        "reddit.com",
        "kaputt, nervt",
        "bitte nicht weitergeben",
    )
    for body in (text, words_of(html)):
        places = [body.find(words) for words in wanted]
        assert -1 not in places and places == sorted(places)


def test_links_of_ours_are_those_made_for_the_recipient() -> None:
    text, _ = bodies(write(alert()))
    assert "In mentiond öffnen: https://m.example/mentions/7/t\n" in text
    assert "Ich übernehme: https://m.example/actions/claim\n" in text
    assert "mentiond.example.com" not in text


def test_without_links_a_mail_has_none_to_act_and_no_remark_on_them() -> None:
    text, html = bodies(write(alert(url=""), NO_LINKS))
    for body in (text, html):
        assert "übernehme" not in body and "weitergeben" not in body and "mentiond öffnen" not in body
        assert "heise.de" in body


def test_a_group_is_claimed_whole_and_every_mention_has_its_page() -> None:
    text, _ = bodies(write(group()))
    assert "12 Erwähnungen zusammen" in text and "und 2 weitere" in text
    assert "Ich übernehme alle: https://m.example/actions/claim" in text and "Beantwortet" not in text
    assert text.count("https://m.example/mentions/") == 10


def test_a_digest_is_gravest_first_with_its_counts_and_who_has_what() -> None:
    crisis = Verdict({Label.CRISIS: 0.95}, ("crisis",), Sentiment.NEGATIVE, "de")
    praise = Verdict({Label.PRAISE: 0.95}, ("praise",), Sentiment.POSITIVE, "de")
    told = [mention(post(text=f"Acme {n}"), verdict, number=n) for n, verdict in enumerate((praise, crisis, praise), 1)]
    claimed = Context(case(mention_id=2, state=CaseState.CLAIMED, owner="Kim"))
    key = "digest:2026-11-21|care|kim@example.com|digest|0"
    owed = alert(*told, reason=Reason.DIGEST, key=key, contexts={2: claimed})
    message = write(owed)
    text, _ = bodies(message)
    assert message["Subject"] == "Sammelmeldung: 3 Erwähnungen"
    assert "Krise 1 · Lob 2" in text
    assert [int(n) for n in re.findall(r"/mentions/(\d)", text)] == [2, 1, 3]
    assert "Bei Kim seit" in text and "Ich übernehme" not in text
    assert "Die Links öffnen jeden Fall in Ihrem Namen" in text


def test_a_digest_of_more_than_it_carries_claims_no_counts() -> None:
    text, _ = bodies(write(digest(37, key="digest:2026-11-21|care|k|digest|0")))
    assert "Beschwerde 20" not in text and "und 17 weitere" in text


def test_what_a_first_pass_held_back_is_no_digest_that_was_asked_for() -> None:
    assert write(digest(37))["Subject"] == "37 ältere Beiträge zurückgehalten"


def test_the_mails_about_one_mention_are_one_thread() -> None:
    first = write(alert())
    root = first["References"]
    assert first["In-Reply-To"] is None and root != first["Message-ID"]
    for reason in (Reason.EDITED, Reason.ESCALATION, Reason.WARNING, Reason.REPEAT):
        later = write(alert(reason=reason, key=f"mention:7|care|k|{reason}|1", reference=str(first["Message-ID"])))
        assert later["In-Reply-To"] == first["Message-ID"]
        assert later["References"].split() == [root, first["Message-ID"]]
        assert later["Subject"] == f"Re: {first['Subject']}"
        assert later["Message-ID"] not in (root, first["Message-ID"])


def test_a_mail_that_is_the_first_to_its_recipient_joins_the_thread_all_the_same() -> None:
    root = write(alert())["References"]
    called = write(alert(reason=Reason.ESCALATION, key="mention:7|boss|b|escalation|2", receiver="boss"))
    assert (called["References"], called["In-Reply-To"]) == (root, root)
    slack = write(alert(reason=Reason.ESCALATION, key="other", reference="C1:1700000000.1"))
    assert slack["In-Reply-To"] == root


def test_other_mentions_groups_and_digests_are_threads_of_their_own() -> None:
    other = mention(post(external_id="2"), number=8)
    roots = [write(owed)["References"] for owed in (alert(), alert(other), group())]
    assert len(set(roots)) == 3 and None not in roots
    assert [write(owed)["References"] for owed in (digest(), notice())] == [None, None]


@pytest.mark.parametrize(
    ("reason", "importance"),
    [(Reason.FIRST, None), (Reason.REPEAT, None), (Reason.ESCALATION, "high"), (Reason.WARNING, "high")],
)
def test_who_is_called_sees_that_it_matters(reason: Reason, importance: str | None) -> None:
    assert write(alert(reason=reason))["Importance"] == importance


def test_personal_data_is_covered_unless_the_receiver_may_show_it() -> None:
    phone = Personal(PersonalKind.PHONE, Span("text", 15, 26))
    owed = alert(replace(mention(post(text="Acme, ruft an: 030 1234567", title="")), personal=(phone,)))
    for body in bodies(write(owed)):
        assert "1234567" not in body and "Telefonnummer" in body
    for body in bodies(write(owed, show_personal=True)):
        assert "030 1234567" in body


@pytest.mark.parametrize("owed", [WHOLE, group(), digest(), notice(), alert_of(HOSTILE)])
def test_a_mail_loads_nothing_from_elsewhere(owed: Alert) -> None:
    _, html = bodies(write(owed))
    tags = re.findall(r"<[^>]*>", html) + re.findall(r"<style>(.*?)</style>", html)
    for loading in ("src=", "<script", "<img", "<link", "<form", "url(", "@import", "<iframe", "javascript:", " on"):
        assert [tag for tag in tags if loading in tag] == []
    assert [tag for tag in tags if tag.startswith("<table") and 'role="presentation"' not in tag] == []
