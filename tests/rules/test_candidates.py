"""Routes looked up by the values that they need lead nowhere else than routes read one by one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.candidates import Candidates
from rules.matchers import Facts, parse_matcher
from rules.routing import DROP, Outcome, Route, decide, explain
from sources.base import Post

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def mention(*tags: str, watchlist: str = "w1", author: str | None = "kim", followers: int | None = 10) -> Mention:
    post = Post(source="news", external_id="1", text="", published_at=AT, author=author, followers=followers)
    carried = {Label(tag): 0.7 for tag in tags if tag in set(Label)}
    verdict = Verdict(carried, tags, Sentiment.NEUTRAL, "de")
    return Mention(post, Watchlist(watchlist, WatchlistKind.BRAND, "", team="care"), Match(watchlist, (), ()), verdict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("watchlist = w1", {"w1"}),
        ('author = ""', {""}),
        ('watchlist =~ "w1|w2"', {"w1", "w2"}),
        ('watchlist =~ "w.|w2"', None),
        ('watchlist =~ "(w1|w2)"', None),
        ('label =~ "c.*"', {"crisis", "complaint"}),
        ('label =~ ".*"', {*map(str, Label), "unclassified"}),
        ('label =~ ".*|unsure"', {*map(str, Label), "unclassified", "unsure"}),
        ("sentiment =~ pos.*|neutral", {"positive", "neutral"}),
        ("watchlist != w1", None),
        ("label !~ c.*", None),
        ("score >= 0.5", None),
        ("followers = 10", None),
        ("hours = office", None),
    ],
)
def test_the_values_that_a_matcher_needs(text: str, expected: set[str] | None) -> None:
    assert parse_matcher(text).needed == expected


def test_each_set_is_found_under_the_value_that_few_mentions_have() -> None:
    sets = [
        [parse_matcher("label = crisis"), parse_matcher("watchlist = w1")],
        [parse_matcher("label = crisis"), parse_matcher("watchlist = w2")],
        [parse_matcher("label = crisis")],
        [parse_matcher("label = praise")],
        [parse_matcher("score >= 0.5")],
    ]
    facts = Facts.of(mention("crisis"), "feed", AT)
    assert Candidates.of(sets).find(facts) == [0, 2, 4]


TEXTS = st.sampled_from(
    [
        *("watchlist = w1", "watchlist = w2", 'watchlist =~ "w1|w3"', 'watchlist =~ "w[12]"', "watchlist != w1"),
        *("label = crisis", "label = unsure", 'label =~ "c.*"', "label != praise", 'label =~ "praise|none"'),
        *('author = ""', "author =~ k.*", "team = care", "source_type = feed", "score >= 0.6", "followers > 5"),
    ]
)
MATCHERS = st.lists(TEXTS, max_size=3).map(lambda texts: tuple(map(parse_matcher, texts)))
RECEIVERS = st.sampled_from(["a", "b", "c", DROP])
LEAVES = st.builds(Route, RECEIVERS, MATCHERS, st.just(()), st.booleans())
TREES = st.builds(
    lambda receiver, below: Route(receiver, routes=tuple(below)),
    RECEIVERS,
    st.lists(
        st.recursive(
            LEAVES,
            lambda nodes: st.builds(Route, RECEIVERS, MATCHERS, st.lists(nodes, max_size=5).map(tuple), st.booleans()),
            max_leaves=12,
        ),
        max_size=6,
    ),
)
MENTIONS = st.builds(
    lambda tags, watchlist, author, followers: mention(*tags, watchlist=watchlist, author=author, followers=followers),
    st.sampled_from([("crisis",), ("crisis", "praise"), ("unsure",), ("none",), ("unclassified",), ("question",)]),
    st.sampled_from(["w1", "w2", "w3"]),
    st.sampled_from([None, "kim", "lee"]),
    st.sampled_from([None, 1, 10]),
)


@settings(max_examples=300, deadline=None)
@given(root=TREES, one=MENTIONS)
def test_the_decision_is_that_of_reading_every_route(root: Route, one: Mention) -> None:
    chosen = [step.route.receiver for step in explain(root, one, "feed", AT) if step.outcome is Outcome.CHOSEN]
    expected = [receiver for receiver in dict.fromkeys(chosen) if receiver != DROP]
    assert [decision.receiver for decision in decide(root, one, "feed", AT)] == expected
