"""Reading queries: what they mean, and what is said where they cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.folding import tokenize
from rules.query import And, Not, Or, Phrase, Query, QueryError, Word, format_query, parse

A, B, C = Word("a"), Word("b"), Word("c")


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
    ],
)
def test_meaning(query: str, meaning: Query) -> None:
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
    ("query", "column", "what"),
    [
        ("a NEAR/5 b", 3, "NEAR"),
        ("a NEAR b", 3, "NEAR"),
        ('"a b"~3', 6, "~"),
        ("complain*", 1, "wildcards"),
        ("customi?e", 1, "wildcards"),
        ('"complain* about"', 10, r"\*"),
        ("a {BT}", 3, "exact words"),
        ("`C++`", 1, "backticks"),
        ("/a+/", 1, "regular expressions"),
        ("[1 TO 2]", 1, "ranges"),
        ("a title:b", 3, "`title:`"),
        ("rating:[1 TO 2]", 1, "`rating:`"),
        ("site:(a OR b)", 1, "`site:`"),
        ("a <<< note >>>", 3, "comments"),
    ],
)
def test_what_is_not_built_is_refused_by_name(query: str, column: int, what: str) -> None:
    with pytest.raises(QueryError, match=f"{what}.* not built yet") as raised:
        parse(query)
    assert raised.value.column == column


def test_unknown_fields_get_a_proposal() -> None:
    with pytest.raises(QueryError, match="did you mean `title:`"):
        parse("titel:acme")


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


terms = st.one_of(
    st.sampled_from(["acme", "Müller", "#tag", "@me", "C++", "東京", "wi-fi", "or", "🔥"]).map(Word),
    st.text(alphabet=st.characters(exclude_characters='"“”„*?{}`<>'), min_size=1).filter(tokenize).map(Phrase),
)


def groups(parts: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.one_of(several.map(And), several.map(Or), parts.map(Not))


queries = st.recursive(terms, groups, max_leaves=12)


@given(queries)
def test_formatted_queries_mean_the_same(query: Query) -> None:
    searchable = And((Word("acme"), query))
    assert parse(format_query(searchable)) == searchable


@given(st.text(alphabet=st.sampled_from('ab"()- ANDORNOT~*[{`/:<>\n„“é'), max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        parse(text)
    except QueryError as error:
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.column >= 1
        assert "^" in str(error)
