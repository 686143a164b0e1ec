"""Queries for property tests: trees as `rules.query.parse` gives them, so that `parse(format_query(q)) == q`."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from rules.folding import tokenize
from rules.query import (
    RANGE_FIELDS,
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
    Range,
    Regex,
    Value,
    Wildcard,
    Word,
)
from rules.query_nodes import Operand, Plain

# Few words, so that queries and the posts made of them meet; they overlap under folding, prefixes and compounds.
VOCABULARY = (
    *("acme", "Acme", "phone", "acmephone", "Müller", "mueller", "muller", "straße", "STRASSE", "café", "cafe"),
    *("versicherung", "Haftpflichtversicherung", "complaint", "complains", "customise", "customize", "BT", "bt"),
    *("and", "nicht", "und", "a", "東京", "газ", "wi-fi", "C++", "#acme", "#acmephone", "@acme", "@acme_help", "$ACME"),
    *("🔥", "❤", "AT&T", "10:30", "3,5"),
)
WILDCARDS = (
    "com*",
    "compl*",
    "*versicherung",
    "*pflicht*",
    "customi?e",
    "m?ller",
    "mül*",
    "*phone",
    "ac*phone",
    "ac?e*",
)
REGEXES = ("acme", "a.me", "compl(ain|ex)", "[0-9]+", "stra(ß|ss)e", "acme.{0,9}phone", r"a\/b", r"\pL+phone", "^a")
SITES = ("acme.com", "blog.acme.com", "example.org", "com")


words = st.sampled_from(VOCABULARY).map(Word)
domains = st.sampled_from(["acme.com", "blog.acme.com", "Acme.de"]).map(Domain)
phrases = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=3).map(lambda parts: Phrase(" ".join(parts)))
wildcards = st.sampled_from(WILDCARDS).map(Wildcard)
exacts = st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=2).map(lambda parts: Exact(" ".join(parts)))
literals = st.lists(st.sampled_from([*VOCABULARY, "acme.", "(a)", "C+"]), min_size=1, max_size=2).map(
    lambda parts: Literal(" ".join(parts))
)
regexes = st.sampled_from(REGEXES).map(Regex)
plain: st.SearchStrategy[Plain] = st.one_of(words, words, domains, phrases, wildcards, exacts, literals)


@st.composite
def slop_phrases(draw: st.DrawFn) -> Phrase:
    """`"acme phone"~3`: words that fold differently, in any of their forms."""
    chosen = draw(st.lists(st.sampled_from(VOCABULARY), min_size=2, max_size=3))
    kept: list[str] = []
    for word in chosen:
        if not any(forms_of(word) & forms_of(other) for other in kept):
            kept.append(word)
    if len(kept) < 2:
        return Phrase(" ".join(kept))
    return Phrase(" ".join(kept), draw(st.integers(0, 5)))


def forms_of(term: str) -> frozenset[str]:
    """The foldings of a term: what the terms of a slop phrase must not share."""
    tokens = tokenize(term)
    return frozenset(" ".join(token.forms[form] for token in tokens) for form in range(2))


def _either(parts: st.SearchStrategy[Operand]) -> st.SearchStrategy[Operand]:
    return st.one_of(parts, st.lists(parts, min_size=2, max_size=3).map(lambda several: Or(tuple(several))))


def _nears(sides: st.SearchStrategy[Operand]) -> st.SearchStrategy[Near]:
    return st.builds(Near, sides, sides, st.integers(0, 6), st.booleans())


flat_nears = _nears(_either(plain))
nested_nears = st.builds(Near, flat_nears, plain, st.integers(0, 6), st.booleans())
nears = st.one_of(flat_nears, flat_nears, nested_nears)
ranges = st.builds(
    lambda field, low, high: Range(field, low, high),
    st.sampled_from(RANGE_FIELDS),
    st.none() | st.integers(0, 5) | st.sampled_from([0.5, 2.5]),
    st.none() | st.integers(0, 1000),
)
text_terms = st.one_of(plain, plain, regexes, slop_phrases(), nears)
text_fields = st.builds(Field, st.sampled_from(["title", "text", "title", "text", "url", "links"]), text_terms)
whole_values: dict[str, st.SearchStrategy[Value | Wildcard | Regex]] = {
    "author": st.sampled_from(["acme", "Acme Press", "@acme_help", "u/jo"]).map(Value)
    | st.sampled_from(["acme*", "*p?ess"]).map(Wildcard)
    | st.just(Regex("^acme")),
    "site": st.sampled_from(SITES).map(Value),
    "source": st.sampled_from(["heise", "hackernews"]).map(Value),
    "lang": st.sampled_from(["de", "en"]).map(Value),
    "kind": st.sampled_from(["post", "comment", "review"]).map(Value),
    "thread": st.sampled_from(["t1", "A:2"]).map(Value),
    "subreddit": st.sampled_from(["acme", "de"]).map(Value),
}
whole_fields = st.one_of([st.builds(Field, st.just(name), values) for name, values in whole_values.items()])
leaves: st.SearchStrategy[Query] = st.one_of(text_terms, text_terms, text_terms, text_fields, whole_fields, ranges)


def _groups(parts: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    return st.one_of(several.map(And), several.map(Or), parts.map(Not))


def can_be_written(query: Query) -> bool:
    """Whether a query says what to find: one that only says what to leave out is refused."""
    match query:
        case Not(part):
            return not can_be_written(part)
        case And(parts):
            return any(map(can_be_written, parts))
        case Or(parts):
            return all(map(can_be_written, parts))
        case _:
            return True


queries: st.SearchStrategy[Query] = st.recursive(leaves, _groups, max_leaves=10).filter(can_be_written)

# Any text that a phrase, a literal or a braced term can hold, to prove that formatting loses nothing.
_UNQUOTED = re.compile(r'["“”„*?{}`]')
wild_phrases = (
    st.text(min_size=1, max_size=20).filter(lambda text: not _UNQUOTED.search(text)).filter(tokenize).map(Phrase)
)
wild_literals = st.text(min_size=1, max_size=20).filter(lambda text: "`" not in text and text.strip()).map(Literal)
