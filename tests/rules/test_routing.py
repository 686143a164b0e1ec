"""The routing decision: matchers, labels as a set, the tree, and its explanation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.hours import Hours, Window
from rules.matchers import MatcherError, RouteMatcher, parse_matcher
from rules.routing import (
    Decision,
    EscalationStep,
    Intervals,
    Options,
    Outcome,
    Route,
    Sla,
    decide,
    explain,
    group_labels,
    matches,
)
from sources.base import Post, PostKind

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
CARRIED = {Label.COMPLAINT: 0.7, Label.CRISIS: 0.9, Label.QUESTION: 0.2}


def mention(
    *tags: str,
    probabilities: Mapping[Label, float] = CARRIED,
    author: str | None = "kim",
    followers: int | None = 1200,
    rating: float | None = None,
    team: str | None = "care",
) -> Mention:
    post = Post(
        source="news",
        external_id="1",
        text="Acme",
        published_at=datetime(2026, 11, 1, tzinfo=UTC),
        kind=PostKind.COMMENT,
        author=author,
        followers=followers,
        rating=rating,
        engagement=0,
        lang="en",
    )
    verdict = Verdict(probabilities, tags or ("crisis", "complaint"), Sentiment.NEGATIVE, "de")
    return Mention(post, Watchlist("acme", WatchlistKind.BRAND, "acme", team=team), Match("acme", (), ()), verdict)


def route(*matchers: str, to: str = "a", below: tuple[Route, ...] = (), go_on: bool = False) -> Route:
    return Route(to, tuple(map(parse_matcher, matchers)), below, go_on)


def receivers(root: Route, of: Mention) -> list[str]:
    return [decision.receiver for decision in decide(root, of, "feed", AT)]


def hears(one: Mention, *matchers: str) -> bool:
    return receivers(route(to="root", below=(route(*matchers, to="child"),)), one) == ["child"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("label = crisis", ("label", "=", "crisis")),
        ("  label=crisis ", ("label", "=", "crisis")),
        ('label!="crisis"', ("label", "!=", "crisis")),
        ("author = 'Kim Lee'", ("author", "=", "Kim Lee")),
        ("author = Kim Lee", ("author", "=", "Kim Lee")),
        ('author = "a \\"b\\" \\\\c"', ("author", "=", 'a "b" \\c')),
        ('author = ""', ("author", "=", "")),
        ("author = a=b", ("author", "=", "a=b")),
        (r'author =~ "\d+,\w"', ("author", "=~", r"\d+,\w")),
        ("source !~ news|forum", ("source", "!~", "news|forum")),
        ("score >= 0.8", ("score", ">=", "0.8")),
        ("followers>1000", ("followers", ">", "1000")),
        ("rating <= 2", ("rating", "<=", "2")),
        ("engagement != -1", ("engagement", "!=", "-1")),
    ],
)
def test_matchers_are_read(text: str, expected: tuple[str, str, str]) -> None:
    matcher = parse_matcher(text)
    assert (matcher.name, matcher.operator, matcher.value) == expected
    assert matcher.text == text.strip()


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected `name operator value`"),
        ("label", 6, "expected = != =~ !~ after label"),
        ("label crisis", 7, "expected = != =~ !~ after label"),
        ("label == crisis", 7, "expected = != =~ !~ after label"),
        ("score =~ 0.8", 7, "expected = != > >= < <= after score"),
        ("lable = crisis", 1, 'did you mean "label"?'),
        ("label =", 8, 'the empty one is written ""'),
        ("label = crises", 9, 'did you mean "crisis"?'),
        ("watchlist_kind = brands", 18, 'did you mean "brand"?'),
        ("sentiment = bad", 13, "expected one of: positive, neutral, negative"),
        ('author = "Kim', 10, "the quote is not closed"),
        ('author = "Kim" x', 15, "nothing after the closing quote"),
        ("source = a, label = crisis", 11, "quote a text with commas"),
        ("score > high", 9, "expected a number for score"),
        ("score > 80", 9, "expected a probability from 0 to 1"),
        ("followers > 1k", 13, "expected a number for followers"),
        ('author =~ ""', 11, "the pattern is empty"),
        ("author =~ a(b", 11, "missing )"),
        ("author =~ (?!a)", 11, "RE2"),
        (r'author =~ "(a)\1"', 11, "RE2"),
        ("label =~ compliant", 10, "matches no label"),
        ("label =~ uns.*", 10, "matches no label"),
    ],
)
def test_what_is_no_matcher_says_where(text: str, column: int, message: str) -> None:
    with pytest.raises(MatcherError) as caught:
        parse_matcher(text)
    assert message in str(caught.value)
    assert caught.value.column == column


def test_f28_a_regex_that_would_backtrack_is_linear() -> None:
    assert not hears(mention(author="a" * 50_000 + "!"), "author =~ (a+)+")


def test_nothing_is_written_about_a_bad_regex(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MatcherError):
        parse_matcher("author =~ a(b")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        ("label = crisis", True),
        ("label = complaint", True),
        ("label = question", False),
        ("label != question", True),
        ("label != complaint", False),
        ('label =~ "question|complaint"', True),
        ('label =~ "quest.*"', False),
        ('label =~ ".*"', True),
        ('label !~ "question|praise"', True),
        ('label !~ "question|complaint"', False),
        ("watchlist = acme", True),
        ("watchlist != acme", False),
        ("watchlist =~ ac", False),  # the whole value, not a part
        ("watchlist =~ ac.*", True),
        ("watchlist = Acme", False),
        ("watchlist_kind =~ brand|product", True),
        ("team = care", True),
        ("source = news", True),
        ("source_type = feed", True),
        ("post_kind = comment", True),
        ("lang = de", True),  # of the verdict, not as the source states it
        ("sentiment = negative", True),
        ("author = kim", True),
        ("author !~ k.*", False),
        ("followers > 1000", True),
        ("followers > 1200", False),
        ("followers >= 1200", True),
        ("followers < 1200.5", True),
        ("engagement = 0", True),
        ("engagement < 0", False),
        ("rating <= 2", False),  # the post has none
        ("rating != 2", False),
    ],
)
def test_one_matcher(matcher: str, expected: bool) -> None:
    assert hears(mention(), matcher) is expected


def test_a_missing_text_equals_the_empty_one() -> None:
    one = mention(author=None, team=None)
    assert hears(one, 'author = ""')
    assert hears(one, 'team = ""')
    assert hears(one, "author != kim")
    assert hears(one, "author =~ .*")
    assert not hears(one, "author =~ .+")


def test_all_matchers_of_a_route_must_hold() -> None:
    assert hears(mention(), "label = crisis", "label = complaint", "lang = de")
    assert not hears(mention(), "label = crisis", "lang = en")
    assert hears(mention())


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        (("score >= 0.9",), True),  # of all carried: the crisis
        (("label = complaint", "score >= 0.8"), False),
        (("label = complaint", "score >= 0.7"), True),
        (("score < 0.8", "label = complaint"), True),
        (("label = crisis", "label = complaint", "score >= 0.9"), True),
        (("label != praise", "score >= 0.9"), True),
        (('label =~ "comp.*"', "score > 0.7"), False),
    ],
)
def test_the_score_is_that_of_the_labels_asked_for(matchers: tuple[str, ...], expected: bool) -> None:
    assert hears(mention(), *matchers) is expected


def test_the_score_looks_at_the_labels_of_its_own_route() -> None:
    tree = route(to="root", below=(route("label = complaint", to="mid", below=(route("score >= 0.9", to="low"),)),))
    assert receivers(tree, mention()) == ["low"]


def test_the_score_where_no_label_is_carried() -> None:
    assert hears(mention("unsure", probabilities={Label.QUESTION: 0.4}), "label = unsure", "score >= 0.4")
    assert not hears(mention("unclassified", probabilities={}), "label = unclassified", "score >= 0")


TREE = route(
    to="root",
    below=(
        route("label = crisis", to="pager", go_on=True),
        route("watchlist_kind = competitor", to="none"),
        route(
            "watchlist = acme",
            to="acme",
            below=(route("label = question", to="questions"), route("label = complaint", to="complaints")),
        ),
        route("lang = de", to="german"),
    ),
)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (("crisis", "complaint"), ["pager", "complaints"]),
        (("crisis",), ["pager", "acme"]),
        (("complaint", "question"), ["questions"]),  # the first child in the order of the tree
        (("praise",), ["acme"]),
        (("unclassified",), ["acme"]),
        (("unsure",), []),
        (("none",), []),
    ],
)
def test_depth_first_and_the_first_match_wins(tags: tuple[str, ...], expected: list[str]) -> None:
    assert receivers(TREE, mention(*tags)) == expected


def test_a_continuing_child_keeps_its_parent_silent() -> None:
    assert receivers(route(to="root", below=(route("label = crisis", to="pager", go_on=True),)), mention()) == ["pager"]


def test_continue_goes_on_to_siblings_only() -> None:
    inner = route("label = crisis", to="inner", go_on=True)
    tree = route(to="root", below=(route(to="first", below=(inner,)), route(to="second")))
    assert receivers(tree, mention()) == ["inner"]


def test_the_root_catches_what_no_child_does() -> None:
    tree = route(to="root", below=(route("label = praise", to="child"),))
    assert decide(tree, mention(), "feed", AT) == [Decision("root", ("default",), intervals=(Intervals(),))]
    assert receivers(tree, mention("unclassified", probabilities={})) == ["root"]


@pytest.mark.parametrize("tag", ["unsure", "none"])
@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ((), False),
        (('label =~ ".*"',), False),
        (('label =~ ".+|crisis"',), False),
        (("label != crisis",), False),
        (('label !~ "crisis"',), False),
        (("watchlist = acme",), False),
        (('label =~ "unsure|none"',), True),
        (('label =~ "(?:unsure|none|crisis)"',), True),
        (('label =~ "crisis|(unsure|none)"', "lang = de"), True),
        (('label =~ "unsure|none"', "lang = en"), False),
        (('label =~ ".*|unsure|none"',), True),
        (('label =~ "[unsore]+|crisis"',), False),
        (('label =~ "(unsure|none|cris)is"',), False),
    ],
)
def test_quiet_labels_must_be_spelled_out(tag: str, matchers: tuple[str, ...], expected: bool) -> None:
    one = mention(tag)
    tree = route(to="root", below=(route(*matchers, to="child"),))
    assert receivers(tree, one) == (["child"] if expected else [])


def test_quiet_labels_pass_through_routes_that_do_not_name_them() -> None:
    review = route("label = unsure", to="review")
    below = route(to="low")
    tree = route(to="root", below=(route("watchlist = acme", to="acme", below=(review,)), route(to="rest")))
    assert receivers(tree, mention("unsure")) == ["review"]
    assert receivers(tree, mention("none")) == []
    spelled_above = route(to="root", below=(route("label = unsure", to="high", below=(below,)),))
    assert receivers(spelled_above, mention("unsure")) == ["low"]


def test_a_route_that_does_not_reach_quiet_labels_stops_no_sibling() -> None:
    tree = route(to="root", below=(route("watchlist = acme", to="acme"), route("label = unsure", to="review")))
    assert receivers(tree, mention("unsure")) == ["review"]


def test_none_drops_and_still_wins() -> None:
    tree = route(to="root", below=(route("label = crisis", to="none"), route(to="second")))
    assert receivers(tree, mention()) == []
    going_on = route(to="root", below=(route("label = crisis", to="none", go_on=True), route(to="second")))
    assert receivers(going_on, mention()) == ["second"]


def test_two_routes_to_one_receiver_make_one_decision_that_names_both() -> None:
    tree = route(
        to="root",
        below=(
            route("label = crisis", "score >= 0.8", to="care", go_on=True),
            route("lang = de", to="mail", go_on=True),
            route("watchlist = acme", to="x", below=(route("label = complaint", to="care"),)),
        ),
    )
    assert decide(tree, mention(), "feed", AT) == [
        Decision(
            "care",
            ("label = crisis, score >= 0.8", "watchlist = acme > label = complaint"),
            intervals=(Intervals(), Intervals()),
        ),
        Decision("mail", ("lang = de",), intervals=(Intervals(),)),
    ]


def test_every_step_is_explained() -> None:
    steps = explain(TREE, mention("crisis"), "feed", AT)
    assert [(step.position, step.outcome) for step in steps] == [
        ((), Outcome.PASSED),
        ((0,), Outcome.CHOSEN),
        ((1,), Outcome.FAILED),
        ((2,), Outcome.CHOSEN),
        ((2, 0), Outcome.FAILED),
        ((2, 1), Outcome.FAILED),
        ((3,), Outcome.SKIPPED),
    ]
    failed = steps[2].failed
    assert isinstance(failed, RouteMatcher)
    assert failed.text == "watchlist_kind = competitor"
    assert steps[0].failed is None


def test_what_is_not_spelled_out_is_explained() -> None:
    steps = explain(TREE, mention("unsure"), "feed", AT)
    assert {step.position: step.outcome for step in steps}[(2,)] is Outcome.UNSPOKEN
    assert steps[0].outcome is Outcome.UNSPOKEN


HOUR = timedelta(hours=1)
OFFICE = Hours("office", UTC, ((Window(8 * 60, 10 * 60),),) * 7)
NIGHT = Hours("night", UTC, ((Window(22 * 60, 30 * 60),),) * 7)
OPEN = {"office": OFFICE, "night": NIGHT}


@pytest.mark.parametrize(
    ("matcher", "at_nine", "at_noon"),
    [
        ("hours = office", True, False),
        ("hours != office", False, True),
        ('hours =~ "office|night"', True, False),
        ('hours !~ ".*"', False, True),
    ],
)
def test_hours_that_are_open(matcher: str, at_nine: bool, at_noon: bool) -> None:
    read = [parse_matcher(matcher, OPEN)]
    assert matches(read, mention(), "feed", AT) is at_nine
    assert matches(read, mention(), "feed", AT + 3 * HOUR) is at_noon


@pytest.mark.parametrize("matcher", ["hours = ofice", 'hours =~ "day.*"', "hours != ofice"])
def test_hours_that_nobody_configured(matcher: str) -> None:
    with pytest.raises(MatcherError, match="no hours are called so"):
        parse_matcher(matcher, OPEN)


def test_matching_outside_of_the_tree() -> None:
    def matched(*texts: str) -> bool:
        return matches(map(parse_matcher, texts), mention(), "feed", AT)

    assert matched()
    assert matched("label = complaint", "score <= 0.7", "source_type = feed")
    assert not matched("label = complaint", "score >= 0.8")


def test_the_labels_of_a_group() -> None:
    names = ("label", "watchlist", "source_type", "author")
    expected = (("label", "crisis"), ("watchlist", "acme"), ("source_type", "feed"), ("author", ""))
    assert group_labels(names, mention(author=None), "feed") == expected
    assert group_labels((), mention(), "feed") == ()


def test_a_decision_carries_what_its_route_says() -> None:
    step = EscalationStep(HOUR, "pager", "care")
    sla = Sla(HOUR, "office", HOUR / 4)
    options = Options(("watchlist",), HOUR, 2 * HOUR, 3 * HOUR, sla, (step,))
    intervals = Intervals(("night",), ("office",))
    tree = Route("root", routes=(Route("care", options=options, intervals=intervals),))
    expected = Decision("care", ("default",), ("watchlist",), HOUR, 2 * HOUR, 3 * HOUR, (intervals,), sla, (step,))
    assert decide(tree, mention(), "feed", AT) == [expected]


def joined(first: Options, second: Options) -> Decision:
    tree = Route("root", routes=(Route("care", is_continued=True, options=first), Route("care", options=second)))
    (decision,) = decide(tree, mention(), "feed", AT)
    return decision


def test_two_routes_the_more_eager_one_says_how_it_is_grouped() -> None:
    slow, fast = Options(("label",), group_wait=HOUR), Options(("watchlist",), group_wait=2 * HOUR)
    assert (joined(slow, fast).group_by, joined(slow, fast).group_wait) == (("label",), HOUR)
    assert joined(slow, Options()).group_by is None
    assert joined(Options(), slow).group_by is None


def test_two_routes_the_strictest_promise_and_every_step() -> None:
    strict, loose = Sla(HOUR, "office", HOUR / 4), Sla(2 * HOUR, None, HOUR)
    early, late = EscalationStep(HOUR, "a"), EscalationStep(2 * HOUR, "b")
    decision = joined(
        Options(repeat_interval=2 * HOUR, sla=loose, escalate=(late,)), Options(sla=strict, escalate=(early, late))
    )
    assert decision.sla == strict
    assert decision.escalate == (early, late)
    assert decision.repeat_interval == 2 * HOUR
    assert joined(Options(repeat_interval=2 * HOUR), Options(repeat_interval=HOUR)).repeat_interval == HOUR
