"""Web addresses: what leads to the same page, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.addresses import canonical_address

PAGE = "heise.de/news/Acme-1234.html"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.heise.de/news/Acme-1234.html",
        "http://heise.de/news/Acme-1234.html",
        "HTTPS://WWW.HEISE.DE:443/news/Acme-1234.html",
        "https://m.heise.de/news/Acme-1234.html?utm_source=rss&utm_medium=feed",
        "https://www.heise.de/news/Acme-1234.html?wt_mc=rss.red&fbclid=abc#comments",
        "https://www.heise.de/news/Acme-1234.html?source=rss&ref=twitter",
        "https://www.heise.de/news/Acme-1234.html/",
        "https://amp.heise.de/news/Acme-1234.html",
        "https://www.heise.de/amp/news/Acme-1234.html",
        "https://www.heise.de/news/Acme-1234.amp.html",
        "https://www.google.com/amp/s/www.heise.de/news/Acme-1234.html",
        "https://www-heise-de.cdn.ampproject.org/c/s/www.heise.de/news/Acme-1234.html?amp=1",
        "https://www.heise.de/news/%41cme-1234.html",
    ],
)
def test_ways_to_the_same_page_are_one(url: str) -> None:
    assert canonical_address(url) == PAGE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://youtu.be/abc?si=xyz", "https://www.youtube.com/watch?v=abc&feature=share"),
        ("https://twitter.com/a/status/1?s=20", "https://x.com/a/status/1"),
        ("https://old.reddit.com/r/a/comments/1/x/?share_id=2", "https://www.reddit.com/r/a/comments/1/x"),
        ("https://a.example/x/amp/", "https://a.example/x"),
        ("https://a.example/x-amp", "https://a.example/x"),
        ("https://a.example/x/index.html", "https://a.example/x"),
        ("https://a.example/?b=2&a=1", "https://www.a.example/?a=1&b=2"),
        ("https://a.example/ö", "https://a.example/%C3%B6"),
    ],
)
def test_other_spellings(one: str, other: str) -> None:
    assert canonical_address(one) == canonical_address(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://forum.example/viewtopic.php?t=5", "https://forum.example/viewtopic.php?t=6"),
        ("https://forum.example/t/5#p7", "https://forum.example/t/5#p8"),
        ("https://a.example/x?source=12", "https://a.example/x?source=13"),
        ("https://a.example/x?page=2", "https://a.example/x"),
        ("https://a.example/News", "https://a.example/news"),
        ("https://m.example/x", "https://example/x"),
        ("https://www.youtube.com/watch?v=abc&lc=1", "https://www.youtube.com/watch?v=abc&lc=2"),
        ("https://a.example:8443/x", "https://a.example/x"),
    ],
)
def test_different_pages_stay_different(one: str, other: str) -> None:
    assert canonical_address(one) != canonical_address(other)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "x",
        "https://acme.example",
        "https://acme.example/?utm_source=x",
        "ftp://a.b/c",
        "http://[::1",
        "mailto:a@b.c",
    ],
)
def test_what_is_no_page_of_its_own(url: str | None) -> None:
    assert canonical_address(url) is None


@given(st.text(max_size=60))
def test_any_text_has_an_answer_that_stays(text: str) -> None:
    for url in (text, f"https://a.example/{text}"):
        found = canonical_address(url)
        assert found is None or canonical_address(f"https://{found}") == found
