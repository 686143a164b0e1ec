"""The engine and the naive reference say the same of thousands of random pairs of a query and a post."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from rules.base import Match, Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from rules.query import Query, format_query, parse
from sources.base import Post
from tests.rules.post_strategy import questions
from tests.rules.power_queries import SERVICE, PowerQuery
from tests.rules.power_queries_market import MARKET
from tests.rules.reference import Answer, answer
from tests.rules.test_german_cases import CASES, Case, is_as_expected, post_of
from tests.rules.test_power_queries import as_post

PAIRS = int(os.environ.get("MENTIOND_PAIRS", "2500"))  # `make pairs` compares ten thousand
POSTS = 4  # for each query: drawing a query costs more than asking it


def compare(query: Query, posts: Iterable[Post]) -> list[Answer | None]:
    """What the reference says of each post, after proof that the engine says the same."""
    written = format_query(query)
    matcher, read = QueryMatcher([Watchlist("w", WatchlistKind.BRAND, written)]), parse(written)
    answers = []
    for post in posts:
        (found,) = matcher.match(post) or (None,)
        expected = answer(read, post)
        assert as_answer(found) == expected, (written, post.title, post.text)
        answers.append(expected)
    return answers


def as_answer(found: Match | None) -> Answer | None:
    return Answer(found.spans, found.terms) if found else None


def test_random_pairs() -> None:
    counts: Counter[bool] = Counter()

    @settings(
        max_examples=PAIRS // POSTS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(questions(POSTS))
    def each(question: tuple[Query, list[Post]]) -> None:
        counts.update(found is not None for found in compare(*question))

    each()
    assert counts.total() >= PAIRS
    assert counts[True] >= PAIRS // 4, "too few of the pairs match to prove much"
    assert counts[False] >= PAIRS // 4, "too few of the pairs do not match to prove much"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.query[:30]}-{case.text[:30]}")
def test_the_reference_finds_what_a_care_team_must_find(case: Case) -> None:
    assert is_as_expected(case, answer(parse(case.query), post_of(case)))


@pytest.mark.parametrize("power", [*SERVICE, *MARKET], ids=lambda power: power.name)
def test_both_say_the_same_of_long_queries(power: PowerQuery) -> None:
    query = parse(power.query)
    compare(query, map(as_post, (*power.found, *power.left_out)))
