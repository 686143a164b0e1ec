"""Guidelines: which one is chosen, what it says, and what a template may not do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from alerts.base import Context, Proposal
from alerts.guideline_texts import TEXTS
from alerts.guidelines import (
    LONGEST_REPLY,
    VARIABLES,
    Guidelines,
    GuidelineSettings,
    TemplateError,
    check_template,
)
from rules.base import Label, Match, Mention, Personal, PersonalKind, Sentiment, Span, Verdict, Watchlist, WatchlistKind
from tests.alerts.samples import NOW, case, post

PHONE = (Personal(PersonalKind.PHONE, Span("text", 0, 4)),)


def mentioned(
    *tags: str, lang: str = "de", kind: WatchlistKind = WatchlistKind.BRAND, name: str = "acme", **said: Any
) -> Mention:
    """A mention with these tags, by Jörg unless said otherwise."""
    personal = said.pop("personal", ())
    verdict = Verdict(dict.fromkeys(Label, 0.5), tags or ("complaint",), Sentiment.NEUTRAL, lang)
    watchlist = Watchlist(name, kind, "acme", ("@acme", "Acme"))
    return Mention(post(**said), watchlist, Match(name, (), ("acme",)), verdict, 7, personal)


def propose(mention: Mention, *entries: dict[str, Any]) -> Proposal:
    settings = [GuidelineSettings.model_validate(entry, strict=False) for entry in entries]
    return Guidelines(settings, lambda: NOW).propose(mention)


def none_near(wrong: object, valid: Sequence[str]) -> str:
    return ""


@pytest.mark.parametrize("lang", ["de", "en", "fr"])
@pytest.mark.parametrize("label", [label for label in Label if label is not Label.CRISIS])
def test_every_label_of_the_own_brand_has_a_reply_and_advice_that_ship(lang: str, label: Label) -> None:
    told = propose(mentioned(label, lang=lang))
    greeting = "Guten Tag Jörg, " if lang == "de" else "Hello Jörg, "
    assert told.reply.startswith(greeting)
    assert told.advice
    assert "{" not in told.reply + told.advice


@pytest.mark.parametrize(("lang", "call"), [("de", "Pressestelle anrufen"), ("en", "Call PR")])
@pytest.mark.parametrize("kind", [WatchlistKind.BRAND, WatchlistKind.PRODUCT, WatchlistKind.CLAIM])
def test_in_a_crisis_nothing_is_said_and_pr_is_called(lang: str, call: str, kind: WatchlistKind) -> None:
    told = propose(mentioned("crisis", "complaint", lang=lang, kind=kind), {"reply": "Hallo"})
    assert told.reply == ""
    assert call in told.advice


@pytest.mark.parametrize("kind", [WatchlistKind.COMPETITOR, WatchlistKind.TOPIC])
def test_about_others_nothing_is_proposed_but_restraint(kind: WatchlistKind) -> None:
    told = propose(mentioned("complaint", kind=kind), {"reply": "Das tut uns leid", "label": "complaint"})
    assert told.reply == ""
    assert told.advice in (TEXTS["de"].competitor_advice, TEXTS["de"].topic_advice)


def test_an_untruth_is_corrected_with_the_facts_of_its_watchlist() -> None:
    claim = mentioned("none", kind=WatchlistKind.CLAIM, name="bankrupt")
    assert "[HIER EINSETZEN, WAS RICHTIG IST]" in propose(claim).reply
    facts = {"watchlist": "bankrupt", "facts": "Acme ist nicht insolvent."}
    assert "Richtig ist: Acme ist nicht insolvent. Wenn" in propose(claim, facts).reply
    english = mentioned("none", lang="en", kind=WatchlistKind.CLAIM, name="bankrupt")
    assert "The facts are: [INSERT HERE WHAT IS TRUE]" in propose(english).reply


@pytest.mark.parametrize("lang", ["de", "en"])
@pytest.mark.parametrize("label", [label for label in Label if label is not Label.CRISIS])
def test_with_personal_data_the_reply_moves_to_private(lang: str, label: Label) -> None:
    private = TEXTS[lang].private
    assert propose(mentioned(label, lang=lang, personal=PHONE)).reply.count(private) == 1
    assert private not in propose(mentioned(label, lang=lang)).reply
    own = {"reply": "Hallo {{ author }}."}
    assert propose(mentioned(label, lang=lang, personal=PHONE), own).reply == f"Hallo Jörg. {private}"
    placed = {"reply": "{% if personal %}{{ private }}{% endif %} Bis gleich."}
    assert propose(mentioned(label, lang=lang, personal=PHONE), placed).reply == f"{private} Bis gleich."


def test_who_has_asked_before_can_be_told_so() -> None:
    settings = [GuidelineSettings.model_validate({"reply": "{% if earlier %}Zum {{ earlier + 1 }}. Mal{% endif %}"})]
    context = Context(case(earlier_count=2, earlier_by_person=2))
    assert Guidelines(settings, lambda: NOW).propose(mentioned(), context).reply == "Zum 3. Mal"
    assert Guidelines(settings, lambda: NOW).propose(mentioned()).reply == ""


def test_what_narrows_most_wins_and_of_two_alike_the_first() -> None:
    entries = [
        {"reply": "any"},
        {"lang": "de", "reply": "de"},
        {"label": "complaint", "reply": "label"},
        {"label": "complaint", "lang": "de", "reply": "label de"},
        {"label": "complaint", "lang": "de", "reply": "too late"},
        {"watchlist_kind": "brand", "reply": "kind"},
        {"watchlist": "acme", "reply": "watchlist"},
        {"watchlist": "globex", "reply": "another"},
    ]
    for count, said in ((8, "watchlist"), (6, "kind"), (5, "label de"), (3, "label"), (2, "de"), (1, "any")):
        assert propose(mentioned(), *entries[:count]).reply == said
    assert propose(mentioned("praise", lang="en"), *entries[:5]).reply == "any"


def test_reply_and_advice_are_taken_each_from_where_they_are_said() -> None:
    told = propose(mentioned(), {"label": "complaint", "advice": "Kim fragen"}, {"watchlist": "acme", "reply": ""})
    assert told == Proposal("", "Kim fragen")


def test_every_variable_has_its_value() -> None:
    names = " ".join(f"{name}={{{{ {name} }}}}" for name in VARIABLES if name not in ("private", "facts"))
    found = mentioned(
        kind=WatchlistKind.PRODUCT, rating=2.0, url="https://a.example/1", published_at=NOW - timedelta(days=3, hours=1)
    )
    assert propose(found, {"reply": names}).reply == (
        "author=Jörg brand=acme product=acme watchlist=acme label=Beschwerde source=heise url=https://a.example/1 "
        "days=3 rating=2.0 earlier=0 personal=False"
    )
    poor = mentioned("none", author=None, url=None, published_at=NOW + timedelta(days=1))
    told = propose(poor, {"reply": "[{{ author }}{{ url }}{{ product }}{{ label }}]{{ days }}{{ rating is none }}"})
    assert told.reply == "[]0True"


@pytest.mark.parametrize(
    "author",
    ["{{ 7 * 7 }}", "{% for x in range(9) %}x{% endfor %}", "{{ ''.__class__ }}", "\u202eevil\x00\n\n", "a" * 100_000],
)
def test_what_strangers_wrote_is_a_value_and_no_template(author: str) -> None:
    told = propose(mentioned(author=author), {"reply": "Hallo {{ author }}!"}).reply
    assert "49" not in told and "\n" not in told and "\u202e" not in told and "\x00" not in told
    assert len(told) <= 100
    if "{" in author:
        assert author in told


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("Hallo {{ autor }}", 1, 'no variable is called "autor"'),
        ("Hallo\n{{ author | uper }}", 2, 'no filter is called "uper"'),
        ("a\nb\n{{ author", 3, "end of"),
        ("{% if author %}", 1, "endif"),
        ("{% for x in [1] %}{% endfor %}", 1, "a loop is not allowed"),
        ("{{ range(9) }}", 1, "a call is not allowed"),
        ("{{ author.__class__ }}", 1, "a dot is not allowed"),
        ("{{ author['x'] }}", 1, "a bracket is not allowed"),
        ("{{ 'x' * 1000000000 }}", 1, "a multiplication is not allowed"),
        ("{{ 9 ** 9 ** 9 }}", 1, "a power is not allowed"),
        ("{% set x = 1 %}", 1, "`set` is not allowed"),
        ("{% macro x() %}{% endmacro %}", 1, "a macro is not allowed"),
        ("{% include 'x' %}", 1, "`include` is not allowed"),
        ("{% extends 'x' %}", 1, "`extends` is not allowed"),
        ("a\n{{ days + author }}", 2, "cannot be filled in"),
        ("{{ rating + 1 }}", 1, "cannot be filled in"),
        ("{{ author | center(1000000000) }}", 1, 'no filter is called "center"'),
        ("{{ " + "9" * 5_000 + " }}", 1, "too long a number"),
        ("{{ " + "(" * 4_000 + "1" + ")" * 4_000 + " }}", 1, "nested too deeply"),
        ("{% if author %}" * 400 + "{% endif %}" * 400, 1, ""),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_its_line(text: str, line: int, complaint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        check_template(text, none_near)
    assert complaint in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize("texts", TEXTS.values())
def test_what_ships_is_allowed(texts: Any) -> None:
    for text in (*texts.replies.values(), *texts.advice.values(), texts.claim_reply, texts.claim_advice):
        check_template(text, none_near)
    assert Label.CRISIS not in texts.replies


def test_a_template_of_the_greatest_length_stays_within_the_limit() -> None:
    text = "{{ url }}" * 1_100
    check_template(text, none_near)
    long = mentioned(url="https://a.example/" + "x" * 1_900)
    assert len(propose(long, {"reply": text}).reply) <= LONGEST_REPLY


def test_what_fails_on_a_value_that_no_sample_had_is_no_reply() -> None:
    assert propose(mentioned(rating=float("nan")), {"reply": "{{ rating | round | int }}"}).reply in ("", "0")
