"""Posts for property tests, made of the words that the queries of tests/rules/strategies.py ask for.

Umlauts in every spelling, decomposed accents, compounds, hashtags, handles, emoji, zero-width and direction
characters, scripts without spaces, addresses, also harmless ones.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import cast

from hypothesis import strategies as st

from rules.query import Query
from rules.query_nodes import And, Domain, Exact, Field, Literal, Near, Not, Or, Phrase, Regex, Value, Wildcard, Word
from sources.base import Post, PostKind
from tests.rules.posts import Fields, post
from tests.rules.strategies import VOCABULARY, queries

COMPOUNDS = ("Haftpflichtversicherungen", "acmephones", "Müllers", "AcmePhone", "#AcmePhone", "komplex")
SPELLINGS = ("MÜLLER", "Muller", "Mueller", "strasse", "STRAẞE", "Café", "CAFE", "complaining", "customize", "İ", "ı")
HOSTILE = (
    "ac\u200bme",
    "acme\u00ad",
    "\u202eacme\u202c",
    "a\u00adcme",
    "phone\ufe0f",
    "❤\ufe0f",
    "\u0301",
    "ﬁ",
    "a\u0308",
)
ADDRESSES = ("acme.com", "acme[.]com", "acme dot com", "https://blog.acme.com/a?b=acme#phone", "http://example.org).")
NAMES = (
    "@acme_help",
    "@acme",
    "me@acme.com",
    "a#acme",
    "acme_phone",
    "_acme_",
    "#acme_phone",
    "US$ACME",
    "C++11",
    "C+",
)
CUTS = (
    " ",
    " ",
    " ",
    " ",
    "  ",
    "-",
    ", ",
    ". ",
    "\n",
    "",
    "_",
    " 🔥 ",
    "🔥",
    " & ",
    "/",
    "+",
    "\u00a0",
    "\u200b",
    "'s ",
)

PIECES = (*VOCABULARY, *COMPOUNDS, *SPELLINGS, *HOSTILE, *ADDRESSES, *NAMES, "私は東京都に", "ein", "10", "x")
# One draw for each word: drawing is what the test spends its time on.
WORDS = (*PIECES, *PIECES, *map(str.upper, PIECES), *(unicodedata.normalize("NFD", piece) for piece in PIECES))


@st.composite
def texts(draw: st.DrawFn, longest: int = 10) -> str:
    """Words with all kinds of things between them."""
    pieces = draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(CUTS)), max_size=longest))
    return "".join(piece + cut for piece, cut in pieces)


URLS = (
    None,
    "https://blog.acme.com/phone",
    "https://acme.com:8443/",
    "hxxps://www[.]acme[.]com/x",
    "https://www.reddit.com/r/acme/comments/1/x",
    "https://example.org/r/de",
    "http://reddit.com/r/de",
    "https://notacme.com/acme",
    "acme",
    "",
)

FIELDS: dict[str, tuple[object, ...]] = {
    "source": ("heise", "hackernews"),
    "url": URLS,
    "author": (None, "", "acme", "@Acme", "u/jo", "Acme Press", "/u/JO", "acme_help"),
    "lang": (None, "de", "en", "de-AT", "EN_us"),
    "kind": tuple(PostKind),
    "thread": (None, "t1", "A:2", "T1"),
    "rating": (None, 0.5, 1.0, 2.5, 5.0),
    "engagement": (None, 0, 3, 1000),
    "followers": (None, 0, 2, 500, 10**7),
}


def shells() -> Iterator[Post]:
    """Posts without words, each with other values in its fields."""
    chance = random.Random(1)
    for _ in range(300):
        chosen = {name: chance.choice(values) for name, values in FIELDS.items()}
        yield post("", **cast(Fields, chosen))


posts: st.SearchStrategy[Post] = st.builds(
    lambda shell, text, title: replace(shell, text=text, title=title),
    st.sampled_from([*shells()]),
    texts(),
    st.one_of(st.just(""), texts(longest=3)),
)


def samples(query: Query | Value) -> Iterator[str]:
    """What a post may say to be found by a term of the query."""
    match query:
        case Word(text) | Domain(text) | Phrase(text) | Exact(text) | Literal(text):
            yield text
            yield "#" + re.sub(r"[\s.-]", "", text)
        case Wildcard(pattern):
            yield pattern.replace("*", "").replace("?", "z")
            yield pattern.replace("*", "en").replace("?", "ß")
        case Regex(pattern):
            yield re.sub(r"\W", "", pattern)
        case Field(_, part) | Not(part):
            yield from samples(part)
        case Near(left, right):
            yield from (*samples(left), *samples(right))
        case And(parts) | Or(parts):
            for part in parts:
                yield from samples(part)


def in_german(text: str) -> str:
    for umlaut, spelt in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss")):
        text = text.replace(umlaut, spelt)
    return text


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


SPELLING: tuple[Callable[[str], str], ...] = (str, str, str, str.upper, in_german, decomposed)


@st.composite
def asked_of(draw: st.DrawFn, query: Query) -> Post:
    """A post that in half of the cases was written with the query in mind."""
    asked = draw(posts)
    said = list(samples(query))
    if not said or draw(st.booleans()):
        return asked
    pieces = draw(st.lists(st.sampled_from(said), min_size=1, max_size=6)) + said[:8]
    spelling = draw(st.sampled_from(SPELLING))
    cuts = draw(st.lists(st.sampled_from(CUTS), min_size=len(pieces), max_size=len(pieces)))
    written = "".join(spelling(piece) + cut for piece, cut in zip(pieces, cuts, strict=True))
    in_title = draw(st.integers(0, 3)) == 0
    if in_title:
        return replace(asked, title=f"{asked.title} {written}")
    return replace(asked, text=f"{written} {asked.text}")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Query, Post]:
    """A query and a post."""
    query = draw(queries)
    return query, draw(asked_of(query))


@st.composite
def questions(draw: st.DrawFn, count: int) -> tuple[Query, list[Post]]:
    """A query and so many posts."""
    query = draw(queries)
    return query, [draw(asked_of(query)) for _ in range(count)]
