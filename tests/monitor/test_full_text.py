"""Articles in the way of a post: fetched for what is new or edited, matched and kept with the announcement."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from monitor.schema import posts, revisions, seen
from monitor.store import Store
from sources.articles import Articles
from sources.base import Page, Post
from sources.robots import RobotsMemory
from sources.text import content_hash
from tests.fakes import FixedClock, plain_http
from tests.monitor.builders import Works, build_works, column, make_page, make_post, rows_of
from tests.servers import Web
from tests.sources import pages

TEASER = make_post("1", "Brand im Zug", title="Akku brennt")  # without the brand, which stands in the article


@pytest.fixture
async def works(store: Store) -> AsyncIterator[Works]:
    made = build_works(store)
    async with plain_http() as http:
        made.pipeline.articles = Articles(http, RobotsMemory(http, FixedClock()))
        yield made
        await made.pipeline.articles.close()


def announced(web: Web, *announcements: Post) -> Page:
    return make_page(*announcements, articles={post.external_id: web.url("/article") for post in announcements})


def serve(web: Web, body: str, status: int = 200) -> None:
    web["/article"] = (status, {"Content-Type": "text/html"}, body.encode())


def asked(web: Web) -> int:
    return [request.path for request in web.requests].count("/article")


async def test_a_brand_in_the_article_makes_a_mention(works: Works, web: Web) -> None:
    serve(web, pages.article())
    await works.poll(announced(web, TEASER))
    (text,) = column(works.store, posts.c.text)
    assert text.startswith("Brand im Zug\n\nAkku brennt\n")
    assert pages.SENTENCE in text
    (found,) = column(works.store, posts.c.title)
    assert found == "Akku brennt"


async def test_the_hash_is_that_of_the_announcement_so_that_nothing_is_fetched_twice(works: Works, web: Web) -> None:
    serve(web, pages.article())
    await works.poll(announced(web, TEASER))
    await works.poll(announced(web, TEASER))
    expected = content_hash(TEASER.title, TEASER.text, None)
    assert column(works.store, seen.c.content_hash) == column(works.store, posts.c.content_hash) == [expected]
    assert asked(web) == 1
    assert rows_of(works.store, revisions) == []


async def test_an_edited_announcement_fetches_the_article_again(works: Works, web: Web) -> None:
    serve(web, pages.article())
    await works.poll(announced(web, TEASER))
    serve(web, pages.article(sentence="Acme ruft nach dem Brand in einem Zug alle Geräte der Baureihe zurück."))
    await works.poll(announced(web, make_post("1", "Brand im Zug, zweite Meldung", title="Akku brennt")))
    (text,) = column(works.store, posts.c.text)
    assert text.startswith("Brand im Zug, zweite Meldung\n\n")
    assert "Acme ruft" in text
    assert pages.SENTENCE in column(works.store, revisions.c.text)[0]


async def test_what_cannot_be_read_leaves_the_announcement_and_is_counted(
    works: Works, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    serve(web, pages.CONSENT_DE)
    with caplog.at_level(logging.WARNING, "mentiond"):
        await works.poll(announced(web, make_post("1"), make_post("2", "Acme fell")))
    assert sorted(column(works.store, posts.c.text)) == ["Acme fell", "Acme is broken"]
    assert "2 of 2 articles could not be read: a consent page (2)" in caplog.text


async def test_without_the_wish_no_article_is_fetched(works: Works, web: Web) -> None:
    serve(web, pages.article())
    await works.poll(make_page(make_post("1", url=web.url("/article"))))
    assert asked(web) == 0
