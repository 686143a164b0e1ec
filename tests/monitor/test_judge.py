"""Posts judged: own accounts, what each target sees, receivers once each, a classifier in trouble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from monitor import judge as judging
from monitor.accounts import account_names
from monitor.judge import Judge
from monitor.router import Router
from rules.base import Personal, PersonalKind, Span, Verdict, View, Watchlist, WatchlistKind
from rules.matchers import parse_matcher
from rules.matching import QueryMatcher
from rules.routing import Route
from tests.fakes import FixedClock, WordClassifier
from tests.monitor.builders import WATCHLISTS, make_post, make_posts, route_all

TOPIC = Watchlist("topic", WatchlistKind.TOPIC, "battery")


def make_judge(
    classifier: WordClassifier, root: Route | None = None, own: dict[str, Sequence[str]] | None = None
) -> Judge:
    watchlists = (*WATCHLISTS, TOPIC)
    return Judge(
        watchlists={watchlist.name: watchlist for watchlist in watchlists},
        matcher=QueryMatcher(watchlists),
        classifier=classifier,
        router=Router(
            root=root or route_all("console"),
            source_types={"news": "feed"},
            own_accounts=account_names(own or {}),
            hours={},
            clock=FixedClock(),
        ),
    )


@pytest.mark.parametrize(
    ("place", "account", "author", "is_own"),
    [
        ("feed", "AcmeHelp", "acmehelp", True),
        ("news", "@AcmeHelp", "AcmeHelp", True),
        ("feed", "AcmeHelp", "@ACMEHELP", True),
        ("feed", "Straße", "STRASSE", True),
        ("reddit", "AcmeHelp", "AcmeHelp", False),
        ("feed", "AcmeHelp", "AcmeHelper", False),
        ("feed", "AcmeHelp", None, False),
    ],
)
def test_posts_by_the_brands_own_accounts_are_no_mentions(
    place: str, account: str, author: str | None, is_own: bool
) -> None:
    judge = make_judge(WordClassifier(), own={place: [account]})
    assert (judge.judge([make_post(author=author)]) == [()]) == is_own


def test_each_target_is_named_to_the_classifier_and_the_others_too() -> None:
    classifier = WordClassifier()
    make_judge(classifier).judge([make_post(text="Acme and Globex have a battery")])
    seen_from = {(view.names, view.others) for view in classifier.views}
    assert seen_from == {(("Acme",), ("Globex",)), (("Globex",), ("Acme",)), ((), ())}


def test_two_routes_to_one_receiver_are_one_decision_that_names_both() -> None:
    matchers = [(parse_matcher("label = complaint"),), (parse_matcher("watchlist = acme"),)]
    root = Route("none", routes=tuple(Route("console", one, is_continued=True) for one in matchers))
    [[draft]] = make_judge(WordClassifier(), root).judge([make_post()])
    assert [decision.receiver for decision in draft.decisions] == ["console"]
    assert len(draft.decisions[0].routes) == 2


def test_posts_keep_their_places() -> None:
    found = make_judge(WordClassifier()).judge([make_post("1", "nothing"), make_post("2"), make_post("3", "nothing")])
    assert [len(drafts) for drafts in found] == [0, 1, 0]


class Failing(WordClassifier):
    """Fails on the batches whose number is told, in the way that is told."""

    def __init__(self, failing: set[int], short: bool = False) -> None:
        super().__init__()
        self.batch = -1
        self.failing = failing
        self.short = short

    def classify(self, views: Sequence[View]) -> list[Verdict]:
        self.batch += 1
        made = super().classify(views)
        if self.batch not in self.failing:
            return made
        if self.short:
            return made[:-1]
        raise MemoryError("model too large")


@pytest.mark.parametrize("short", [False, True])
def test_f29_a_classifier_that_fails_marks_only_its_batch(short: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "BATCH", 2)
    found = make_judge(Failing({1}, short)).judge(make_posts(5))
    assert [draft.mention.verdict.is_classified for drafts in found for draft in drafts] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert found[2][0].mention.verdict.tags == ("unclassified",)
    assert [decision.receiver for decision in found[2][0].decisions] == ["console"]


def test_the_root_catches_unclassified_and_not_what_is_unsure_or_none() -> None:
    classifier = WordClassifier()
    judge = make_judge(classifier, Route("console"))
    [[quiet]] = judge.judge([make_post(text="Acme")])
    assert quiet.decisions == ()
    classifier.failure = RuntimeError("down")
    [[marked]] = judge.judge([make_post(text="Acme")])
    assert [decision.receiver for decision in marked.decisions] == ["console"]


def test_personal_data_is_found_in_the_language_of_the_post_or_else_that_which_was_recognised() -> None:
    post = make_post(text="Acme und Globex: 0171/1234567 oder kim@example.com", title="Kundennummer 4711471", lang="de")
    order = Personal(PersonalKind.ORDER, Span("title", 13, 20))
    phone = Personal(PersonalKind.PHONE, Span("text", 17, 29))
    mail = Personal(PersonalKind.MAIL, Span("text", 35, 50))
    for lang, expected in (
        ("de", (order, phone, mail)),
        (None, (order, mail)),
    ):  # taken for English, where 0171 is none
        [drafts] = make_judge(WordClassifier()).judge([replace(post, lang=lang)])
        assert [draft.mention.personal for draft in drafts] == [expected, expected]
