"""What is taken for an article and what is not, read within this process."""

from __future__ import annotations

import pytest

from sources.article import LONGEST, Trouble, read_article
from tests.sources import pages


def test_the_text_of_an_article_without_what_stands_around_it() -> None:
    text, trouble = read_article(pages.article())
    assert trouble is None
    assert text.count(pages.SENTENCE) == 8
    assert "Impressum" not in text
    assert "Wirtschaft" not in text


@pytest.mark.parametrize(
    ("page", "trouble"),
    [
        (pages.CONSENT_DE, Trouble.CONSENT),
        (pages.CONSENT_EN, Trouble.CONSENT),
        (pages.ABO_DE, Trouble.PAYWALL),
        (pages.ABO_EN, Trouble.PAYWALL),
        (pages.EMPTY, Trouble.NOTHING),
        ("", Trouble.NOTHING),
        ("<p>", Trouble.NOTHING),
    ],
)
def test_pages_that_hold_no_article(page: str, trouble: Trouble) -> None:
    assert read_article(page) == ("", trouble)


@pytest.mark.parametrize(
    "head",
    [
        pages.NOT_FREE,
        '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": "false", oops}</script>',
        '<meta itemprop="isAccessibleForFree" content="false">',
        '<meta itemprop="isAccessibleForFree" content="https://schema.org/False">',
        '<meta property="article:content_tier" content="locked">',
    ],
)
def test_a_page_that_says_it_is_locked_is_not_read(head: str) -> None:
    assert read_article(pages.article(head)) == ("", Trouble.PAYWALL)


@pytest.mark.parametrize(
    "head",
    [
        pages.FREE,
        '<script type="application/ld+json">{oops</script>',
        '<meta property="article:content_tier" content="metered">',
        '<script src="https://cdn.privacy-mgmt.com/x.js"></script>',
    ],
)
def test_a_page_that_is_open_is_read(head: str) -> None:
    assert read_article(pages.article(head)).trouble is None


def test_an_article_about_cookies_is_an_article() -> None:
    assert read_article(pages.ABOUT_COOKIES).trouble is None


def test_an_article_is_cut_at_the_longest() -> None:
    assert len(read_article(pages.article(paragraphs=2000)).text) == LONGEST
