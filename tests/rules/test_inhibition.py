"""Inhibition: who keeps whom quiet, in what they must agree, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rules.base import Label, Match, Mention, Sentiment, Verdict, Watchlist, WatchlistKind
from rules.inhibition import InhibitRule, Routed, is_inhibited
from rules.matchers import parse_matcher
from sources.base import Post

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def routed(*tags: str, watchlist: str = "acme", author: str | None = "kim", at: datetime = AT) -> Routed:
    post = Post(source="news", external_id="1", text="Acme", published_at=AT, author=author)
    verdict = Verdict({Label(tag): 0.9 for tag in tags}, tags, Sentiment.NEGATIVE, "de")
    mention = Mention(post, Watchlist(watchlist, WatchlistKind.BRAND, "acme"), Match(watchlist, (), ()), verdict)
    return Routed(mention, "feed", at)


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule((parse_matcher(source),), (parse_matcher(target),), equal)


CRISIS = rule("label = crisis", "label = complaint", "watchlist")


def test_a_crisis_keeps_the_complaints_of_its_watchlist_quiet() -> None:
    assert is_inhibited(CRISIS, routed("crisis"), routed("complaint"), AT)
    assert not is_inhibited(CRISIS, routed("crisis"), routed("complaint", watchlist="globex"), AT)
    assert not is_inhibited(CRISIS, routed("crisis"), routed("question"), AT)
    assert not is_inhibited(CRISIS, routed("complaint"), routed("complaint"), AT)


@pytest.mark.parametrize(
    ("after", "expected"),
    [(timedelta(), True), (HOUR - timedelta(seconds=1), True), (HOUR, False), (timedelta(seconds=-1), False)],
)
def test_it_lasts_from_the_source_on_as_long_as_the_rule_says(after: timedelta, expected: bool) -> None:
    assert is_inhibited(CRISIS, routed("crisis"), routed("complaint"), AT + after) is expected


def test_every_label_that_must_be_equal() -> None:
    both = rule("label = crisis", "label = complaint", "watchlist", "author")
    assert is_inhibited(both, routed("crisis"), routed("complaint"), AT)
    assert not is_inhibited(both, routed("crisis"), routed("complaint", author="lee"), AT)


def test_values_that_both_lack_are_equal() -> None:
    both = rule("label = crisis", "label = complaint", "author", "team")
    assert is_inhibited(both, routed("crisis", author=None), routed("complaint", author=None), AT)


def test_nothing_inhibits_itself_or_what_is_both_source_and_target() -> None:
    both = routed("crisis", "complaint")
    assert not is_inhibited(CRISIS, both, both, AT)
    assert not is_inhibited(CRISIS, both, routed("crisis", "complaint"), AT)


def test_what_is_both_is_inhibited_by_what_is_only_a_source_and_inhibits_what_is_only_a_target() -> None:
    both = routed("crisis", "complaint")
    assert is_inhibited(CRISIS, routed("crisis"), both, AT)
    assert is_inhibited(CRISIS, both, routed("complaint"), AT)
