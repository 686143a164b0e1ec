"""What long queries find and leave out, read together by one engine as a daemon would."""

from __future__ import annotations

import pytest

from rules.base import Watchlist, WatchlistKind
from rules.matching import QueryMatcher
from rules.query import format_query, parse
from sources.base import Post
from tests.rules.posts import find, post
from tests.rules.power_queries import SERVICE, PowerQuery
from tests.rules.power_queries_market import MARKET

POWER_QUERIES = (*SERVICE, *MARKET)
every_query = pytest.mark.parametrize("power", POWER_QUERIES, ids=lambda power: power.name)


def as_post(asked: str | Post) -> Post:
    return post(asked) if isinstance(asked, str) else asked


def test_there_are_at_least_twenty_five() -> None:
    assert len({power.name for power in POWER_QUERIES}) == len(POWER_QUERIES) >= 25
    assert all(min(len(power.found), len(power.left_out)) >= 3 for power in POWER_QUERIES)


@every_query
def test_what_it_must_find(power: PowerQuery) -> None:
    assert [asked for asked in power.found if find(power.query, as_post(asked)) is None] == []


@every_query
def test_what_it_must_leave_out(power: PowerQuery) -> None:
    assert [asked for asked in power.left_out if find(power.query, as_post(asked))] == []


@every_query
def test_its_canonical_form_means_the_same(power: PowerQuery) -> None:
    again = format_query(parse(power.query))
    assert parse(again) == parse(power.query)


def test_one_engine_over_all_answers_as_each_alone() -> None:
    watchlists = [Watchlist(power.name, WatchlistKind.BRAND, power.query) for power in POWER_QUERIES]
    matcher, each = QueryMatcher(watchlists), [QueryMatcher([watchlist]) for watchlist in watchlists]
    for asked in (as_post(asked) for power in POWER_QUERIES for asked in (*power.found, *power.left_out)):
        alone = {found.watchlist for single in each for found in single.match(asked)}
        assert {found.watchlist for found in matcher.match(asked)} == alone
