"""Articles from a real server, read by the real child: whatever a page is, the announcement survives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web as aio

from sources.articles import LARGEST, MOST, Articles
from sources.base import HttpError
from sources.robots import RobotsMemory
from tests.fakes import FailingHttp, FixedClock, PlainHttp, plain_http
from tests.servers import Web, serve_web
from tests.sources import pages

HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
async def http() -> AsyncIterator[PlainHttp]:
    async with plain_http() as made:
        yield made


@pytest.fixture
async def articles(http: PlainHttp) -> AsyncIterator[Articles]:
    made = Articles(http, RobotsMemory(http, FixedClock()))
    yield made
    await made.close()


def html(body: str, status: int = 200) -> tuple[int, dict[str, str], bytes]:
    return status, HTML, body.encode()


async def trouble(articles: Articles, url: str) -> str:
    texts = await articles.read({"a": url})
    assert texts.found == {}
    (reason,) = texts.troubles
    return reason


async def test_articles_are_read(web: Web, articles: Articles) -> None:
    web["/1"] = html(pages.article())
    latin = pages.article(
        '<meta charset="iso-8859-1">', sentence="Müller klagt gegen Acme vor dem Landgericht in Köln."
    )
    web["/2"] = (200, {"Content-Type": "text/html"}, latin.encode("latin-1"))
    texts = await articles.read({"a": web.url("/1"), "b": web.url("/2")})
    assert pages.SENTENCE in texts.found["a"]
    assert "Müller klagt gegen Acme vor dem Landgericht in Köln." in texts.found["b"]
    assert texts.notice == ""
    assert [request.path for request in web.requests].count("/robots.txt") == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (html(pages.CONSENT_DE), "a consent page"),
        (html(pages.ABO_DE), "a paywall"),
        (html(pages.article(pages.NOT_FREE)), "a paywall"),
        (html("pay", 402), "closed to us"),
        (html("law", 451), "closed to us"),
        (html("no", 404), "HTTP 404"),
        ((200, {"Content-Type": "application/pdf"}, b"%PDF-1.7"), "no HTML page"),
        ((200, HTML, b"%PDF-1.7"), "no HTML page"),
        ((200, HTML, b""), "no HTML page"),
        ((200, HTML, b"<p>" + b"x" * LARGEST), "too large"),
        (html("<div>" * 500_000 + "x"), "no article in the page"),
        (html("<b>" * 100_000 + pages.SENTENCE * 30), None),
        (html("<table><tr><td>" * 100_000), None),
        (html("<article><p>" + "&amp;" * 900_000), None),
    ],
)
async def test_what_is_no_article(
    web: Web, articles: Articles, answer: tuple[int, dict[str, str], bytes], reason: str | None
) -> None:
    web["/x"] = answer
    web["/good"] = html(pages.article())
    texts = await articles.read({"x": web.url("/x"), "good": web.url("/good")})
    assert "good" in texts.found  # the next one is read, whatever became of the child
    assert reason is None or dict(texts.troubles) == {reason: 1}


async def test_a_page_that_sends_us_to_a_consent_page(web: Web, articles: Articles) -> None:
    web["/x"] = (302, {"Location": "/zustimmung?url=x"}, b"")
    web["/zustimmung"] = html(pages.article())
    assert await trouble(articles, web.url("/x")) == "a consent page"


async def test_what_robots_txt_forbids_is_not_asked_for(web: Web, articles: Articles) -> None:
    web["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /paid/\n\nUser-agent: mentiond\nDisallow: /private")
    web["/paid/1"] = html(pages.article())
    assert await trouble(articles, web.url("/private/1")) == "robots.txt does not allow it"
    assert [request.path for request in web.requests] == ["/robots.txt"]
    assert (await articles.read({"a": web.url("/paid/1")})).found


async def test_robots_txt_holds_after_a_redirect_to_another_host(web: Web, articles: Articles) -> None:
    async with serve_web() as other:
        other["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /")
        other["/y"] = html(pages.article())
        web["/x"] = (302, {"Location": other.url("/y")}, b"")
        assert await trouble(articles, web.url("/x")) == "robots.txt does not allow it"


async def test_a_slow_page_costs_no_more_than_the_time_of_the_batch(web: Web, http: PlainHttp) -> None:
    released = asyncio.Event()

    async def hang(request: aio.Request) -> aio.Response:
        await released.wait()
        return aio.Response()

    web["/slow"] = hang
    web["/good"] = html(pages.article())
    articles = Articles(http, RobotsMemory(http, FixedClock()), seconds=4)
    await articles.read({"warm": web.url("/good")})  # the child takes a second to start
    hasty = Articles(http, RobotsMemory(http, FixedClock()), seconds=0.3)
    texts = await hasty.read({"slow": web.url("/slow")})
    released.set()
    assert dict(texts.troubles) == {"took too long": 1}
    await articles.close()
    await hasty.close()


async def test_more_than_fit_are_counted(web: Web, articles: Articles) -> None:
    web["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /")
    texts = await articles.read({str(number): web.url(f"/{number}") for number in range(MOST + 3)})
    assert dict(texts.troubles) == {"robots.txt does not allow it": MOST, "more than are read at a time": 3}
    assert texts.notice == (
        "43 of 43 articles could not be read: more than are read at a time (3), robots.txt does not allow it (40)"
    )


async def test_without_a_network_nothing_is_read() -> None:
    http = FailingHttp(HttpError("no route"))
    articles = Articles(http, RobotsMemory(http, FixedClock()))
    assert await trouble(articles, "https://a.test/x") == "robots.txt does not allow it"


async def test_nothing_asked_is_nothing_found(articles: Articles) -> None:
    texts = await articles.read({})
    assert (texts.found, texts.notice) == ({}, "")
