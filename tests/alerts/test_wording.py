"""What alerts say, in both languages."""

from __future__ import annotations

import dataclasses
from zoneinfo import ZoneInfo

import pytest

from alerts.base import Reason
from alerts.wording import compose
from alerts.words import WORDS, Lang, Words
from rules.base import NONE, UNSURE, Label, Sentiment, Verdict, Watchlist, WatchlistKind
from sources.base import PostKind
from tests.alerts.samples import COMPLAINT, FAILED, alert, digest, mention, notice, post

GLOBEX = Watchlist("globex", WatchlistKind.COMPETITOR, "globex")


def headline(verdict: Verdict, watchlist: Watchlist | None = None, lang: str = "en") -> str:
    found = mention(post(), verdict, watchlist) if watchlist else mention(post(), verdict)
    return compose(alert(found), "de" if lang == "de" else "en", 400).headline


def carrying(*tags: str, **probabilities: float) -> Verdict:
    told = {Label(name): probability for name, probability in probabilities.items()}
    return Verdict(told, tags, Sentiment.NEUTRAL, "de")


@pytest.mark.parametrize(
    ("verdict", "lang", "said"),
    [
        (carrying("complaint", complaint=0.9273), "en", "Complaint about acme · 92 % · heise"),
        (
            carrying("crisis", "praise", crisis=0.997, praise=0.9),
            "de",
            "Krise um acme (auch Lob) · 99 % · heise",
        ),
        (carrying(UNSURE, question=0.4, praise=0.1), "en", "Perhaps: Question about acme · 40 % · heise"),
        (carrying(UNSURE), "de", "Unklar, was es über acme sagt · heise"),
        (carrying(NONE, question=0.1), "en", "Mention of acme · heise"),
        (FAILED, "de", "Nicht eingestufte Erwähnung von acme · heise"),
    ],
)
def test_headlines(verdict: Verdict, lang: str, said: str) -> None:
    assert headline(verdict, lang=lang) == said


def test_whose_mention_it_is_stands_in_the_headline() -> None:
    assert headline(COMPLAINT, GLOBEX, "de").startswith("Beschwerde über globex (Wettbewerber)")


def test_the_why_names_terms_query_labels_cues_and_routes() -> None:
    assert compose(alert(), "en", 400).why == (
        "found: acme",
        'query: acme OR "acme phone"',
        "judged: complaint 92 % (kaputt, nervt), question 71 % (warum), negative",
        'routed by: label =~ "question|complaint"',
    )


def test_remarks() -> None:
    unsure = dataclasses.replace(COMPLAINT, sure=False, lang="fr")
    notes = compose(alert(mention(post(), unsure), possibly_sent_twice=True, reason=Reason.EDITED), "en", 400).notes
    assert notes == (WORDS["en"].sent_twice, WORDS["en"].edited, WORDS["en"].less_sure.format("fr"))
    assert compose(alert(mention(post(), FAILED)), "en", 400).notes == (WORDS["en"].not_classified,)
    assert compose(alert(), "en", 400).notes == ()


def test_a_post_of_pictures_says_so() -> None:
    message = compose(alert(mention(post(title="", text="\u200b \n"))), "en", 400)
    assert [piece.text for piece in message.text] == ["(no text, perhaps only a picture)"]


def test_who_and_when() -> None:
    found = mention(post(author=None, dated=False, kind=PostKind.REVIEW, rating=1.0, followers=1200))
    assert compose(alert(found), "en", 400).byline == "author unknown · no date · review · rating 1 · 1200 followers"


@pytest.mark.parametrize(
    ("answered", "lang", "end"),
    [
        (True, "en", "rating 2 · already answered"),
        (True, "de", "Wertung 2 · schon beantwortet"),
        (False, "en", "rating 2"),
        (None, "en", "rating 2"),
    ],
)
def test_what_the_brand_answered_at_the_source_is_said(answered: bool | None, lang: Lang, end: str) -> None:
    found = mention(post(kind=PostKind.REVIEW, rating=2.0, answered=answered))
    assert compose(alert(found), lang, 400).byline.endswith(end)


@pytest.mark.parametrize(
    ("count", "headline", "items", "more"),
    [
        (37, "37 older posts held back", 20, "and 17 more"),
        (20, "20 older posts held back", 20, ""),
        (1, "1 older post held back", 1, ""),
    ],
)
def test_a_summary_counts_exactly(count: int, headline: str, items: int, more: str) -> None:
    message = compose(digest(count), "en", 400)
    assert (message.headline, len(message.items), message.more(len(message.items))) == (headline, items, more)


def test_a_notice_says_what_happened() -> None:
    assert "410 Gone" in compose(notice(), "de", 400).text[0].text


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_every_word_is_there_in_every_language(words: Words) -> None:
    tables = (words.labels, words.about, words.kinds, words.post_kinds, words.sentiments)
    enums = (Label, Label, WatchlistKind, PostKind, Sentiment)
    assert [set(table) for table in tables] == [set(enum) for enum in enums]
    assert all(getattr(words, field.name) for field in dataclasses.fields(words))


def test_times_are_shown_in_the_zone_of_the_configuration() -> None:
    in_berlin = compose(alert(), "en", 400, zone=ZoneInfo("Europe/Berlin"))
    assert "2026-11-21 18:58 CET" in in_berlin.byline
