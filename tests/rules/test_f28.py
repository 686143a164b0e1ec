"""Fault 28 and hostile input: a clear error, or an answer in linear time. Times are of the CPU and generous."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from rules.lint import lint
from rules.query import QueryError, format_query, parse
from tests.rules.posts import find, post


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.process_time()
    yield
    assert time.process_time() - started < seconds


def marked(query: str, text: str) -> list[str]:
    found = find(query, post(text))
    return [text[span.start : span.end] for span in found.spans] if found else []


def refusal(query: str) -> QueryError:
    with within(5), pytest.raises(QueryError) as refused:
        parse(query)
    assert len(str(refused.value)) < 2000, "the message holds the whole query"
    return refused.value


@pytest.mark.parametrize("text", ["a" * 10**6, "a" * 10**6 + "!", "a " * 10**5 + "!"])
def test_f28_a_regex_that_would_backtrack_is_linear_in_queries(text: str) -> None:
    with within(10):
        assert bool(marked("/(a+)+$/", text)) == text.endswith("a")


@pytest.mark.parametrize(
    "pattern", ["acme(?= phone)", "acme(?! phone)", "(?<=acme) phone", "(?<!acme) phone", r"(a)\1", "(?P<x>a)(?P=x)"]
)
def test_f28_look_around_and_references_are_refused(pattern: str) -> None:
    refused = refusal(f"/{pattern}/")
    assert (refused.line, refused.column) >= (1, 1)
    assert "^" in str(refused)


@pytest.mark.parametrize(
    "query", ["", "   ", "//", "/()/", "/a*/", "/^$/", "/|a/", '""', "()", "``", "{}", "<<< nothing >>>"]
)
def test_f28_what_says_nothing_is_refused(query: str) -> None:
    assert refusal(query).message


@pytest.mark.parametrize(
    "pattern", ["a" * 10**6, "(a|b)" * 10**5, "(((a{1,99}){1,99}){1,99})", "(" * 10**4 + "a" + ")" * 10**4]
)
def test_f28_a_huge_pattern_is_refused(pattern: str) -> None:
    assert refusal(f"/{pattern}/").message


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("ГАЗ", "ГАЗ, газ, Газпром, газета", ["ГАЗ", "газ"]),
        ("straße", "Straße STRASSE STRAẞE strasse Straßen Hauptstraße", ["Straße", "STRASSE", "STRAẞE", "strasse"]),
        ("C++", "C++, C, C#, C++11, Objective-C++", ["C++", "C++"]),
        ("`C++`", "C++, c++, C, C++11", ["C++", "C++"]),
        ("東京", "私は東京都に、京東", ["東京"]),
        ("東京 NEAR/2 acme", "東京の Acme", ["東京", "Acme"]),
        ("*straße", "Hauptstrasse, Hauptstraßen", ["Hauptstrasse"]),
        ("{ГАЗ}", "ГАЗ газ", ["ГАЗ"]),
        ('"#\u0345"', "x #\u0345 y", ["#\u0345"]),
    ],
)
def test_f28_literal_terms_have_right_boundaries(query: str, text: str, expected: list[str]) -> None:
    assert marked(query, text) == expected


def test_f28_a_query_of_a_megabyte_is_refused() -> None:
    for query in ("acme OR " * 130_000 + "acme", '"' + "a " * 500_000 + '"', "a" * 10**6, "-" * 10**6, "(" * 10**6):
        assert refusal(query).message


@pytest.mark.parametrize(
    "query",
    [
        "(" * 10_000 + "acme" + ")" * 10_000,
        "-(" * 10_000 + "acme" + ")" * 10_000,
        "NOT (" * 10_000 + "acme" + ")" * 10_000,
        "(acme OR " * 10_000 + "acme" + ")" * 10_000,
        "title:(" * 10_000 + "acme" + ")" * 10_000,
        "(acme NEAR/2 " * 7_000 + "acme" + ")" * 7_000,
        "<<<" * 10_000,
        "[" * 10_000,
        "{" * 10_000,
        "`" * 9_999,
        '"' * 9_999,
    ],
    ids=lambda query: query[:12],
)
def test_f28_ten_thousand_brackets_are_refused(query: str) -> None:
    assert refusal(query).message


@pytest.mark.parametrize(
    "query",
    [
        "a NEAR/999999 b",
        "a NEAR/99999999999999999999999 b",
        "a NEAR/-1 b",
        "a NEAR b NEAR c",
        '"a b"~999999',
        '"acme"~~2',
        "*a*",
        "*",
        "**",
        "?" * 50,
        "a?b",
        "rating:[1 TO 99999999999999999999x]",
        "followers:[many TO *]",
        "nosuchfield:x",
        "site:",
        "\u200b",
        "\u202e\u202c",
        "\x00",
        "acme AND AND acme",
        "acme lang:\udc96e?",
        "acme\ud800",
        "re" + "(" * 40 + "OR a " + "(" * 70 + "b)",
    ],
    ids=lambda query: query[:20],
)
def test_f28_what_asks_for_too_much_or_nothing_is_refused(query: str) -> None:
    assert refusal(query).message


@pytest.mark.parametrize(
    "piece",
    [
        "w{0}",
        '"w{0} x"~9',
        "w{0}*",
        "(w{0} NEAR/9 x)",
        "site:w{0}.de",
        "{{W{0}}}",
        "/w{0}a*/",
        "rating:[1 TO {0}]",
        "`w{0}+`",
    ],
)
@pytest.mark.parametrize("joint", [" OR ", " AND ", " AND -"])
def test_f28_the_longest_query_costs_linear_time(piece: str, joint: str) -> None:
    with within(30):
        several = joint.join(piece.format(number) for number in range(100, 5000))
        whole = several[: several.rindex(joint, 0, 70_000)] if len(several) > 70_000 else several
        query = f"acme AND ({whole})" if joint == " OR " else f"acme AND {whole}"
        tree = parse(query)
        assert parse(format_query(tree)) == tree
        lint(tree, query)
        find(query, post("acme w100 w4000 x " * 100, url="https://w200.de/", rating=200.0))


LONG_POSTS = {
    "words": "acme baut phone " * 130_000,
    "one word": "a" * 10**7,
    "symbols": "+#@" * 10**5,
    "marks": "\u0301" * 10**6,
    "unseen": "\u200b" * 10**6 + "acme",
    "bidi": "\u202eacme\u202c " * 10**5,
    "decomposed": "mu\u0308ller " * 10**5,
    "unspaced": "東京" * 10**5,
    "brackets": "[.](dot)" * 10**5,
    "broken": "\ud800" * 10**5,
    "addresses": "https://acme.com/ " * 10**4,
}
LONG_QUERY = """
    (acme NEAR/30 nowhere) OR ("acme nowhere"~30) OR (acme* NEAR/9f (*where OR nowhere)) OR @acme_help OR "+ b"
    OR {Nowhere} OR `nowhere` OR /(a+)+nowhere/ OR (links:nowhere.com) OR nowhere.com OR "東 京 無" OR 🔥
