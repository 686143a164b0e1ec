"""What is special about Reddit: praw and its thread, anchors that vanish, what is gone, and the feeds."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest
from aiohttp import web as aio
from pydantic import ValidationError

from sources.base import BACKOFF_LONG, Cursor, Page, PostKind, Source, SourceError
from sources.document import Document, Entry
from sources.reddit import RedditSettings
from sources.registry import build
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches.reddit import LIMITS, TOKEN, listing

KEYS = {"name": "mine", "type": "reddit", "subreddits": ["de"], "client_id": "id", "client_secret": "s3cret"}
NOW = int(START.timestamp())
POST = {
    "name": "t3_1abc",
    "subreddit": "de",
    "author": "Kim_1",
    "title": "Acme & ich",
    "selftext": "Mein **Acme**",
    "selftext_html": '<div class="md"><p>Mein <strong>Acme</strong></p></div>',
    "is_self": True,
    "url": "https://www.reddit.com/r/de/comments/1abc/acme_ich/",
    "permalink": "/r/de/comments/1abc/acme_ich/",
    "created_utc": NOW - 60.0,
    "score": 5,
    "num_comments": 2,
}
COMMENT = {
    "name": "t1_kx1",
    "subreddit": "de",
    "author": "lee",
    "body": "> zitiert\n\nGeht nicht",
    "body_html": '<div class="md"><blockquote><p>zitiert</p></blockquote><p>Geht nicht</p></div>',
    "link_id": "t3_1abc",
    "link_title": "Acme",
    "parent_id": "t1_kw9",
    "permalink": "/r/de/comments/1abc/acme_ich/kx1/",
    "created_utc": NOW - 30.0,
    "score": -2,
}


@dataclass(slots=True)
class Reddit:
    """A listing, newest first, that a test changes; what was asked stands in `web`."""

    web: Web
    http: PlainHttp
    things: list[dict[str, Any]] = field(default_factory=list)
    clock: FixedClock = field(default_factory=FixedClock)
    limits: Mapping[str, str] = field(default_factory=lambda: LIMITS)

    def __post_init__(self) -> None:
        self.web["/api/v1/access_token"] = (200, {}, json.dumps(TOKEN).encode())
        for path in ("/r/de/new", "/r/de/comments", "/search"):
            self.web[path] = self.show

    async def show(self, request: aio.Request) -> aio.Response:
        children = [{"kind": thing["name"][:2], "data": thing} for thing in self.things]
        answer = listing(request, children, [thing["name"] for thing in self.things])
        answer.headers.update(self.limits)
        return answer

    def parts(self, **settings: Any) -> dict[str, Any]:
        config = RedditSettings.model_validate(KEYS | {"base_url": self.web.base} | settings)
        return dict(build(config, source_tools(self.http, clock=self.clock)))

    async def page(self, *things: dict[str, Any]) -> Page:
        self.things = list(things)
        source: Source = self.parts()["r/de/new"]
        return await source.fetch({})

    @property
    def asked(self) -> list[str]:
        return [request.path for request in self.web.requests if "access_token" not in request.path]


@pytest.fixture
async def reddit(web: Web) -> AsyncIterator[Reddit]:
    async with plain_http() as http:
        yield Reddit(web, http)


def numbered(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Posts one second apart, newest first, the newest of now."""
    return [
        POST | {"name": f"t3_{10**6 - n}", "created_utc": float(NOW - n), "selftext_html": f"text {n}"}
        for n in range(first, first + count)
    ]


async def read(source: Source, cursor: Cursor) -> tuple[list[Page], Cursor]:
    pages = []
    while True:
        page = await source.fetch(cursor)
        pages.append(page)
        cursor = json.loads(json.dumps(page.cursor))
        if not page.more:
            return pages, cursor
        assert len(pages) < 50


async def test_a_part_for_each_listing_and_one_token_for_all(reddit: Reddit) -> None:
    parts = reddit.parts(subreddits=["de", "Finanzen", "DE"], search=("acme phone",))
    assert list(parts) == ["r/de/new", "r/de/comments", "r/finanzen/new", "r/finanzen/comments", "search/acme phone"]
    await parts["r/de/comments"].fetch({})
    await parts["search/acme phone"].fetch({})
    token, comments, search = reddit.web.requests
    assert (token.method, token.body) == ("POST", b"grant_type=client_credentials")
    assert token.headers["authorization"] == "Basic aWQ6czNjcmV0"
    assert comments.headers["authorization"] == "bearer eyJ.access"
    assert comments.path == "/r/de/comments?limit=100&raw_json=1"
    assert search.path == "/search?q=acme+phone&sort=new&t=all&type=link&limit=100&raw_json=1"


