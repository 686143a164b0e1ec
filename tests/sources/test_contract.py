"""What every source promises. A new source gets all of it with a module in tests/sources/benches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web as aio
from pydantic import TypeAdapter

from sources.base import BACKOFF_LONG, BACKOFF_SHORT, Cursor, HttpError, Page, Post, Source, SourceError, Stream
from sources.registry import SourceConfig, build
from tests.fakes import START, FailingHttp, FixedClock, PlainHttp, plain_http, source_tools
from tests.servers import Web
from tests.sources.benches import benches, name_of
from tests.sources.benches.bench import HOSTILE, Answer, Bench, Item, items, says

CONFIG: TypeAdapter[SourceConfig] = TypeAdapter(SourceConfig)
VARIANTS = ("hackernews_walk",)  # other ways of types above, each with a bench of its own
MOST_PAGES = 500


@dataclass(slots=True)
class Reader:
    """Plays the pipeline: goes through passes, keeps the cursor as JSON, and every post it was given."""

    bench: Bench
    http: PlainHttp
    clock: FixedClock = field(default_factory=FixedClock)
    cursor: str = "{}"
    pages: list[Page] = field(default_factory=list)

    @property
    def source(self) -> Source:
        """Built anew each time: a source remembers nothing."""
        tools = source_tools(self.http, clock=self.clock, inbox=self.bench.inbox)
        (made,) = build(CONFIG.validate_python({"name": "mine"} | self.bench.keys), tools).values()
        assert not isinstance(made, Stream)  # they have a contract of their own
        return made

    async def fetch(self) -> Page:
        page = await self.source.fetch(json.loads(self.cursor))
        assert list(page.posts) == sorted(page.posts, key=lambda post: post.published_at)
        return page

    async def read(self) -> list[Post]:
        """One pass."""
        posts: list[Post] = []
        for _ in range(MOST_PAGES):
            page = await self.fetch()
            self.cursor = json.dumps(page.cursor)
            self.pages.append(page)
            posts += page.posts
            if not page.more:
                return posts
        raise AssertionError("the pass does not end")

    async def ready(self) -> Reader:
        """With an answer as the next page."""
        if self.bench.reserves:
            self.cursor = json.dumps((await self.fetch()).cursor)
        return self

    @property
    def gaps(self) -> list[str]:
        return [gap.detail for page in self.pages for gap in page.gaps]


@pytest.fixture(params=benches("make"), ids=name_of)
def bench(request: pytest.FixtureRequest, web: Web, tmp_path: Path) -> Iterator[Bench]:
    made: Bench = request.param.make(web, tmp_path)
    show(made, *items(1, 3))
    yield made
    made.close()


@pytest.fixture
async def reader(bench: Bench) -> AsyncIterator[Reader]:
    async with plain_http() as http:
        yield await Reader(bench, http).ready()


def show(bench: Bench, *new: Item) -> None:
    bench.items += new
    bench.publish()


def said(post: Post) -> str:
    """The text, or the title where a source has nothing else."""
    return post.text or post.title


def texts(posts: list[Post]) -> set[str]:
    return set(map(said, posts))


async def test_a_first_pass_gives_what_is_there(reader: Reader) -> None:
    posts = await reader.read()
    assert texts(posts) == {"text 1", "text 2", "text 3"}
    assert len({post.external_id for post in posts}) == 3
    assert {post.source for post in posts} == {"mine"}
    assert all(post.published_at <= START and post.published_at.utcoffset() == timedelta(0) for post in posts)
    assert not reader.gaps


async def test_a_pass_that_finds_nothing_new_is_quiet(reader: Reader) -> None:
    known = {post.external_id for post in await reader.read()}
    again = await reader.read()
    assert {post.external_id for post in again} <= known
    assert not any(page.gaps or page.renamed or page.deleted for page in reader.pages)


async def test_the_same_cursor_gives_the_same_page(reader: Reader) -> None:
    if reader.bench.reserves:
        pytest.skip("asks once")
    assert await reader.fetch() == await reader.fetch()


async def test_the_cursor_is_json_and_the_input_is_left_alone(reader: Reader) -> None:
    await reader.read()
    given: Cursor = json.loads(reader.cursor)
    await reader.source.fetch(given)
    assert given == json.loads(reader.cursor)


async def test_an_empty_server_is_no_error(reader: Reader) -> None:
    reader.bench.items.clear()
    show(reader.bench)
    assert await reader.read() == []
    show(reader.bench, *items(1, 2))
    assert texts(await reader.read()) >= {"text 1", "text 2"}


async def test_new_items_come_in_the_next_pass(reader: Reader) -> None:
    first = await reader.read()
    reader.clock.advance(timedelta(minutes=2))
    show(reader.bench, *items(4, 5, newest=START + timedelta(minutes=1)))
    second = await reader.read()
    assert {"text 4", "text 5"} <= texts(second)
    assert len({post.external_id for post in [*first, *second]}) == 5


async def test_an_edited_item_keeps_its_id(reader: Reader) -> None:
    if not reader.bench.shows_edits:
        pytest.skip("does not show edits")
    before = {said(post): post.external_id for post in await reader.read()}
    reader.bench.items[2].text = "text 3, edited"
    show(reader.bench)
    after = {said(post): post.external_id for post in await reader.read()}
    assert after["text 3, edited"] == before["text 3"]


async def test_an_item_that_appears_late_is_found(reader: Reader) -> None:
    if not reader.bench.shows_late:
        pytest.skip("shows nothing late")
    await reader.read()
    show(reader.bench, Item(4, START - timedelta(minutes=1) - reader.source.overlap / 2, "late"))
    assert "late" in texts(await reader.read())


async def test_a_burst_is_read_whole_or_leaves_a_gap(reader: Reader) -> None:
    await reader.read()
    reader.clock.advance(timedelta(hours=2))
    last = 2 * reader.bench.page + 10
    show(reader.bench, *items(4, last, newest=START + timedelta(hours=1)))
    posts = await reader.read()
    if reader.bench.lossless:
        assert texts(posts) >= {f"text {n}" for n in range(4, last + 1)}
        assert not reader.gaps
    else:
        assert reader.gaps


async def test_a_kill_between_pages_loses_nothing(reader: Reader) -> None:
    await reader.read()
    reader.clock.advance(timedelta(hours=2))
    last = 2 * reader.bench.page + 10
    show(reader.bench, *items(4, last, newest=START + timedelta(hours=1)))
    page = await reader.fetch()
    assert await reader.fetch() == page  # killed before the page was stored
    reader.cursor = json.dumps(page.cursor)  # stored, then killed: another process goes on
    posts = [*page.posts, *(await reader.read() if page.more else [])]
    if reader.bench.lossless:
        assert texts(posts) >= {f"text {n}" for n in range(4, last + 1)}


async def test_a_probe_says_one_line(reader: Reader) -> None:
    line = await reader.source.probe()
    assert line
    assert line.isprintable()


async def test_a_hostile_post_takes_no_other_with_it(reader: Reader) -> None:
    show(reader.bench, Item(4, START - timedelta(seconds=30), HOSTILE))
    posts = await reader.read()
    assert texts(posts) >= {"text 1", "text 2", "text 3"}
    for post in posts:
        said(post).encode()
        assert "\0" not in said(post)


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 502, 503])
async def test_f15_f17_refusals(reader: Reader, web: Web, status: int) -> None:
    bench = reader.bench
    if not bench.asks:
        pytest.skip("asks no server")
    answer: Answer = bench.refusal(status)
    web.fault = says(*answer)
    with pytest.raises(SourceError) as caught:
        await reader.fetch()
    error = caught.value
    assert str(answer[0]) in str(error) or answer[0] == 200
    assert error.permanent == (status == 410 or (status == 401 and bench.has_credentials))
    if status == 429:
        assert error.retry_after
        assert error.retry_after >= 1
    passes_by_itself = status >= 500 or status == 429
    assert error.permanent or error.backoff_limit == (BACKOFF_SHORT if passes_by_itself else BACKOFF_LONG)
    with pytest.raises(SourceError):
        await reader.source.probe()


@pytest.mark.parametrize("body", [b"", b"<html>login</html>", b"\xff\xfe\x00", b'{"cut": [1, 2', b"[" * 200_000])
async def test_what_is_not_json_is_a_source_error(reader: Reader, web: Web, body: bytes) -> None:
    if not reader.bench.asks:
        pytest.skip("asks no server")
    web.fault = says(200, {}, body)
    with pytest.raises(SourceError) as caught:
        await reader.fetch()
    assert not caught.value.permanent


async def test_a_changed_shape_is_a_source_error(reader: Reader, web: Web) -> None:
    for body in reader.bench.strange if reader.bench.asks else ():
        web.fault = says(200, {"Content-Type": "application/json"}, body)
        with pytest.raises(SourceError) as caught:
            await reader.fetch()
        assert not caught.value.permanent
        await reader.ready()


async def test_a_truncated_body_is_a_source_error(reader: Reader, web: Web) -> None:
    if not reader.bench.asks:
        pytest.skip("asks no server")

    async def cut_off(request: aio.Request) -> aio.StreamResponse:
        response = aio.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"half": ')
        assert request.transport is not None
        request.transport.close()
        return response

    web.fault = cut_off
    with pytest.raises(SourceError) as caught:
        await reader.fetch()
    assert caught.value.backoff_limit == BACKOFF_SHORT


async def test_f18_no_answer_in_time_is_a_source_error(bench: Bench, web: Web) -> None:
    if not bench.asks:
        pytest.skip("asks no server")

    async def hang(request: aio.Request) -> aio.StreamResponse:
        response = aio.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")

    web.fault = hang
    async with plain_http(0.2) as http:
        with pytest.raises(SourceError) as caught:
            await (await Reader(bench, http).ready()).fetch()
    assert caught.value.backoff_limit == BACKOFF_SHORT


async def test_f17_no_server_is_a_source_error(bench: Bench) -> None:
    if not bench.asks:
        pytest.skip("asks no server")
    http = FailingHttp(HttpError("the name does not exist", unreachable=True))
    (source,) = build(CONFIG.validate_python({"name": "mine"} | bench.keys), source_tools(http)).values()
    with pytest.raises(SourceError, match="the name does not exist") as caught:
        await source.probe()
    assert caught.value.backoff_limit == BACKOFF_LONG
