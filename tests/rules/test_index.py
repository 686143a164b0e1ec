"""Which queries are looked at for a post, and that none which matches is left out."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.base import Watchlist, WatchlistKind
from rules.fields import Reader, host_of
from rules.frequency import Frequencies
from rules.index import QueryIndex
from rules.matching import QueryMatcher
from rules.query import Query, format_query, parse
from rules.requirements import longest_piece, requirements
from sources.base import Post
from tests.rules.post_strategy import posts
from tests.rules.posts import post
from tests.rules.strategies import queries

FREQUENCIES = Frequencies()


def required(query: str) -> set[frozenset[str]]:
    return set(requirements(parse(query), lambda keys: sum(map(FREQUENCIES.share, keys))))


def filed_under(*texts: str) -> list[list[str]]:
    index = QueryIndex([parse(text) for text in texts], FREQUENCIES)
    return [sorted(index.keys_of(number)) for number in range(len(texts))]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("acme", [{"acme"}]),
        ("Müller", [{"mueller"}]),
        ("wi-fi", [{"wi", "wifi"}, {"fi", "wifi"}]),
        ("C++", [{"c"}]),
        ("@acme", [{"acme"}]),
        ("🔥", [{"🔥"}]),
        ("$", []),
        ('"acme phone"', [{"acme", "acmephone"}, {"phone", "acmephone"}]),
        ('"acme phone"~3', [{"acme"}, {"phone"}]),
        ("acme phone -case", [{"acme"}, {"phone"}]),
        ("acme OR zendor", [{"acme", "zendor"}]),
        ("(acme AND the) OR (zendor AND and)", [{"acme", "zendor"}]),
        ("(a OR b) NEAR/3 acme", [{"a", "b"}, {"acme"}]),
        ("complain*", [{"complain*"}]),
        ("*versicherung", [{"*versicherung"}]),
        ("*müll*", [{"*muell*"}]),
        ("customi?e", [{"customi*"}]),
        ("{BT}", [{"bt"}]),
        ("`C++ Müller`", [{"c"}, {"muller"}]),
        ("/acme/", [{"*acme*"}]),
        (r"/(x|y)?gr(ö|oe)ße[nrs]?\s*:?\s*Mülleimer/", [{"*mulleimer*"}]),
        ("/rückruf|recall(ed)?/", [{"*ruckruf*", "*recall*"}]),
        ("/rückruf|ab/", []),
        ("/acmé/", []),
        ("title:/acme/", [{"*acme*"}]),
        ("url:/acme/", []),
        ("links:/acme/ AND acme", [{"acme"}]),
        ("acme AND /x+/", [{"acme"}]),
        ("site:Acme.com", [{"site:acme.com"}]),
        ("author:@Acme", [{"author:acme"}]),
        ("url:acme", [{"url:acme"}]),
        ("title:acme", [{"acme"}]),
        ("rating:[1 TO 2]", [{"rating:*"}]),
        ("acme OR rating:[1 TO 2]", [{"acme", "rating:*"}]),
        ("acme AND (NOT (b OR (NOT c)))", [{"acme"}, {"c"}]),
    ],
)
def test_what_a_query_requires(query: str, expected: list[set[str]]) -> None:
    assert required(query) == set(map(frozenset, expected))


def test_a_query_waits_for_its_rarest_words() -> None:
    assert filed_under("the AND zendor", "und OR (ist zendor)", "(the OR und) AND (acme OR zendor)") == [
        ["zendor"],
        ["und", "zendor"],
        ["acme", "zendor"],
    ]


def test_frequent_words_are_learnt_from_texts() -> None:
    learnt = Frequencies(["acme one", "acme two", "acme the"])
    index = QueryIndex([parse("acme AND the")], learnt)
    assert index.keys_of(0) == ["the"]


def test_words_of_many_queries_are_taken_for_frequent() -> None:
    filed = filed_under(*(f"brand{number:03} AND kettle{'s' * 9}" for number in range(100)))
    assert filed == [[f"brand{number:03}"] for number in range(100)]


@pytest.mark.parametrize(
    ("pattern", "piece"),
    [("ab*cdef*g", "*cdef*"), ("abc*de", "abc*"), ("a*b*c", "a*"), ("*abc", "*abc"), ("a?bcd", "*bcd")],
)
def test_the_longest_piece_of_a_wildcard_counts(pattern: str, piece: str) -> None:
    assert longest_piece(pattern) == piece


def test_only_queries_that_require_nothing_are_always_looked_at() -> None:
    texts = ["acme", "/[0-9]+/", "/a+/", "acme OR /a+/", "acme AND /a+/"]
    index = QueryIndex([parse(text) for text in texts], FREQUENCIES)
    assert index.always == (1, 2, 3)
    assert index.candidates(Reader(post("nothing"))) == [1, 2, 3]
    assert index.candidates(Reader(post("Acme"))) == [0, 1, 2, 3, 4]


def test_the_other_words_are_asked_for_too() -> None:
    index = QueryIndex([parse("zendor AND (kaputt OR defekt*) AND lang:de")], FREQUENCIES)
    assert index.candidates(Reader(post("Zendor", lang="de"))) == []
    assert index.candidates(Reader(post("Zendor defekter Akku", lang="en"))) == []
    assert index.candidates(Reader(post("Zendor defekter Akku", lang="de-AT"))) == [0]


@settings(max_examples=300, deadline=None)
@given(st.lists(queries, min_size=1, max_size=8), posts)
def test_the_index_leaves_out_no_match(some: list[Query], one: Post) -> None:
    matcher = QueryMatcher(
        [Watchlist(f"w{number}", WatchlistKind.BRAND, format_query(query)) for number, query in enumerate(some)]
    )
    assert matcher.match(one) == matcher.match_without_index(one)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Blog.Acme.com:8080/x?y#z", "blog.acme.com"),
        ("hxxps://acme[.]com/x", "acme.com"),
        ("http://acme(dot)com", "acme.com"),
        ("https://user:secret@acme.com", "acme.com"),
        ("http://acme.com\\@evil.com", "acme.com"),
        ("acme.com/x", ""),
        ("", ""),
    ],
)
def test_hosts(url: str, host: str) -> None:
    assert host_of(url) == host


MANY = [
    *("acme", '"acme phone"', '"a b c"~9', "acme NEAR/1000 phone", "complain*", "*aaa*", "*aba*ab*", "{Acme}", "`a`"),
    *("/(a+)+$/", "/a.*b.*c/", '"+ b"', "title:acme", "url:acme", "site:acme.com", "links:acme", "🔥", "東京"),
    *("(a OR b) NEAR/3f (a OR c)", "rating:[1 TO *]"),
]
HOSTILE = {
    "one word": "a" * 10**6,
    "many words": "a b acme phone " * 10**4,
    "symbols": "+ # a " * 10**4,
    "zero width": "ac\u200bme\u200b\u202e " * 10**4,
    "marks": "a\u0301" * 10**5,
    "decomposed": "Mu\u0308ller " * 10**4,
    "turkish": "İıIi " * 10**4,
    "sharp s": "STRAẞE" * 10**4,
    "unspaced": "東京" * 3 * 10**4,
    "emoji": "🔥\ufe0f" * 3 * 10**4,
    "links": "https://acme.com/x " * 10**4,
    "surrogates": "\ud800a" * 3 * 10**4,
    "distinct": " ".join(f"ä{number}" for number in range(10**4)),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_posts_cost_linear_time(name: str) -> None:
    matcher = QueryMatcher([Watchlist(query, WatchlistKind.BRAND, query) for query in MANY])
    text = HOSTILE[name]

    def cost(of: str) -> float:
        one = Post(source="s", external_id="1", text=of, url=of[:9999], published_at=datetime(2026, 1, 1, tzinfo=UTC))
        started = time.process_time()
        matcher.match(one)
        return time.process_time() - started

    short = cost(text[: len(text) // 4])
    assert cost(text) < 16 * max(short, 0.1)  # four times the text: four times the cost, with room for the machine
