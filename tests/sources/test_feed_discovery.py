"""From the address of a site to its feed, through the real parser and its children."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from sources.base import BACKOFF_LONG, Cursor, Page, SourceError
from sources.feed import FeedSettings, FeedSource
from sources.feed_parser import FeedParser
from tests.fakes import FixedClock, plain_http
from tests.servers import Web

COMMENTS = '<link rel="alternate" type="application/rss+xml" title="Blog &raquo; Kommentar-Feed" href="/kommentare">'
POSTS = '<link rel="ALTERNATE" type="Application/Atom+XML" title="Blog &raquo; Feed" href="posts.xml">'
LOGIN = '<form><input name="p" type="password"></form>'


def page(*links: str, body: str = "Willkommen") -> bytes:
    return f"<!DOCTYPE html><html><head><title>Blog</title>{''.join(links)}</head><body>{body}</body></html>".encode()


def rss(*numbers: int) -> bytes:
    entries = "".join(f"<item><guid>https://b.test/{n}</guid><title>Nummer {n}</title></item>" for n in numbers)
    return f"<rss version='2.0'><channel><title>Blog</title>{entries}</channel></rss>".encode()


@dataclass(slots=True)
class Poller:
    web: Web
    source: FeedSource
    clock: FixedClock
    cursor: Cursor = field(default_factory=dict)

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        self.web[path] = (status, headers, body)

    async def poll(self) -> Page:
        self.clock.advance(timedelta(minutes=5))
        page = await self.source.fetch(self.cursor)
        self.cursor = json.loads(json.dumps(page.cursor))
        return page

    def asked(self) -> list[str]:
        paths = [request.path for request in self.web.requests]
        self.web.requests.clear()
        return paths


@pytest.fixture
async def poller(web: Web) -> AsyncIterator[Poller]:
    config = FeedSettings.model_validate(
        {"name": "blog", "type": "feed", "url": "https://b.test/blog/", "base_url": web.base}
    )
    clock, parser = FixedClock(), FeedParser()
    async with plain_http() as http:
        yield Poller(web, FeedSource(config, http, parser, clock), clock)
    await parser.close()


async def test_the_feed_that_a_page_declares_is_read_and_kept(poller: Poller) -> None:
    poller.serve("/blog/", page(COMMENTS, POSTS))
    poller.serve("/blog/posts.xml", rss(1, 2), ETag='"a"')
    first = await poller.poll()
    assert {post.title for post in first.posts} == {"Nummer 1", "Nummer 2"}
    (notice,) = first.notices
    assert f"its feed {poller.web.base}/blog/posts.xml (Blog » Feed)" in notice
    assert f"it also names {poller.web.base}/kommentare (Blog » Kommentar-Feed)" in notice
    assert poller.asked() == ["/blog/", "/blog/posts.xml"]
    second = await poller.poll()
    assert second.notices == ()
    assert poller.web.requests[0].headers["if-none-match"] == '"a"'
    assert poller.asked() == ["/blog/posts.xml"]


async def test_an_address_on_the_sites_host_goes_through_base_url(poller: Poller) -> None:
    poller.serve("/blog/", page(POSTS.replace("posts.xml", "https://b.test/posts.xml")))
    poller.serve("/posts.xml", rss(1))
    assert len((await poller.poll()).posts) == 1


async def test_comments_are_better_than_nothing(poller: Poller) -> None:
    poller.serve("/blog/", page(COMMENTS, POSTS))
    poller.serve("/kommentare", rss(1))
    assert len((await poller.poll()).posts) == 1
    assert poller.asked() == ["/blog/", "/blog/posts.xml", "/kommentare"]


async def test_the_usual_places_are_tried_where_a_page_names_none(poller: Poller) -> None:
    poller.serve("/blog/", page())
    poller.serve("/blog/atom.xml", rss(1))
    assert len((await poller.poll()).posts) == 1
    assert poller.asked()[-1] == "/blog/atom.xml"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (page(body=LOGIN), "asks for a login"),
        (page(body="Just a moment... challenge-platform"), "checks for robots"),
    ],
)
async def test_a_barrier_is_no_feed_and_nothing_else_is_asked(poller: Poller, body: bytes, what: str) -> None:
    poller.serve("/blog/", body)
    with pytest.raises(SourceError, match=f"not a feed: an HTML page that {what}") as caught:
        await poller.poll()
    assert caught.value.backoff_limit == BACKOFF_LONG
    assert poller.asked() == ["/blog/"]


async def test_a_login_in_the_corner_of_a_board_does_no_harm(poller: Poller) -> None:
    poller.serve("/blog/", page(POSTS, body=LOGIN))
    poller.serve("/blog/posts.xml", rss(1))
    assert len((await poller.poll()).posts) == 1


async def test_a_site_without_a_feed_is_asked_a_few_times_and_called_what_it_is(poller: Poller) -> None:
    poller.serve("/blog/", page())
    with pytest.raises(SourceError, match='/blog/: not a feed: an HTML page "Blog", not a feed'):
        await poller.poll()
    assert len(poller.asked()) <= 9


async def test_a_feed_that_turns_into_a_page_is_not_looked_for_elsewhere(poller: Poller) -> None:
    poller.serve("/blog/", rss(1))
    await poller.poll()
    poller.serve("/blog/", page(POSTS))
    poller.serve("/blog/posts.xml", rss(2))
    with pytest.raises(SourceError, match="not a feed"):
        await poller.poll()
    assert poller.asked() == ["/blog/", "/blog/"]


@pytest.mark.parametrize(("status", "body"), [(404, b""), (200, page())])
async def test_a_found_feed_that_fails_is_looked_for_anew(poller: Poller, status: int, body: bytes) -> None:
    poller.serve("/blog/", page(POSTS))
    poller.serve("/blog/posts.xml", rss(1))
    await poller.poll()
    poller.serve("/blog/posts.xml", body, status)
    poller.serve("/blog/", page(POSTS.replace("posts.xml", "new.xml")))
    poller.serve("/blog/new.xml", rss(1, 2))
    page_ = await poller.poll()
    assert [post.title for post in page_.posts][-1] == "Nummer 2" or len(page_.posts) == 2
    assert not page_.gaps
    poller.asked()
    await poller.poll()
    assert poller.asked() == ["/blog/new.xml"]


async def test_a_page_that_becomes_the_feed_is_read_itself(poller: Poller) -> None:
    poller.serve("/blog/", page(POSTS))
    poller.serve("/blog/posts.xml", rss(1))
    await poller.poll()
    poller.serve("/blog/posts.xml", b"", 410)
    poller.serve("/blog/", rss(1, 2))
    assert len((await poller.poll()).posts) == 2
    poller.asked()
    await poller.poll()
    assert poller.asked() == ["/blog/"]


async def test_a_found_feed_in_trouble_is_waited_for(poller: Poller) -> None:
    poller.serve("/blog/", page(POSTS))
    poller.serve("/blog/posts.xml", rss(1))
    await poller.poll()
    poller.serve("/blog/posts.xml", b"", 503)
    with pytest.raises(SourceError, match="503"):
        await poller.poll()
    assert poller.asked()[-1] == "/blog/posts.xml"


async def test_a_server_that_asks_for_patience_gets_it(poller: Poller) -> None:
    poller.serve("/blog/", page(POSTS))
    poller.serve("/blog/posts.xml", b"", 429, **{"Retry-After": "40"})
    with pytest.raises(SourceError) as caught:
        await poller.poll()
    assert caught.value.retry_after == 40


async def test_a_probe_names_every_feed(poller: Poller) -> None:
    poller.serve("/blog/", page(COMMENTS, POSTS))
    poller.serve("/blog/posts.xml", rss(1, 2))
    line = await poller.source.probe()
    assert line == (
        f"a page; its feed {poller.web.base}/blog/posts.xml (Blog » Feed); it also names {poller.web.base}/kommentare "
        "(Blog » Kommentar-Feed): rss feed 'Blog' with 2 entries"
    )


async def test_links_that_are_no_feeds_are_passed_over(poller: Poller) -> None:
    strange = (
        '<link rel="alternate" type="application/rss+xml" href="javascript:alert(1)">',
        '<link rel="alternate" type="application/rss+xml" href="http://[x/">',
        '<link rel="alternate" type="text/html" href="/mobile">',
        '<link rel="alternate" hreflang="de" href="/de">',
        '<link rel="stylesheet" type="application/rss+xml" href="/style">',
    )
    poller.serve("/blog/", page(*strange, '<base href="/other/">', POSTS))
    poller.serve("/other/posts.xml", rss(1))
    (notice,) = (await poller.poll()).notices
    assert "also" not in notice
    assert poller.asked() == ["/blog/", "/other/posts.xml"]