async def test_the_fields_of_a_post_and_of_a_comment(reddit: Reddit) -> None:
    link = POST | {
        "name": "t3_1abb",
        "is_self": False,
        "selftext": "",
        "selftext_html": None,
        "url": "https://acme.test/x",
    }
    linked, first, second = (await reddit.page(COMMENT, POST, link)).posts
    assert linked.text == "https://acme.test/x"
    assert first.external_id == first.thread == "t3_1abc"
    assert (first.title, first.text) == ("Acme & ich", "Mein Acme")
    assert first.url == "https://www.reddit.com/r/de/comments/1abc/acme_ich/"
    assert (first.author, first.kind, first.engagement, first.parent) == ("Kim_1", PostKind.POST, 7, None)
    assert (second.external_id, second.kind, second.title) == ("t1_kx1", PostKind.COMMENT, "")
    assert (second.parent, second.thread, second.engagement) == ("t1_kw9", "t3_1abc", -2)
    assert second.text.split() == ["zitiert", "Geht", "nicht"]
    assert second.published_at.timestamp() == NOW - 30


async def test_what_is_gone_is_told_and_a_deleted_account_is_not_a_deleted_post(reddit: Reddit) -> None:
    page = await reddit.page(
        COMMENT | {"body": "[removed]"},
        POST | {"removed_by_category": "moderator"},
        POST | {"name": "t3_2", "selftext": "[deleted]"},
        POST | {"name": "t3_3", "author": "[deleted]"},
    )
    assert page.deleted == ("t1_kx1", "t3_1abc", "t3_2")
    assert [(post.external_id, post.author) for post in page.posts] == [("t3_3", None)]


async def test_things_that_cannot_be_read_are_left_out_and_told_of(reddit: Reddit) -> None:
    page = await reddit.page(POST, POST | {"name": "t5_x"}, POST | {"name": "t3_9", "created_utc": "soon"})
    assert [post.external_id for post in page.posts] == ["t3_1abc"]
    assert page.notices == ("2 items could not be read and were left out",)


async def test_an_old_comment_without_a_permalink(reddit: Reddit) -> None:
    (post,) = (await reddit.page({key: value for key, value in COMMENT.items() if key != "permalink"})).posts
    assert post.url == "https://www.reddit.com/r/de/comments/1abc/_/kx1/"


async def test_a_quiet_pass_is_one_request(reddit: Reddit) -> None:
    reddit.things = numbered(400, first=300)
    source = reddit.parts()["r/de/new"]
    _, cursor = await read(source, {"floor": NOW - 310})
    assert cursor == {"floor": NOW - 300}
    reddit.web.requests.clear()
    reddit.things = numbered(402, first=298)
    pages, _ = await read(source, cursor)
    assert len(reddit.asked) == len(pages) == 2  # the overlap of two minutes is longer than a page here
    reddit.things = [thing | {"created_utc": thing["created_utc"] - 900} for thing in numbered(100)]
    pages, _ = await read(source, {"floor": NOW})
    assert len(pages) == 1


@pytest.mark.parametrize("lost", [{1}, {1, 2}, {1, 2, 3, 4, 5}])
async def test_the_item_that_a_pass_would_go_on_from_is_deleted(reddit: Reddit, lost: set[int]) -> None:
    reddit.things = numbered(250)
    source = reddit.parts()["r/de/new"]
    first = await source.fetch({"floor": NOW - 240})
    assert first.more
    del reddit.things[50]  # shifts nothing: there are no page numbers
    reddit.things = [thing for n, thing in enumerate(reddit.things, 1) if 100 - n not in lost]
    pages, _ = await read(source, first.cursor)
    seen = {post.text for page in [first, *pages] for post in page.posts}
    assert seen >= {f"text {n}" for n in range(240)}
    assert not any(page.gaps for page in pages)


async def test_all_items_that_a_pass_would_go_on_from_are_deleted(reddit: Reddit) -> None:
    """What Reddit then shows looks like the end of a listing that is shorter than its floor."""
    reddit.things = numbered(1000)
    source = reddit.parts()["r/de/new"]
    cursor: Cursor = {"floor": NOW - 5000}
    for _ in range(9):
        cursor = (await source.fetch(cursor)).cursor
    reddit.things.clear()
    page = await source.fetch(cursor)
    assert not page.more
    assert page.gaps


