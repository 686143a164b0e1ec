"""Queries translated into the search of a source: never narrower than the query."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.query import Query, format_query, parse
from rules.search_terms import MOST, SearchTranslation, UntranslatableError, translate
from sources.base import Post, SearchDialect
from tests.rules.post_strategy import pairs
from tests.rules.posts import find
from tests.rules.search_engine import Search, readings

dialects = st.builds(
    SearchDialect,
    either=st.sampled_from(["OR", "|", ""]),
    without=st.sampled_from(["-", "NOT", ""]),
    has_phrases=st.booleans(),
    has_brackets=st.booleans(),
    has_nesting=st.booleans(),
    longest=st.sampled_from([30, 60, 500]),
)


def said(query: str, dialect: SearchDialect | None = None) -> SearchTranslation:
    return translate(parse(query), dialect or SearchDialect())


def is_found(translation: SearchTranslation, dialect: SearchDialect, asked: Post) -> bool:
    return any([Search(dialect, readings(asked)).finds(search) for search in translation.searches])


@settings(max_examples=200, deadline=None)
@given(pairs(), dialects)
def test_a_search_finds_whatever_the_query_finds(pair: tuple[Query, Post], dialect: SearchDialect) -> None:
    query, asked = pair
    try:
        translation = translate(query, dialect)
    except UntranslatableError:
        assume(False)
        raise
    found = is_found(translation, dialect, asked)  # also where the query does not: every search can be read
    if find(format_query(query), asked) and not translation.missed:
        assert found, translation


@pytest.mark.parametrize(
    ("query", "searches"),
    [
        ("acme", ("acme",)),
        ('acme OR "acme phone" OR @acme', ("(acme OR acmephone)",)),
        ('"acme phone"', ('("acme phone" OR acmephone)',)),
        ("müller", ("(müller OR mueller)",)),
        ("mueller", ("(mueller OR müller)",)),
        ("neue quelle", ("neue quelle",)),
        ("straße", ("(straße OR strasse)",)),
        ("{BT} AND `C++`", ('BT "C++"',)),
        ("AT&T wi-fi", ('"AT&T" ("wi-fi" OR wifi)',)),
        ("acme.com", ('("acme.com" OR acmecom OR "acme dot com" OR acmedotcom)',)),
        ("(a1 AND b1) OR c1", ("((a1 b1) OR c1)",)),
        ("acme AND (not OR or)", ('acme ("not" OR "or")',)),
        ("NOT (b1 OR c1) AND acme", ("acme -b1 -c1",)),
        ('acme NOT "acme arena"', ('acme -"acme arena"',)),
    ],
)
def test_forms(query: str, searches: tuple[str, ...]) -> None:
    assert said(query) == SearchTranslation(searches)


@pytest.mark.parametrize(
    ("query", "searches", "left_out"),
    [
        ("acme NEAR/5 phone", ("acme phone",), ("the distance of acme NEAR/5 phone",)),
        ('"acme phone"~3', ("acme phone",), ('the distance of "acme phone"~3',)),
        ("title:acme", ("acme",), ("the field of title:acme",)),
        ("acme AND lang:de AND rating:[1 TO 2]", ("acme",), ("lang:de", "rating:[1 TO 2]")),
        ("acme AND (broken OR compl*)", ("acme",), ("broken OR compl*",)),
        ("acme NOT müller", ("acme",), ("NOT müller",)),
        ("acme NOT (b1 AND c1)", ("acme",), ("(NOT b1) OR (NOT c1)",)),
        ("acme 🔥", ("acme",), ("🔥",)),
    ],
)
def test_what_is_left_out_is_named(query: str, searches: tuple[str, ...], left_out: tuple[str, ...]) -> None:
    assert said(query) == SearchTranslation(searches, left_out)


@pytest.mark.parametrize(
    ("query", "searches", "missed"),
    [
        ("acme OR compl*aint", ("acme",), ("compl*aint",)),
        ("lang:de AND (acme OR /x+y/)", ("acme",), ("/x+y/",)),
        ("acme OR (lang:de AND rating:[1 TO 2])", ("acme",), ("lang:de AND rating:[1 TO 2]",)),
    ],
)
def test_what_will_be_missed_is_named(query: str, searches: tuple[str, ...], missed: tuple[str, ...]) -> None:
    translation = said(query)
    assert (translation.searches, translation.missed) == (searches, missed)


@pytest.mark.parametrize("query", ["compl*aint", "/abc/", "lang:de", "🔥", "site:acme.com OR rating:[1 TO 2]"])
def test_what_cannot_be_said_at_all_is_refused(query: str) -> None:
    with pytest.raises(UntranslatableError, match="nothing of this query"):
        said(query)


def test_without_or_each_alternative_is_a_search() -> None:
    assert said("(a1 OR b1) AND c1", SearchDialect(either="")).searches == ("a1 c1", "b1 c1")


def test_without_brackets_or_stands_alone() -> None:
    plain = SearchDialect(has_brackets=False)
    assert said("a1 OR b1", plain).searches == ("a1 OR b1",)
    assert said("(a1 OR b1) AND c1", plain).searches == ("a1 c1", "b1 c1")


def test_without_nesting_brackets_hold_alternatives_only() -> None:
    flat = SearchDialect(has_nesting=False)
    assert said("(a1 AND b1) OR (c1 AND (d1 OR e1))", flat).searches == ("a1 b1", "c1 (d1 OR e1)")


def test_without_phrases_their_words_are_asked_for() -> None:
    assert said('"acme phone"', SearchDialect(has_phrases=False)).searches == ("((acme phone) OR acmephone)",)


def test_without_not_it_is_left_out() -> None:
    assert said("acme NOT arena", SearchDialect(without="")) == SearchTranslation(("acme",), ("NOT arena",))


def test_a_long_query_is_split() -> None:
    names = [f"brand{number}" for number in range(100)]
    searches = said(" OR ".join(names), SearchDialect(longest=100)).searches
    assert max(map(len, searches)) <= 100
    assert len(searches) < 20
    assert [name for search in searches for name in search.strip("()").split(" OR ")] == names


def test_too_many_combinations_become_a_wider_search() -> None:
    one, other = (" OR ".join(f"{letter}{number}" for number in range(10)) for letter in "ab")
    translation = said(f"({one}) AND ({other})", SearchDialect(either=""))
    assert len(translation.searches) == 10 < MOST
    assert len(translation.left_out) == 1
    assert "too many combinations" in translation.left_out[0]


def test_a_word_longer_than_a_search_is_missed() -> None:
    translation = said(f"acme OR {'x' * 50}", SearchDialect(longest=40))
    assert (translation.searches, translation.missed) == (("acme",), ("x" * 50,))
