"""Reading queries: what they mean, and what is said where they cannot be read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.query import (
    And,
    Domain,
    Exact,
    Field,
    Literal,
    Near,
    Not,
    Or,
    Phrase,
    Query,
    QueryError,
    Range,
    Regex,
    Value,
    Wildcard,
    Word,
    format_query,
    parse,
    term_of,
)
from tests.rules.strategies import queries, wild_literals, wild_phrases

A, B, C = Word("a"), Word("b"), Word("c")
WILD = Wildcard("customi?e")
SITE = Field("site", Value("acme.com"))
AND_OF_NEARS = And((Near(Domain("acme.com"), Exact("BT"), 2), Not(Near(Literal("C++"), Wildcard("com*"), 2))))


def sites(*hosts: str) -> Or:
    return Or(tuple(Field("site", Value(host)) for host in hosts))


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("a", A),
        (" a\n", A),
        ("a b", And((A, B))),
        ("a AND b c", And((A, B, C))),
        ("a OR b OR c", Or((A, B, C))),
        ("a NOT b", And((A, Not(B)))),
        ("a AND NOT b", And((A, Not(B)))),
        ("-b a", And((Not(B), A))),
        ("a -(b OR c)", And((A, Not(Or((B, C)))))),
        ("(a OR b) c", And((Or((A, B)), C))),
        ("a(b)", And((A, B))),
        ("a AND (b OR (NOT c))", And((A, Or((B, Not(C)))))),
        ("NOT (NOT a)", Not(Not(A))),
        ('"a b"', Phrase("a b")),
        ("„a b“ OR “c”", Or((Phrase("a b"), Phrase("c")))),
        ('a -"b c"', And((A, Not(Phrase("b c"))))),
        ('"a (OR) AND"', Phrase("a (OR) AND")),
        (
            "and or not ORACLE NOTE ANDY",
            And((Word("and"), Word("or"), Word("not"), Word("ORACLE"), Word("NOTE"), Word("ANDY"))),
        ),
        ("wi-fi C++ #tag", And((Word("wi-fi"), Word("C++"), Word("#tag")))),
        ("@me $ACME 🔥", And((Word("@me"), Word("$ACME"), Word("🔥")))),
        ("https://acme.com/a", Word("https://acme.com/a")),
        ("ГАЗ 東京 straße", And((Word("ГАЗ"), Word("東京"), Word("straße")))),
        ("10:30 a", And((Word("10:30"), A))),
        ("acme.com", Domain("acme.com")),
        ("acme[.]com", Domain("acme.com")),
        ("Blog.Acme.de", Domain("Blog.Acme.de")),
        ("3.14 U.S v1.2", And((Word("3.14"), Word("U.S"), Word("v1.2")))),
        ('"acme.com"', Phrase("acme.com")),
        ('"acme phone"~3', Phrase("acme phone", 3)),
        ("a NEAR/5 b", Near(A, B, 5)),
        ("a NEAR/0f b", Near(A, B, 0, True)),
        ("(a OR b) NEAR/5 (c OR (a OR b))", Near(Or((A, B)), Or((C, Or((A, B)))), 5)),
        ("(a NEAR/5 b) NEAR/9 c", Near(Near(A, B, 5), C, 9)),
        ("a NEAR/9 (b OR (b NEAR/0f c))", Near(A, Or((B, Near(B, C, 0, True))), 9)),
        ("a b NEAR/5 c", And((A, Near(B, C, 5)))),
        ("a OR b NEAR/5 c", Or((A, Near(B, C, 5)))),
        ("a -b NEAR/5 c", And((A, Not(Near(B, C, 5))))),
        ("acme.com NEAR/2 {BT} NOT (`C++` NEAR/2 com*)", AND_OF_NEARS),
        ("complain* *versicherung customi?e", And((Wildcard("complain*"), Wildcard("*versicherung"), WILD))),
        ("com**", Wildcard("com*")),
        ("kündig*", Wildcard("kündig*")),
        ("ku\u0308ndig*", Wildcard("ku\u0308ndig*")),
        ("{BT} OR {Acme Phone}", Or((Exact("BT"), Exact("Acme Phone")))),
        ('`C++` OR ` (a OR "b") `', Or((Literal("C++"), Literal(' (a OR "b") ')))),
        (r"/colou?r \/ (a|b)/ a", And((Regex(r"colou?r \/ (a|b)"), A))),
        ("and/or", Word("and/or")),
        ("a<<< NOT (b >>>b", And((A, B))),
        ("<<< a\n b >>> a", A),
        ('"a <<< b >>>"', Phrase("a <<< b >>>")),
        ("title:a", Field("title", A)),
        ("Title: a", Field("title", A)),
        ("title:(a OR NOT_b)", Or((Field("title", A), Field("title", Word("NOT_b"))))),
        ("title:(a NOT b)", And((Field("title", A), Not(Field("title", B))))),
        ("text:(a NEAR/5 b)", Field("text", Near(A, B, 5))),
        ("url:acme.com/shop", Field("url", Word("acme.com/shop"))),
        ("links:acme.com", Field("links", Domain("acme.com"))),
        ("site:acme.com", SITE),
        ("site:https://www.Acme.com/", SITE),
        ("site:*.acme[.]com", SITE),
        ('site:"acme.com"', SITE),
        ('author:"Jo Doe"', Field("author", Value("Jo Doe"))),
        ("author:@acme", Field("author", Value("@acme"))),
        ("author:acme*", Field("author", Wildcard("acme*"))),
        ("author:/^acme/", Field("author", Regex("^acme"))),
        ("lang:DE", Field("lang", Value("de"))),
        ("kind:Review", Field("kind", Value("review"))),
        ("thread:t3_1abc", Field("thread", Value("t3_1abc"))),
        ("subreddit:r/acme", Field("subreddit", Value("acme"))),
        ("source:(heise OR golem)", Or((Field("source", Value("heise")), Field("source", Value("golem"))))),
        ("rating:[1 TO 2]", Range("rating", 1, 2)),
        ("rating:2.5", Range("rating", 2.5, 2.5)),
        ("rating:(1 OR 5)", Or((Range("rating", 1, 1), Range("rating", 5, 5)))),
        ("followers:[1000 to *]", Range("followers", 1000, None)),
        ("engagement:[ * TO -1 ]", Range("engagement", None, -1)),
    ],
)
def test_meaning(query: str, meaning: Query) -> None:
    assert parse(query) == meaning


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("site:a.de site:b.de a", And((sites("a.de", "b.de"), A))),
        ("a site:a.de site:b.de b", And((A, sites("a.de", "b.de"), B))),
        ("site:a.de a site:b.de", And((Field("site", Value("a.de")), A, Field("site", Value("b.de"))))),
        ("site:a.de AND site:b.de", And((Field("site", Value("a.de")), Field("site", Value("b.de"))))),
        ("a -site:a.de -site:b.de", And((A, Not(Field("site", Value("a.de"))), Not(Field("site", Value("b.de")))))),
        ("site:a.de site:b.de OR a", Or((sites("a.de", "b.de"), A))),
        ("rating:1 rating:[4 TO 5]", Or((Range("rating", 1, 1), Range("rating", 4, 5)))),
        ("site:(a.de b.de)", sites("a.de", "b.de")),
        ("site:(a.de b.de -c.de)", And((sites("a.de", "b.de"), Not(Field("site", Value("c.de")))))),
        ("title:a title:(b c)", Or((Field("title", A), And((Field("title", B), Field("title", C)))))),
    ],
)
def test_adjacent_terms_of_one_field_form_an_or_group(query: str, meaning: Query) -> None:
    assert parse(query) == meaning


@pytest.mark.parametrize(
    ("query", "line", "column", "message"),
    [
        ("", 1, 1, "empty"),
        ("  \n ", 1, 1, "empty"),
        ("a AND", 1, 3, "`AND` needs something after it"),
        ("a\nOR", 2, 1, "`OR` needs something after it"),
        ("AND a", 1, 1, "on either side"),
        ("a OR OR b", 1, 6, "on either side"),
        ("a AND OR b", 1, 7, "on either side"),
        ("a (b", 1, 3, "never closed"),
        ('a ")" (b', 1, 7, "never closed"),
        ("a b)", 1, 4, "closes nothing"),
        ("a ()", 1, 4, "nothing stands in these brackets"),
        ('a\n b "c', 2, 4, "quote is never closed"),
        ("a - b", 1, 3, "no letter"),
        ('a "..."', 1, 3, "no letter"),
        ("NOT NOT a", 1, 5, "one NOT is enough"),
        ("a --b", 1, 4, "one NOT is enough"),
        ("NOT a", 1, 1, "only what to leave out"),
        ("-a -b", 1, 1, "only what to leave out"),
        ("a OR (NOT b)", 1, 1, "only what to leave out"),
        ("NOT (a AND b)", 1, 1, "only what to leave out"),
        ("(" * 101 + "a" + ")" * 101, 1, 101, "100 brackets"),
        ("a " * 60_000, 1, 1, "120,000 characters"),
    ],
)
def test_unreadable_queries_say_where_and_why(query: str, line: int, column: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as raised:
        parse(query)
    assert (raised.value.line, raised.value.column) == (line, column)


@pytest.mark.parametrize(
    ("query", "readings"),
    [
        ("a AND b OR c", ["`(a AND b) OR c`", "`a AND (b OR c)`"]),
        ("a b OR c d", ["`(a AND b) OR (c AND d)`", "`a AND (b OR c) AND d`"]),
        ("a OR b -c", ["`a OR (b AND -c)`", "`(a OR b) AND -c`"]),
        ("(a OR b) c OR d", ["`((a OR b) AND c) OR d`", "`(a OR b) AND (c OR d)`"]),
        ("a OR NOT b", ["`a OR (NOT b)`"]),
        ("x (a b OR c)", ["`(a AND b) OR c`", "`a AND (b OR c)`"]),
    ],
)
def test_mixed_operators_show_the_readings(query: str, readings: list[str]) -> None:
    with pytest.raises(QueryError, match="need brackets") as raised:
        parse(query)
    assert [reading for reading in raised.value.message.split(": ", 1)[1].split(" or ")] == readings


@pytest.mark.parametrize(
    ("query", "column", "message"),
    [
        ("<<< note >>>", 1, "nothing but a comment"),
        ("a <<< note", 3, "comment is never closed"),
        ("a {BT", 3, "brace is never closed"),
        ("a BT}", 5, "brace closes nothing"),
        ("a `C++", 3, "backtick is never closed"),
        ("a ` `", 3, "no character"),
        ("a {...}", 3, "no letter"),
        ("a {B*}", 5, r"`\*` does not work within braces"),
        ("a NEAR b", 3, "write `NEAR/5`"),
        ("a NEAR/x b", 3, "write `NEAR/5`"),
        ("a near/5F b", 3, "write `NEAR/5f`"),
        ("a NEAR/999999 b", 3, "at most 1000 words"),
        ("a NEAR/99999999999999 b", 3, "write `NEAR/5`"),
        ("NEAR/5 a", 1, "on either side"),
        ("a NEAR/5", 3, "`NEAR/5` needs something after it"),
        ("a NEAR/5 NOT b", 10, "cannot be followed by NOT"),
        ("a NEAR/5 b NEAR/3 c", 12, r"write `\(a NEAR/5 b\) NEAR/3 c` or `\(a NEAR/5 b\) AND \(b NEAR/3 c\)`"),
        ("a NEAR/5 (b AND c)", 10, "only words, phrases and ORs"),
        ("a NEAR/5 (b OR (c -a))", 10, "only words, phrases and ORs"),
        ("a NEAR/5 title:b", 10, r"write `title:\(a NEAR/5 b\)`"),
        ("a NEAR/5 site:b.de", 10, "no field can stand"),
        ("a NEAR/5 /b/", 10, "no regular expression"),
        ('a NEAR/5 "b c"~2', 10, "no phrase with `~`"),
        ('"a b"~', 6, "only `~` and a number"),
        ('"a b"~x', 6, "only `~` and a number"),
        ('"a b"~1001', 6, "at most 1000 words"),
        ('"acme"~3', 1, "two words or more"),
        ('"acme Acme"~3', 1, "`acme` and `Acme` are one word"),
        ('"müller mueller"~3', 1, "are one word"),
        ('"a ..."~3', 1, "no letter"),
        ("acme~", 5, "`~` finds no similar words"),
        ("acme~0.8", 5, "`~` finds no similar words"),
        ("~acme", 1, "`~` finds no similar words"),
        ("*a*", 1, "at least 3 letters"),
        ("com*\u0301x", 5, "within one word"),
        ("ab*", 1, "at least 3 letters"),
        ("a *", 3, "at least 3 letters"),
        ("a ???", 3, "at least 3 letters"),
        ("wi-fi*", 3, "write `wi NEAR/0f fi"),
        ("#acme*", 1, r"write `acme\*`, which also finds it after `#`"),
        ("acme.co*", 5, "within one word"),
        ("東京*", 1, "without spaces"),
        ('"complain* about"', 10, r"write `complain\* NEAR/0f about`"),
        ('"why me?"', 8, r"`\?` does not work within quotes"),
        ('"a {B}"', 4, "does not work within quotes"),
        ("–jobs acme", 1, "this dash is no minus: write `-jobs`"),
        ("/r/acme", 1, "between slashes"),
        ("a / b", 3, "between slashes"),
        ("a[b]", 2, "belong to ranges"),
        ("a [1 TO 2]", 3, "a range needs its field"),
        ("/(?=a)b/", 1, "look-around"),
        ("/(?<!a)b/", 1, "look-around"),
        (r"/(a)\1/", 1, "back-references"),
        ("/a(/", 1, "not a regular expression of RE2: missing"),
        ("/a*/", 1, "also matches nothing at all"),
        (f"/{'a' * 1001}/", 1, "1,001 characters"),
        ("/(a{1000}){1000}/", 1, "not a regular expression of RE2"),
        ("title:", 1, "needs something after it"),
        ("(title:)", 8, "needs something after it"),
        ("title:AND", 7, "on either side"),
        ("title:-a", 7, "cannot be followed by NOT"),
        ("title:text:a", 7, "a field cannot stand within another"),
        ("title:(a text:b)", 10, "`text:` cannot stand within `title:`"),
        ("title:[1 TO 2]", 1, "`title:` has no range"),
        ("rating:good", 8, r"`rating:\[1 TO 2\]`"),
        ("rating:[1-2]", 8, "a range is two numbers"),
        ("rating:[1 TO x]", 8, "a range is two numbers"),
        ("site:acme.com/shop", 6, "write `url:acme.com/shop`"),
        ("site:*", 6, "needs a host"),
        ("site:/acme/", 6, "takes a plain value: `site:acme.com`"),
        ("lang:{DE}", 6, "takes a plain value: `lang:de`"),
        ("author:*", 8, "at least one letter"),
        ('author:"ac*"', 8, "within quotes"),
        ('author:"..."', 8, "needs a value"),
        ("author:(a NEAR/2 b)", 11, "no meaning within `author:`"),
    ],
)
def test_mistakes_are_explained_where_they_stand(query: str, column: int, message: str) -> None:
    with pytest.raises(QueryError, match=message) as raised:
        parse(query)
    assert raised.value.column == column


@pytest.mark.parametrize(
    ("query", "proposal"),
    [("titel:acme", "title"), ("language:de", "lang"), ("domain:acme.com", "site"), ("Autor:jo", "author")],
)
def test_unknown_fields_get_a_proposal(query: str, proposal: str) -> None:
    with pytest.raises(QueryError, match=f"did you mean `{proposal}:`"):
        parse(query)


def test_error_text_shows_line_and_caret() -> None:
    with pytest.raises(QueryError) as raised:
        parse("acme OR globex\nOR (initech")
    assert str(raised.value) == "line 2, column 4: this bracket is never closed\n  OR (initech\n     ^"


def test_error_text_of_a_long_line_is_cut_around_the_caret() -> None:
    with pytest.raises(QueryError) as raised:
        parse("acme " * 100 + ") " + "more " * 100)
    _, shown, caret = str(raised.value).split("\n")
    assert shown[caret.index("^")] == ")"
    assert len(shown) <= 102


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("a  b", "a AND b"),
        ("a -b", "a AND NOT b"),
        ("(a)(b OR c)", "a AND (b OR c)"),
        ("„a b“~3", '"a b"~3'),
        ("a NEAR/05f (b) c", "(a NEAR/5f b) AND c"),
        ("-(a NEAR/5 b) c", "NOT (a NEAR/5 b) AND c"),
        ("<<< x >>> site:B.de Site:www.c.de d", "site:(b.de OR c.de) AND d"),
        ("title:(a NOT b)", "title:a AND NOT title:b"),
        ("title:(a OR (b NEAR/2 c))", "title:(a OR (b NEAR/2 c))"),
        ("title:(a OR b) OR c", "title:(a OR b) OR c"),
        ('author:"Jo Doe" author:"jo"', 'author:("Jo Doe" OR jo)'),
        ('author:"AND"', 'author:"AND"'),
        ('thread:"a:b"', 'thread:"a:b"'),
        ("rating:[1.50 to *]", "rating:[1.5 TO *]"),
        ("rating:3", "rating:[3 TO 3]"),
    ],
)
def test_the_canonical_form(query: str, canonical: str) -> None:
    assert format_query(parse(query)) == canonical


@settings(deadline=None)  # the first query waits for the grammar
@given(queries)
def test_formatted_queries_mean_the_same(query: Query) -> None:
    assert parse(format_query(query)) == query


@given(wild_phrases | wild_literals)
def test_any_text_can_be_quoted(term: Query) -> None:
    assert parse(format_query(term)) == term


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("Acme", "Acme"),
        ('"acme phone"~3', "acme phone"),
        ("{BT}", "BT"),
        ("`C++`", "C++"),
        ("complain*", "complain*"),
        ("/a.c/", "/a.c/"),
        ("site:Acme.com", "site:acme.com"),
        ("rating:[1 TO 2]", "rating:[1 TO 2]"),
    ],
)
def test_names_of_terms(query: str, name: str) -> None:
    assert term_of(parse(query)) == name


@pytest.mark.parametrize(
    "query",
    [
        "a" * 10**6,
        "(" * 10_000 + "a" + ")" * 10_000,
        "(" * 10_000,
        "-(" * 10_000 + "a" + ")" * 10_000,
        "title:(" * 10_000,
        ")" * 10_000,
        "`" * 9_999,
        '"' * 9_999,
        "a NEAR/5 " * 5_000 + "a",
        "a OR " * 5_000 + "a b",
        "<<<" * 10_000,
        "/" * 9_999,
        "[" * 9_999,
        "*" * 9_999,
        "a" * 50_000 + "*" + "?" * 40_000 + "!",
        "/" + "(a+)+" * 150 + "$ (?=b)/",
    ],
)
def test_hostile_queries_are_refused_in_time(query: str) -> None:
    started = time.process_time()
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert time.process_time() - started < 5
    assert len(str(raised.value)) < 2000


def test_what_would_backtrack_elsewhere_is_read() -> None:
    assert parse("/(a+)+$/") == Regex("(a+)+$")


def test_refused_regular_expressions_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(QueryError):
        parse("/a(/")
    assert capfd.readouterr() == ("", "")


def test_a_query_of_the_longest_size_is_read() -> None:
    query = " OR ".join(f"brand{number}" for number in range(7000))
    assert len(query) < 100_000
    assert len(getattr(parse(query), "parts", ())) == 7000


@pytest.mark.parametrize("grows", ["a1 -x ", "title:(-a b)", "title:(" + "a " * 100 + ")", '"a"{b}', "(a)(b)"])
def test_a_query_that_was_read_can_be_read_again_as_it_is_formatted(grows: str) -> None:
    def is_whole(times: int) -> bool:
        try:
            query = parse(grows * times)
        except QueryError as error:
            assert "operators written out" in error.message
            return False
        return parse(format_query(query)) == query

    longest = 100_000 // len(grows)
    assert [is_whole(longest // part) for part in (50, 8)] == [True, True]
    assert not is_whole(longest)


@given(st.text(alphabet=st.sampled_from('ab"()- ANDORNOTE~*?[]{}`/:<>\n„“é.15'), max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.column >= 1
        assert "^" in str(error)