@pytest.mark.parametrize("cursor", [{}, {"floor": NOW - 5000}])
async def test_deeper_than_the_listing_is_a_gap(reddit: Reddit, cursor: Cursor) -> None:
    reddit.things = numbered(1000)
    pages, after = await read(reddit.parts()["r/de/new"], cursor)
    assert sum(len(page.posts) for page in pages) == 1000
    (gap,) = [gap.detail for page in pages for gap in page.gaps]
    assert gap == "Reddit shows 1000 items and no older ones: what came before them is lost"
    assert after == {"floor": NOW}


async def test_a_small_subreddit_that_ends_is_no_gap(reddit: Reddit) -> None:
    reddit.things = numbered(150)
    pages, _ = await read(reddit.parts()["r/de/new"], {})
    assert not any(page.gaps for page in pages)


async def test_a_limit_that_is_used_up_is_waited_for_outside(reddit: Reddit) -> None:
    reddit.limits = {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "1000", "x-ratelimit-reset": "120"}
    parts = reddit.parts()
    page = await parts["r/de/new"].fetch({})
    assert page.left == "0 of 1,000 requests until 2026-11-21 12:02 UTC"
    assert [seconds for _, seconds in reddit.http.paused] == [120]
    asked = len(reddit.web.requests)
    with pytest.raises(SourceError, match="another 120 s") as caught:
        await parts["r/de/comments"].fetch({})
    assert caught.value.retry_after == 120
    assert len(reddit.web.requests) == asked


async def test_praw_does_not_slow_down_by_itself(reddit: Reddit) -> None:
    """With these figures it would sleep for ten seconds before the second request."""
    reddit.limits = {"x-ratelimit-remaining": "10", "x-ratelimit-used": "990", "x-ratelimit-reset": "599"}
    source = reddit.parts()["r/de/new"]
    started = time.monotonic()
    await source.fetch({})
    await source.fetch({})
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("used", ["", "many", "-1", None])
async def test_strange_figures_of_the_limit_do_no_harm(reddit: Reddit, used: str | None) -> None:
    reddit.limits = {"x-ratelimit-remaining": "12"} | ({"x-ratelimit-used": used} if used is not None else {})
    reddit.limits = {**reddit.limits, "x-ratelimit-reset": "soon"}
    assert (await reddit.page(POST)).posts


async def test_a_token_that_ran_out_is_renewed(reddit: Reddit) -> None:
    refused = {"left": 1}

    async def show(request: aio.Request) -> aio.Response:
        if refused["left"]:
            refused["left"] -= 1
            return aio.json_response({"message": "Unauthorized", "error": 401}, status=401)
        return await reddit.show(request)

    reddit.web["/r/de/new"] = show
    assert (await reddit.page(POST)).posts
    assert [request.path.split("?")[0] for request in reddit.web.requests] == [
        "/api/v1/access_token",
        "/r/de/new",
        "/api/v1/access_token",
        "/r/de/new",
    ]


@pytest.mark.parametrize(
    ("status", "body", "permanent"),
    [
        (401, {"message": "Unauthorized", "error": 401}, True),
        (200, {"error": "invalid_grant"}, True),
        (200, {"error": "something_new"}, False),
        (200, {"error": {}}, False),
    ],
)
async def test_credentials_that_are_refused(reddit: Reddit, status: int, body: Any, permanent: bool) -> None:
    reddit.web["/api/v1/access_token"] = (status, {}, json.dumps(body).encode())
    with pytest.raises(SourceError) as caught:
        await reddit.page(POST)
    assert caught.value.permanent == permanent
    assert "s3cret" not in str(caught.value)


async def test_a_private_subreddit_and_one_that_does_not_exist(reddit: Reddit) -> None:
    body = json.dumps({"reason": "private", "message": "Forbidden", "error": 403}).encode()
    reddit.web["/r/de/new"] = (403, {}, body)
    with pytest.raises(SourceError, match=r"HTTP 403\): Forbidden: private"):
        await reddit.page()
    reddit.web["/r/de/new"] = (302, {"Location": "/subreddits/search?q=de"}, b"")
    reddit.web["/subreddits/search"] = (200, {}, b"<html>")
    with pytest.raises(SourceError, match="no such subreddit") as caught:
        await reddit.page()
    assert caught.value.backoff_limit == BACKOFF_LONG


HANGING = """
import asyncio, sys
from sources.reddit import RedditSettings
from sources.registry import build
from tests.fakes import plain_http, source_tools

async def main():
    async with plain_http(60) as http:
        keys = {"name": "a", "type": "reddit", "subreddits": ["de"], "client_id": "i", "base_url": sys.argv[1]}
        source = build(RedditSettings.model_validate(keys), source_tools(http))["r/de/new"]
        task = asyncio.create_task(source.fetch({}))
        await asyncio.to_thread(sys.stdin.readline)  # the server has the request
        task.cancel()

asyncio.run(main())
"""


