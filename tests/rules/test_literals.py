"""Fixed pieces of regular expressions: every match must hold one of them."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from rules.literals import literals
from rules.terms import compile_regex


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("acme", ["acme"]),
        ("acme phone", ["phone"]),
        ("acmes?", ["acme"]),
        ("acmes+t", ["acmes"]),
        ("acme{2}x", ["acme"]),
        ("acme{0}x", ["acm"]),
        ("acme{2}{0}x", ["acm"]),
        ("a*b?c+?", ["c"]),
        ("(acme)?x", ["x"]),
        ("(acme|(b|c)+)xyz", ["xyz"]),
        (r"\(acme\)", ["acme"]),
        (r"[]acme]x", ["x"]),
        (r"[^]acme]x", ["x"]),
        (r"[[:alpha:]acme]x", ["x"]),
        (r"[\]acme]x", ["x"]),
        (r"\p{Greek}\pLab\x41\x{263a}c", ["ab"]),
        (r"\Qacme\E", [""]),
        ("acme|phone", ["acme", "phone"]),
        ("acme|", ["acme", ""]),
        ("(acme", [""]),
        ("", [""]),
    ],
)
def test_the_longest_fixed_run_of_each_branch(pattern: str, expected: list[str]) -> None:
    assert literals(pattern) == expected


def _pieces() -> st.SearchStrategy[str]:
    letters = st.sampled_from([*"abc1", r"\.", r"\d", "[abc]", "[^]a]", ".", r"\pL", "^", "$"])
    repeated = st.builds(str.__add__, letters, st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "+?"]))
    return st.recursive(
        repeated,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=5).map("".join),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
            inner.map(lambda part: f"(?:{part})?"),
        ),
        max_leaves=8,
    )


@given(st.lists(_pieces(), min_size=1, max_size=3).map("|".join), st.text(alphabet="abc1.xé ", max_size=12))
def test_every_match_holds_one_of_them(pattern: str, text: str) -> None:
    try:
        compiled = compile_regex(pattern)
    except re2.error:
        return
    if compiled.search(text):
        assert any(literal in text for literal in literals(pattern))
