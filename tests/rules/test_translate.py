"""Brandwatch's queries in this language."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.query import Query, QueryError, format_query, parse
from rules.translate import from_brandwatch
from tests.rules.strategies import queries

NESTED = "((custom* NEAR/0f care) OR help) AND ((custom* OR care OR help) NEAR/3 bad)"


@pytest.mark.parametrize(
    ("query", "ours"),
    [
        ("acme AND phone", "acme AND phone"),
        ("(acme OR globex) NOT jobs", "(acme OR globex) AND NOT jobs"),
        ("<<< brand >>> acme", "acme"),
        ('"acme phone"~5', '"acme phone"~5'),
        ("acme NEAR/2f phone", "acme NEAR/2f phone"),
        ("{BT} OR complain* OR customi?e", "{BT} OR complain* OR customi?e"),
        ("#acme @acme 🔥", "#acme AND @acme AND 🔥"),
        ('title:"acme phone"', 'title:"acme phone"'),
        ("title:(acme NEAR/3 phone)", "title:(acme NEAR/3 phone)"),
        ("acme site:a.com site:b.com", "acme AND site:(a.com OR b.com)"),
        ('site:"amazon.com" acme', "site:amazon.com AND acme"),
        ("acme site:reddit.com/r/acme", "acme AND url:reddit.com/r/acme"),
        ('url:"msn.com/news" acme', 'url:"msn.com/news" AND acme'),
        ("url:*acme.com/blog* acme", 'url:"acme.com/blog" AND acme'),
        ("links:(a.com OR b.com)", "links:(a.com OR b.com)"),
        ("acme rating:[3 TO 5]", "acme AND rating:[3 TO 5]"),
        ("acme rating:3", "acme AND rating:[3 TO 3]"),
        ("acme authorFollowers:[200-2000]", "acme AND followers:[200 TO 2000]"),
        ("subreddit:(nba OR ballers)", "subreddit:(nba OR ballers)"),
        ("acme language:(de OR en)", "acme AND lang:(de OR en)"),
        ('raw:("C++" OR a+b)', "`C++` OR `a+b`"),
        ('hashtags:"acme phone"', "#acmephone"),
        ("#acme*", "acme*"),
        ('"long customer servic*"', '"long customer" NEAR/0f servic*'),
        ('"custom* long servic*"', "(custom* NEAR/0f long) AND (long NEAR/0f servic*)"),
        ('"custom* servic*"~4', "custom* NEAR/4 servic*"),
        ('("custom* care" OR help) NEAR/3 bad', NESTED),
        ("(acme AND phone AND case)~4", "(acme NEAR/4 phone) AND (phone NEAR/4 case)"),
        ("(acme phone)~4 OR globex", "(acme NEAR/4 phone) OR globex"),
        ("(acme OR phone)~4", "acme OR phone"),
        ("a1 NEAR/1 b1 NEAR/2 c1", "(a1 NEAR/1 b1) AND (b1 NEAR/2 c1)"),
        ("(a1 NEAR/1 b1) NEAR/2f (c1 OR (d1 NEAR/3 e1))", "(a1 NEAR/1 b1) NEAR/2f (c1 OR (d1 NEAR/3 e1))"),
        ("acme AND (country:deu OR region:usa.fl)", "acme"),
        ("acme OR (phone NOT city:berlin)", "acme OR phone"),
        ("country:deu AND acme AND phone", "acme AND phone"),
        ("acme engagementType:COMMENT engagementType:RETWEET", "acme AND kind:comment"),
        ('itemReview:("Xbox One")', 'kind:review AND "Xbox One"'),
        ("ab* OR acme", "acme"),
        ("acme OR foo:bar", "acme"),
    ],
)
def test_translations(query: str, ours: str) -> None:
    assert from_brandwatch(query).query == ours


@pytest.mark.parametrize(
    ("query", "note"),
    [
        ("acme country:deu", "`country:` is left out: posts have no place"),
        ("acme NOT authorGender:F", "`authorGender:` is left out"),
        ("acme engagementType:RETWEET", "`engagementType:RETWEET` is left out"),
        ("acme author:jo", "compares the whole name"),
        ("acme OR ab*", r"`ab\*` is left out: .*at least 3 letters"),
        ("#acme*", r"`#acme\*` became `acme\*`"),
        ("acme blogName:x1", "became `author:`"),
        ("acme guid:123_456", "became `url:`"),
        ("acme langauge:de", "did you mean `lang:`"),
        ("(a1 AND b1) NEAR/2 c1", "AND or NOT beside NEAR"),
        ("a1 NEAR/1 b1 NEAR/2 c1", "against its neighbour"),
        ("(acme OR phone)~4", "needs two sides"),
        ("acme url:a*b.com", "no wildcards within addresses"),
        ('"a11* b11* c11*" acme', "NEAR between each two"),
    ],
)
def test_notes_name_what_differs(query: str, note: str) -> None:
    notes = from_brandwatch(query).notes
    with pytest.raises(AssertionError, match=note):
        raise AssertionError("\n".join(notes))


def test_what_means_the_same_needs_no_note() -> None:
    assert from_brandwatch('(acme OR "acme phone") NEAR/5f complain* NOT (site:acme.com OR {AC})').notes == ()


def test_each_note_stands_once() -> None:
    assert len(from_brandwatch("acme NOT (country:deu OR country:aut)").notes) == 1


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("country:deu", "nothing of this query can be said here: `country:`"),
        ("acme AND (phone", "never closed"),
        ("acme AND phone OR case", "need brackets"),
        ("NOT acme", "only what to leave out"),
        ("acme NOT jobs NEAR/3", "needs something after it"),
    ],
)
def test_what_cannot_be_translated_is_an_error(query: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        from_brandwatch(query)


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('abc"()- ANDORNOTE~*?[]{}`/:<>5raw:site:'), max_size=60))
def test_any_text_is_translated_or_refused(text: str) -> None:
    try:
        translated = from_brandwatch(text)
    except QueryError:
        return
    assert format_query(parse(translated.query)) == translated.query


@settings(deadline=None)
@given(queries)
def test_any_query_of_ours_is_translated_or_refused(query: Query) -> None:
    try:
        from_brandwatch(format_query(query))
    except QueryError:
        return