async def test_a_request_under_way_holds_no_shutdown(reddit: Reddit) -> None:
    """`reddit.fetch` hangs in its thread while the process is asked to end."""
    arrived = asyncio.Event()

    async def hang(request: aio.Request) -> aio.Response:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    reddit.web.fault = hang
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", HANGING, reddit.web.base, stdin=-1)
    await asyncio.wait_for(arrived.wait(), 30)
    started = time.monotonic()
    assert program.stdin
    program.stdin.write(b"end\n")
    await asyncio.wait_for(program.wait(), 30)
    assert program.returncode == 0
    assert time.monotonic() - started < 3


async def test_parts_that_wait_do_not_all_find_out_that_reddit_is_silent(web: Web) -> None:
    """One after the other they would take a minute and more, and hold up a shutdown for as long."""

    async def hang(request: aio.Request) -> aio.Response:
        await asyncio.Event().wait()
        raise AssertionError

    web.fault = hang
    async with plain_http(0.5) as http:
        reddit = Reddit(web, http)
        parts = reddit.parts(subreddits=["de", "finanzen", "berlin"]).values()
        errors = await asyncio.gather(*(part.fetch({}) for part in parts), return_exceptions=True)
        assert len(errors) == 6
        assert all(isinstance(error, SourceError) for error in errors)
        assert len(web.requests) == 1
        with pytest.raises(SourceError):
            await next(iter(parts)).fetch({})  # a later pass asks again
    assert len(web.requests) == 2


async def test_the_thread_is_a_daemon_and_ends_with_its_work(reddit: Reddit) -> None:
    seen: list[threading.Thread] = []

    async def show(request: aio.Request) -> aio.Response:
        seen.extend(thread for thread in threading.enumerate() if thread.name == "reddit")
        return await reddit.show(request)

    reddit.web["/r/de/new"] = show
    await reddit.page(POST)
    (thread,) = seen
    assert thread.daemon
    thread.join(5)
    assert not thread.is_alive()


async def test_without_credentials_the_feeds_are_read(reddit: Reddit) -> None:
    base = "https://www.reddit.com/r/de/comments/1abc/acme_ich/"
    comment = Entry(id="t1_kx1", link=base + "kx1/", title="/u/lee on Acme", content="Geht nicht", author="/u/lee")
    post = Entry(id="t3_1abc", link=base, title="Acme", content="Mein Acme", author="/u/Kim_1")
    document = asdict(Document(format="atom", entries=(comment, post)))
    reddit.web["/r/de/comments/.rss"] = (200, {}, json.dumps(document).encode())
    source = reddit.parts(client_id=None, client_secret=None, feed_user="kim", feed_token="t0ken")["r/de/comments"]
    page = await source.fetch({})
    assert reddit.web.requests[-1].path == "/r/de/comments/.rss?limit=100&feed=t0ken&user=kim"
    assert [(post.external_id, post.kind.value, post.thread, post.title, post.author) for post in page.posts] == [
        ("t3_1abc", "post", "t3_1abc", "Acme", "Kim_1"),
        ("t1_kx1", "comment", "t3_1abc", "", "lee"),
    ]
    assert page.notices[0].startswith("read from Reddit's feeds, best effort")
    assert "best effort" in await source.probe()


async def test_a_search_without_credentials(reddit: Reddit) -> None:
    reddit.web["/search.rss"] = (200, {}, json.dumps(asdict(Document(format="atom", entries=()))).encode())
    keys: dict[str, Any] = {"client_id": None, "client_secret": None, "subreddits": [], "search": ("acme",)}
    (source,) = reddit.parts(**keys).values()
    await source.fetch({})
    assert reddit.web.requests[-1].path.startswith("/search.rss?q=acme&sort=new")


@pytest.mark.parametrize(
    "changes",
    [
        {"subreddits": []},
        {"subreddits": ["r/de"]},
        {"subreddits": ["de+all"]},
        {"client_id": None},
        {"feed_user": "kim"},
        {"feed_token": "t"},
        {"client_id": ""},
    ],
)
def test_mistakes_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RedditSettings.model_validate(KEYS | changes)


def test_praw_is_not_loaded_before_it_is_asked() -> None:
    code = (
        "import sys\nfrom sources.reddit import RedditSettings\nfrom sources.registry import build\n"
        "from tests.fakes import source_tools, FailingHttp\nfrom sources.base import HttpError\n"
        f"build(RedditSettings.model_validate({KEYS!r}), source_tools(FailingHttp(HttpError('x'))))\n"
        "print('praw' in sys.modules, 'requests' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
