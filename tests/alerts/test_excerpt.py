"""Cutting, cleaning and linking what strangers wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.excerpt import clean, cut, excerpt, graphemes, link_host, units, web_link
from rules.base import Span

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
WHOLE = [
    "e\u0301",
    "👨\u200d👩\u200d👧\u200d👦",
    "👋🏽",
    "🇩🇪",
    "🇫🇷",
    "1\ufe0f\u20e3",
    "각",
    "❤\ufe0f\u200d🔥",
    "क्\u200dष",
    ENGLAND,
]
ANY_TEXT = st.text(st.characters(codec=None), max_size=300)


def test_f34_graphemes_stay_whole() -> None:
    assert list(graphemes("".join(WHOLE))) == WHOLE


@pytest.mark.parametrize("whole", WHOLE)
def test_f34_nothing_is_cut_within_a_grapheme(whole: str) -> None:
    text = whole * 80
    for limit in range(1, 60):
        kept = cut(text, limit)
        assert units(kept) <= limit
        assert kept == "…" or (kept.endswith("…") and kept[:-1] == whole * (len(kept[:-1]) // len(whole)))


def test_f34_a_stack_of_marks_is_no_single_grapheme() -> None:
    assert max(map(len, graphemes("e" + "\u0301" * 10_000))) <= 32


@given(ANY_TEXT)
def test_graphemes_lose_nothing(text: str) -> None:
    assert "".join(graphemes(text)) == text


@given(ANY_TEXT, st.integers(1, 200), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 20)), max_size=6))
def test_an_excerpt_is_clean_short_and_one_line(text: str, limit: int, found: list[tuple[int, int]]) -> None:
    pieces = excerpt(text, tuple(Span("text", at, at + length) for at, length in found), limit)
    shown = "".join(piece.text for piece in pieces)
    assert units(shown) <= max(limit, 2)
    assert "\n" not in shown and shown == clean(shown)
    shown.encode()


def test_an_excerpt_begins_near_the_first_hit() -> None:
    text = "word " * 1_000 + "the Acme Phone burns " + "word " * 1_000
    at = text.index("Acme")
    pieces = excerpt(text, (Span("text", at, at + 4),), 100)
    assert [piece.text for piece in pieces if piece.is_hit] == ["Acme"]
    assert pieces[0].text.startswith("…word") and pieces[-1].text.endswith("…")


def test_spans_count_the_text_as_it_came() -> None:
    text = "\u200b\n\n  \u202eAcme\x1b[0m"
    at = text.index("Acme")
    assert [piece.text for piece in excerpt(text, (Span("text", at, at + 4),), 50)] == ["Acme", "[0m"]


def test_a_hit_within_a_joined_emoji_marks_the_whole() -> None:
    assert excerpt("a👨‍👩‍👧b", (Span("text", 3, 4),), 50)[1].text == "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://heise.de@evil.example/x", "https://evil.example/x"),
        ('https://x.example:8443/ä b|c<d>?q="1"#é', "https://x.example:8443/%C3%A4%20b%7Cc%3Cd%3E?q=%221%22#%C3%A9"),
        ("https://müller.example//a", "https://xn--mller-kva.example//a"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//x.example/y", None),
        ("https://x:99999/", None),
        ("https://[x/", None),
        ("https://a b/", None),
        ("https:///x", None),
        ("https://" + "ü" * 70 + "/", None),
        ("https://x.example/" + "a" * 2_000, None),
        ("", None),
        (None, None),
    ],
)
def test_f35_only_links_to_the_web_and_in_ascii(url: str | None, link: str | None) -> None:
    assert web_link(url) == link


@given(ANY_TEXT)
def test_a_link_is_inert_whatever_it_was(text: str) -> None:
    link = web_link("https://x.example/" + text)
    assert link is None or (link.isascii() and not set(link) & set('<>|"` \r\n\\'))


def test_the_host_is_shown_without_www() -> None:
    assert link_host("https://www.heise.de/x") == "heise.de"
