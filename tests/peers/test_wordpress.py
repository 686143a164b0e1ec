"""WordPress's feeds of posts and comments, read through the guarded session: 304, edits, a window that slides."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter

from monitor.http import GuardedHttp
from sources.base import Cursor, Page
from sources.feed import FeedSettings, FeedSource
from sources.feed_parser import FeedParser
from tests.acceptance.running import CONSOLE, Installation, configuration
from tests.peers.wordpress import WordPress

SETTINGS: TypeAdapter[FeedSettings] = TypeAdapter(FeedSettings)
WINDOW = 10  # entries that a feed shows by default
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)


@dataclass(slots=True)
class Reader:
    """One feed, polled again and again; counts the seconds of the blog's own clock."""

    source: FeedSource
    cursor: Cursor = field(default_factory=dict)

    async def read(self) -> Page:
        page = await self.source.fetch(json.loads(json.dumps(self.cursor)))
        self.cursor = page.cursor
        return page


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    guarded = GuardedHttp(contact="ops@example.com", per_host=2, allow_hosts=["127.0.0.1"], clock=_now)
    async with guarded as session:
        yield session


@pytest.fixture
async def parser() -> AsyncIterator[FeedParser]:
    made = FeedParser()
    yield made
    await made.close()


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Times:
    """A later second for each thing that is written: validators tell seconds apart."""

    at: datetime = BEGAN

    def next(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@pytest.fixture(scope="module")
def times() -> Times:
    return Times()


def reader(blog: WordPress, http: GuardedHttp, parser: FeedParser, path: str) -> Reader:
    config = SETTINGS.validate_python({"name": "blog", "type": "feed", "url": blog.url(path)})
    return Reader(FeedSource(config, http, parser, _now))


@pytest.mark.parametrize("form", ["rss2", "atom", "rdf"])
async def test_posts_once_then_not_modified(
    blog: WordPress, http: GuardedHttp, parser: FeedParser, times: Times, form: str
) -> None:
    feed = reader(blog, http, parser, f"/?feed={form}")
    blog.post(f"Acme & Müller {form}", "<p>Grüße, <b>Acme</b> ist kaputt 💥</p>", times.next())
    first = await feed.read()
    post = first.posts[-1]
    assert (post.title, post.text, post.author) == (
        f"Acme & Müller {form}",
        "Grüße, Acme ist kaputt 💥",
        "admin",
    )
    assert (post.published_at, post.dated) == (times.at, True)
    unchanged = await feed.read()
    assert (unchanged.body, unchanged.posts, unchanged.cursor) == (False, (), first.cursor)  # 304
    blog.post(f"Second {form}", "more", times.next())
    again = await feed.read()
    assert (again.body, again.posts[-1].title) == (True, f"Second {form}")
    assert not again.gaps
    assert {one.external_id for one in first.posts} < {one.external_id for one in again.posts}


async def test_an_edit_keeps_its_identity(blog: WordPress, http: GuardedHttp, parser: FeedParser, times: Times) -> None:
    feed = reader(blog, http, parser, "/?feed=rss2")
    number = blog.post("Before", "first words", times.next())
    before = (await feed.read()).posts[-1]
    blog.edit(number, "other words", times.next())
    after = next(one for one in (await feed.read()).posts if one.title == "Before")
    assert (after.external_id, after.text, before.text) == (before.external_id, "other words", "first words")


async def test_comments_of_the_blog_and_of_one_post(
    blog: WordPress, http: GuardedHttp, parser: FeedParser, times: Times
) -> None:
    number = blog.post("Talked about", "words", times.next())
    blog.comment(number, "Kim Müller", "Acme ruft nie zurück & so", times.next())
    feeds = [reader(blog, http, parser, path) for path in ("/?feed=comments-rss2", f"/?feed=rss2&p={number}")]
    for feed in feeds:
        [comment] = (await feed.read()).posts
        assert (comment.author, comment.published_at) == ("Kim Müller", times.at)
        assert "Acme ruft nie zurück & so" in comment.text
        assert (await feed.read()).body is False
    blog.comment(number, "Max", "Bei mir auch", times.next())
    for feed in feeds:
        page = await feed.read()
        assert [one.author for one in page.posts] == ["Kim Müller", "Max"]
        assert not page.gaps


async def test_more_posts_than_the_feed_shows_are_a_gap(
    blog: WordPress, http: GuardedHttp, parser: FeedParser, times: Times
) -> None:
    feed = reader(blog, http, parser, "/?feed=rss2")
    blog.post("Last seen", "words", times.next())
    await feed.read()
    for number in range(WINDOW + 2):
        blog.post(f"Burst {number}", "words", times.next())
    page = await feed.read()
    assert [one.title for one in page.posts] == [f"Burst {number}" for number in range(2, WINDOW + 2)]
    assert len(page.gaps) == 1


async def test_from_post_to_alert_with_the_real_program(blog: WordPress, installed: Installation, times: Times) -> None:
    source = {"name": "blog", "type": "feed", "url": blog.url("/?feed=rss2"), "backlog": "all"}
    installed.write(configuration([source], [CONSOLE]))
    blog.post("Acme once", "broken", times.next())
    titles = [line["mention"]["post"]["title"] for line in (await installed.once()).lines]
    assert "Acme once" in titles
    blog.post("Acme twice", "broken", times.next())
    assert [line["mention"]["post"]["title"] for line in (await installed.once()).lines] == ["Acme twice"]
    assert (await installed.once()).lines == []
