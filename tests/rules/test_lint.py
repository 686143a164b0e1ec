"""What the linter says of queries, and where."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from rules.lint import Level, lint
from rules.query import Query, format_query, parse
from tests.rules.strategies import queries


def findings(query: str) -> list[tuple[str, str, int]]:
    return [(finding.level, finding.message, finding.column) for finding in lint(parse(query), query)]


@pytest.mark.parametrize(
    ("query", "level", "column", "message"),
    [
        ("the", "warning", 1, "`the` alone is enough"),
        ("acme OR für", "warning", 9, "commonest words"),
        ("acme OR x", "warning", 9, "single letter"),
        ('"und" OR acme', "warning", 1, "commonest words"),
        ("title:die", "warning", 1, "commonest words"),
        ("the lang:de", "warning", 1, "commonest words"),
        ("lang:de", "warning", 1, "every post of this language"),
        ("rating:[* TO *]", "warning", 1, "every post with a value"),
        ("acme NOT (the OR jobs)", "warning", 11, "NOT `the` removes nearly everything"),
        ("acme und phone", "warning", 6, "`und` is a word here; write AND"),
        ("acme ODER phone", "warning", 6, "`ODER` is a word here; write OR"),
        ("acme nicht jobs", "warning", 6, "`nicht` is a word here; write NOT"),
        ("acme and phone", "warning", 6, "`and` is a word here; write AND"),
        ("acme, globex", "warning", 1, "write OR between"),
        ('acme "phone AND case"', "hint", 6, "plain words"),
        ("acme NEAR/31 phone", "warning", 1, "NEAR/31 joins"),
        ("title:(acme NEAR/99 phone)", "warning", 8, "NEAR/99 joins"),
        ("acme OR acme OR b1", "hint", 1, "2 times"),
        ("acme rating:[3 TO 1]", "error", 6, "is empty"),
        ("acme kind:reviews", "error", 6, "did you mean `review`"),
        ("acme lang:deu", "error", 6, "write `lang:de`"),
        ("acme lang:qq", "error", 6, "no language of two letters"),
        ("acme lang:de AND lang:en", "error", 18, "never hold at once"),
        ("acme site:a.com AND site:b.com", "error", 21, "never hold at once"),
        ("acme rating:[1 TO 2] AND rating:[4 TO 5]", "error", 26, "never hold at once"),
        ("acme NOT acme", "error", 1, "NOT `acme` removes everything"),
        ("acme NOT (phone OR acme)", "error", 1, "NOT `acme` removes everything"),
        ("(acme (b1 OR c1)) NOT (d1 OR acme)", "error", 2, "NOT `acme` removes everything"),
        ('"acme phone" NOT acme', "warning", 2, "NOT `acme` removes everything"),
        ('"acme phone" NOT Phone', "warning", 18, "NOT `Phone` removes everything"),
        ("complaint NOT complain*", "warning", 15, r"NOT `complain\*` removes everything"),
        ("title:acme NOT acme", "warning", 7, "NOT `acme` removes everything"),
        ("site:blog.acme.com NOT site:acme.com", "warning", 24, "removes everything"),
        ("(acme OR globex) NOT globex", "warning", 10, "removes all that `globex` finds"),
        (r"acme /\d+/", "warning", 6, "no fixed text"),
        (r"acme /phone\b/", "hint", 6, "ASCII letters only"),
        (" OR ".join(f"*acme{number}" for number in range(11)), "hint", 1, "11 wildcards"),
    ],
)
def test_findings(query: str, level: str, column: int, message: str) -> None:
    (found,) = findings(query)
    assert found[0] == level
    assert found[2] == column
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(found[1])


@pytest.mark.parametrize(
    "query",
    [
        "acme",
        "acme the",
        "acme lang:de",
        "acme NOT lang:de",
        "{IT} OR `A`",
        "acme AND (die OR b1)",
        "東 OR acme",
        "acme NEAR/30 phone",
        "acme NOT phone",
        "acme NOT {ACME}",
        'acme NOT "acme arena"',
        "acme NOT title:acme",
        "acme NOT (acme lang:en)",
        "site:acme.com NOT site:blog.acme.com",
        "acme site:a.com site:b.com",
        "acme site:a.com AND site:b.a.com",
        "rating:[1 TO 2] AND rating:[2 TO *] acme",
        "author:acme*",
        '"und" acme',
        "@the OR #x",
        "/(phone|fon)s{0,2} kaputt/ acme",
        "/acme|globex/",
        r"/[a-z]{3} acme\.com/",
    ],
)
def test_good_queries_have_no_findings(query: str) -> None:
    assert findings(query) == []


@pytest.mark.parametrize(
    "pattern", ["a?c?m?e", "ac|me", "(acme)?x", "acm*", "[acme]{9}", r"a.c.m.e", r"\d\d\d\d", "a{0,9}bc"]
)
def test_regular_expressions_without_fixed_text(pattern: str) -> None:
    assert "no fixed text" in findings(f"acme /{pattern}/")[0][1]


def test_the_gravest_stand_first() -> None:
    levels = [level for level, _, _ in findings(r"/\bacme phone/ und lang:deu acme")]
    assert levels == [Level.ERROR, Level.WARNING, Level.HINT]


def test_findings_on_later_lines_say_the_line() -> None:
    query = "acme\n  OR the"
    (finding,) = lint(parse(query), query)
    assert (finding.line, finding.column) == (2, 6)


@given(queries)
def test_every_query_can_be_linted(query: Query) -> None:
    source = format_query(query)
    for finding in lint(query, source):
        assert 1 <= finding.column <= len(source) + 1


def test_long_queries_are_linted_in_time() -> None:
    query = f"({' OR '.join(f'brand{n}' for n in range(3000))}) NOT ({' OR '.join(f'no{n}*' for n in range(3000))})"
    read = parse(query)
    started = time.process_time()
    lint(read, query)
    assert time.process_time() - started < 5


def test_alternatives_within_nested_groups_of_a_regex_are_read() -> None:
    query = "/stell(ung|(num(m)e)r)/"
    assert [finding.message for finding in lint(parse(query), query) if "fixed text" in finding.message] == []
