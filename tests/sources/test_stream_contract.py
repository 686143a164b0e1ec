"""What every stream promises. A new one gets all of it with `make_stream` in its module in tests/sources/benches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sources import websocket
from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, Page, Post, SourceError, Stream
from sources.registry import SourceConfig, build
from tests.fakes import START, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import benches, name_of
from tests.sources.benches.bench import HOSTILE, Item, items, says
from tests.sources.benches.stream import StreamBench, Tail

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
PAGE, PAGE_SECONDS, SETTLED, SILENT = 20, 0.1, 0.3, 0.5


@dataclass(slots=True)
class Listener:
    """Plays the pipeline: keeps the cursor of each page as JSON, and every post that it was given."""

    bench: StreamBench
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)
    cursor: str = "{}"
    pages: list[Page] = field(default_factory=list)

    @property
    def source(self) -> Stream:
        """Built anew each time: a source remembers nothing."""
        tools = source_tools(self.http, clock=self.clock)
        parts = build(CONFIG.validate_python({"name": "mine"} | self.bench.keys), tools).values()
        (made,) = (part for part in parts if isinstance(part, Stream))
        return made

    def listen(self) -> AsyncGenerator[Page, None]:
        return self.source.listen(json.loads(self.cursor))

    def store(self, page: Page) -> None:
        assert list(page.posts) == sorted(page.posts, key=lambda post: post.published_at)
        self.cursor = json.dumps(page.cursor)
        self.pages.append(page)

    async def read(self, until: int | None = None) -> list[Post]:
        """Pages up to the present, or that many posts."""
        posts = await self._read(until)
        await asyncio.wait_for(self.bench.left.wait(), 5)  # or what is posted next would be sent to nobody
        return posts

    async def _read(self, until: int | None) -> list[Post]:
        posts: list[Post] = []
        was_told = self.bench.resumes  # what cannot be resumed is never behind, so the server says when it is done
        async with asyncio.timeout(10), aclosing(self.listen()) as pages:
            async for page in pages:
                self.store(page)
                posts += page.posts
                if (until is None and not page.more and was_told) or (until is not None and len(posts) >= until):
                    return posts
                was_told = was_told or self.bench.is_told
        raise AssertionError("the stream ended without an error")

    async def read_to_the_end(self) -> tuple[list[Post], SourceError]:
        """Pages until the stream breaks off."""
        posts: list[Post] = []
        with pytest.raises(SourceError) as caught:
            async with asyncio.timeout(10), aclosing(self.listen()) as pages:
                async for page in pages:
                    self.store(page)
                    posts += page.posts
        return posts, caught.value

    @property
    def gaps(self) -> list[str]:
        return [gap.detail for page in self.pages for gap in page.gaps]

    @property
    def notices(self) -> list[str]:
        return [notice for page in self.pages for notice in page.notices]


@pytest.fixture(params=benches("make_stream"), ids=name_of)
def bench(request: pytest.FixtureRequest, web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StreamBench:
    made: StreamBench = request.param.make_stream(web, tmp_path)
    values = {"MOST_EVENTS": PAGE, "PAGE_SECONDS": PAGE_SECONDS}
    for name, value in (values | {"SETTLED_SECONDS": SETTLED} if made.resumes else values).items():
        monkeypatch.setattr(made.module, name, value)
    made.post(*items(1, 3))
    return made


@pytest.fixture
async def listener(bench: StreamBench) -> AsyncIterator[Listener]:
    async with plain_http() as http:
        yield Listener(bench, http)


@pytest.fixture
def resuming(bench: StreamBench) -> None:
    """For what only a stream with a cursor can promise; what the others miss is read by another part."""
    if not bench.resumes:
        pytest.skip("this stream cannot be resumed: another part polls the same posts and loses nothing")


def texts(posts: list[Post]) -> list[str]:
    return [post.text for post in posts]


def numbered(first: int, last: int) -> set[str]:
    return {f"text {n}" for n in range(first, last + 1)}


async def test_a_first_connection_gives_what_is_there(listener: Listener) -> None:
    posts = await listener.read()
    assert texts(posts) == ["text 1", "text 2", "text 3"]
    assert len({post.external_id for post in posts}) == 3
    assert {post.source for post in posts} == {"mine"}
    assert all(post.published_at <= START and post.published_at.utcoffset() == timedelta(0) for post in posts)
    assert not listener.gaps


async def test_what_is_posted_while_it_listens_comes_at_once(listener: Listener) -> None:
    async with asyncio.timeout(5), aclosing(listener.listen()) as pages:
        found: list[str] = []
        async for page in pages:
            found += texts(list(page.posts))
            if "text 3" in found and "text 4" not in found:
                listener.bench.post(*items(4, 4))
            if "text 4" in found:
                break


async def test_pages_come_though_nothing_is_posted(listener: Listener) -> None:
    await listener.read()
    async with asyncio.timeout(5), aclosing(listener.listen()) as pages:
        empty = [page async for page, _ in _zip(pages, 3)]
    assert not any(page.posts for page in empty)
    assert {json.dumps(page.cursor) for page in empty} == {listener.cursor}


async def _zip(pages: AsyncGenerator[Page, None], count: int) -> AsyncIterator[tuple[Page, int]]:
    for number in range(count):
        yield await anext(pages), number


async def test_a_resumed_stream_repeats_nothing_that_was_stored(listener: Listener) -> None:
    await listener.read()
    assert await listener.read() == []
    listener.bench.post(*items(4, 5))
    assert texts(await listener.read(until=2)) == ["text 4", "text 5"]


@pytest.mark.usefixtures("resuming")
async def test_a_kill_between_pages_loses_nothing_and_repeats_one_page_at_most(listener: Listener) -> None:
    listener.bench.post(*items(4, 5 * PAGE))
    async with asyncio.timeout(5), aclosing(listener.listen()) as pages:
        first = await anext(pages)
        listener.store(first)
        killed = await anext(pages)  # never stored
    rest = await listener.read(until=5 * PAGE - len(first.posts))
    assert set(texts(list(first.posts))) | set(texts(rest)) == numbered(1, 5 * PAGE)
    assert not set(texts(rest)) & set(texts(list(first.posts)))
    assert set(texts(list(killed.posts))) <= set(texts(rest))


async def test_the_cursor_is_json_and_the_input_is_left_alone(listener: Listener) -> None:
    await listener.read()
    given: Cursor = json.loads(listener.cursor)
    async with aclosing(listener.source.listen(given)) as pages:
        await anext(pages)
    assert given == json.loads(listener.cursor)


@pytest.mark.usefixtures("resuming")
async def test_what_lies_behind_the_present_goes_on_at_once_and_shows_its_lag(listener: Listener) -> None:
    listener.bench.post(*items(4, 3 * PAGE))
    listener.clock.advance(timedelta(minutes=30))
    listener.bench.post(*items(3 * PAGE + 1, 3 * PAGE + 1, newest=listener.clock()))
    await listener.read()
    assert [page.more for page in listener.pages[:3]] == [True, True, True]
    assert listener.pages[0].reached is not None
    assert listener.clock() - listener.pages[0].reached > timedelta(minutes=30)
    assert listener.pages[-1].reached == listener.clock()


@pytest.mark.usefixtures("resuming")
async def test_a_cursor_that_is_too_old_is_a_gap_and_reading_goes_on(listener: Listener) -> None:
    await listener.read()
    listener.bench.post(*items(4, 9))
    listener.bench.oldest = 7
    posts = await listener.read(until=3)
    assert texts(posts) == ["text 7", "text 8", "text 9"]
    assert len(listener.gaps) == 1


@pytest.mark.parametrize("tail", ["close", "reset", "error"])
async def test_a_stream_that_breaks_off_is_a_source_error_and_goes_on_later(listener: Listener, tail: Tail) -> None:
    listener.bench.tail = tail
    posts, error = await listener.read_to_the_end()
    assert texts(posts) == ["text 1", "text 2", "text 3"]
    assert (error.permanent, error.retry_after, error.backoff_limit) == (False, None, BACKOFF_SHORT)
    listener.bench.tail = "hold"
    listener.bench.post(*items(4, 4))
    assert texts(await listener.read(until=1)) == ["text 4"]
    assert not listener.gaps


GARBAGE: list[str | bytes] = [
    b"",
    b"\x00\xff\xfe",
    b"[" * 100_000,
    b"null",
    b"[1, 2]",
    b'{"$type": 7}',
    b'{"cut": [1',
    "{}",
    "Ünfug",
    '""',
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_between_events_takes_none_with_it(listener: Listener, garbage: str | bytes) -> None:
    listener.bench.odd = [garbage]
    assert texts(await listener.read()) == ["text 1", "text 2", "text 3"]
    assert len(listener.notices) == 1


async def test_nothing_but_garbage_is_a_source_error(listener: Listener) -> None:
    listener.bench.odd = GARBAGE
    listener.bench.log.clear()
    posts, error = await listener.read_to_the_end()
    assert not posts
    assert "changed its shape" in str(error)
    assert not error.permanent


async def test_a_message_beyond_all_bounds_is_a_source_error(listener: Listener) -> None:
    listener.bench.odd = ['"' + "x" * 2 * websocket.MOST_BYTES + '"']
    _, error = await listener.read_to_the_end()
    assert "too large" in str(error)
    assert error.backoff_limit == BACKOFF_SHORT


async def test_hostile_posts_take_no_other_with_them(listener: Listener) -> None:
    listener.bench.post(Item(4, START - timedelta(seconds=30), HOSTILE), *items(5, 6))
    posts = await listener.read()
    assert set(texts(posts)) >= numbered(1, 3) | numbered(5, 6)
    for post in posts:
        post.text.encode()
        assert "\0" not in post.text


async def test_an_edit_keeps_its_id_and_is_told_as_one(listener: Listener) -> None:
    before = {post.text: post.external_id for post in await listener.read()}
    listener.bench.edit(Item(2, START - timedelta(seconds=30), "text 2, edited"))
    posts = await listener.read(until=1)
    assert [(post.text, post.external_id) for post in posts] == [("text 2, edited", before["text 2"])]
    assert listener.pages[-1].edited == (before["text 2"],)


async def test_a_deletion_is_told_of(listener: Listener) -> None:
    shown: dict[str, str] = {}
    async with asyncio.timeout(5), aclosing(listener.listen()) as pages:
        async for page in pages:
            shown |= {post.text: post.external_id for post in page.posts}
            if "text 3" in shown and not any(one.text is None for one in listener.bench.log):
                listener.bench.delete(Item(2, START - timedelta(seconds=30), ""))
            if page.deleted:
                break
    assert page.deleted == (shown["text 2"],)


async def test_a_post_that_is_gone_before_its_page_is_never_given(listener: Listener) -> None:
    listener.bench.delete(Item(2, START - timedelta(seconds=30), ""))
    assert texts(await listener.read()) == ["text 1", "text 3"]


async def test_a_slow_store_holds_memory_bounded(listener: Listener) -> None:
    frame = len(listener.bench.frame(listener.bench.log[0])) + 4_000
    offered = 100 * 2**20 // frame
    listener.bench.post(*(Item(n, START - timedelta(seconds=60), f"{n}" + "x" * 4_000) for n in range(4, offered)))
    async with asyncio.timeout(20), aclosing(listener.listen()) as pages:
        await anext(pages)
        before = -1
        while before != listener.bench.sent:  # until the server cannot send any more
            before = listener.bench.sent
            await asyncio.sleep(0.2)
        assert listener.bench.sent < offered
        assert listener.bench.sent * frame < 24 * 2**20  # the page, and what both ends of the connection hold
        assert len((await anext(pages)).posts) <= PAGE


async def test_a_cancelled_listener_ends_at_once(listener: Listener) -> None:
    async def listen() -> None:
        async with aclosing(listener.listen()) as pages:
            async for page in pages:
                listener.store(page)

    task = asyncio.create_task(listen())
    async with asyncio.timeout(5):
        while len(listener.pages) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    started = asyncio.get_running_loop().time()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert asyncio.get_running_loop().time() - started < websocket.CLOSE_SECONDS / 2


async def test_a_stream_that_was_left_lets_go_of_its_connection(listener: Listener) -> None:
    await listener.read()
    connector = listener.http.session_for("").connector
    assert connector is not None
    assert not connector._acquired


@pytest.mark.parametrize(("tail", "is_noticed"), [("hold", True), ("ping", False)])
async def test_a_silent_server_is_noticed_and_one_that_pings_is_not_silent(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, tail: Tail, is_noticed: bool
) -> None:
    monkeypatch.setattr(websocket, "SILENT_SECONDS", SILENT)
    listener.bench.log.clear()
    listener.bench.tail = tail
    pages = 0
    with pytest.raises(SourceError, match="nothing was heard"):
        async with asyncio.timeout(5), aclosing(listener.listen()) as stream:
            async for _ in stream:
                pages += 1
    assert pages == (5 if is_noticed else 6)


async def test_the_time_of_one_request_is_no_limit_to_a_stream(bench: StreamBench) -> None:
    async with plain_http(0.3) as http:
        listener = Listener(bench, http)
        async with asyncio.timeout(5), aclosing(listener.listen()) as pages:
            seen = [page async for page, _ in _zip(pages, 6)]
            bench.post(*items(4, 4))
            assert texts(list((await anext(pages)).posts)) == ["text 4"]
    assert len(seen) * PAGE_SECONDS > 0.3


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502, 503])
async def test_f15_f17_refusals(listener: Listener, web: Web, status: int) -> None:
    headers = {"Retry-After": "40"} if status in (429, 503) else {}
    headers |= {listener.bench.reason: "not you"} if listener.bench.reason else {}
    web.fault = says(status, headers, b'{"error": "Refused", "message": "not you"}')
    _, error = await listener.read_to_the_end()
    assert str(status) in str(error)
    assert "not you" in str(error)
    assert error.permanent == (status == 410 or (status == 401 and listener.bench.has_credentials))
    assert error.retry_after == (40 if status in (429, 503) else None)
    passes_by_itself = status >= 500 or status == 429
    assert error.backoff_limit == (BACKOFF_SHORT if passes_by_itself else BACKOFF_LONG)
    with pytest.raises(SourceError):
        await listener.source.probe()


async def test_a_page_in_place_of_a_stream_is_a_source_error(listener: Listener, web: Web) -> None:
    for body in (b"<html>login</html>", b"{}", b""):
        web.fault = says(200, {}, body)
        _, error = await listener.read_to_the_end()
        assert (error.permanent, error.backoff_limit) == (False, BACKOFF_LONG)


async def test_f17_no_server_is_a_source_error(listener: Listener) -> None:
    listener.bench.keys["base_url"] = "http://127.0.0.1:1"
    _, error = await listener.read_to_the_end()
    assert error.backoff_limit == BACKOFF_SHORT
    listener.bench.keys["base_url"] = "http://does-not-exist.invalid"
    _, error = await listener.read_to_the_end()
    assert error.backoff_limit == BACKOFF_LONG


async def test_a_probe_says_one_line(listener: Listener) -> None:
    line = await listener.source.probe()
    assert line
    assert line.isprintable()
