"""An alert as JSON: what is known around a mention, and personal data covered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from alerts.base import CaseEvent, CaseState, Context, EarlierCase, GroupView, Proposal, Sighting
from alerts.payload import alert_payload, json_line
from rules.base import Personal, PersonalKind, Span
from tests.alerts.samples import KIM, NOW, alert, case, mention, post

FOUND = replace(
    mention(post(title="Acme, Kundennummer 4711471", text="0171/1234567 und kim@example.com und 0171/7654321")),
    personal=(
        Personal(PersonalKind.ORDER, Span("title", 19, 26)),
        Personal(PersonalKind.PHONE, Span("text", 0, 12)),
        Personal(PersonalKind.MAIL, Span("text", 17, 32)),
        Personal(PersonalKind.PHONE, Span("text", 37, 49)),
    ),
)


def test_personal_data_is_covered_in_place_and_its_kinds_are_told_once() -> None:
    [told] = json.loads(json_line(alert_payload(alert(FOUND))))["mentions"]
    assert told["personal"] == ["order", "phone", "mail"]
    assert told["post"]["title"] == "Acme, Kundennummer •••••••"
    assert told["post"]["text"] == f"{'•' * 12} und {'•' * 15} und {'•' * 12}"


def test_it_is_shown_where_it_may_be() -> None:
    [told] = json.loads(json_line(alert_payload(alert(FOUND), show_personal=True)))["mentions"]
    assert told["personal"] == ["order", "phone", "mail"]
    assert told["post"]["text"] == FOUND.post.text


def test_what_is_known_around_a_mention_is_told() -> None:
    known = case(
        state=CaseState.CLAIMED,
        owner="Kim",
        due_at=NOW + timedelta(hours=1),
        tags=("vip",),
        events=(CaseEvent(NOW, "Kim", "slack", "claim", "my turn"),),
        earlier=(EarlierCase(3, NOW - timedelta(days=10), CaseState.ANSWERED, "Alex"),),
        earlier_count=2,
        earlier_by_person=1,
    )
    copy = Sighting("hn", "https://news.example/1", NOW)
    around = {7: Context(known, (copy,), Proposal("Hello", "Ask Kim"))}
    told = alert_payload(
        alert(contexts=around, called=(KIM,), group=GroupView(4, (("watchlist", "acme"),), True, False))
    )
    assert told["group"] == {"id": 4, "labels": {"watchlist": "acme"}, "storm": True, "closed": False}
    assert told["called"] == [{"name": "Kim", "mail": "kim@example.com"}]
    about = told["mention"]
    assert isinstance(about, dict)
    assert (about["reply"], about["advice"]) == ("Hello", "Ask Kim")
    now = "2026-11-21T18:04:05Z"
    assert about["copies"] == [{"source": "hn", "url": "https://news.example/1", "published_at": now}]
    assert about["case"] == {
        "state": "claimed",
        "owner": "Kim",
        "direct": False,
        "priority": 50,
        "opened_at": now,
        "changed_at": now,
        "due_at": "2026-11-21T19:04:05Z",
        "responded_at": None,
        "snoozed_until": None,
        "tags": ["vip"],
        "events": [{"at": now, "by": "Kim", "through": "slack", "action": "claim", "note": "my turn"}],
        "earlier": [{"mention": 3, "opened_at": "2026-11-11T18:04:05Z", "state": "answered", "owner": "Alex"}],
        "earlier_count": 2,
        "earlier_by_person": 1,
    }


def test_where_nothing_is_known_nothing_is_made_up() -> None:
    told = alert_payload(alert())
    assert (told["group"], told["called"]) == (None, [])
    about = told["mention"]
    assert isinstance(about, dict)
    assert (about["case"], about["copies"], about["personal"], about["reply"], about["advice"]) == (
        None,
        [],
        [],
        "",
        "",
    )
