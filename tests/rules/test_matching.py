"""Which posts a query finds, and where."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.base import Match, Span, Watchlist, WatchlistKind
from rules.folding import fold, tokenize
from rules.matching import QueryMatcher, find_terms
from rules.query import QueryError
from sources.base import Post


def post(text: str, title: str = "") -> Post:
    return Post(source="s", external_id="1", title=title, text=text, published_at=datetime(2026, 11, 21, tzinfo=UTC))


def watchlist(query: str, name: str = "w") -> Watchlist:
    return Watchlist(name, WatchlistKind.BRAND, query)


def match(query: str, text: str, title: str = "") -> Match | None:
    found = QueryMatcher([watchlist(query)]).match(post(text, title))
    return found[0] if found else None


def hits(query: str, text: str) -> list[str]:
    found = match(query, text)
    return [text[span.start : span.end] for span in found.spans] if found else []


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("acme", "ACME, acme's Acme-phone; acmes pacme", ["ACME", "acme", "Acme"]),
        ("acme", "_Acme_ acme_phone #acme @acme Acme™", ["Acme", "acme", "acme", "acme", "Acme"]),
        ("mueller", "Herr Müller und Frau Mueller, Muller", ["Müller", "Mueller"]),
        ("muller", "Herr Müller und Frau Mueller, Muller", ["Müller", "Muller"]),
        ("müller", "Müller Mueller Muller Mu\u0308ller MÜLLER", ["Müller", "Mueller", "Mu\u0308ller", "MÜLLER"]),
        ("mu\u0308ller", "Müller Muller", ["Müller"]),
        ("café", "Café Cafe cafe\u0301", ["Café", "cafe\u0301"]),
        ("cafe", "Café Cafe", ["Café", "Cafe"]),
        ("straße", "STRASSE straße STRAẞE strase", ["STRASSE", "straße", "STRAẞE"]),
        ("strasse", "Straße stra\u00adße", ["Straße", "stra\u00adße"]),
        ("ﬁsch", "Fisch", ["Fisch"]),
        ("fisch", "ein ﬁsch!", ["ﬁsch"]),
        ("istanbul", "İSTANBUL ISTANBUL ıstanbul", ["İSTANBUL", "ISTANBUL", "ıstanbul"]),
        ("İstanbul", "istanbul", ["istanbul"]),
        ("газ", "ГАЗ газета", ["ГАЗ"]),
        ("東京", "私は東京都に 東 京", ["東京"]),
        ("กิน", "อยากกินข้าว", ["กิน"]),
        ("か", "がか", ["か"]),
        ("C++", "C++, (C++) C++11 C C#", ["C++", "C++"]),
        ("AT&T", "at&t AT & T at t", ["at&t"]),
        ("#sale", "#Sale ##sale sale a#sale #sales #sale_x", ["#Sale", "#sale"]),
        ("@acme", "@acme, @acme_help me@acme @Acme: @acmes", ["@acme", "@Acme"]),
        ("@acme_help", "@acme_help @acme help @acme_help_de", ["@acme_help"]),
        ("$ACME", "$acme ACME US$ACME", ["$acme"]),
        ("🔥", "wow🔥🔥!", ["🔥", "🔥"]),
        ("❤", "❤\ufe0f", ["❤"]),
        ("acme.com", "www.acme.com/x acme[.]com acme com", ["acme.com", "acme[.]com", "acme com"]),
        ('"acme phone"', "Acme Phone acme-phone Acme™ Phone acme's phone", ["Acme Phone", "acme-phone", "Acme™ Phone"]),
        ('"acme phone"', "#AcmePhone AcmePhone @acmephone #acmephones", ["AcmePhone"]),
        ('"müller phone"', "#MüllerPhone #MuellerPhone #MullerPhone", ["MüllerPhone", "MuellerPhone"]),
        ('"C++ developer"', "C++ developer, C developer", ["C++ developer"]),
        ('"a a"', "a a a", ["a a", "a a"]),
        (
            "acme",
            "ac\u200bme a\u00adc\u00adm\u00ade \u202eacme\u202c",
            ["ac\u200bme", "a\u00adc\u00adm\u00ade", "acme"],
        ),
    ],
)
def test_f28_terms_are_found_exactly(query: str, text: str, expected: list[str]) -> None:
    assert hits(query, text) == expected


@pytest.mark.parametrize(
    ("query", "text", "terms"),
    [
        ("acme broken", "broken acme", ("acme", "broken")),
        ("acme broken", "acme", None),
        ("acme OR globex", "Globex", ("globex",)),
        ("acme -arena", "acme", ("acme",)),
        ("acme -arena", "acme ARENA", None),
        ("(a OR (b AND c)) AND NOT d", "a b", ("a",)),
        ("(a OR (b AND c)) AND NOT d", "c b", ("b", "c")),
        ("(a OR (b AND c)) AND NOT d", "c b d", None),
        ("NOT (NOT a)", "a", ("a",)),
        ("NOT (b OR (NOT a))", "a", ("a",)),
        ("NOT (b OR (NOT a))", "a b", None),
        ("a AND (b OR (NOT c))", "a", ("a",)),
        ("Acme OR #Sale OR acme", "#sale acme", ("Acme", "#Sale", "acme")),
    ],
)
def test_operators(query: str, text: str, terms: tuple[str, ...] | None) -> None:
    found = match(query, text)
    assert (found.terms if found else None) == terms


def test_spans_say_the_field_and_stand_in_order() -> None:
    found = match('acme OR "acme phone"', "the acme phone by Acme", title="Ácme")
    assert found is not None
    assert found.spans == (Span("title", 0, 4), Span("text", 4, 8), Span("text", 4, 14), Span("text", 18, 22))


def test_no_phrase_crosses_from_title_to_text() -> None:
    assert match('"acme phone"', "phone", title="acme") is None
    assert match("acme phone", "phone", title="acme") is not None


def test_matches_come_in_the_order_of_names() -> None:
    matcher = QueryMatcher([watchlist("phone", "b"), watchlist("acme", "c"), watchlist("acme phone", "a")])
    assert [found.watchlist for found in matcher.match(post("Acme phone"))] == ["a", "b", "c"]
    assert matcher.match(post("nothing")) == []


def test_unreadable_query_is_an_error() -> None:
    with pytest.raises(QueryError):
        QueryMatcher([watchlist("acme OR")])


def test_only_queries_whose_words_are_there_are_evaluated() -> None:
    """A thousand watchlists cost a post little more than one: looked at by what is filed, not by the clock."""
    many = QueryMatcher([watchlist(f'the (brand{n} OR "product{n} line") -no', f"w{n:03}") for n in range(1000)])
    assert [found.watchlist for found in many.match(post("the brand7 and the product12 line"))] == ["w007", "w012"]
    assert "the" not in many._index._filed
    assert max(map(len, many._index._filed.values())) == 1


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("complain*", "Complaints, complain; acomplain #complained", ["Complaints", "complain", "complained"]),
        (
            "*versicherung",
            "Haftpflichtversicherung, Versicherung, Versicherungen",
            ["Haftpflichtversicherung", "Versicherung"],
        ),
        ("*müll*", "Müllabfuhr Biomuell Mull", ["Müllabfuhr", "Biomuell"]),
        ("customi?e", "customise customize customie customizze", ["customise", "customize"]),
        ("caf?*", "Cafés", ["Cafés"]),
        ("{BT}", "BT bt B\u200bT", ["BT", "B\u200bT"]),
        ("{Müller}", "Müller Mu\u0308ller MÜLLER Mueller", ["Müller", "Mu\u0308ller"]),
        ("`C++`", "C++ c++ C++11 xC++", ["C++", "C++"]),
        ("`a a`", "a a a", ["a a", "a a"]),
        ("/str(a|e)ss/", "Strasse stress Straße", ["Strass", "stress"]),
        ("acme.com", "acme dot com, acme[.]com", ["acme dot com", "acme[.]com"]),
        ("acme NEAR/1 phone", "phone by acme, acme a b phone acme", ["phone", "acme", "phone", "acme"]),
        ("acme NEAR/1f phone", "phone by acme, acme a phone acme", ["acme", "phone"]),
        ("(acme OR zen) NEAR/0 (phone OR line)", "zen line acme x phone", ["zen", "line", "acme"]),
        ('"acme red phone"~1', "phone new red acme x acme", ["phone", "red", "acme"]),
        ('"+ b"', "+ + + b", ["+ + + b", "+ + b", "+ b"]),
    ],
)
def test_every_form_marks_its_occurrences(query: str, text: str, expected: list[str]) -> None:
    assert hits(query, text) == expected


def test_fields_are_terms_without_spans() -> None:
    one = replace(post("Acme", "acme"), url="https://blog.acme.com/r/x", author="u/Jo", rating=2.0)
    assert QueryMatcher([watchlist("title:acme site:acme.com author:@jo rating:[1 TO 2] url:blog")]).match(one) == [
        Match("w", (Span("title", 0, 4),), ("title:acme", "site:acme.com", "author:@jo", "rating:[1 TO 2]", "url:blog"))
    ]


def test_what_a_query_waits_for_can_be_asked() -> None:
    matcher = QueryMatcher([watchlist("/x/", "b"), watchlist("the acme")])
    assert matcher.required("w") == ["acme"]
    assert matcher.required("b") == []
    assert matcher.candidates(post("the Acme")) == ["b", "w"]


@pytest.mark.parametrize(
    "text", ["+ " * 10**5, "acme " * 10**5, "a" * 10**6, "\u0301" * 10**6, "#" * 10**5, "\u200b" * 10**6 + "acme"]
)
def test_hostile_text_costs_linear_time(text: str) -> None:
    started = time.process_time()
    match('acme OR "+ b" OR "# acme" OR @acme', text)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("terms", "text", "expected"),
    [
        (["Acme", "Acme Phone", "@acme"], "Acme phone by @acme: acme", ["Acme phone", "@acme", "acme"]),
        (["Acme Phone"], "#AcmePhone acmephone", ["AcmePhone"]),
        (["a b", "b c d"], "a b c d", ["b c d"]),
        (["a b", "b c"], "a b c", ["a b"]),
        (["Müller"], "Müllers Mueller", ["Mueller"]),
        (["", "...", '"x" OR y'], "x or y", ["x or y"]),
        ([], "acme", []),
        (["acme"], "", []),
    ],
)
def test_find_terms_takes_the_longest_and_never_overlaps(terms: list[str], text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in find_terms(terms, text)] == expected


letters = st.sampled_from("aAbBüÜuẞßsﬁi\u0308\u00ad\u200b_-+#@ 東京İıé🔥")
texts = st.text(alphabet=letters, max_size=30)


def forms(text: str) -> list[tuple[str, ...]]:
    return [token.forms for token in tokenize(text)]


@given(st.text(alphabet=letters, min_size=1, max_size=4).filter(lambda term: len(tokenize(term)) == 1), texts)
def test_spans_fold_to_the_term(term: str, text: str) -> None:
    ((*spellings, exact),) = forms(term)
    for start, end in find_terms([term], text):
        assert 0 <= start < end <= len(text)
        ((*found, found_exact),) = forms(text[start:end])
        assert found_exact == exact if exact != spellings[0] else spellings[0] in found


@given(st.text(alphabet=letters, min_size=1, max_size=6).filter(tokenize), texts, texts)
def test_terms_are_found_where_they_were_put(term: str, before: str, after: str) -> None:
    text = f"{before} xx {term} xx {after}"
    covered = {place for start, end in find_terms([term], text) for place in range(start, end)}
    tokens = [token for token in tokenize(text) if len(before) + 4 <= token.start < len(before) + 4 + len(term)]
    assert covered.issuperset(token.start for token in tokens)


@given(st.lists(st.text(alphabet=letters, max_size=5), max_size=5), texts)
def test_found_terms_never_overlap(terms: list[str], text: str) -> None:
    found = find_terms(terms, text)
    assert found == sorted(found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


def test_folding_is_shared_between_term_and_text() -> None:
    assert fold("STRASSE") == fold("straße")