"""


@pytest.mark.parametrize("name", LONG_POSTS)
def test_f28_a_post_of_megabytes_costs_linear_time(name: str) -> None:
    text = LONG_POSTS[name] + " x" * 2000 + " nowhere"  # with the rare word at the end every part is evaluated
    with within(5 + 6e-6 * len(text)):
        assert find(LONG_QUERY, post(text, url=text, author=text)) is not None


@pytest.mark.parametrize(
    "query",
    [
        "acme NEAR/1000 phone",
        '"acme phone"~1000',
        "(acme OR a) NEAR/1000f (phone OR a)",
        "acme* NEAR/1000 phon*",
        '"a b c"~1000',
    ],
)
def test_f28_nearness_costs_no_square_of_what_is_found(query: str) -> None:
    with within(15):
        assert find(query, post("acme phone a b c " * 20_000))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("müller", "MÜLLER"),
        ("mueller", "müller"),
        ("straße", "STRAẞE"),
        ("istanbul", "İSTANBUL"),
        ("istanbul", "ıstanbul"),
        ("ISTANBUL", "istanbul"),
        ("İstanbul", "ISTANBUL"),
        ("acme", "a\u200bc\u200dm\ufeffe"),
        ("acme", "\u202eac\u2066me\u2069\u202c"),
        ("ac\u200bme", "acme"),
        ('"acme phone"', "acme\u00a0phone"),
        ("mül*", "MÜLLER"),
        ("fisch", "ﬁsch"),
        ("{Müller}", "Müller"),
    ],
)
def test_f28_spellings_that_look_alike_are_found(
    query: str, text: str, form: Literal["NFC", "NFD", "NFKC", "NFKD"]
) -> None:
    for spelt_query in (query, unicodedata.normalize(form, query)):
        spelt = unicodedata.normalize(form, text)
        assert marked(spelt_query, f"vor {spelt}, nach") != []
